/* Loss recovery: what is believed to be in the network, when recovery begins and ends,
 * how much may leave meanwhile, and what congestion control is told (RFC 5681, RFC 6675,
 * RFC 8985, RFC 9937).  Detection stands in rack.c and newreno.c. */
#include "tcp/conn.h"

void tcp_recover_init(struct tcp_conn *c, struct tcp_flight *f)
{
    const uint32_t repaired = tcp_rare(c)->last_repaired;
    /* RFC 6582 §3.2 step 1; what has ended just now may still be answered */
    f->rec = (struct tcp_recover){ .recover = repaired ? c->snd.una : seq_sub(c->snd.una, 1), .last_bytes = repaired };
    f->undo = (struct tcp_undo){ 0 };
}

void tcp_recover_rest(struct tcp_conn *c)
{
    const struct tcp_recover *r = &c->flight->rec;
    const uint32_t repaired = seq_eq(r->recover, c->snd.una) ? r->last_bytes : 0;
    if (repaired != tcp_rare(c)->last_repaired)
        tcp_rare_need(c)->last_repaired = repaired;
}

static uint32_t initial_window(const struct tcp_conn *c)
{
    if (!c->t->cfg.rfc5681)
        return c->t->cfg.initial_window;
    return c->mss > 2190 ? 2 : c->mss > 1095 ? 3 : 4;   /* RFC 5681 §3.1 [RFC5681-3.1a] */
}

void tcp_recover_start(struct tcp_conn *c)
{
    /* RFC 5681 §3.1: after a lost SYN the initial window is one segment [RFC5681-3.1b] */
    const uint32_t segments = c->syn_resent ? 1 : initial_window(c);
    c->cc.ops->start(&c->cc, &(struct cc_start){ .mss = c->mss, .initial_window = segments, .plain = c->t->cfg.rfc5681 });
}

void tcp_recover_on_idle(struct tcp_conn *c)
{
    tcp_cc_need(c);
    c->cc.ops->on_idle(&c->cc, &(struct cc_start){ .mss = c->mss, .initial_window = initial_window(c) });
}

static void say_cwnd(const struct tcp_conn *c, int64_t now_ns)
{
    TRACE(c->t->trace, now_ns, c->serial, tcp_cwnd, .cwnd = c->cc.cwnd, .ssthresh = c->cc.ssthresh, .in_flight = in_flight(c),
          .pacing = tcp_pacing_rate(c));
}

static bool by_prr(const struct tcp_conn *c)
{
    return c->sack && c->flight->rec.phase == REC_FAST && !c->cc.ops->own_recovery;
}

/* RFC 6675 §4: what was sent, without what has arrived or is lost; of peers without
 * SACK each duplicate ACK tells of one segment that has arrived. */
uint32_t tcp_pipe(const struct tcp_conn *c)
{
    if (!c->flight)
        return 0;
    const struct tcp_flight *f = c->flight;
    const uint32_t gone = f->board.sacked_bytes + f->board.lost_bytes + f->rec.dup_bytes, out = in_flight(c);
    return out > gone ? out - gone : 0;
}

uint32_t tcp_cwnd(const struct tcp_conn *c) { return c->flight && by_prr(c) ? tcp_pipe(c) + c->flight->rec.prr.left : c->cc.cwnd; }

/* Bytes that congestion control lets leave now. */
uint32_t tcp_recover_room(const struct tcp_conn *c)
{
    const uint32_t window = cc_max(tcp_cwnd(c), c->mss), pipe = tcp_pipe(c);   /* one segment always, or nothing would move */
    return window > pipe ? window - pipe : 0;
}

void tcp_recover_lose(struct tcp_conn *c, struct sent_seg *s, enum lost_by how, int64_t now_ns)
{
    if (s->flags & (SENT_LOST | SENT_SACKED))
        return;
    board_lose(&c->t->sent, &c->flight->board, s);
    if (how == LOST_NOT)
        return;
    tcp_rate_on_lost(c, seg_len(s));
    TRACE(c->t->trace, now_ns, c->serial, tcp_lost, .seq = s->from.n, .len = seg_len(s), .how = (uint8_t)how);
}

static void say_phase(const struct tcp_conn *c, int64_t now_ns)
{
    const struct tcp_recover *r = &c->flight->rec;
    TRACE(c->t->trace, now_ns, c->serial, tcp_recovery, .phase = r->phase, .recover = r->recover.n, .pipe = tcp_pipe(c));
}

/* ------------------------------------------------------------ begin and end */

/* Fast recovery.  `n`: the acknowledgment that told; NULL: the reordering timer. */
static void enter(struct tcp_conn *c, const struct tcp_news *n, int64_t now_ns)
{
    struct tcp_recover *r = &c->flight->rec;
    const uint32_t sacked_before = c->flight->board.sacked_bytes - (n ? n->sacked : 0);
    r->phase = REC_FAST;
    r->recover = c->snd.nxt;
    r->partial_seen = false;
    tcp_tlp_forget(c);
    tcp_undo_begin(c, false);
    prr_start(&r->prr, in_flight(c) + (n ? n->acked : 0) - sacked_before);
    if (!tcp_ecn_holds(c) || c->cc.ops->own_recovery)      /* a mark has halved this window already (RFC 3168 §6.1.2) */
        tcp_cc_on_loss(c, &(struct cc_loss){ .cause = CC_FAST_RETRANSMIT, .in_flight = in_flight(c), .mss = c->mss, .now_ns = now_ns });
    say_phase(c, now_ns);
    say_cwnd(c, now_ns);
}

static void leave(struct tcp_conn *c, int64_t now_ns)
{
    struct tcp_recover *r = &c->flight->rec;
    /* PRR has brought the flight to ssthresh; without it a burst could follow (RFC 6582 §3.2 step 3) */
    const uint32_t flight = by_prr(c) ? c->cc.ssthresh : in_flight(c);
    if (r->phase != REC_LOSS)
        c->cc.ops->on_recovered(&c->cc, &(struct cc_done){ .in_flight = flight, .mss = c->mss, .now_ns = now_ns });
    r->phase = REC_OPEN;
    r->resent = false;
    r->force = false;
    c->flight->undo.frto = FRTO_OFF;
    tcp_rack_recovered(c);
    say_phase(c, now_ns);
    say_cwnd(c, now_ns);
}

/* The timeout was spurious: the receiver has not dropped what it had SACKed before. */
static void sack_again(struct tcp_conn *c)
{
    struct scoreboard *b = &c->flight->board;
    for (struct sent_seg *s = board_first(&c->t->sent, b); s; s = board_seg(&c->t->sent, s->next))
        if (s->flags & SENT_DELIVERED)
            s = board_sack(&c->t->sent, b, s);
}

/* The fast recovery within which a spurious timeout came was for a loss: it goes on, and what it
 * repairs does not reduce the window once more. */
static void resume(struct tcp_conn *c)
{
    struct tcp_flight *f = c->flight;
    f->rec.phase = REC_FAST;
    f->rec.recover = f->undo.recover;
    prr_start(&f->rec.prr, in_flight(c) - f->board.sacked_bytes);
}

/* Nothing was lost: as it was before (RFC 4015 §3). */
static void undo(struct tcp_conn *c, enum undo_by by, const struct tcp_news *n)
{
    struct tcp_flight *f = c->flight;
    const bool timeout = f->undo.timeout && f->rec.phase == REC_LOSS;
    for (struct sent_seg *s; (s = board_first_lost(&c->t->sent, &f->board));)
        board_found(&c->t->sent, &f->board, s);
    tcp_rack_init(c);                                   /* it may have taken an original for what was sent again */
    if (timeout)
        tcp_rtt_spurious(c, n->has_ecr ? tcp_ts_age_ns(c, n->ts_ecr, n->time_ns) : n->first_rtt_ns, n->now_ns);
    c->cc.ops->on_undo(&c->cc, &(struct cc_done){ .in_flight = in_flight(c), .mss = c->mss, .now_ns = n->now_ns });
    f->rec.phase = REC_OPEN;
    f->rec.dup_bytes = 0;
    f->rec.dup_acks = 0;
    f->rec.force = false;
    if (!timeout)
        tcp_rack_reordered(c);                  /* all of it had only been late */
    f->undo.frto = FRTO_OFF;
    if (timeout && c->sack)
        sack_again(c);
    if (timeout && c->sack && f->undo.fast && seq_lt(c->snd.una, f->undo.recover))
        resume(c);
    tcp_undo_end(c);
    if (timeout)
        tcp_timer_on_progress(c, n->now_ns);
    TRACE(c->t->trace, n->now_ns, c->serial, tcp_undo, .by = (uint8_t)by, .timeout = timeout);
    say_phase(c, n->now_ns);
    say_cwnd(c, n->now_ns);
}

/* --------------------------------------------------------- what was learned */

/* What duplicates of a peer without SACK mean; true: fast recovery begins. */
static bool news_without_sack(struct tcp_conn *c, const struct tcp_news *n)
{
    struct tcp_recover *r = &c->flight->rec;
    if (n->duplicate)
        return tcp_newreno_on_dup_ack(c, r, n->now_ns);
    if (!n->acked)
        return false;
    if (r->phase == REC_FAST && seq_lt(c->snd.una, r->recover)) {
        tcp_newreno_on_partial_ack(c, r, n->acked, n->now_ns);
        return false;
    }
    r->dup_bytes = 0;
    r->dup_acks = 0;
    r->force = false;
    return false;
}

/* True: something is newly lost. */
static bool news_with_sack(struct tcp_conn *c, struct tcp_news *n)
{
    struct tcp_flight *f = c->flight;
    if (f->board.sacked_bytes == 0)
        f->rec.sacked_segs = 0;
    else if (n->sacked)
        f->rec.sacked_segs = (uint8_t)cc_min(f->rec.sacked_segs + (n->sacked + c->mss - 1) / c->mss, UINT8_MAX);
    if (!f->board.sacked_bytes && !f->rec.resent)       /* nothing has overtaken anything */
        return false;
    n->lost = tcp_rack_detect(c, n->time_ns);
    return n->lost > 0;
}

static void grow(struct tcp_conn *c, const struct tcp_news *n, bool after_timeout)
{
    const struct tcp_recover *r = &c->flight->rec;
    const bool counts = c->cc.ops->own_recovery ? n->delivered > 0 : n->acked && r->phase != REC_FAST && !tcp_ecn_holds(c);
    if (!counts)
        return;
    tcp_cc_on_ack(c, &(struct cc_ack){ .bytes = n->acked, .in_flight = n->flight, .mss = c->mss,
                                                .rtt_ns = time_max(n->last_rtt_ns, 0), .srtt_ns = c->rtt.srtt_ns, .paced = tcp_pacing_rate(c) > 0,
                                                .una = c->snd.una, .nxt = c->snd.nxt, .one_segment = after_timeout || c->t->cfg.rfc5681,
                                                .now_ns = n->now_ns });
    say_cwnd(c, n->now_ns);
}

static void allow(struct tcp_conn *c, const struct tcp_news *n)
{
    struct tcp_flight *f = c->flight;
    if (!by_prr(c) || (n->delivered == 0 && n->lost == 0))
        return;
    prr_on_ack(&f->rec.prr, &(struct prr_ack){ .delivered = n->delivered, .pipe = tcp_pipe(c), .ssthresh = c->cc.ssthresh, .mss = c->mss,
                                               .safe = n->acked && !n->lost, .repair = f->rec.phase == REC_FAST });
}

/* An acceptable acknowledgment has come while something is, or was, in flight. */
void tcp_recover_on_news(struct tcp_conn *c, struct tcp_news *n)
{
    struct tcp_recover *r = &c->flight->rec;
    const bool timed_out = r->phase == REC_LOSS;
    if (n->acked)
        r->last_bytes = n->acked;
    enum undo_by spurious = tcp_undo_found(c, n);
    if (!spurious && timed_out && tcp_frto_on_ack(c, n))
        spurious = UNDO_FRTO;
    if (spurious)
        undo(c, spurious, n);
    const bool lost = c->sack ? news_with_sack(c, n) : news_without_sack(c, n);
    bool ended = false;                                 /* the ACK that ends fast recovery does not open the window */
    if (r->phase != REC_OPEN && n->acked && seq_le(r->recover, c->snd.una)) {
        ended = !timed_out;
        leave(c, n->now_ns);
    }
    if (lost && r->phase == REC_OPEN)
        enter(c, n, n->now_ns);
    if (r->phase == REC_OPEN && seq_lt(r->recover, c->snd.una))
        r->recover = seq_sub(c->snd.una, 1);            /* keeps within half the sequence space */
    allow(c, n);
    if (!ended)
        grow(c, n, timed_out);
    if (tcp_tlp_on_ack(c, n) && r->phase == REC_OPEN) {
        enter(c, n, n->now_ns);                         /* RFC 8985 §7.4.2: the probe has repaired it */
        leave(c, n->now_ns);
    }
}

/* The reordering timer. */
void tcp_recover_on_reordered(struct tcp_conn *c, int64_t now_ns)
{
    if (!c->flight || tcp_rack_detect(c, now_ns) == 0)
        return;
    if (c->flight->rec.phase == REC_OPEN)
        enter(c, NULL, now_ns);
    allow(c, &(struct tcp_news){ .lost = 1 });
    tcp_wake(c);
}

/* ----------------------------------------------------------------- timeouts */

/* RFC 8985 §6.3; what SACKs said is forgotten, as the receiver may have (RFC 2018 §8) [RFC2018-8]. */
static void lose_at_timeout(struct tcp_conn *c, int64_t now_ns)
{
    struct scoreboard *b = &c->flight->board;
    struct sent_seg *next;
    for (struct sent_seg *s = board_first(&c->t->sent, b); s; s = next) {
        next = board_seg(&c->t->sent, s->next);
        if (!(s->flags & SENT_SACKED) && (!c->sack || tcp_rack_lost_at_rto(c, s, now_ns)))
            tcp_recover_lose(c, s, LOST_TIMEOUT, now_ns);
    }
    for (struct sent_seg *s = b->sacked_bytes ? board_first(&c->t->sent, b) : NULL; s; s = board_seg(&c->t->sent, s->next)) {
        if (!(s->flags & SENT_SACKED))
            continue;
        board_unsack(&c->t->sent, b, s);
        tcp_recover_lose(c, s, LOST_NOT, now_ns);
    }
}

void tcp_recover_on_timeout(struct tcp_conn *c, int64_t now_ns)
{
    struct tcp_recover *r = &c->flight->rec;
    const bool again = r->phase == REC_LOSS && seq_lt(c->snd.una, r->recover);
    const enum cc_cause cause = tcp_timers(c)->retries > 1 ? CC_TIMEOUT_AGAIN : CC_TIMEOUT;
    tcp_undo_begin(c, true);
    tcp_cc_on_loss(c, &(struct cc_loss){ .cause = cause, .in_flight = in_flight(c) - c->flight->board.lost_bytes, .mss = c->mss, .now_ns = now_ns });
    r->phase = REC_LOSS;
    r->recover = c->snd.nxt;                            /* RFC 6582 §4 */
    r->dup_bytes = 0;
    r->dup_acks = 0;
    r->force = true;                                    /* the first leaves, whatever else is in the network [RFC8985-6.3] */
    lose_at_timeout(c, now_ns);
    tcp_tlp_forget(c);
    tcp_frto_begin(c, again || c->ts.on);               /* time stamps tell at once */
    say_phase(c, now_ns);
    say_cwnd(c, now_ns);
}

/* Not by loss: the window has opened again, or segments must be smaller. */
void tcp_recover_resend_all(struct tcp_conn *c)
{
    if (!c->flight || !in_flight(c))
        return;
    struct sent_seg *next;
    for (struct sent_seg *s = board_first(&c->t->sent, &c->flight->board); s; s = next) {
        next = board_seg(&c->t->sent, s->next);
        tcp_recover_lose(c, s, LOST_NOT, c->t->now_ns);
    }
    c->flight->rec.dup_bytes = 0;
    c->flight->rec.dup_acks = 0;
}

/* [from, to) is about to leave. */
void tcp_recover_sent(struct tcp_conn *c, seq_t from, seq_t to, int64_t now_ns)
{
    struct tcp_recover *r = &c->flight->rec;
    const uint32_t bytes = (uint32_t)seq_diff(to, from);
    prr_on_sent(&r->prr, bytes);
    if (!seq_lt(from, c->snd.nxt))
        return;
    r->force = false;
    r->resent = true;
    if (c->sack && r->phase == REC_FAST && seq_eq(from, c->snd.una))
        tcp_timer_on_resent(c, now_ns);
    tcp_rare_need(c)->retransmits++;
    tcp_undo_sent(c, to, bytes, now_ns);
    TRACE(c->t->trace, now_ns, c->serial, tcp_retransmit, .seq = from.n, .len = bytes, .cause = r->phase);
}
