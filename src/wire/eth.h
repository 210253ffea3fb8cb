/* Ethernet II frames (IEEE 802.3 §3.2.6), without the frame check sequence. */
#pragma once
#include "base/bytes.h"
#include "base/addr.h"

enum { ETH_HEADER = 14, ETH_IP4 = 0x0800, ETH_ARP = 0x0806, ETH_VLAN = 0x8100, ETH_IP6 = 0x86dd };

struct eth { struct mac dst, src; uint16_t type; };

bool eth_read(struct reader *r, struct eth *out);           /* false: shorter than a header */
void eth_write(struct writer *w, const struct eth *h);
