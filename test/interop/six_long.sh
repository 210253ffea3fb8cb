#!/usr/bin/env bash
# peer: as the tests it runs
# needs: nginx-light curl wget iproute2 iputils-ping tshark python3
# when: long
# timeout: 1800
#
# The tests of a TAP that take longer, again by IPv6.
exec bash "$(dirname "$0")/six.sh" bulk_fetch matrix bad_link_long
