#!/usr/bin/env bash
# peer: the invariants
# when: check
#
# 2,000 seeded worlds; every kind of trouble must have been seen in some of them.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
plumb=${PLUMB:-$root/build/release/plumb}
out=$("$plumb" sim --worlds "${WORLDS:-2000}" --seed "${SEED:-1}") || { echo "$out"; exit 1; }
echo "$out"
never=$(echo "$out" | awk '/^  / && $NF == 0')
[ -z "$never" ] || { echo "FAIL: no world saw: $never"; exit 1; }
