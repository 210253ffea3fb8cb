#include "link/arp.h"
#include "link/ether.h"
#include "wire/eth.h"

struct pkt *arp_frame(struct pkt_pools *pools, unsigned iface, struct mac dst, const struct arp *a)
{
    struct pkt *k = pkt_new(pools, ETHER_MIN);
    if (!k)
        return NULL;
    struct writer w = writer_of(pkt_append(k, ARP_LEN), ARP_LEN);
    arp_write(&w, a);
    k->iface = (uint8_t)iface;
    k->net_off = (uint16_t)k->head;
    ether_push(k, dst, a->sender_mac, ETH_ARP);
    return k;
}
