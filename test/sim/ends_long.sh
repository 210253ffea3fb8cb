#!/usr/bin/env bash
# peer: the two ends of each connection
# when: long
# timeout: 1200
#
# Ten million ends in one process, in 6 GB: all open, a byte goes each way on each, all close.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root" || exit 1
[ "$(awk '/MemAvailable/ { print $2 }' /proc/meminfo)" -ge 7000000 ] || { echo "less than 7 GB of memory are free"; exit 77; }
[ -x build/release/plumb ] || ninja -C build/release plumb >/dev/null || exit 1
told=$(timeout 1000 build/release/plumb bench scale 10000000) || exit 1
echo "$told"
all=$(sed -nE 's/.* ([0-9]+) MiB in all.*/\1/p' <<<"$told")
[ "${all:-99999}" -le 6144 ] || { echo "FAIL: it took $all MiB"; exit 1; }
