/* RFC 5681 §3.1 and §3.2, counting bytes as RFC 3465 advises. */
#include "tcp/cc.h"

static uint32_t min32(uint32_t a, uint32_t b) { return a < b ? a : b; }
static uint32_t max32(uint32_t a, uint32_t b) { return a > b ? a : b; }

static void reno_start(struct tcp_cc *cc, const struct cc_start *s)
{
    cc->cwnd = s->mss * s->initial_window;      /* RFC 6928 */
    cc->ssthresh = UINT32_MAX / 2;
    cc->acked = 0;
}

static void reno_on_ack(struct tcp_cc *cc, const struct cc_ack *a)
{
    if ((uint64_t)a->in_flight * 2 < cc->cwnd)  /* the window was not what held the sender back (RFC 7661) */
        return;
    if (cc->cwnd < cc->ssthresh) {
        /* Slow start [MUST-19].  An ACK of many segments counts as the ACKs of every second one that it
         * replaces, L = 2 for each; after a timeout L = 1 (RFC 3465 §2.2, §2.3).  RFC 5681 (2) knows only that. */
        cc->cwnd += a->one_segment ? min32(a->bytes, a->mss) : a->bytes;
        return;
    }
    cc->acked += a->bytes;                      /* congestion avoidance: one segment per window */
    if (cc->acked >= cc->cwnd) {
        cc->acked -= cc->cwnd;
        cc->cwnd = min32(cc->cwnd + a->mss, UINT32_MAX / 2);
    }
}

static void reno_on_loss(struct tcp_cc *cc, const struct cc_loss *l)
{
    if (l->cause != CC_TIMEOUT_AGAIN)           /* a segment sent again and lost again does not halve twice */
        cc->ssthresh = max32(l->in_flight / 2, 2 * l->mss);             /* RFC 5681 (4) */
    cc->cwnd = l->cause == CC_FAST_RETRANSMIT ? cc->ssthresh : l->mss;  /* the loss window */
    cc->acked = 0;
}

/* RFC 6582 §3.2 step 3, full acknowledgments, (1): no burst after recovery. */
static void reno_on_recovered(struct tcp_cc *cc, const struct cc_done *d)
{
    cc->cwnd = min32(cc->ssthresh, max32(d->in_flight, d->mss) + d->mss);
    cc->acked = 0;
}

/* RFC 5681 §4.1: the restart window. */
static void reno_on_idle(struct tcp_cc *cc, const struct cc_start *s)
{
    cc->cwnd = min32(cc->cwnd, s->mss * s->initial_window);
}

const struct cc_ops cc_reno = { "reno", reno_start, reno_on_ack, reno_on_loss, reno_on_recovered, reno_on_idle };
