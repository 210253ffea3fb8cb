#!/usr/bin/env bash
# peer: the invariants, AddressSanitizer, UndefinedBehaviorSanitizer
# when: check
#
# Other seeds, under the sanitizers.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
exec "$root/build/dev/plumb" sim --worlds 200 --seed 100000
