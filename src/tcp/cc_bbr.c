/* BBR, version 1: draft-cardwell-iccrg-bbr-congestion-control-00.  A model of the path,
 * its bottleneck's bandwidth and its round trip without queue, decides how fast and how
 * much is sent; a loss by itself says nothing.  Windows are bytes, rates bytes per second. */
#include "base/time.h"
#include "tcp/cc.h"

enum bbr_state { STARTUP, DRAIN, PROBE_BW, PROBE_RTT };
enum { BW_ROUNDS = 10, FULL_ROUNDS = 3, CYCLE = 8, MIN_SEGMENTS = 4, QUANTA = 3, HIGH_GAIN = 2885, UNIT = 1000, PACING_PERCENT = 99 };
static const int64_t RTPROP_NS = 10 * NS_PER_SEC, PROBE_RTT_NS = 200 * NS_PER_MS;   /* RTpropFilterLen, ProbeRTTDuration */

struct bbr {
    uint64_t bw[BW_ROUNDS];             /* the most of each of the last rounds: BtlBwFilter */
    uint64_t btl_bw, full_bw;
    int64_t  rtprop_ns, rtprop_at_ns, cycle_at_ns, probe_rtt_done_ns;
    uint32_t round, next_round_delivered, delivered;
    uint32_t prior_cwnd, initial_cwnd;
    uint8_t  state, cycle, full_count;
    bool     filled_pipe, round_start, probe_rtt_round, idle_restart, recovering, conserving;
};

static uint32_t pacing_gain(const struct bbr *b)
{
    static const uint16_t cycle[CYCLE] = { 1250, 750, UNIT, UNIT, UNIT, UNIT, UNIT, UNIT };
    switch (b->state) {
    case STARTUP:  return HIGH_GAIN;
    case DRAIN:    return UNIT * UNIT / HIGH_GAIN;
    case PROBE_BW: return cycle[b->cycle];
    default:       return UNIT;
    }
}

static uint32_t cwnd_gain(const struct bbr *b)
{
    return b->state == STARTUP || b->state == DRAIN ? HIGH_GAIN : b->state == PROBE_BW ? 2 * UNIT : UNIT;
}

/* BBRInflight(gain). */
static uint64_t inflight(const struct bbr *b, uint32_t gain, const struct cc_ack *a)
{
    if (b->rtprop_ns == 0 || b->btl_bw == 0)
        return cc_max(b->initial_cwnd, MIN_SEGMENTS * a->mss);
    const uint64_t bdp = (uint64_t)((double)b->btl_bw * (double)b->rtprop_ns / 1e9);
    return bdp * gain / UNIT + (uint64_t)QUANTA * cc_max(a->quantum, 2 * a->mss);
}

static void update_round(struct bbr *b, const struct cc_ack *a)
{
    b->delivered += a->rate->newly_delivered;
    b->round_start = !seq_lt(seq(a->rate->prior_delivered), seq(b->next_round_delivered));
    if (!b->round_start)
        return;
    b->next_round_delivered = a->rate->delivered_total;
    b->round++;
    b->bw[b->round % BW_ROUNDS] = 0;
    b->conserving = false;
}

static void update_btl_bw(struct bbr *b, const struct cc_ack *a)
{
    const struct rate_sample *r = a->rate;
    update_round(b, a);
    if (r->interval_ns <= 0)
        return;
    const uint64_t bw = (uint64_t)((double)r->delivered * 1e9 / (double)r->interval_ns);
    uint64_t *now = &b->bw[b->round % BW_ROUNDS];
    if (bw > *now && (bw >= b->btl_bw || !r->app_limited))
        *now = bw;
    uint64_t most = 0;
    for (unsigned i = 0; i < BW_ROUNDS; i++)
        most = b->bw[i] > most ? b->bw[i] : most;
    if (most)
        b->btl_bw = most;
}

/* ---------------------------------------------------------- the four states */

static bool is_next_cycle(const struct bbr *b, const struct cc_ack *a)
{
    const bool long_enough = a->now_ns - b->cycle_at_ns > b->rtprop_ns;
    const uint32_t gain = pacing_gain(b);
    if (gain == UNIT)
        return long_enough;
    if (gain > UNIT)
        return long_enough && (a->rate->newly_lost > 0 || a->in_flight >= inflight(b, gain, a));
    return long_enough || a->pipe <= inflight(b, UNIT, a);
}

static void enter_probe_bw(struct bbr *b, const struct cc_ack *a)
{
    b->state = PROBE_BW;
    b->cycle = (uint8_t)(1 + (a->nxt.n >> 4) % (CYCLE - 1));    /* anywhere but in the drain that follows the next probe */
    b->cycle = b->cycle == 1 ? 0 : b->cycle;
    b->cycle_at_ns = a->now_ns;
}

static void check_full_pipe(struct bbr *b, const struct cc_ack *a)
{
    if (b->filled_pipe || !b->round_start || a->rate->app_limited)
        return;
    if (b->btl_bw >= b->full_bw + b->full_bw / 4) {
        b->full_bw = b->btl_bw;
        b->full_count = 0;
        return;
    }
    b->filled_pipe = ++b->full_count >= FULL_ROUNDS;
}

static void check_drain(struct bbr *b, const struct cc_ack *a)
{
    if (b->state == STARTUP && b->filled_pipe)
        b->state = DRAIN;
    if (b->state == DRAIN && a->pipe <= inflight(b, UNIT, a))
        enter_probe_bw(b, a);
}

static void save_cwnd(struct bbr *b, const struct tcp_cc *cc)
{
    b->prior_cwnd = b->recovering || b->state == PROBE_RTT ? cc_max(b->prior_cwnd, cc->cwnd) : cc->cwnd;
}

static void hold_probe_rtt(struct bbr *b, struct tcp_cc *cc, const struct cc_ack *a)
{
    if (b->probe_rtt_done_ns == 0) {
        if (a->pipe > MIN_SEGMENTS * a->mss)
            return;
        b->probe_rtt_done_ns = a->now_ns + PROBE_RTT_NS;
        b->probe_rtt_round = false;
        b->next_round_delivered = a->rate->delivered_total;
        return;
    }
    b->probe_rtt_round |= b->round_start;
    if (!b->probe_rtt_round || a->now_ns < b->probe_rtt_done_ns)
        return;
    b->rtprop_at_ns = a->now_ns;
    cc->cwnd = cc_max(cc->cwnd, b->prior_cwnd);
    if (b->filled_pipe)
        enter_probe_bw(b, a);
    else
        b->state = STARTUP;
}

static void update_rtprop(struct bbr *b, struct tcp_cc *cc, const struct cc_ack *a)
{
    const bool expired = b->rtprop_ns && a->now_ns > b->rtprop_at_ns + RTPROP_NS;
    if (a->rtt_ns > 0 && (b->rtprop_ns == 0 || a->rtt_ns <= b->rtprop_ns || expired)) {
        b->rtprop_ns = a->rtt_ns;
        b->rtprop_at_ns = a->now_ns;
    }
    if (b->state != PROBE_RTT && expired && !b->idle_restart) {
        save_cwnd(b, cc);
        b->state = PROBE_RTT;
        b->probe_rtt_done_ns = 0;
    }
    if (b->state == PROBE_RTT)
        hold_probe_rtt(b, cc, a);
    b->idle_restart = false;
}

/* ------------------------------------------------------- what is controlled */

static void set_pacing(struct bbr *b, struct tcp_cc *cc)
{
    const uint64_t rate = b->btl_bw / 100 * PACING_PERCENT * pacing_gain(b) / UNIT;
    if (rate && (b->filled_pipe || rate > cc->pacing))
        cc->pacing = rate;
}

static void set_cwnd(struct bbr *b, struct tcp_cc *cc, const struct cc_ack *a)
{
    const uint32_t acked = a->rate->newly_delivered, least = MIN_SEGMENTS * a->mss;
    const uint64_t most = inflight(b, cwnd_gain(b), a);
    const uint32_t target = most > CC_SSTHRESH_NONE ? CC_SSTHRESH_NONE : (uint32_t)most;
    if (b->recovering && a->rate->newly_lost)
        cc->cwnd = cc->cwnd > a->rate->newly_lost + a->mss ? cc->cwnd - a->rate->newly_lost : a->mss;
    if (b->conserving)                                  /* the first round of recovery: what leaves is what was delivered */
        cc->cwnd = cc_max(cc->cwnd, a->pipe + acked);
    else if (b->filled_pipe)
        cc->cwnd = cc_min(cc->cwnd + acked, target);
    else if (cc->cwnd < target || b->delivered < b->initial_cwnd)
        cc_grow(cc, acked);
    if (!b->conserving)
        cc->cwnd = cc_max(cc->cwnd, least);
    if (b->state == PROBE_RTT)
        cc->cwnd = cc_min(cc->cwnd, least);
}

static void bbr_start(struct tcp_cc *cc, const struct cc_start *s)
{
    cc->cwnd = s->mss * s->initial_window;
    cc->ssthresh = CC_SSTHRESH_NONE;
}

static void bbr_on_ack(struct tcp_cc *cc, const struct cc_ack *a)
{
    struct bbr *b = cc->own;
    if (b->initial_cwnd == 0)
        b->initial_cwnd = cc->cwnd;
    update_btl_bw(b, a);
    if (b->state == PROBE_BW && is_next_cycle(b, a)) {
        b->cycle = (uint8_t)((b->cycle + 1) % CYCLE);
        b->cycle_at_ns = a->now_ns;
    }
    check_full_pipe(b, a);
    check_drain(b, a);
    update_rtprop(b, cc, a);
    set_pacing(b, cc);
    set_cwnd(b, cc, a);
}

/* Marks, too, are no part of this version's model. */
static void bbr_on_loss(struct tcp_cc *cc, const struct cc_loss *l)
{
    struct bbr *b = cc->own;
    if (l->cause == CC_ECN)
        return;
    save_cwnd(b, cc);
    b->recovering = true;
    const bool timeout = l->cause == CC_TIMEOUT || l->cause == CC_TIMEOUT_AGAIN;
    b->conserving = !timeout;
    cc->cwnd = timeout ? l->mss : cc_max(l->pipe + l->mss, MIN_SEGMENTS * l->mss);
    b->next_round_delivered = l->delivered_total;
}

static void bbr_on_recovered(struct tcp_cc *cc, const struct cc_done *d)
{
    struct bbr *b = cc->own;
    (void)d;
    if (b->recovering && b->state != PROBE_RTT)
        cc->cwnd = cc_max(cc->cwnd, b->prior_cwnd);
    b->recovering = b->conserving = false;
}

/* The model still holds; what is sent goes at its rate. */
static void bbr_on_idle(struct tcp_cc *cc, const struct cc_start *s)
{
    struct bbr *b = cc->own;
    (void)s;
    b->idle_restart = true;
    if (b->state == PROBE_BW && b->btl_bw)
        cc->pacing = b->btl_bw / 100 * PACING_PERCENT;
}

static bool bbr_at_rest(const struct tcp_cc *cc) { return ((const struct bbr *)cc->own)->initial_cwnd == 0; }

const struct cc_ops cc_bbr = { "bbr", sizeof(struct bbr), true, true, bbr_start, bbr_on_ack, bbr_on_loss, bbr_on_recovered, bbr_on_recovered, bbr_on_idle,
                               bbr_at_rest };
