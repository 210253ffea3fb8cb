#!/usr/bin/env bash
# peer: the kernel's stack, ip
# needs: curl iproute2 python3 util-linux
# when: check
#
#   kernel 10.9.0.1 --- tap0 --- plumb 10.9.0.2        what plumb knows, asked of a running one, and of one that configures itself
. "$(dirname "$0")/lib.sh"
need curl python3 setpriv
tap
mkdir "$tmp/www"; echo hello > "$tmp/www/index.html"
start "$plumb" serve -q "$tmp/www" --via $VIA --port 80
await_http http://10.9.0.2/
pid=$(pgrep -P $started -x plumb || echo $started)
mac=$(ip -n "$N" -o link show tap0 | sed 's/.*link\/ether \([0-9a-f:]*\).*/\1/')

# from another network namespace, as root
[ "$("$plumb" neigh --pid "$pid" | head -1)" = "10.9.0.1 dev tap0 lladdr $mac REACHABLE" ] || fail "neigh: $("$plumb" neigh --pid "$pid" 2>&1) and not $mac"
"$plumb" arp --pid "$pid" | grep -Eq "^10.9.0.1 +ether +$mac +C +tap0$" || fail "arp: $("$plumb" arp --pid "$pid")"
"$plumb" route -4 --pid "$pid" | sort | tr '\n' ';' | grep -q '^10.9.0.0/24 dev tap0;default via 10.9.0.1 dev tap0;' || fail "route: $("$plumb" route --pid "$pid")"
"$plumb" addr --pid "$pid" -4 | grep -Eq '^tap0 +10.9.0.2/24$' || fail "addr: $("$plumb" addr --pid "$pid")"
for c in neigh route addr nat; do
    "$plumb" $c --pid "$pid" --json | python3 -c 'import json, sys; d = json.load(sys.stdin); assert d["schema"].startswith("plumb.") and d["pid"] == int(sys.argv[1]), d' "$pid" || fail "$c --json"
done
# of the server's user and root, and nobody else
as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
cp "$plumb" "$tmp/plumb"; chmod 755 "$tmp" "$tmp/plumb"
in_ns "${as[@]}" "$tmp/plumb" neigh --pid "$pid" > "$tmp/out" 2> "$tmp/err"; code=$?
[ $code = 1 ] && [ ! -s "$tmp/out" ] && grep -q "user" "$tmp/err" || fail "a stranger: exit $code $(cat "$tmp/out" "$tmp/err")"
# asked while it serves, many times, it goes on serving
for _ in $(seq 30); do "$plumb" neigh --pid "$pid" > /dev/null || fail "asked often"; done
in_ns curl -s --max-time 2 http://10.9.0.2/ | grep -q hello || fail "it no longer serves"
# after SIGKILL nothing is left to ask, nor anywhere
kill -9 "$pid"; for _ in $(seq 30); do kill -0 "$pid" 2> /dev/null || break; sleep 0.1; done
in_ns grep -q plumb-control /proc/net/unix && fail "a socket is left"
"$plumb" neigh --pid "$pid" > /dev/null 2> "$tmp/err"; [ $? = 1 ] && [ "$(wc -l < "$tmp/err")" = 1 ] || fail "nobody to ask: $(cat "$tmp/err")"

# of one that configures itself on the wire
in_ns timeout 20 "$plumb" route -4 --via $VIA 2> /dev/null | sort | tr '\n' ';' | grep -q '^10.9.0.0/24 dev tap0;default via 10.9.0.1 dev tap0;' || fail "route --via"
in_ns timeout 20 "$plumb" addr --via $VIA 2> /dev/null | grep -Eq '^tap0 +10.9.0.2/24$' || fail "addr --via"
# and in the virtual internet
timeout 20 "$plumb" neigh --seed 1 2> /dev/null | grep -q '^10.0.2.1 dev client lladdr 02:70:6c:00:00:02 REACHABLE$' || fail "neigh, virtual"
echo "asked and answered"
