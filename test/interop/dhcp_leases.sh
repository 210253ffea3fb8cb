#!/usr/bin/env bash
# peer: udhcpc, dhclient, isc-dhcp-relay, the kernel's router
# needs: udhcpc isc-dhcp-client isc-dhcp-relay iproute2 tshark
# when: check
#
#   plumb dhcpd 10.9.0.2 --- tap0 [router and relay N: 10.9.0.1 | 10.8.0.1] --- client C        leases that outlive kill -9, a relay, reservations
. "$(dirname "$0")/lib.sh"
need udhcpc dhclient dhcrelay tshark
tap
C=plumb-$$-c
trap 'ip netns del $C 2>/dev/null; cleanup' EXIT
ip netns add $C; ip -n "$N" link add to_c type veth peer name to_n netns $C || skip "cannot make a veth pair"
ip -n "$N" addr add 10.8.0.1/24 dev to_c; ip -n "$N" link set to_c up; ip -n $C link set to_n up; ip -n $C link set lo up
in_ns sysctl -qw net.ipv4.ip_forward=1
ip netns exec $C sysctl -qw net.ipv4.conf.all.rp_filter=0

serve() {
    ip netns exec "$N" "$plumb" dhcpd --via tap:tap0,addr=10.9.0.2/24,gw=10.9.0.1 --range 10.9.0.50-10.9.0.52 --router 10.9.0.1 --lease 10m \
        --relayed 10.8.0.50-10.8.0.59/24,router=10.8.0.1,dns=10.8.0.3 --reserve 02:00:00:00:00:77=10.9.0.99 --leases "$tmp/kept" "$@" 2> "$tmp/err" & server=$!
    pids+=($server)
    for _ in $(seq 50); do grep -q wire "$tmp/err" && return; sleep 0.1; done
    fail "dhcpd: $(cat "$tmp/err")"
}
stop() { kill -9 "$(pgrep -P $server -x plumb || echo $server)"; wait $server 2> /dev/null; }
cat > "$tmp/script" <<'S'
#!/bin/sh
[ "$1" = bound ] && echo "bound $ip mask $mask router $router dns $dns lease $lease"
exit 0
S
chmod +x "$tmp/script"
ask() { in_ns udhcpc -i tap0 -q -n -f -t 5 -T 1 -s "$tmp/script" "$@" 2> /dev/null | grep bound; }
as() { ask -x "0x3d:01$1" -C; }                                 # of this client identifier
lease_of() { grep -v '^plumb' "$tmp/kept" | awk -v a="$1/32" '$1 == a { s = $2 } END { print s }'; }

# ---- leases outlive the server
serve
one=$(as 0a); echo "$one" | grep -q 'bound 10.9.0.50 mask 24 router 10.9.0.1' || fail "first: $one"
two=$(as 0b); echo "$two" | grep -q 'bound 10.9.0.51 ' || fail "second: $two"
[ "$(lease_of 10.9.0.50)" = bound ] && [ "$(lease_of 10.9.0.51)" = bound ] || fail "$(cat "$tmp/kept")"
stop
printf '10.9.0.52/32 bound 99999' >> "$tmp/kept"               # as a crash in the middle of a line leaves it
serve
two=$(as 0b); echo "$two" | grep -q 'bound 10.9.0.51 ' || fail "after kill -9: $two"
three=$(as 0c); echo "$three" | grep -q 'bound 10.9.0.52 ' || fail "a third: $three"
none=$(as 0d); [ -z "$none" ] || fail "there was none left: $none"
one=$(as 0a); echo "$one" | grep -q 'bound 10.9.0.50 ' || fail "the first again: $one"
# ---- an address that is for one alone
in_ns ip link set tap0 address 02:00:00:00:00:77
r=$(ask -C); echo "$r" | grep -q 'bound 10.9.0.99 ' || fail "reserved: $r"
# ---- the file has one server
in_ns timeout 10 "$plumb" dhcpd --via packet:to_c,addr=10.8.0.9/24 --range 10.8.0.60-10.8.0.61 --leases "$tmp/kept" > "$tmp/out" 2>&1; [ $? = 1 ] && grep -q "in use" "$tmp/out" \
    || fail "two servers: $(cat "$tmp/out")"

# ---- behind a relay, which adds its information and will have it back
stop; serve --capture "$tmp/s.pcapng"
ip netns exec "$N" dhcrelay -4 -d --no-pid -a -iu tap0 -id to_c 10.9.0.2 > "$tmp/relay" 2>&1 & pids+=($!)
sleep 1
far=$(ip netns exec $C udhcpc -i to_n -q -n -f -t 8 -T 1 -s "$tmp/script" 2> /dev/null | grep bound)
echo "$far" | grep -q 'bound 10.8.0.50 mask 24 router 10.8.0.1 dns 10.8.0.3' || fail "relayed: $far $(cat "$tmp/relay" "$tmp/kept")"
# ---- dhclient: bound, then the server is killed, then INIT-REBOOT with another server process, then RELEASE
client() { ip netns exec $C timeout 40 dhclient -4 -1 -d --no-pid -lf "$tmp/client.leases" -cf /dev/null -sf /bin/true "$@" to_n > "$tmp/dhclient" 2>&1 & dh=$!
           for _ in $(seq 150); do grep -q "bound to\|DHCPACK" "$tmp/dhclient" && break; sleep 0.1; done; kill $dh 2> /dev/null; wait $dh 2> /dev/null; }
touch "$tmp/client.leases"
client; grep -q "DHCPACK of 10.8.0.5[0-9] " "$tmp/dhclient" || fail "dhclient: $(cat "$tmp/dhclient")"
had=$(sed -n 's/.*DHCPACK of \([0-9.]*\) .*/\1/p' "$tmp/dhclient" | head -1)
kill -INT "$(pgrep -P $server -x plumb || echo $server)"; wait $server 2> /dev/null
serve
client; grep -q "DHCPREQUEST for $had" "$tmp/dhclient" && ! grep -q DHCPDISCOVER "$tmp/dhclient" && grep -q "DHCPACK of $had" "$tmp/dhclient" || fail "init-reboot: $(cat "$tmp/dhclient")"
tshark -r "$tmp/s.pcapng" -Y 'dhcp.type == 2 && dhcp.option.type == 82' 2> /dev/null | grep -q . || fail "no reply carries the relay's information back"
clean_capture "$tmp/s.pcapng"
# ---- a lease file that is none
stop; echo nonsense > "$tmp/kept"
in_ns timeout 10 "$plumb" dhcpd --via tap:tap0,addr=10.9.0.2/24 --range 10.9.0.50-10.9.0.52 --leases "$tmp/kept" > "$tmp/out" 2>&1; [ $? = 1 ] && grep -q "plumb leases" "$tmp/out" || fail "nonsense: $(cat "$tmp/out")"
[ "$(cat "$tmp/kept")" = nonsense ] || fail "what is not understood was overwritten"
[ "$(find "$tmp" -name 'kept*' | wc -l)" = 1 ] || fail "left behind: $(find "$tmp" -name 'kept*')"
echo "leases outlive their server; relays are understood"
