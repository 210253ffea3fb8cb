#!/usr/bin/env bash
# peer: bench/paths.txt
# when: check
#
# Each congestion control on emulated paths, in virtual time: exactly the committed figures, and what the paths must carry.
# A change of behaviour shows as a diff of that file: plumb bench paths all > bench/paths.txt
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
plumb=${PLUMB:-$root/build/release/plumb}
golden=$root/bench/paths.txt
got=$("$plumb" bench paths ${PATHS:-}) || { echo "$got"; exit 1; }
echo "$got"
moved=$(echo "$got" | grep -vxFf "$golden")
[ -z "$moved" ] || { echo "FAIL: not as in bench/paths.txt:"; echo "$moved"; exit 1; }
short=$(echo "$got" | awk '$2 == "100mbit-80ms" && $4 < 0.95 || $1 == "bbr" && $2 == "100mbit-80ms-1%" && $4 < 0.8')
[ -z "$short" ] || { echo "FAIL: the path carries too little: $short"; exit 1; }
[ "$(echo "$got" | awk '$2 == "100mbit-80ms"' | wc -l)" = 3 ] || { echo "FAIL: three algorithms were wanted"; exit 1; }
