#!/usr/bin/env bash
# peer: dnsmasq, radvd, dhclient
# needs: dnsmasq-base radvd isc-dhcp-client iproute2 iputils-ping tshark
# when: check
#
#   router and DHCPv6 server 2001:db8:1::1 --- tap0 --- plumb        stateful, then stateless; then plumb serves and dhclient asks
. "$(dirname "$0")/lib.sh"
need dnsmasq radvd dhclient tshark
netns
in_ns sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0
ip -n "$N" tuntap add dev tap0 mode tap || skip "cannot make a TAP"
ip -n "$N" addr add fe80::1/64 dev tap0 nodad
ip -n "$N" addr add 2001:db8:1::1/64 dev tap0 nodad
ip -n "$N" link set tap0 up
advertise() {
    printf 'interface tap0 { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; AdvManagedFlag %s; AdvOtherConfigFlag %s;
        prefix 2001:db8:1::/64 { AdvAutonomous %s; }; };\n' "$@" > "$tmp/radvd.conf"
    chmod 644 "$tmp/radvd.conf"
    start radvd -n -C "$tmp/radvd.conf" -p "$tmp/radvd.pid" -m logfile -l "$tmp/radvd.log"
}
serve() {
    start dnsmasq --keep-in-foreground --conf-file=/dev/null --interface=tap0 --bind-interfaces --dhcp-range="$1" --port=53 --no-resolv --no-hosts \
        --address=/www.peer.test/2001:db8:1::1 --dhcp-option=option6:dns-server,[2001:db8:1::1] --dhcp-leasefile="$tmp/leases" --user=root --log-facility="$tmp/log"
    sleep 1
}
stop_all() { for p in "${pids[@]}"; do kill "$p" 2>/dev/null; done; wait 2>/dev/null; pids=(); }
captured() { tshark -r "$tmp/c.pcapng" -Y "$1" 2>/dev/null | grep -q .; }
clean6() {
    bad=$(tshark -r "$tmp/c.pcapng" -o udp.check_checksum:TRUE -Y '_ws.malformed || (udp.checksum.status==0 && !icmpv6) || icmpv6.checksum.status==0' 2>/dev/null | head -3)
    [ -z "$bad" ] || fail "not well formed: $bad"
}

advertise on on off
serve 2001:db8:1::100,2001:db8:1::1ff,64,1h
in_ns timeout 30 "$plumb" ping -6 -c 2 -i 0.2 --via tap:tap0 -w "$tmp/c.pcapng" www.peer.test > "$tmp/out" 2>&1 || fail "stateful: $(cat "$tmp/out" "$tmp/log")"
grep -q "2 received" "$tmp/out" || fail "$(cat "$tmp/out")"
grep -q "2001:db8:1::1" "$tmp/leases" || fail "dnsmasq knows no lease: $(cat "$tmp/leases")"
captured 'dhcpv6.msgtype == 1' && captured 'dhcpv6.msgtype == 7' || fail "no exchange in the capture"
clean6
stop_all

advertise off on on             # a second may pass before plumb asks for information (RFC 9915 §18.2.6): it pings for two
serve 2001:db8:1::,ra-stateless,64
in_ns timeout 30 "$plumb" ping -6 -c 10 -i 0.2 --via tap:tap0 -w "$tmp/c.pcapng" www.peer.test > "$tmp/out" 2>&1 || fail "stateless: $(cat "$tmp/out" "$tmp/log")"
captured 'dhcpv6.msgtype == 11' || fail "nobody asked for information"
clean6
stop_all

ip -n "$N" addr flush dev tap0 scope global
start "$plumb" dhcp6d --via tap:tap0,addr=2001:db8:1::2/64 --range 2001:db8:1::50-2001:db8:1::60 --dns 2001:db8:1::2 --domain peer.test --lease 10m --capture "$tmp/c.pcapng"
sleep 2
cat > "$tmp/script" <<'S'
#!/bin/sh
[ "$reason" = BOUND6 ] && echo "bound $new_ip6_address dns $new_dhcp6_name_servers domain $new_dhcp6_domain_search valid $new_max_life" > "$RESULT"
exit 0
S
chmod +x "$tmp/script"
in_ns timeout 30 dhclient -6 -1 -v -e RESULT="$tmp/result" -sf "$tmp/script" -lf "$tmp/dhclient.leases" -pf "$tmp/dhclient.pid" tap0 > "$tmp/out" 2>&1 || fail "dhclient: $(cat "$tmp/out")"
grep -Eq "bound 2001:db8:1::(5[0-9a-f]|60) dns 2001:db8:1::2 domain peer.test.? valid 600" "$tmp/result" || fail "dhclient: $(cat "$tmp/result" "$tmp/out")"
in_ns timeout 30 dhclient -6 -r -v -e RESULT="$tmp/result" -sf "$tmp/script" -lf "$tmp/dhclient.leases" -pf "$tmp/dhclient.pid" tap0 > "$tmp/out" 2>&1
sleep 1
stop_all
captured 'dhcpv6.msgtype == 8' || fail "no Release in the capture: $(cat "$tmp/out")"
[ "$(tshark -r "$tmp/c.pcapng" -Y 'dhcpv6.msgtype == 7 && !icmpv6' 2>/dev/null | wc -l)" = 2 ] || fail "not one Reply to the Request and one to the Release"
clean6

# The leases outlive the server: after a kill -9 a client that lost its own memory, but not its DUID, gets the address it had.
keep() { start "$plumb" dhcp6d --via tap:tap0,addr=2001:db8:1::2/64 --range 2001:db8:1::50-2001:db8:1::60 --leases "$tmp/kept" 2> "$tmp/err"; server=$started; sleep 2; }
ask6() {
    rm -f "$tmp/dhclient.leases"; : > "$tmp/result"
    in_ns timeout 30 dhclient -6 -1 -D LL -v -e RESULT="$tmp/result" -sf "$tmp/script" -lf "$tmp/dhclient.leases" -pf "$tmp/dhclient.pid" tap0 > "$tmp/out" 2>&1 ||
        fail "dhclient: $(cat "$tmp/out" "$tmp/err")"
    kill "$(cat "$tmp/dhclient.pid")" 2>/dev/null
    awk '/^bound/ { print $2 }' "$tmp/result"
}
keep; had=$(ask6); kill -9 "$server"; wait 2>/dev/null
grep -q "$had" "$tmp/kept" || fail "the file does not name $had: $(cat "$tmp/kept")"
keep; got=$(ask6); [ -n "$had" ] && [ "$got" = "$had" ] || fail "the client had $had and gets $got"
stop_all
echo nonsense > "$tmp/kept"
in_ns timeout 10 "$plumb" dhcp6d --via tap:tap0,addr=2001:db8:1::2/64 --range 2001:db8:1::50-2001:db8:1::60 --leases "$tmp/kept" 2> "$tmp/err" && fail "a file of nonsense was taken"
grep -q leases "$tmp/err" || fail "what is wrong with the file? $(cat "$tmp/err")"
echo "DHCPv6 both ways, stateful and stateless; leases outlive their server"
