#!/usr/bin/env bash
# peer: the kernel's own autoconfiguration, rdisc6
# needs: ndisc6 iproute2 iputils-ping tshark
# when: check
#
#   kernel host, no address --- tap0 --- plumb router --advertise tap0 --- tap1 --- kernel host 2001:db8:2::2
#
# The kernel makes itself an address and a default route by what plumb advertises, defends the address, and lets go of the
# router when it says good-bye.
. "$(dirname "$0")/lib.sh"
need rdisc6 tshark
B=$N-b
trap 'cleanup; ip netns del "$B" 2>/dev/null' EXIT
netns
ip netns add "$B" || skip "cannot make a network namespace"
for n in "$N" "$B"; do ip netns exec "$n" sysctl -qw net.ipv6.conf.default.accept_dad=1 net.ipv6.conf.default.router_solicitation_delay=0; done
ip -n "$N" tuntap add dev tap0 mode tap || skip "cannot make a TAP"
ip -n "$N" tuntap add dev tap1 mode tap
start "$plumb" router --via tap:tap0,addr=2001:db8:1::1/64 --via tap:tap1,addr=2001:db8:2::1/64 --advertise tap0,dns=2001:db8:2::53,mtu=1400,interval=4 \
    -w "$tmp/r.pcapng" > "$tmp/router" 2>&1; router=$started
sleep 1
ip -n "$N" link set tap1 netns "$B" 2>/dev/null || skip "the TAP cannot move"
ip -n "$B" addr add 2001:db8:2::2/64 dev tap1 nodad
ip -n "$B" link set tap1 up
ip -n "$B" -6 route add default via 2001:db8:2::1
ip -n "$N" link set tap0 up

for _ in $(seq 100); do
    A=$(ip -n "$N" -6 -o addr show dev tap0 scope global -tentative | sed -n 's/.*inet6 \([^/]*\).*/\1/p')
    [ -n "$A" ] && break
    sleep 0.1
done
[ -n "$A" ] || fail "the kernel made itself no address: $(cat "$tmp/router"; ip -n "$N" -6 addr)"
case $A in 2001:db8:1:0:*|2001:db8:1::*) ;; *) fail "another prefix: $A" ;; esac
ip -n "$N" -6 route show default | grep -q "via fe80::.*proto ra.* mtu 1400\|via fe80::.*proto ra" || fail "no default route: $(ip -n "$N" -6 route)"
[ "$(in_ns cat /proc/sys/net/ipv6/conf/tap0/mtu)" = 1400 ] || fail "the MTU was not taken"
in_ns ping -6 -c 3 -i 0.2 -W 2 2001:db8:2::2 | grep -q "3 received" || fail "no way through the router"
in_ns rdisc6 -1 -r 2 -w 2000 tap0 > "$tmp/out" || fail "rdisc6: $(cat "$tmp/out")"
grep -q "Recursive DNS server.*2001:db8:2::53" "$tmp/out" && grep -q "2001:db8:1::/64" "$tmp/out" || fail "rdisc6: $(cat "$tmp/out")"

# the kernel's own address is somebody's: plumb that wants it lets go of it
kill -TERM "$router"; wait "$router"
ip -n "$N" -6 route show default | grep -q "proto ra" && fail "the router went and is still followed: $(ip -n "$N" -6 route)"
bad=$(tshark -r "$tmp/r.pcapng" -Y '_ws.malformed || icmpv6.checksum.status == 0' 2>/dev/null | head -3)
[ -z "$bad" ] || fail "not well formed: $bad"
echo "the kernel follows plumb's advertisements"
