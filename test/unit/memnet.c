#include "memnet.h"
#include "test.h"
#include <stdlib.h>

struct mem_stream {
    struct stream stream;
    struct memnet *m;
    struct list node;
    struct mem_stream *peer;
    enum stream_state state;
    uint8_t *in;                        /* received, m->buffer bytes */
    size_t from, to;
    uint8_t *lent;
    size_t lent_len;
    bool shut, peer_shut, owner_gone;
    struct endpoint local, remote;
    struct loop_task opened;
};
struct mem_listener { struct listener listener; struct memnet *m; struct list node; struct endpoint local; struct list waiting; };
struct mem_packet { struct list node; struct endpoint from; struct addr to; size_t len; uint8_t bytes[]; };
struct mem_dgram { struct dgram dgram; struct memnet *m; struct list node, waiting; struct endpoint local, remote; };

static struct mem_stream *mem(const struct stream *s) { return (struct mem_stream *)(uintptr_t)s; }
static void notify(struct mem_stream *s)
{
    if (s && !s->owner_gone && s->stream.watch.fn)
        loop_defer(&s->m->loop, &s->stream.watch);
}
static void free_stream(struct mem_stream *s)
{
    loop_undefer(&s->stream.watch);
    loop_undefer(&s->opened);
    list_remove(&s->node);
    free(s->in);
    free(s->lent);
    free(s);
}
static enum stream_state op_state(const struct stream *s) { return mem(s)->state; }
static size_t room(struct mem_stream *p) { return p->m->buffer - (p->to - p->from); }
static uint8_t *op_reserve(struct stream *st, size_t *out)
{
    struct mem_stream *s = mem(st);
    *out = 0;
    free(s->lent);
    s->lent = NULL;
    if (s->state != STREAM_OPEN || s->shut)
        return NULL;
    s->lent_len = s->peer ? room(s->peer) : s->m->buffer;
    if (s->lent_len == 0)
        return NULL;
    *out = s->lent_len;
    return s->lent = malloc(s->lent_len);
}
static void op_commit(struct stream *st, size_t n)
{
    struct mem_stream *s = mem(st), *p = s->peer;
    assert_non_null(s->lent);
    assert_true(n <= s->lent_len);
    if (p && n && !p->owner_gone) {
        memmove(p->in, p->in + p->from, p->to - p->from);
        p->to -= p->from;
        p->from = 0;
        memcpy(p->in + p->to, s->lent, n);
        p->to += n;
        notify(p);
    }
    free(s->lent);
    s->lent = NULL;
}
static const uint8_t *op_peek(struct stream *st, size_t *len)
{
    struct mem_stream *s = mem(st);
    *len = s->to - s->from;
    return *len ? s->in + s->from : NULL;
}
static void op_consume(struct stream *st, size_t n)
{
    struct mem_stream *s = mem(st);
    assert_true(n <= s->to - s->from);
    s->from += n;
    notify(s->peer);
}
static bool op_ended(const struct stream *st) { return mem(st)->peer_shut && mem(st)->to == mem(st)->from; }
static bool op_drained(const struct stream *st) { (void)st; return true; }
static void op_shutdown(struct stream *st)
{
    struct mem_stream *s = mem(st);
    s->shut = true;
    if (s->peer) {
        s->peer->peer_shut = true;
        notify(s->peer);
    }
}
static void part(struct mem_stream *s)
{
    if (s->peer)
        s->peer->peer = NULL;
    free_stream(s);
}
static void op_close(struct stream *st)
{
    op_shutdown(st);
    part(mem(st));
}
static void op_abort(struct stream *st)
{
    struct mem_stream *p = mem(st)->peer;
    if (p) {
        p->state = STREAM_FAILED;
        p->stream.error = PLUMB_RESET;
        notify(p);
    }
    part(mem(st));
}
static struct endpoint op_local(const struct stream *s)  { return mem(s)->local; }
static struct endpoint op_remote(const struct stream *s) { return mem(s)->remote; }
static uint32_t op_conn(const struct stream *s) { (void)s; return 7; }
static void op_no_delay(struct stream *s, bool on) { (void)s; (void)on; }
static const struct stream_ops stream_ops = { op_state, op_reserve, op_commit, op_peek, op_consume, op_ended, op_drained, op_shutdown, op_close,
                                              op_abort, op_local, op_remote, op_conn, op_no_delay, NULL };

static struct mem_stream *new_stream(struct memnet *m, struct endpoint local, struct endpoint remote)
{
    struct mem_stream *s = calloc(1, sizeof *s);
    s->stream = (struct stream){ .ops = &stream_ops, .loop = &m->loop };
    s->m = m;
    s->in = malloc(m->buffer);
    s->local = local;
    s->remote = remote;
    list_push(&m->streams, &s->node);
    return s;
}
static struct mem_listener *listener_at(struct memnet *m, struct endpoint e)
{
    for (struct list *n = m->listeners.next; n != &m->listeners; n = n->next) {
        struct mem_listener *l = list_entry(n, struct mem_listener, node);
        if (l->local.port == e.port && (addr_is_any(l->local.addr) || addr_eq(l->local.addr, e.addr)))
            return l;
    }
    return NULL;
}
/* The other end comes into being when the connect reaches it, a turn later. */
static void on_opened(void *arg)
{
    struct mem_stream *s = arg;
    struct memnet *m = s->m;
    if (addr_eq(s->remote.addr, m->silent))
        return;
    struct mem_listener *l = listener_at(m, s->remote);
    if (!l || addr_eq(s->remote.addr, m->refusing)) {
        s->state = STREAM_FAILED;
        s->stream.error = PLUMB_REFUSED;
        notify(s);
        return;
    }
    struct mem_stream *p = new_stream(m, s->remote, s->local);
    list_remove(&p->node);
    list_push(&l->waiting, &p->node);
    p->peer = s;
    s->peer = p;
    s->state = p->state = STREAM_OPEN;
    notify(s);
    if (l->listener.watch.fn)
        loop_defer(&m->loop, &l->listener.watch);
}
static enum plumb_err op_connect(struct net *n, const struct connect_opts *o, struct stream **out)
{
    struct memnet *m = (struct memnet *)n;
    if (m->loop.now_ns < m->settled_ns && !addr_is4(o->remote.addr))
        return PLUMB_NO_ROUTE;
    struct mem_stream *s = new_stream(m, (struct endpoint){ m->own, m->next_port++ }, o->remote);
    m->connects++;
    s->state = STREAM_CONNECTING;
    s->opened = (struct loop_task){ .fn = on_opened, .arg = s };
    loop_defer(&m->loop, &s->opened);
    *out = &s->stream;
    return PLUMB_OK;
}

static struct stream *op_accept(struct listener *base)
{
    struct mem_listener *l = (struct mem_listener *)base;
    struct list *n = list_pop(&l->waiting);
    if (!n)
        return NULL;
    list_push(&l->m->streams, n);
    return &list_entry(n, struct mem_stream, node)->stream;
}
static struct endpoint op_listener_local(const struct listener *l) { return ((const struct mem_listener *)l)->local; }
static void op_listener_close(struct listener *base)
{
    struct mem_listener *l = (struct mem_listener *)base;
    for (struct list *n; (n = list_pop(&l->waiting));)
        op_abort(&list_entry(n, struct mem_stream, node)->stream);
    loop_undefer(&base->watch);
    list_remove(&l->node);
    free(l);
}
static const struct listener_ops listener_ops = { op_accept, op_listener_local, op_listener_close };
static enum plumb_err op_listen(struct net *n, const struct listen_opts *o, struct listener **out)
{
    struct memnet *m = (struct memnet *)n;
    if (o->local.port && listener_at(m, o->local))
        return PLUMB_ADDR_IN_USE;
    struct mem_listener *l = calloc(1, sizeof *l);
    *l = (struct mem_listener){ .listener = { .ops = &listener_ops, .loop = &m->loop }, .m = m, .local = o->local };
    if (!l->local.port)
        l->local.port = m->next_port++;
    list_init(&l->waiting);
    list_push(&m->listeners, &l->node);
    *out = &l->listener;
    return PLUMB_OK;
}

static bool matches(const struct mem_dgram *d, struct endpoint to, struct endpoint from)
{
    return d->local.port == to.port && (addr_is_any(d->local.addr) || addr_eq(d->local.addr, to.addr) || addr_is_broadcast(to.addr))
        && (!d->remote.port || endpoint_eq(d->remote, from));
}
static enum plumb_err op_send(struct dgram *base, struct endpoint to, const void *bytes, size_t len)
{
    struct mem_dgram *d = (struct mem_dgram *)base;
    struct endpoint from = d->local;
    if (addr_is_any(from.addr))
        from.addr = d->m->own;
    for (struct list *n = d->m->dgrams.next; n != &d->m->dgrams; n = n->next) {
        struct mem_dgram *other = list_entry(n, struct mem_dgram, node);
        if (!matches(other, to, from) || addr_eq(to.addr, d->m->silent))
            continue;
        struct mem_packet *p = malloc(sizeof *p + len);
        *p = (struct mem_packet){ .from = from, .to = to.addr, .len = len };
        memcpy(p->bytes, bytes, len);
        list_push(&other->waiting, &p->node);
        if (other->dgram.watch.fn)
            loop_defer(&d->m->loop, &other->dgram.watch);
    }
    return PLUMB_OK;
}
static bool op_dgram_peek(struct dgram *base, struct dgram_in *out)
{
    struct mem_dgram *d = (struct mem_dgram *)base;
    if (list_empty(&d->waiting))
        return false;
    struct mem_packet *p = list_entry(d->waiting.next, struct mem_packet, node);
    *out = (struct dgram_in){ .from = p->from, .to = p->to, .bytes = p->bytes, .len = p->len };
    return true;
}
static void op_dgram_consume(struct dgram *base)
{
    struct list *n = list_pop(&((struct mem_dgram *)base)->waiting);
    if (n)
        free(list_entry(n, struct mem_packet, node));
}
static enum plumb_err op_take_error(struct dgram *d) { (void)d; return PLUMB_OK; }
static struct endpoint op_dgram_local(const struct dgram *d) { return ((const struct mem_dgram *)d)->local; }
static enum plumb_err op_group(struct dgram *d, const struct group_opts *o) { (void)d; (void)o; return PLUMB_OK; }
static void op_dgram_close(struct dgram *base)
{
    struct mem_dgram *d = (struct mem_dgram *)base;
    while (!list_empty(&d->waiting))
        op_dgram_consume(base);
    loop_undefer(&base->watch);
    list_remove(&d->node);
    free(d);
}
static const struct dgram_ops dgram_ops = { op_send, op_dgram_peek, op_dgram_consume, op_take_error, op_dgram_local, op_group, op_dgram_close };
static enum plumb_err op_datagram(struct net *n, const struct dgram_opts *o, struct dgram **out)
{
    struct memnet *m = (struct memnet *)n;
    struct mem_dgram *d = calloc(1, sizeof *d);
    *d = (struct mem_dgram){ .dgram = { .ops = &dgram_ops, .loop = &m->loop }, .m = m, .local = o->local, .remote = o->remote };
    if (!d->local.port)
        d->local.port = m->next_port++;
    list_init(&d->waiting);
    list_push(&m->dgrams, &d->node);
    *out = &d->dgram;
    return PLUMB_OK;
}
static uint64_t op_random(struct net *n) { return rng_u64(&((struct memnet *)n)->rng); }
/* Everything can be reached, from the one own address, or of IPv6 from one next door. */
static bool op_source(struct net *n, struct addr remote, struct addr_source *out)
{
    struct addr next_door = remote;
    next_door.b[15] ^= 1;
    *out = (struct addr_source){ .addr = addr_is4(remote) ? ((struct memnet *)n)->own : next_door, .prefix_len = 24, .outgoing = true };
    return true;
}
static bool op_settling(struct net *n) { return ((struct memnet *)n)->loop.now_ns < ((struct memnet *)n)->settled_ns; }
static const struct net_ops net_ops = { op_connect, op_listen, op_datagram, op_source, op_settling, op_random };

void memnet_init(struct memnet *m)
{
    memset(m, 0, sizeof *m);
    loop_init(&m->loop, 0, INT64_C(784111777) * NS_PER_SEC);       /* Sun, 06 Nov 1994 08:49:37 GMT */
    trace_init(&m->trace, 0);
    rng_seed(&m->rng, 1);
    list_init(&m->listeners);
    list_init(&m->dgrams);
    list_init(&m->streams);
    m->net = (struct net){ .ops = &net_ops, .loop = &m->loop, .trace = &m->trace };
    m->refusing = m->silent = addr4(0xffffff00);
    m->buffer = 1000;
    m->next_port = 40000;
    m->own = addr4(0x0a000063);
}

void memnet_fini(struct memnet *m)
{
    memnet_turn(m);
    assert_true(list_empty(&m->listeners));
    assert_true(list_empty(&m->dgrams));
    assert_true(list_empty(&m->streams));
    assert_int_equal(loop_deadline(&m->loop), DEADLINE_NEVER);
}

void memnet_turn(struct memnet *m)
{
    for (int i = 0; i < 1000 && loop_deadline(&m->loop) <= m->loop.now_ns; i++)
        loop_tick(&m->loop, m->loop.now_ns);
}

bool memnet_run(struct memnet *m, bool (*done)(void *), void *arg, int64_t for_ns)
{
    const int64_t end_ns = time_after(m->loop.now_ns, for_ns);
    for (;;) {
        if (done && done(arg))
            return true;
        const int64_t next_ns = loop_deadline(&m->loop);
        if (next_ns > end_ns) {
            if (end_ns != DEADLINE_NEVER)
                loop_tick(&m->loop, end_ns);
            return false;
        }
        loop_tick(&m->loop, next_ns);
    }
}
