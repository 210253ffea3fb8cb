#!/usr/bin/env bash
# peer: radvd, the kernel's neighbour discovery, ndisc6
# needs: radvd ndisc6 iproute2 iputils-ping tshark
# when: check
#
#   two routers of the kernel --- bridge --- tap0 --- plumb, no address
#
# plumb makes itself addresses by what radvd advertises, follows the better router and then the one that is left, and
# is a neighbour as others are.
. "$(dirname "$0")/lib.sh"
need radvd ndisc6 tshark
R2=$N-r2                                        # the second router has a namespace of its own
remove_r2() { ip netns del "$R2" 2>/dev/null; }
trap 'cleanup; remove_r2' EXIT
netns
ip netns add "$R2" || skip "cannot make a network namespace"
in_ns sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0
ip netns exec "$R2" sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0
ip -n "$N" tuntap add dev tap0 mode tap || skip "cannot make a TAP"
ip -n "$N" link add br0 type bridge 2>/dev/null || skip "this kernel has no bridge"
ip -n "$N" link add r1 type veth peer name r1b
ip -n "$N" link add r2 type veth peer name r2b
ip -n "$N" link set r2 netns "$R2"
for p in tap0 r1b r2b; do ip -n "$N" link set $p master br0; ip -n "$N" link set $p up; done
ip -n "$N" link set br0 up
ip -n "$N" addr add fe80::1/64 dev r1 nodad
ip -n "$N" addr add 2001:db8:1::1/64 dev r1 nodad
ip -n "$N" link set r1 up
ip -n "$R2" link set lo up
ip -n "$R2" addr add fe80::2/64 dev r2 nodad
ip -n "$R2" link set r2 up
ip -n "$N" addr add 2001:db8:9::9/128 dev lo            # beyond either router
ip -n "$R2" addr add 2001:db8:9::9/128 dev lo
ip -n "$R2" route add 2001:db8:1::/64 dev r2
advertise() { printf 'interface %s { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; AdvDefaultLifetime %s; AdvDefaultPreference %s; %s };\n' "$@"; }
advertise r1 1800 high 'AdvLinkMTU 1400; prefix 2001:db8:1::/64 { AdvValidLifetime 3600; AdvPreferredLifetime 1800; }; RDNSS 2001:db8:1::53 { };' > "$tmp/r1.conf"
advertise r2 1800 low '' > "$tmp/r2.conf"
chmod 644 "$tmp"/r?.conf
start radvd -n -C "$tmp/r1.conf" -p "$tmp/r1.pid" -m stderr; r1=$started
ip netns exec "$R2" radvd -n -C "$tmp/r2.conf" -p "$tmp/r2.pid" -m stderr & r2=$!; pids+=("$r2")

mkdir "$tmp/www"; echo hello > "$tmp/www/index.html"
start "$plumb" serve "$tmp/www" --via tap:tap0 --port 80 > "$tmp/serve" 2>&1
for _ in $(seq 100); do
    A=$(grep -o "2001:db8:1:[0-9a-f:]*" "$tmp/serve" | head -1)
    [ -n "$A" ] && break
    sleep 0.1
done
[ -n "$A" ] || fail "plumb has no address: $(cat "$tmp/serve")"
in_ns ping -c 3 -i 0.2 -W 2 "$A" | grep -q "3 received" || fail "the kernel's ping to $A"
in_ns ndisc6 -1 -r 2 -w 2000 "$A" r1 > "$tmp/out" || fail "ndisc6: $(cat "$tmp/out")"
grep -qi "Target link-layer address" "$tmp/out" || fail "ndisc6: $(cat "$tmp/out")"
echo "neighbour discovery and SLAAC by radvd"
