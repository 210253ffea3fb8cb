#!/usr/bin/env bash
# peer: the kernel's stack
# needs: iproute2 iputils-ping tshark
# when: check
#
#   kernel 10.9.0.1 --- tap0 --- plumb 10.9.0.2        ping both ways, large and small, and a capture that is clean
. "$(dirname "$0")/lib.sh"
need ping tshark
tap
in_ns "$plumb" ping -c 3 -i 0.2 --via $VIA -w "$tmp/p.pcapng" 10.9.0.1 > "$tmp/out" || fail "plumb's ping: $(cat "$tmp/out")"
grep -q "3 received" "$tmp/out" || fail "$(cat "$tmp/out")"
clean_capture "$tmp/p.pcapng"
in_ns "$plumb" ping -c 2 -i 0.2 -s 4000 --via $VIA 10.9.0.1 > "$tmp/out" || fail "fragments: $(cat "$tmp/out")"
in_ns "$plumb" ping -c 1 -W 4 --via $VIA 10.9.0.77 > "$tmp/out"; [ $? = 1 ] || fail "a silent host must give exit 1"
mkdir "$tmp/www"; echo hello > "$tmp/www/index.html"
start "$plumb" serve "$tmp/www" --via $VIA --port 80
await_http http://10.9.0.2/
in_ns ping -c 3 -i 0.2 -W 2 10.9.0.2 | grep -q "3 received" || fail "the kernel's ping"
in_ns ping -c 3 -i 0.2 -W 2 -s 4000 10.9.0.2 | grep -q "3 received" || fail "the kernel's ping with fragments"
in_ns ping -c 1 -W 2 -s 60000 10.9.0.2 | grep -q "1 received" || fail "the kernel's ping of 60000 bytes"
echo "ping both ways"
