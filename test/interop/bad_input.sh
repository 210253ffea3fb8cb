#!/usr/bin/env bash
# peer: the kernel's stack, python3
# needs: python3 curl iproute2
# when: check
#
#   kernel 10.9.0.1 --- tap0 --- plumb 10.9.0.2, and a veth pair v0 --- v1        what fails on a wire: one line, curl's exit
#   number, no hang; and nothing left behind, not even by a kill
. "$(dirname "$0")/lib.sh"
need python3 curl
tap
ip -n "$N" link add v0 type veth peer name v1 || skip "cannot make a veth pair"
ip -n "$N" link set v0 up; ip -n "$N" link set v1 up
ip -n "$N" route add unreachable 10.98.0.0/16
mkdir "$tmp/www"; head -c 4000000 /dev/urandom > "$tmp/www/four"
user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
cp "$plumb" "$tmp/plumb"; chmod 755 "$tmp" "$tmp/plumb"         # where that user can read it

# wants EXIT WORD-IN-THE-LINE COMMAND...
wants() {
    local want=$1 word=$2 code; shift 2
    in_ns timeout 30 "${as[@]}" "$tmp/plumb" "$@" > "$tmp/out" 2> "$tmp/err" < /dev/null; code=$?
    [ $code = "$want" ] || fail "plumb $*: exit $code instead of $want: $(cat "$tmp/err")"
    [ "$(grep -c '^plumb: ' "$tmp/err")" = 1 ] || fail "plumb $*: not one line: $(cat "$tmp/err")"
    [ "$1" != fetch ] || [ "$(wc -l < "$tmp/err")" = 1 ] || fail "plumb $*: not one line: $(cat "$tmp/err")"
    grep '^plumb: ' "$tmp/err" | grep -q -- "$word" || fail "plumb $*: no \"$word\" in: $(cat "$tmp/err")"
}
as=()
# Everything that a command could leave: links, addresses, routes, processes, namespaces, files.
around() {
    ip -n "$N" link | grep -v '^ *link/' | sed 's/<[^>]*>//; s/ state [A-Z]*//'
    ip -n "$N" -d link | grep -o 'promiscuity [0-9]*'
    ip -n "$N" -4 addr show | grep inet; ip -n "$N" route
    ip netns pids "$N" | wc -l
    ip netns list | grep -c "^plumb-$$-"
    find "$tmp" -newer "$tmp/plumb" ! -name out ! -name err ! -name got ! -name before ! -name after ! -path "$tmp" | sort
    find /dev/shm /run/plumb* /tmp/plumb* -maxdepth 1 -user root -newer "$tmp/plumb" -name 'plumb*' 2>/dev/null | grep -v "^/run/netns" | sort
}
settled() { for _ in $(seq 40); do around > "$tmp/after"; cmp -s "$tmp/before" "$tmp/after" && return 0; sleep 0.05; done
            fail "$1 left something behind: $(diff "$tmp/before" "$tmp/after")"; }
sleep 0.3; around > "$tmp/before"

# ---- names, ports, addresses
wants 7 refused fetch -sS --via $VIA http://10.9.0.1:81/
wants 28 "timed out" fetch -sS --via $VIA --connect-timeout 1 http://10.99.0.1/       # the kernel does not forward, and says nothing
wants 28 "timed out" fetch -sS --via $VIA -m 1 http://10.99.0.1/
wants 7 "host unreachable" fetch -sS --via $VIA http://10.9.0.77/
wants 7 "route" fetch -sS --via tap:tap0,addr=10.9.0.2/24 http://10.98.0.1/
wants 6 "server" fetch -sS --via $VIA http://www.peer.test/                             # nobody to ask
wants 6 "" fetch -sS --via $VIA,dns=10.9.0.1 http://www.peer.test/                      # nobody listens there
wants 28 "" fetch -sS --via $VIA,dns=10.99.0.1 --connect-timeout 1 http://www.peer.test/
wants 28 DHCP fetch -sS -m 1 --via tap:tap0 http://10.9.0.1/
wants 1 DHCP serve "$tmp/www" --via tap:tap0
wants 2 "server" ping -c 1 --via $VIA www.peer.test
settled "names, ports, addresses"

# ---- interfaces and rights
wants 7 "did not exist" fetch -sS --via tap:gone0,addr=10.9.0.2/24 http://10.9.0.1/
wants 7 "gone0" fetch -sS --via packet:gone0,addr=10.9.0.2/24 http://10.9.0.1/
wants 2 "gone0" ping -c 1 --via packet:gone0,addr=10.9.0.2/24 10.9.0.1
wants 1 "gone0" serve "$tmp/www" --via packet:gone0,addr=10.9.0.2/24
wants 7 "Ethernet" fetch -sS --via packet:lo,addr=10.9.0.2/24 http://10.9.0.1/
wants 7 "not a tap" fetch -sS --via tap:v0,addr=10.9.0.2/24 http://10.9.0.1/
wants 7 "own address" fetch -sS --via packet:v0,addr=10.9.0.1/24 http://10.9.0.1/
ip -n "$N" link set tap0 down
wants 7 "is down" fetch -sS --via $VIA http://10.9.0.1/
wants 1 "is down" serve "$tmp/www" --via $VIA
ip -n "$N" link set tap0 up
ip -n "$N" link set v1 down
wants 7 "carrier" fetch -sS --via packet:v0,addr=10.9.0.2/24 http://10.9.0.1/
ip -n "$N" link set v1 up
as=("${user[@]}")
wants 7 "rights" fetch -sS --via $VIA http://10.9.0.1/
wants 7 "rights" fetch -sS --via packet:v1,addr=10.9.0.2/24 http://10.9.0.1/
wants 2 "rights" ping -c 1 --via $VIA 10.9.0.1
wants 1 "rights" serve "$tmp/www" --via $VIA
wants 1 "rights" dhcpd --via $VIA --range 10.9.0.50-10.9.0.60
wants 23 "cannot write" fetch -sS -o "$tmp/page" http://www.shop.test/
as=()
settled "interfaces and rights"

# ---- servers
start "$tmp/plumb" serve "$tmp/www" -q --via $VIA --port 80; server=$started
await_http http://10.9.0.2/four
wants 7 "in use" fetch -sS --via $VIA http://10.9.0.1/                                  # the tap has its one program
wants 1 "in use" serve "$tmp/www" --via $VIA --port 81
kill -9 "$server"; wait "$server" 2> /dev/null
settled "kill -9 of a server"
start "$tmp/plumb" serve "$tmp/www" -q --via tap:own0,addr=10.7.0.2/24 --port 80 2> "$tmp/err"; server=$started
for _ in $(seq 100); do ip -n "$N" link show own0 > /dev/null 2>&1 && break; sleep 0.05; done
ip -n "$N" addr add 10.7.0.1/24 dev own0; ip -n "$N" link set own0 up
await_http http://10.7.0.2/four
kill -9 "$server"; wait "$server" 2> /dev/null
settled "kill -9 of a server with a tap of its own"
start "$tmp/plumb" serve "$tmp/www" -q --via packet:v1,addr=10.9.1.2/24 --port 80; server=$started
for _ in $(seq 100); do ip -n "$N" -d link show v1 | grep -q "promiscuity 1" && break; sleep 0.05; done
kill -9 "$server"; wait "$server" 2> /dev/null
settled "kill -9 of a server on a packet socket"
start python3 -m http.server 8000 --bind 10.9.0.1 -d "$tmp/www" > /dev/null 2>&1
await_port 8000; around > "$tmp/before"
in_ns "$tmp/plumb" fetch -sS --via $VIA --link rate=1mbit -o "$tmp/got" http://10.9.0.1:8000/four 2> "$tmp/err" & fetch=$!
sleep 0.7; kill "$(pgrep -P $fetch -x plumb || echo $fetch)"; wait $fetch; code=$?
[ $code = 130 ] && [ "$(cat "$tmp/err")" = "plumb: (130) interrupted" ] || fail "SIGTERM: exit $code, $(cat "$tmp/err")"
settled "a fetch that was interrupted"

# ---- an interface that goes away under a server; one that is down for a while
start "$tmp/plumb" serve "$tmp/www" -q --via $VIA --port 80 2> "$tmp/err"; server=$started
await_http http://10.9.0.2/four
ip -n "$N" link set tap0 down; sleep 0.3; ip -n "$N" link set tap0 up
await_http http://10.9.0.2/four
ip -n "$N" link del tap0
wait "$server"; code=$?
[ $code = 1 ] && [ "$(cat "$tmp/err")" = "plumb: tap0 is gone" ] || fail "a tap that was removed: exit $code, $(cat "$tmp/err")"
start "$tmp/plumb" serve "$tmp/www" -q --via packet:v1,addr=10.9.1.2/24 --port 80 2> "$tmp/err"; server=$started
for _ in $(seq 100); do ip -n "$N" -d link show v1 | grep -q "promiscuity 1" && break; sleep 0.05; done
sleep 0.2; ip -n "$N" link del v0
wait "$server"; code=$?
[ $code = 1 ] && [ "$(cat "$tmp/err")" = "plumb: v1 is gone" ] || fail "a veth that was removed: exit $code, $(cat "$tmp/err")"
echo "one line each, nothing left behind"
