#!/usr/bin/env bash
# peer: the kernel's routers and hosts, nmap
# needs: iproute2 iputils-ping nmap python3 tshark
# when: check
#
#   plumb fd00:9::2 --- tap0 [router N fd00:9::1 | fd00:8::1] --- host M fd00:8::2, MTU 1400        ping, traceroute, scan, neigh over IPv6
. "$(dirname "$0")/lib.sh"
need ping nmap python3 tshark
tap
M=plumb-$$-m
trap 'ip netns del $M 2>/dev/null; cleanup' EXIT
ip netns add $M; ip -n "$N" link add to_m type veth peer name to_n netns $M || skip "cannot make a veth pair"
for ns in "$N" $M; do ip netns exec "$ns" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.icmp.ratelimit=0; done
ip -n "$N" addr add fd00:9::1/64 dev tap0 nodad; ip -n "$N" addr add fd00:8::1/64 dev to_m nodad; ip -n $M addr add fd00:8::2/64 dev to_n nodad
ip -n "$N" link set to_m mtu 1400; ip -n $M link set to_n mtu 1400; ip -n "$N" link set to_m up; ip -n $M link set to_n up; ip -n $M link set lo up
ip -n $M route add default via fd00:8::1; ip -n "$N" -6 route add unreachable fd00:66::/64
in_ns sysctl -qw net.ipv6.conf.all.forwarding=1
ip netns exec $M python3 -m http.server 80 --bind fd00:8::2 > /dev/null 2>&1 & pids+=($!)
for _ in $(seq 50); do ip netns exec $M ss -Htln 'sport = :80' | grep -q . && break; sleep 0.1; done
V="tap:tap0,addr=fd00:9::2/64,gw=fd00:9::1"
p() { local c=$1; shift; in_ns timeout 60 "$plumb" "$c" --via $V "$@" 2> "$tmp/err"; }

shape() { sed -E 's/[0-9]+\.[0-9]+/T/g; s/time=[0-9]+/time=T/; s/fd00:9::[0-9]/A/g; s/time [0-9]+ms/time T/'; }
p ping -c 3 -i 0.2 --capture "$tmp/p.pcapng" fd00:9::1 > "$tmp/out" || fail "ping: $(cat "$tmp/out" "$tmp/err")"
in_ns ping -6 -c 3 -i 0.2 fd00:9::1 | shape | sed 's/PING A(A) 56 data bytes/PING A (A) 56 data bytes/' > "$tmp/theirs"
shape < "$tmp/out" | diff - "$tmp/theirs" || fail "not iputils' words"
clean_capture "$tmp/p.pcapng"
p ping -c 3 -i 0.2 -s 4000 fd00:8::2 > "$tmp/out" && grep -q 'From fd00:9::1 icmp_seq=1 Packet too big (mtu = 1400)' "$tmp/out" && grep -q ' 2 received' "$tmp/out" \
    || fail "fragments, and the path's MTU learnt: $(cat "$tmp/out")"
p ping -c 1 fd00:66::1 > "$tmp/out"; [ $? = 1 ] && grep -Eq 'From fd00:9::1 icmp_seq=1 Destination (Net|Host) Unreachable' "$tmp/out" || fail "unreachable: $(cat "$tmp/out")"

# an address with its zone is on the interface of that name, and on no other
p ping -c 1 fd00:9::1%tap0 > "$tmp/out" && grep -q ' 1 received' "$tmp/out" || fail "a zone: $(cat "$tmp/out" "$tmp/err")"
p ping -c 1 fd00:9::1%eth7 > "$tmp/out"; [ $? = 2 ] && grep -q 'not on eth7' "$tmp/err" || fail "another's zone: $(cat "$tmp/err")"

hops() { sed -E 's/ +[0-9.]+ ms//g; s/ +/ /g; s/^ //' "$tmp/out" | tail -n +2 | tr '\n' ';'; }
way() { local want=$1; shift; p traceroute -n "$@" > "$tmp/out" || fail "traceroute $*: $(cat "$tmp/err")"; [ "$(hops)" = "$want" ] || fail "traceroute $*: $(cat "$tmp/out")"; }
way "1 fd00:9::1;2 fd00:8::2;" fd00:8::2
way "1 fd00:9::1;2 fd00:8::2;" -I fd00:8::2
way "1 fd00:9::1;2 fd00:8::2;" -T fd00:8::2
way "1 fd00:9::1 F=1500;2 fd00:8::2 F=1400;" --mtu fd00:8::2

p scan -p 80-83 --json fd00:8::2 > "$tmp/json" || fail "scan: $(cat "$tmp/err")"
in_ns nmap -6 -sS -n -Pn -p 80-83 fd00:8::2 | awk '/\/tcp/ { print $2 }' | tr '\n' ' ' > "$tmp/theirs"
python3 -c 'import json, sys; print(*[p["state"] for p in json.load(open(sys.argv[1]))["hosts"][0]["ports"]], end=" ")' "$tmp/json" > "$tmp/ours"
cmp "$tmp/ours" "$tmp/theirs" || fail "scan: $(cat "$tmp/ours"), nmap: $(cat "$tmp/theirs")"

p route -6 > "$tmp/out"; grep -q '^fd00:9::/64 dev tap0$' "$tmp/out" && grep -q '^default via fd00:9::1 dev tap0$' "$tmp/out" || fail "route: $(cat "$tmp/out")"
p addr -6 > "$tmp/out"; grep -Eq '^tap0 +fd00:9::2/64$' "$tmp/out" || fail "addr: $(cat "$tmp/out")"
echo "the same over IPv6"
