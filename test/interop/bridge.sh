#!/usr/bin/env bash
# peer: the kernel's stack, ping, scapy, tshark
# needs: iproute2 iputils-ping python3-scapy tshark
# when: check
#
#   hosts a and b on VLAN 10 of plumb's bridge, c on a trunk where scapy speaks for VLANs 10 and 20 (this kernel has no VLAN
#   devices)
. "$(dirname "$0")/router_lib.sh"
. "$(dirname "$0")/bridge_lib.sh"
need ping tshark
/usr/bin/python3 -c 'import scapy' 2>/dev/null || skip "python3-scapy is not installed"
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
echo "VLANs kept apart"
