#!/usr/bin/env bash
# peer: curl, the kernel's stack; a generator of SYNs
# needs: curl python3 iproute2
# when: check
#
#   SYNs from 30,000 invented senders --+
#   curl on kernel 10.9.0.1 ------------+--- tap0 --- plumb serve 10.9.0.2        every page comes, at once
. "$(dirname "$0")/lib.sh"
need curl python3
tap
mkdir "$tmp/www"; head -c 100000 /dev/urandom > "$tmp/www/page"
start "$plumb" serve "$tmp/www" -q --via $VIA --port 80; server=$started
await_http http://10.9.0.2/page
mac=$(ip -n "$N" neigh show 10.9.0.2 | awk '{ for (i = 1; i < NF; i++) if ($i == "lladdr") print $(i + 1) }')
[ -n "$mac" ] || fail "no neighbour 10.9.0.2"
start python3 "$here/syn_flood.py" tap0 "$mac" 10.9.0.2 80 30000 6 > "$tmp/flood" 2>&1; flood=$started
sleep 1.5
pages=0
while kill -0 "$flood" 2>/dev/null; do
    in_ns curl -sS --max-time 2 -o "$tmp/got" http://10.9.0.2/page || fail "page $((pages + 1)) during the flood: curl's exit $?"
    same "$tmp/www/page" "$tmp/got" "a page during the flood"
    pages=$((pages + 1))
done
wait "$flood" || fail "the flood: $(cat "$tmp/flood")"
[ "$pages" -ge 10 ] || fail "only $pages pages during the flood"
in_ns curl -sS --max-time 2 -o "$tmp/got" http://10.9.0.2/page || fail "after the flood: curl's exit $?"
kill -0 "$server" || fail "plumb serve is gone"
echo "$(cat "$tmp/flood"); $pages pages meanwhile"
