/* Listeners and their queues: half-open, held, waiting to be accepted. */
#include "tcp/conn.h"
#include <stdlib.h>

enum { BACKLOG = 128 };

static void unqueue(struct tcp_conn *c)
{
    list_remove(&c->rare->queue);
    if (c->queued_in < QUEUE_STARVED)
        c->listener->n[c->queued_in]--;
    if (c->queued_in == QUEUE_SYN)
        c->t->half_open--;
    c->queued_in = QUEUE_NONE;
}

void listen_leave(struct tcp_conn *c)
{
    if (c->queued_in == QUEUE_NONE)
        return;
    unqueue(c);
    tcp_rare_rest(c);
}

static struct tcp_conn *of(const struct list *queued) { return list_entry(queued, struct tcp_rare, queue)->conn; }

void listen_queue(struct tcp_conn *c, enum tcp_queue to)
{
    struct tcp_listener *l = c->listener;
    if (c->queued_in != QUEUE_NONE)
        unqueue(c);                             /* its place is kept for the next */
    c->queued_in = (uint8_t)to;
    list_push(&l->queue[to], &tcp_rare_need(c)->queue);
    l->n[to]++;
    if (to == QUEUE_SYN)
        c->t->half_open++;
    if (to == QUEUE_ACCEPT)
        tcp_listener_ready(l);
}

/* Waits for blocks, which all of the stack share. */
void tcp_starved(struct tcp_conn *c)
{
    if (c->queued_in != QUEUE_NONE)
        return;
    c->queued_in = QUEUE_STARVED;
    list_push(&c->t->starved, &tcp_rare_need(c)->queue);
}

void tcp_orphaned(struct tcp_conn *c)
{
    listen_leave(c);
    c->queued_in = QUEUE_ORPHAN;
    list_push(&c->t->orphans, &tcp_rare_need(c)->queue);
}

/* Its place is free at the end of the step. */
void tcp_shed_orphan(struct tcp *t, int64_t now_ns)
{
    if (list_empty(&t->orphans))
        return;
    struct tcp_conn *c = of(t->orphans.next);
    tcp_reply_abort(c, now_ns);
    tcp_end(c, PLUMB_NO_MEMORY, WHY_MEMORY_PRESSURE, now_ns);
}

void tcp_feed_starved(struct tcp *t)
{
    if (list_empty(&t->starved) || pool_left(&t->blocks) <= tcp_spare_to_send(t))
        return;
    for (struct list *n; (n = list_pop(&t->starved));) {
        struct tcp_conn *c = of(n);
        c->queued_in = QUEUE_NONE;
        tcp_rare_rest(c);
        c->want_write = false;
        tcp_ready(c, TCP_WRITABLE);
    }
}

static bool taken(struct tcp *t, struct endpoint local, bool shares)
{
    const struct list *head = local.port ? &t->listeners[local.port % LISTEN_HASH] : &t->listeners_any;
    for (const struct list *n = head->next; n != head; n = n->next) {
        const struct tcp_listener *l = list_entry(n, struct tcp_listener, node);
        if (endpoint_eq(l->local, local) && !(shares && l->opt.reuse_port))
            return true;
    }
    return false;
}

static bool choose_port(struct tcp *t, struct endpoint *local)
{
    for (int i = 0; i < 1000; i++) {
        local->port = (uint16_t)(32768 + rng_below(t->rng, 32768));
        if (!taken(t, *local, false))
            return true;
    }
    return false;
}

/* §3.10.1, passive.  Connections and listeners that exist are left alone [MUST-41], and
 * a port may be listened on while connections of it exist [MUST-42]. */
enum plumb_err tcp_listen(struct tcp *t, struct endpoint local, const struct tcp_user_opt *o, struct tcp_listener **out)
{
    const bool any_port = local.port == 0 && o && o->hold;
    if (local.port == 0 && !any_port && !choose_port(t, &local))
        return PLUMB_NO_PORTS;
    if (taken(t, local, o && o->reuse_port))
        return PLUMB_ADDR_IN_USE;
    struct tcp_listener *l = calloc(1, sizeof *l);      /* not on the packet path */
    if (!l)
        return PLUMB_NO_MEMORY;
    l->t = t;
    l->local = local;
    if (o)
        l->opt = *o;
    if (!l->opt.backlog)
        l->opt.backlog = BACKLOG;
    for (unsigned i = 0; i < QUEUE_STARVED; i++)
        list_init(&l->queue[i]);
    list_push(any_port ? &t->listeners_any : &t->listeners[local.port % LISTEN_HASH], &l->node);
    *out = l;
    return PLUMB_OK;
}

struct endpoint tcp_listener_local(const struct tcp_listener *l)       { return l->local; }
void tcp_listener_backlog(struct tcp_listener *l, uint32_t backlog)    { l->opt.backlog = backlog ? backlog : 1; }
void tcp_listener_set_opt(struct tcp_listener *l, const struct tcp_user_opt *o)
{
    const uint32_t backlog = l->opt.backlog;
    const bool hold = l->opt.hold;
    l->opt = *o;
    l->opt.backlog = backlog;
    l->opt.hold = hold;
}
uint32_t tcp_listener_waiting(const struct tcp_listener *l)            { return l->n[QUEUE_ACCEPT]; }

static struct tcp_conn *take_first(struct tcp_listener *l, enum tcp_queue from)
{
    if (l->n[from] == 0)
        return NULL;
    struct tcp_conn *c = of(l->queue[from].next);
    listen_leave(c);
    c->attached = true;
    return c;
}

struct tcp_conn *tcp_accept(struct tcp_listener *l)    { return take_first(l, QUEUE_ACCEPT); }
struct tcp_conn *tcp_hold_next(struct tcp_listener *l) { return take_first(l, QUEUE_HOLD); }

void tcp_hold_accept(struct tcp_conn *c, int64_t now_ns)
{
    c->t->now_ns = now_ns;
    if (c->state != SYN_RECEIVED || !c->hold)
        return;
    if (!c->listener) {
        tcp_hold_refuse(c, PLUMB_REFUSED, now_ns);
        return;
    }
    c->hold = false;
    listen_queue(c, QUEUE_SYN);
    tcp_due_syn(c);
    tcp_wake(c);
}

void tcp_hold_refuse(struct tcp_conn *c, enum plumb_err why, int64_t now_ns)
{
    struct tcp_reply r = { .ack = c->rcv.nxt, .flags = RST | ACK };
    c->t->now_ns = now_ns;
    c->orphan = true;
    if (c->state == CLOSED) {
        tcp_release(c);
        return;
    }
    tcp_flow(c, &r.flow);
    if (why == PLUMB_REFUSED)
        tcp_reply_push(c->t, &r, now_ns);
    tcp_end(c, why, WHY_REFUSED, now_ns);
}

void tcp_listener_close(struct tcp_listener *l, int64_t now_ns)
{
    struct tcp *t = l->t;
    t->now_ns = now_ns;
    list_remove(&l->node);
    list_remove(&l->ready);
    for (unsigned q = QUEUE_SYN; q <= QUEUE_ACCEPT; q++)
        for (struct tcp_conn *c; l->n[q] > 0;) {
            c = of(l->queue[q].next);
            listen_leave(c);
            if (q != QUEUE_HOLD)
                tcp_reply_abort(c, now_ns);
            tcp_end(c, PLUMB_ABORTED, WHY_USER_ABORT, now_ns);
        }
    for (uint32_t i = 0; i < t->conns.fresh; i++) {     /* those whose verdict is still out */
        struct tcp_conn *c = tcp_conn_at(t, i);
        if (c && c->state != TIME_WAIT && c->listener == l)
            c->listener = NULL;
    }
    free(l);
}
