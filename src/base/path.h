/* Where packets between two addresses go, as net/ resolved it.  stack/ hands a
 * path to tcp and udp; when an address, a route or a path MTU changes the
 * generation of the stack moves on, and a path of an older one is resolved
 * again before it is used. */
#pragma once
#include "base/addr.h"

struct path {
    struct addr local, remote;
    struct addr next_hop;       /* the gateway, or `remote` itself on the same link */
    uint32_t    generation;     /* 0: never resolved */
    uint32_t    gso_max;        /* largest IP packet the interface segments for us; 0: none, build at `mtu` */
    uint16_t    mtu;            /* largest IP packet that fits, in bytes */
    uint8_t     iface;
    uint8_t     tx_csum;        /* 1: the interface completes transport checksums (CSUM_PARTIAL) */
};
