/* The receive ring of a packet socket, for os/packet.c alone. */
#pragma once
#include "os/device.h"

/* Before the socket is bound, after PACKET_VNET_HDR.  False: the kernel refused, nothing has changed but the version. */
bool packet_ring_open(struct device *d);
void packet_ring_recv(struct device *d, struct pkt_pools *pools, struct batch *b, int64_t now_ns);
void packet_ring_close(struct device *d);       /* nothing open is fine */
