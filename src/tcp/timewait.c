/* TIME-WAIT: two maximum segment lifetimes [MUST-13] in a small record, in which the
 * peer's last FIN is answered again and an old segment does no harm. */
#include "tcp/conn.h"

static void answer_at(struct tcp *t, const struct tcp_timewait *w, uint32_t ts_offset, int64_t now_ns)
{
    struct tcp_reply r = { .flow = { w->node.local, w->node.remote, w->node.local_port, w->node.remote_port },
                           .seq = w->snd_nxt, .ack = w->rcv_nxt, .flags = ACK, .window = w->window, .has_ts = w->ts_on };
    if (w->ts_on) {
        r.ts_val = tcp_ts_clock(ts_offset, now_ns);
        r.ts_ecr = w->ts_recent;
    }
    tcp_reply_push(t, &r, now_ns);
}

static void answer(struct tcp *t, const struct tcp_timewait *w, int64_t now_ns)
{
    const struct flow f = { w->node.local, w->node.remote, w->node.local_port, w->node.remote_port };
    answer_at(t, w, w->ts_on ? tcp_ts_offset(tcp_flow_bits(t, &f)) : 0, now_ns);
}

static void start_waiting(struct tcp *t, struct tcp_timewait *w, int64_t now_ns)
{
    w->over_ns = time_after(now_ns, 2 * t->cfg.msl_ns);
    list_remove(&w->list);
    list_push(&t->timewait, &w->list);
    if (!wheel_armed(&t->timewait_timer))
        wheel_arm(&t->wheel, &t->timewait_timer, list_entry(t->timewait.next, struct tcp_timewait, list)->over_ns);
}

void tcp_timewait_end(struct tcp *t, struct tcp_timewait *w, enum why why, int64_t now_ns)
{
    demux_remove(t, &w->node);
    list_remove(&w->list);
    if (w->conn) {
        w->conn->tw = NULL;
        tcp_tally_end(w->conn, now_ns);
        tcp_set_state(w->conn, CLOSED, why, now_ns);
        tcp_ready(w->conn, TCP_READABLE);
    } else {
        TRACE(t->trace, now_ns, w->serial, tcp_state, .from = TIME_WAIT, .to = CLOSED, .why = (uint8_t)why);
    }
    pool_put(&t->timewaits, w);
    if (list_empty(&t->timewait))
        wheel_cancel(&t->wheel, &t->timewait_timer);
}

static struct tcp_timewait *record(struct tcp *t, int64_t now_ns)
{
    struct tcp_timewait *w = pool_get(&t->timewaits);
    if (w)
        return w;
    trace_count(t->trace, WHY_MEMORY_PRESSURE, now_ns);         /* the oldest goes early */
    tcp_timewait_end(t, list_entry(t->timewait.next, struct tcp_timewait, list), WHY_MEMORY_PRESSURE, now_ns);
    return pool_get(&t->timewaits);
}

void tcp_timewait_enter(struct tcp_conn *c, enum why why, int64_t now_ns)
{
    struct tcp *t = c->t;
    struct tcp_timewait *w = record(t, now_ns);
    *w = (struct tcp_timewait){ .node = { .local = c->node.local, .remote = c->node.remote, .local_port = c->node.local_port,
                  .remote_port = c->node.remote_port, .is_timewait = true, .reuse_addr = c->node.reuse_addr },
        .snd_nxt = c->snd.nxt, .rcv_nxt = c->rcv.nxt, .window = (uint16_t)(rcv_wnd(c) >> c->rcv_scale),
        .serial = c->serial, .ts_on = c->ts.on, .ts_recent = c->ts.recent };
    const bool owed = c->owed.now || c->owed.each;
    tcp_leave_tables(c);
    tcp_set_state(c, TIME_WAIT, why, now_ns);
    demux_add_for(t, &w->node, &c->node);
    start_waiting(t, w, now_ns);
    if (owed)
        answer_at(t, w, c->ts.offset, now_ns);
    if (c->orphan || !c->attached) {
        tcp_release(c);
        return;
    }
    listen_leave(c);
    w->conn = c;
    c->tw = w;
}

/* A new incarnation: its SYN is beyond what the old one used, by time stamp [SHLD-4]
 * (RFC 6191) or by number [MAY-2]. */
static bool may_reopen(const struct tcp_timewait *w, const struct tcp_seg *s)
{
    if ((s->flags & (SYN | ACK | RST)) != SYN)
        return false;
    if (w->ts_on && s->has_ts && s->ts_val != w->ts_recent)
        return (int32_t)(s->ts_val - w->ts_recent) > 0;
    return seq_lt(w->rcv_nxt, s->seq);
}

/* Our own time stamp has moved on since the last segment: the peer can tell the new
 * connection's from the old one's, as RFC 6191 lets it do for a SYN of ours. */
bool tcp_timewait_reusable(const struct tcp *t, const struct tcp_timewait *w, int64_t now_ns)
{
    const int64_t since_ns = w->over_ns - 2 * t->cfg.msl_ns;
    return w->ts_on && !w->conn && !t->cfg.no_time_wait_reuse && now_ns - since_ns > NS_PER_SEC;
}

seg_fate tcp_arrive_timewait(struct tcp *t, struct tcp_timewait *w, struct tcp_seg *s)
{
    const struct flow f = { s->local, s->remote, s->local_port, s->remote_port };
    struct tcp_listener *l = may_reopen(w, s) ? demux_listener(t, &f) : NULL;
    if (l) {
        const seq_t above = w->snd_nxt;
        tcp_timewait_end(t, w, WHY_SYN_ARRIVED, s->now_ns);
        return tcp_arrive_listen(t, l, s, &above);
    }
    if (s->flags & RST) {                       /* ignored: an old segment may provoke one, and the wait would end (RFC 1337 §3) */
        if (!t->cfg.time_wait_rst)
            return tcp_drop(t, s, WHY_TIME_WAIT);
        if (!seq_eq(s->seq, w->rcv_nxt))
            return tcp_drop(t, s, WHY_RST_OUT_OF_WINDOW);
        tcp_timewait_end(t, w, WHY_PEER_RESET, s->now_ns);
        return SEG_TAKEN;
    }
    if ((s->flags & FIN) && seq_eq(seq_add(s->seq, s->len), w->rcv_nxt)) {
        answer(t, w, s->now_ns);                                /* the remote FIN again: restart the 2 MSL */
        start_waiting(t, w, s->now_ns);
        return SEG_TAKEN;
    }
    const bool in_order = s->len == 0 && seq_eq(s->seq, w->rcv_nxt) && seq_le(s->ack, w->snd_nxt);
    if (in_order)
        return tcp_drop(t, s, WHY_TIME_WAIT);
    if (!tcp_challenge_allowed(t, s->now_ns))
        return tcp_drop(t, s, WHY_CHALLENGE_LIMIT);
    answer(t, w, s->now_ns);
    return tcp_drop(t, s, WHY_TIME_WAIT);
}

void tcp_timewait_tick(struct tcp *t, int64_t now_ns)
{
    while (!list_empty(&t->timewait)) {
        struct tcp_timewait *w = list_entry(t->timewait.next, struct tcp_timewait, list);
        if (w->over_ns > now_ns) {
            wheel_arm(&t->wheel, &t->timewait_timer, w->over_ns);
            return;
        }
        tcp_timewait_end(t, w, WHY_TIME_WAIT_OVER, now_ns);
    }
}
