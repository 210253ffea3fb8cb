/* Loss: fast retransmit and fast recovery (RFC 5681 §3.2), limited transmit
 * (RFC 3042), NewReno's partial acknowledgments (RFC 6582), and what is sent again
 * after a timeout.  It tells congestion control what happened. */
#include "tcp/conn.h"

void tcp_recover_init(struct tcp_conn *c, struct tcp_flight *f)
{
    f->rec = (struct tcp_recover){ .recover = seq_sub(c->snd.una, 1) };     /* RFC 6582 §3.2 step 1 */
}

static uint32_t initial_window(const struct tcp_conn *c)
{
    if (!c->t->cfg.rfc5681)
        return c->t->cfg.initial_window;
    return c->mss > 2190 ? 2 : c->mss > 1095 ? 3 : 4;   /* RFC 5681 §3.1 */
}

void tcp_recover_start(struct tcp_conn *c)
{
    /* RFC 5681 §3.1: after a lost SYN the initial window is one segment */
    const uint32_t segments = c->syn_resent ? 1 : initial_window(c);
    c->cc.ops->start(&c->cc, &(struct cc_start){ .mss = c->mss, .initial_window = segments, .plain = c->t->cfg.rfc5681 });
}

void tcp_recover_on_idle(struct tcp_conn *c)
{
    tcp_cc_need(c);
    c->cc.ops->on_idle(&c->cc, &(struct cc_start){ .mss = c->mss, .initial_window = initial_window(c) });
}

uint32_t tcp_cwnd(const struct tcp_conn *c) { return c->cc.cwnd + (c->flight ? c->flight->rec.inflate : 0); }

static void say_cwnd(const struct tcp_conn *c, int64_t now_ns)
{
    TRACE(c->t->trace, now_ns, c->serial, tcp_cwnd, .cwnd = c->cc.cwnd, .ssthresh = c->cc.ssthresh, .in_flight = in_flight(c),
          .pacing = tcp_pacing_rate(c));
}

/* What is believed to be in the network. */
static uint32_t pipe(const struct tcp_conn *c)
{
    const struct tcp_recover *r = &c->flight->rec;
    return seq_lt(r->resend, r->resend_to) ? (uint32_t)seq_diff(r->resend, c->snd.una) : in_flight(c);
}

void tcp_recover_on_dup_ack(struct tcp_conn *c, int64_t now_ns)
{
    struct tcp_recover *r = &c->flight->rec;
    if (r->phase == REC_LOSS)
        return;
    if (r->dup_acks < UINT8_MAX)
        r->dup_acks++;
    r->inflate += c->mss;                               /* a segment has left the network */
    if (r->dup_acks != 3 || r->phase == REC_FAST)
        return;
    if (seq_lt(c->snd.una, r->recover) || (seq_eq(c->snd.una, r->recover) && r->last_bytes > 4u * c->mss)) {
        r->inflate = 0;                                 /* RFC 6582 step 2 and §4.1: still the loss known already */
        return;
    }
    r->phase = REC_FAST;
    r->recover = c->snd.nxt;
    r->front_owed = true;
    r->partial_seen = false;
    c->cc.ops->on_loss(&c->cc, &(struct cc_loss){ .cause = CC_FAST_RETRANSMIT, .in_flight = in_flight(c), .mss = c->mss, .now_ns = now_ns });
    say_cwnd(c, now_ns);
}

static void partial_ack(struct tcp_conn *c, const struct recover_ack *a)
{
    struct tcp_recover *r = &c->flight->rec;
    r->front_owed = true;                               /* the next hole */
    r->inflate = r->inflate > a->bytes ? r->inflate - a->bytes : 0;
    if (a->bytes >= c->mss)
        r->inflate += c->mss;
    r->dup_acks = 0;
    if (!r->partial_seen)                               /* only the first one: the impatient variant */
        tcp_timer_on_progress(c, a->now_ns);
    r->partial_seen = true;
}

static void leave(struct tcp_conn *c, int64_t now_ns)
{
    struct tcp_recover *r = &c->flight->rec;
    if (r->phase == REC_FAST)
        c->cc.ops->on_recovered(&c->cc, &(struct cc_done){ .in_flight = in_flight(c), .mss = c->mss, .now_ns = now_ns });
    r->phase = REC_OPEN;
    r->resent = false;
    r->front_owed = false;
    say_cwnd(c, now_ns);
}

/* SND.UNA has moved. */
void tcp_recover_on_ack(struct tcp_conn *c, const struct recover_ack *a)
{
    struct tcp_recover *r = &c->flight->rec;
    r->last_bytes = a->bytes;
    r->resend = seq_max(r->resend, c->snd.una);
    r->resend_to = seq_max(r->resend_to, c->snd.una);
    if (r->phase == REC_FAST) {
        if (seq_lt(c->snd.una, r->recover)) {
            partial_ack(c, a);
            return;
        }
        r->inflate = 0;
        r->dup_acks = 0;
        leave(c, a->now_ns);
        return;
    }
    r->inflate = 0;
    r->dup_acks = 0;
    r->front_owed = false;
    if (r->phase == REC_OPEN && seq_lt(r->recover, c->snd.una))
        r->recover = seq_sub(c->snd.una, 1);            /* keeps within half the sequence space */
    const bool after_timeout = r->phase == REC_LOSS;
    if (after_timeout && seq_le(r->recover, c->snd.una))
        leave(c, a->now_ns);
    if (tcp_ecn_holds(c) && !c->cc.ops->own_recovery)
        return;
    c->cc.ops->on_ack(&c->cc, &(struct cc_ack){ .bytes = a->bytes, .in_flight = a->in_flight, .mss = c->mss,
                                                .rtt_ns = time_max(a->rtt_ns, 0), .srtt_ns = c->rtt.srtt_ns, .paced = tcp_pacing_rate(c) > 0,
                                                .una = c->snd.una, .nxt = c->snd.nxt, .one_segment = after_timeout || c->t->cfg.rfc5681,
                                                .now_ns = a->now_ns });
    say_cwnd(c, a->now_ns);
}

static void resend_from_una(struct tcp_conn *c)
{
    struct tcp_recover *r = &c->flight->rec;
    r->resend = c->snd.una;
    r->resend_to = c->snd.nxt;
    r->front_owed = false;
    r->inflate = 0;
    r->dup_acks = 0;
}

void tcp_recover_on_timeout(struct tcp_conn *c, int64_t now_ns)
{
    struct tcp_recover *r = &c->flight->rec;
    const enum cc_cause cause = c->timer.retries > 1 ? CC_TIMEOUT_AGAIN : CC_TIMEOUT;
    c->cc.ops->on_loss(&c->cc, &(struct cc_loss){ .cause = cause, .in_flight = pipe(c), .mss = c->mss, .now_ns = now_ns });
    r->phase = REC_LOSS;
    r->recover = c->snd.nxt;                            /* RFC 6582 §4 */
    resend_from_una(c);
    say_cwnd(c, now_ns);
}

void tcp_recover_resend_all(struct tcp_conn *c)
{
    if (c->flight && in_flight(c))
        resend_from_una(c);
}

/* [from, to) left. */
void tcp_recover_sent(struct tcp_conn *c, seq_t from, seq_t to, int64_t now_ns)
{
    struct tcp_recover *r = &c->flight->rec;
    if (seq_eq(from, c->snd.una))
        r->front_owed = false;
    if (seq_le(r->resend, from) && seq_lt(r->resend, r->resend_to))
        r->resend = seq_max(r->resend, to);
    if (!seq_lt(from, c->snd.nxt))
        return;
    r->resent = true;
    c->retransmits++;
    TRACE(c->t->trace, now_ns, c->serial, tcp_retransmit, .seq = from.n, .len = (uint32_t)seq_diff(to, from), .cause = r->phase);
}
