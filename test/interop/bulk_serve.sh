#!/usr/bin/env bash
# peer: curl, wget
# needs: curl wget iproute2
# when: check
#
#   curl, wget on kernel 10.9.0.1 --- tap0 --- plumb serve 10.9.0.2        200 MB each, then 4 MB over a bad link, side by side
. "$(dirname "$0")/lib.sh"
need curl wget
tap
mkdir "$tmp/www"
head -c 200000000 /dev/urandom > "$tmp/www/big"; head -c 4000000 "$tmp/www/big" > "$tmp/www/small"
start "$plumb" serve "$tmp/www" --via $VIA --port 80; server=$started
await_http http://10.9.0.2/small
speed() { echo "$1: $(awk "BEGIN { printf \"%.0f\", 1600 / ($(date +%s.%N) - $2) }") Mbit/s"; }
begin=$(date +%s.%N)
in_ns curl -sS -o "$tmp/got" http://10.9.0.2/big || fail "curl: exit $?"
speed "curl, 200 MB" "$begin"
same "$tmp/www/big" "$tmp/got" "curl, 200 MB"
in_ns wget -q -O "$tmp/got" http://10.9.0.2/big || fail "wget: exit $?"
same "$tmp/www/big" "$tmp/got" "wget, 200 MB"
kill "$server"; wait "$server" 2>/dev/null
start "$plumb" serve "$tmp/www" --via $VIA --port 80 --link 'loss=1% reorder=1% duplicate=1%'
await_http http://10.9.0.2/
in_ns curl -sS -o "$tmp/one" http://10.9.0.2/small & one=$!
in_ns wget -q -O "$tmp/two" http://10.9.0.2/small & two=$!
wait $one || fail "curl over a bad link: exit $?"
wait $two || fail "wget over a bad link: exit $?"
same "$tmp/www/small" "$tmp/one" "curl, 4 MB over a bad link"
same "$tmp/www/small" "$tmp/two" "wget, 4 MB over a bad link"
echo "200 MB to each, sha256 equal"
