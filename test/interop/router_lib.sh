# Shared by the router tests: kernel hosts in namespaces of their own, each at the other end of a TAP of plumb's router.
#
#   host a 10.1.0.2 --- tap0  \
#   host b 10.2.0.2 --- tap1  plumb router, 10.X.0.1     in the namespace $N
#   host c 10.3.0.2 --- tap2  /
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
spaces=()
leave() {
    for p in "${pids[@]:-}"; do [ -n "$p" ] && kill "$p" 2>/dev/null; done
    wait 2>/dev/null
    for s in "${spaces[@]:-}"; do ip netns del "$s" 2>/dev/null; done
    cleanup
}
trap leave EXIT
host() { echo "$N-$1"; }
at() { local h; h=$(host "$1"); shift; ip netns exec "$h" "$@"; }       # at a ping ...
at_start() { local h; h=$(host "$1"); shift; ip netns exec "$h" "$@" & started=$!; pids+=("$started"); }
# router_on "ARGS of plumb router" a b ...: starts it on a TAP for each host, and moves each TAP to its host.
router_on() {
    local args=$1 i=0 via=() h more; shift
    netns
    for h in "$@"; do
        ip -n "$N" tuntap add dev tap$i mode tap || skip "cannot make a TAP"
        more=ROUTER_VIA$i       # ROUTER_VIA1=,mtu=1300: more for the second
        via+=(--via "tap:tap$i,addr=10.$((i + 1)).0.1/24${!more:-}")
        i=$((i + 1))
    done
    # shellcheck disable=SC2086
    ip netns exec "$N" "$plumb" router "${via[@]}" $args 2> "$tmp/router.err" & router=$!; pids+=("$router")
    for _ in $(seq 100); do grep -q "router: to 10" "$tmp/router.err" && break; kill -0 "$router" 2>/dev/null || fail "the router ended: $(cat "$tmp/router.err")"; sleep 0.05; done
    i=0
    for h in "$@"; do
        ip netns add "$(host "$h")"; spaces+=("$(host "$h")")
        ip -n "$N" link set dev tap$i netns "$(host "$h")"
        ip -n "$(host "$h")" link set lo up
        ip -n "$(host "$h")" addr add 10.$((i + 1)).0.2/24 dev tap$i
        ip -n "$(host "$h")" link set tap$i up
        ip -n "$(host "$h")" route add default via 10.$((i + 1)).0.1
        i=$((i + 1))
    done
}
router_ends() {
    kill -INT "$router"; wait "$router"; local status=$?
    [ $status = 0 ] || fail "the router ended with $status: $(cat "$tmp/router.err")"
}
# What iperf3 says of datagrams: on a busy machine a kernel drops some itself while plumb does not run.
few_lost() { awk -F'[(%]' '/receiver/ { n = $2 + 0; found = 1 } END { exit !(found && n < 5) }' "$1" || fail "datagrams were lost: $(grep receiver "$1")"; }
# Each side by itself.  What an ICMP error quotes a kernel took without its checksum, which the sender had left to the device,
# and never completed.
clean_router_capture() {
    for side in tap0 tap1; do
        tshark -r "$1" -w "$tmp/plain.pcapng" -Y "!((icmp || icmpv6) && udp) && frame.interface_name == \"$side\"" 2>/dev/null
        clean_capture "$tmp/plain.pcapng"
    done
}
