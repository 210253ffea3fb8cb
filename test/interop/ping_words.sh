#!/usr/bin/env bash
# peer: the kernel's stack, iputils-ping, tshark
# needs: iproute2 iputils-ping tshark python3
# when: check
#
#   kernel 10.9.0.1 --- tap0 --- plumb 10.9.0.2        ping's options, its words beside those of iputils, and its JSON
. "$(dirname "$0")/lib.sh"
need ping tshark python3
tap
in_ns sysctl -q net.ipv4.icmp_ratemask=0
p() { in_ns timeout 30 "$plumb" ping "$@" --via $VIA 10.9.0.1; }
shape() { sed -E 's/[0-9]+\.[0-9]+/T/g; s/time=[0-9]+/time=T/; s/10\.9\.0\.[0-9]/A/g; s/time [0-9]+ms/time T/; s,T/T/T/T,RTT,'; }

# the words, number for number where the numbers are not times
p -c 3 -i 0.2 2> /dev/null | shape > "$tmp/ours"
in_ns ping -c 3 -i 0.2 10.9.0.1 | shape > "$tmp/theirs"
diff "$tmp/ours" "$tmp/theirs" || fail "not iputils' words"

p -q -c 2 -i 0.01 > "$tmp/out" 2> /dev/null; [ "$(grep -c icmp_seq "$tmp/out")" = 0 ] && grep -q "2 received" "$tmp/out" || fail "-q: $(cat "$tmp/out")"
p -c 1 -p ff00a5 -s 30 -t 9 -Q 0x10 -w "$tmp/p.pcapng" > /dev/null 2>&1 && fail "-Q takes a number"
p -c 1 -p ff00a5 -s 30 -t 9 -Q 16 -w "$tmp/p.pcapng" > "$tmp/out" 2>&1 || fail "$(cat "$tmp/out")"
tshark -r "$tmp/p.pcapng" -Y 'icmp.type==8' -T fields -e ip.ttl -e ip.dsfield -e data.data -e frame.len 2> /dev/null > "$tmp/seen"
[ "$(cat "$tmp/seen")" = "9	0x10	$(printf 'ff00a5%.0s' 1 2 3 4 5 6 7 8 9 10)	72" ] || fail "pattern, ttl, tos: $(cat "$tmp/seen")"
p -D -c 1 2> /dev/null | grep -Eq '^\[[0-9]{10}\.[0-9]{6}\] 64 bytes' || fail "-D"
p -c 2 -i 0.2 --link 'duplicate=100%' 2> /dev/null > "$tmp/out"; grep -q 'DUP!' "$tmp/out" && grep -q '2 received, +[1-9]* duplicates' "$tmp/out" || fail "duplicates: $(cat "$tmp/out")"
p -f -c 300 2> /dev/null > "$tmp/out"; grep -q '300 received' "$tmp/out" || fail "flood: $(cat "$tmp/out")"
p -l 5 -c 5 -i 3 2> /dev/null > "$tmp/out"; grep -q '5 received' "$tmp/out" || fail "preload: $(cat "$tmp/out")"
p -M do -s 3000 -c 1 2> /dev/null > "$tmp/out"; [ $? = 1 ] && grep -q "+1 errors" "$tmp/out" || fail "-M do: $(cat "$tmp/out")"
p --deadline 0.5 -c 0 -i 0.1 2> /dev/null > "$tmp/out" || fail "deadline: $(cat "$tmp/out")"
in_ns timeout 30 "$plumb" ping -c 1 --via $VIA 10.9.0.77 > "$tmp/out" 2> /dev/null; [ $? = 1 ] || fail "a silent host"
grep -q 'From 10.9.0.2 icmp_seq=1 Destination Host Unreachable' "$tmp/out" && grep -q '0 received, +1 errors, 100% packet loss' "$tmp/out" || fail "$(cat "$tmp/out")"

# interrupted: the summary all the same
ip netns exec "$N" "$plumb" ping -c 0 -i 0.05 --via $VIA 10.9.0.1 > "$tmp/out" 2> /dev/null & one=$!
sleep 1; kill -INT "$(pgrep -P $one -x plumb || echo $one)"; wait $one; code=$?
[ $code = 0 ] && grep -q ' 0% packet loss' "$tmp/out" || fail "interrupted: exit $code $(cat "$tmp/out")"

p --json -c 2 -i 0.2 2> /dev/null > "$tmp/json" || fail "json"
in_ns timeout 30 "$plumb" ping --json -c 1 --via $VIA 10.9.0.77 > "$tmp/json2" 2> /dev/null; [ $? = 1 ] || fail "json of a silent host"
in_ns timeout 30 "$plumb" ping --json -c 1 --via $VIA nobody.test > "$tmp/json3" 2> /dev/null; [ $? = 2 ] || fail "json of no name"
python3 - "$tmp" <<'PY' || fail "JSON"
import json, sys
one, two, three = (json.load(open(f"{sys.argv[1]}/{f}")) for f in ("json", "json2", "json3"))
assert one["schema"] == "plumb.ping/1" and one["address"] == "10.9.0.1" and one["received"] == 2 and one["exit"] == 0, one
assert [r["seq"] for r in one["replies"]] == [1, 2] and all(r["ttl"] == 64 and r["bytes"] == 56 and r["time_ms"] > 0 for r in one["replies"]), one
assert one["rtt_ms"]["min"] <= one["rtt_ms"]["avg"] <= one["rtt_ms"]["max"], one
assert two["rtt_ms"] is None and two["replies"][0]["error"] == "Destination Host Unreachable" and two["errors"] == 1, two
assert three["error"], three
PY
echo "the words of ping"
