#!/usr/bin/env bash
# peer: the kernel's TCP, by python's sockets
# needs: python3 curl iproute2 tshark
# when: check
#
#   python on kernel 10.9.0.1 --- tap0 --- plumb 10.9.0.2        connections that are used, and ended, in every way
. "$(dirname "$0")/lib.sh"
need python3 curl tshark
tap
mkdir "$tmp/www" "$tmp/www/empty"
head -c 4000000 /dev/urandom > "$tmp/www/four"; echo hello > "$tmp/www/hello"

start "$plumb" serve "$tmp/www" --quiet --via $VIA --port 80 --capture "$tmp/serve.pcapng"; server=$started
await_http http://10.9.0.2/hello
in_ns timeout 60 python3 "$here/conversation.py" clients "$tmp/www/four" || fail "clients of plumb serve"
kill -0 "$server" || fail "plumb serve is gone"
kill "$server"; wait "$server"; code=$?
[ $code = 0 ] || fail "plumb serve ended with $code"
clean_capture "$tmp/serve.pcapng"
tshark -r "$tmp/serve.pcapng" -Y 'tcp.window_size == 0 && ip.src == 10.9.0.1 && tcp.flags.reset == 0' 2>/dev/null | grep -q . || fail "nobody closed a window"

start python3 "$here/conversation.py" servers "$tmp/www/four" "$tmp/seen"
await_port 8013
# fetch PATH-OR-URL EXPECTED-EXIT [OPTION...]
fetch() {
    local url=$1 want=$2 code; shift 2
    in_ns timeout 30 "$plumb" fetch -sS --via $VIA -o "$tmp/got" "$@" "$url" 2> "$tmp/err"; code=$?
    [ $code = "$want" ] || fail "$url: exit $code instead of $want: $(cat "$tmp/err")"
    [ "$want" = 0 ] || [ "$(grep -c '^plumb: ' "$tmp/err") $(wc -l < "$tmp/err")" = "1 1" ] || fail "$url: not one line: $(cat "$tmp/err")"
}
fetch http://10.9.0.1:8001/ 0;                  same "$tmp/www/four" "$tmp/got" "a server that pauses for 3 s"
fetch http://10.9.0.1:8002/ 0 --data-binary "@$tmp/www/hello"
fetch http://10.9.0.1:8003/ 0 -H "X-Pad: $(head -c 3000 /dev/zero | tr '\0' x)" -d "$(head -c 120000 /dev/zero | tr '\0' y)"
grep -q "^8003 120000 after a pause" "$tmp/seen" || fail "a server that does not read for 3 s: $(cat "$tmp/seen")"
fetch http://10.9.0.1:8004/ 52
fetch http://10.9.0.1:8005/ 56
fetch http://10.9.0.1:8006/ 18
fetch http://10.9.0.1:8007/ 56
fetch http://10.9.0.1:8008/ 28 -m 1
fetch http://10.9.0.1:8009/ 0 -L;               same "$tmp/www/four" "$tmp/got" "redirects on one connection"
grep -q "^8009 5 requests, orderly" "$tmp/seen" || fail "keep-alive: $(cat "$tmp/seen")"
fetch http://10.9.0.1:8010/ 0;                  same "$tmp/www/four" "$tmp/got" "a body that ends with the connection"
fetch http://10.9.0.1:8011/ 0;                  same "$tmp/www/four" "$tmp/got" "a body in chunks of odd sizes"
fetch http://10.9.0.1:8012/ 18
fetch http://10.9.0.1:8013/ 0;                  same "$tmp/www/hello" "$tmp/got" "an answer byte by byte"
fetch http://10.9.0.1:8099/ 7
fetch http://10.9.0.77/ 7 --connect-timeout 6
echo "the kernel saw every conversation end as it should"
