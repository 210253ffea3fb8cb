#!/usr/bin/env bash
# peer: ThreadSanitizer
# when: check
# timeout: 400
#
# What threads have in common, under ThreadSanitizer: the rings and the shards that use them.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build/threads
[ -e "$build/build.ninja" ] || meson setup -Db_sanitize=thread -Dbuildtype=debugoptimized "$build" "$root" > "$root/build/threads.log" 2>&1 ||
    { tail -5 "$root/build/threads.log"; exit 1; }
ninja -C "$build" test/unit/unit-base-ring test/unit/unit-os-cores > "$root/build/threads.log" 2>&1 ||
    { tail -30 "$root/build/threads.log"; exit 1; }
for test in base-ring os-cores; do
    TSAN_OPTIONS=halt_on_error=1:exitcode=66 timeout 120 "$build/test/unit/unit-$test" 2>&1 || { echo "FAIL: $test"; exit 1; }
done
echo "no race"
