#!/usr/bin/env bash
# peer: the kernel's routers and hosts, nftables, dnsmasq
# needs: iproute2 nftables dnsmasq-base python3 tshark
# when: check
#
#   plumb 10.9.0.2 --- tap0 [router N 10.9.0.1 | 10.8.0.1] --- [router M 10.8.0.2 | 10.7.0.1] --- host H 10.7.0.2
#                                                                       MTU 1400 from M on
. "$(dirname "$0")/lib.sh"
need nft dnsmasq python3 tshark
tap
M=plumb-$$-m H=plumb-$$-h
trap 'ip netns del $M 2>/dev/null; ip netns del $H 2>/dev/null; cleanup' EXIT
ip netns add $M && ip netns add $H || skip "cannot make a network namespace"
ip -n "$N" link add to_m type veth peer name to_n netns $M || skip "cannot make a veth pair"
ip -n $M link add to_h type veth peer name to_m netns $H
for n in "$N:to_m:10.8.0.1/24" "$M:to_n:10.8.0.2/24" "$M:to_h:10.7.0.1/24" "$H:to_m:10.7.0.2/24"; do
    IFS=: read -r ns dev addr <<< "$n"
    ip -n "$ns" addr add "$addr" dev "$dev"; ip -n "$ns" link set "$dev" up; ip -n "$ns" link set lo up
done
ip -n $M link set to_h mtu 1400; ip -n $H link set to_m mtu 1400
ip -n "$N" route add default via 10.8.0.2; ip -n $M route add 10.9.0.0/24 via 10.8.0.1; ip -n $H route add default via 10.7.0.1
ip -n $M route add unreachable 10.66.1.0/24; ip -n $M route add prohibit 10.66.2.0/24; ip -n $M route add blackhole 10.66.3.0/24
for ns in "$N" $M $H; do
    ip netns exec "$ns" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratemask=0 net.ipv4.icmp_msgs_per_sec=100000 net.ipv4.icmp_msgs_burst=10000
done
ip netns exec $H nft 'add table ip f; add chain ip f i { type filter hook input priority 0; }; add rule ip f i tcp dport 7777 reject with icmp type admin-prohibited; add rule ip f i tcp dport 7778 drop'
ip netns exec $H python3 -m http.server 80 --bind 10.7.0.2 > /dev/null 2>&1 & pids+=($!)
for _ in $(seq 50); do ip netns exec $H ss -Htln 'sport = :80' | grep -q . && break; sleep 0.1; done

t() { in_ns timeout 60 "$plumb" traceroute --via $VIA "$@" 2> "$tmp/err"; }
hops() { sed -E 's/ +[0-9.]+ ms//g; s/ +/ /g; s/^ //' "$tmp/out" | tail -n +2 | tr '\n' ';'; }
wants() { # WANTED LINES, ARGUMENTS
    local want=$1; shift
    t "$@" > "$tmp/out" || fail "traceroute $*: exit $?: $(cat "$tmp/err")"
    [ "$(hops)" = "$want" ] || fail "traceroute $*: $(cat "$tmp/out")"
}
way="1 10.9.0.1;2 10.8.0.2;3 10.7.0.2;"
wants "$way" -n 10.7.0.2
wants "$way" -n -I 10.7.0.2
wants "$way" -n -T 10.7.0.2                         # an open port
wants "$way" -n -T -p 81 10.7.0.2                   # a closed one
wants "$way" -n -q 10 -N 64 10.7.0.2
wants "$way" -n -I 10.7.0.2 1000
wants "1 10.9.0.1;2 10.8.0.2;3 10.7.0.2 !X !X !X;" -n -T -p 7777 10.7.0.2
wants "3 10.7.0.2;" -n -f 3 10.7.0.2
wants "1 10.9.0.1;2 10.8.0.2;" -n -m 2 10.7.0.2
wants "1 10.9.0.1;2 10.8.0.2 !H !H !H;" -n 10.66.1.1        # the kernel tells five times, then once a second
sleep 3
wants "1 10.9.0.1;2 10.8.0.2 !X !X !X;" -n 10.66.2.1
wants "1 10.9.0.1;2 * * *;3 * * *;4 * * *;" -n -m 4 -w 0.3 10.66.3.1
wants "1 10.9.0.1;2 10.8.0.2;3 * * *;" -n -m 3 -w 0.3 -T -p 7778 10.7.0.2
wants "1 10.9.0.1;" -n 10.9.0.1
wants "1 10.9.0.1 F=1500;2 10.8.0.2;3 10.7.0.2 F=1400;" -n --mtu 10.7.0.2
wants "1 10.9.0.1 F=1500;2 10.8.0.2;3 10.7.0.2 F=1400;" -n -I --mtu 10.7.0.2
wants "1 10.9.0.1;2 10.8.0.2;3 10.8.0.2 !F-1400 !F-1400 !F-1400;" -n -F 10.7.0.2 1450

# what a SYN opened at the host is closed again by the RST that a real stack sends
[ -z "$(ip netns exec $H ss -Htn state syn-recv)" ] || fail "half open: $(ip netns exec $H ss -tn)"
# names, by a name server on the way
ip netns exec "$N" dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --listen-address=10.9.0.1 --bind-interfaces --pid-file= --port=53 \
    --ptr-record=1.0.9.10.in-addr.arpa,gate.peer.test --ptr-record=2.0.7.10.in-addr.arpa,goal.peer.test --local=/arpa/ > /dev/null 2>&1 & pids+=($!)
for _ in $(seq 50); do in_ns ss -Hlun 'sport = :53' | grep -q . && break; sleep 0.1; done
in_ns timeout 60 "$plumb" traceroute -q 1 --via $VIA,dns=10.9.0.1 --capture "$tmp/t.pcapng" 10.7.0.2 > "$tmp/out" 2> "$tmp/err" || fail "names: $(cat "$tmp/err")"
[ "$(hops)" = "1 gate.peer.test (10.9.0.1);2 10.8.0.2 (10.8.0.2);3 goal.peer.test (10.7.0.2);" ] || fail "names: $(cat "$tmp/out")"
clean_capture "$tmp/t.pcapng"

t --json -n 10.7.0.2 > "$tmp/json" || fail "json"
t --json -n -T 10.7.0.2 > "$tmp/json2" || fail "json"
t --json -n -m 3 -w 0.3 10.66.3.1 > "$tmp/json3" || fail "json"
python3 - "$tmp" <<'PY' || fail "JSON"
import json, sys
one, two, three = (json.load(open(f"{sys.argv[1]}/{f}")) for f in ("json", "json2", "json3"))
assert one["schema"] == "plumb.traceroute/1" and one["method"] == "udp" and one["reached"] and one["exit"] == 0, one
assert [h["ttl"] for h in one["hops"]] == [1, 2, 3] and all(len(h["probes"]) == 3 for h in one["hops"]), one
assert [p["said"] for p in one["hops"][2]["probes"]] == ["port unreachable"] * 3, one
assert two["method"] == "tcp" and two["hops"][2]["probes"][0]["said"] == "open", two
assert not three["reached"] and three["hops"][1]["probes"] == [None] * 3, three
PY
echo "the way, by three kinds of probes"
