/* Time stamps: RFC 7323 §3 to §5. */
#include "tcp/conn.h"

#define TIME_MASK (INT64_MAX >> 1)         /* what struct tcp_ts has bits for */
static const int64_t OUTDATED_NS = 24 * 24 * 3600 * NS_PER_SEC;     /* §5.5: after 24 days TS.Recent says nothing [RFC7323-5.5] */

/* A millisecond clock (§5.4). [RFC7323-5.4a] */
uint32_t tcp_ts_clock(uint32_t offset, int64_t now_ns) { return (uint32_t)(now_ns / NS_PER_MS) + offset; }

int64_t tcp_ts_age_ns(const struct tcp_conn *c, uint32_t ts, int64_t now_ns)
{
    const int32_t ms = (int32_t)(tcp_ts_clock(c->ts.offset, now_ns) - ts);
    return ms < 0 ? -1 : ms * NS_PER_MS;
}

void tcp_ts_open(struct tcp_conn *c, uint64_t flow_bits) { c->ts.offset = tcp_ts_offset(flow_bits); }

/* Both sides have sent the option on their SYN (§3.2). */
void tcp_ts_agreed(struct tcp_conn *c, const struct tcp_seg *s)
{
    c->ts.on = true;
    c->ts.recent = s->ts_val;
    c->ts.recent_ns = s->now_ns & TIME_MASK;
}

/* §5.3 R1. */
bool tcp_paws_old(const struct tcp_conn *c, const struct tcp_seg *s)
{
    return s->has_ts && (int32_t)(s->ts_val - c->ts.recent) < 0 && s->now_ns - c->ts.recent_ns < OUTDATED_NS; /* [RFC7323-5.2] */
}

/* §4.3 (2) and §5.3 R3: the oldest segment not yet acknowledged gives the echo. [RFC7323-4.3a] */
void tcp_ts_update(struct tcp_conn *c, const struct tcp_seg *s)
{
    if (!s->has_ts || !seq_le(s->seq, c->owed.last_ack) || tcp_paws_old(c, s))
        return;
    c->ts.recent = s->ts_val;
    c->ts.recent_ns = s->now_ns & TIME_MASK;
}
