#!/usr/bin/env bash
# peer: a driver with packetdrill's calls and two threads
# needs: iproute2
# when: check
#
#   driver (the script's reader; the thread of blocking calls) --- plumb.so, virtual clock
. "$(dirname "$0")/lib.sh"
for build in release dev; do
    dir=$root/build/$build/test/packetdrill
    [ -x "$dir/packetdrill-driver" ] || skip "$dir/packetdrill-driver is not built"
    for i in 1 2 3; do
        timeout 50 "$dir/packetdrill-driver" "$dir/plumb.so" > "$tmp/out" 2>&1 || fail "$build, run $i: $(cat "$tmp/out")"
    done
    cat "$tmp/out"
done
