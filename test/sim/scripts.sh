#!/usr/bin/env bash
# peer: the packet scripts, AddressSanitizer, UndefinedBehaviorSanitizer
# when: check
#
# Every packet script again where it must not matter: by the slow path alone, and with numbers that wrap round zero
# or pass half of their space in the middle of it.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root" || exit 1
for knob in plumb.no_fast_path=1 plumb.isn=4294967290 plumb.isn=4294960000 plumb.isn=2147483640; do
    told=$(build/dev/plumb pkt -k $knob test/tcp/*.pkt)
    failed=$?
    echo "$knob: $(grep -c '^ok' <<<"$told") scripts passed"
    grep -v '^ok' <<<"$told"
    [ $failed = 0 ] || exit 1
done
