#!/usr/bin/env bash
# peer: the kernel's stack, nginx, curl
# needs: nginx-light curl iproute2 iputils-ping tshark
# when: check
#
#   kernel 10.9.0.1 on veth v0 --- v1 (no address) with plumb 10.9.0.2 on a packet socket; default offloads, so large
#   packets and partial checksums cross it
. "$(dirname "$0")/lib.sh"
need nginx curl ping tshark
netns
ip -n "$N" link add v0 type veth peer name v1 || skip "cannot make a veth pair"
ip -n "$N" addr add 10.9.0.1/24 dev v0
ip -n "$N" link set v0 up; ip -n "$N" link set v1 up
via=packet:v1,addr=10.9.0.2/24,gw=10.9.0.1
mkdir "$tmp/www"; head -c 20000000 /dev/urandom > "$tmp/www/big"
NGINX_CONF; start nginx -c "$tmp/nginx.conf"; await_port 80
in_ns "$plumb" ping -c 2 -i 0.2 --via $via 10.9.0.1 | grep -q "2 received" || fail "ping"
in_ns "$plumb" fetch -s --via $via -w "$tmp/c.pcapng" -o "$tmp/got" http://10.9.0.1/big || fail "fetch: exit $?"
same "$tmp/www/big" "$tmp/got" "fetch over a packet socket"
clean_capture "$tmp/c.pcapng"
start "$plumb" serve "$tmp/www" --via $via --port 80
await_http http://10.9.0.2/
in_ns curl -sS -o "$tmp/got" http://10.9.0.2/big || fail "curl: exit $?"
same "$tmp/www/big" "$tmp/got" "curl over a packet socket"
in_ns "$plumb" ping -c 1 --via packet:v0,addr=10.9.0.1/24 10.9.0.9 2> "$tmp/err" && fail "the host's own address must be refused"
grep -q "host's own address" "$tmp/err" || fail "$(cat "$tmp/err")"
echo "packet socket on a veth with default offloads"
