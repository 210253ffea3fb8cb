#!/usr/bin/env bash
# peer: the shell
# needs: python3
# when: check
#
#   What can be asked wrongly without any privilege: one line that begins with "plumb:", curl's exit number, no hang.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
plumb=${PLUMB:-$root/build/release/plumb}
tmp=$(mktemp -d)
pids=()
cleanup() {
    for p in "${pids[@]:-}"; do [ -n "$p" ] && kill "$p" 2>/dev/null; done
    wait 2>/dev/null
    rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
fail() { echo "FAIL: $*"; exit 1; }

# wants EXIT WORD-IN-THE-LINE COMMAND...
wants() {
    local want=$1 word=$2 code; shift 2
    timeout 20 "$plumb" "$@" > "$tmp/out" 2> "$tmp/err" < /dev/null; code=$?
    [ $code = "$want" ] || fail "plumb $*: exit $code instead of $want: $(cat "$tmp/err")"
    [ "$(grep -c '^plumb: ' "$tmp/err")" = 1 ] || fail "plumb $*: not one line: $(cat "$tmp/err")"
    grep '^plumb: ' "$tmp/err" | grep -q -- "$word" || fail "plumb $*: no \"$word\" in: $(cat "$tmp/err")"
    [ "$1" = ping ] || [ "$1" = fetch ] && [ "${2:-}" != -sS ] || [ "$(wc -l < "$tmp/err")" = 1 ] || fail "plumb $*: more than one line: $(cat "$tmp/err")"
}
mkdir "$tmp/www"; echo x > "$tmp/www/x"
page=http://www.shop.test/

# ---- what was typed
wants 2 nonsense nonsense
wants 2 "'--nope'" fetch --nope $page
wants 2 "'Q'" fetch -sQ $page
wants 2 URL fetch
wants 2 "one URL" fetch $page $page
wants 2 argument fetch $page -o
wants 2 number fetch $page -m soon
wants 2 "'--nope'" serve "$tmp/www" --nope
wants 2 directory serve
wants 2 65535 serve "$tmp/www" --port 70000
wants 2 host ping
wants 2 number ping -c many 10.0.0.1
wants 2 "virtual internet" ping 10.0.0.1
wants 2 "0.002" ping -i 0 www.shop.test
wants 2 hexadecimal ping -p xyz www.shop.test
wants 2 "do nor dont" ping -M maybe www.shop.test
wants 2 missing traceroute
wants 2 "beyond" traceroute -f 9 -m 3 www.shop.test
wants 2 "65535" traceroute -p 65000 -m 255 -q 10 www.shop.test
wants 2 "SYN" traceroute -T --mtu www.shop.test
wants 2 "virtual internet" traceroute 192.0.2.1
wants 2 missing scan
wants 2 "more than a /24" scan --via tap:t0,addr=10.9.0.2/24 10.0.0.0/23
wants 2 "more than a /24" scan --via tap:t0,addr=10.9.0.2/24 2001:db8::/64
wants 2 "own stack" scan --via host 127.0.0.1
wants 2 "virtual internet" scan 192.0.2.1
wants 2 "no port" scan -p 80-79 www.shop.test
wants 2 "no single host" scan --via tap:t0,addr=10.9.0.2/24 224.0.0.1
wants 2 "1048576" scan -p - 10.0.2.0/24
wants 2 "syntax" dump tcp port
wants 2 "or -w" dump --json -w "$tmp/c"
wants 2 "no interface" dump -r "$tmp/c" -i lo
wants 2 "listens" dump --via tap:t0
wants 1 "cannot read" dump -r "$tmp/none"
wants 1 "neither a pcap" dump -r "$tmp/www/x"
wants 23 "cannot write" dump -w "$tmp/none/c"
wants 2 missing addr --split 4
wants 2 "not both" neigh --pid 1 --via tap:t0
wants 2 kernel route --via host
wants 1 "no plumb" arp --pid 1
wants 2 "FIRST-LAST/LEN" dhcpd --via tap:t0,addr=10.9.0.2/24 --range 10.9.0.5-10.9.0.9 --relayed 10.8.0.0/24
wants 2 "MAC=ADDR" dhcpd --via tap:t0,addr=10.9.0.2/24 --range 10.9.0.5-10.9.0.9 --reserve 10.9.0.7
wants 2 "prefix" addr 10.0.0
wants 2 "8 to 32" addr --split 4 10.0.0.0/8
wants 2 "65536" addr --split 32 10.0.0.0/8
wants 2 "at a time" addr --split 4 --aggregate 10.0.0.0/8
wants 2 MAC addr --eui64 1 fe80::/64
wants 2 IPv6 addr --eui64 02:00:00:00:00:01 10.0.0.0/8
wants 2 zone dnsd
wants 2 range dhcpd --via tap:t0,addr=10.9.0.2/24
wants 2 "addr gw dns mtu" fetch --via tap:t0,colour=red $page
wants 2 "KEY=VALUE" fetch --via tap:t0,addr $page
wants 2 "10.9.0.2/24" fetch --via tap:t0,addr=10.9.0.300/24 $page
wants 2 "tap:NAME" fetch --via tun:t0 $page
wants 2 "1 to 15" fetch --via tap: $page
wants 2 "1 to 15" fetch --via packet:an_interface_of_a_long_name $page
wants 2 "rtt rate loss" fetch --link 'colour=red' $page
wants 2 loss fetch --link 'loss=101%' $page
wants 2 rtt fetch --link 'rtt=fast' $page
wants 2 "sack= timestamps=" fetch --tcp 'colour=red' $page
wants 2 "on or off" fetch --tcp 'sack=perhaps' $page
wants 2 "kernel has the word" fetch --via host --tcp 'sack=off' http://127.0.0.1/
wants 2 capture fetch -w "$tmp/c" --via host http://127.0.0.1/
wants 2 virtual serve "$tmp/www" --via virtual
wants 2 "own stack" ping --via host 127.0.0.1

# ---- URLs
for url in 'http://' 'http:///x' 'http://a b/' 'http://x:99999/' 'http://x:port/' 'http://[::1/' ''; do wants 3 . fetch -sS "$url"; done
wants 1 . fetch -sS gopher://www.shop.test/
wants 1 https fetch -sS https://www.shop.test/
wants 1 https fetch https://www.shop.test/

# ---- the virtual internet
wants 6 nope fetch -sS http://nope.shop.test/
wants 6 nope fetch http://nope.shop.test/
wants 7 refused fetch -sS http://www.shop.test:81/
wants 28 "DHCP" fetch -sS --link loss=100% -m 3 $page
wants 7 DHCP fetch -sS --link loss=100% $page
wants 22 404 fetch -sS -f http://www.shop.test/no-such-page
wants 23 "cannot write" fetch -sS -o "$tmp/none/x" $page
wants 23 . fetch -sS -o /dev/full $page
wants 23 "cannot write" fetch -sS -w "$tmp/none/x" $page
wants 23 . fetch -sS -w /dev/full $page
wants 26 "cannot read" fetch -sS -d "@$tmp/none" $page
wants 2 nope ping -c 1 nope.shop.test

# ---- the host's sockets
python3 -c '
import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(1)
d = socket.socket(); d.bind(("127.0.0.1", 0))
print(s.getsockname()[1], d.getsockname()[1], flush=True); time.sleep(60)' > "$tmp/ports" & pids+=($!)
for _ in $(seq 100); do [ -s "$tmp/ports" ] && break; sleep 0.05; done
read -r used closed < "$tmp/ports"
wants 7 refused fetch -sS "http://127.0.0.1:$closed/"
wants 28 "timed out" fetch -sS -m 1 "http://127.0.0.1:$used/"
wants 1 "in use" serve "$tmp/www" --via host --port "$used"
wants 1 "none" serve "$tmp/none" --via host
wants 1 "x" serve "$tmp/www/x" --via host
wants 1 "cannot read" dnsd "$tmp/none" --via host --port "$used"
printf '$ORIGIN x.test.\n$TTL 60\n@ SOA ns h 1 2 3 4 5\nw A 10.0.0\n' > "$tmp/zone"
wants 1 "line 4" dnsd "$tmp/zone" --via host --port "$used"
[ "$(find "$tmp" -mindepth 1 | sort | tr '\n' ' ')" = "$tmp/err $tmp/out $tmp/ports $tmp/www $tmp/www/x $tmp/zone " ] || fail "files were left: $(find "$tmp")"
echo "one line each"
