/* Neighbour and router discovery between the packets net/ found to be such, the neighbour cache, the machine
 * of autoconfiguration (net/autoconf.h) and the configuration it brings. */
#include "base/checksum.h"
#include "stack/inner.h"

static const struct addr ALL_ROUTERS = { .b = { 0xff, 0x02, [15] = 2 } };

/* ---------------------------------------------------- what it is to configure */

static void add_addr(struct stack *st, unsigned iface, struct prefix p, int64_t now_ns)
{
    const bool ether = st->iface[iface].cfg.kind == IFACE_ETHER;
    if (inet_find_addr(&st->inet, iface, p.addr) || st->inet.n_addr == INET_ADDRS || !stack_shards_room(st)) {
        stack_nd_verdict(st, iface, p.addr, false, now_ns);
        return;
    }
    stack_configure_addr(st, iface, p, ether ? ACD_PROBE_QUICK : ACD_USE, now_ns);
    inet_mark_addr(&st->inet, iface, p.addr, !addr_is_link_local(p.addr), false);
    if (ether)
        neigh_tick(&st->neigh, now_ns);         /* the probe goes out at once */
    else
        stack_nd_verdict(st, iface, p.addr, true, now_ns);
}

static void set_deprecated(struct stack *st, unsigned iface, struct addr a, bool deprecated)
{
    const struct inet_addr *own = inet_find_addr(&st->inet, iface, a);
    if (!own)
        return;
    inet_mark_addr(&st->inet, iface, a, own->lone, deprecated);
    stack_shards_addr(st, own, true);
}

void stack_own_addr_act(struct stack *st, unsigned iface, const struct own_action *a, uint8_t prefix_len, int64_t now_ns)
{
    switch (a->kind) {
    case OWN_ADD:            add_addr(st, iface, (struct prefix){ a->addr, prefix_len }, now_ns); return;
    case OWN_DEL:            stack_unconfigure_addr(st, iface, a->addr, now_ns); return;
    case OWN_SET_DEPRECATED: set_deprecated(st, iface, a->addr, a->deprecated); return;
    }
}

static bool is_ours(const struct route *r, unsigned iface) { return r->origin == ROUTE_RA && r->iface == iface; }

/* A route that the user set, or that an own address brought, stays. */
static void add_route(struct stack *st, unsigned iface, const struct autoconf_action *a, int64_t now_ns)
{
    const struct route *r = route_get(&st->inet.routes, a->dst);
    if (r && r->origin != ROUTE_RA)
        return;
    if (!stack_put_route(st, &(struct route){ .dst = a->dst, .via = a->via, .iface = (uint8_t)iface, .origin = ROUTE_RA }))
        return;
    TRACE(&st->trace, now_ns, 0, route_learned, .iface = (uint8_t)iface, .dst = a->dst.addr, .prefix_len = a->dst.len, .via = a->via);
}

static void del_route(struct stack *st, unsigned iface, struct prefix dst, int64_t now_ns)
{
    const struct route *r = route_get(&st->inet.routes, dst);
    if (!r || !is_ours(r, iface))
        return;
    TRACE(&st->trace, now_ns, 0, route_lost, .iface = (uint8_t)iface, .dst = dst.addr, .prefix_len = dst.len, .via = r->via);
    (void)stack_take_route(st, dst);
    for (unsigned i = 0; i < INET_LOOP; i++)
        if (i != iface)
            autoconf_route_again(&st->iface[i].autoconf, dst);
}

static void set_link(struct stack *st, unsigned iface, const struct autoconf_link *l)
{
    stack_apply_link6(st, iface, l->mtu, l->hop_limit);
    stack_shards_link6(st, iface, l->mtu, l->hop_limit);
    neigh_set_times(&st->neigh, iface, &(struct neigh_times){ .reachable_ns = l->reachable_ms * NS_PER_MS, .retrans_ns = l->retrans_ms * NS_PER_MS });
}

/* ------------------------------------------------------------------- packets */

/* A message of router discovery, with the hop limit that only a neighbour's can have. */
static void send_message(struct stack *st, unsigned iface, struct addr from, struct addr to, const struct nd *m, int64_t now_ns)
{
    enum { ROOM = 1024 };
    const struct path p = { .local = from, .remote = to, .next_hop = to, .mtu = st->iface[iface].cfg.mtu, .iface = (uint8_t)iface };
    struct pkt *k = pkt_new(&st->pools, ROOM);
    if (!k) {
        trace_count(&st->trace, WHY_NO_BUFFER, now_ns);
        return;
    }
    uint8_t *icmp = pkt_append(k, ROOM);
    struct writer w = writer_of(icmp, ROOM);
    nd_write(&w, m);
    const uint32_t len = (uint32_t)wr_len(&w);
    const uint16_t sum = csum_finish(csum_add(csum_pseudo(from, to, IP_ICMP6, len), icmp, len));
    memcpy(icmp + ICMP6_CHECKSUM_AT, &sum, 2);
    pkt_trim(k, len);
    k->path = &p;
    k->proto = IP_ICMP6;
    k->ttl = ND_HOP_LIMIT;
    k->time_ns = now_ns;
    k = inet_send(&st->inet, k, now_ns);
    if (k)
        stack_emit(st, k, now_ns);
}

static void solicit(struct stack *st, unsigned iface, struct addr from, int64_t now_ns)
{
    const bool ether = st->iface[iface].cfg.kind == IFACE_ETHER;
    const struct nd m = { .type = ICMP6_ROUTER_SOLICIT, .has_source_mac = ether, .source_mac = st->iface[iface].cfg.mac };
    send_message(st, iface, from, ALL_ROUTERS, &m, now_ns);
}

static enum why advert_in(struct stack *st, const struct pkt *k, const struct nd *m, int64_t now_ns)
{
    const struct addr from = ip_src(k);
    struct autoconf *a = &st->iface[k->iface].autoconf;
    const enum why why = autoconf_in(a, from, m, now_ns);
    if (why != WHY_NONE)
        return why;
    TRACE(&st->trace, now_ns, 0, router_heard, .iface = k->iface, .router = from, .lifetime_s = m->router_lifetime_s, .prefixes = m->n_prefix);
    if (m->has_source_mac && st->iface[k->iface].cfg.kind == IFACE_ETHER)
        neigh_heard(&st->neigh, k->iface, from, m->source_mac, NEIGH_TOLD_ROUTER, now_ns);
    if (autoconf_is_suspect(a, from))
        neigh_want(&st->neigh, k->iface, from, now_ns);         /* it speaks; does it hear? */
    stack_dhcp6_advertised(st, k->iface, now_ns);
    st->autoconf_ns = INT64_MIN;
    return WHY_NONE;
}

/* RFC 4861 §6.2.6 */
static enum why solicit_in(struct stack *st, const struct pkt *k, const struct nd *m, int64_t now_ns)
{
    const struct addr from = ip_src(k);
    const enum why why = advertise_solicited(&st->iface[k->iface].advertise, from, m, now_ns);
    if (why != WHY_NONE)
        return why;
    if (m->has_source_mac && st->iface[k->iface].cfg.kind == IFACE_ETHER)
        neigh_heard(&st->neigh, k->iface, from, m->source_mac, NEIGH_TOLD_HOST, now_ns);
    st->autoconf_ns = INT64_MIN;
    return WHY_NONE;
}

/* RFC 4861 §8.1, §8.3. */
static enum why redirect_in(struct stack *st, const struct pkt *k, const struct nd *m, int64_t now_ns)
{
    const struct addr from = ip_src(k);
    const enum why why = addr_is_link_local(from) ? inet_redirected(&st->inet, k->iface, from, m->destination, m->target, now_ns) : WHY_ND_BAD;
    if (why == WHY_NONE && m->has_target_mac && st->iface[k->iface].cfg.kind == IFACE_ETHER)
        neigh_heard(&st->neigh, k->iface, m->target, m->target_mac,
                    addr_eq(m->target, m->destination) ? NEIGH_TOLD_EITHER : NEIGH_TOLD_ROUTER, now_ns);
    return why;
}

static enum why discovery_in(struct stack *st, const struct pkt *k, const struct nd *m, int64_t now_ns)
{
    switch (m->type) {
    case ICMP6_ROUTER_SOLICIT: return solicit_in(st, k, m, now_ns);
    case ICMP6_ROUTER_ADVERT:  return advert_in(st, k, m, now_ns);
    case ICMP6_REDIRECT:       return redirect_in(st, k, m, now_ns);
    default:                   return WHY_ND_ROLE;
    }
}

static void message_in(struct stack *st, struct pkt *k, int64_t now_ns)
{
    struct nd m;
    struct reader r = reader_of(k->data + k->l4_off, pkt_l4_len(k));
    enum why why = nd_read(&r, &m) ? WHY_NONE : WHY_ND_BAD;
    if (why == WHY_NONE && (m.type == ICMP6_NEIGH_SOLICIT || m.type == ICMP6_NEIGH_ADVERT)) {
        neigh_nd_in(&st->neigh, k, &m, now_ns);
        return;
    }
    if (why == WHY_NONE)
        why = discovery_in(st, k, &m, now_ns);
    if (why == WHY_NONE)
        pkt_free(k);
    else
        trace_drop(&st->trace, k, why, now_ns);
}

/* --------------------------------------------------------------------- steps */

static void act(struct stack *st, unsigned iface, const struct autoconf_action *a, int64_t now_ns)
{
    switch (a->kind) {
    case AUTOCONF_ADDR:      stack_own_addr_act(st, iface, &a->own, AUTOCONF_ID_BITS, now_ns); return;
    case AUTOCONF_ADD_ROUTE: add_route(st, iface, a, now_ns); return;
    case AUTOCONF_DEL_ROUTE: del_route(st, iface, a->dst, now_ns); return;
    case AUTOCONF_SET_LINK:  set_link(st, iface, &a->link); return;
    case AUTOCONF_SOLICIT:   solicit(st, iface, a->own.addr, now_ns); return;
    }
}

static void hear_neigh_news(struct stack *st)
{
    for (uint32_t i = 0; i < st->neigh.n_news; i++) {
        const struct neigh_news *x = &st->neigh.news[i];
        struct autoconf *a = &st->iface[x->iface].autoconf;
        if (x->kind == NEIGH_ANSWERS)
            autoconf_router_answers(a, x->addr);
        else if (x->kind == NEIGH_GONE)
            autoconf_router_silent(a, x->addr);
        else
            autoconf_router_gone(a, x->addr);
        st->autoconf_ns = INT64_MIN;
    }
    st->neigh.n_news = 0;
}

struct addr stack_link_local(const struct stack *st, unsigned iface)
{
    for (uint32_t i = 0; i < st->inet.n_addr; i++) {
        const struct inet_addr *a = &st->inet.addr[i];
        if (a->iface == iface && a->ready && !addr_is4(a->prefix.addr) && addr_is_link_local(a->prefix.addr))
            return a->prefix.addr;
    }
    return ADDR_NONE;
}

static void advertise(struct stack *st, unsigned iface, int64_t now_ns)
{
    struct advertise *a = &st->iface[iface].advertise;
    const struct addr from = stack_link_local(st, iface);
    struct addr to;
    struct nd m;
    if (addr_is_none(from) || !st->iface[iface].up)
        return;                                 /* the deadline comes again with the address */
    while (advertise_next(a, &m, &to, now_ns)) {
        m.has_source_mac = st->iface[iface].cfg.kind == IFACE_ETHER;
        m.source_mac = st->iface[iface].cfg.mac;
        send_message(st, iface, from, to, &m, now_ns);
    }
    st->autoconf_ns = time_min(st->autoconf_ns, advertise_deadline(a));
}

static void autoconf_step(struct stack *st, int64_t now_ns)
{
    struct autoconf_action a;
    st->autoconf_ns = DEADLINE_NEVER;
    for (unsigned i = 0; i < INET_LOOP; i++) {
        while (autoconf_next(&st->iface[i].autoconf, &a, now_ns))
            act(st, i, &a, now_ns);
        st->autoconf_ns = time_min(st->autoconf_ns, autoconf_deadline(&st->iface[i].autoconf));
        advertise(st, i, now_ns);
    }
    st->autoconf_ns = time_min(st->autoconf_ns, stack_dhcp6_step(st, now_ns));
}

bool stack_nd_due(const struct stack *st) { return st->inet.nd.n || st->dhcp6_open || st->neigh.n_news || st->now_ns >= st->autoconf_ns; }

void stack_nd_step(struct stack *st, int64_t now_ns)
{
    for (struct pkt *k; (k = pktq_pop(&st->inet.nd));)
        message_in(st, k, now_ns);
    stack_take_verdicts(st, now_ns);
    hear_neigh_news(st);
    if (st->dhcp6_open || now_ns >= st->autoconf_ns)
        autoconf_step(st, now_ns);
}

void stack_nd_verdict(struct stack *st, unsigned iface, struct addr a, bool is_free, int64_t now_ns)
{
    struct stack_iface *f = &st->iface[iface];
    if (autoconf_verdict(&f->autoconf, a, is_free, now_ns) || dhcp6_verdict(&f->dhcp6, a, is_free, now_ns) || addr_is_link_local(a))
        st->autoconf_ns = INT64_MIN;
}

void stack_autoconf_start(struct stack *st, unsigned iface)
{
    struct stack_iface *f = &st->iface[iface];
    if (!f->cfg.ip6 || stack_shard_follows(st))
        return;
    if (!st->has_stable_secret)
        st->stable_secret = sipkey_from(&st->rng);
    st->has_stable_secret = true;
    autoconf_start(&f->autoconf, st->cfg.forwarding ? AUTOCONF_ROUTER : AUTOCONF_HOST, &st->rng, &st->stable_secret, f->cfg.mac, iface, f->cfg.mtu);
    st->autoconf_ns = INT64_MIN;
}

void stack_autoconf_stop(struct stack *st, unsigned iface, int64_t now_ns)
{
    struct autoconf *a = &st->iface[iface].autoconf;
    if (!a->on)
        return;
    for (unsigned i = 0; i < AUTOCONF_ROUTES; i++)
        if (a->route[i].is_there)
            del_route(st, iface, a->route[i].dst, now_ns);
    for (unsigned i = 0; i < AUTOCONF_ADDRS; i++)
        if (a->addr[i].is_there)
            stack_unconfigure_addr(st, iface, a->addr[i].addr, now_ns);
    autoconf_stop(a);
    stack_dhcp6_stop(st, iface, now_ns);
    neigh_set_times(&st->neigh, iface, &(struct neigh_times){ 0 });
    st->autoconf_ns = INT64_MIN;
}

enum plumb_err stack_advertise(struct stack *st, unsigned iface, const struct advertise_config *c, int64_t now_ns)
{
    if (iface >= INET_LOOP || !st->iface[iface].present)
        return PLUMB_NO_DEVICE;
    const bool too_much = c && (c->message.n_prefix > ND_PREFIXES || c->message.n_route > ND_ROUTES || c->message.n_dns > ND_DNS);
    if (stack_shard_follows(st) || too_much || (c && !st->cfg.forwarding))
        return PLUMB_INVALID;
    if (c)
        advertise_start(&st->iface[iface].advertise, &st->rng, c, now_ns);
    else
        advertise_stop(&st->iface[iface].advertise, now_ns);
    st->autoconf_ns = INT64_MIN;
    stack_touch(st, now_ns);
    return PLUMB_OK;
}

unsigned stack_router_dns(const struct stack *st, unsigned iface, struct addr *out, unsigned max)
{
    const struct stack_iface *f = &st->iface[iface < INET_LOOP ? iface : INET_LOOP];
    unsigned n = autoconf_dns(&f->autoconf, out, max, st->now_ns);
    for (unsigned i = 0; i < f->dhcp6.n_dns && n < max; i++)
        out[n++] = f->dhcp6.dns[i];
    return n;
}
