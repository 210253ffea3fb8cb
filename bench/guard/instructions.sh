#!/usr/bin/env bash
# peer: the counts in bench/guard/instructions.tsv
# needs: valgrind
# when: check
# timeout: 300
#
# Instructions of plumb's own code per segment, round trip and connection, counted by callgrind; more than what is recorded,
# by over 3%, fails.  `bench/guard/instructions.sh --record` writes the counts of today.
root=$(cd "$(dirname "$0")/../.." && pwd)
exec python3 "$root/bench/guard/instructions.py" "$@"
