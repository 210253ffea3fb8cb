/* What TCP, UDP and ICMP need to know of the IP header before them, of either
 * family, read from a packet whose header net/ has validated. */
#pragma once
#include "base/pkt.h"

struct flow { struct addr local, remote; uint16_t local_port, remote_port; };

static inline uint8_t ip_version(const struct pkt *k) { return k->data[k->net_off] >> 4; }
static inline uint8_t ip_ecn(const struct pkt *k)
{
    const uint8_t *h = k->data + k->net_off;
    return ip_version(k) == 4 ? h[1] & 3 : h[1] >> 4 & 3;
}
static inline struct addr ip_src(const struct pkt *k)
{
    const uint8_t *h = k->data + k->net_off;
    return ip_version(k) == 4 ? addr4_bytes(h + 12) : addr6_bytes(h + 8);
}
static inline struct addr ip_dst(const struct pkt *k)
{
    const uint8_t *h = k->data + k->net_off;
    return ip_version(k) == 4 ? addr4_bytes(h + 16) : addr6_bytes(h + 24);
}
