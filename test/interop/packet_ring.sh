#!/usr/bin/env bash
# peer: the kernel's stack, nginx, curl
# needs: nginx-light curl iproute2 iputils-ping tshark python3
# when: check
#
#   kernel 10.9.0.1 on veth v0 --- v1 (no address) with plumb 10.9.0.2 on a packet socket that receives by a ring of
#   blocks; first with the veth's large packets and partial checksums, then with small ones alone.  What overruns the
#   ring, and the plain socket's buffer, while plumb is stopped is counted as drops with their reason.
. "$(dirname "$0")/lib.sh"
need nginx curl ping tshark python3
netns
ip -n "$N" link add v0 type veth peer name v1 || skip "cannot make a veth pair"
ip -n "$N" addr add 10.9.0.1/24 dev v0
ip -n "$N" link set v0 up; ip -n "$N" link set v1 up
via=packet:v1,addr=10.9.0.2/24,gw=10.9.0.1
mkdir "$tmp/www"; head -c 6000000 /dev/urandom > "$tmp/www/big"; head -c 60000000 /dev/urandom > "$tmp/www/huge"
NGINX_CONF                              # what plumb is stopped in the middle of takes four seconds on any machine
sed -i 's,listen 80;,listen 80; location = /huge { limit_rate 15m; },' "$tmp/nginx.conf"
start nginx -c "$tmp/nginx.conf"; await_port 80

both_ways() {
    in_ns "$plumb" ping -c 2 -i 0.2 --via $via,ring=on 10.9.0.1 | grep -q "2 received" || fail "$1: ping"
    timeout 60 ip netns exec "$N" "$plumb" fetch -s --via $via,ring=on -w "$tmp/c.pcapng" -o "$tmp/got" http://10.9.0.1/big || fail "$1: fetch: exit $?"
    same "$tmp/www/big" "$tmp/got" "$1: fetch"
    clean_capture "$tmp/c.pcapng"
    start "$plumb" serve "$tmp/www" --via $via,ring=on --port 80; server=$started
    await_http http://10.9.0.2/
    in_ns curl -sS --max-time 60 -o "$tmp/got" http://10.9.0.2/big || fail "$1: curl: exit $?"
    same "$tmp/www/big" "$tmp/got" "$1: serve"
    kill -INT "$server"; wait "$server" 2>/dev/null
    longest=$(tshark -r "$tmp/c.pcapng" -Y "ip.src == 10.9.0.1" -T fields -e frame.len 2>/dev/null | sort -n | tail -1)
    echo "$1: longest frame that came in: $longest"
}
both_ways "large frames"
[ "$longest" -gt 1514 ] || fail "no large frame came"
ip -n "$N" link set v0 gso_max_segs 1
both_ways "small frames"
[ "$longest" -le 1514 ] || fail "a large frame came"

# A stopped plumb takes no frames; 100,000 of 1,400 bytes fit neither the ring nor the buffer.
for ring in on off; do
    rm -f "$tmp/got"                    # that it is there again tells that the fetch is under way
    start "$plumb" fetch -v --via $via,ring=$ring -o "$tmp/got" http://10.9.0.1/huge 2> "$tmp/err"; fetch=$started
    for _ in $(seq 100); do [ -s "$tmp/got" ] && break; sleep 0.02; done
    child=$(pgrep -P "$fetch" || echo "$fetch")
    kill -STOP $child
    in_ns python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(100000): s.sendto(b'x' * 1400, ('10.9.0.2', 9))"
    kill -CONT $child
    wait "$fetch" || fail "ring=$ring: the fetch that was stopped: exit $?"
    same "$tmp/www/huge" "$tmp/got" "ring=$ring: a fetch through an overrun"
    grep -q "no room left for frames" "$tmp/err" || fail "ring=$ring: an overrun is not told: $(tail -3 "$tmp/err")"
done
echo "ring both ways, overruns counted"
