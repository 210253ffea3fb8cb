#!/usr/bin/env bash
# peer: the kernel's bridge, ping
# needs: iproute2 iputils-ping
# when: long
#
#   a ring of plumb's bridge and the kernel's, which is the root and sets the times: the spanning tree cuts it, and mends it
#   when a link goes
. "$(dirname "$0")/router_lib.sh"
. "$(dirname "$0")/bridge_lib.sh"
need ping
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
echo "a ring cut and mended"
