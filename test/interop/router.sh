#!/usr/bin/env bash
# peer: the kernel's stack, ping, traceroute, iperf3, tshark
# needs: iproute2 iputils-ping traceroute iperf3 tshark
# when: check
#
#   kernel hosts a, b and c on three sides of plumb's router: they reach each other, a hop is a hop, MACs change and
#   addresses do not, a narrow side is told of, and where nothing leads the kernel says so in its own words
. "$(dirname "$0")/router_lib.sh"
need ping traceroute iperf3 tshark
ROUTER_VIA2=,mtu=1280
router_on "-w $tmp/r.pcapng --route 10.99.0.0/16,unreachable --route 10.98.0.0/16,prohibit --route 10.97.0.0/16,blackhole --route 10.50.0.0/16,via=10.1.0.9" a b c
for to in 10.2.0.2 10.3.0.2 10.1.0.1 10.3.0.1; do
    at a ping -c 2 -i 0.2 -W 2 $to > "$tmp/out" || fail "a cannot reach $to: $(cat "$tmp/out")"
done
at b ping -c 1 -W 2 -s 4000 10.3.0.2 > /dev/null || fail "fragments from b to c"
at a ping -c 1 -W 2 10.2.0.2 | grep -q "ttl=63" || fail "a hop is a hop"
at a traceroute -n -q 1 -w 2 10.3.0.2 > "$tmp/out" || fail "traceroute"
grep -q " 1  10.1.0.1 " "$tmp/out" && grep -q " 2  10.3.0.2 " "$tmp/out" || fail "$(cat "$tmp/out")"
# RFC 1812 §5.2.7.1, heard by the kernel
said() { at a ping -c 1 -W 1 "$1" > "$tmp/out"; grep -q "$2" "$tmp/out" || fail "$1: $(cat "$tmp/out")"; }
said 10.77.0.1 "Destination Net Unreachable"
said 10.99.0.1 "Destination Host Unreachable"
said 10.98.0.1 "Packet filtered"
at a ping -c 1 -W 1 10.97.0.1 | grep -q "100% packet loss" || fail "a black hole answers"
at a ping -c 1 -W 5 10.2.0.77 | grep -q "Destination Host Unreachable" || fail "a neighbour that does not answer"
at a ping -c 1 -t 1 -W 1 10.2.0.2 | grep -q "Time to live exceeded" || fail "time exceeded"
# a redirect, and a kernel that follows it
for c in all tap0; do at a sysctl -qw net.ipv4.conf.$c.accept_redirects=1 net.ipv4.conf.$c.secure_redirects=0; done
at a ip neigh add 10.1.0.9 lladdr 02:00:00:00:00:09 nud permanent dev tap0
at a ping -c 1 -W 1 10.50.0.1 > /dev/null
at a ip route get 10.50.0.1 | grep -q "via 10.1.0.9" || fail "the redirect was not taken: $(at a ip route get 10.50.0.1)"
# TCP and UDP through it, to the two others at once
for h in b c; do at_start $h iperf3 -s -1 > /dev/null; done
sleep 0.5
at a iperf3 -c 10.2.0.2 -t 2 > "$tmp/tcp" & one=$!
at a iperf3 -u -b 20M -l 1200 -c 10.3.0.2 -t 2 > "$tmp/udp" || fail "iperf3 over UDP: $(cat "$tmp/udp")"
wait $one || fail "iperf3 over TCP: $(cat "$tmp/tcp")"
grep receiver "$tmp/tcp" "$tmp/udp"
few_lost "$tmp/udp"
# a narrow side: the kernel finds the path's MTU by what plumb tells it
at a ping -c 1 -W 1 -M do -s 1400 10.3.0.2 > "$tmp/out"
grep -q "mtu *= *1280" "$tmp/out" || fail "no word of the narrow side: $(cat "$tmp/out")"
at a ip route get 10.3.0.2 | grep -q "mtu 1280" || fail "the kernel did not learn the path's MTU"
at a ping -c 1 -W 1 -s 3000 10.3.0.2 > /dev/null || fail "fragments through the narrow side"
router_ends
grep -q "dropped .* IP_TTL" "$tmp/router.err" || fail "no account of what was dropped: $(cat "$tmp/router.err")"
clean_router_capture "$tmp/r.pcapng"
# each hop: other MACs, the same addresses, one less of TTL
tshark -r "$tmp/r.pcapng" -Y 'icmp.type == 8 && ip.src == 10.1.0.2 && ip.dst == 10.2.0.2 && ip.ttl > 60 && frame.len == 98' -T fields -e eth.src -e eth.dst -e ip.ttl -e ip.id 2>/dev/null > "$tmp/hops"
awk '{ n[$4]++; src[$4 "/" n[$4]] = $1; ttl[$4 "/" n[$4]] = $3 } END { for (id in n) { if (n[id] != 2 || src[id "/1"] == src[id "/2"] || ttl[id "/1"] - ttl[id "/2"] != 1) exit 1; any = 1 } exit !any }' "$tmp/hops" || fail "hops: $(cat "$tmp/hops")"
echo "three sides of a router"
