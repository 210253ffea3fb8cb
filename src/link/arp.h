/* ARP packets as frames ready to send (RFC 826). */
#pragma once
#include "base/pkt.h"
#include "wire/arp.h"

/* A whole frame to `dst` on `iface`; NULL: no buffer. */
struct pkt *arp_frame(struct pkt_pools *pools, unsigned iface, struct mac dst, const struct arp *a);
