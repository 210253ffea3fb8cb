#!/usr/bin/env bash
# peer: the kernel's CUBIC
# needs: iproute2 python3
# when: long
# timeout: 900
#
# plumb's CUBIC against the kernel's, each flow in a world of its own, over the same emulated path: 100 Mbit/s, 80 ms, 1% loss.
#
#   kernel (congctl cubic) 10.9.1.1 --- tap --- plumb wire --- tap --- kernel 10.9.1.2 receives
#   plumb                  10.9.1.1 --- its own emulated link --- tap --- kernel 10.9.1.2 receives
#
# The receiver, which measures, is the same in both.  The median of plumb's flows is at least 0.9 of the kernel's.
. "$(dirname "$0")/lib.sh"
need python3 ss
FLOWS=${FLOWS:-16} SECONDS_EACH=${SECONDS_EACH:-60} LINK=${LINK:-rate=100mbit rtt=80ms loss=1% queue=1MB} LEAST=${LEAST:-0.9} CC=${CC:-cubic}
port=7007
spaces=()
end_spaces() { for n in "${spaces[@]:-}"; do [ -n "$n" ] && ip netns del "$n" 2>/dev/null; done; }
trap 'end_spaces; cleanup' EXIT
space() { ip netns add "$1" || skip "cannot make a network namespace"; spaces+=("$1"); ip -n "$1" link set lo up; }

# A receiving kernel in namespace $1 behind $2, which exists there.
receiver() {
    ip -n "$1" addr add 10.9.1.2/24 dev "$2"; ip -n "$1" link set dev "$2" up
    ip netns exec "$1" python3 "$here/bulk_flow.py" receive $port "$SECONDS_EACH" > "$3" & pids+=($!)
    for _ in $(seq 100); do ip netns exec "$1" ss -Htln "sport = :$port" | grep -q . && return; sleep 0.1; done
    fail "the receiver in $1 does not listen"
}
with_kernel() {
    local i=$1 r=plumb-$$-r$1 s=plumb-$$-s$1 w=plumb-$$-w$1
    space "$r"; space "$s"; space "$w"
    ip -n "$w" tuntap add dev tap0 mode tap; ip -n "$w" tuntap add dev tap1 mode tap
    ip netns exec "$w" "$plumb" wire tap:tap0 tap:tap1 --link "$LINK" --seed "$i" 2> "$tmp/wire$i" & pids+=($!)
    for _ in $(seq 100); do grep -q joined "$tmp/wire$i" && break; sleep 0.1; done
    ip -n "$w" link set dev tap0 netns "$s"; ip -n "$w" link set dev tap1 netns "$r"
    receiver "$r" tap1 "$tmp/kernel$i"
    ip -n "$s" addr add 10.9.1.1/24 dev tap0; ip -n "$s" link set dev tap0 up
    ip -n "$s" route replace 10.9.1.0/24 dev tap0 congctl "$CC" || skip "the kernel has no $CC"
    ip netns exec "$s" python3 "$here/bulk_flow.py" send 10.9.1.2 $port "$((SECONDS_EACH + 5))" & pids+=($!)
}
with_plumb() {
    local i=$1 r=plumb-$$-p$1
    space "$r"
    ip -n "$r" tuntap add dev tap0 mode tap
    receiver "$r" tap0 "$tmp/plumb$i"
    ip netns exec "$r" "$plumb" bench client --cc "$CC" --via tap:tap0,addr=10.9.1.1/24 --link "$LINK" --seed "$i" -p $port \
        -t "$((SECONDS_EACH + 5))" 10.9.1.2 up > "$tmp/client$i" 2>&1 & pids+=($!)
}
measured() { for _ in $(seq $((SECONDS_EACH + 60))); do [ "$(cat "$tmp/$1"[0-9]* | wc -l)" -ge "$FLOWS" ] && return; sleep 1; done; fail "not every flow of $1 ended"; }
median() { cat "$tmp/$1"[0-9]* | sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

for i in $(seq "$FLOWS"); do with_kernel "$i"; done
sleep 3
for i in $(seq "$FLOWS"); do ip netns exec "plumb-$$-s$i" ss -Htin "dport = :$port" | grep -q "$CC" || fail "flow $i of the kernel does not use $CC"; done
measured kernel
for i in $(seq "$FLOWS"); do with_plumb "$i"; done
measured plumb
k=$(median kernel) p=$(median plumb)
echo "kernel: $(cat "$tmp"/kernel[0-9]* | sort -n | tr '\n' ' ')"
echo "plumb:  $(cat "$tmp"/plumb[0-9]* | sort -n | tr '\n' ' ')"
echo "$FLOWS flows of $SECONDS_EACH s, $LINK, $CC: median kernel $k bit/s, plumb $p bit/s, ratio $(awk "BEGIN { printf \"%.3f\", $p / $k }")"
awk "BEGIN { exit !($p >= $LEAST * $k) }" || fail "plumb's median is below $LEAST of the kernel's"
