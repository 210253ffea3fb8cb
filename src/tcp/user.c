/* User calls: RFC 9293 §3.10.1 to §3.10.6. */
#include "tcp/conn.h"

/* §3.10.1 OPEN, active. */
enum plumb_err tcp_connect(struct tcp *t, const struct path *p, uint16_t local_port, uint16_t remote_port,
                           const struct tcp_user_opt *o, struct tcp_conn **out, int64_t now_ns)
{
    static const struct tcp_user_opt none;
    t->now_ns = now_ns;
    if (addr_is_any(p->remote) || addr_is_multicast(p->remote) || addr_is_broadcast(p->remote) || remote_port == 0)
        return PLUMB_INVALID;                           /* [MUST-46] */
    if (addr_is_any(p->local) || addr_is4(p->local) != addr_is4(p->remote))
        return PLUMB_INVALID;                           /* stack/ has asked net/ for one [MUST-43] [MUST-44] */
    if (local_port == 0) {
        const enum plumb_err err = tcp_pick_port(t, p, remote_port, &local_port, now_ns);
        if (err)
            return err;
    } else if (!steer_is_home(&t->cfg.steer, IP_TCP, &(struct flow){ p->local, p->remote, local_port, remote_port })) {
        return PLUMB_NO_PORTS;                          /* what comes back would belong to another shard */
    }
    struct tcp_timewait *old;
    if (!tcp_port_free(t, p, local_port, remote_port, &old, now_ns))
        return PLUMB_ADDR_IN_USE;                       /* connection already exists */
    struct tcp_conn *c = tcp_conn_new(t, p, local_port, remote_port, o ? o : &none);
    if (!c)
        return PLUMB_NO_MEMORY;
    const seq_t above = old ? old->snd_nxt : seq(0);
    if (old)
        tcp_timewait_end(t, old, WHY_USER_OPEN, now_ns);
    c->attached = true;
    tcp_conn_start(c, old ? &above : NULL, now_ns);
    tcp_set_state(c, SYN_SENT, WHY_USER_OPEN, now_ns);
    tcp_fast_open_asked(c, o ? o : &none);
    if (!c->fast_open.waits)
        tcp_due_syn(c);
    tcp_wake(c);
    *out = c;
    return PLUMB_OK;
}

/* §3.10.2 SEND.  Before ESTABLISHED it is queued. */
uint8_t *tcp_reserve(struct tcp_conn *c, size_t *room)
{
    uint32_t n = 0;
    *room = 0;
    if (!state_in(c, CAN_SEND | IN(SYN_SENT) | IN(SYN_RECEIVED)) || c->fin_queued)
        return NULL;
    uint8_t *at = tcp_sent_room(c, &n);
    if (!at) {
        c->want_write = true;
        return NULL;
    }
    c->reserved = true;
    *room = n;
    return at;
}

/* Whoever was told no since the last TCP_WRITABLE waits for the next. */
bool tcp_writable(struct tcp_conn *c)
{
    const uint32_t queued = (uint32_t)seq_diff(c->snd.end, snd_first(c));
    if (queued > c->send_buffer / 3 * 2)
        c->want_write = true;
    return !c->want_write;
}

void tcp_want_write(struct tcp_conn *c) { c->want_write = true; }

static void commit(struct tcp_conn *c, size_t n, bool push, bool urgent, int64_t now_ns)
{
    c->t->now_ns = now_ns;
    c->reserved = false;
    if (n == 0 || c->fin_queued || !state_in(c, CAN_SEND | IN(SYN_SENT) | IN(SYN_RECEIVED)))
        return;
    tcp_sent_queued(c, (uint32_t)n, push, urgent);      /* PUSH is the caller's to say [MAY-15] */
    if (tcp_fast_open_waits(c))
        tcp_due_syn(c);
    if (state_in(c, CAN_SEND) || tcp_is_early(c) || c->due.syn)
        tcp_wake(c);
}

void tcp_commit(struct tcp_conn *c, size_t n, bool push, int64_t now_ns) { commit(c, n, push, false, now_ns); }
void tcp_commit_urgent(struct tcp_conn *c, size_t n, int64_t now_ns)     { commit(c, n, true, true, now_ns); }

void tcp_push(struct tcp_conn *c, int64_t now_ns)
{
    c->t->now_ns = now_ns;
    if (!state_in(c, CAN_SEND) && !tcp_is_early(c))
        return;
    tcp_sent_pushed(c);
    tcp_wake(c);
}

void tcp_flush(struct tcp_conn *c, int64_t now_ns)
{
    if (!(state_in(c, CAN_SEND) || tcp_is_early(c)) || !tcp_unsent(c))
        return;
    tcp_due_force(c);
    tcp_push(c, now_ns);
}

/* §3.10.3 RECEIVE. */
const uint8_t *tcp_peek_at(struct tcp_conn *c, size_t at, size_t *len)
{
    const uint32_t ready = (uint32_t)seq_diff(rcv_text_end(c), c->rcv.read);
    uint32_t n;
    *len = 0;
    if (at >= ready || c->orphan || !c->was_connected)
        return NULL;
    const uint8_t *bytes = buf_at(&c->t->blocks, &c->rbuf, rcv_pos(c, seq_add(c->rcv.read, (uint32_t)at)), &n);
    *len = n < ready - (uint32_t)at ? n : ready - (uint32_t)at;
    return bytes;
}

const uint8_t *tcp_peek(struct tcp_conn *c, size_t *len) { return tcp_peek_at(c, 0, len); }

void tcp_consume(struct tcp_conn *c, size_t n, int64_t now_ns)
{
    c->t->now_ns = now_ns;
    if (n == 0)
        return;
    tcp_rcv_consume(c, (uint32_t)n);
    if (state_in(c, CAN_RECEIVE) && tcp_rcv_update_due(c)) {
        tcp_due_update(c);
        tcp_wake(c);
    }
    tcp_feed_starved(c->t);
}

size_t tcp_urgent_left(const struct tcp_conn *c)        /* [MUST-33] */
{
    return c->rcv.urgent ? (size_t)seq_diff(c->rcv.up, c->rcv.read) : 0;
}

/* §3.10.4 CLOSE. */
void tcp_shutdown(struct tcp_conn *c, int64_t now_ns)
{
    c->t->now_ns = now_ns;
    if (c->fin_queued)                                  /* a second FIN is never sent */
        return;
    switch (c->state) {
    case SYN_SENT:
        tcp_end(c, PLUMB_CLOSED, WHY_USER_CLOSE, now_ns);
        return;
    case SYN_RECEIVED:                                  /* queued until ESTABLISHED */
        c->fin_queued = true;
        if (tcp_is_early(c))
            tcp_push(c, now_ns);
        return;
    case ESTABLISHED:
        c->fin_queued = true;
        tcp_sent_pushed(c);
        tcp_set_state(c, FIN_WAIT_1, WHY_USER_CLOSE, now_ns);
        tcp_wake(c);
        return;
    case CLOSE_WAIT:                                    /* LAST-ACK when the FIN leaves */
        c->fin_queued = true;
        tcp_sent_pushed(c);
        tcp_wake(c);
        return;
    default:
        return;
    }
}

/* The user is gone.  What it did not read is lost, and the peer is told [SHLD-3]. */
void tcp_close(struct tcp_conn *c, int64_t now_ns)
{
    c->t->now_ns = now_ns;
    tcp_set_user(c, NULL);
    if (c->queued_in == QUEUE_STARVED)
        listen_leave(c);
    if (c->state == TIME_WAIT && c->tw)
        c->tw->conn = NULL;
    if (c->state == CLOSED || c->state == TIME_WAIT) {
        tcp_release(c);
        tcp_reap(c->t);
        return;
    }
    const bool unread = (c->state >= ESTABLISHED || tcp_is_early(c)) && seq_lt(c->rcv.read, rcv_text_end(c));
    if (unread || c->hold || c->linger_abort) {
        if (state_in(c, IN(CLOSING) | IN(LAST_ACK)))
            tcp_reply_abort(c, now_ns);                 /* ABORT is silent there, and nobody would repeat our FIN */
        tcp_abort(c, now_ns);
        return;
    }
    tcp_shutdown(c, now_ns);
    c->orphan = true;                                   /* [MAY-1] */
    if (c->state == CLOSED)
        tcp_release(c);
    else if (c->state == FIN_WAIT_2)
        tcp_timer_on_orphan_wait(c, now_ns);
    if (c->state != CLOSED)
        tcp_orphaned(c);
    tcp_reap(c->t);
}

/* §3.10.5 ABORT. */
void tcp_abort(struct tcp_conn *c, int64_t now_ns)
{
    struct tcp *t = c->t;
    t->now_ns = now_ns;
    tcp_set_user(c, NULL);
    c->orphan = true;
    if (c->state == TIME_WAIT && c->tw) {
        c->tw->conn = NULL;
        tcp_timewait_end(t, c->tw, WHY_USER_ABORT, now_ns);
        tcp_release(c);
    } else if (c->state == CLOSED) {
        tcp_release(c);
    } else {
        if (state_in(c, IN(SYN_RECEIVED) | IN(ESTABLISHED) | IN(FIN_WAIT_1) | IN(FIN_WAIT_2) | IN(CLOSE_WAIT)))
            tcp_reply_abort(c, now_ns);
        tcp_end(c, PLUMB_ABORTED, WHY_USER_ABORT, now_ns);
    }
    tcp_reap(t);
}

void tcp_set_buffers(struct tcp_conn *c, uint32_t send, uint32_t recv)
{
    if (send)
        tcp_sent_buffer(c, send);
    if (recv)
        tcp_rcv_buffer(c, recv);
}

void tcp_set_opt(struct tcp_conn *c, const struct tcp_user_opt *o, int64_t now_ns)
{
    c->t->now_ns = now_ns;
    const bool uncorked = (o->no_delay && !c->no_delay) || (c->cork && !o->cork);
    const bool same_keeping = c->keepalive == o->keepalive && tcp_rare(c)->asked.keep_idle_s == o->keep_idle_s &&
                              tcp_rare(c)->asked.keep_interval_s == o->keep_interval_s;
    demux_reusable(&c->node, o->reuse_addr);
    c->no_delay = o->no_delay;
    c->cork = o->cork;
    c->linger_abort = o->linger && !o->linger_s;
    tcp_timer_user_timeout(c, o);
    c->keepalive = o->keepalive;
    c->tos = o->tos;
    c->ttl = o->ttl;
    tcp_cc_switch(c, o->congestion);
    tcp_conn_asked(c, o);
    if (!same_keeping)
        tcp_timer_on_option(c, now_ns);
    if (uncorked)
        tcp_flush(c, now_ns);                           /* what waited goes, as on other hosts */
    if (tcp_owes(c))
        tcp_wake(c);
}

static const char *timer_name(const struct tcp_conn *c, int64_t deadline_ns)
{
    if (c->state == TIME_WAIT)
        return "timewait";
    if (deadline_ns == DEADLINE_NEVER)
        return "off";
    if (deadline_ns == tcp_timers(c)->rto_ns)
        return in_flight(c) && c->snd.wnd > 0 ? "on (rto)" : "persist";
    if (deadline_ns == tcp_timers(c)->delack_ns)
        return "delack";
    return c->orphan ? "fin-wait-2" : "keepalive";
}

/* §3.10.6 STATUS. */
void tcp_status(const struct tcp_conn *c, struct tcp_status *out)
{
    const seq_t first = snd_first(c), sent = seq_min(c->snd.nxt, c->snd.end);
    const struct tcp_timers *m = tcp_timers(c);
    const int64_t deadline_ns = c->state == TIME_WAIT && c->tw ? c->tw->over_ns : time_min(m->rto_ns, time_min(m->delack_ns, m->idle_ns));
    *out = (struct tcp_status){ .state = c->state, .error = c->error, .soft_error = c->soft_error, .serial = c->serial,
        .local = { c->node.local, c->node.local_port }, .remote = { c->node.remote, c->node.remote_port },
        .snd_queued = (uint32_t)seq_diff(c->snd.end, first), .snd_wnd = c->snd.wnd, .rcv_wnd = rcv_wnd(c),
        .rcv_queued = (uint32_t)seq_diff(rcv_text_end(c), c->rcv.read), .cwnd = c->cc.cwnd, .ssthresh = c->cc.ssthresh,
        .congestion = c->cc.ops->name, .pacing = tcp_pacing_rate(c), .ecn = tcp_ecn_name(c), .ecn_marks = tcp_rare(c)->ecn.marks,
        .retransmits = tcp_rare(c)->retransmits, .mss = c->mss,
        .rcv_mss = c->rcv_mss, .snd_scale = c->snd_scale, .rcv_scale = c->rcv_scale, .path_mtu = c->way.mtu,
        .send_buffer = c->send_buffer, .recv_buffer = c->recv_buffer, .snd_nxt = c->snd.nxt.n, .rcv_nxt = c->rcv.nxt.n, .urgent_at = c->rcv.up.n,
        .peer_closed = c->rcv.fin, .timestamps = c->ts.on, .wscale = c->scaled, .sack = c->sack, .fast_opened = c->fast_open.worked,
        .early = tcp_is_early(c) || c->fast_open.waits,
        .srtt_ns = c->rtt.srtt_ns, .rttvar_ns = c->rtt.var_ns, .rto_ns = tcp_rto(c),
        .timer = timer_name(c, deadline_ns), .timer_deadline_ns = deadline_ns };
    if (c->flight) {
        const struct tcp_recover *r = &c->flight->rec;
        out->recovery = r->phase == REC_FAST ? STATUS_RECOVERY : r->phase == REC_LOSS ? STATUS_LOSS : STATUS_OPEN;
        out->sacked = r->sacked_segs;
    }
    if (seq_lt(first, sent))
        out->snd_unacked = (uint32_t)seq_diff(sent, first);
}
