#!/usr/bin/env bash
# peer: the two ends of each connection
# when: check
#
# Ten thousand ends in one process, under AddressSanitizer: all open, a byte goes each way on each, all close.  In the
# release build a million, of which one at rest takes 512 bytes at most, everything included.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root" || exit 1
timeout 250 build/dev/plumb bench scale 10000 || exit 1
[ -x build/release/plumb ] || ninja -C build/release plumb >/dev/null || exit 1
told=$(timeout 100 build/release/plumb bench scale 1000000) || exit 1
echo "$told"
bytes=$(sed -nE 's/.* ([0-9]+) bytes an end.*/\1/p' <<<"$told")
[ "${bytes:-9999}" -le 512 ] || { echo "FAIL: an end takes $bytes bytes"; exit 1; }
