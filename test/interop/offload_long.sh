#!/usr/bin/env bash
# peer: as the tests it runs
# needs: nginx-light curl iproute2 iputils-ping tshark python3 bind9-dnsutils wrk
# when: long
# timeout: 1800
#
# The tests on a TAP again, once with plumb's stack cutting and joining large packets, once with none.
set -u
here=$(cd "$(dirname "$0")" && pwd)
failed=0
for offload in soft off; do
    for name in ping bulk_fetch bulk_serve conversation dns ecn black_hole fast_open bad_input syn_flood wrk; do
        OFFLOAD=$offload timeout 300 bash "$here/$name.sh" > /dev/null 2>&1
        status=$?
        echo "offload=$offload $name: exit $status"
        [ $status = 0 ] || [ $status = 77 ] || failed=1
    done
done
exit $failed
