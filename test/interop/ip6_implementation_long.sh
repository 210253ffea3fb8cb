#!/usr/bin/env bash
# peer: atk6-implementation6, atk6-fragmentation6, the kernel's stack
# needs: thc-ipv6 iproute2 iputils-ping
# when: long
# timeout: 900
#
#   kernel fd00::1 --- tap0 --- plumb fd00::2          the same questions to plumb and to the kernel: the same answers, but for
#   kernel fd01::1 --- veth --- kernel fd01::2         those that docs/ipv6.md explains; and plumb outlives every fragment
. "$(dirname "$0")/lib.sh"
need atk6-implementation6 atk6-fragmentation6 ping
asan=${PLUMB_ASAN:-$root/build/dev/plumb}
[ -x "$asan" ] || skip "$asan is not built"
netns
ip netns add "$N-far" || skip "cannot make a network namespace"
trap 'ip netns del "$N-far" 2>/dev/null; cleanup' EXIT
ip -n "$N" tuntap add dev tap0 mode tap || skip "cannot make a TAP"
ip -n "$N" link add veth0 type veth peer name eth0 netns "$N-far"
ip -n "$N" addr add fd00::1/64 dev tap0 nodad
ip -n "$N" addr add fd01::1/64 dev veth0 nodad
ip -n "$N-far" addr add fd01::2/64 dev eth0 nodad
for d in tap0 veth0; do ip -n "$N" link set $d up; done
ip -n "$N-far" link set eth0 up
VIA=tap:tap0,addr=fd00::2/64,gw=fd00::1
mkdir "$tmp/www"
echo here > "$tmp/www/index.html"
start timeout 800 "$asan" serve --via $VIA "$tmp/www" 2> "$tmp/err"; server=$started
for _ in $(seq 50); do in_ns ping -6 -q -c 1 -W 1 fd00::2 > /dev/null 2>&1 && break; done
in_ns ping -6 -q -c 1 fd01::2 > /dev/null || fail "the kernel does not answer"

# NUMBER VERDICT of each test
verdicts() { sed -n 's/^Test *\([0-9]*\):.*\t\(PASSED\|FAILED\) - \(.*\)$/\1 \3/p' "$1"; }
in_ns timeout 300 atk6-implementation6 veth0 fd01::2 > "$tmp/kernel" 2>&1 &
kernel=$!
in_ns timeout 300 atk6-implementation6 tap0 fd00::2 > "$tmp/plumb" 2>&1 || fail "atk6-implementation6: exit $?"
wait "$kernel"
[ "$(verdicts "$tmp/plumb" | wc -l)" = 59 ] && [ "$(verdicts "$tmp/kernel" | wc -l)" = 59 ] || fail "not all was asked: $(cat "$tmp/plumb" "$tmp/kernel")"
# Where the two differ, and nowhere else: docs/ipv6.md says why.
cat > "$tmp/known" <<'K'
10 no reply
43 we got a reply
44 we got a reply
45 we got a reply
46 we got a reply
47 error reply [4:2]
48 no reply
8 no reply
9 no reply
K
diff <(verdicts "$tmp/kernel" | sort) <(verdicts "$tmp/plumb" | sort) | sed -n 's/^> //p' | sort > "$tmp/differ"
diff "$tmp/known" "$tmp/differ" || fail "plumb and the kernel differ elsewhere"
in_ns ping -6 -q -c 2 -i 0.2 fd00::2 > /dev/null || fail "no answer after atk6-implementation6"

in_ns timeout 200 atk6-fragmentation6 tap0 fd00::2 > "$tmp/out" 2>&1
in_ns ping -6 -q -c 2 -i 0.2 fd00::2 > /dev/null || fail "no answer after atk6-fragmentation6: $(tail -3 "$tmp/out")"
sleep 62                                # RFC 8200 §4.5: what never came whole is given up
in_ns ping -6 -q -c 2 -i 0.2 -s 20000 fd00::2 > /dev/null || fail "no fragments after atk6-fragmentation6"
kill -0 "$server" || fail "plumb is gone: $(cat "$tmp/err")"
kill -INT "$server"; wait "$server"; rc=$?
[ $rc = 0 ] || [ $rc = 130 ] || fail "plumb ended with $rc: $(cat "$tmp/err")"         # a stack that leaked a packet ends by an assertion
