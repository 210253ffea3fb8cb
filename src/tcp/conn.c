/* A connection's beginning and end. */
#include "tcp/conn.h"

static uint32_t index_of(const struct tcp_conn *c)
{
    return (uint32_t)((size_t)((const uint8_t *)c - c->t->conns.memory) / c->t->conns.object_size);
}

static uint32_t min32(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Bytes it will ever offer. */
static uint32_t recv_most(const struct tcp *t, const struct tcp_user_opt *o)
{
    const uint32_t fixed = o->recv_buffer ? o->recv_buffer : t->cfg.recv_buffer;
    return min32(fixed ? fixed : t->cfg.recv_most, BUF_BYTES_MAX - TCP_BLOCK);
}

uint8_t tcp_own_scale(const struct tcp *t, const struct tcp_user_opt *o)
{
    uint8_t scale = t->cfg.no_wscale ? 0 : t->cfg.wscale_least;
    while (!t->cfg.no_wscale && recv_most(t, o) >> scale > UINT16_MAX)
        scale++;
    return scale;
}

uint16_t tcp_first_window(const struct tcp *t, const struct tcp_user_opt *o)
{
    const bool fixed = o->recv_buffer || t->cfg.recv_buffer;
    return (uint16_t)min32(fixed ? recv_most(t, o) : min32(t->cfg.recv_start, recv_most(t, o)), UINT16_MAX);
}

struct tcp_conn *tcp_conn_new(struct tcp *t, const struct path *p, uint16_t local_port, uint16_t remote_port, const struct tcp_user_opt *o)
{
    struct tcp_conn *c = pool_get(&t->conns);
    if (!c)
        return NULL;
    *c = (struct tcp_conn){ .t = t,
        .node = { .local = p->local, .remote = p->remote, .local_port = local_port, .remote_port = remote_port, .reuse_addr = o->reuse_addr } };
    c->serial = ++t->serial;
    tcp_way_open(c, p);
    tcp_sent_buffer(c, o->send_buffer);
    tcp_rcv_buffer(c, o->recv_buffer);
    c->no_delay = o->no_delay;
    c->no_sack = o->no_sack || t->cfg.no_sack;
    c->cork = o->cork;
    c->keepalive = o->keepalive;                /* off unless asked for [MUST-24] [MUST-25] */
    c->tos = o->tos;
    c->ttl = o->ttl;
    tcp_conn_asked(c, o);
    if (o->mss_max)
        tcp_rare_need(c)->asked.mss_max = o->mss_max;
    c->heard_ns = c->sent_ns = t->now_ns;
    c->rcv_scale = tcp_own_scale(t, o);
    tcp_cc_init(c, o->congestion);
    tcp_delack_init(c);
    tcp_rtt_init(c);
    tcp_timer_user_timeout(c, o);
    c->linger_abort = o->linger && !o->linger_s;
    demux_add(t, &c->node);
    t->live[index_of(c) / 64] |= UINT64_C(1) << index_of(c) % 64;
    return c;
}

static uint64_t flow_bits(const struct tcp_conn *c)
{
    struct flow f;
    tcp_flow(c, &f);
    return tcp_flow_bits(c->t, &f);
}

static void start(struct tcp_conn *c, uint64_t bits, seq_t iss, int64_t now_ns)
{
    tcp_ts_open(c, bits);
    tcp_sent_open(c, iss);
    tcp_fit_mss(c);
    TRACE(c->t->trace, now_ns, c->serial, tcp_open, .local = c->node.local, .remote = c->node.remote,
          .local_port = c->node.local_port, .remote_port = c->node.remote_port, .passive = c->passive);
}

void tcp_conn_start(struct tcp_conn *c, const seq_t *above, int64_t now_ns)
{
    const uint64_t bits = flow_bits(c);
    seq_t iss = tcp_isn(c->t, bits, now_ns);
    if (above && !seq_lt(*above, iss))
        iss = seq_add(*above, 0x10000);
    start(c, bits, iss, now_ns);
}

void tcp_conn_start_at(struct tcp_conn *c, seq_t iss, int64_t now_ns) { start(c, flow_bits(c), iss, now_ns); }

void tcp_established(struct tcp_conn *c, int64_t now_ns)
{
    tcp_set_state(c, ESTABLISHED, WHY_SYN_ACKED, now_ns);
    c->was_connected = true;
    tcp_fit_mss(c);
    tcp_pmtu_on_established(c, now_ns);
    tcp_recover_start(c);
    tcp_cc_established(c);
    if (c->syn_resent)
        tcp_rtt_syn_was_lost(c);
    tcp_timer_on_established(c, now_ns);
    tcp_fast_open_settled(c);
    if (c->queued_in == QUEUE_SYN)
        listen_queue(c, QUEUE_ACCEPT);
    tcp_ready(c, TCP_CONNECTED | TCP_WRITABLE);
    if (c->fin_queued)                          /* CLOSE waited for this (§3.10.4, SYN-RECEIVED) */
        tcp_set_state(c, FIN_WAIT_1, WHY_USER_CLOSE, now_ns);
}

const struct tcp_rare tcp_nothing_rare;

struct tcp_rare *tcp_rare_need(struct tcp_conn *c)
{
    if (c->rare)
        return c->rare;
    c->rare = pool_get(&c->t->rares);           /* as many as connections: never NULL */
    assert(c->rare);
    memset(c->rare, 0, sizeof *c->rare);
    c->rare->conn = c;
    return c->rare;
}

void tcp_rare_rest(struct tcp_conn *c)
{
    if (!c->rare || memcmp(c->rare, &tcp_nothing_rare, offsetof(struct tcp_rare, conn)) != 0)
        return;
    pool_put(&c->t->rares, c->rare);
    c->rare = NULL;
}

/* What an OPEN may say, and SETOPT later. */
void tcp_conn_asked(struct tcp_conn *c, const struct tcp_user_opt *o)
{
    if (!c->rare && !o->keep_idle_s && !o->keep_interval_s && !o->keep_probes && !o->retries)
        return;
    struct tcp_rare *r = tcp_rare_need(c);
    r->asked.keep_idle_s = o->keep_idle_s;
    r->asked.keep_interval_s = o->keep_interval_s;
    r->asked.keep_probes = o->keep_probes;
    if (o->retries)
        r->asked.retries_max = o->retries;
}

struct tcp_flight *tcp_flight_need(struct tcp_conn *c)
{
    if (!c->flight) {
        c->flight = pool_get(&c->t->flights);   /* as many as connections: never NULL */
        assert(c->flight);
        tcp_recover_init(c, c->flight);
        tcp_sent_none(c);
        tcp_rcv_no_gaps(c);
        tcp_sack_init(c);
        tcp_loans_none(c);
        tcp_rack_init(c);
    }
    tcp_cc_need(c);
    return c->flight;
}

void tcp_flight_done(struct tcp_conn *c)
{
    if (!c->flight || in_flight(c) || c->flight->reasm.count || c->flight->loans)
        return;
    if (c->flight->sack.moments || !seq_eq(c->flight->sack.dup.from, c->flight->sack.dup.to))
        return;
    tcp_recover_rest(c);
    pool_put(&c->t->flights, c->flight);
    c->flight = NULL;
    tcp_cc_rest(c);
}

/* Nothing arrives for it and nothing leaves any more. */
void tcp_leave_tables(struct tcp_conn *c)
{
    tcp_timer_stop(c);
    tcp_sleep(c);
    demux_remove(c->t, &c->node);
    tcp_rcv_forget_gaps(c);
    tcp_sack_forget(c);
    tcp_sent_clear(c);
    if (c->flight)
        pool_put(&c->t->flights, c->flight);
    c->flight = NULL;
    tcp_cc_end(c);
    tcp_due_nothing(c);
}

void tcp_end(struct tcp_conn *c, enum plumb_err err, enum why why, int64_t now_ns)
{
    if (c->state == CLOSED)
        return;
    tcp_leave_tables(c);
    tcp_fast_open_settled(c);
    tcp_tally_end(c, now_ns);
    tcp_set_state(c, CLOSED, why, now_ns);
    c->error = (uint8_t)err;
    if (!c->attached || c->orphan) {
        tcp_release(c);
        return;
    }
    if (c->queued_in != QUEUE_STARVED)
        listen_leave(c);
    tcp_ready(c, err ? TCP_FAILED | TCP_READABLE | TCP_WRITABLE : TCP_READABLE);   /* [MUST-12] [MUST-47] */
}

/* Memory is given back at the end of the step, so that whoever still looks at it may. */
void tcp_release(struct tcp_conn *c)
{
    if (c->dead)
        return;
    c->dead = true;
    listen_leave(c);
    list_remove(&c->ready);
    list_remove(&c->out);
    list_push(&c->t->dead, &c->out);
}

void tcp_reap(struct tcp *t)
{
    for (struct list *n; (n = list_pop(&t->dead));) {
        struct tcp_conn *c = list_entry(n, struct tcp_conn, out);
        tcp_rcv_clear(c);
        t->live[index_of(c) / 64] &= ~(UINT64_C(1) << index_of(c) % 64);
        if (c->rare)
            pool_put(&t->rares, c->rare);
        pool_put(&t->conns, c);
    }
    tcp_feed_starved(t);                        /* what the step gave back is for others */
}

struct tcp_conn *tcp_conn_at(struct tcp *t, uint32_t index)
{
    if (!(t->live[index / 64] >> index % 64 & 1))
        return NULL;
    struct tcp_conn *c = (struct tcp_conn *)(void *)(t->conns.memory + index * t->conns.object_size);
    return c->dead ? NULL : c;
}

bool tcp_walk(struct tcp *t, uint32_t *cursor, struct tcp_status *out)
{
    for (; *cursor < t->conns.fresh; ++*cursor) {
        const struct tcp_conn *c = tcp_conn_at(t, *cursor);
        if (!c)
            continue;
        tcp_status(c, out);
        ++*cursor;
        return true;
    }
    uint32_t at = t->conns.fresh;               /* then TIME-WAIT without a user, then listeners */
    for (struct list *n = t->timewait.next; n != &t->timewait; n = n->next) {
        const struct tcp_timewait *w = list_entry(n, struct tcp_timewait, list);
        if (w->conn || at++ < *cursor)
            continue;
        *out = (struct tcp_status){ .state = TIME_WAIT, .serial = w->serial, .timer = "timewait", .timer_deadline_ns = w->over_ns,
            .local = { w->node.local, w->node.local_port }, .remote = { w->node.remote, w->node.remote_port } };
        *cursor = at;
        return true;
    }
    for (unsigned i = 0; i < LISTEN_HASH; i++)
        for (struct list *n = t->listeners[i].next; n != &t->listeners[i]; n = n->next) {
            if (at++ < *cursor)
                continue;
            const struct tcp_listener *l = list_entry(n, struct tcp_listener, node);
            *out = (struct tcp_status){ .state = LISTEN, .local = l->local, .rcv_queued = l->n[QUEUE_ACCEPT], .snd_queued = l->n[QUEUE_SYN],
                .timer = "off", .timer_deadline_ns = DEADLINE_NEVER };
            *cursor = at;
            return true;
        }
    return false;
}
