/* What may be sent now: the only exit.  Called twice, the second call sends nothing. */
#include "tcp/fast.h"

void tcp_due_syn(struct tcp_conn *c)       { c->due.syn = true; }
void tcp_due_probe(struct tcp_conn *c)     { c->due.probe = true; }
void tcp_due_keepalive(struct tcp_conn *c) { c->due.keepalive = true; }
void tcp_due_force(struct tcp_conn *c)     { c->due.force = true; }
void tcp_due_update(struct tcp_conn *c)    { c->due.update = true; }
void tcp_due_timeout(struct tcp_conn *c)   { c->timeout_due = true; }
void tcp_due_tail(struct tcp_conn *c)      { c->due.tail = true; }
void tcp_due_nothing(struct tcp_conn *c)   { c->due = (struct tcp_due){ 0 }; }

bool tcp_unsent(const struct tcp_conn *c)
{
    return seq_lt(c->snd.nxt, c->snd.end) || (c->fin_queued && !fin_sent(c));
}

static bool resending(const struct tcp_conn *c)
{
    const struct tcp_flight *f = c->flight;
    return f && f->board.lost.first != 0;
}

bool tcp_owes(const struct tcp_conn *c)
{
    const struct tcp_due *d = &c->due;
    if (c->owed.now || c->owed.each || c->timeout_due || d->syn || d->probe || d->keepalive || d->force || d->update || d->tail)
        return true;
    return (state_in(c, HAS_OUTPUT) || tcp_is_early(c)) && (tcp_unsent(c) || resending(c));
}

/* Accounts for a segment and puts it into the batch.  Without a packet buffer it is
 * as if the wire had lost it: the timers bring it again. */
static void emit(struct tcp_conn *c, const struct tcp_tx *x, struct batch *b, int64_t now_ns)
{
    struct pkt *k = tcp_build(c, x, now_ns);
    const seq_t to = seq_add(x->seq, x->len + !!(x->flags & SYN) + !!(x->flags & FIN));
    if (k)
        batch_add(b, k);
    else
        trace_count(c->t->trace, WHY_NO_BUFFER, now_ns);
    tcp_tally_out(c, x);
    if (x->flags & ACK)
        tcp_ack_sent(c, x->own);
    if (seq_eq(x->seq, to))
        return;
    const seq_t syn_end = seq_add(x->seq, x->flags & SYN ? 1 : 0);
    tcp_flight_need(c);
    tcp_timer_on_sending(c, now_ns);
    tcp_recover_sent(c, x->seq, to, now_ns);
    if (x->flags & SYN && x->len)                       /* each of its own: the peer may take only the SYN */
        tcp_sent_advance(c, x->seq, syn_end, now_ns);
    tcp_sent_advance(c, x->len ? syn_end : x->seq, to, now_ns);
    c->sent_ns = now_ns;
    if (x->probe)
        tcp_pmtu_probe_sent(c, x);
    if (x->len)
        tcp_delack_on_text_sent(c, now_ns);
    if ((x->flags & FIN) && c->state == CLOSE_WAIT)
        tcp_set_state(c, LAST_ACK, WHY_USER_CLOSE, now_ns);
}

/* A segment without text: an acknowledgment, or a question that asks for one. */
static void emit_bare(struct tcp_conn *c, seq_t seq, struct batch *b, int64_t now_ns)
{
    emit(c, &(struct tcp_tx){ .seq = seq, .flags = ACK }, b, now_ns);
    c->timeout_due = false;
}

static uint32_t min32(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* What the interface segments for us, in whole segments. */
static uint32_t interface_max(const struct tcp_conn *c)
{
    const struct tcp_way *p = &c->way;
    const uint32_t mss = tcp_seg_mss(c), sack = c->mss - mss;
    if (p->gso_max <= p->mtu || (tcp_rare(c)->pmtu.works && tcp_rare(c)->pmtu.works < p->mtu) || tcp_ecn_forbids_large(c))
        return mss;
    const uint32_t headers = 40u + tcp_header_bytes(c) + sack, large = p->gso_max;
    return large > headers + mss ? (large - headers) / mss * mss : mss;
}

uint32_t tcp_packet_max(const struct tcp_conn *c) { return min32(interface_max(c), tcp_pace_quantum(c)); }

/* May a segment that is not full leave?  Sender's SWS avoidance [MUST-38] and the
 * Nagle algorithm [SHLD-7], §3.8.6.2.1. */
static bool short_may_leave(const struct tcp_conn *c, seq_t next, uint32_t n, bool all)
{
    const bool nothing_out = seq_eq(next, snd_first(c));        /* but for a SYN */
    const bool pushed = seq_le(c->snd.end, c->snd.push);
    if (c->due.force || seq_lt(next, c->snd.nxt))       /* (4), or sent before */
        return true;
    if (all && c->fin_queued)
        return true;
    if (c->cork)
        return false;
    if (all && pushed && (nothing_out || c->no_delay))  /* (2); Nagle is off for whom asked [MUST-17] */
        return true;
    return nothing_out && n >= c->snd.max_wnd / 2;      /* (3); what was not pushed gathers [MAY-16] */
}

uint32_t tcp_worth_sending(const struct tcp_conn *c, seq_t next, uint32_t n, bool all)
{
    const uint32_t mss = tcp_seg_mss(c), tail = n < mss ? n : n % mss;
    if (tail == 0)
        return n;                                       /* (1) and [SHLD-28] */
    return short_may_leave(c, tail == n ? next : seq_add(next, n - tail), tail, all) ? n : n - tail;
}

/* The text of a segment, and what follows from where it stands. */
static bool fill(const struct tcp_conn *c, seq_t next, uint32_t n, struct tcp_tx *x)
{
    n = tcp_reach(c, next, n);
    const seq_t to = seq_add(next, n);
    *x = (struct tcp_tx){ .seq = next, .len = n, .flags = ACK };
    if (c->fin_queued && c->state != SYN_RECEIVED && seq_eq(to, c->snd.end) && seq_diff(seq_add(c->snd.una, c->snd.wnd), to) > 0)
        x->flags |= FIN;
    if (n > 0 && seq_lt(next, c->snd.push) && seq_le(c->snd.push, to))
        x->flags |= PSH;                                /* [MUST-61]; once per run of pushes [SHLD-27] */
    if (n > 0 && c->due.force && seq_eq(to, c->snd.end))
        x->flags |= PSH;                                /* it waited for more that did not come: nobody else need wait */
    if (n > c->mss && c->t->cfg.push_large)
        x->flags |= PSH;
    return n > 0 || (x->flags & FIN);
}

/* Where the run of lost segments that begins at `s` ends, or `max` bytes of it; at the
 * end of what was sent it goes on with new text, up to a whole segment. */
static seq_t lost_run(const struct tcp_conn *c, const struct sent_seg *s, uint32_t max)
{
    const seq_t from = s->from, most = seq_add(from, max);
    seq_t to = s->to;
    while (seq_lt(to, most) && (s = board_seg(&c->t->sent, s->next)) && s->flags & SENT_LOST)
        to = s->to;
    if (!s && seq_lt(to, seq_add(from, tcp_seg_mss(c))))
        to = seq_min(seq_add(from, tcp_seg_mss(c)), c->snd.end);
    return seq_min(seq_min(to, c->snd.end), most);
}

/* What is lost leaves again, the lowest first (RFC 6675 NextSeg (1)). */
static bool next_again(const struct tcp_conn *c, const struct sent_seg *s, struct tcp_tx *x)
{
    const bool force = c->flight->rec.force;
    const uint32_t mss = tcp_seg_mss(c), room = force ? mss : tcp_recover_room(c);
    const int32_t usable = seq_diff(seq_add(c->snd.una, c->snd.wnd), s->from);
    if (usable <= 0)                                    /* nothing beyond the window, though it shrank [SHLD-16] */
        return false;
    if (!seq_lt(s->from, c->snd.end))
        return fill(c, s->from, 0, x);
    uint32_t n = (uint32_t)seq_diff(lost_run(c, s, tcp_packet_max(c)), s->from);
    if (room < min32(n, mss))
        return false;
    if (n > room)
        n = room > mss ? room / mss * mss : room;
    return fill(c, s->from, min32(n, (uint32_t)usable), x);
}

static bool next_new(const struct tcp_conn *c, struct tcp_tx *x)
{
    const seq_t next = c->snd.nxt;
    const int32_t queued = seq_diff(c->snd.end, next), usable = seq_diff(seq_add(c->snd.una, c->snd.wnd), next);
    const uint32_t room = tcp_recover_room(c);
    if (usable <= 0 || queued < 0 || room == 0)         /* [MUST-34] [SHLD-15] [RFC7323-2.4a] */
        return false;
    if (c->flight && !board_can_send(&c->t->sent, &c->flight->board, c->t->cfg.max_conns))
        return false;
    uint32_t n = min32((uint32_t)queued, min32((uint32_t)usable, room));
    if (n > 0) {
        const uint32_t max = tcp_packet_max(c);
        n = n > max ? max : tcp_worth_sending(c, next, n, n == (uint32_t)queued);
    }
    return fill(c, next, n, x);
}

/* The next segment with text or FIN that the peer's window and congestion control allow. */
static bool next_segment(const struct tcp_conn *c, struct tcp_tx *x, int64_t now_ns)
{
    const struct sent_seg *lost = c->flight ? board_first_lost(&c->t->sent, &c->flight->board) : NULL;
    if (!lost && tcp_rare(c)->pmtu.works && tcp_pmtu_probe(c, x, now_ns))
        return true;
    return lost && !tcp_frto_new_only(c) ? next_again(c, lost, x) : next_new(c, x);
}

static bool send_text(struct tcp_conn *c, struct batch *b, int64_t now_ns)
{
    struct tcp_tx x;
    bool sent = false;
    if (!in_flight(c) && now_ns - c->sent_ns > tcp_rto(c) && tcp_unsent(c))
        tcp_recover_on_idle(c);
    while (next_segment(c, &x, now_ns)) {
        if (batch_full(b))
            return false;
        if (!tcp_pace_may_send(c, now_ns))
            break;
        const bool from_rest = !in_flight(c);
        emit(c, &x, b, now_ns);
        tcp_pace_sent(c, x.len, from_rest, now_ns);
        sent = true;
    }
    if (sent && c->sack && c->state != SYN_RECEIVED)
        tcp_tlp_schedule(c, now_ns);
    c->due.force = false;
    if (in_flight(c) && !tcp_unsent(c) && tcp_pipe(c) < c->cc.cwnd)
        tcp_rate_idle(c);
    if (!in_flight(c) && tcp_unsent(c) && !c->pace.waits)
        tcp_timer_on_blocked(c, now_ns);
    return true;
}

static void send_tail(struct tcp_conn *c, struct batch *b, int64_t now_ns)
{
    struct tcp_tx x;
    c->due.tail = false;
    if (!tcp_tlp_pick(c, &x))
        return;
    const bool again = seq_lt(x.seq, c->snd.nxt);
    fill(c, x.seq, x.len, &x);
    emit(c, &x, b, now_ns);
    tcp_tlp_sent(c, &x, again, now_ns);
}

/* One octet, whatever the window says: §3.8.6.1. */
static void send_probe(struct tcp_conn *c, struct batch *b, int64_t now_ns)
{
    const seq_t at = c->snd.una;
    struct tcp_tx x = { .seq = at, .flags = ACK };
    c->due.probe = false;
    if (seq_lt(at, c->snd.end))
        x.len = 1;
    else if (c->fin_queued && seq_eq(at, c->snd.end))
        x.flags |= FIN;
    else
        return;
    TRACE(c->t->trace, now_ns, c->serial, tcp_probe, .kind = 0, .count = tcp_timers(c)->retries);
    emit(c, &x, b, now_ns);
}

/* No data in it, a number the peer has seen [SHLD-12]. */
static void send_keepalive(struct tcp_conn *c, struct batch *b, int64_t now_ns)
{
    c->due.keepalive = false;
    TRACE(c->t->trace, now_ns, c->serial, tcp_probe, .kind = 1, .count = tcp_timers(c)->probes);
    emit_bare(c, seq_sub(c->snd.nxt, 1), b, now_ns);
}

static void send_syn(struct tcp_conn *c, struct batch *b, int64_t now_ns)
{
    c->due.syn = false;
    if (c->state != SYN_SENT && c->state != SYN_RECEIVED)
        return;
    if (tcp_is_early(c) && seq_eq(c->snd.nxt, c->snd.iss))
        tcp_recover_start(c);                           /* text may follow at once */
    emit(c, &(struct tcp_tx){ .seq = c->snd.iss, .len = tcp_fast_open_text(c), .flags = c->state == SYN_SENT ? SYN : SYN | ACK }, b, now_ns);
}

/* Before the handshake's end only behind a SYN-ACK that was not lost. */
static bool may_send_text(const struct tcp_conn *c)
{
    return state_in(c, HAS_OUTPUT) || (tcp_is_early(c) && !c->syn_resent && !seq_eq(c->snd.nxt, c->snd.iss));
}

/* False: the batch is full and more is owed. */
static bool output(struct tcp_conn *c, struct batch *b, int64_t now_ns)
{
    if (c->due.syn)
        send_syn(c, b, now_ns);
    if (c->state == SYN_SENT || c->hold)
        return true;
    while (c->owed.each > 0) {                          /* first the one that moved the edge, then its duplicates */
        if (batch_full(b))
            return false;
        emit(c, &(struct tcp_tx){ .seq = c->snd.nxt, .flags = ACK, .own = !c->owed.now }, b, now_ns);
    }
    if (batch_full(b))
        return false;
    if (c->due.keepalive)
        send_keepalive(c, b, now_ns);
    if (c->due.probe && !batch_full(b))
        send_probe(c, b, now_ns);
    if (c->due.tail && !batch_full(b))
        send_tail(c, b, now_ns);
    if (may_send_text(c) && !send_text(c, b, now_ns))
        return false;
    if (!c->owed.now && !c->timeout_due && !(c->due.update && tcp_rcv_update_due(c))) {
        c->due.update = false;
        return true;
    }
    if (batch_full(b))
        return false;
    c->due.update = false;
    emit_bare(c, c->snd.nxt, b, now_ns);
    return true;
}

void tcp_out(struct tcp *t, unsigned iface, struct batch *b, int64_t now_ns)
{
    if (iface >= IFACE_MAX)
        return;
    t->now_ns = now_ns;
    if (b->n == 0)
        tcp_lend_again(t);
    while (!batch_full(b)) {
        struct list *n = list_pop(&t->out[iface]);
        if (!n)
            return;
        struct tcp_conn *c = list_entry(n, struct tcp_conn, out);
        const enum fast_out fast = t->cfg.no_fast_path ? FAST_OUT_NOT : tcp_fast_out(c, b, now_ns);
        if (fast == FAST_OUT_FULL || (fast == FAST_OUT_NOT && !output(c, b, now_ns)))
            tcp_wake(c);                                /* behind the others: they get their turn */
        tcp_tally_limits(c, now_ns);
    }
}
