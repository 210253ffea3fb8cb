#!/usr/bin/env bash
# peer: the kernel's stack, curl
# needs: curl iproute2 iputils-ping util-linux
# when: check
#
#   kernel 10.9.0.1 --- tap0, two queues --- plumb 10.9.0.2 on two cores
#   kernel 10.9.0.1 on veth v0 --- v1 with plumb 10.9.0.2 on two packet sockets that share what comes, or by AF_XDP on two queues
. "$(dirname "$0")/lib.sh"
need curl ping setpriv
netns
ip -n "$N" tuntap add dev tap0 mode tap multi_queue || skip "cannot make a TAP with several queues"
ip -n "$N" addr add 10.9.0.1/24 dev tap0; ip -n "$N" link set tap0 up
mkdir "$tmp/www"; head -c 3000000 /dev/urandom > "$tmp/www/big"; seq 5000 > "$tmp/www/numbers"

# Sixteen connections at once; each file whole.  $1: what it is
fetch_all() {
    local i got=()
    for i in $(seq 16); do got+=(-o "$tmp/got$i" "http://10.9.0.2/$([ $((i % 2)) = 0 ] && echo big || echo numbers)"); done
    in_ns curl -sS --no-keepalive --parallel --parallel-immediate --max-time 40 "${got[@]}" || fail "$1: curl: exit $?"
    for i in $(seq 16); do same "$tmp/www/$([ $((i % 2)) = 0 ] && echo big || echo numbers)" "$tmp/got$i" "$1, connection $i"; rm "$tmp/got$i"; done
}
stop() { kill -INT "$1"; wait "$1"; echo "exit $?" > "$tmp/exit"; pids=(); }

start "$plumb" serve "$tmp/www" --via $VIA --port 80 --cores 2 2> "$tmp/err"; server=$started
await_http http://10.9.0.2/
[ "$(ls "/proc/$server/task" 2>/dev/null | wc -l)" = 2 ] || fail "not two threads: $(ls /proc/$server/task)"
fetch_all "two queues"
in_ns ping -c 2 -i 0.2 10.9.0.2 | grep -q " 0% packet loss" || fail "ping"
in_ns ping -c 2 -i 0.2 -s 4000 10.9.0.2 | grep -q " 0% packet loss" || fail "ping in fragments"
stop "$server"; [ "$(cat "$tmp/exit")" = "exit 0" ] || fail "SIGINT: $(cat "$tmp/exit") $(cat "$tmp/err")"

# The kernel steers by plumb's own hash: both cores have connections, and nearly no packet comes by the wrong queue.
counts() {
    start "$@" "$plumb" bench server --via $VIA --cores 2 > "$tmp/out" 2> "$tmp/err"; server=$started
    for _ in $(seq 50); do grep -q port "$tmp/err" && break; sleep 0.1; done
    in_ns "$plumb" bench client --via host 10.9.0.2 crr -c 8 -t 1 > "$tmp/client" || fail "crr: $(cat "$tmp/err")"
    grep -q ", 0 failed" "$tmp/client" || fail "$(cat "$tmp/client")"
    in_ns "$plumb" bench client --via host 10.9.0.2 up -c 8 -t 1 > "$tmp/client" || fail "up: $(cat "$tmp/err")"
    stop "$server"
    read -r strays <<< "$(sed -n 's/.* \([0-9]*\) packets came by.*/\1/p' "$tmp/out")"
    grep -q "; 2 cores had some" "$tmp/out" || fail "one core has it all: $(cat "$tmp/out")"
}
counts env
[ "$strays" -lt 50 ] || fail "$strays packets came by the wrong queue: $(cat "$tmp/out")"
# Without the right to tell the kernel it shares out by a hash of its own: the rings carry the rest.
counts setpriv --bounding-set -bpf,-sys_admin --inh-caps -bpf,-sys_admin
[ "$strays" -gt 0 ] || fail "no packet came by the wrong queue without a program: $(cat "$tmp/out")"
told=$strays

ip -n "$N" link del tap0
ip -n "$N" tuntap add dev tap0 mode tap; ip -n "$N" link set tap0 up
in_ns "$plumb" serve "$tmp/www" --via $VIA --cores 2 2> "$tmp/err" && fail "a TAP with one queue is not for two cores"
grep -q "multi_queue" "$tmp/err" || fail "$(cat "$tmp/err")"
ip -n "$N" link del tap0
in_ns "$plumb" serve "$tmp/www" --via host --cores 2 2> "$tmp/err"; [ $? = 2 ] || fail "the host's sockets have no cores of plumb's: $(cat "$tmp/err")"
in_ns "$plumb" ping 10.9.0.1 --via $VIA --cores 2 2> "$tmp/err"; [ $? = 2 ] || fail "ping has one core: $(cat "$tmp/err")"

# The interface goes: all cores end, and one says why.
ip -n "$N" tuntap add dev tap0 mode tap multi_queue; ip -n "$N" addr add 10.9.0.1/24 dev tap0; ip -n "$N" link set tap0 up
start "$plumb" serve "$tmp/www" --via $VIA --port 80 --cores 2 2> "$tmp/err"; server=$started
await_http http://10.9.0.2/
ip -n "$N" link del tap0
wait "$server"; [ $? = 1 ] || fail "the interface was removed: $(cat "$tmp/err")"
[ "$(grep -c "is gone" "$tmp/err")" -ge 1 ] || fail "$(cat "$tmp/err")"

ip -n "$N" link add v0 numtxqueues 2 numrxqueues 2 type veth peer name v1 numtxqueues 2 numrxqueues 2 || skip "cannot make a veth pair"
ip -n "$N" addr add 10.9.0.1/24 dev v0
ip -n "$N" link set v0 up; ip -n "$N" link set v1 up
VIA=packet:v1,addr=10.9.0.2/24,gw=10.9.0.1
start "$plumb" serve "$tmp/www" --via $VIA --port 80 --cores 2 2> "$tmp/err"; server=$started
await_http http://10.9.0.2/
fetch_all "two packet sockets"
stop "$server"
counts env
[ "$strays" -lt 50 ] || fail "$strays packets came to the wrong packet socket: $(cat "$tmp/out")"

VIA=xdp:v1,addr=10.9.0.2/24,gw=10.9.0.1
in_ns "$plumb" serve "$tmp/www" --via $VIA 2> "$tmp/err" && fail "an interface with two queues is not for one core"
if ! grep -q "built without AF_XDP" "$tmp/err"; then
    grep -q "receive queues" "$tmp/err" || fail "$(cat "$tmp/err")"
    start "$plumb" serve "$tmp/www" --via $VIA --port 80 --cores 2 2> "$tmp/err"; server=$started
    await_http http://10.9.0.2/
    fetch_all "two AF_XDP queues"
    stop "$server"
    counts env                          # the queues are filled by the other end, whose hash is its own
fi
echo "two cores on a TAP, on packet sockets and by AF_XDP; $told packets crossed when the kernel was not told"
