/* Pacing: what the window allows leaves spread over the round trip, in bursts of at
 * most a millisecond of the rate, not in one that fills a queue.  What was idle may
 * first send an initial window at once, as RFC 6928 has it, so that nobody waits who
 * has little to say.  A connection that does not wait has no timer. */
#include "tcp/fast.h"

static const int64_t BURST_NS = NS_PER_MS;
enum { FREE_SEGMENTS = 10, SLOW_START_PERCENT = 200, AVOIDANCE_PERCENT = 120 };

/* Bytes per second; 0: not paced.  An algorithm has its own rate, or the window in an
 * RTT and something on top: never less than what the window needs to be used. */
uint64_t tcp_pacing_rate(const struct tcp_conn *c)
{
    if (c->cc.pacing)
        return c->cc.pacing;
    if (c->t->cfg.no_pacing || c->rtt.srtt_ns <= BURST_NS)      /* all of the window is a burst */
        return 0;
    const uint32_t percent = c->cc.cwnd < c->cc.ssthresh / 2 ? SLOW_START_PERCENT : AVOIDANCE_PERCENT;
    return (uint64_t)c->cc.cwnd * percent * (NS_PER_SEC / 100 / 1000) / (uint64_t)(c->rtt.srtt_ns / 1000);
}

/* The most for one packet: large ones stay large where a millisecond holds them. */
uint32_t tcp_pace_quantum(const struct tcp_conn *c)
{
    const uint64_t rate = tcp_pacing_rate(c), bytes = rate / (uint64_t)(NS_PER_SEC / BURST_NS);
    const uint32_t mss = tcp_seg_mss(c);
    if (rate == 0 || bytes > UINT16_MAX)
        return UINT16_MAX;
    return bytes > 2u * mss ? (uint32_t)bytes / mss * mss : 2u * mss;
}

/* False: not yet; the timer wakes it. */
bool tcp_pace_may_send(struct tcp_conn *c, int64_t now_ns)
{
    struct tcp_pace *p = &c->pace;
    p->waits = p->next_ns - now_ns >= BURST_NS && p->free == 0;
    if (p->waits)
        tcp_timer_on_paced(c);
    return !p->waits;
}

/* Half of a burst is still on its way when the next one begins: a timer that is late costs nothing. */
int64_t tcp_pace_deadline(const struct tcp_conn *c) { return c->pace.waits ? c->pace.next_ns - BURST_NS / 2 : DEADLINE_NEVER; }

void tcp_pace_woken(struct tcp_conn *c) { c->pace.waits = false; }

/* `len` bytes of text leave; nothing was in flight before them when `from_rest`. */
void tcp_pace_sent_at(struct tcp_conn *c, uint64_t rate, uint32_t len, bool from_rest, int64_t now_ns)
{
    struct tcp_pace *p = &c->pace;
    if (from_rest && p->next_ns <= now_ns)
        p->free = FREE_SEGMENTS * (uint32_t)c->mss & INT32_MAX;
    const uint32_t gift = len < p->free ? len : p->free;
    p->free = (p->free - gift) & INT32_MAX;
    if (rate == 0)
        return;
    p->next_ns = time_max(p->next_ns, now_ns) + (int64_t)((uint64_t)(len - gift) * NS_PER_SEC / rate);
}

void tcp_pace_sent(struct tcp_conn *c, uint32_t len, bool from_rest, int64_t now_ns)
{
    tcp_pace_sent_at(c, tcp_pacing_rate(c), len, from_rest, now_ns);
}
