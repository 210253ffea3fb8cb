#!/usr/bin/env bash
# peer: nginx, python3 -m http.server
# needs: nginx-light python3 iproute2
# when: check
#
#   nginx, python on kernel 10.9.0.1 --- tap0 --- plumb fetch 10.9.0.2        200 MB each, then 4 MB over a bad link, side by side
. "$(dirname "$0")/lib.sh"
need nginx python3
tap
mkdir "$tmp/www"
head -c 200000000 /dev/urandom > "$tmp/www/big"; head -c 4000000 "$tmp/www/big" > "$tmp/www/small"
NGINX_CONF; start nginx -c "$tmp/nginx.conf"; await_port 80
(cd "$tmp/www" && exec ip netns exec "$N" python3 -m http.server 8000 --bind 10.9.0.1 >/dev/null 2>&1) & pids+=($!)
await_port 8000
speed() { echo "$1: $(awk "BEGIN { printf \"%.0f\", 1600 / ($(date +%s.%N) - $2) }") Mbit/s"; }
for port in 80 8000; do
    begin=$(date +%s.%N)
    in_ns "$plumb" fetch -s --via $VIA -o "$tmp/got" "http://10.9.0.1:$port/big" || fail "fetch of 200 MB from port $port: exit $?"
    speed "200 MB from port $port" "$begin"
    same "$tmp/www/big" "$tmp/got" "200 MB from port $port"
done
ip -n "$N" tuntap add dev tap1 mode tap; ip -n "$N" addr add 10.9.1.1/24 dev tap1; ip -n "$N" link set tap1 up
link='loss=1% reorder=1% duplicate=1%'
in_ns "$plumb" fetch -s --via $VIA --link "$link" -o "$tmp/one" http://10.9.0.1:80/small & one=$!
in_ns "$plumb" fetch -s --via tap:tap1,addr=10.9.1.2/24,gw=10.9.1.1 --link "$link" -o "$tmp/two" http://10.9.0.1:8000/small & two=$!
wait $one || fail "fetch over a bad link from nginx: exit $?"
wait $two || fail "fetch over a bad link from python: exit $?"
same "$tmp/www/small" "$tmp/one" "4 MB over a bad link from nginx"
same "$tmp/www/small" "$tmp/two" "4 MB over a bad link from python"
in_ns "$plumb" fetch -s --via $VIA -w "$tmp/c.pcapng" -o "$tmp/got" "http://10.9.0.1/small" || fail "fetch with a capture"
clean_capture "$tmp/c.pcapng"
echo "200 MB from each, sha256 equal"
