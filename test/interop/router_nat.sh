#!/usr/bin/env bash
# peer: the kernel's stack, ping, traceroute, iperf3, curl, python3
# needs: iproute2 iputils-ping traceroute iperf3 curl python3 tshark
# when: check
#
#   kernel hosts a and c inside, b outside of plumb's NAT: b sees the router's address only and cannot come in but by a
#   published port; pings, TCP, UDP, fragments and ICMP errors find their way back; two inside meet by the name outside
. "$(dirname "$0")/router_lib.sh"
need ping traceroute iperf3 curl python3 tshark
ROUTER_VIA1=,mtu=1300
router_on "-w $tmp/n.pcapng --nat tap1 -p 8080:10.1.0.2:80 -p udp:35353:10.1.0.2:45353" a b c
# Says to each datagram where it came from.
cat > "$tmp/whence.py" <<'PY'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", int(sys.argv[1])))
while True:
    data, peer = s.recvfrom(2000)
    s.sendto(f"{peer[0]} {peer[1]}".encode(), peer)
PY
cat > "$tmp/ask.py" <<'PY'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(2)
s.bind(("0.0.0.0", int(sys.argv[3])))
s.connect((sys.argv[1], int(sys.argv[2])))
s.send(b"who do you say that I am")
try: print(s.recv(2000).decode())
except ConnectionRefusedError: print("refused")
except TimeoutError: print("silence")
PY
at_start b python3 "$tmp/whence.py" 45454
at_start a python3 "$tmp/whence.py" 45353
sleep 0.5
ask() { local h=$1; shift; at "$h" python3 "$tmp/ask.py" "$@"; }
[ "$(ask a 10.2.0.2 45454 40000)" = "10.2.0.1 40000" ] || fail "b sees $(ask a 10.2.0.2 45454 40000)"
got=$(ask c 10.2.0.2 45454 40000)
case $got in "10.2.0.1 40000") fail "one port for two hosts" ;; "10.2.0.1 "*[02468]) ;; *) fail "b sees $got" ;; esac
[ "$(ask a 10.2.0.2 39999 40000)" = refused ] || fail "port unreachable did not come through"
[ "$(ask b 10.2.0.1 35353 46000)" = "10.2.0.2 46000" ] || fail "the published port: $(ask b 10.2.0.1 35353 46000)"
[ "$(ask c 10.2.0.1 35353 46000)" = "10.2.0.1 46000" ] || fail "hairpin: $(ask c 10.2.0.1 35353 46000)"
at a ping -c 3 -i 0.2 -W 2 10.2.0.2 | grep -q "3 received" || fail "ping"
at c ping -c 1 -W 2 -s 4000 10.2.0.2 > /dev/null || fail "fragments"
at b ping -c 1 -W 1 10.1.0.2 > "$tmp/out" && fail "b came in: $(cat "$tmp/out")"
at b ping -c 1 -W 1 10.2.0.1 > /dev/null || fail "the router does not answer outside"
at a traceroute -n -q 1 -w 2 10.2.0.2 > "$tmp/out"
grep -q " 1  10.1.0.1 " "$tmp/out" && grep -q " 2  10.2.0.2 " "$tmp/out" || fail "traceroute: $(cat "$tmp/out")"
at a ping -c 1 -W 1 -M do -s 1400 10.2.0.2 > "$tmp/out"
grep -q "mtu *= *1300" "$tmp/out" || fail "no word of the narrow side: $(cat "$tmp/out")"
# TCP and UDP there, back by a published port, and from c by the name outside
mkdir "$tmp/www"; head -c 3000000 /dev/urandom > "$tmp/www/big"
at_start a python3 -m http.server -d "$tmp/www" 80 > "$tmp/http" 2>&1
at_start b iperf3 -s > /dev/null
sleep 1
at b curl -sS --max-time 20 -o "$tmp/got" http://10.2.0.1:8080/big || fail "the published port by TCP"
same "$tmp/www/big" "$tmp/got" "through the published port"
at c curl -sS --max-time 20 -o "$tmp/got" http://10.2.0.1:8080/big || fail "the hairpin by TCP"
same "$tmp/www/big" "$tmp/got" "through the hairpin"
grep -q "^10.2.0.2 " "$tmp/http" && grep -q "^10.2.0.1 " "$tmp/http" || fail "a saw others than b and the router: $(cat "$tmp/http")"
at a iperf3 -c 10.2.0.2 -t 1 | grep receiver || fail "iperf3 out"
at c iperf3 -c 10.2.0.2 -t 1 -R | grep receiver || fail "iperf3 in"
at a iperf3 -u -b 20M -l 1200 -c 10.2.0.2 -t 1 | grep receiver | tee "$tmp/udp"
few_lost "$tmp/udp"
router_ends
grep -q "NAT_UNASKED" "$tmp/router.err" || fail "no account of who was kept out: $(cat "$tmp/router.err")"
clean_router_capture "$tmp/n.pcapng"
leaked=$(tshark -r "$tmp/n.pcapng" -Y 'frame.interface_name == "tap1" && ((ip.src == 10.1.0.0/24) || (ip.src == 10.3.0.0/24))' 2>/dev/null | head -3)
[ -z "$leaked" ] || fail "an address from inside was seen outside: $leaked"
echo "three hosts and a NAT"
