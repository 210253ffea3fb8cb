#!/usr/bin/env bash
# peer: the slow path
# when: check
#
# Seeded worlds twice, by the fast path and by the slow one: what leaves must be the same, byte for byte and at the same time.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
plumb=${PLUMB:-$root/build/release/plumb}
"$plumb" sim --compare --worlds "${WORLDS:-500}" --seed "${SEED:-1}"
