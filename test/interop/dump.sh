#!/usr/bin/env bash
# peer: tcpdump, tshark, the kernel's stack
# needs: iproute2 iputils-ping tcpdump tshark python3
# when: check
#
#   v0 10.9.5.1 --- v1 10.9.5.2 (another namespace)        plumb dump beside tcpdump: the same filters take the same packets, live and from files
. "$(dirname "$0")/lib.sh"
need ping tcpdump tshark python3
netns
M=plumb-$$-m
trap 'ip netns del $M 2>/dev/null; cleanup' EXIT
ip netns add $M; ip -n "$N" link add v0 type veth peer name v1 netns $M || skip "cannot make a veth pair"
ip -n "$N" addr add 10.9.5.1/24 dev v0; ip -n "$N" addr add fd00:5::1/64 dev v0 nodad; ip -n "$N" link set v0 up
ip -n $M addr add 10.9.5.2/24 dev v1; ip -n $M addr add fd00:5::2/64 dev v1 nodad; ip -n $M link set v1 up; ip -n $M link set lo up
TZ=UTC; export TZ

# ---- live: both listen, one talks
ip netns exec $M python3 -m http.server 80 --bind 10.9.5.2 > /dev/null 2>&1 & pids+=($!)
ip netns exec "$N" tcpdump --immediate-mode -i v0 -w "$tmp/theirs.pcap" -U > /dev/null 2>&1 & their=$!; pids+=($their)
ip netns exec "$N" "$plumb" dump -i v0 -w "$tmp/ours.pcapng" -U 2> "$tmp/err" & our=$!; pids+=($our)
ip netns exec "$N" "$plumb" dump -i v0 -l icmp or icmp6 > "$tmp/lines" 2> /dev/null & lines=$!; pids+=($lines)
for _ in $(seq 50); do grep -q listening "$tmp/err" && [ -s "$tmp/theirs.pcap" ] && break; sleep 0.1; done; sleep 0.3
in_ns ping -c 2 -i 0.2 10.9.5.2 > /dev/null; in_ns ping -c 2 -i 0.2 fd00:5::2 > /dev/null; in_ns ping -c 1 -s 4000 10.9.5.2 > /dev/null
for _ in $(seq 50); do in_ns python3 -c 'import urllib.request as u; u.urlopen("http://10.9.5.2/", timeout=2).read()' 2> /dev/null && break; sleep 0.1; done
in_ns bash -c 'echo x > /dev/udp/10.9.5.2/9999; echo y > /dev/udp/10.9.5.2/53'
sleep 0.5
for p in $their $our $lines; do kill -INT "$(pgrep -P $p -x 'plumb|tcpdump' || echo $p)" 2> /dev/null; done; wait $their $our $lines 2> /dev/null
talk='ip.addr==10.9.5.1 || icmpv6.type==128 || icmpv6.type==129'     # and not what a new link says before both listen
ours=$(tshark -r "$tmp/ours.pcapng" -Y "$talk" 2> /dev/null | wc -l); theirs=$(tshark -r "$tmp/theirs.pcap" -Y "$talk" 2> /dev/null | wc -l)
[ "$ours" -gt 20 ] && [ "$ours" = "$theirs" ] || fail "plumb saw $ours packets, tcpdump $theirs"
theirs=$(tshark -r "$tmp/theirs.pcap" 2> /dev/null | wc -l)
grep -q '0 missed' "$tmp/err" || fail "$(cat "$tmp/err")"
grep -q '10.9.5.1 > 10.9.5.2 ICMP echo request id [0-9]* seq 1' "$tmp/lines" && grep -q 'fd00:5::2 > fd00:5::1 ICMPv6 echo reply' "$tmp/lines" || fail "lines: $(cat "$tmp/lines")"
[ "$(tshark -r "$tmp/ours.pcapng" -Y '_ws.malformed && !(udp.port==53)' 2> /dev/null | wc -l)" = 0 ] || fail "malformed: $(tshark -r "$tmp/ours.pcapng" -Y "_ws.malformed" -V 2> /dev/null | head -60)"

# ---- files: the same packets by the same filters
f=$tmp/theirs.pcap
while read -r filter; do
    want=$(tcpdump -r "$f" $filter 2> /dev/null | wc -l); got=$("$plumb" dump -r "$f" $filter 2> /dev/null | wc -l)
    [ "$got" = "$want" ] || fail "\"$filter\": $got packets, tcpdump says $want"
    echo "$got $filter" >> "$tmp/counts"
done <<'FILTERS'

arp
icmp
icmp6
ip6
tcp port 80
tcp[tcpflags] & tcp-syn != 0
host 10.9.5.2 and not icmp
udp dst port 53 or udp dst port 9999
ip[6:2] & 0x1fff != 0
greater 1000
less 100
ether broadcast
src net 10.9.5.0/24
ip proto 1
ip6 and icmp6[0] == 135
FILTERS
[ "$(awk '$1 == 0' "$tmp/counts" | wc -l)" -le 1 ] || fail "filters that took nothing: $(cat "$tmp/counts")"
# times and bytes, as tcpdump prints them
tcpdump -tt -n -r "$f" 2> /dev/null | cut -d' ' -f1 > "$tmp/t1"; "$plumb" dump -tt -r "$f" 2> /dev/null | cut -d' ' -f1 > "$tmp/t2"
cmp "$tmp/t1" "$tmp/t2" || fail "times"
tcpdump -xx -n -r "$f" 2> /dev/null | grep 0x | tr -d ' \t' > "$tmp/x1"; "$plumb" dump -xx -r "$f" 2> /dev/null | grep -P '^\t0x' | tr -d ' \t' > "$tmp/x2"
cmp "$tmp/x1" "$tmp/x2" || fail "bytes"
# formats: microseconds, nanoseconds, pcapng by another's hand, and our own both ways
tcpdump -r "$f" --time-stamp-precision=nano -w "$tmp/nano.pcap" 2> /dev/null; tshark -r "$f" -F pcapng -w "$tmp/ng.pcapng" 2> /dev/null
"$plumb" dump -r "$f" -w "$tmp/o.pcap" 2> /dev/null; "$plumb" dump -r "$f" -w "$tmp/o.pcapng" 2> /dev/null; "$plumb" dump -r "$f" -w - 2> /dev/null > "$tmp/o2.pcapng"
"$plumb" dump -r "$f" > "$tmp/want" 2> /dev/null
for g in nano.pcap ng.pcapng o.pcap o.pcapng o2.pcapng; do
    "$plumb" dump -r "$tmp/$g" 2> /dev/null | cmp - "$tmp/want" || fail "$g: other lines"
    tshark -r "$tmp/$g" -T fields -e frame.time_epoch -e frame.len 2> /dev/null | cut -c1-17 > "$tmp/g"; [ -s "$tmp/g" ] || fail "$g is empty for tshark"
    [ "$(wc -l < "$tmp/g")" = "$theirs" ] || fail "$g: tshark reads $(wc -l < "$tmp/g") of $theirs"
done
"$plumb" dump -r - tcp < "$f" 2> /dev/null | cmp - <("$plumb" dump -r "$f" tcp 2> /dev/null) || fail "standard input"
"$plumb" dump -r "$f" -s 60 -w "$tmp/short.pcapng" 2> /dev/null; [ "$(tshark -r "$tmp/short.pcapng" -T fields -e frame.cap_len 2> /dev/null | sort -n | tail -1)" = 60 ] || fail "-s"
[ "$("$plumb" dump -r "$f" -c 3 2> /dev/null | wc -l)" = 3 ] || fail "-c"
"$plumb" dump -r "$f" --json icmp 2> /dev/null | python3 -c 'import json, sys; d = json.load(sys.stdin); assert d["schema"] == "plumb.dump/1" and d["count"] == len(d["packets"]) > 5 and d["exit"] == 0' || fail "JSON"
[ "$("$plumb" dump -d ip)" = "$(tcpdump -y EN10MB -d ip 2> /dev/null)" ] || fail "-d"
head -c 500 "$f" > "$tmp/cut"; "$plumb" dump -r "$tmp/cut" > "$tmp/out" 2> "$tmp/err"; [ $? = 1 ] && grep -q "ends within" "$tmp/err" && [ -s "$tmp/out" ] || fail "a file cut short: $(cat "$tmp/err")"
[ "$(in_ns "$plumb" dump -D | grep -c v0)" = 1 ] || fail "-D"
"$plumb" dump --seed 3 -t icmp 2> /dev/null | grep -q '203.0.113.80 > 10.0.2.15 ICMP echo reply id 1 seq 1' || fail "the virtual internet"
ip netns exec "$N" timeout 5 "$plumb" dump -i lo -c 4 -l icmp > "$tmp/out" 2> /dev/null & lo=$!; sleep 0.5; in_ns ping -c 2 -i 0.2 127.0.0.1 > /dev/null; wait $lo
[ "$(grep -c ICMP "$tmp/out")" = 4 ] || fail "loopback: $(cat "$tmp/out")"
echo "tcpdump's packets"
