#!/usr/bin/env bash
# peer: -
# when: check
#
# The programs of docs/examples show what they say they show.
. "$(dirname "$0")/lib.sh"
"$root/build/release/docs/examples/example-messages" > "$tmp/out" || fail "example-messages: $(cat "$tmp/out")"
cat "$tmp/out"
grep -q 'read 36 bytes: "the first message;2nd;and the third;"' "$tmp/out" || fail "no sticky packet"
grep -q 'read  7 bytes: "the fir"' "$tmp/out" || fail "no half packet"
[ "$(grep -c 'message: "the first message"' "$tmp/out")" = 2 ] || fail "messages were not found again"
