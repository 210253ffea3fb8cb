#!/usr/bin/env bash
# peer: the kernel's ping
# needs: iproute2 iputils-ping curl
# when: check
#
#   kernel 10.9.0.1 --- tap0 --- plumb 10.9.0.2        Record Route and Timestamp come back with the answer
. "$(dirname "$0")/lib.sh"
need ping curl
tap
mkdir "$tmp/www"
echo here > "$tmp/www/index.html"
start timeout 60 "$plumb" serve --via $VIA "$tmp/www" 2> /dev/null
await_http http://10.9.0.2:8080/
in_ns ping -n -R -c 1 10.9.0.2 > "$tmp/out" || fail "ping -R: $(cat "$tmp/out")"
grep -q '^RR:' "$tmp/out" && [ "$(grep -c '10\.9\.0\.2$' "$tmp/out")" -ge 1 ] || fail "no route recorded: $(cat "$tmp/out")"
in_ns ping -n -T tsandaddr -c 1 10.9.0.2 > "$tmp/out" || fail "ping -T: $(cat "$tmp/out")"
grep -q '10\.9\.0\.2.*\(relative\|not-standard\|absolute\)\|^TS:' "$tmp/out" || fail "no time stamps: $(cat "$tmp/out")"
