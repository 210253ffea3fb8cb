/* What neighbour solicitations and advertisements say to the neighbour cache, and what it asks by them (RFC 4861 §7). */
#include "base/checksum.h"
#include "link/neigh_int.h"
#include "wire/ip.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

static const struct addr ALL_NODES = { .b = { 0xff, 0x02, [15] = 1 } }, ALL_ROUTERS = { .b = { 0xff, 0x02, [15] = 2 } };

/* --------------------------------------------------------------------- out */

/* An IPv6 packet with its message; NULL: no buffer. */
static struct pkt *packet(struct neigh *n, unsigned iface, struct addr src, struct addr dst, const struct nd *m)
{
    enum { ROOM = 128 };
    struct pkt *k = pkt_new(n->pools, ROOM);
    if (!k)
        return NULL;
    uint8_t *h = pkt_append(k, ROOM), *icmp = h + IP6_HEADER;
    struct writer w = writer_of(icmp, ROOM - IP6_HEADER);
    nd_write(&w, m);
    const uint16_t len = (uint16_t)wr_len(&w);
    const uint16_t sum = csum_finish(csum_add(csum_pseudo(src, dst, IP_ICMP6, len), icmp, len));
    memcpy(icmp + ICMP6_CHECKSUM_AT, &sum, 2);
    w = writer_of(h, IP6_HEADER);
    ip6_write(&w, &(struct ip6){ .src = src, .dst = dst, .payload_len = len, .next = IP_ICMP6, .hop_limit = ND_HOP_LIMIT });
    pkt_trim(k, IP6_HEADER + len);
    k->iface = (uint8_t)iface;
    k->net_off = (uint16_t)k->head;
    k->l4_off = (uint16_t)(k->head + IP6_HEADER);
    k->proto = IP_ICMP6;
    k->next_hop = dst;
    return k;
}

static void send_nd(struct neigh *n, unsigned iface, struct addr src, struct addr dst, const struct nd *m, int64_t now_ns)
{
    struct pkt *k = packet(n, iface, src, dst, m);
    k = k ? neigh_send(n, k, now_ns) : NULL;
    if (k)
        pktq_push(&n->ready, k);
}

/* §7.2.2: to the solicited-node group; a probe goes to the neighbour itself.  Without an address of ours nobody could
 * answer, and to ask without one would be to ask for the address. */
void nd_ask(struct neigh *n, const struct neigh_entry *e, struct addr local)
{
    const struct nd m = { .type = ICMP6_NEIGH_SOLICIT, .target = e->addr, .has_source_mac = true, .source_mac = n->iface[e->iface].mac };
    if (addr_is_none(local))
        return;
    struct pkt *k = packet(n, e->iface, local, e->state == NEIGH_PROBE ? e->addr : nd_solicited_node(e->addr), &m);
    if (!k)
        return;
    pktq_push(&n->ready, neigh_frame(n, k, e->state == NEIGH_PROBE ? e->mac : nd_group_mac(k->next_hop)));
}

static struct nd advertisement(const struct neigh *n, unsigned iface, struct addr target)
{
    return (struct nd){ .type = ICMP6_NEIGH_ADVERT, .target = target, .router = n->forwarding, .override = true,
                        .has_target_mac = true, .target_mac = n->iface[iface].mac };
}

/* RFC 4862 §5.4.2 with the nonce of RFC 7527 §4; RFC 9131 §4.1: routers alone hear of a new address, and need not
 * believe it; whoever uses ours hears that it is ours. */
void nd_say(struct neigh *n, const struct acd_message *m)
{
    struct nd probe = { .type = ICMP6_NEIGH_SOLICIT, .target = m->addr, .has_nonce = true };
    struct nd here = advertisement(n, m->iface, m->addr);
    struct pkt *k;
    memcpy(probe.nonce, m->nonce, sizeof probe.nonce);
    here.override = m->say == ACD_SAY_MINE;
    if (m->say == ACD_SAY_PROBE)
        k = packet(n, m->iface, ADDR_NONE, nd_solicited_node(m->addr), &probe);
    else
        k = packet(n, m->iface, m->addr, m->say == ACD_SAY_MINE ? ALL_NODES : ALL_ROUTERS, &here);
    if (k)
        pktq_push(&n->ready, neigh_frame(n, k, nd_group_mac(k->next_hop)));
}

/* ------------------------------------------------------------ solicitation */

/* §7.1.1: what a solicitation without a source must look like. */
static bool solicitation_valid(const struct nd *m, struct addr src, struct addr dst)
{
    return !addr_is_none(src) || (addr_eq(dst, nd_solicited_node(m->target)) && !m->has_source_mac);
}

static bool is_ours(const struct neigh *n, unsigned iface, struct addr src, struct addr target)
{
    if (acd_in_use(&n->acd, iface, target))
        return true;
    return n->iface[iface].any_address && !addr_is_none(src) && !addr_eq(src, target);     /* as with ARP */
}

/* §7.2.4.  Who asks without a source address gets its answer with all others. */
static void answer(struct neigh *n, unsigned iface, struct addr src, struct addr target, int64_t now_ns)
{
    struct nd m = advertisement(n, iface, target);
    m.solicited = !addr_is_none(src);
    send_nd(n, iface, target, m.solicited ? src : ALL_NODES, &m, now_ns);
}

/* §7.2.3 */
static enum why solicitation_in(struct neigh *n, const struct pkt *k, const struct nd *m, int64_t now_ns)
{
    const struct addr src = ip_src(k), dst = ip_dst(k);
    if (!solicitation_valid(m, src, dst))
        return WHY_ND_BAD;
    if (addr_is_none(src)) {
        struct acd_claim c = { .addr = m->target, .probe = true, .has_nonce = m->has_nonce };
        memcpy(c.nonce, m->nonce, sizeof c.nonce);
        (void)acd_heard(&n->acd, k->iface, &c, now_ns);
    }
    if (!is_ours(n, k->iface, src, m->target))
        return WHY_ND_NOT_OURS;
    if (m->has_source_mac)
        neigh_heard(n, k->iface, src, m->source_mac, NEIGH_TOLD_EITHER, now_ns);
    answer(n, k->iface, src, m->target, now_ns);
    return WHY_NONE;
}

/* ----------------------------------------------------------- advertisement */

/* §7.2.5, and the rows of appendix C for it. */
static void advertised(struct neigh *n, struct neigh_entry *e, const struct nd *m, int64_t now_ns)
{
    const bool same = !m->has_target_mac || (e->state != NEIGH_INCOMPLETE && mac_eq(m->target_mac, e->mac));
    if (e->state == NEIGH_INCOMPLETE) {
        if (!m->has_target_mac)
            return;
        e->router = m->router;
        neigh_learn(n, e, m->target_mac, m->solicited ? NEIGH_REACHABLE : NEIGH_STALE, now_ns);
        return;
    }
    if (!m->override && !same) {
        if (e->state == NEIGH_REACHABLE)
            neigh_enter(n, e, NEIGH_STALE, now_ns);
        return;
    }
    if (m->solicited)
        neigh_learn(n, e, same ? e->mac : m->target_mac, NEIGH_REACHABLE, now_ns);
    else if (!same)
        neigh_learn(n, e, m->target_mac, NEIGH_STALE, now_ns);
    neigh_set_router(n, e, m->router);
}

static enum why advertisement_in(struct neigh *n, const struct pkt *k, const struct nd *m, int64_t now_ns)
{
    if ((addr_is_multicast(ip_dst(k)) && m->solicited) || (m->has_target_mac && mac_is_group(m->target_mac)))
        return WHY_ND_BAD;                                              /* §7.1.2 */
    const struct acd_claim c = { .addr = m->target, .by = m->target_mac };
    if (acd_heard(&n->acd, k->iface, &c, now_ns))
        return WHY_NONE;
    struct neigh_entry *e = neigh_find(n, k->iface, m->target);
    if (!e)
        return WHY_ND_UNASKED;
    advertised(n, e, m, now_ns);
    return WHY_NONE;
}

void neigh_nd_in(struct neigh *n, struct pkt *k, const struct nd *m, int64_t now_ns)
{
    const bool bad = m->has_source_mac && mac_is_group(m->source_mac);
    const enum why why = bad ? WHY_ND_BAD : m->type == ICMP6_NEIGH_SOLICIT ? solicitation_in(n, k, m, now_ns) : advertisement_in(n, k, m, now_ns);
    if (why == WHY_NONE)
        pkt_free(k);
    else
        trace_drop(n->trace, k, why, now_ns);
    neigh_announce_due(n, now_ns);
}
