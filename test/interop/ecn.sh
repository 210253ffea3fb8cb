#!/usr/bin/env bash
# peer: the kernel's ECN (RFC 3168)
# needs: iproute2 python3 curl tshark nftables
# when: check
#
#   kernel 10.9.0.1 --- tap0 --- plumb 10.9.0.2        accurate ECN is offered and falls back: to RFC 3168, to none, to a path that drops it
. "$(dirname "$0")/lib.sh"
need python3 curl tshark nft
tap
mkdir "$tmp/www"; head -c 300000 /dev/urandom > "$tmp/www/file"
(cd "$tmp/www" && exec ip netns exec "$N" python3 -m http.server 8000 --bind 10.9.0.1 >/dev/null 2>&1) & pids+=($!)
await_port 8000
seen() { tshark -r "$tmp/c.pcapng" -Y "$1" 2>/dev/null | wc -l; }
fetched() {
    in_ns "$plumb" fetch -s --via $VIA -w "$tmp/c.pcapng" -o "$tmp/got" http://10.9.0.1:8000/file || fail "fetch with $1: exit $?"
    same "$tmp/www/file" "$tmp/got" "$1"
    clean_capture "$tmp/c.pcapng"
}
asks='tcp.flags.syn==1 && tcp.flags.ack==0 && tcp.flags.ae==1 && tcp.flags.cwr==1 && tcp.flags.ece==1'

in_ns sysctl -qw net.ipv4.tcp_ecn=1
fetched "the kernel's ECN"
[ "$(seen "$asks")" -ge 1 ] || fail "the SYN does not offer accurate ECN"
[ "$(seen 'tcp.flags.syn==1 && tcp.flags.ack==1 && tcp.flags.ece==1 && tcp.flags.cwr==0 && tcp.flags.ae==0')" = 1 ] || fail "the kernel did not answer with RFC 3168"
[ "$(seen 'ip.src==10.9.0.2 && tcp.len>0 && ip.dsfield.ecn==2')" -ge 1 ] || fail "plumb's text is not ECT(0)"
[ "$(seen 'ip.src==10.9.0.1 && tcp.len>0 && ip.dsfield.ecn==2')" -ge 1 ] || fail "the kernel's text is not ECT(0)"
[ "$(seen 'ip.src==10.9.0.2 && tcp.len==0 && ip.dsfield.ecn!=0')" = 0 ] || fail "a pure ACK, or a SYN, is ECN-capable"

in_ns sysctl -qw net.ipv4.tcp_ecn=0
fetched "a kernel without ECN"
[ "$(seen 'ip.dsfield.ecn!=0')" = 0 ] || fail "ECN without agreement"

# a path that drops SYNs that ask for ECN
in_ns nft -f - <<'RULES' || skip "nft does not work here"
table ip t {
    chain in {
        type filter hook input priority 0;
        tcp flags & (syn | ack | ecn | cwr) == syn | ecn | cwr counter drop
    }
}
RULES
in_ns sysctl -qw net.ipv4.tcp_ecn=1
fetched "a path that drops ECN"
[ "$(seen "$asks")" = 2 ] || fail "accurate ECN was not asked for twice"
[ "$(seen 'ip.dsfield.ecn!=0')" = 0 ] || fail "ECN though the third SYN did not ask"
in_ns nft delete table ip t

# the kernel asks
start "$plumb" serve "$tmp/www" --via $VIA --port 80 --capture "$tmp/c.pcapng" > /dev/null 2>&1; serving=$started
await_http http://10.9.0.2/
in_ns curl -s -o "$tmp/got" http://10.9.0.2/file || fail "curl: exit $?"
same "$tmp/www/file" "$tmp/got" "curl from plumb"
kill -INT "$serving"; wait "$serving" 2>/dev/null
[ "$(seen 'ip.src==10.9.0.2 && tcp.flags.syn==1 && tcp.flags.ece==1 && tcp.flags.cwr==0')" -ge 1 ] || fail "plumb does not answer the kernel's ECN"
[ "$(seen 'ip.src==10.9.0.2 && tcp.len>1000 && ip.dsfield.ecn==2')" -ge 3 ] || fail "plumb's answer is not ECT(0)"

# marks instead of losses: the kernel echoes them, plumb slows down and says so
(exec ip netns exec "$N" python3 "$here/bulk_flow.py" receive 7007 3 > "$tmp/rate") & pids+=($!)
await_port 7007
in_ns "$plumb" bench client --cc cubic --via $VIA --link 'rate=20mbit rtt=20ms queue=400kB ecn=30kB' --capture "$tmp/c.pcapng" -t 4 10.9.0.1 up > "$tmp/out" 2>&1
cat "$tmp/out"; echo "marked: $(seen 'ip.src==10.9.0.1 && tcp.flags.ece==1 && tcp.flags.syn==0') ACKs with ECE, $(seen 'ip.src==10.9.0.2 && tcp.flags.cwr==1 && tcp.flags.syn==0') segments with CWR, $(seen tcp.analysis.retransmission) retransmissions, $(cat "$tmp/rate") bit/s"
[ "$(seen 'ip.src==10.9.0.1 && tcp.flags.ece==1 && tcp.flags.syn==0')" -ge 5 ] || fail "no mark came back"
[ "$(seen 'ip.src==10.9.0.2 && tcp.flags.cwr==1 && tcp.flags.syn==0')" -ge 3 ] || fail "no CWR"
[ "$(cat "$tmp/rate")" -ge 2000000 ] || fail "the path of 20 Mbit/s carried $(cat "$tmp/rate") bit/s"
