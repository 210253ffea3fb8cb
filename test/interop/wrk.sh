#!/usr/bin/env bash
# peer: wrk
# needs: wrk curl iproute2
# when: check
#
#   wrk on kernel 10.9.0.1 --- tap0 --- plumb serve 10.9.0.2        64 connections, no socket error
. "$(dirname "$0")/lib.sh"
need wrk curl
tap
mkdir "$tmp/www"
head -c 1024 /dev/urandom > "$tmp/www/kib"
start "$plumb" serve "$tmp/www" --via $VIA --port 80
await_http http://10.9.0.2/kib
in_ns wrk -t 1 -c 64 -d 5s http://10.9.0.2/kib > "$tmp/out" || fail "wrk: $(cat "$tmp/out")"
cat "$tmp/out"
grep -q "Socket errors" "$tmp/out" && fail "socket errors"
grep -q "Non-2xx" "$tmp/out" && fail "answers other than 200"
[ "$(awk '/requests in/ {print $1}' "$tmp/out")" -gt 100 ] || fail "hardly a request was answered"
exit 0
