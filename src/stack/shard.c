#include "base/ring.h"
#include "stack/inner.h"
#include "wire/ip6.h"
#include <stdlib.h>

enum { RING_SLOTS = 512, KEPT_FOR_FACTS = RING_SLOTS / 4 };

enum message_kind { M_PACKET, M_FRAGMENT, M_ARP, M_ERROR, M_ADDR, M_ADDR_GONE, M_ROUTE, M_ROUTE_GONE, M_LINK, M_MTU, M_LINK6, M_NEIGH, M_WANT, M_PMTU };

struct message {
    uint8_t kind, iface;
    bool    up;
    uint16_t mtu;
    uint8_t hop_limit;
    union {
        struct pkt *pkt;                /* the putter's: copied by the taker, freed by the putter */
        struct net_error error;         /* M_ERROR, M_PMTU */
        struct inet_addr addr;
        struct route route;
        struct neigh_fact neigh;
    };
};

/* From one shard to another.  `freed` is the putter's: packets in slots before it are freed. */
struct way { struct ring ring; uint32_t freed; };

struct shards {
    unsigned     n;
    struct steer steer;                 /* of no shard in particular */
    uint64_t     secret[2];
    struct way   way[];                 /* from * n + to */
};

static struct way *way_of(const struct shards *s, unsigned from, unsigned to) { return (struct way *)&s->way[from * s->n + to]; }

/* ------------------------------------------------------------------ a host */

struct shards *shards_new(unsigned n, const uint64_t secret[2])
{
    if (n < 1 || n > SHARDS_MAX)
        return NULL;
    const size_t bytes = sizeof(struct shards) + (size_t)n * n * sizeof(struct way);
    struct shards *s = aligned_alloc(RING_LINE, (bytes + RING_LINE - 1) / RING_LINE * RING_LINE);
    if (!s)
        return NULL;
    memset(s, 0, bytes);
    const struct sipkey root = { { secret[0], secret[1] } };
    *s = (struct shards){ .n = n, .secret = { secret[0], secret[1] },
                          .steer = { .key = siphash(&root, "steer", 5), .n = (uint8_t)n } };
    bool all = true;
    for (unsigned i = 0; i < n * n; i++)
        all = ring_init(&s->way[i].ring, RING_SLOTS, sizeof(struct message)) && all;
    if (all)
        return s;
    shards_free(s);
    return NULL;
}

void shards_free(struct shards *s)
{
    for (unsigned i = 0; s && i < s->n * s->n; i++)
        ring_fini(&s->way[i].ring);
    free(s);
}

unsigned shards_count(const struct shards *s)               { return s->n; }
const struct steer *shards_steer(const struct shards *s)    { return &s->steer; }

void stack_shard_configure(struct stack_config *c)
{
    if (!c->shards)
        return;
    c->tcp.steer = c->shards->steer;
    c->tcp.steer.self = c->shard;
    c->tcp.shared = true;
    memcpy(c->tcp.secret, c->shards->secret, sizeof c->tcp.secret);
}

void stack_shard_join(struct stack *st)
{
    if (!st->cfg.shards)
        return;
    st->udp.steer = st->cfg.tcp.steer;
    st->neigh.role = st->cfg.shard ? NEIGH_FOLLOWS : NEIGH_LEADS;
    inet_share_ids(&st->inet, st->cfg.shard, st->cfg.shards->n);
}

bool stack_shard_follows(const struct stack *st) { return st->cfg.shards && st->cfg.shard > 0; }

/* ----------------------------------------------------------------- putting */

/* Packets whose slots were given back are freed here, where they came from. */
static void reclaim(struct way *w)
{
    for (const uint32_t taken = ring_taken(&w->ring); w->freed != taken; w->freed++) {
        struct message *m = ring_at(&w->ring, w->freed);
        if (m->kind <= M_ARP)
            pkt_free(m->pkt);
    }
}

/* False: no room.  `spare`: slots that this message leaves to others. */
static bool put(struct stack *st, unsigned to, const struct message *m, uint32_t spare)
{
    struct way *w = way_of(st->cfg.shards, st->cfg.shard, to);
    reclaim(w);
    if (ring_room(&w->ring) <= spare)
        return false;
    *(struct message *)ring_slot(&w->ring) = *m;
    ring_put(&w->ring);
    st->shards_told |= 1u << to;
    return true;
}

/* Takes; the packet borrows nothing, since it arrived. */
static void give_packet(struct stack *st, unsigned to, struct pkt *k, enum message_kind kind, int64_t now_ns)
{
    if (put(st, to, &(struct message){ .kind = (uint8_t)kind, .pkt = k }, KEPT_FOR_FACTS)) {
        st->shard_counts.strays++;
        return;
    }
    st->shard_counts.lost++;
    trace_drop(&st->trace, k, WHY_SHARD_RING_FULL, now_ns);
}

void stack_shard_strays(struct stack *st, struct batch *in, int64_t now_ns)
{
    const struct steer *s = &st->cfg.tcp.steer;
    if (!st->cfg.shards)
        return;
    struct batch_walk w = batch_walk(in);
    for (struct pkt *k; (k = batch_next(&w));) {
        const unsigned owner = k->iface == INET_LOOP ? s->self : steer_packet(s, k);
        if (owner == s->self)
            batch_keep(&w, k);
        else
            give_packet(st, owner, k, M_PACKET, now_ns);
    }
}

/* IP has not looked at these yet; of IPv6 what cannot be read is no fragment, and whoever has it says what is wrong with it. */
static bool is_fragment(const struct pkt *k)
{
    enum { MORE_OR_OFFSET = 0x3fff };
    struct ip6_chain c;
    if (k->len < IP4_HEADER)
        return false;
    if (pkt_head_const(k)[0] >> 4 == 4)
        return load_be16(pkt_head_const(k) + 6) & MORE_OR_OFFSET;
    return ip6_chain_read(pkt_reader(k), &c) == WHY_NONE && c.fragment && (c.more_fragments || c.frag_offset);
}

void stack_shard_fragments(struct stack *st, struct batch *in, int64_t now_ns)
{
    if (!stack_shard_follows(st))
        return;
    struct batch_walk w = batch_walk(in);
    for (struct pkt *k; (k = batch_next(&w));) {
        if (k->iface != INET_LOOP && is_fragment(k))
            give_packet(st, 0, k, M_FRAGMENT, now_ns);
        else
            batch_keep(&w, k);
    }
}

void stack_shard_arp(struct stack *st, struct batch *arp, int64_t now_ns)
{
    if (!stack_shard_follows(st))
        return;
    for (uint32_t i = 0; i < arp->n; i++)
        give_packet(st, 0, arp->pkt[i], M_ARP, now_ns);
    batch_init(arp);
}

bool stack_shard_error(struct stack *st, const struct net_error *e, int64_t now_ns)
{
    const struct steer *s = &st->cfg.tcp.steer;
    const unsigned owner = steer_flow(s, e->proto, &e->flow);
    if (!st->cfg.shards || owner == s->self)
        return false;
    if (!put(st, owner, &(struct message){ .kind = M_ERROR, .error = *e }, KEPT_FOR_FACTS))
        trace_count(&st->trace, WHY_SHARD_RING_FULL, now_ns);
    return true;
}

static void tell_all(struct stack *st, const struct message *m, uint32_t spare)
{
    for (unsigned to = 0; st->cfg.shards && to < st->cfg.shards->n; to++)
        if (to != st->cfg.shard && !put(st, to, m, spare))
            trace_count(&st->trace, WHY_SHARD_RING_FULL, st->now_ns);
}

bool stack_shards_room(const struct stack *st)
{
    for (unsigned to = 1; st->cfg.shards && to < st->cfg.shards->n; to++)
        if (!ring_room(&way_of(st->cfg.shards, 0, to)->ring))
            return false;
    return true;
}

void stack_shards_addr(struct stack *st, const struct inet_addr *a, bool ours)
{
    tell_all(st, &(struct message){ .kind = ours ? M_ADDR : M_ADDR_GONE, .iface = a->iface, .addr = *a }, 0);
}

void stack_shards_route(struct stack *st, const struct route *r, bool there)
{
    tell_all(st, &(struct message){ .kind = there ? M_ROUTE : M_ROUTE_GONE, .route = *r }, 0);
}

void stack_shards_link(struct stack *st, unsigned iface, bool up)
{
    tell_all(st, &(struct message){ .kind = M_LINK, .iface = (uint8_t)iface, .up = up }, 0);
}

void stack_shards_mtu(struct stack *st, unsigned iface, uint16_t mtu)
{
    tell_all(st, &(struct message){ .kind = M_MTU, .iface = (uint8_t)iface, .mtu = mtu }, 0);
}

void stack_shards_link6(struct stack *st, unsigned iface, uint16_t mtu6, uint8_t hop_limit)
{
    tell_all(st, &(struct message){ .kind = M_LINK6, .iface = (uint8_t)iface, .mtu = mtu6, .hop_limit = hop_limit }, 0);
}

/* Learnt by whose connection it was; shard 0 passes it on. */
void stack_shards_pmtu(struct stack *st, const struct net_error *e)
{
    const struct message m = { .kind = M_PMTU, .error = *e };
    if (!stack_shard_follows(st))
        tell_all(st, &m, KEPT_FOR_FACTS);
    else
        (void)put(st, 0, &m, KEPT_FOR_FACTS);
}

/* What the neighbour cache has found, or asks for. */
void stack_shards_neigh(struct stack *st)
{
    const bool follows = st->neigh.role == NEIGH_FOLLOWS;
    for (uint32_t i = 0; i < st->neigh.n_facts; i++) {
        const struct message m = { .kind = follows ? M_WANT : M_NEIGH, .neigh = st->neigh.fact[i] };
        if (follows)
            (void)put(st, 0, &m, KEPT_FOR_FACTS);
        else
            tell_all(st, &m, KEPT_FOR_FACTS);
    }
    st->neigh.n_facts = 0;
}

struct shard_counts stack_shard_counts(const struct stack *st) { return st->shard_counts; }

uint32_t stack_shards_told(struct stack *st)
{
    const uint32_t told = st->shards_told;
    st->shards_told = 0;
    return told;
}

/* ------------------------------------------------------------------ taking */

static void apply_addr(struct stack *st, const struct inet_addr *a, int64_t now_ns)
{
    if (!inet_find_addr(&st->inet, a->iface, a->prefix.addr)) {
        (void)inet_add_addr(&st->inet, a->iface, a->prefix, false);
        TRACE(&st->trace, now_ns, 0, addr_added, .iface = a->iface, .addr = a->prefix.addr, .prefix_len = a->prefix.len);
    }
    inet_mark_addr(&st->inet, a->iface, a->prefix.addr, a->lone, a->deprecated);
    (void)inet_addr_became_ready(&st->inet, a->iface, a->prefix.addr);
    st->addr_news = true;
}

static void apply_addr_gone(struct stack *st, const struct inet_addr *a, int64_t now_ns)
{
    (void)inet_del_addr(&st->inet, a->iface, a->prefix.addr);
    st->addr_news = true;
    TRACE(&st->trace, now_ns, 0, addr_removed, .iface = a->iface, .addr = a->prefix.addr);
}

static void apply(struct stack *st, const struct message *m, int64_t now_ns)
{
    switch ((enum message_kind)m->kind) {
    case M_ADDR:       apply_addr(st, &m->addr, now_ns); return;
    case M_ADDR_GONE:  apply_addr_gone(st, &m->addr, now_ns); return;
    case M_ROUTE:      (void)inet_add_route(&st->inet, &m->route); return;
    case M_ROUTE_GONE: (void)inet_del_route(&st->inet, m->route.dst); return;
    case M_LINK:       stack_apply_link(st, m->iface, m->up, now_ns); return;
    case M_MTU:        stack_apply_mtu(st, m->iface, m->mtu); return;
    case M_LINK6:      stack_apply_link6(st, m->iface, m->mtu, m->hop_limit); return;
    case M_NEIGH:      neigh_told(&st->neigh, &m->neigh, now_ns); return;
    case M_WANT:       neigh_want(&st->neigh, m->neigh.iface, m->neigh.addr, now_ns); return;
    case M_ERROR:      stack_give_error(st, &m->error, now_ns); return;
    case M_PMTU:
        inet_learn_pmtu(&st->inet, &m->error, now_ns);
        if (!stack_shard_follows(st))
            stack_shards_pmtu(st, &m->error);
        return;
    case M_PACKET: case M_FRAGMENT: case M_ARP: return;
    }
}

/* A packet of another's pool becomes one of ours. */
static void adopt(struct stack *st, const struct pkt *theirs, struct batch *b, int64_t now_ns)
{
    struct pkt *k = pkt_copy(&st->pools, theirs);
    if (!k) {
        trace_count(&st->trace, WHY_NO_BUFFER, now_ns);
        return;
    }
    k->id = 0;
    stack_number(st, k);
    st->shard_counts.taken++;
    batch_add(b, k);
}

/* In the order in which they were put, as much at once as a batch holds. */
static void take_from(struct stack *st, struct ring *r, int64_t now_ns)
{
    struct batch b[M_ARP + 1];
    for (unsigned i = 0; i <= M_ARP; i++)
        batch_init(&b[i]);
    for (const struct message *m; (m = ring_peek(r)) && !(m->kind <= M_ARP && batch_full(&b[m->kind])); ring_take(r)) {
        if (m->kind <= M_ARP)
            adopt(st, m->pkt, &b[m->kind], now_ns);
        else
            apply(st, m, now_ns);
    }
    neigh_in(&st->neigh, &b[M_ARP], now_ns);
    if (b[M_FRAGMENT].n)
        stack_journey_in(st, &b[M_FRAGMENT], now_ns);
    stack_journey_up(st, &b[M_PACKET], now_ns);
}

void stack_shard_take(struct stack *st, int64_t now_ns)
{
    const struct shards *s = st->cfg.shards;
    for (unsigned from = 0; s && from < s->n; from++) {
        if (from == st->cfg.shard)
            continue;
        reclaim(way_of(s, st->cfg.shard, from));
        take_from(st, &way_of(s, from, st->cfg.shard)->ring, now_ns);
    }
}

bool stack_shard_waiting(const struct stack *st)
{
    const struct shards *s = st->cfg.shards;
    for (unsigned from = 0; s && from < s->n; from++)
        if (from != st->cfg.shard && ring_peek(&way_of(s, from, st->cfg.shard)->ring))
            return true;
    return false;
}
