/* CUBIC: RFC 9438. [MAY-18]  Windows are bytes here, so its segments are multiplied by SMSS.
 * Only + - * / of doubles: every machine computes the same. */
#include "base/time.h"
#include "tcp/slow_start.h"

static const double C = 0.4;                            /* §5.1 [RFC9438-5.1] [RFC9438-5.2] */
static const double BETA = 0.7;                         /* §4.6 */
static const double ALPHA = 3 * (1 - 0.7) / (1 + 0.7);  /* §4.3: of a Reno that backs off by beta */

/* One congestion avoidance stage. */
struct stage {
    double  w_max, k_s, w_est, cwnd_prior;              /* bytes, seconds, bytes, bytes */
    int64_t epoch_ns;                                   /* t_epoch; 0: the stage has not begun */
};

struct cubic {
    struct slow_start slow;
    struct stage now, before;                           /* before: the last loss, to be undone */
    double   part;                                      /* of a byte that cwnd is to grow by */
    int64_t  last_ns;                                   /* the ACK before this one */
    uint32_t cwnd_before, ssthresh_before;
};

static double cube_root(double x)
{
    double r = x > 1 ? x : 1;
    for (int i = 0; i < 100; i++) {                     /* Newton's way, from above: it only falls */
        const double next = (2 * r + x / (r * r)) / 3;
        if (next >= r)
            break;
        r = next;
    }
    return r;
}

static double seconds(int64_t ns) { return (double)ns / 1e9; }

/* §4.2, Figure 1 [RFC9438-4.2a]. */
static double w_cubic(const struct stage *s, double t_s, uint32_t mss)
{
    const double d = t_s - s->k_s;
    return C * d * d * d * mss + s->w_max;
}

static void cubic_start(struct tcp_cc *cc, const struct cc_start *s)
{
    cc->cwnd = s->mss * s->initial_window;
    cc->ssthresh = CC_SSTHRESH_NONE;
}

/* K: how long until the window is W_max again, Figure 2 [RFC9438-4.2b].  After a timeout
 * (§4.8) and after a slow start that ended without a loss (§4.10) there is no W_max:
 * K is 0 and W_max the window of today. */
static void begin_stage(struct cubic *q, const struct tcp_cc *cc, const struct cc_ack *a)
{
    struct stage *s = &q->now;
    const double cwnd = cc->cwnd;
    s->epoch_ns = a->now_ns;
    s->w_est = cwnd;                                    /* [RFC9438-4.3a] */
    if (s->w_max <= cwnd) {
        s->w_max = cwnd;                                /* [RFC9438-4.8] [RFC9438-4.10] */
        s->k_s = 0;
    } else {
        s->k_s = cube_root((s->w_max - cwnd) / a->mss / C);
    }
    if (s->cwnd_prior <= 0)
        s->cwnd_prior = cwnd;
    q->part = 0;
}

static void grow_by(struct cubic *q, struct tcp_cc *cc, double bytes)
{
    q->part += bytes;
    const double whole = (double)(uint32_t)q->part;
    cc_grow(cc, (uint32_t)whole);
    q->part -= whole;
}

static void avoid_congestion(struct cubic *q, struct tcp_cc *cc, const struct cc_ack *a)
{
    struct stage *s = &q->now;
    const double cwnd = cc->cwnd, t_s = seconds(a->now_ns - s->epoch_ns);
    double target = w_cubic(s, t_s + seconds(a->srtt_ns), a->mss);      /* [RFC9438-4.2c] */
    target = target < cwnd ? cwnd : target > 1.5 * cwnd ? 1.5 * cwnd : target;
    /* Figure 4; from where the last loss was on, as fast as Reno [RFC9438-4.3b] */
    s->w_est += (s->w_est < s->cwnd_prior ? ALPHA : 1) * a->bytes / cwnd * a->mss;
    if (w_cubic(s, t_s, a->mss) < s->w_est)             /* the Reno-friendly region [RFC9438-4.3c] */
        grow_by(q, cc, s->w_est > cwnd + q->part ? s->w_est - cwnd - q->part : 0);
    else                                                /* concave (§4.4) or convex (§4.5) [RFC9438-4.4] [RFC9438-4.5] */
        grow_by(q, cc, (target - cwnd) / cwnd * a->bytes);
}

static void cubic_on_ack(struct tcp_cc *cc, const struct cc_ack *a)
{
    struct cubic *q = cc->own;
    const int64_t since_ns = q->last_ns ? a->now_ns - q->last_ns : 0;
    q->last_ns = a->now_ns;
    slow_start_round(&q->slow, a);
    if (!slow_start_validated(&q->slow, cc->cwnd)) {
        if (q->now.epoch_ns)
            q->now.epoch_ns += since_ns;                /* time in which the window was not used does not count [RFC9438-5.8] */
        return;
    }
    if (cc->cwnd < cc->ssthresh) {
        slow_start_grow(cc, &q->slow, a);
        return;
    }
    if (!q->now.epoch_ns)
        begin_stage(q, cc, a);
    avoid_congestion(q, cc, a);
}

static void reduce(struct cubic *q, struct tcp_cc *cc, const struct cc_loss *l, bool timeout)
{
    struct stage *s = &q->now;
    const double window = slow_start_window(&q->slow, cc->cwnd, l->in_flight);
    q->before = *s;
    q->cwnd_before = cc->cwnd;
    q->ssthresh_before = cc->ssthresh;
    s->w_max = window < s->w_max ? window * (1 + BETA) / 2 : window;    /* §4.7, fast convergence [RFC9438-4.7] */
    s->cwnd_prior = window;
    s->epoch_ns = 0;
    if (timeout)
        s->w_max = 0;                                   /* [RFC9438-4.8] */
    cc->ssthresh = cc_max((uint32_t)(window * BETA + 0.5), 2 * l->mss);       /* §4.6 [RFC9438-4.6] */
}

static void cubic_on_loss(struct tcp_cc *cc, const struct cc_loss *l)
{
    struct cubic *q = cc->own;
    const bool timeout = l->cause == CC_TIMEOUT || l->cause == CC_TIMEOUT_AGAIN;
    if (l->cause != CC_TIMEOUT_AGAIN)
        reduce(q, cc, l, timeout);
    cc->cwnd = timeout ? l->mss : cc->ssthresh;
    q->part = 0;
}

/* §4.9 [RFC9438-4.9]: as if nothing had happened, unless it has become better meanwhile. */
static void cubic_on_undo(struct tcp_cc *cc, const struct cc_done *d)
{
    struct cubic *q = cc->own;
    (void)d;
    q->now = q->before;
    cc->cwnd = cc_max(cc->cwnd, q->cwnd_before);
    cc->ssthresh = cc_max(cc->ssthresh, q->ssthresh_before);
}

static void cubic_on_recovered(struct tcp_cc *cc, const struct cc_done *d)
{
    cc->cwnd = cc_min(cc->ssthresh, cc_max(d->in_flight, d->mss) + d->mss);
}

/* RFC 5681 §4.1; the next stage begins where slow start ends. */
static void cubic_on_idle(struct tcp_cc *cc, const struct cc_start *s)
{
    struct cubic *q = cc->own;
    cc->cwnd = cc_min(cc->cwnd, s->mss * s->initial_window);
    q->now.epoch_ns = 0;
}

static bool cubic_at_rest(const struct tcp_cc *cc) { return cc->ssthresh == CC_SSTHRESH_NONE; }

const struct cc_ops cc_cubic = { "cubic", sizeof(struct cubic), false, false, cubic_start, cubic_on_ack, cubic_on_loss, cubic_on_undo, cubic_on_recovered,
                                 cubic_on_idle, cubic_at_rest };
