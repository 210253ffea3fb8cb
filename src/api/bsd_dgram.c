/* Datagrams, as sendmsg and recvmsg give and take them. */
#include "api/bsd.h"
#include <stdlib.h>

static void told(void *sock)
{
    struct sock *s = sock;
    s->full = false;
    bsd_dgram_refresh(s);
    waitable_notify(&s->fd.ready, s->error ? ~0u : EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM);
}

void bsd_dgram_tune(struct sock *s)
{
    const struct stack_dgram_tune t = { .tos = s->opt.tcp.tos, .ttl = s->opt.tcp.ttl, .broadcast = s->opt.broadcast,
                                        .reuse_addr = s->opt.reuse_addr, .reuse_port = s->opt.reuse_port,
                                        .group_ttl = s->opt.group_ttl, .group_silent = s->opt.group_silent,
                                        .group_own = s->opt.group_own, .size = s->opt.size };
    if (s->dgram)
        stack_dgram_set(s->dgram, &t);
}

int bsd_dgram_open(struct sock *s)
{
    const int e = bsd_bind_any(s);
    if (e)
        return e;
    struct stack_dgram_opts o = { .reuse_addr = s->opt.reuse_addr, .reuse_port = s->opt.reuse_port, .v6only = s->opt.v6only };
    o.plain = (struct dgram_opts){ .local = s->local, .broadcast = s->opt.broadcast };
    const enum plumb_err err = stack_datagram(stack_of(s), &o, &s->dgram);
    if (err != PLUMB_OK)
        return bsd_errno(err);
    *stack_dgram_groups(s->dgram) = s->groups;
    s->groups = NULL;
    bsd_dgram_tune(s);
    dgram_watch(s->dgram, told, s);
    return 0;
}

/* An unconnected socket is not told what became of its datagrams. */
void bsd_dgram_refresh(struct sock *s)
{
    for (enum plumb_err e; s->dgram && (e = dgram_take_error(s->dgram)) != PLUMB_OK;)
        if (s->remote.port && !s->error)
            s->error = bsd_errno(e);
}

static int take_error(struct sock *s)
{
    bsd_dgram_refresh(s);
    const int e = s->error;
    s->error = 0;
    return e;
}

int bsd_dgram_connect(struct sock *s, struct endpoint to)
{
    const struct addr bound = s->chose_addr ? s->local.addr : ADDR_NONE;
    const bool again = !addr_is_none(to.addr);
    if (again && s->opt.v6only && addr_is4(to.addr))
        return ENETUNREACH;
    if (addr_is_broadcast(to.addr) && !s->opt.broadcast)
        return EACCES;
    if (!again && !s->dgram)
        return 0;
    if (!s->dgram) {
        const int e = bsd_dgram_open(s);
        if (e)
            return e;
    }
    (void)take_error(s);
    const enum plumb_err e = stack_dgram_connect(s->dgram, to, bound);
    if (e != PLUMB_OK)
        return bsd_errno(e);
    s->remote = to;
    s->local.addr = again ? dgram_local(s->dgram).addr : bound;
    s->phase = again ? PHASE_CONNECTED : PHASE_NEW;
    return 0;
}

uint32_t bsd_dgram_bits(struct sock *s)
{
    struct dgram_in in;
    uint32_t bits = 0;
    bsd_dgram_refresh(s);
    if (s->error)
        bits |= EPOLLERR;
    if (s->shut & SHUT_IN)
        bits |= EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
    if (s->shut == SHUT_BOTH)
        bits |= EPOLLHUP;
    if (s->dgram && dgram_peek(s->dgram, &in))
        bits |= EPOLLIN | EPOLLRDNORM;
    return s->full ? bits : bits | EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
}

/* ------------------------------------------------------------------ send */

enum { LONGEST = 65507, LONGEST_6 = 65527 };    /* RFC 8200 §3: the header does not count */

static int where_to(struct sock *s, struct io_call *x)
{
    const bool v6 = !addr_is4(x->has_to ? x->to.addr : s->remote.addr);
    if ((x->flags & MSG_OOB && !v6) || x->flags & MSG_MORE)     /* Linux overlooks it by IPv6 */
        return EOPNOTSUPP;
    if (x->io.left > (v6 ? LONGEST_6 : LONGEST))
        return EMSGSIZE;
    if (!x->has_to) {
        x->to = s->remote;
        return s->remote.port ? 0 : EDESTADDRREQ;
    }
    if (!x->to.port)
        return EINVAL;
    if (s->opt.v6only && addr_is4(x->to.addr))
        return ENETUNREACH;
    x->to.addr = bsd_this_host(x->to.addr);
    return 0;
}

/* One datagram from however many pieces. */
static int send_gathered(struct sock *s, struct io_call *x, const void *bytes, size_t len)
{
    const int64_t until_ns = s->fd.nonblock || x->flags & MSG_DONTWAIT ? 0 : bsd_until(s, s->opt.send_timeout_ns);
    for (;;) {
        const enum plumb_err err = dgram_send(s->dgram, x->to, bytes, len);
        if (err == PLUMB_OK)
            return 0;
        s->full = err == PLUMB_AGAIN;
        const int e = err == PLUMB_AGAIN ? bsd_wait(&s->fd, EPOLLOUT, false, until_ns) : bsd_errno(err);
        if (e)
            return e;
    }
}

ssize_t bsd_dgram_send(struct sock *s, struct io_call *x)
{
    int e = s->dgram ? 0 : bsd_dgram_open(s);   /* it is bound even when this fails */
    if (!e)
        e = where_to(s, x);
    if (!e)
        e = take_error(s);
    if (!e && s->shut & SHUT_OUT)
        e = EPIPE;
    if (e)
        return bsd_fail(e);
    const size_t len = x->io.left;
    uint8_t *gathered = x->io.n > 1 && len ? malloc(len) : NULL;
    if (x->io.n > 1 && len && !gathered)
        return bsd_fail(ENOBUFS);
    if (gathered)
        io_out(&x->io, gathered, len);
    e = send_gathered(s, x, gathered ? gathered : len ? x->io.v->iov_base : "", len);
    free(gathered);
    return e ? bsd_fail(e) : (ssize_t)len;
}

/* --------------------------------------------------------------- receive */

static ssize_t take(struct sock *s, struct io_call *x, const struct dgram_in *in)
{
    const size_t room = x->io.left, n = in->len < room ? in->len : room;
    io_in(&x->io, in->bytes, n);
    x->from = in->from;
    if (in->len > room)
        x->out_flags |= MSG_TRUNC;
    const size_t whole = in->len;
    if (!(x->flags & MSG_PEEK))
        dgram_consume(s->dgram);
    return (ssize_t)(x->flags & MSG_TRUNC ? whole : n);
}

ssize_t bsd_dgram_recv(struct sock *s, struct io_call *x)
{
    const int64_t until_ns = s->fd.nonblock || x->flags & MSG_DONTWAIT ? 0 : bsd_until(s, s->opt.recv_timeout_ns);
    struct dgram_in in;
    for (;;) {
        int e = take_error(s);
        if (e)
            return bsd_fail(e);
        if (s->dgram && dgram_peek(s->dgram, &in))
            return take(s, x, &in);
        if (s->shut & SHUT_IN && until_ns)
            return 0;
        e = bsd_wait(&s->fd, EPOLLIN, true, until_ns);
        if (e)
            return bsd_fail(e);
    }
}
