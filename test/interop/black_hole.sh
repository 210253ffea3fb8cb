#!/usr/bin/env bash
# peer: curl, the kernel's stack
# needs: curl nftables iproute2
# when: check
#
#   curl on kernel 10.9.0.1 --- tap0, which loses what is larger than 1200 bytes without a word --- plumb serve 10.9.0.2
. "$(dirname "$0")/lib.sh"
need curl nft
tap
mkdir "$tmp/www"; head -c 3000000 /dev/urandom > "$tmp/www/page"
in_ns nft "add table ip hole; add chain ip hole in { type filter hook input priority 0; }; add rule ip hole in ip saddr 10.9.0.2 meta length > 1200 counter drop" ||
    skip "nft does not work in a namespace here"
start "$plumb" serve "$tmp/www" -q --via $VIA --port 80
await_http http://10.9.0.2/none
begin=$(date +%s.%N)
in_ns curl -sS --max-time 20 -o "$tmp/got" http://10.9.0.2/page || fail "curl's exit $?"
took=$(awk "BEGIN { print $(date +%s.%N) - $begin }")
same "$tmp/www/page" "$tmp/got" "a page through a black hole"
dropped=$(in_ns nft list chain ip hole in | grep -o 'packets [0-9]*' | awk '{ print $2 }')
[ "$dropped" -gt 0 ] || fail "nothing was lost: there was no black hole"
awk "BEGIN { exit !($took < 10) }" || fail "it took $took s"
echo "3 MB in $took s, $dropped packets vanished"
