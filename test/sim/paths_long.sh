#!/usr/bin/env bash
# peer: bench/paths.txt
# when: long
# timeout: 900
#
# The same with the paths that take longer.
PATHS=all exec bash "$(dirname "$0")/paths.sh"
