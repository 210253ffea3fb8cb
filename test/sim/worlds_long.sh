#!/usr/bin/env bash
# peer: the invariants
# when: long
# timeout: 1200
#
# 10,000 seeded worlds more.
WORLDS=10000 SEED=100001 exec bash "$(dirname "$0")/worlds.sh"
