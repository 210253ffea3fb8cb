#!/usr/bin/env bash
# peer: the invariants
# when: check
#
# Random networks of routers and NAT gateways (src/sim/routed.h).
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
exec timeout 250 "${PLUMB:-$root/build/release/plumb}" sim --routed --worlds 1500
