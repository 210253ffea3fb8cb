#!/usr/bin/env bash
# peer: lwIP, from Debian's source
# needs: dpkg-dev gcc
# when: check
# timeout: 300
#
# In memory, MTU 1500, checksums on, one core: plumb needs less than 9 tenths of lwIP's CPU
# time per segment, as the median of alternating runs.  A ratio in one run, never a time.
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)

"$root/bench/run" --json --runs 5 mem.bulk.1500 | python3 -c '
import json, sys
row = json.load(sys.stdin)
if row["ratio"] is None:
    print("lwIP could not be built: no Debian source to be had")
    sys.exit(77)
print("ratio", row["ratio"])
sys.exit(0 if row["ratio"] >= 1 / 0.9 else 1)'
