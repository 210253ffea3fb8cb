#!/usr/bin/env bash
# peer: the kernel's stack, ping, traceroute, iperf3, tshark
# needs: iproute2 iputils-ping traceroute iperf3 tshark
# when: check
#
#   the same as router.sh over IPv6: fd00:1::2, fd00:2::2 and fd00:3::2 on three sides; the last is narrow
. "$(dirname "$0")/router_lib.sh"
need ping traceroute iperf3 tshark
for i in 0 1 2; do declare "ROUTER_VIA$i=,addr=fd00:$((i + 1))::1/64"; done
ROUTER_VIA2=$ROUTER_VIA2,mtu=1280
cat > "$tmp/rules" <<'RULES'
default allow
reject to fd00:2::2 proto tcp port 81
reject to fd00:2::2 proto udp port 81
RULES
router_on "-w $tmp/r.pcapng --filter $tmp/rules --route fd00:99::/32,unreachable --route fd00:98::/32,prohibit --route fd00:50::/32,via=fd00:1::9" a b c
i=0
for h in a b c; do
    i=$((i + 1))
    at $h ip addr add fd00:$i::2/64 dev tap$((i - 1)) nodad
    at $h ip -6 route add default via fd00:$i::1
done
sleep 1
for to in fd00:2::2 fd00:3::2 fd00:1::1 fd00:3::1; do
    at a ping -c 2 -i 0.2 -W 2 $to > "$tmp/out" || fail "a cannot reach $to: $(cat "$tmp/out")"
done
at a ping -c 1 -W 2 fd00:2::2 | grep -q "ttl=63" || fail "a hop is a hop"
at b ping -c 1 -W 2 -s 4000 fd00:1::2 > /dev/null || fail "fragments from b to a, put together for the filter and cut again"
at a traceroute -6 -n -q 1 -w 2 fd00:2::2 > "$tmp/out" || fail "traceroute"
grep -q " 1  fd00:1::1 " "$tmp/out" && grep -q " 2  fd00:2::2 " "$tmp/out" || fail "$(cat "$tmp/out")"
said() { at a ping -c 1 -W "${3:-1}" "$1" > "$tmp/out"; grep -qi "$2" "$tmp/out" || fail "$1: $(cat "$tmp/out")"; }
said fd77::1 "no route"
said fd00:99::1 "address unreachable"
said fd00:98::1 "prohibited"
said fd00:2::77 "address unreachable" 6
at a ping -c 1 -t 1 -W 1 fd00:2::2 | grep -qi "time exceeded" || fail "time exceeded"
at a ping -c 1 -W 1 -M do -s 1400 fd00:3::2 > "$tmp/out"
grep -q "mtu *= *1280" "$tmp/out" || fail "no word of the narrow side: $(cat "$tmp/out")"
at a ping -c 1 -W 1 -s 3000 fd00:3::2 > /dev/null || fail "fragments through the narrow side"
at a python3 -c '
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM); s.settimeout(2)
try: s.connect(("fd00:2::2", 81)); raise SystemExit("connected")
except ConnectionRefusedError: pass
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.settimeout(2); s.connect(("fd00:2::2", 81)); s.send(b"?")
try: s.recv(1); raise SystemExit("heard")
except PermissionError: pass' || fail "what is rejected must be refused"
for h in b c; do at_start $h iperf3 -s -1 > /dev/null; done
sleep 0.5
at a iperf3 -c fd00:2::2 -t 1 > "$tmp/tcp" || fail "iperf3 over TCP: $(cat "$tmp/tcp")"
at a iperf3 -c fd00:3::2 -t 1 > "$tmp/narrow" || fail "iperf3 over TCP to the narrow side: $(cat "$tmp/narrow")"
grep receiver "$tmp/tcp" "$tmp/narrow"
# a redirect: to its neighbour fd00:1::9 a asks the router, which is a default router by its link-local address
at a sysctl -qw net.ipv6.conf.tap0.accept_redirects=1
mac=$(at a ip -6 neigh show fd00:1::1 | sed 's/.*lladdr \([^ ]*\).*/\1/')
at a ip -6 route del fd00:1::/64 dev tap0
at a ip -6 route del default
link_local=$(at a ping -c 2 -i 0.3 -W 1 -I tap0 ff02::1 | sed -n 's/.* from \(fe80[^%]*\)%tap0.*/\1/p' | sort -u | while read -r one; do
    at a ip -6 neigh show "$one" dev tap0 | grep -q "$mac" && echo "$one"; done | head -1)
[ -n "$link_local" ] || fail "the router's link-local address is not known ($mac): $(at a ip -6 neigh show dev tap0)"
at a ip -6 route add default via "$link_local" dev tap0
at a ip -6 neigh add fd00:1::9 lladdr 02:00:00:00:00:09 nud permanent dev tap0
at a ip -6 route get fd00:1::9 | grep -q "via $link_local" || fail "a does not ask the router"
at a ping -c 1 -W 1 fd00:1::9 > /dev/null
at a ip -6 route get fd00:1::9 | grep -q "via $link_local" && fail "the redirect was not taken: $(at a ip -6 route get fd00:1::9)"
router_ends
clean_router_capture "$tmp/r.pcapng"
tshark -r "$tmp/r.pcapng" -Y 'icmpv6.checksum.status == 0' 2>/dev/null | head -3 > "$tmp/bad"
[ ! -s "$tmp/bad" ] || fail "ICMPv6: $(cat "$tmp/bad")"
echo "three sides of a router, IPv6"
