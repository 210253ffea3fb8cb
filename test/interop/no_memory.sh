#!/usr/bin/env bash
# peer: python3 -m http.server, curl
# needs: python3 curl
# timeout: 200
#
#   Each allocation of a whole program refused once, one after the other: it ends with its work done or with an error
#   of its own; it neither crashes nor hangs.  On the host's sockets, 127.0.0.1, and in the virtual internet.
. "$(dirname "$0")/lib.sh"
refuse=$root/build/release/test/interop/interop-refuse.so
[ -f "$refuse" ] || skip "$refuse is not built"
need python3 curl
port() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }

# Runs the command once for each of its allocations.
each() {
    local name=$1; shift
    timeout 20 env LD_PRELOAD="$refuse" "$@" >"$tmp/out" 2>"$tmp/err" 9>"$tmp/count" || fail "$name, nothing refused: $(cat "$tmp/err")"
    local n worked=0 failed=0 code; n=$(cat "$tmp/count")
    [ "$n" -gt 10 ] || fail "$name: only $n allocations"
    for i in $(seq 0 $((n - 1))); do
        timeout 20 env PLUMB_REFUSE="$i" LD_PRELOAD="$refuse" "$@" >"$tmp/out" 2>"$tmp/err" 9>&-
        code=$?
        [ "$code" -lt 124 ] || fail "$name, allocation $i of $n refused: exit $code, $(tail -1 "$tmp/err")"
        if [ "$code" = 0 ]; then worked=$((worked + 1)); else failed=$((failed + 1)); fi
        [ "$code" = 0 ] || grep -qE "[a-z]" "$tmp/err" "$tmp/out" || fail "$name, allocation $i of $n refused: exit $code without a word"
    done
    echo "$name: $n allocations; refused one by one: $worked runs worked, $failed said an error"
}

P=$(port); Q=$(port)
mkdir "$tmp/www"; head -c 300000 /dev/urandom > "$tmp/www/f"; echo '<p>home</p>' > "$tmp/www/index.html"
python3 -m http.server "$P" --bind 127.0.0.1 --directory "$tmp/www" >/dev/null 2>&1 & pids+=($!)
for _ in $(seq 100); do curl -s -o /dev/null --max-time 1 "http://127.0.0.1:$P/" && break; sleep 0.1; done

each "fetch in the virtual internet" "$plumb" fetch -w "$tmp/w.pcapng" http://www.shop.test/
each "fetch on the host's sockets" "$plumb" fetch --via host "http://127.0.0.1:$P/f"
each "a packet script" "$plumb" pkt "$root/test/tcp/data_out.pkt"
each "seeded worlds" "$plumb" sim --worlds 2

# A server whose n-th allocation is refused goes on for the next client, or never started.
LD_PRELOAD=$refuse "$plumb" serve --via host --port="$Q" "$tmp/www" >/dev/null 2>"$tmp/err" 9>"$tmp/count" & server=$!
for _ in $(seq 100); do curl -s -o /dev/null --max-time 1 "http://127.0.0.1:$Q/f" && break; sleep 0.05; done
curl -s -o /dev/null "http://127.0.0.1:$Q/f" || fail "serve, nothing refused: no answer: $(cat "$tmp/err")"
kill "$server"; wait "$server"
n=$(cat "$tmp/count")
served=0 not_started=0
for i in $(seq 0 "$n"); do
    PLUMB_REFUSE=$i LD_PRELOAD=$refuse "$plumb" serve --via host --port="$Q" "$tmp/www" >/dev/null 2>"$tmp/err" 9>&- & server=$!
    ok=
    for _ in $(seq 60); do
        kill -0 "$server" 2>/dev/null || break
        curl -s -o "$tmp/got" --max-time 3 "http://127.0.0.1:$Q/f" && cmp -s "$tmp/got" "$tmp/www/f" && { ok=1; break; }
        sleep 0.05
    done
    kill "$server" 2>/dev/null; wait "$server"; code=$?
    [ "$code" -lt 128 ] || [ "$code" = 143 ] || fail "serve, allocation $i of $n refused: exit $code"
    if [ -n "$ok" ]; then served=$((served + 1))
    elif [ "$code" != 0 ] && [ "$code" -lt 124 ]; then not_started=$((not_started + 1))
    else fail "serve, allocation $i of $n refused: it runs and serves nothing (exit $code)"; fi
done
echo "serve: $n allocations; refused one by one: $served served the next client, $not_started did not start and said so"
