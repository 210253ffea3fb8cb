# Shared by the bridge tests, behind router_lib.sh: TAPs of plumb's bridge, each given to a host.
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
