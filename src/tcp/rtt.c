/* The retransmission timeout: RFC 6298, in its order [MUST-18]. */
#include "tcp/conn.h"

static const int64_t RTO_MAX_NS = 120 * NS_PER_SEC;                 /* (2.5): at least 60 s [RFC6298-2.5] */
static const int64_t GRANULARITY_NS = NS_PER_MS;

void tcp_rtt_init(struct tcp_conn *c)
{
    c->rtt = (struct tcp_rtt){ 0 };
}

/* Not backed off. */
static int64_t rto(const struct tcp_conn *c)
{
    const struct tcp_rtt *r = &c->rtt;
    const int64_t initial_ns = c->t->cfg.rto_initial_ns;
    if (r->srtt_ns == 0)                                            /* (2.1) [RFC6298-2.1]; (5.7) [RFC6298-5.7] */
        return c->syn_resent && c->state >= ESTABLISHED ? time_max(initial_ns, 3 * NS_PER_SEC) : initial_ns;
    const int64_t rto_ns = r->srtt_ns + time_max(GRANULARITY_NS, 4 * r->var_ns);
    return time_min(time_max(rto_ns, c->t->cfg.rto_min_ns), RTO_MAX_NS);    /* (2.4), minimum by configuration */
}

void tcp_rtt_sample(struct tcp_conn *c, int64_t rtt_ns, int64_t now_ns)
{
    struct tcp_rtt *r = &c->rtt;
    if (rtt_ns < 0 || (r->srtt_ns && seq_lt(c->snd.una, r->round)))
        return;
    r->round = c->snd.nxt;                                          /* the weights below are for one sample a round trip [RFC6298-3b] */
    if (r->srtt_ns == 0) {                                          /* (2.2) [RFC6298-2.2] */
        r->srtt_ns = rtt_ns ? rtt_ns : 1;
        r->var_ns = rtt_ns / 2;
    } else {                                                        /* (2.3), in this order [RFC6298-2.3] */
        const int64_t off = r->srtt_ns > rtt_ns ? r->srtt_ns - rtt_ns : rtt_ns - r->srtt_ns;
        r->var_ns += (off - r->var_ns) / 4;
        r->srtt_ns += (rtt_ns - r->srtt_ns) / 8;
    }
    r->backoff = 0;
    TRACE(c->t->trace, now_ns, c->serial, tcp_rtt, .sample_ns = rtt_ns, .srtt_ns = r->srtt_ns, .rto_ns = rto(c));
}

static const int64_t MIN_WINDOW_NS = 300 * NS_PER_SEC;

/* RFC 8985 §6.2 step 1: the least of some minutes, as the path may change [RFC8985-6.2a]. */
static void note_least(struct tcp_rtt *r, int64_t rtt_ns, int64_t now_ns)
{
    if (r->min_ns && rtt_ns > r->min_ns && now_ns - r->min_at_ns < MIN_WINDOW_NS)
        return;
    r->min_ns = time_max(rtt_ns, 1);
    r->min_at_ns = now_ns;
}

void tcp_rtt_least(struct tcp_conn *c, int64_t rtt_ns, int64_t now_ns) { note_least(&c->rtt, rtt_ns, now_ns); }

/* RFC 4015 §3.3: the timeout came too early; the estimate is taken anew from what the round trip was then [RFC4015-3.3]. */
void tcp_rtt_spurious(struct tcp_conn *c, int64_t rtt_ns, int64_t now_ns)
{
    struct tcp_rtt *r = &c->rtt;
    r->backoff = 0;
    if (rtt_ns < 0)
        return;
    r->srtt_ns = time_max(r->srtt_ns + 2 * GRANULARITY_NS, rtt_ns);
    r->var_ns = time_max(r->var_ns, rtt_ns / 2);
    r->round = c->snd.nxt;
    TRACE(c->t->trace, now_ns, c->serial, tcp_rtt, .sample_ns = rtt_ns, .srtt_ns = r->srtt_ns, .rto_ns = rto(c));
}

void tcp_rtt_back_off(struct tcp_conn *c)                           /* (5.5) [MUST-19] [RFC6298-5.5] */
{
    if (c->rtt.backoff < 20)
        c->rtt.backoff++;
}

void tcp_rtt_syn_was_lost(struct tcp_conn *c) { c->rtt.backoff = 0; }   /* (5.7) */

int64_t tcp_rto(const struct tcp_conn *c)
{
    const int64_t rto_ns = rto(c);
    return c->rtt.backoff > 20 || rto_ns > RTO_MAX_NS >> c->rtt.backoff ? RTO_MAX_NS : rto_ns << c->rtt.backoff;
}
