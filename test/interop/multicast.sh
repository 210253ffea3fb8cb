#!/usr/bin/env bash
# peer: the kernel's stack, scapy as the router that asks, tshark
# needs: iproute2 python3-scapy tshark
# when: check
#
#   kernel 10.9.0.1 10.9.0.5 2001:db8:9::1 2001:db8:9::5 --- tap0 --- plumb 10.9.0.2, 2001:db8:9::2
. "$(dirname "$0")/lib.sh"
need tshark
/usr/bin/python3 -c 'import scapy.contrib.igmpv3' 2> /dev/null || skip "scapy is not installed"
host=$root/build/dev/test/interop/interop-multicast
[ -x "$host" ] || skip "$host is not built"
tap
ip -n "$N" addr add 10.9.0.5/24 dev tap0
for a in 1 5; do ip -n "$N" addr add 2001:db8:9::$a/64 dev tap0 nodad; done
peer=$here/multicast.py
kernel() { in_ns python3 "$peer" "$@"; }
await_line() { for _ in $(seq 150); do grep -q "$1" "$2" && return 0; sleep 0.1; done; fail "no \"$1\": $(cat "$2" "$tmp/err")"; }

# What plumb says of its groups, as tshark reads it.
watch() { in_ns timeout 60 tshark -i tap0 -l -f "$1" -T fields "${@:2}" > "$tmp/reports" 2> "$tmp/tshark" & pids+=($!); await_line Capturing "$tmp/tshark"; sleep 0.5; }

# $1 group  $2 plumb's address  $3, $4 the kernel's addresses  $5 another group
talk() {
    local group=$1 own=$2 one=$3 five=$4 other=$5
    in_ns python3 "$peer" listen "$group" "$one" > "$tmp/kernel" 2>&1 & pids+=($!)
    await_line listening "$tmp/kernel"
    start "$host" tap0 "$own" "$group" > "$tmp/out" 2> "$tmp/err"; local h=$started
    await_line joined "$tmp/out"
    await_line "here from ${own%/*}" "$tmp/kernel"                       # the kernel's member hears plumb
    await_line "${own%/*}.*: here" "$tmp/out"                            # and plumb's member itself
    kernel send "$group" "$one" one; await_line ": one" "$tmp/out"      # plumb hears the kernel
    kernel send "$other" "$one" stray
    kernel send "$group" "$one" two; await_line ": two" "$tmp/out"
    grep -q stray "$tmp/out" && fail "heard a group it is not in"
    sleep 1                                                              # it says twice within a second that it joined
    kill -INT "$h"; wait "$h" || fail "exit $?: $(cat "$tmp/err")"
    start "$host" tap0 "$own" "$group" "$five" > "$tmp/out" 2> "$tmp/err"; h=$started
    await_line joined "$tmp/out"; sleep 0.5
    kernel send "$group" "$one" unwanted
    kernel send "$group" "$five" wanted; await_line ": wanted" "$tmp/out"
    grep -q unwanted "$tmp/out" && fail "heard a source it did not ask for"
    asked "$group"
    kill -INT "$h"; wait "$h" || fail "exit $?: $(cat "$tmp/err")"
    sleep 1
}
asked() { :; }

watch "igmp and src host 10.9.0.2" -e igmp.type -e igmp.record_type -e igmp.maddr -e igmp.saddr -e ip.ttl -e ip.opt.ra
# A router asks: all groups within a second, then this one.
asked() {
    in_ns /usr/bin/python3 - "$1" <<'PY' > /dev/null 2>&1
import sys
from scapy.all import Ether, IP, IPOption_Router_Alert, sendp
from scapy.contrib.igmpv3 import IGMPv3, IGMPv3mq
q = Ether(dst="01:00:5e:00:00:01") / IP(src="10.9.0.254", dst="224.0.0.1", ttl=1, options=[IPOption_Router_Alert()]) / IGMPv3(type=0x11, mrcode=5) / IGMPv3mq(gaddr="0.0.0.0", srcaddrs=[])
sendp(q, iface="tap0", verbose=False)
PY
    sleep 1.2
}
talk 239.1.2.3 10.9.0.2/24 10.9.0.1 10.9.0.5 239.9.9.9
sleep 0.5
field() { grep -c "^0x22	$1	239.1.2.3	$2	1	" "$tmp/reports"; }
[ "$(field 4 '')" -ge 2 ] || fail "TO_EX is not said twice: $(cat "$tmp/reports")"
[ "$(field 3 '')" -ge 1 ] || fail "TO_IN is not said: $(cat "$tmp/reports")"
[ "$(field 5 10.9.0.5)" -ge 2 ] || fail "ALLOW is not said twice: $(cat "$tmp/reports")"
[ "$(field 1 10.9.0.5)" = 1 ] || fail "the query was not answered once: $(cat "$tmp/reports")"
[ "$(field 6 10.9.0.5)" -ge 1 ] || fail "BLOCK is not said: $(cat "$tmp/reports")"
grep -v "	1	0$" "$tmp/reports" | grep -q . && fail "without router alert, or farther than the link: $(cat "$tmp/reports")"

watch "ip6 and src net fe80::/10 and not src host $(ip -n "$N" -6 -o addr show dev tap0 scope link | awk '{sub("/.*", "", $4); print $4}')" \
    -e icmpv6.type -e icmpv6.mldr.mar.record_type -e icmpv6.mldr.mar.multicast_address -e icmpv6.mldr.mar.source_address -e ipv6.hlim
asked() {
    in_ns /usr/bin/python3 - "$1" <<'PY' > /dev/null 2>&1
import sys
from scapy.all import Ether, IPv6, IPv6ExtHdrHopByHop, RouterAlert, ICMPv6MLQuery2, sendp
q = Ether(dst="33:33:00:00:00:01") / IPv6(src="fe80::fe", dst="ff02::1", hlim=1) / IPv6ExtHdrHopByHop(options=[RouterAlert()]) / ICMPv6MLQuery2(mrd=500)
sendp(q, iface="tap0", verbose=False)
PY
    sleep 1.2
}
talk ff15::1234 2001:db8:9::2/64 2001:db8:9::1 2001:db8:9::5 ff15::9999
sleep 0.5
field6() { grep -c "^143	\([0-9,]*,\)*$1\(,[0-9]*\)*	[^	]*ff15::1234[^	]*	[^	]*$2[^	]*	1$" "$tmp/reports"; }
[ "$(field6 4 '')" -ge 2 ] || fail "TO_EX is not said twice: $(cat "$tmp/reports")"
[ "$(field6 3 '')" -ge 1 ] || fail "TO_IN is not said: $(cat "$tmp/reports")"
[ "$(field6 5 2001:db8:9::5)" -ge 2 ] || fail "ALLOW is not said twice: $(cat "$tmp/reports")"
[ "$(field6 1 2001:db8:9::5)" -ge 1 ] || fail "the query was not answered: $(cat "$tmp/reports")"
grep -q "ff02::1:ff00:2" "$tmp/reports" || fail "its solicited-node group is not told of: $(cat "$tmp/reports")"
