/* RFC 5681 §3.1 and §3.2, counting bytes as RFC 3465 advises. */
#include "tcp/slow_start.h"

struct reno {
    struct slow_start slow;
    uint32_t acked;                             /* bytes counted towards the next increase */
    uint32_t cwnd_before, ssthresh_before;      /* the last loss */
};

static void reno_start(struct tcp_cc *cc, const struct cc_start *s)
{
    cc->cwnd = s->mss * s->initial_window;      /* RFC 6928 */
    cc->ssthresh = CC_SSTHRESH_NONE; /* [RFC5681-3.1c] */
}

static void reno_on_ack(struct tcp_cc *cc, const struct cc_ack *a)
{
    struct reno *r = cc->own;
    slow_start_round(&r->slow, a);
    if (!slow_start_validated(&r->slow, cc->cwnd))      /* the window was not what held the sender back (RFC 7661) */
        return;
    if (cc->cwnd < cc->ssthresh) {
        /* Slow start [MUST-19].  An ACK of many segments counts as the ACKs of every second one that it
         * replaces, L = 2 for each; after a timeout L = 1 (RFC 3465 §2.2, §2.3).  RFC 5681 (2) knows only that. */
        slow_start_grow(cc, &r->slow, a);
        return;
    }
    r->acked += a->bytes;                       /* congestion avoidance: one segment per window [RFC5681-3.1e] */
    if (r->acked >= cc->cwnd) {
        r->acked -= cc->cwnd;
        cc_grow(cc, a->mss);
    }
}

static void reno_on_loss(struct tcp_cc *cc, const struct cc_loss *l)
{
    struct reno *r = cc->own;
    if (l->cause != CC_TIMEOUT_AGAIN) {         /* a segment sent again and lost again does not halve twice [RFC5681-3.1g] */
        r->cwnd_before = cc->cwnd;
        r->ssthresh_before = cc->ssthresh;
        cc->ssthresh = cc_max(l->in_flight / 2, 2 * l->mss);            /* RFC 5681 (4) [RFC5681-3.1f] */
    }
    const bool timeout = l->cause == CC_TIMEOUT || l->cause == CC_TIMEOUT_AGAIN;
    cc->cwnd = timeout ? l->mss : cc->ssthresh; /* the loss window [RFC5681-3.1h] */
    r->acked = 0;
}

/* RFC 4015 §3.2, without its caution about bursts: pacing sees to that. */
static void reno_on_undo(struct tcp_cc *cc, const struct cc_done *d)
{
    struct reno *r = cc->own;
    (void)d;
    cc->cwnd = cc_max(cc->cwnd, r->cwnd_before);
    cc->ssthresh = cc_max(cc->ssthresh, r->ssthresh_before);
}

/* RFC 6582 §3.2 step 3, full acknowledgments, (1): no burst after recovery. */
static void reno_on_recovered(struct tcp_cc *cc, const struct cc_done *d)
{
    struct reno *r = cc->own;
    cc->cwnd = cc_min(cc->ssthresh, cc_max(d->in_flight, d->mss) + d->mss); /* [RFC5681-3.2h] */
    r->acked = 0;
}

/* RFC 5681 §4.1: the restart window. [RFC5681-4.1] */
static void reno_on_idle(struct tcp_cc *cc, const struct cc_start *s)
{
    cc->cwnd = cc_min(cc->cwnd, s->mss * s->initial_window);
}

static bool reno_at_rest(const struct tcp_cc *cc) { return cc->ssthresh == CC_SSTHRESH_NONE; }

const struct cc_ops cc_reno = { "reno", sizeof(struct reno), false, false, reno_start, reno_on_ack, reno_on_loss, reno_on_undo, reno_on_recovered,
                                reno_on_idle, reno_at_rest };
