#!/usr/bin/env bash
# peer: the kernel's stack, nginx, curl, tshark
# needs: nginx-light curl iproute2 tshark
# when: check
#
#   kernel 10.9.0.1 --- tap0 --- plumb 10.9.0.2, who leaves checksums and segmentation to the device (offload=on), does
#   both itself (soft), or sends and takes packets of wire size only (off): the same bytes both ways, and large packets
#   where there are some, none where there are none, every checksum right on plumb's own capture
. "$(dirname "$0")/lib.sh"
need nginx curl tshark
tap
mkdir "$tmp/www"; head -c 6000000 /dev/urandom > "$tmp/www/big"
NGINX_CONF; start nginx -c "$tmp/nginx.conf"; await_port 80
# Packets and bytes that the kernel has taken from plumb.
taken() { in_ns cat /sys/class/net/tap0/statistics/rx_packets /sys/class/net/tap0/statistics/rx_bytes | xargs; }
longest() { tshark -r "$1" -Y "$2" -T fields -e frame.len 2>/dev/null | sort -n | tail -1; }
for offload in on soft off; do
    via=$VIA,offload=$offload
    timeout 60 ip netns exec "$N" "$plumb" fetch -s --via $via -w "$tmp/c.pcapng" -o "$tmp/got" http://10.9.0.1/big || fail "$offload: fetch: exit $?"
    same "$tmp/www/big" "$tmp/got" "$offload: fetch"
    clean_capture "$tmp/c.pcapng"
    in=$(longest "$tmp/c.pcapng" "ip.src == 10.9.0.1")
    start "$plumb" serve "$tmp/www" --via $via --port 80; server=$started
    await_http http://10.9.0.2/
    before=$(taken)
    in_ns curl -sS --max-time 60 -o "$tmp/got" http://10.9.0.2/big || fail "$offload: curl: exit $?"
    same "$tmp/www/big" "$tmp/got" "$offload: serve"
    after=$(taken)
    kill -INT "$server"; wait "$server" 2>/dev/null
    out=$(echo "$before $after" | awk '{ print int(($4 - $2) / ($3 - $1)) }')
    echo "offload=$offload: longest packet in $in, average out $out"
    if [ $offload = on ]; then
        [ "$in" -gt 1514 ] && [ "$out" -gt 1514 ] || fail "no large packet in either way"
    else
        [ "$in" -le 1514 ] && [ "$out" -le 1514 ] || fail "offload=$offload and yet large packets"
    fi
done
