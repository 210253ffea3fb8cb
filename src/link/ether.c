/* Ethernet II frames in and out (IEEE 802.3 §3.2). */
#include "link/ether.h"
#include "wire/eth.h"

static enum why strip(struct pkt *k, struct mac own, uint16_t *type)
{
    struct eth h;
    struct reader r = pkt_reader(k);
    if (!eth_read(&r, &h))
        return WHY_FRAME_SHORT;
    if (mac_is_group(h.src))
        return WHY_FRAME_SOURCE_GROUP;
    if (mac_eq(h.src, own))
        return WHY_FRAME_LOOPED;
    if (!mac_is_group(h.dst) && !mac_eq(h.dst, own))
        return WHY_FRAME_NOT_OURS;
    if (h.type != ETH_IP4 && h.type != ETH_IP6 && h.type != ETH_ARP)
        return WHY_FRAME_TYPE;
    k->group = mac_is_group(h.dst);
    *type = h.type;
    pkt_pull(k, ETH_HEADER);
    return WHY_NONE;
}

void ether_in(struct trace *t, struct mac own, struct batch *in, struct batch *arp, int64_t now_ns)
{
    struct batch_walk w = batch_walk(in);
    for (struct pkt *k; (k = batch_next(&w));) {
        uint16_t type = 0;
        const enum why why = strip(k, own, &type);
        if (why != WHY_NONE)
            trace_drop(t, k, why, now_ns);
        else if (type == ETH_ARP)
            batch_add(arp, k);
        else
            batch_keep(&w, k);
    }
}

/* Padding follows the borrowed bytes, so it is appended or borrowed itself. */
static void pad(struct pkt *k)
{
    static const uint8_t zeros[ETHER_MIN];
    const uint32_t total = pkt_total(k);
    if (total >= ETHER_MIN)
        return;
    const uint32_t missing = ETHER_MIN - total;
    uint8_t *p = k->n_slices ? NULL : pkt_append(k, missing);
    if (p)
        memset(p, 0, missing);
    else
        (void)pkt_borrow(k, zeros, missing);
}

void ether_push(struct pkt *k, struct mac dst, struct mac src, uint16_t type)
{
    struct writer w = writer_of(pkt_push(k, ETH_HEADER), ETH_HEADER);
    eth_write(&w, &(struct eth){ .dst = dst, .src = src, .type = type });
    pad(k);
}
