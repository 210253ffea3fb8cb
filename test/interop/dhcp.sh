#!/usr/bin/env bash
# peer: dnsmasq, udhcpc, arping
# needs: dnsmasq-base udhcpc iproute2 iputils-arping tshark
# when: check
#
#   dnsmasq on kernel 10.9.0.1 --- tap0 --- plumb, no address        then plumb serves and udhcpc asks
. "$(dirname "$0")/lib.sh"
need dnsmasq udhcpc arping tshark
tap
start dnsmasq --keep-in-foreground --conf-file=/dev/null --interface=tap0 --bind-interfaces --dhcp-range=10.9.0.100,10.9.0.120,1h \
    --dhcp-option=option:router,10.9.0.1 --port=53 --no-resolv --no-hosts --address=/www.peer.test/10.9.0.1 --dhcp-leasefile="$tmp/leases" --user=root --log-facility="$tmp/log"
sleep 0.5
in_ns "$plumb" ping -c 2 -i 0.2 --via tap:tap0 -w "$tmp/c.pcapng" www.peer.test > "$tmp/out" 2>&1 || fail "client against dnsmasq: $(cat "$tmp/out" "$tmp/log")"
grep -q "2 received" "$tmp/out" || fail "$(cat "$tmp/out")"
grep -q "10.9.0.1[012]" "$tmp/leases" || fail "dnsmasq knows no lease: $(cat "$tmp/leases")"
clean_capture "$tmp/c.pcapng"
tshark -r "$tmp/c.pcapng" -Y 'dhcp.option.dhcp == 5' 2>/dev/null | grep -q ACK || fail "no DHCP ACK in the capture"
for p in "${pids[@]}"; do kill "$p" 2>/dev/null; done; wait 2>/dev/null; pids=()

ip -n "$N" addr flush dev tap0
start "$plumb" dhcpd --via tap:tap0,addr=10.9.0.2/24 --range 10.9.0.50-10.9.0.60 --router 10.9.0.2 --lease 10m
sleep 1
cat > "$tmp/script" <<'S'
#!/bin/sh
[ "$1" = bound ] && echo "bound $ip mask $mask router $router lease $lease"
exit 0
S
chmod +x "$tmp/script"
in_ns udhcpc -i tap0 -q -n -f -t 5 -T 1 -s "$tmp/script" > "$tmp/out" 2>&1 || fail "udhcpc: $(cat "$tmp/out")"
grep -Eq "bound 10.9.0.(5[0-9]|60) mask 24 router 10.9.0.2 lease 600" "$tmp/out" || fail "udhcpc: $(cat "$tmp/out")"
ip -n "$N" addr add 10.9.0.1/24 dev tap0
in_ns arping -c 2 -w 3 -I tap0 10.9.0.2 > "$tmp/out" 2>&1 || fail "arping: $(cat "$tmp/out")"
echo "DHCP both ways"
