#!/usr/bin/env bash
# peer: as the tests it runs
# needs: nginx-light curl wget iproute2 iputils-ping tshark python3 wrk nftables
# when: check
# timeout: 240
#
# Tests of a TAP again by IPv6: the same scripts, the addresses in them translated, so that 10.9.0.1 and .2 are
# 2001:db8:9::1 and ::2.  $@: which (default: those that are quick).
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- ping bulk_serve conversation ecn black_hole fast_open wrk offload packet packet_ring
mkdir -p "$work/test/interop"
for f in build README.md meson.build; do ln -s "$root/$f" "$work/$f"; done
for f in "$here"/*.sh "$here"/*.py; do
    sed -E \
        -e 's#http://10\.9\.0\.([0-9]+)#http://[2001:db8:9::\1]#g' \
        -e 's#@10\.9\.0\.#@2001:db8:9::#g' \
        -e 's#(addr add 10\.9\.[0-9.]+/24 dev [a-z0-9]+)#\1 nodad#g' \
        -e 's#10\.9\.0\.([0-9]+)/24#2001:db8:9::\1/64#g; s#10\.9\.0\.0/24#2001:db8:9::/64#g; s#10\.9\.1\.([0-9]+)/24#2001:db8:a::\1/64#g' \
        -e 's#10\.9\.0\.([0-9]+)#2001:db8:9::\1#g; s#10\.9\.1\.([0-9]+)#2001:db8:a::\1#g' \
        -e 's#ip\.dsfield\.ecn#ipv6.tclass.ecn#g; s#\bip\.(src|dst)\b#ipv6.\1#g' \
        -e 's#(table|chain|rule) ip #\1 ip6 #g; s#\bip (saddr|daddr|ecn)\b#ip6 \1#g' \
        -e 's#listen 80;#listen 80; listen [::]:80;#' \
        -e 's#create_server\(\("", port\)\)#create_server(("", port), family=socket.AF_INET6)#' \
        -e 's#mtu([= ])296#mtu\11280#' \
        -e 's#meta length > 1200#meta length > 1300#' \
        -e 's#ip -n "\$N" (route|neigh)#ip -6 -n "$N" \1#g' \
        -e 's#socket\.AF_INET\b#socket.AF_INET6#g; s#socket\.socket\(\)#socket.socket(socket.AF_INET6)#g' \
        "$f" > "$work/test/interop/${f##*/}"
done
failed=0
for name in "$@"; do
    PLUMB=${PLUMB:-$root/build/release/plumb} timeout 300 bash "$work/test/interop/$name.sh" > "$work/out" 2>&1
    status=$?
    echo "$name by IPv6: exit $status"
    [ $status = 0 ] || { failed=1; tail -5 "$work/out"; }
done
exit $failed
