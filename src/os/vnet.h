/* The virtio-net header that TAP and AF_PACKET put before a frame: what is left
 * to do about its checksum, and how to cut a large packet. */
#pragma once
#include "base/pkt.h"

enum { VNET_HDR = 10 };

/* Header for a frame to be sent; head at the Ethernet header, l4_off set when
 * checksum or segmentation is left to the device. */
void vnet_write(uint8_t out[VNET_HDR], const struct pkt *k);
/* Notes in `k` (head at the Ethernet header) what the header says of a frame
 * that arrived.  False: the header is not one a kernel writes for TCP or UDP over IP. */
bool vnet_read(const uint8_t in[VNET_HDR], struct pkt *k);
