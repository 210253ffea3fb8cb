#include "net/forward.h"
#include "wire/ip6.h"
#include "wire/segment.h"

enum { IP4_AT_TTL = 8, IP6_AT_HOP_LIMIT = 7 };

void transit_take(struct transit *t, struct batch *b)
{
    t->n = b->n;
    for (uint32_t i = 0; i < b->n; i++) {
        t->p[i].k = b->pkt[i];
        t->p[i].dst = ip_dst(b->pkt[i]);
        t->p[i].lead = NULL;
    }
    batch_init(b);
}

static void refuse(struct inet *n, struct passing *p, enum why why, enum inet_trouble t, uint32_t arg, int64_t now_ns)
{
    if (t != TROUBLE_NONE)
        inet_error(n, p->k, t, arg, now_ns);
    trace_drop(n->trace, p->k, why, now_ns);
    p->k = NULL;
}

/* RFC 1812 §5.3.5, §5.3.7; RFC 3927 §7: what stays on its link. */
static bool stays_on_link4(struct addr src, struct addr dst)
{
    const uint32_t top = addr_v4(dst) >> 24;
    return top == 0 || top == 127 || top >= 224 || addr_is_link_local(src) || addr_is_link_local(dst) || addr_is_any(src);
}

/* RFC 4291 §2.5.2, §2.5.3, §2.5.6, §2.7. */
static bool stays_on_link6(struct addr src, struct addr dst)
{
    return addr_is_any(src) || addr_is_loopback(dst) || addr_is_multicast(dst) || addr_is_link_local(dst) || addr_is_link_local(src);
}

static bool stays_on_link(struct inet *n, struct passing *p, int64_t now_ns)
{
    const struct addr src = ip_src(p->k), dst = p->dst;
    const bool v6 = ip_version(p->k) == 6;
    if (!(v6 ? stays_on_link6(src, dst) : stays_on_link4(src, dst)))
        return false;
    const bool beyond = v6 && addr_is_link_local(src) && !addr_is_link_local(dst) && !addr_is_multicast(dst);
    refuse(n, p, WHY_IP_FORWARD_GROUP, beyond ? TROUBLE_SCOPE : TROUBLE_NONE, 0, now_ns);      /* RFC 4443 §3.1 */
    return true;
}

/* §5.3.1, RFC 8200 §3: what would reach zero goes no further. */
static bool is_worn_out(struct inet *n, struct passing *p, int64_t now_ns)
{
    if (pkt_net(p->k)[ip_version(p->k) == 4 ? IP4_AT_TTL : IP6_AT_HOP_LIMIT] > 1)
        return false;
    refuse(n, p, WHY_IP_TTL, TROUBLE_TTL, 0, now_ns);
    return true;
}

static bool may_be_cut(struct pkt *k) { return ip_version(k) == 4 && !(load_be16(pkt_net(k) + 6) & IP4_DF); }

/* What was put together here goes on in pieces that are no larger than it came in. */
static bool is_too_big(struct pkt *k, uint16_t mtu)
{
    return (k->frag_max ? k->frag_max : pkt_wire_len(k)) > mtu && !may_be_cut(k);
}

/* §5.2.7.1: what the route says of those who may not go. */
static bool is_refused(struct inet *n, struct passing *p, const struct route *r, int64_t now_ns)
{
    if (!r)
        refuse(n, p, WHY_IP_NO_ROUTE, TROUBLE_NO_ROUTE, 0, now_ns);
    else if (r->kind == ROUTE_BLACKHOLE)
        refuse(n, p, WHY_IP_BLACKHOLE, TROUBLE_NONE, 0, now_ns);
    else if (r->kind == ROUTE_UNREACHABLE)
        refuse(n, p, WHY_IP_UNREACHABLE, TROUBLE_ADDRESS, 0, now_ns);
    else if (r->kind == ROUTE_PROHIBIT)
        refuse(n, p, WHY_IP_PROHIBITED, TROUBLE_ADMIN, 0, now_ns);
    else if (ip_version(p->k) == 4 && inet_is_broadcast(n, r->iface, p->dst))
        refuse(n, p, WHY_IP_FORWARD_GROUP, TROUBLE_NONE, 0, now_ns);    /* RFC 2644 */
    else if (is_too_big(p->k, inet_link_mtu(n, r->iface, p->dst)))
        refuse(n, p, WHY_IP_TOO_BIG, TROUBLE_TOO_BIG, inet_link_mtu(n, r->iface, p->dst), now_ns);
    return !p->k;
}

static void route_one(struct inet *n, struct passing *p, const struct route *r, int64_t now_ns)
{
    if (stays_on_link(n, p, now_ns) || is_worn_out(n, p, now_ns) || is_refused(n, p, r, now_ns))
        return;
    p->out = r->iface;
    p->next_hop = addr_is_none(r->via) ? p->dst : r->via;
    if (p->out == p->k->iface && addr_eq(p->dst, ip_dst(p->k)))        /* who is led elsewhere by translation has no shorter way */
        inet_redirect(n, p->k, p->next_hop, now_ns);
}

void inet_forward_route(struct inet *n, struct transit *t, int64_t now_ns)
{
    struct addr dst[BATCH_MAX];
    const struct route *route[BATCH_MAX];
    for (uint32_t i = 0; i < t->n; i++)
        dst[i] = t->p[i].dst;
    route_find_batch(&n->routes, dst, t->n, n->ifaces_up, route);
    for (uint32_t i = 0; i < t->n; i++)
        if (t->p[i].k)
            route_one(n, &t->p[i], route[i], now_ns);
}

/* ---------------------------------------------------------------------- on */

/* A large packet whose pieces are too large as well. */
static void cut_all(struct inet *n, struct pkt *k, uint16_t mtu, int64_t now_ns)
{
    struct pktq pieces;
    pktq_init(&pieces);
    if (!segment(n->pools, k, &pieces))
        trace_count(n->trace, WHY_NO_BUFFER, now_ns);
    for (struct pkt *piece; (piece = pktq_pop(&pieces));)
        inet_fragment(n, piece, mtu, now_ns);
}

static void send_one(struct inet *n, const struct passing *p, int64_t now_ns)
{
    struct pkt *k = p->k;
    const uint16_t link_mtu = inet_link_mtu(n, p->out, p->dst), mtu = k->frag_max && k->frag_max < link_mtu ? k->frag_max : link_mtu;
    k->frag_max = 0;
    if (ip_version(k) == 4)
        ip4_decrement_ttl(pkt_net(k));
    else
        pkt_net(k)[IP6_AT_HOP_LIMIT]--;
    k->iface = p->out;
    k->next_hop = p->next_hop;
    if (pkt_wire_len(k) <= mtu)
        pktq_push(&n->out, k);
    else if (k->gso_size)
        cut_all(n, k, mtu, now_ns);
    else
        inet_fragment(n, k, mtu, now_ns);
}

void inet_forward_send(struct inet *n, struct transit *t, int64_t now_ns)
{
    for (uint32_t i = 0; i < t->n; i++)
        if (t->p[i].k)
            send_one(n, &t->p[i], now_ns);
    t->n = 0;
}

void inet_forward(struct inet *n, struct batch *transit, int64_t now_ns)
{
    struct transit t;
    transit_take(&t, transit);
    if (t.n == 0)
        return;
    inet_forward_route(n, &t, now_ns);
    inet_forward_send(n, &t, now_ns);
}
