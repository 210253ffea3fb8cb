#!/usr/bin/env bash
# peer: nmap, fping, arping
# needs: nmap fping iputils-arping iproute2
# when: check
# timeout: 180
#
#   kernel 10.9.0.1, fd00:9::1 --- tap0 --- plumb serve 10.9.0.2, fd00:9::2, port 80        plumb as strangers' tools see it
. "$(dirname "$0")/lib.sh"
need nmap fping arping
tap
ip -n "$N" addr add fd00:9::1/64 dev tap0 nodad
mkdir "$tmp/www"; echo hello > "$tmp/www/index.html"
start "$plumb" serve -q "$tmp/www" --via $VIA,addr=fd00:9::2/64 --port 80
await_http http://10.9.0.2/
for _ in $(seq 50); do in_ns ping -6 -c 1 -W 1 fd00:9::2 > /dev/null 2>&1 && break; sleep 0.1; done

# ---- its link address: found by all who ask, defended, and of nobody else
in_ns arping -c 3 -w 4 -I tap0 10.9.0.2 > "$tmp/out" || fail "arping: $(cat "$tmp/out")"
[ "$(grep -c 'Unicast reply' "$tmp/out")" = 3 ] || fail "arping: $(cat "$tmp/out")"
in_ns arping -D -c 2 -w 3 -I tap0 10.9.0.2 > "$tmp/out" && fail "duplicate detection did not see it: $(cat "$tmp/out")"
in_ns arping -c 2 -w 2 -I tap0 10.9.0.3 > "$tmp/out" && fail "it answered for another: $(cat "$tmp/out")"
in_ns arping -b -c 2 -w 3 -I tap0 10.9.0.2 > /dev/null || fail "asked by broadcast"

# ---- echo
in_ns fping -C 20 -q -p 20 10.9.0.2 2> "$tmp/out" || fail "fping: $(cat "$tmp/out")"
grep -q ' - ' "$tmp/out" && fail "fping lost some: $(cat "$tmp/out")"
in_ns fping -6 -C 20 -q -p 20 fd00:9::2 2> "$tmp/out" || fail "fping -6: $(cat "$tmp/out")"
[ "$(in_ns fping -a -g -r 1 -t 200 10.9.0.0/29 2> /dev/null | tr '\n' ' ')" = "10.9.0.1 10.9.0.2 " ] || fail "fping -g"
in_ns fping -b 20000 -c 2 -q 10.9.0.2 2> "$tmp/out" || fail "fping of 20000 bytes: $(cat "$tmp/out")"

# ---- what a scanner concludes: of each port what RFC 9293 §3.10.7.1 and .2 say
n() { in_ns nmap -n -Pn -T4 --max-retries 3 "$@" 2>&1; }
# wants STATE-OF-80 STATE-OF-THE-OTHERS, ARGUMENTS
wants() {
    local open=$1 rest=$2; shift 2
    n -p 79-82 "$@" > "$tmp/out"
    grep -q "^80/tcp *$open " "$tmp/out" && [ "$(grep -c "^[0-9]*/tcp *$rest " "$tmp/out")" = 3 ] || fail "nmap $*: $(cat "$tmp/out")"
}
for to in 10.9.0.2 "-6 fd00:9::2"; do
    wants open closed -sS $to
    wants open closed -sT $to
    wants 'open|filtered' closed -sF $to        # to LISTEN nothing is answered, to CLOSED an RST
    wants 'open|filtered' closed -sN $to
    wants 'open|filtered' closed -sX $to
    n -p 79-82 -sA $to > "$tmp/out"; [ "$(grep -c '/tcp *unfiltered' "$tmp/out")" = 4 ] || fail "nmap -sA: $(cat "$tmp/out")"
    n -sU -p 5000-5003 $to > "$tmp/out"; [ "$(grep -c '/udp *closed' "$tmp/out")" = 4 ] || fail "nmap -sU: $(cat "$tmp/out")"
done
n -sS -p 79-82 --badsum 10.9.0.2 > "$tmp/out"; [ "$(grep -c '/tcp *filtered' "$tmp/out")" = 4 ] || fail "a bad checksum was answered: $(cat "$tmp/out")"
wants open closed -sS -f 10.9.0.2               # in fragments of 8 bytes
n -sO -p 1,6,17,200-203 10.9.0.2 > "$tmp/out"; grep -Eq '^1 +open ' "$tmp/out" && [ "$(grep -Ec '^20[0-3] +closed' "$tmp/out")" = 4 ] || fail "protocols: $(cat "$tmp/out")"
# all ports, fast, and it serves on
n -sS -p- --min-rate 5000 10.9.0.2 > "$tmp/out"; grep -q 'Not shown: 65534 closed tcp ports (reset)' "$tmp/out" || fail "all ports: $(cat "$tmp/out")"
await_http http://10.9.0.2/
echo "a well-behaved host"
