#!/usr/bin/env bash
# peer: nginx, curl
# needs: nginx-light curl iproute2
# when: long
#
#   nginx and curl on kernel 10.9.0.1 --- tap0 --- plumb 10.9.0.2        50 MB each way at 3% loss
. "$(dirname "$0")/lib.sh"
need nginx curl
tap
mkdir "$tmp/www"
head -c 50000000 /dev/urandom > "$tmp/www/big"
NGINX_CONF; start nginx -c "$tmp/nginx.conf"; await_port 80
link='loss=3% reorder=1% duplicate=1%'
in_ns "$plumb" fetch -s --via $VIA --link "$link" -o "$tmp/got" http://10.9.0.1/big || fail "fetch: exit $?"
same "$tmp/www/big" "$tmp/got" "fetch, 50 MB at 3%"
start "$plumb" serve "$tmp/www" --via $VIA --port 80 --link "$link"
await_http http://10.9.0.2/
in_ns curl -sS -o "$tmp/got" http://10.9.0.2/big || fail "curl: exit $?"
same "$tmp/www/big" "$tmp/got" "curl, 50 MB at 3%"
echo "50 MB each way at 3% loss"
