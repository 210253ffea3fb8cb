#!/usr/bin/env bash
# peer: radvd, the kernel's neighbour discovery, ndisc6
# needs: radvd ndisc6 iproute2 iputils-ping tshark
# when: check
#
#   router 1 (fe80::1, prefix, high) --- bridge --- router 2 (fe80::2, low)       both with 2001:db8:9::9 behind them
#                                          |
#                                        tap0 --- plumb, no address
#
# plumb makes itself addresses by what radvd advertises, follows the better router, then the one that is left, and is a
# neighbour as others are.
. "$(dirname "$0")/lib.sh"
need radvd ndisc6 tshark
R2=$N-r2                                        # the second router has a namespace of its own
trap 'cleanup; ip netns del "$R2" 2>/dev/null' EXIT
in_r2() { ip netns exec "$R2" "$@"; }
netns
ip netns add "$R2" || skip "cannot make a network namespace"
for n in "$N" "$R2"; do
    ip netns exec "$n" sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0
done
ip -n "$N" tuntap add dev tap0 mode tap || skip "cannot make a TAP"
ip -n "$N" link add br0 type bridge 2>/dev/null || skip "this kernel has no bridge"
ip -n "$N" link set br0 addrgenmode none
ip -n "$N" link add r1 type veth peer name r1b
ip -n "$N" link add r2 type veth peer name r2b
ip -n "$N" link set r2 netns "$R2"
for p in tap0 r1b r2b; do ip -n "$N" link set $p addrgenmode none master br0; ip -n "$N" link set $p up; done
ip -n "$N" link set br0 up
ip -n "$N" link set r1 addrgenmode none up
ip -n "$R2" link set r2 addrgenmode none up
ip -n "$R2" link set lo up
ip -n "$N" addr add fe80::1/64 dev r1 nodad
ip -n "$N" addr add 2001:db8:1::1/64 dev r1 nodad
ip -n "$R2" addr add fe80::2/64 dev r2 nodad
ip -n "$R2" route add 2001:db8:1::/64 dev r2
for n in "$N" "$R2"; do ip -n "$n" addr add 2001:db8:9::9/128 dev lo; done
advertise() { printf 'interface %s { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; AdvDefaultLifetime 1800; AdvDefaultPreference %s; %s };\n' "$@"; }
advertise r1 high 'AdvLinkMTU 1400; prefix 2001:db8:1::/64 { AdvValidLifetime 3600; AdvPreferredLifetime 1800; }; RDNSS 2001:db8:1::53 { };' > "$tmp/r1.conf"
advertise r2 low '' > "$tmp/r2.conf"
chmod 644 "$tmp"/r?.conf
start radvd -n -C "$tmp/r1.conf" -p "$tmp/r1.pid" -m logfile -l "$tmp/r1.log"; r1=$started
in_r2 radvd -n -C "$tmp/r2.conf" -p "$tmp/r2.pid" -m logfile -l "$tmp/r2.log" & pids+=($!)
in_ns tshark -q -i br0 -w "$tmp/link.pcapng" > /dev/null 2>&1 & pids+=($!)
sleep 1

mkdir "$tmp/www"; head -c 100000 /dev/urandom > "$tmp/www/file"
start "$plumb" serve "$tmp/www" --via tap:tap0,offload=off --port 80 > "$tmp/serve" 2>&1; serve=$started
for _ in $(seq 100); do
    A=$(grep -o "2001:db8:1:[0-9a-f:]*" "$tmp/serve" | head -1)
    [ -n "$A" ] && break
    sleep 0.1
done
[ -n "$A" ] || fail "plumb has no address: $(cat "$tmp/serve")"

# a neighbour as others are
in_ns ping -c 3 -i 0.2 -W 2 "$A" | grep -q "3 received" || fail "the kernel's ping to $A"
in_ns ndisc6 -1 -r 2 -w 2000 "$A" r1 > "$tmp/out" || fail "ndisc6: $(cat "$tmp/out")"
grep -qi "link-layer address" "$tmp/out" || fail "ndisc6: $(cat "$tmp/out")"
in_ns rdisc6 -1 -q -r 1 -w 500 r1 > "$tmp/out" 2>&1
grep -qi "$A" "$tmp/out" && fail "plumb advertises itself as a router: $(cat "$tmp/out")"

# the MTU of the advertisement, and the way back by the better router
in_ns curl -gs --max-time 5 -o "$tmp/got" "http://[$A]/file" || fail "no answer from $A"
same "$tmp/www/file" "$tmp/got" "by the neighbour"
in_ns curl -gs --max-time 5 --interface 2001:db8:9::9 -o "$tmp/got" "http://[$A]/file" || fail "no answer by the first router"
same "$tmp/www/file" "$tmp/got" "by the first router"

# router 1 falls silent: by the unreachability of what it is asked, plumb goes to router 2
ip -n "$N" link set r1 down
ip -n "$N" link set r1b down
for _ in $(seq 30); do
    in_r2 curl -gs --max-time 2 --interface 2001:db8:9::9 -o "$tmp/got" "http://[$A]/file" && break
done
same "$tmp/www/file" "$tmp/got" "by the second router"

# router 1 is there again and says good-bye: it is not followed
ip -n "$N" link set r1b up
ip -n "$N" link set r1 up
ip -n "$N" addr replace fe80::1/64 dev r1 nodad
ip -n "$N" addr replace 2001:db8:1::1/64 dev r1 nodad
sleep 4
kill "$r1"
sleep 1
in_r2 curl -gs --max-time 5 --interface 2001:db8:9::9 -o "$tmp/got" "http://[$A]/file" || fail "no answer by the second router"
same "$tmp/www/file" "$tmp/got" "by the router that is left"
kill "$serve"; wait "$serve" 2>/dev/null
in_ns tshark -r "$tmp/link.pcapng" -Y "ipv6.src == $A && frame.len > 1414" 2>/dev/null | grep -q . && fail "plumb sent more than the MTU it was told"
in_ns tshark -r "$tmp/link.pcapng" -Y "icmpv6.checksum.status == 0 || _ws.malformed" 2>/dev/null | grep . && fail "ICMPv6 that is not well formed"
echo "neighbour discovery, SLAAC by radvd, two routers"
