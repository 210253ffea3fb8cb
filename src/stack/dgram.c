/* Datagram sockets on this stack. */
#include "stack/inner.h"
#include <stdlib.h>

struct stack_dgram {
    struct dgram    base;               /* first: a struct dgram is a struct stack_dgram */
    struct list     node;               /* in stack_net.dgrams */
    struct stack   *st;
    struct udp_sock sock;
    struct path     path;               /* to the last destination */
    uint8_t         tos, ttl, group_ttl;
    bool            group_silent;
    enum dgram_size size;
    struct addr     group_own;          /* what is sent to groups leaves by its interface; none: by the route */
    bool            any_peer;           /* may send to others than its peer, as BSD sockets do */
    bool            blocked;            /* told AGAIN, waits for room on path.iface */
};

static struct stack_dgram *of(struct dgram *d) { return (struct stack_dgram *)d; }

static void wake(struct stack_dgram *d)
{
    if (d->base.watch.fn)
        loop_defer(d->base.loop, &d->base.watch);
}

/* ---------------------------------------------------------------- calls */

static enum plumb_err resolve(struct stack_dgram *d, struct addr to)
{
    struct inet *n = &d->st->inet;
    if (d->path.generation == n->generation && addr_eq(d->path.remote, to))
        return PLUMB_OK;
    d->path.generation = 0;
    const bool by_own = addr_is_multicast(to) && addr_is_any(d->sock.local.addr);
    const struct addr local = by_own ? d->group_own : addr_is_multicast(d->sock.local.addr) ? ADDR_NONE : d->sock.local.addr;
    if (!inet_route(n, local, to, &d->path))
        return PLUMB_NO_ROUTE;
    if (inet_is_broadcast(n, d->path.iface, to) && !d->sock.broadcast) {
        d->path.generation = 0;
        return PLUMB_ACCESS;
    }
    return PLUMB_OK;
}

/* RFC 1112 §6.1: a copy is heard by those here who are in the group, as it would come from the link. */
static void loop_copy(struct stack_dgram *d, struct endpoint to, const void *bytes, size_t len, int64_t now_ns)
{
    struct stack *st = d->st;
    struct path p = d->path;
    if (d->group_silent || p.iface == INET_LOOP || !inet_in_group(&st->inet, p.iface, to.addr) || st->loop.n >= LOOP_QUEUE_PKTS)
        return;
    p.mtu = INET_LOOP_MTU;
    p.tx_csum = true;
    struct pkt *k = udp_build(&st->udp, &p, d->sock.local.port, to.port, bytes, len);
    if (!k) {
        trace_count(&st->trace, WHY_NO_BUFFER, now_ns);
        return;
    }
    k->time_ns = now_ns;
    k->tos = d->tos;
    k->ttl = d->group_ttl;
    k->looped = true;
    k = inet_send(&st->inet, k, now_ns);
    if (k)
        pktq_push(&st->loop, k);
}

/* False: it may not be cut, and is too large for the path. */
static bool size_allowed(const struct stack_dgram *d, size_t len, bool *whole)
{
    const size_t total = len + 8 + (addr_is4(d->path.remote) ? 20 : 40);
    *whole = d->size == DGRAM_WHOLE || (d->size == DGRAM_CUT_HERE && total <= d->path.mtu);
    return d->size != DGRAM_WHOLE || total <= d->path.mtu;
}

static enum plumb_err dgram_send_op(struct dgram *base, struct endpoint to, const void *bytes, size_t len)
{
    struct stack_dgram *d = of(base);
    struct stack *st = d->st;
    const int64_t now_ns = loop_now(base->loop);
    if (d->sock.remote.port && !(d->any_peer && to.port))
        to = d->sock.remote;
    if (len > (addr_is4(to.addr) ? UINT16_MAX - 28u : UINT16_MAX - 8u))        /* IPv4 counts its own header */
        return PLUMB_TOO_BIG;
    const enum plumb_err e = to.port ? resolve(d, to.addr) : PLUMB_INVALID;
    bool whole;
    if (e != PLUMB_OK)
        return e;
    if (!size_allowed(d, len, &whole))
        return PLUMB_TOO_BIG;
    if (d->path.iface != INET_LOOP && stack_iface_congested(st, d->path.iface)) {
        d->blocked = true;
        return PLUMB_AGAIN;
    }
    struct pkt *k = udp_build(&st->udp, &d->path, d->sock.local.port, to.port, bytes, len);
    if (!k)
        return PLUMB_NO_MEMORY;
    k->time_ns = now_ns;
    k->tos = d->tos;
    k->dont_fragment = whole;
    k->ttl = addr_is_multicast(to.addr) ? d->group_ttl : d->ttl;
    k = inet_send(&st->inet, k, now_ns);
    if (k)
        stack_emit(st, k, now_ns);
    if (addr_is_multicast(to.addr))
        loop_copy(d, to, bytes, len, now_ns);
    stack_touch(st, now_ns);
    return PLUMB_OK;
}

static bool dgram_peek_op(struct dgram *base, struct dgram_in *out)
{
    struct udp_datagram in;
    if (!udp_peek(&of(base)->sock, &in))
        return false;
    *out = (struct dgram_in){ .from = in.from, .to = in.to, .iface = in.iface, .bytes = in.bytes, .len = in.len };
    return true;
}

static void dgram_consume_op(struct dgram *base) { udp_consume(&of(base)->st->udp, &of(base)->sock); }
static enum plumb_err dgram_take_error_op(struct dgram *base) { return udp_take_error(&of(base)->sock); }

static struct endpoint dgram_local_op(const struct dgram *base)
{
    const struct stack_dgram *d = (const struct stack_dgram *)base;
    return d->sock.local;
}

struct group_member **stack_dgram_groups(struct dgram *base) { return &of(base)->sock.groups; }

static enum plumb_err dgram_group_op(struct dgram *base, const struct group_opts *o)
{
    struct stack_dgram *d = of(base);
    if (!addr_is_multicast(o->group))
        return PLUMB_INVALID;
    const int iface = stack_group_iface(d->st, o->own, o->group);
    return iface < 0 ? PLUMB_NO_ROUTE : stack_group_set(d->st, &d->sock.groups, (unsigned)iface, o->group, &o->filter, loop_now(base->loop));
}

static void free_dgram(struct stack_dgram *d)
{
    loop_undefer(&d->base.watch);
    inet_group_leave_all(&d->st->inet, &d->sock.groups, d->base.loop ? loop_now(d->base.loop) : d->st->now_ns);
    udp_close(&d->st->udp, &d->sock);
    list_remove(&d->node);
    free(d);
}

static void dgram_close_op(struct dgram *base) { free_dgram(of(base)); }

static const struct dgram_ops ops = {
    .send = dgram_send_op, .peek = dgram_peek_op, .consume = dgram_consume_op, .take_error = dgram_take_error_op,
    .local = dgram_local_op, .group = dgram_group_op, .close = dgram_close_op,
};

/* --------------------------------------------------------------- opening */

/* A connected socket answers from one address, chosen now. */
static enum plumb_err choose_local(struct stack_dgram *d)
{
    struct inet *n = &d->st->inet;
    struct path p;
    if (d->sock.remote.port) {
        if (!inet_route(n, d->sock.local.addr, d->sock.remote.addr, &p))
            return PLUMB_NO_ROUTE;
        d->sock.local.addr = p.local;
    }
    if (addr_is_multicast(d->sock.local.addr)) {        /* it hears that group alone */
        d->sock.iface = UDP_ANY_IFACE;
        return PLUMB_OK;
    }
    if (addr_is_any(d->sock.local.addr)) {
        d->sock.iface = UDP_ANY_IFACE;
        return PLUMB_OK;
    }
    const int iface = inet_iface_of(n, d->sock.local.addr);
    d->sock.iface = iface < 0 ? UDP_ANY_IFACE : (uint8_t)iface;
    if (iface >= 0)
        return PLUMB_OK;
    for (unsigned i = 0; i < INET_LOOP; i++)
        if (n->iface[i].any_address)
            return PLUMB_OK;
    return PLUMB_ADDR_NOT_OURS;
}

enum plumb_err stack_datagram(struct stack *st, const struct stack_dgram_opts *o, struct dgram **out)
{
    struct stack_dgram *d = calloc(1, sizeof *d);
    if (!d)
        return PLUMB_NO_MEMORY;
    d->base = (struct dgram){ .ops = &ops, .loop = st->net.base.loop };
    d->st = st;
    d->sock = (struct udp_sock){ .local = o->plain.local, .remote = o->plain.remote, .broadcast = o->plain.broadcast,
                                 .reuse_addr = o->reuse_addr || o->plain.shared, .reuse_port = o->reuse_port, .v6only = o->v6only };
    d->group_ttl = o->plain.group_ttl ? o->plain.group_ttl : 1;
    d->group_silent = o->plain.group_silent;
    d->size = o->plain.size;
    d->sock.whole = d->size != DGRAM_CUT;
    enum plumb_err e = choose_local(d);
    if (e == PLUMB_OK)
        e = udp_open(&st->udp, &d->sock);
    if (e != PLUMB_OK) {
        free(d);
        return e;
    }
    list_push(&st->net.dgrams, &d->node);
    *out = &d->base;
    return PLUMB_OK;
}

enum plumb_err stack_dgram_new(struct net *n, const struct dgram_opts *o, struct dgram **out)
{
    return stack_datagram(((struct stack_net *)n)->st, &(struct stack_dgram_opts){ .plain = *o }, out);
}

enum plumb_err stack_dgram_connect(struct dgram *base, struct endpoint remote, struct addr bound)
{
    struct stack_dgram *d = of(base);
    const struct udp_sock before = d->sock;
    d->sock.remote = remote;
    d->sock.local.addr = bound;
    enum plumb_err e = choose_local(d);
    if (e == PLUMB_OK && udp_in_use(&d->st->udp, &d->sock, d->sock.local.port))
        e = PLUMB_ADDR_IN_USE;
    d->path.generation = 0;
    if (e == PLUMB_OK)
        return PLUMB_OK;
    d->sock.remote = before.remote;
    d->sock.local = before.local;
    d->sock.iface = before.iface;
    return e;
}

void stack_dgram_set(struct dgram *base, const struct stack_dgram_tune *o)
{
    struct stack_dgram *d = of(base);
    d->tos = o->tos;
    d->ttl = o->ttl;
    d->any_peer = true;
    d->group_ttl = o->group_ttl;
    d->group_silent = o->group_silent;
    d->size = o->size;
    d->sock.whole = d->size != DGRAM_CUT;
    if (!addr_eq(d->group_own, o->group_own))
        d->path.generation = 0;
    d->group_own = o->group_own;
    if (d->sock.broadcast != o->broadcast)
        d->path.generation = 0;
    d->sock.broadcast = o->broadcast;
    d->sock.reuse_addr = o->reuse_addr;
    udp_share(&d->st->udp, &d->sock, o->reuse_port);
}

/* -------------------------------------------------------------- readiness */

void stack_dgrams_wake(struct stack *st)
{
    for (struct udp_sock *s; (s = udp_next_ready(&st->udp));)
        if (s != &st->dhcp_sock && s != &st->dhcp6_sock)
            wake(list_entry(s, struct stack_dgram, sock));
}

/* Half of the queue is free again: those told AGAIN may go on. */
void stack_dgrams_room(struct stack *st, unsigned iface)
{
    if (st->iface[iface].out.n > IFACE_QUEUE_PKTS / 2 || st->iface[iface].out.bytes > IFACE_QUEUE_BYTES / 2)
        return;
    for (struct list *at = st->net.dgrams.next; at != &st->net.dgrams; at = at->next) {
        struct stack_dgram *d = list_entry(at, struct stack_dgram, node);
        if (!d->blocked || d->path.iface != iface)
            continue;
        d->blocked = false;
        wake(d);
    }
}

void stack_dgrams_free(struct stack *st)
{
    while (!list_empty(&st->net.dgrams))
        free_dgram(list_entry(st->net.dgrams.next, struct stack_dgram, node));
}
