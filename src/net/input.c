/* IP in: IPv4's header, and for both families what follows from what the header says.  IPv6's is in input6.c. */
#include "base/checksum.h"
#include "net/arrive.h"
#include "wire/ip6.h"
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

void inet_hold_to_header(struct pkt *k, uint16_t l4_off)
{
    if (k->csum == CSUM_PARTIAL && k->l4_off != l4_off) {
        k->csum = CSUM_NONE;
        k->gso_size = 0;
    }
    k->l4_off = l4_off;
    if (k->gso_size && (k->proto != IP_TCP || pkt_l4_len(k) < TCP_HEADER))
        k->gso_size = 0;
}

enum why inet4_arrive(struct inet *n, struct pkt *k, struct arrival *a)
{
    struct reader r = pkt_reader(k);
    struct ip4 h;
    const enum why why = ip4_read(&r, &h);
    if (why != WHY_NONE)
        return why;
    if (h.source_route)
        return WHY_IP_SOURCE_ROUTE;
    pkt_trim(k, h.total_len);
    k->net_off = (uint16_t)k->head;
    k->proto = h.proto;
    inet_hold_to_header(k, (uint16_t)(k->head + h.header_len));
    if (source_bad(n, k, &h))
        return WHY_IP_SOURCE_BAD;
    a->fragment = h.more_fragments || h.frag_offset;
    a->piece = (struct frag_piece){ .src = h.src, .dst = h.dst, .id = h.id, .proto = h.proto, .offset = h.frag_offset, .more = h.more_fragments };
    return classify(n, k, &h, &a->transit);
}

/* The same of IPv6, when TCP or UDP stands right behind the header. */
static bool as_before6(const struct inet *n, struct pkt *k, const uint8_t *h)
{
    const uint32_t total_len = (uint32_t)IP6_HEADER + load_be16(h + 4);
    if ((h[6] != IP_TCP && h[6] != IP_UDP) || memcmp(h + 8, n->last6.addrs, sizeof n->last6.addrs) != 0 || n->last6.iface != k->iface ||
        n->last6.generation != n->generation || total_len > k->len || k->csum == CSUM_PARTIAL || k->gso_size)
        return false;
    pkt_trim(k, total_len);
    k->net_off = (uint16_t)k->head;
    k->l4_off = (uint16_t)(k->head + IP6_HEADER);
    k->proto = h[6];
    return true;
}

/* A whole datagram between the same addresses as the one before, which nothing has changed for since: what was
 * found then of the two holds.  False: not such a one, or not a good one; inet4_arrive says which. */
static bool as_before(const struct inet *n, struct pkt *k)
{
    struct reader r = pkt_reader(k);
    const uint8_t *h = rd_bytes(&r, IP4_HEADER);
    if (!h || k->group || n->no_fast_path)
        return false;
    if (h[0] >> 4 == 6)
        return k->len >= IP6_HEADER && as_before6(n, k, h);
    if (h[0] != (4 << 4 | IP4_HEADER / 4) || load_be16(h + 6) & 0x3fff)
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
    if (h[0] >> 4 == 6) {
        memcpy(n->last6.addrs, h + 8, sizeof n->last6.addrs);
        n->last6.iface = k->iface;
        n->last6.generation = n->generation;
        return;
    }
    memcpy(&n->last.src, h + 12, 4);
    memcpy(&n->last.dst, h + 16, 4);
    n->last.iface = k->iface;
    n->last.generation = n->generation;
}

/* RFC 3704 §2.2, RFC 1812 §5.3.8: strict, for a router's interfaces that ask for it. */
static bool is_spoofed(const struct inet *n, const struct pkt *k)
{
    const struct route *r = n->iface[k->iface].reverse_path ? route_find(&n->routes, ip_src(k), n->ifaces_up) : NULL;
    return n->iface[k->iface].reverse_path && (!r || r->iface != k->iface);
}

static enum why arrive(struct inet *n, struct pkt *k, struct arrival *a, int64_t now_ns)
{
    const bool v6 = k->len && pkt_head(k)[0] >> 4 == 6;
    const enum why why = v6 ? inet6_arrive(n, k, a, now_ns) : inet4_arrive(n, k, a);
    return why == WHY_NONE && a->transit && is_spoofed(n, k) ? WHY_IP_SPOOFED : why;
}

/* NULL: other pieces are missing, or the whole is not good. */
static struct pkt *join(struct inet *n, struct pkt *k, const struct frag_piece *piece, int64_t now_ns)
{
    struct pkt *whole = frag_in(&n->frag, n->pools, n->trace, k, piece, now_ns);
    if (!whole || ip_version(whole) == 4)
        return whole;
    const enum why why = inet6_joined(n, whole, now_ns);
    if (why == WHY_NONE)
        return whole;
    trace_drop(n->trace, whole, why, now_ns);
    return NULL;
}

void inet_in(struct inet *n, struct batch *in, struct batch *transit, int64_t now_ns)
{
    struct batch_walk w = batch_walk(in);
    for (struct pkt *k; (k = batch_next(&w));) {
        struct arrival a = { 0 };
        if (as_before(n, k)) {
            batch_keep(&w, k);
            continue;
        }
        const enum why why = arrive(n, k, &a, now_ns);
        if (why != WHY_NONE) {
            trace_drop(n->trace, k, why, now_ns);
            continue;
        }
        if (a.transit && !(n->whole_transit && a.fragment)) {
            batch_add(transit, k);
            continue;
        }
        if (!k->group && !a.transit)
            remember(n, k);
        if (a.fragment)
            k = join(n, k, &a.piece, now_ns);
        if (k && a.transit)
            batch_add(transit, k);
        else if (k)
            batch_keep(&w, k);
    }
}

/* RFC 4443 §3.4 points to where the protocol is named; IPv4 has a word of its own for it. */
static uint32_t named_at(const struct pkt *k)
{
    return ip_version(k) == 6 ? ip6_find_upper(pkt_reader(k)).named_at : 0;
}

/* The rest came for a port or protocol that nobody serves (RFC 1122 §3.2.2.1). */
void inet_unwanted(struct inet *n, struct batch *in, int64_t now_ns)
{
    struct batch_walk w = batch_walk(in);
    for (struct pkt *k; (k = batch_next(&w));) {
        const bool udp = k->proto == IP_UDP;
        inet_error(n, k, udp ? TROUBLE_PORT : TROUBLE_PROTOCOL, udp ? 0 : named_at(k), now_ns);
        trace_drop(n->trace, k, udp ? WHY_UDP_NO_PORT : WHY_IP_PROTOCOL, now_ns);
    }
}

int64_t inet_deadline(const struct inet *n)
{
    const int64_t learnt = time_min(pmtu_deadline(&n->pmtu), inet_hops_deadline(n));
    return time_min(n->groups.deadline_ns, time_min(frag_deadline(&n->frag), learnt));
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
    inet_hops_tick(n, now_ns);
    if (pmtu_tick(&n->pmtu, now_ns))
        inet_moved(n);
}
