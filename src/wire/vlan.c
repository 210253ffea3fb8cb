#include "wire/vlan.h"
#include "wire/eth.h"

enum { ADDRS = 12, AT_TAG = 12 };

/* The addresses move, what stands behind the tag stays where offsets say it is. */
bool vlan_pop(struct pkt *k, struct vlan *out)
{
    const uint8_t *h = pkt_head_const(k);
    if (k->len < ETH_HEADER + VLAN_TAG || load_be16(h + AT_TAG) != ETH_VLAN)
        return false;
    const uint16_t tci = load_be16(h + AT_TAG + 2);
    *out = (struct vlan){ .id = tci & 0xfff, .priority = (uint8_t)(tci >> 13), .may_drop = tci >> 12 & 1 };
    memmove(pkt_head(k) + VLAN_TAG, pkt_head(k), ADDRS);
    pkt_pull(k, VLAN_TAG);
    return true;
}

void vlan_push(struct pkt *k, const struct vlan *v)
{
    uint8_t *h = pkt_push(k, VLAN_TAG);
    memmove(h, h + VLAN_TAG, ADDRS);
    store_be16(h + AT_TAG, ETH_VLAN);
    store_be16(h + AT_TAG + 2, (uint16_t)(v->priority << 13 | v->may_drop << 12 | v->id));
}
