/* What ARP packets say to the neighbour cache, and what it asks by them (RFC 826). */
#include "link/arp.h"
#include "link/neigh_int.h"

static void send_arp(struct neigh *n, unsigned iface, struct mac dst, const struct arp *a)
{
    struct pkt *k = arp_frame(n->pools, iface, dst, a);
    if (k)
        pktq_push(&n->ready, k);
}

void neigh_arp_ask(struct neigh *n, const struct neigh_entry *e, struct addr local)
{
    send_arp(n, e->iface, e->state == NEIGH_PROBE ? e->mac : MAC_BROADCAST,
             &(struct arp){ .op = ARP_REQUEST, .sender_mac = n->iface[e->iface].mac, .sender = local, .target = e->addr });
}

void neigh_arp_say(struct neigh *n, const struct acd_message *m)
{
    const struct addr sender = m->say == ACD_SAY_PROBE ? addr4(0) : m->addr;
    send_arp(n, m->iface, MAC_BROADCAST, &(struct arp){ .op = ARP_REQUEST, .sender_mac = m->mac, .sender = sender, .target = m->addr });
}

static bool is_ours(const struct neigh *n, unsigned iface, const struct arp *a)
{
    if (acd_in_use(&n->acd, iface, a->target))
        return true;
    /* Where every address is ours, only a station's own probes and announcements stay unanswered. */
    return n->iface[iface].any_address && !addr_is_any(a->sender) && !addr_eq(a->sender, a->target);
}

static bool sane(const struct arp *a)
{
    return (a->op == ARP_REQUEST || a->op == ARP_REPLY) && !mac_is_group(a->sender_mac) &&
           !addr_is_broadcast(a->sender) && !addr_is_multicast(a->sender) && !addr_is_loopback(a->sender);
}

static bool heard(struct neigh *n, unsigned iface, const struct arp *a, int64_t now_ns)
{
    const bool nameless = addr_is_any(a->sender);
    if (nameless && a->op != ARP_REQUEST)
        return false;
    const struct acd_claim c = { .addr = nameless ? a->target : a->sender, .by = a->sender_mac, .probe = nameless };
    return acd_heard(&n->acd, iface, &c, now_ns);
}

/* RFC 826, "Packet Reception": merge, then create if we are the target, then answer. */
static void arp_in(struct neigh *n, unsigned iface, const struct arp *a, int64_t now_ns)
{
    const bool conflict = heard(n, iface, a, now_ns);
    const bool target_ours = is_ours(n, iface, a);
    if (!conflict && !addr_is_any(a->sender)) {
        struct neigh_entry *e = neigh_find(n, iface, a->sender);
        if (!e && target_ours)
            e = neigh_create(n, iface, a->sender, now_ns);
        if (e)
            neigh_learn(n, e, a->sender_mac, NEIGH_REACHABLE, now_ns);
    }
    if (a->op == ARP_REQUEST && target_ours)
        send_arp(n, iface, a->sender_mac, &(struct arp){ .op = ARP_REPLY, .sender_mac = n->iface[iface].mac, .sender = a->target,
                                                         .target_mac = a->sender_mac, .target = a->sender });
}

void neigh_in(struct neigh *n, struct batch *arp, int64_t now_ns)
{
    struct batch_walk w = batch_walk(arp);
    for (struct pkt *k; (k = batch_next(&w));) {
        struct arp a;
        struct reader r = pkt_reader(k);
        if (!arp_read(&r, &a) || !sane(&a)) {
            trace_drop(n->trace, k, WHY_ARP_BAD, now_ns);
            continue;
        }
        arp_in(n, k->iface, &a, now_ns);
        pkt_free(k);
    }
    neigh_announce_due(n, now_ns);
}
