/* Streams and listeners on this stack's TCP. */
#include "stack/inner.h"
#include <stdlib.h>

struct stack_stream {
    struct stream       base;           /* first: a struct stream is a struct stack_stream */
    struct stack_user   user;
    struct list         node;           /* in stack_net.streams */
    struct stack       *st;
    struct tcp_conn    *c;
    struct tcp_user_opt opt;
    bool                open;           /* was established once */
};
struct stack_listener {
    struct listener      base;
    struct stack_user    user;
    struct list          node;          /* in stack_net.listeners */
    struct stack        *st;
    struct tcp_listener *l;
    struct tcp_user_opt  opt;
};

static struct stack_stream *of(struct stream *s)                { return (struct stack_stream *)s; }
static const struct stack_stream *of_const(const struct stream *s) { return (const struct stack_stream *)s; }
struct tcp_conn *stack_stream_conn(struct stream *s)            { return of(s)->c; }
static int64_t now_of(const struct stack_stream *s)             { return loop_now(s->base.loop); }

static void wake(struct loop *l, struct loop_task *watch)
{
    if (watch->fn)
        loop_defer(l, watch);
}

/* --------------------------------------------------------------- stream */

static struct tcp_status status_of(const struct stream *s)
{
    struct tcp_status status;
    tcp_status(of_const(s)->c, &status);
    return status;
}

static enum stream_state state_op(const struct stream *s)
{
    if (s->error != PLUMB_OK)
        return STREAM_FAILED;
    if (of_const(s)->open)
        return STREAM_OPEN;
    const enum tcp_state state = status_of(s).state;
    return state == SYN_SENT || state == SYN_RECEIVED || state == CLOSED ? STREAM_CONNECTING : STREAM_OPEN;
}

static uint8_t *reserve_op(struct stream *s, size_t *room)
{
    *room = 0;
    return state_op(s) == STREAM_OPEN ? tcp_reserve(of(s)->c, room) : NULL;
}

static void commit_op(struct stream *s, size_t n)
{
    tcp_commit(of(s)->c, n, true, now_of(of(s)));
    stack_touch(of(s)->st, now_of(of(s)));
}

static const uint8_t *peek_op(struct stream *s, size_t *len)
{
    *len = 0;
    return tcp_peek(of(s)->c, len);
}

static void consume_op(struct stream *s, size_t n)
{
    tcp_consume(of(s)->c, n, now_of(of(s)));
    stack_touch(of(s)->st, now_of(of(s)));
}

static bool ended_op(const struct stream *s)
{
    const struct tcp_status status = status_of(s);
    return status.peer_closed && status.rcv_queued == 0;
}

static bool drained_op(const struct stream *s)
{
    const struct tcp_status status = status_of(s);
    return status.snd_queued == 0 && status.snd_unacked == 0;
}

static void shutdown_op(struct stream *s)
{
    tcp_shutdown(of(s)->c, now_of(of(s)));
    stack_touch(of(s)->st, now_of(of(s)));
}

static void forget(struct stack_stream *s)
{
    loop_undefer(&s->base.watch);
    list_remove(&s->node);
    free(s);
}

static void close_op(struct stream *s)
{
    struct stack *st = of(s)->st;
    const int64_t now_ns = now_of(of(s));
    tcp_set_user(of(s)->c, NULL);
    tcp_close(of(s)->c, now_ns);        /* lives on in tcp until the peer has everything */
    forget(of(s));
    stack_touch(st, now_ns);
}

static void abort_op(struct stream *s)
{
    struct stack *st = of(s)->st;
    const int64_t now_ns = now_of(of(s));
    tcp_set_user(of(s)->c, NULL);
    tcp_abort(of(s)->c, now_ns);
    forget(of(s));
    stack_touch(st, now_ns);
}

static struct endpoint local_op(const struct stream *s)  { return status_of(s).local; }
static struct endpoint remote_op(const struct stream *s) { return status_of(s).remote; }
static uint32_t conn_op(const struct stream *s)          { return status_of(s).serial; }

static void set_no_delay_op(struct stream *s, bool on)
{
    of(s)->opt.no_delay = on;
    tcp_set_opt(of(s)->c, &of(s)->opt, now_of(of(s)));
    stack_touch(of(s)->st, now_of(of(s)));
}

static bool info_op(const struct stream *s, struct stream_info *out)
{
    const struct tcp_status status = status_of(s);
    struct tcp_totals y;
    tcp_info(of_const(s)->c, &y, now_of(of_const(s)));
    *out = (struct stream_info){ .mss = status.mss, .cwnd = status.cwnd, .ssthresh = status.ssthresh, .snd_wnd = status.snd_wnd,
        .rcv_wnd = status.rcv_wnd, .retransmits = status.retransmits, .segs_in = y.segs_in, .segs_out = y.segs_out, .bytes_sent = y.bytes_sent,
        .bytes_resent = y.bytes_resent, .bytes_acked = y.bytes_acked, .bytes_received = y.bytes_received, .lost = y.lost,
        .srtt_ns = status.srtt_ns, .rttvar_ns = status.rttvar_ns, .min_rtt_ns = y.min_rtt_ns, .rto_ns = status.rto_ns, .busy_ns = y.busy_ns,
        .window_limited_ns = y.window_limited_ns, .buffer_limited_ns = y.buffer_limited_ns, .user_limited_ns = y.user_limited_ns,
        .pacing = status.pacing, .congestion = status.congestion };
    return true;
}

static const struct stream_ops stream_ops = {
    .state = state_op, .reserve = reserve_op, .commit = commit_op, .peek = peek_op, .consume = consume_op, .ended = ended_op,
    .drained = drained_op, .shutdown = shutdown_op, .close = close_op, .abort = abort_op, .local = local_op, .remote = remote_op,
    .conn = conn_op, .set_no_delay = set_no_delay_op, .info = info_op,
};

static bool congestion_named(const char *name, uint8_t *out)
{
    *out = name ? (uint8_t)tcp_cc_named(name) : TCP_CC_DEFAULT;
    return !name || *out;
}

static struct stack_stream *stream_new(struct stack *st, const struct tcp_user_opt *opt)
{
    struct stack_stream *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->base = (struct stream){ .ops = &stream_ops, .loop = st->net.base.loop };
    s->st = st;
    s->opt = *opt;
    list_push(&st->net.streams, &s->node);
    return s;
}

static void attach(struct stack_stream *s, struct tcp_conn *c)
{
    s->c = c;
    s->user.kind = STACK_STREAM;
    tcp_set_user(c, &s->user);
}

enum plumb_err stack_stream_connect(struct net *n, const struct connect_opts *o, struct stream **out)
{
    struct stack *st = ((struct stack_net *)n)->st;
    const int64_t now_ns = loop_now(n->loop);
    struct tcp_user_opt opt = { .no_delay = o->no_delay, .fast_open_waits = o->fast_open };
    struct tcp_conn *c = NULL;
    struct path p;
    st->now_ns = now_ns;
    if (!congestion_named(o->congestion, &opt.congestion))
        return PLUMB_INVALID;
    enum plumb_err e = stack_route(st, o->local.addr, o->remote.addr, &p);
    if (e != PLUMB_OK)
        return e;
    struct stack_stream *s = stream_new(st, &opt);
    if (!s)
        return PLUMB_NO_MEMORY;
    e = tcp_connect(st->tcp, &p, o->local.port, o->remote.port, &opt, &c, now_ns);
    if (e != PLUMB_OK) {
        forget(s);
        return e;
    }
    attach(s, c);
    s->open = status_of(&s->base).early;
    stack_touch(st, now_ns);
    *out = &s->base;
    return PLUMB_OK;
}

/* ------------------------------------------------------------- listener */

static struct stream *accept_op(struct listener *base)
{
    struct stack_listener *l = (struct stack_listener *)base;
    struct tcp_conn *c = tcp_accept(l->l);
    if (!c)
        return NULL;
    struct stack_stream *s = stream_new(l->st, &l->opt);
    if (!s) {
        tcp_abort(c, loop_now(base->loop));
        return NULL;
    }
    s->open = true;
    attach(s, c);
    stack_touch(l->st, loop_now(base->loop));   /* bytes that came before are news to the new owner */
    return &s->base;
}

static struct endpoint listener_local_op(const struct listener *l) { return tcp_listener_local(((const struct stack_listener *)l)->l); }

static void forget_listener(struct stack_listener *l)
{
    loop_undefer(&l->base.watch);
    list_remove(&l->node);
    free(l);
}

static void listener_close_op(struct listener *base)
{
    struct stack_listener *l = (struct stack_listener *)base;
    struct stack *st = l->st;
    const int64_t now_ns = loop_now(base->loop);
    tcp_listener_set_user(l->l, NULL);
    tcp_listener_close(l->l, now_ns);
    forget_listener(l);
    stack_touch(st, now_ns);
}

static const struct listener_ops listener_ops = { .accept = accept_op, .local = listener_local_op, .close = listener_close_op };

/* 0.0.0.0 and :: are any address; another must be ours. */
enum plumb_err stack_own_addr(const struct stack *st, struct addr local)
{
    if (addr_is_any(local))
        return PLUMB_OK;
    if (inet_is_ours(&st->inet, local))
        return PLUMB_OK;
    for (unsigned i = 0; i < INET_LOOP; i++)
        if (st->inet.iface[i].any_address)
            return PLUMB_OK;
    return PLUMB_ADDR_NOT_OURS;
}

enum plumb_err stack_stream_listen(struct net *n, const struct listen_opts *o, struct listener **out)
{
    struct stack *st = ((struct stack_net *)n)->st;
    struct endpoint local = o->local;
    enum plumb_err e = stack_own_addr(st, local.addr);
    if (e != PLUMB_OK)
        return e;
    struct stack_listener *l = calloc(1, sizeof *l);
    if (!l)
        return PLUMB_NO_MEMORY;
    l->base = (struct listener){ .ops = &listener_ops, .loop = n->loop };
    l->st = st;
    l->opt = (struct tcp_user_opt){ .no_delay = o->no_delay, .backlog = o->backlog, .fast_open_queue = o->fast_open };
    e = congestion_named(o->congestion, &l->opt.congestion) ? tcp_listen(st->tcp, local, &l->opt, &l->l) : PLUMB_INVALID;
    if (e != PLUMB_OK) {
        free(l);
        return e;
    }
    l->user.kind = STACK_LISTENER;
    tcp_listener_set_user(l->l, &l->user);
    list_push(&st->net.listeners, &l->node);
    *out = &l->base;
    return PLUMB_OK;
}

/* ------------------------------------------------------------- readiness */

static void stream_event(struct stack_stream *s, uint8_t ready)
{
    if (ready & TCP_CONNECTED)
        s->open = true;
    if (ready & TCP_FAILED)
        s->base.error = status_of(&s->base).error;
    wake(s->base.loop, &s->base.watch);
}

static void user_event(struct stack *st, struct stack_user *u, uint8_t ready)
{
    switch (u->kind) {
    case STACK_STREAM:
        stream_event(list_entry(u, struct stack_stream, user), ready);
        return;
    case STACK_LISTENER: {
        struct listener *l = &list_entry(u, struct stack_listener, user)->base;
        wake(l->loop, &l->watch);
        return;
    }
    case STACK_BSD:
        u->news |= ready;
        wake(st->net.base.loop, &u->task);
        return;
    }
}

void stack_streams_wake(struct stack *st)
{
    struct tcp_event e;
    while (!st->cfg.polled && tcp_next_event(st->tcp, &e))
        user_event(st, e.conn ? tcp_user(e.conn) : tcp_listener_user(e.listener), e.ready);
}

/* The stack goes and its connections with it; who still held one may not touch it again. */
void stack_streams_free(struct stack *st)
{
    while (!list_empty(&st->net.streams))
        forget(list_entry(st->net.streams.next, struct stack_stream, node));
    while (!list_empty(&st->net.listeners))
        forget_listener(list_entry(st->net.listeners.next, struct stack_listener, node));
}
