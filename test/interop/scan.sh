#!/usr/bin/env bash
# peer: nmap, the kernel's stack, nftables
# needs: iproute2 nftables nmap python3 tshark
# when: check
# timeout: 180
#
#   plumb 10.9.0.2 --- tap0 [router N 10.9.0.1 | 10.8.0.1] --- host H 10.8.0.2        open, closed, filtered: plumb's verdicts beside nmap -sS
. "$(dirname "$0")/lib.sh"
need nft nmap python3 tshark
tap
H=plumb-$$-h
trap 'ip netns del $H 2>/dev/null; cleanup' EXIT
ip netns add $H || skip "cannot make a network namespace"
ip -n "$N" link add to_h type veth peer name to_n netns $H || skip "cannot make a veth pair"
ip -n "$N" addr add 10.8.0.1/24 dev to_h; ip -n "$N" link set to_h up
ip -n $H addr add 10.8.0.2/24 dev to_n; ip -n $H link set to_n up; ip -n $H link set lo up
ip -n $H route add default via 10.8.0.1
in_ns sysctl -qw net.ipv4.ip_forward=1
ip netns exec $H sysctl -qw net.ipv4.icmp_ratemask=0 net.ipv4.icmp_msgs_per_sec=100000 net.ipv4.icmp_msgs_burst=10000
ip netns exec $H nft -f - <<'NFT'
add table ip f
add chain ip f i { type filter hook input priority 0; }
add rule ip f i tcp dport 7000-7009 reject with icmp type admin-prohibited
add rule ip f i tcp dport 7010-7019 drop
add rule ip f i tcp dport 7020-7029 reject with tcp reset
add rule ip f i tcp dport 7030-7039 reject with icmp type port-unreachable
add rule ip f i tcp dport 7040-7049 reject with icmp type host-unreachable
NFT
ip netns exec $H python3 -c '
import socket, time
ports = [22, 80, 443, 5000, 7045, 40000, 65535] + list(range(30000, 30040))
held = [socket.create_server(("", p)) for p in ports]
print("up", flush=True); time.sleep(170)' > "$tmp/up" & pids+=($!)
for _ in $(seq 50); do [ -s "$tmp/up" ] && break; sleep 0.1; done

ours() { in_ns timeout 120 "$plumb" scan --via $VIA --json "$@" 2> "$tmp/err"; }
# state by state, as nmap says it
same_as_nmap() {
    ours "$@" 10.8.0.2 > "$tmp/json" || fail "scan $*: exit $? $(cat "$tmp/err")"
    in_ns nmap -sS -n -Pn -T4 --max-retries 3 -oX "$tmp/xml" "$@" 10.8.0.2 > /dev/null || fail "nmap"
    python3 - "$tmp" <<'PY' || fail "scan $*: not nmap's verdicts"
import json, sys, xml.etree.ElementTree as xml
ours = {p["port"]: p["state"] for p in json.load(open(sys.argv[1] + "/json"))["hosts"][0]["ports"]}
host = xml.parse(sys.argv[1] + "/xml").getroot().find("host").find("ports")
named = {int(p.get("portid")): p.find("state").get("state") for p in host.findall("port")}
rest = {}
for extra in host.findall("extraports"):
    for reason in extra.findall("extrareasons"):
        for part in (reason.get("ports") or "").split(","):
            if part:
                first, _, last = part.partition("-")
                rest.update({p: extra.get("state") for p in range(int(first), int(last or first) + 1)})
theirs = {**rest, **named}
wrong = [(p, s, theirs.get(p)) for p, s in ours.items() if theirs.get(p) != s]
assert not wrong and set(ours) == set(theirs), (wrong[:10], len(ours), len(theirs))
print({s: list(ours.values()).count(s) for s in sorted(set(ours.values()))})
PY
}
same_as_nmap -p 22,80,81,443,7000-7050,30000-30050,65535
same_as_nmap -p 1-8000
in_ns "$plumb" scan --via $VIA -p http,7005,7015,7025,81,22 --capture "$tmp/s.pcapng" 10.8.0.2 > "$tmp/out" 2> "$tmp/err" || fail "$(cat "$tmp/err")"
[ "$(grep tcp "$tmp/out" | sed 's/  */ /g' | tr '\n' ';')" = \
  "22/tcp open ssh;80/tcp open http;81/tcp closed unknown;7005/tcp filtered unknown;7015/tcp filtered unknown;7025/tcp closed unknown;" ] || fail "$(cat "$tmp/out")"
clean_capture "$tmp/s.pcapng"
# as a real stack: an RST for each SYN-ACK, with the sequence number it acknowledged; and nothing half open stays
[ "$(tshark -r "$tmp/s.pcapng" -Y 'tcp.flags==0x012' 2> /dev/null | wc -l)" = 2 ] || fail "SYN-ACKs"
[ "$(tshark -r "$tmp/s.pcapng" -Y 'tcp.flags==0x004 && ip.src==10.9.0.2 && tcp.len==0' 2> /dev/null | wc -l)" = 2 ] || fail "RSTs"
[ "$(tshark -r "$tmp/s.pcapng" -Y 'tcp.dstport==7015 && tcp.flags==0x002' 2> /dev/null | wc -l)" = 3 ] || fail "a silent port is asked three times"
[ -z "$(ip netns exec $H ss -Htn state syn-recv)" ] || fail "half open"

in_ns timeout 60 "$plumb" scan --via $VIA -p 80 10.9.0.77 > "$tmp/out" 2> "$tmp/err"; [ $? = 1 ] && grep -q "seems down" "$tmp/out" || fail "nobody there: $(cat "$tmp/out")"
in_ns timeout 60 "$plumb" scan --via $VIA -p 80 10.9.0.0/28 10.8.0.2 > "$tmp/out" 2> "$tmp/err" || fail "several hosts: $(cat "$tmp/err")"
grep -q '^15 hosts, 3 up' "$tmp/out" || fail "several hosts: $(cat "$tmp/out")"
# the rate that was asked for, or less
s=$(date +%s%N); ours -p 1000-1199 --rate 100 10.8.0.2 > /dev/null || fail "rate"; took=$(( ($(date +%s%N) - s) / 1000000 ))
[ $took -ge 1900 ] || fail "200 probes at 100 a second took $took ms"
echo "nmap's verdicts"
