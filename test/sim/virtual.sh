#!/usr/bin/env bash
# peer: tshark
# needs: tshark
# when: check
#
# The virtual internet is real: its times follow its links, its packets are what tshark knows, and what is
# missing is missed with curl's exit numbers.  No network and no privilege is used.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
plumb=${PLUMB:-$root/build/release/plumb}
command -v tshark >/dev/null || { echo "tshark is not installed"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
fail() { echo "FAIL: $*"; exit 1; }
fetch() { timeout 60 "$plumb" fetch "$@"; }
# The exit number, and what fetch said.
exits() { local want=$1 got; shift; fetch "$@" >out 2>err; got=$?; [ $got = "$want" ] || fail "fetch $*: exit $got, not $want: $(tail -3 err)"; }
# Something of plumb's JSON, as a Python expression on j and step(name).
json() {
    python3 -c '
import json, sys
j = json.load(open(sys.argv[1]))
steps = {s["name"]: s for s in j["steps"]}
took = lambda name: steps[name]["end_ns"] - steps[name]["start_ns"]
print(eval(sys.argv[2]))' "$1" "$2" || fail "$1: no JSON to read"
}
holds() { [ "$(json "$1" "$2")" = True ] || fail "$1: not so: $2"; }
good_capture() {
    [ "$(tshark -r "$1" 2>/dev/null | wc -l)" -gt 0 ] || fail "$1 is empty"
    local bad
    bad=$(tshark -r "$1" -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE \
        -Y '_ws.malformed || ip.checksum.status==0 || tcp.checksum.status==0 || udp.checksum.status==0' 2>/dev/null | head -3)
    [ -z "$bad" ] || fail "$1: $bad"
}
sees() { [ -n "$(tshark -r "$1" -Y "$2" 2>/dev/null)" ] || fail "$1: tshark sees no $2"; }

# The page, the journey, and a clock that is not the wall's.
before=$(date +%s%N)
exits 0 --seed 7 -w seven.pcapng http://www.shop.test/
wall=$(($(date +%s%N) - before))
grep -q "The Plumb Shop" out || fail "this is not the page"
grep -q "seed 7" err || fail "the seed is not told"
for step in url address name route connect secure request page; do grep -q "^[1-8] $step " err || fail "no step $step in the journey"; done
fetch --seed 7 --json http://www.shop.test/ >seven.json || fail "--json: exit $?"
holds seven.json '[s["name"] for s in j["steps"]] == ["url", "address", "name", "route", "connect", "secure", "request", "page"]'
holds seven.json 'all({"name", "layer", "start_ns", "end_ns", "packets", "state"} <= s.keys() for s in j["steps"])'
holds seven.json 'all(s["state"] == ("unused" if s["name"] == "secure" else "done") for s in j["steps"])'
holds seven.json 'sum(s["packets"] for s in j["steps"]) == j["packets"]["in"] + j["packets"]["out"] > 20'
holds seven.json 'all(a["end_ns"] <= b["start_ns"] for a, b in zip(j["steps"], j["steps"][1:]) if "unused" not in (a["state"], b["state"]))'
[ "$(json seven.json 'j["total_ns"]')" -gt 200000000 ] || fail "the virtual journey took no time"
echo "virtual $(json seven.json 'j["total_ns"]') ns, wall $wall ns"
[ "$(json seven.json 'j["total_ns"]')" -gt "$wall" ] || fail "the wall clock ran longer ($wall ns) than the virtual one"

# Each protocol is in the file, and well formed.
good_capture seven.pcapng
[ "$(tshark -r seven.pcapng 2>/dev/null | wc -l)" = "$(json seven.json 'j["packets"]["in"] + j["packets"]["out"]')" ] || fail "the capture and the journey differ"
for type in 1 2 3 5; do sees seven.pcapng "dhcp.option.dhcp == $type"; done         # Discover, Offer, Request, ACK
sees seven.pcapng 'arp.opcode == 1'
sees seven.pcapng 'arp.opcode == 2'
sees seven.pcapng 'dns.flags.response == 0 && dns.qry.name == "www.shop.test"'
sees seven.pcapng 'dns.flags.response == 1 && dns.a == 203.0.113.80'
sees seven.pcapng 'tcp.flags.syn == 1 && tcp.flags.ack == 0'
sees seven.pcapng 'http.request.method == GET && http.host == "www.shop.test"'
sees seven.pcapng 'http.response.code == 200'
sees seven.pcapng 'tcp.flags.fin == 1 && ip.src == 203.0.113.80'
sees seven.pcapng 'tcp.flags.fin == 1 && ip.dst == 203.0.113.80'

# The same by IPv6: an address of what the router advertises, names, neighbours.
exits 0 -6 --seed 7 -w six.pcapng http://www.shop.test/
grep -q "The Plumb Shop" out || fail "this is not the page of IPv6"
grep -q "made from what router" err || fail "no address by autoconfiguration: $(cat err)"
good_capture six.pcapng
[ -z "$(tshark -r six.pcapng -Y 'icmpv6.checksum.status==0' 2>/dev/null)" ] || fail "a wrong checksum of ICMPv6"
for type in 133 134 135 136 143; do sees six.pcapng "icmpv6.type == $type"; done
sees six.pcapng 'dns.flags.response == 1 && dns.aaaa == 2001:db8:71::80'
sees six.pcapng 'tcp.flags.syn == 1 && tcp.flags.ack == 1 && ipv6.src == 2001:db8:71::80'
[ -z "$(tshark -r six.pcapng -Y 'tcp && ip' 2>/dev/null)" ] || fail "TCP by IPv4 after all"
exits 0 --seed 7 http://six.shop.test/                  # it has no other address
fetch -s -6 --seed 7 -w six_again.pcapng http://www.shop.test/ >/dev/null || fail "again by IPv6: exit $?"
cmp -s six.pcapng six_again.pcapng || fail "the same seed gave another capture of IPv6"

# A seed is the whole run.
fetch -s --seed 7 -w again.pcapng http://www.shop.test/ >/dev/null || fail "again: exit $?"
fetch -s --seed 8 -w other.pcapng http://www.shop.test/ >/dev/null || fail "other: exit $?"
cmp -s seven.pcapng again.pcapng || fail "the same seed gave another capture"
cmp -s seven.pcapng other.pcapng && fail "another seed gave the same capture"

# Twice the round trip, twice the time.
fetch -4 --seed 7 --json --link rtt=150ms http://www.shop.test/ >near.json || fail "rtt=150ms: exit $?"
fetch -4 --seed 7 --json --link rtt=300ms http://www.shop.test/ >far.json || fail "rtt=300ms: exit $?"
for step in name route connect request page; do
    ratio=$(python3 -c "print($(json far.json "took('$step')") / $(json near.json "took('$step')"))")
    python3 -c "exit(not 1.7 <= $ratio <= 2.3)" || fail "step $step took $ratio times as long over twice the rtt"
done

# A link that loses: nearly always the page comes all the same, and the file says what became of the packets.
# (ARP asks three times: now and then all three are lost, and then that is what is told.)
came=0
for seed in 1 2 3 4 5 6 7 8; do
    fetch -sS --seed $seed --link loss=20% -w lossy$seed.pcapng http://www.shop.test/ >out 2>err
    got=$?
    case $got in
    0) grep -q "The Plumb Shop" out || fail "loss=20%, seed $seed: not the page"; came=$((came + 1)) ;;
    6 | 7 | 28) [ ! -s out ] && [ -s err ] || fail "loss=20%, seed $seed: exit $got without a word" ;;
    *) fail "loss=20%, seed $seed: exit $got: $(cat err)" ;;
    esac
    good_capture lossy$seed.pcapng
    tshark -r lossy$seed.pcapng -T fields -e frame.comment 2>/dev/null >>comments
done
[ $came -ge 5 ] || fail "loss=20%: only $came of 8 pages came"
grep -q LINK_LOSS comments || fail "no comment says why a packet was dropped"

# The same page, asked for in curl's ways.
exits 0 -s -I http://www.shop.test/
grep -q "^HTTP/1.1 200" out && grep -qi "^content-length: 444" out && ! grep -q "<html" out || fail "-I: $(cat out)"
exits 0 -s -r 0-9 http://www.shop.test/
[ "$(cat out)" = "<!doctype " ] || fail "-r 0-9: $(cat out)"
exits 0 -s -i http://www.shop.test/
head -1 out | grep -q "^HTTP/1.1 200 OK" && grep -q "The Plumb Shop" out || fail "-i: $(head -3 out)"
exits 0 -s -o page.html http://www.shop.test/
[ ! -s out ] && grep -q "The Plumb Shop" page.html || fail "-o: the page is not in the file"
exits 0 -s -O http://www.shop.test/catalog.html
[ ! -s out ] && grep -q "plumb bob" catalog.html || fail "-O: the page is not in the file"
exits 0 -s http://www.shop.test/about
grep -q "<title>About" out && fail "a redirect was followed unasked"
exits 0 -s -L http://www.shop.test/about
grep -q "<title>About" out || fail "-L: $(cat out)"
exits 47 -s -L --max-redirs 0 http://www.shop.test/about
exits 0 -s http://www.shop.test/none
exits 22 -s -f http://www.shop.test/none
[ ! -s out ] || fail "-f: the error page was written"
exits 0 -s HTTP://WWW.Shop.Test./
grep -q "The Plumb Shop" out || fail "a name in capitals with its dot: $(cat out)"

# What is not there.
exits 6 http://none.shop.test/
exits 7 http://www.shop.test:81/
exits 7 http://gone.shop.test/
exits 1 https://www.shop.test/
exits 28 http://silent.shop.test/
exits 28 --connect-timeout 0.01 http://www.shop.test/
exits 28 -m 0.3 http://www.shop.test/
exits 28 -m 0.1 http://www.shop.test/
exits 3 http://
for u in http://none.shop.test/ http://www.shop.test:81/ https://www.shop.test/; do
    fetch -sS $u >out 2>err
    [ "$(wc -l <err)" = 1 ] && [ ! -s out ] || fail "$u: not one clear line: $(cat err)"
done

# A failure is told with what led to it; -s says nothing of it.
exits 7 http://www.shop.test:81/
grep -A9 "^what happened last:" err | grep -q "SYN-SENT to CLOSED: the peer refused" || fail "port 81: what happened last? $(cat err)"
exits 7 http://10.0.2.77/
grep -A9 "^what happened last:" err | grep -q "10.0.2.77 did not answer ARP" || fail "10.0.2.77: what happened last? $(cat err)"
exits 7 -s http://www.shop.test:81/
[ ! -s err ] || fail "-s says something: $(cat err)"

# Bad usage is one line; what fails leaves an older file alone.
one_line() { exits "$@"; [ "$(wc -l <err)" = 1 ] && [ ! -s out ] || fail "fetch $*: not one clear line: $(cat err)"; }
one_line 2 --nope http://www.shop.test/
one_line 2 -o
one_line 2
one_line 2 --seed 99999999999999999999 http://www.shop.test/
one_line 2 --link nonsense http://www.shop.test/
one_line 49 --resolve www.shop.test http://www.shop.test/
exits 0 --resolve other.test:80:203.0.113.80 http://other.test/
exits 6 --resolve other.test:81:203.0.113.80 http://other.test/
echo old >kept
exits 6 -o kept http://none.shop.test/
exits 22 -f -o kept http://www.shop.test/none
[ "$(cat kept)" = old ] || fail "a fetch that failed wrote its file"
exits 23 -o /nonexistent/page http://www.shop.test/
fetch -s --json http://www.shop.test/ >/dev/full 2>err && fail "a full disk was not noticed"

# A capture without a packet is a capture.
exits 1 -s -w empty.pcapng https://www.shop.test/
tshark -r empty.pcapng >out 2>err || fail "a capture of nothing: $(cat err)"
[ ! -s out ] || fail "a capture of nothing holds packets"
capinfos -c empty.pcapng 2>&1 | grep -q "Number of packets: *0" || fail "a capture of nothing: $(capinfos empty.pcapng 2>&1)"

# A datagram of many fragments waits whole for its neighbour.
timeout 60 "$plumb" ping www.shop.test -c 1 -s 65000 >out 2>err || fail "ping -s 65000: $(cat out err)"
timeout 60 "$plumb" ping silent.shop.test -c 1 >out 2>err && fail "a silent host answered: $(cat out)"
for addr in 10.9.0.0/24 10.9.0.255/24 127.0.0.2/8 224.0.0.1/4 0.0.0.0/0 10.9.0.2 10.9.0.2/33; do
    one_line 2 --via tap:none0,addr=$addr http://10.9.0.1/
done

# Ten megabytes, byte for byte, over a good link and a bad one.
want=$(python3 -c '
import hashlib
print(hashlib.sha256(bytes((i * 31 + (i >> 8) * 7 + (i >> 16) * 3 + (i >> 24)) & 255 for i in range(10000000))).hexdigest())')
for link in rtt=20ms 'rtt=20ms mtu=576' 'rtt=20ms loss=1% reorder=1% duplicate=1% corrupt=0.1%'; do
    before=$(date +%s%N)
    fetch --seed 7 --json --link "$link" -o big.bin http://www.shop.test/big.bin >big.json 2>err || fail "big.bin over $link: exit $?: $(cat err)"
    echo "10 MB over $link: $(json big.json 'j["total_ns"]') virtual ns, $(($(date +%s%N) - before)) ns of wall time"
    [ "$(sha256sum <big.bin)" = "$want  -" ] || fail "big.bin over $link: the bytes differ"
    holds big.json 'j["bytes"] == 10000000 == __import__("os").path.getsize("big.bin")'
done
holds big.json 'j["packets"]["retransmitted"] > 0 or j["packets"]["dropped"] > 0'
exit 0
