/* IP in: is it well formed, may it come from there, is it for us, is it whole? */
#include "base/checksum.h"
#include "net/inet.h"
#include "wire/tcp.h"

/* RFC 1122 §3.2.1.3: what no host may carry as its source. */
static bool source_bad(const struct inet *n, const struct pkt *k, const struct ip4 *h)
{
    const uint32_t top = addr_v4(h->src) >> 24;
    if (k->iface == INET_LOOP || k->looped)
        return false;
    if (addr_is_any(h->src))            /* only who asks for its address has none: (a) */
        return h->proto != IP_UDP || !addr_is_broadcast(h->dst);
    if (top == 0 || top == 127 || top >= 224)
        return true;
    return inet_is_broadcast(n, k->iface, h->src) || (inet_is_ours(n, h->src) && !n->iface[k->iface].any_address);
}

/* WHY_NONE: it is for us, or (*transit) for somebody else. */
static enum why classify(const struct inet *n, struct pkt *k, const struct ip4 *h, bool *transit)
{
    const bool framed_to_all = k->group;
    *transit = false;
    if (addr_is_loopback(h->dst) && k->iface != INET_LOOP)
        return WHY_IP_NOT_OURS;
    if (inet_is_broadcast(n, k->iface, h->dst)) {
        k->group = true;
        return WHY_NONE;
    }
    if (addr_is_multicast(h->dst)) {
        k->group = true;
        return inet_in_group(n, k->iface, h->dst) ? WHY_NONE : WHY_IP_MULTICAST;
    }
    if (inet_is_ours(n, h->dst) || n->iface[k->iface].any_address)
        return framed_to_all ? WHY_IP_LINK_BROADCAST : WHY_NONE;
    if (!n->forwarding)
        return WHY_IP_NOT_OURS;
    *transit = true;
    return framed_to_all ? WHY_IP_FORWARD_GROUP : WHY_NONE;
}

/* What the device said of a packet may be of another header than the one found: then it said nothing. */
static void hold_to_header(struct pkt *k, const struct ip4 *h, uint16_t l4_off)
{
    if (k->csum == CSUM_PARTIAL && k->l4_off != l4_off) {
        k->csum = CSUM_NONE;
        k->gso_size = 0;
    }
    if (k->gso_size && (h->proto != IP_TCP || h->total_len < h->header_len + TCP_HEADER))
        k->gso_size = 0;
}

/* WHY_NONE: the packet is valid and cut to its length. */
static enum why validate(struct inet *n, struct pkt *k, struct ip4 *h, bool *transit)
{
    struct reader r = pkt_reader(k);
    const enum why why = ip4_read(&r, h);
    if (why != WHY_NONE)
        return why;
    if (h->source_route)
        return WHY_IP_SOURCE_ROUTE;
    pkt_trim(k, h->total_len);
    const uint16_t l4_off = (uint16_t)(k->head + h->header_len);
    hold_to_header(k, h, l4_off);
    k->net_off = (uint16_t)k->head;
    k->l4_off = l4_off;
    k->proto = h->proto;
    if (source_bad(n, k, h))
        return WHY_IP_SOURCE_BAD;
    return classify(n, k, h, transit);
}

/* A whole datagram between the same addresses as the one before, which nothing has changed for since: what was
 * found then of the two holds.  False: not such a one, or not a good one; validate says which. */
static bool as_before(const struct inet *n, struct pkt *k)
{
    struct reader r = pkt_reader(k);
    const uint8_t *h = rd_bytes(&r, IP4_HEADER);
    if (!h || h[0] != (4 << 4 | IP4_HEADER / 4) || load_be16(h + 6) & 0x3fff || k->group || n->no_fast_path)
        return false;
    const uint32_t total_len = load_be16(h + 2);
    if (memcmp(h + 12, &n->last.src, 4) != 0 || memcmp(h + 16, &n->last.dst, 4) != 0 || n->last.iface != k->iface ||
        n->last.generation != n->generation || total_len < IP4_HEADER || total_len > k->len ||
        csum_finish(csum_add_words((csum_t){ 0 }, h, IP4_HEADER / 4)) != 0)
        return false;
    pkt_trim(k, total_len);
    k->net_off = (uint16_t)k->head;
    k->l4_off = (uint16_t)(k->head + IP4_HEADER);
    k->proto = h[9];
    return true;
}

static void remember(struct inet *n, const struct pkt *k)
{
    const uint8_t *h = k->data + k->net_off;
    memcpy(&n->last.src, h + 12, 4);
    memcpy(&n->last.dst, h + 16, 4);
    n->last.iface = k->iface;
    n->last.generation = n->generation;
}

static bool is_fragment(const struct ip4 *h) { return h->more_fragments || h->frag_offset; }

void inet_in(struct inet *n, struct batch *in, struct batch *transit, int64_t now_ns)
{
    struct batch_walk w = batch_walk(in);
    for (struct pkt *k; (k = batch_next(&w));) {
        struct ip4 h;
        bool for_others;
        if (as_before(n, k)) {
            batch_keep(&w, k);
            continue;
        }
        const enum why why = validate(n, k, &h, &for_others);
        if (why != WHY_NONE) {
            trace_drop(n->trace, k, why, now_ns);
            continue;
        }
        if (for_others && !(n->whole_transit && is_fragment(&h))) {
            batch_add(transit, k);
            continue;
        }
        if (!k->group && !for_others)
            remember(n, k);
        if (is_fragment(&h))
            k = frag_in(&n->frag, n->pools, n->trace, k, &(struct frag_piece){ .src = h.src, .dst = h.dst, .id = h.id, .proto = h.proto,
                                                                              .offset = h.frag_offset, .more = h.more_fragments }, now_ns);
        if (k && for_others)
            batch_add(transit, k);
        else if (k)
            batch_keep(&w, k);
    }
}

/* The rest came for a port or protocol that nobody serves (RFC 1122 §3.2.2.1). */
void inet_unwanted(struct inet *n, struct batch *in, int64_t now_ns)
{
    struct batch_walk w = batch_walk(in);
    for (struct pkt *k; (k = batch_next(&w));) {
        const bool udp = k->proto == IP_UDP;
        inet_error(n, k, udp ? TROUBLE_PORT : TROUBLE_PROTOCOL, 0, now_ns);
        trace_drop(n->trace, k, udp ? WHY_UDP_NO_PORT : WHY_IP_PROTOCOL, now_ns);
    }
}

int64_t inet_deadline(const struct inet *n)
{
    return time_min(n->groups.deadline_ns, time_min(frag_deadline(&n->frag), pmtu_deadline(&n->pmtu)));
}

void inet_tick(struct inet *n, int64_t now_ns)
{
    struct pkt *first;
    while (frag_expire(&n->frag, n->trace, &first, now_ns)) {
        if (!first)
            continue;
        inet_error(n, first, TROUBLE_REASSEMBLY, 0, now_ns);   /* RFC 1122 §3.3.2: only when the first came */
        trace_drop(n->trace, first, WHY_FRAG_TIMEOUT, now_ns);
    }
    inet_groups_tick(n, now_ns);
    if (pmtu_tick(&n->pmtu, now_ns))
        inet_moved(n);
}
