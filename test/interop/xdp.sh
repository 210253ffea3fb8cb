#!/usr/bin/env bash
# peer: the kernel's stack, nginx, curl, dnsmasq
# needs: nginx-light curl iproute2 iputils-ping tshark dnsmasq-base
# when: check
#
#   kernel 10.9.0.1 on veth v0, in a namespace of its own --- v1 with plumb 10.9.0.2 by AF_XDP, and with
#   the other kernel's 10.9.0.3; default offloads
. "$(dirname "$0")/lib.sh"
need nginx curl ping tshark dnsmasq
far=plumb-$$-y
trap 'ip netns del "$far" 2>/dev/null; cleanup' EXIT
netns
ip netns add "$far" || skip "cannot make a network namespace"
ip -n "$far" link set lo up
ip -n "$N" link add v1 type veth peer name v0 netns "$far" || skip "cannot make a veth pair"
ip -n "$far" addr add fd00:9::1/64 dev v0 nodad; ip -n "$far" addr add 10.9.0.1/24 dev v0; ip -n "$N" addr add 10.9.0.3/24 dev v1
ip -n "$far" link set v0 up; ip -n "$N" link set v1 up
in_far() { ip netns exec "$far" "$@"; }
via=xdp:v1,addr=10.9.0.2/24,gw=10.9.0.1,addr=fd00:9::2/64
mkdir "$tmp/www"; head -c 20000000 /dev/urandom > "$tmp/www/big"
state() { ip -n "$N" -d link show v1; in_ns cat /proc/net/packet; }
for _ in $(seq 50); do ip -n "$N" -6 addr show dev v1 | grep -q tentative || break; sleep 0.1; done
state > "$tmp/before"

in_ns "$plumb" ping -c 2 -i 0.2 --via $via 10.9.0.1 > "$tmp/out" 2> "$tmp/err"
grep -q "built without AF_XDP" "$tmp/err" && skip "$(cat "$tmp/err")"
grep -q "2 received" "$tmp/out" || fail "ping: $(cat "$tmp/out" "$tmp/err")"
grep -q "AF_XDP (copy mode) on v1" "$tmp/err" || fail "$(cat "$tmp/err")"
[ "$(wc -l < "$tmp/err")" = 1 ] || fail "libxdp speaks: $(cat "$tmp/err")"
state | diff "$tmp/before" - || fail "something is left behind by ping"

# Both ways, whole, with the other kernel's own traffic beside it.
NGINX_CONF; sed -i "s/listen 80/listen 10.9.0.1:80/" "$tmp/nginx.conf"
ip netns exec "$far" nginx -c "$tmp/nginx.conf" > /dev/null 2>&1 & pids+=("$!")
for _ in $(seq 100); do in_ns curl -s -o /dev/null http://10.9.0.1/ && break; sleep 0.1; done
in_ns "$plumb" fetch -s --via $via -w "$tmp/c.pcapng" -o "$tmp/got" http://10.9.0.1/big || fail "fetch: exit $?"
same "$tmp/www/big" "$tmp/got" "fetch over AF_XDP"
clean_capture "$tmp/c.pcapng"
start "$plumb" serve "$tmp/www" --via $via --port 80 2> "$tmp/err"; server=$started
for _ in $(seq 100); do in_far curl -s -o /dev/null --max-time 1 http://10.9.0.2/ && break; sleep 0.1; done
in_far curl -sS --max-time 30 -o "$tmp/got" http://10.9.0.2/big || fail "curl: exit $?"
same "$tmp/www/big" "$tmp/got" "curl over AF_XDP"
in_far ping -c 2 -i 0.2 10.9.0.2 | grep -q " 0% packet loss" || fail "ping of plumb"
in_far ping -c 2 -i 0.2 10.9.0.3 | grep -q " 0% packet loss" || fail "ping of the kernel beside plumb"
in_ns curl -sS --max-time 30 --interface 10.9.0.3 -o "$tmp/got" http://10.9.0.1/big || fail "the kernel beside plumb: curl: exit $?"
same "$tmp/www/big" "$tmp/got" "the kernel beside plumb"
in_far ping -6 -c 2 -i 0.2 fd00:9::2 | grep -q " 0% packet loss" || fail "ping of plumb by IPv6"
in_far ip neigh flush all                       # ARP for plumb's address is plumb's, for the kernel's the kernel's
in_far ping -c 1 -W 2 10.9.0.2 > /dev/null || fail "plumb does not answer ARP"
in_far ping -c 1 -W 2 10.9.0.3 > /dev/null || fail "the kernel does not answer ARP"
in_far ip neigh show 10.9.0.2 > "$tmp/a"; in_far ip neigh show 10.9.0.3 > "$tmp/b"
[ "$(cut -d' ' -f5 "$tmp/a")" != "$(cut -d' ' -f5 "$tmp/b")" ] || fail "one MAC for both: $(cat "$tmp/a" "$tmp/b")"
in_ns "$plumb" ping -c 1 --via $via 10.9.0.1 2> "$tmp/err" && fail "two programs on one queue"
grep -q "already" "$tmp/err" || fail "$(cat "$tmp/err")"

kill -9 "$server"; wait "$server" 2>/dev/null
for _ in $(seq 50); do ip -n "$N" -d link show v1 | grep -q prog || break; sleep 0.1; done
state | diff "$tmp/before" - || fail "something is left behind by kill -9"

ip netns exec "$far" dnsmasq --keep-in-foreground --conf-file=/dev/null --port=0 --interface=v0 --bind-interfaces --dhcp-range=10.9.0.50,10.9.0.60,1h \
    --dhcp-leasefile="$tmp/leases" --no-ping --user=root > "$tmp/dnsmasq" 2>&1 & pids+=("$!")
sleep 0.5
in_ns "$plumb" ping -c 1 --via xdp:v1 10.9.0.1 > "$tmp/out" 2> "$tmp/err" || fail "an address by DHCP: $(cat "$tmp/err" "$tmp/dnsmasq")"
grep -q "1 received" "$tmp/out" || fail "$(cat "$tmp/out")"
echo "AF_XDP on a veth with default offloads, beside the kernel's own address"
