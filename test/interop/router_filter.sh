#!/usr/bin/env bash
# peer: the kernel's stack, ping, curl, python3
# needs: iproute2 iputils-ping curl python3
# when: check
#
#   kernel hosts a inside and b outside of plumb's filter: what is allowed goes and its answers come back, what is denied
#   falls silent, what is rejected is refused in the kernel's own words
. "$(dirname "$0")/router_lib.sh"
need ping curl python3
cat > "$tmp/rules" <<'RULES'
default deny
allow  in tap0 out tap1 proto icmp type 8       # pings out
allow  in tap0 out tap1 proto tcp port 80
reject in tap0 out tap1 proto tcp port 81
reject in tap0 out tap1 proto udp port 4000-4010
deny   out self in tap1
RULES
router_on "--filter $tmp/rules" a b
at_start b python3 -m http.server -d "$tmp" 80 > /dev/null 2>&1
at_start b python3 -m http.server -d "$tmp" 81 > /dev/null 2>&1
sleep 1
at a ping -c 2 -i 0.2 -W 2 10.2.0.2 > /dev/null || fail "pings out"
at b ping -c 1 -W 1 10.1.0.2 > /dev/null && fail "pings in"
at b ping -c 1 -W 1 10.2.0.1 > /dev/null && fail "pings from outside to the router"
at a ping -c 1 -W 1 10.1.0.1 > /dev/null || fail "pings from inside to the router"
at a curl -sS --max-time 5 -o /dev/null http://10.2.0.2/ || fail "what is allowed"
at a curl -sS --max-time 2 -o /dev/null http://10.2.0.2:82/ 2> "$tmp/out"; [ $? = 28 ] || fail "what is denied must fall silent: $(cat "$tmp/out")"
at a curl -sS --max-time 2 -o /dev/null http://10.2.0.2:81/ 2> "$tmp/out"; [ $? = 7 ] || fail "what is rejected must be refused: $(cat "$tmp/out")"
got=$(at a python3 -c '
import errno, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2); s.connect(("10.2.0.2", 4005)); s.send(b"?")
try: s.recv(10)
except OSError as e: print(errno.errorcode.get(e.errno, "silence"))')
[ "$got" = EHOSTUNREACH ] || fail "a rejected datagram: $got"
router_ends
grep -q FILTER_DENIED "$tmp/router.err" && grep -q FILTER_REJECTED "$tmp/router.err" || fail "no account: $(cat "$tmp/router.err")"
echo allow in > "$tmp/rules"
in_ns "$plumb" router --via tap:x0,addr=10.1.0.1/24 --via tap:x1,addr=10.2.0.1/24 --filter "$tmp/rules" 2> "$tmp/err"
[ $? = 2 ] && grep -q 'line 1: a value is missing behind "in"' "$tmp/err" || fail "$(cat "$tmp/err")"
echo "allowed, denied and rejected"
