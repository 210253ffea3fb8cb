#!/usr/bin/env bash
# peer: the kernel's stack, nginx, curl, dig, nmap, scapy
# needs: iproute2 iputils-ping nginx-light curl bind9-dnsutils nmap python3-scapy tshark procps
# when: check
# timeout: 240
#
#   kernel fd00::1 --- tap0 --- plumb fd00::2          IPv6 alone: ping, TCP and UDP both ways, extension headers, errors,
#   far fd01::2 --- 1280 bytes --- kernel fd01::1      and a path that takes less than the link
. "$(dirname "$0")/lib.sh"
need ping nginx curl dig nmap tshark sysctl
/usr/bin/python3 -c 'import scapy.all' 2>/dev/null || skip "scapy is not installed"
netns
ip netns add "$N-far" || skip "cannot make a network namespace"
trap 'ip netns del "$N-far" 2>/dev/null; cleanup' EXIT
ip -n "$N" tuntap add dev tap0 mode tap || skip "cannot make a TAP"
ip -n "$N" link add veth0 type veth peer name eth0 netns "$N-far"
in_ns sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.icmp.ratelimit=0
ip -n "$N" addr add fd00::1/64 dev tap0 nodad
ip -n "$N" addr add fd01::1/64 dev veth0 nodad
ip -n "$N-far" addr add fd01::2/64 dev eth0 nodad
ip -n "$N" link set veth0 mtu 1280
ip -n "$N-far" link set eth0 mtu 1280
for d in tap0 veth0; do ip -n "$N" link set $d up; done
ip -n "$N-far" link set eth0 up
ip -n "$N-far" route add fd00::/64 via fd01::1
VIA=tap:tap0,addr=fd00::2/64,gw=fd00::1
mkdir "$tmp/www"
head -c 3000000 /dev/urandom > "$tmp/www/big"
sleep 1

# plumb asks
in_ns timeout 30 "$plumb" ping -c 3 -i 0.2 --via $VIA -w "$tmp/p.pcapng" fd00::1 > "$tmp/out" || fail "ping: $(cat "$tmp/out")"
clean_capture "$tmp/p.pcapng"
in_ns timeout 30 "$plumb" ping -c 2 -i 0.2 -s 20000 --via $VIA fd00::1 > "$tmp/out" || fail "fragments: $(cat "$tmp/out")"
in_ns timeout 30 "$plumb" ping -c 3 -i 0.3 -W 3 -s 1400 --via $VIA fd01::2 > "$tmp/out"
grep -q "[12] received" "$tmp/out" || fail "a ping that has to come apart for its path: $(cat "$tmp/out")"
in_ns timeout 30 "$plumb" ping -c 1 -W 3 --via $VIA fd09::1 > "$tmp/out"; grep -qi unreachable "$tmp/out" || fail "no route: $(cat "$tmp/out")"
NGINX_CONF
sed -i 's/listen 80;/listen [::]:80 ipv6only=on;/' "$tmp/nginx.conf"
start nginx -c "$tmp/nginx.conf"; await_port 80
in_ns timeout 60 "$plumb" fetch -s --via $VIA -w "$tmp/f.pcapng" -o "$tmp/got" 'http://[fd00::1]/big' || fail "fetch: exit $?"
same "$tmp/www/big" "$tmp/got" "fetch"
clean_capture "$tmp/f.pcapng"

# plumb answers
start timeout 200 "$plumb" serve --via $VIA "$tmp/www"; server=$started
await_http 'http://[fd00::2]:8080/big'
in_ns ping -6 -q -c 3 -i 0.2 fd00::2 > "$tmp/out" || fail "the kernel's ping: $(cat "$tmp/out")"
in_ns ping -6 -q -c 2 -i 0.2 -s 20000 fd00::2 > "$tmp/out" || fail "the kernel's fragments: $(cat "$tmp/out")"
in_ns curl -sS --max-time 30 -o "$tmp/got" 'http://[fd00::2]:8080/big' || fail "curl"
same "$tmp/www/big" "$tmp/got" "curl"
ip netns exec "$N-far" curl -sS --max-time 30 -o "$tmp/got" 'http://[fd00::2]:8080/big' || fail "curl by the narrow path"
same "$tmp/www/big" "$tmp/got" "the narrow path"
in_ns nmap -6 -n -Pn -sS -p 8080,8081 fd00::2 > "$tmp/out"
grep -q '8080/tcp *open' "$tmp/out" && grep -q '8081/tcp *closed' "$tmp/out" || fail "nmap: $(cat "$tmp/out")"
in_ns nmap -6 -n -Pn -sU -p 9 fd00::2 > "$tmp/out"; grep -q '9/udp *closed' "$tmp/out" || fail "nmap, UDP: $(cat "$tmp/out")"
mac=$(ip -n "$N" -6 neigh show fd00::2 | sed 's/.*lladdr \([^ ]*\).*/\1/')
in_ns /usr/bin/python3 "$here/ip6_headers.py" tap0 "$mac" fd00::1 fd00::2 > "$tmp/out" 2>&1 || fail "headers: $(cat "$tmp/out")"
# The kernel takes an address only when nobody answers for it: plumb does (RFC 4862 §5.4).
ip -n "$N" addr add fd00::2/64 dev tap0
for _ in $(seq 30); do ip -n "$N" -6 addr show dev tap0 | grep -q "fd00::2/64.*dadfailed" && break; sleep 0.1; done
ip -n "$N" -6 addr show dev tap0 | grep -q "fd00::2/64.*dadfailed" || fail "the kernel took plumb's address: $(ip -n "$N" -6 addr show dev tap0)"
ip -n "$N" addr del fd00::2/64 dev tap0
kill -0 "$server" || fail "the server is gone"
kill "$server"; wait "$server" 2>/dev/null

# names, by UDP: plumb is asked (dhcp6.sh has it ask)
cat > "$tmp/zone" <<'Z'
$ORIGIN shop.test.
$TTL 300
@     IN SOA ns admin 1 3600 600 86400 60
@     IN NS ns
ns    IN AAAA fd00::2
www   IN AAAA fd00::1
Z
start timeout 60 "$plumb" dnsd --via $VIA "$tmp/zone"
for _ in $(seq 50); do in_ns dig +short +time=1 +tries=1 @fd00::2 www.shop.test AAAA > "$tmp/out" 2>/dev/null && grep -q fd00::1 "$tmp/out" && break; sleep 0.1; done
grep -q fd00::1 "$tmp/out" || fail "dig: $(cat "$tmp/out")"
