/* Datagram sockets on this stack. */
#include "stack/inner.h"
#include <stdlib.h>

struct stack_dgram {
    struct dgram    base;               /* first: a struct dgram is a struct stack_dgram */
    struct list     node;               /* in stack_net.dgrams */
    struct stack   *st;
    struct udp_sock sock;
    struct path     path;               /* to the last destination */
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
    if (!inet_route(n, d->sock.local.addr, to, &d->path))
        return PLUMB_NO_ROUTE;
    if (inet_is_broadcast(n, d->path.iface, to) && !d->sock.broadcast) {
        d->path.generation = 0;
        return PLUMB_ACCESS;
    }
    return PLUMB_OK;
}

static enum plumb_err dgram_send_op(struct dgram *base, struct endpoint to, const void *bytes, size_t len)
{
    struct stack_dgram *d = of(base);
    struct stack *st = d->st;
    const int64_t now_ns = loop_now(base->loop);
    if (d->sock.remote.port)
        to = d->sock.remote;
    if (len > UINT16_MAX - 28)          /* less the headers of IPv4 and UDP */
        return PLUMB_TOO_BIG;
    const enum plumb_err e = to.port ? resolve(d, to.addr) : PLUMB_INVALID;
    if (e != PLUMB_OK)
        return e;
    if (d->path.iface != INET_LOOP && stack_iface_congested(st, d->path.iface)) {
        d->blocked = true;
        return PLUMB_AGAIN;
    }
    struct pkt *k = udp_build(&st->udp, &d->path, d->sock.local.port, to.port, bytes, len);
    if (!k)
        return PLUMB_NO_MEMORY;
    k->time_ns = now_ns;
    k = inet_send(&st->inet, k, now_ns);
    if (k)
        stack_emit(st, k, now_ns);
    stack_touch(st, now_ns);
    return PLUMB_OK;
}

static bool dgram_peek_op(struct dgram *base, struct dgram_in *out)
{
    struct udp_datagram in;
    if (!udp_peek(&of(base)->sock, &in))
        return false;
    *out = (struct dgram_in){ .from = in.from, .to = in.to, .bytes = in.bytes, .len = in.len };
    return true;
}

static void dgram_consume_op(struct dgram *base) { udp_consume(&of(base)->st->udp, &of(base)->sock); }
static enum plumb_err dgram_take_error_op(struct dgram *base) { return udp_take_error(&of(base)->sock); }

static struct endpoint dgram_local_op(const struct dgram *base)
{
    const struct stack_dgram *d = (const struct stack_dgram *)base;
    return d->sock.local;
}

static void free_dgram(struct stack_dgram *d)
{
    loop_undefer(&d->base.watch);
    udp_close(&d->st->udp, &d->sock);
    list_remove(&d->node);
    free(d);
}

static void dgram_close_op(struct dgram *base) { free_dgram(of(base)); }

static const struct dgram_ops ops = {
    .send = dgram_send_op, .peek = dgram_peek_op, .consume = dgram_consume_op, .take_error = dgram_take_error_op,
    .local = dgram_local_op, .close = dgram_close_op,
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
    if (addr_is_any(d->sock.local.addr)) {
        d->sock.local.addr = ADDR_NONE;
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

enum plumb_err stack_dgram_new(struct net *n, const struct dgram_opts *o, struct dgram **out)
{
    struct stack_net *net = (struct stack_net *)n;
    struct stack_dgram *d = calloc(1, sizeof *d);
    if (!d)
        return PLUMB_NO_MEMORY;
    d->base = (struct dgram){ .ops = &ops, .loop = n->loop };
    d->st = net->st;
    d->sock = (struct udp_sock){ .local = o->local, .remote = o->remote, .broadcast = o->broadcast };
    enum plumb_err e = choose_local(d);
    if (e == PLUMB_OK)
        e = udp_open(&net->st->udp, &d->sock);
    if (e != PLUMB_OK) {
        free(d);
        return e;
    }
    list_push(&net->dgrams, &d->node);
    *out = &d->base;
    return PLUMB_OK;
}

/* -------------------------------------------------------------- readiness */

void stack_dgrams_wake(struct stack *st)
{
    for (struct udp_sock *s; (s = udp_next_ready(&st->udp));)
        if (s != &st->dhcp_sock)
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
