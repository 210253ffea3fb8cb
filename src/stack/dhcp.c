/* DHCP clients between their machine (net/dhcp_client.h), a UDP socket and the
 * configuration they bring. */
#include "stack/inner.h"

static const struct prefix DEFAULT_ROUTE = { { .b = { [10] = 0xff, [11] = 0xff } }, 0 };

static void tell_state(struct stack *st, unsigned iface, int64_t now_ns)
{
    struct stack_iface *f = &st->iface[iface];
    if (f->dhcp.state == f->dhcp_told)
        return;
    TRACE(&st->trace, now_ns, 0, dhcp_state, .iface = (uint8_t)iface, .from = (uint8_t)f->dhcp_told, .to = (uint8_t)f->dhcp.state);
    f->dhcp_told = f->dhcp.state;
}

static bool open_socket(struct stack *st)
{
    if (st->dhcp_open)
        return true;
    st->dhcp_sock = (struct udp_sock){ .local = { ADDR_NONE, DHCP4_CLIENT_PORT }, .iface = UDP_ANY_IFACE, .broadcast = true };
    st->dhcp_open = udp_open(&st->udp, &st->dhcp_sock) == PLUMB_OK;
    return st->dhcp_open;
}

void stack_dhcp_start(struct stack *st, unsigned iface, const char *host_name, int64_t now_ns)
{
    if (iface >= INET_LOOP || !st->iface[iface].present || stack_shard_follows(st) || !open_socket(st))
        return;
    dhcp_start(&st->iface[iface].dhcp, &st->rng, st->iface[iface].cfg.mac, host_name, now_ns);
    stack_touch(st, now_ns);
}

/* ------------------------------------------------- what a lease configures */

static void take_away(struct stack *st, unsigned iface, int64_t now_ns)
{
    struct stack_iface *f = &st->iface[iface];
    const struct route *r = route_get(&st->inet.routes, DEFAULT_ROUTE);
    if (addr_is_none(f->dhcp_addr))
        return;
    if (r && r->origin == ROUTE_DHCP && r->iface == iface)
        (void)stack_take_route(st, DEFAULT_ROUTE);
    stack_unconfigure_addr(st, iface, f->dhcp_addr, now_ns);
    f->dhcp_addr = ADDR_NONE;
}

/* A route that the user set stays. */
static void set_router(struct stack *st, unsigned iface, struct addr router)
{
    const struct route *r = route_get(&st->inet.routes, DEFAULT_ROUTE);
    if (r && (r->origin != ROUTE_DHCP || (r->iface == iface && addr_eq(r->via, router))))
        return;
    if (!addr_is_none(router))
        (void)stack_put_route(st, &(struct route){ .dst = DEFAULT_ROUTE, .via = router, .iface = (uint8_t)iface, .origin = ROUTE_DHCP });
    else if (r && r->iface == iface)
        (void)stack_take_route(st, DEFAULT_ROUTE);
}

static void set_mtu(struct stack *st, unsigned iface, uint16_t mtu)
{
    if (mtu < PMTU_MIN || mtu >= st->inet.iface[iface].mtu)
        return;
    stack_apply_mtu(st, iface, mtu);
    stack_shards_mtu(st, iface, mtu);
}

static void bound(struct stack *st, unsigned iface, int64_t now_ns)
{
    const struct dhcp_lease *l = &st->iface[iface].dhcp.lease;
    set_router(st, iface, l->router);
    set_mtu(st, iface, l->mtu);
    TRACE(&st->trace, now_ns, 0, dhcp_bound, .iface = (uint8_t)iface, .addr = l->addr.addr, .server = l->server, .lease_s = l->lease_s);
}

bool stack_dhcp_verdict(struct stack *st, unsigned iface, struct addr a, bool is_free, int64_t now_ns)
{
    struct stack_iface *f = &st->iface[iface];
    if (f->dhcp.state != DHCP_CHECKING || !addr_eq(f->dhcp.lease.addr.addr, a))
        return false;
    if (!is_free)
        f->dhcp_addr = ADDR_NONE;       /* taken away by whoever found the conflict */
    dhcp_checked(&f->dhcp, is_free, now_ns);
    if (is_free)
        bound(st, iface, now_ns);
    return true;
}

static void check(struct stack *st, unsigned iface, int64_t now_ns)
{
    struct stack_iface *f = &st->iface[iface];
    const struct prefix p = f->dhcp.lease.addr;
    take_away(st, iface, now_ns);
    f->dhcp_addr = p.addr;
    stack_configure_addr(st, iface, p, ACD_PROBE_QUICK, now_ns);
    if (f->cfg.kind == IFACE_ETHER)
        neigh_tick(&st->neigh, now_ns); /* the first probe goes out at once */
    else
        (void)stack_dhcp_verdict(st, iface, p.addr, true, now_ns);
}

static void act_on_news(struct stack *st, unsigned iface, int64_t now_ns)
{
    switch (dhcp_take_news(&st->iface[iface].dhcp)) {
    case DHCP_CHECK:   check(st, iface, now_ns); return;
    case DHCP_RENEWED: bound(st, iface, now_ns); return;
    case DHCP_LOST:    take_away(st, iface, now_ns); return;
    default:           return;
    }
}

/* ------------------------------------------------------------- messages */

static void send_message(struct stack *st, unsigned iface, const struct dhcp_message *m, int64_t now_ns)
{
    uint8_t bytes[DHCP4_MAX];
    struct path p = { .local = m->src, .remote = m->dst, .next_hop = addr4(0xffffffff), .mtu = st->iface[iface].cfg.mtu, .iface = (uint8_t)iface };
    if (!addr_is_broadcast(m->dst) && !inet_route(&st->inet, m->src, m->dst, &p))
        return;                         /* the retry will find a route or broadcast */
    struct writer w = writer_of(bytes, sizeof bytes);
    dhcp4_write(&w, &m->m);
    struct pkt *k = udp_build(&st->udp, &p, DHCP4_CLIENT_PORT, DHCP4_SERVER_PORT, bytes, wr_len(&w));
    if (!k) {
        trace_count(&st->trace, WHY_NO_BUFFER, now_ns);
        return;
    }
    k = inet_send(&st->inet, k, now_ns);
    if (k)
        stack_emit(st, k, now_ns);
}

void stack_dhcp_in(struct stack *st, int64_t now_ns)
{
    struct udp_datagram d;
    while (st->dhcp_open && udp_peek(&st->dhcp_sock, &d)) {
        struct dhcp4 m;
        struct reader r = reader_of(d.bytes, d.len);
        const bool good = d.iface < INET_LOOP && d.from.port == DHCP4_SERVER_PORT && dhcp4_read(&r, &m) &&
                          dhcp_in(&st->iface[d.iface].dhcp, &m, now_ns);
        if (!good)
            trace_count(&st->trace, WHY_DHCP_BAD, now_ns);
        udp_consume(&st->udp, &st->dhcp_sock);
        if (good)
            act_on_news(st, d.iface, now_ns);
    }
}

void stack_dhcp_step(struct stack *st, int64_t now_ns)
{
    struct dhcp_message m;
    for (unsigned i = 0; st->dhcp_open && i < INET_LOOP; i++) {
        struct stack_iface *f = &st->iface[i];
        while (dhcp_out(&f->dhcp, &m, now_ns)) {
            act_on_news(st, i, now_ns); /* a lease that ran out goes first */
            tell_state(st, i, now_ns);
            send_message(st, i, &m, now_ns);
        }
        act_on_news(st, i, now_ns);
        if (f->dhcp.state == DHCP_OFF)
            take_away(st, i, now_ns);
        tell_state(st, i, now_ns);
    }
}

int64_t stack_dhcp_deadline(const struct stack *st)
{
    int64_t at = DEADLINE_NEVER;
    for (unsigned i = 0; st->dhcp_open && i < INET_LOOP; i++)
        at = time_min(at, dhcp_deadline(&st->iface[i].dhcp));
    return at;
}

void stack_dhcp_release(struct stack *st, unsigned iface, int64_t now_ns)
{
    if (iface >= INET_LOOP)
        return;
    dhcp_release(&st->iface[iface].dhcp);
    dhcp6_release(&st->iface[iface].dhcp6, now_ns);
    stack_touch(st, now_ns);
}

bool stack_dhcp_lease(const struct stack *st, unsigned iface, struct dhcp_lease_info *out)
{
    const struct stack_iface *f = &st->iface[iface < IFACE_MAX ? iface : INET_LOOP];
    const struct dhcp_lease *l = &f->dhcp.lease;
    *out = (struct dhcp_lease_info){ .bound = dhcp_has_lease(&f->dhcp) };
    if (!out->bound)
        return false;
    out->addr = l->addr;
    out->router = l->router;
    out->server = l->server;
    memcpy(out->dns, l->dns, sizeof out->dns);
    out->n_dns = l->n_dns;
    out->lease_s = l->lease_s;
    out->mtu = l->mtu;
    return true;
}
