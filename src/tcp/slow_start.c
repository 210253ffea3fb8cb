#include "tcp/slow_start.h"

/* RFC 9406 §4.3 */
enum { MIN_RTT_THRESH_US = 4000, MAX_RTT_THRESH_US = 16000, MIN_RTT_DIVISOR = 8, N_RTT_SAMPLE = 8,
       CSS_GROWTH_DIVISOR = 4, CSS_ROUNDS = 5, L_UNPACED = 8 };

static uint32_t us_of(int64_t ns)
{
    const int64_t us = ns / 1000;
    return us < 1 ? 1 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static void begin_round(struct slow_start *s, const struct cc_ack *a)
{
    s->round_end = a->nxt;
    s->used_before = s->used;
    s->used = 0;
    s->last_min_us = s->current_min_us;                 /* §4.2, the start of each round [RFC9406-4.2a] */
    s->current_min_us = 0;
    s->samples = 0;
    s->begun = true;
    if (s->css_rounds)
        s->css_rounds++;
}

void slow_start_round(struct slow_start *s, const struct cc_ack *a)
{
    s->used = cc_max(s->used, a->in_flight);
    if (a->rtt_ns > 0) {
        const uint32_t us = us_of(a->rtt_ns);
        if (s->current_min_us == 0 || us < s->current_min_us)
            s->current_min_us = us;
        if (s->samples < UINT8_MAX)
            s->samples++;
    }
    if (!s->begun || !seq_lt(a->una, s->round_end))
        begin_round(s, a);
}

/* RFC 7661 §4.2: at least half of it was in flight at some time of the last round. */
bool slow_start_validated(const struct slow_start *s, uint32_t cwnd)
{
    return (uint64_t)cc_max(s->used, s->used_before) * 2 >= cwnd;
}

uint32_t slow_start_window(const struct slow_start *s, uint32_t cwnd, uint32_t in_flight)
{
    return cc_min(cwnd, cc_max(in_flight, cc_max(s->used, s->used_before)));
}

/* The RTT has grown since the round before [RFC9406-4.2b]: enter conservative slow start. */
static void look_for_delay(struct slow_start *s)
{
    if (s->samples < N_RTT_SAMPLE || s->last_min_us == 0)
        return;
    uint32_t thresh = s->last_min_us / MIN_RTT_DIVISOR;
    thresh = cc_max(MIN_RTT_THRESH_US, cc_min(thresh, MAX_RTT_THRESH_US));
    if (s->current_min_us < s->last_min_us + thresh)
        return;
    s->baseline_us = s->current_min_us;
    s->css_rounds = 1;                                  /* a part of a round counts as one */
}

/* It was jitter after all [RFC9406-4.2c]: slow start goes on. */
static void look_for_recovery(struct slow_start *s)
{
    if (s->samples < N_RTT_SAMPLE || s->current_min_us >= s->baseline_us)
        return;
    s->baseline_us = 0;
    s->css_rounds = 0;
}

static void hystart(struct tcp_cc *cc, struct slow_start *s)
{
    if (s->css_rounds == 0)
        look_for_delay(s);
    else
        look_for_recovery(s);
    if (s->css_rounds > CSS_ROUNDS) {                   /* [RFC9406-4.2d] */
        cc->ssthresh = cc->cwnd;
        s->css_rounds = 0;
    }
}

void slow_start_grow(struct tcp_cc *cc, struct slow_start *s, const struct cc_ack *a)
{
    uint32_t n = a->bytes;
    if (a->one_segment)                                 /* L = 1 after a timeout (RFC 3465 §2.3), and in the plain profile [RFC5681-3.1d] */
        n = cc_min(n, a->mss);
    else if (!a->paced)                                 /* bursts are bounded where nothing spreads them [RFC9406-4.2e] */
        n = cc_min(n, L_UNPACED * a->mss);
    cc_grow(cc, s->css_rounds ? n / CSS_GROWTH_DIVISOR : n);
    if (cc->ssthresh == CC_SSTHRESH_NONE && !a->one_segment)        /* the first slow start only [RFC9406-4.3] */
        hystart(cc, s);
}
