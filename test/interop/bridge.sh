#!/usr/bin/env bash
# peer: the kernel's stack and its bridge, ping, scapy, tshark
# needs: iproute2 iputils-ping python3-scapy tshark
# when: check
#
#   hosts a and b on VLAN 10 of plumb's bridge, c on a trunk where scapy speaks for VLANs 10 and 20 (this kernel has no VLAN
#   devices); then a ring of plumb's bridge and the kernel's, which the spanning tree cuts, and mends when a link goes
. "$(dirname "$0")/router_lib.sh"
need ping tshark
/usr/bin/python3 -c 'import scapy' 2>/dev/null || skip "python3-scapy is not installed"
netns
taps() { for t in "$@"; do ip -n "$N" tuntap add dev "$t" mode tap || skip "cannot make a TAP"; done; }
to() {      # to HOST TAP ADDRESS
    ip netns list | grep -q "$(host "$1")" || { ip netns add "$(host "$1")"; spaces+=("$(host "$1")"); }
    ip -n "$N" link set dev "$2" netns "$(host "$1")"
    [ -n "${3:-}" ] && ip -n "$(host "$1")" addr add "$3" dev "$2"
    ip -n "$(host "$1")" link set "$2" up
}
bridge_on() { ip netns exec "$N" "$plumb" bridge "$@" 2> "$tmp/bridge.err" & bridge=$!; pids+=("$bridge"); for _ in $(seq 100); do grep -q ports "$tmp/bridge.err" && return; sleep 0.05; done; fail "$(cat "$tmp/bridge.err")"; }
bridge_ends() { kill -INT "$bridge"; wait "$bridge" || fail "the bridge: $(cat "$tmp/bridge.err")"; }
taps tap0 tap1 tap2 tap3
bridge_on --no-stp tap:tap0,vlan=10 tap:tap1,vlan=10 tap:tap2,tagged=10+20 tap:tap3,vlan=20
to a tap0 10.9.0.1/24; to b tap1 10.9.0.2/24; to c tap2; to d tap3 10.9.0.1/24
at a ping -c 2 -i 0.2 -W 2 10.9.0.2 > /dev/null || fail "a cannot reach b"
at a ping -c 1 -W 2 -s 60000 10.9.0.2 > /dev/null || fail "large"
cat > "$tmp/trunk.py" <<'PY'
import sys
from scapy.all import ARP, AsyncSniffer, Dot1Q, Ether, ICMP, IP, conf, sendp, srp1
conf.verb = 0
vlan, mac, target = int(sys.argv[1]), sys.argv[2], sys.argv[3]
def ask(p):
    return srp1(Ether(src=mac, dst=p[0]) / Dot1Q(vlan=vlan, prio=5) / p[1], iface="tap2", timeout=3, filter="ether dst %s or vlan" % mac)
found = ask(("ff:ff:ff:ff:ff:ff", ARP(hwsrc=mac, psrc="10.9.0.9", pdst=target)))
if not found or Dot1Q not in found or found[Dot1Q].vlan != vlan or ARP not in found: sys.exit("no ARP in VLAN %d: %r" % (vlan, found))
pong = ask((found[ARP].hwsrc, IP(src="10.9.0.9", dst=target) / ICMP(id=7)))
if not pong or pong[Dot1Q].vlan != vlan or pong[ICMP].type != 0: sys.exit("no echo in VLAN %d: %r" % (vlan, pong))
print(found[ARP].hwsrc)
PY
mac_a=$(at a cat /sys/class/net/tap0/address) mac_d=$(at d cat /sys/class/net/tap3/address)
got=$(at c timeout 30 /usr/bin/python3 "$tmp/trunk.py" 10 02:00:00:00:00:99 10.9.0.1) || fail "VLAN 10: $got"
[ "$got" = "$mac_a" ] || fail "in VLAN 10 10.9.0.1 is $got, not a"
got=$(at c timeout 30 /usr/bin/python3 "$tmp/trunk.py" 20 02:00:00:00:00:98 10.9.0.1) || fail "VLAN 20: $got"
[ "$got" = "$mac_d" ] || fail "in VLAN 20 10.9.0.1 is $got, not d"
at_start b timeout 4 tshark -i tap1 -c 40 -w "$tmp/b.pcapng" 2> /dev/null
sleep 1.5
at d ping -c 3 -i 0.2 -W 1 -b 10.9.0.255 > /dev/null 2>&1
at a ping -c 3 -i 0.2 -W 1 10.9.0.2 > /dev/null || fail "a cannot reach b any more"
sleep 3
[ "$(tshark -r "$tmp/b.pcapng" -Y "eth.src == $mac_a" 2>/dev/null | wc -l)" -gt 0 ] || fail "b saw nothing of a"
[ "$(tshark -r "$tmp/b.pcapng" -Y "eth.src == $mac_d || vlan" 2>/dev/null | wc -l)" = 0 ] || fail "VLAN 20 was seen in VLAN 10"
bridge_ends
# a ring with the kernel's bridge, which is the root and sets the times
taps ring0 ring1 tap4
bridge_on tap:ring0 tap:ring1 tap:tap4
ip netns add "$(host k)"; spaces+=("$(host k)")
at k ip link add br0 type bridge stp_state 1 forward_delay 400 hello_time 100 max_age 600 priority 4096
for r in ring0 ring1; do ip -n "$N" link set dev $r netns "$(host k)"; at k ip link set $r master br0; at k ip link set $r up; done
at k ip addr add 10.8.0.1/24 dev br0; at k ip link set br0 up
to e tap4 10.8.0.2/24
for _ in $(seq 40); do at e ping -c 1 -W 1 10.8.0.1 > /dev/null && break; sleep 0.5; done
at e ping -c 3 -i 0.2 -W 1 10.8.0.1 > /dev/null || fail "no way through the ring: $(at k cat /sys/class/net/ring0/brport/state /sys/class/net/ring1/brport/state | xargs)"
at k ip -d link show br0 | grep -q "root_port 0" || fail "the kernel is not the root"
before=$(at k cat /sys/class/net/br0/statistics/rx_packets)
at e ping -c 20 -i 0.05 -W 1 -b 10.8.0.255 > /dev/null 2>&1
sleep 1
after=$(at k cat /sys/class/net/br0/statistics/rx_packets)
[ $((after - before)) -lt 100 ] || fail "a storm: $((after - before)) packets"
at k ip link set ring0 down             # the root port's link, or the blocked one's
at k ip link set ring0 nomaster
for _ in $(seq 60); do at e ping -c 1 -W 1 10.8.0.1 > /dev/null && break; sleep 0.5; done
at e ping -c 3 -i 0.2 -W 1 10.8.0.1 > /dev/null || fail "the ring was not mended"
bridge_ends
echo "VLANs kept apart, a ring cut and mended"
