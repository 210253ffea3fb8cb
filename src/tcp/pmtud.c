/* Packetization layer path MTU discovery (RFC 4821, RFC 8899 in its terms): what to do when
 * large packets vanish and no ICMP says so.
 *
 * Two timeouts in a row for a large segment: it falls back to a size that nearly every path
 * takes, and by half after further ones.  From then on it searches upward, by halving what
 * is unknown: one segment in new text is larger than the others; it arrives, and they may
 * all be, or it is sent again in pieces, and they may not.  Every ten minutes it asks anew. */
#include "tcp/conn.h"

enum { BASE4 = 1064, BASE6 = 1280, LEAST4 = 296, CLOSE_ENOUGH = 32, SUSPICIOUS = 2 };
static const int64_t RAISE_NS = 600 * NS_PER_SEC;       /* RFC 8899 §5.1.1, PMTU_RAISE_TIMER */

static uint16_t headers(const struct tcp_conn *c) { return (uint16_t)((addr_is4(c->node.local) ? 20 : 40) + tcp_header_bytes(c)); }
static uint16_t size_now(const struct tcp_conn *c) { return (uint16_t)(c->mss + headers(c)); }

uint16_t tcp_pmtu_limit(const struct tcp_conn *c)
{
    const uint16_t path = c->way.mtu ? c->way.mtu : 576;
    const uint16_t works = tcp_rare(c)->pmtu.works;
    return works && works < path ? works : path;
}

static void set_size(struct tcp_conn *c, uint16_t size, int64_t now_ns)
{
    struct tcp_rare *r = tcp_rare_need(c);
    r->pmtu.works = size;
    tcp_fit_mss(c);
    TRACE(c->t->trace, now_ns, c->serial, tcp_pmtu, .mtu = size, .above = r->pmtu.fails);
}

/* RFC 8899's BASE_PLPMTU is where a search begins. */
void tcp_pmtu_on_established(struct tcp_conn *c, int64_t now_ns)
{
    const uint16_t base = addr_is4(c->node.local) ? BASE4 : BASE6;
    if (c->t->cfg.mtu_probing == MTU_PROBING_ALWAYS && size_now(c) > base) {
        tcp_rare_need(c)->pmtu.fails = (uint16_t)(size_now(c) + 1);
        set_size(c, base, now_ns);
    }
}

/* True: segments are smaller from now on, what is in flight goes again. */
bool tcp_pmtu_on_timeout(struct tcp_conn *c, int64_t now_ns)
{
    const bool v4 = addr_is4(c->node.local);
    const uint16_t now = size_now(c), base = v4 ? BASE4 : BASE6, least = v4 ? LEAST4 : BASE6;
    if (c->t->cfg.mtu_probing == MTU_PROBING_OFF || tcp_timers(c)->retries < SUSPICIOUS || now <= least)
        return false;
    uint16_t size = now > base ? base : now / 2 > least ? now / 2 : least;
    const uint32_t vanishes = in_flight(c) + headers(c);
    if (vanishes <= size && tcp_timers(c)->retries == SUSPICIOUS)     /* it is not so large: another loss may explain it */
        return false;
    while (vanishes <= size && size > least)
        size = size / 2 > least ? size / 2 : least;
    if (vanishes <= size)
        return false;
    struct tcp_rare *r = tcp_rare_need(c);
    r->pmtu.fails = now;
    r->pmtu.probe = 0;
    r->pmtu.next_ns = now_ns;
    set_size(c, size, now_ns);
    return true;
}

/* The largest that could work: the path's own MTU, and no more than the peer takes. */
static uint16_t top(const struct tcp_conn *c)
{
    const uint32_t theirs = (uint32_t)c->peer_mss + headers(c) - tcp_header_bytes(c) + TCP_HEADER;
    return theirs < c->way.mtu ? (uint16_t)theirs : c->way.mtu;
}

/* 0: nothing to find out now. */
static uint16_t candidate(const struct tcp_conn *c, int64_t now_ns)
{
    const struct tcp_pmtu *p = &tcp_rare(c)->pmtu;
    const uint16_t most = top(c), fails = p->fails <= most ? p->fails : (uint16_t)(most + 1);
    if (!p->works || p->probe || now_ns < p->next_ns || p->works >= most)
        return 0;
    if (fails > p->works + CLOSE_ENOUGH)
        return (uint16_t)((p->works + fails) / 2);
    return fails > most ? most : 0;
}

/* One segment of new text larger than the others, with enough behind it to show its loss. */
bool tcp_pmtu_probe(const struct tcp_conn *c, struct tcp_tx *x, int64_t now_ns)
{
    const uint16_t size = candidate(c, now_ns);
    if (!size || c->state != ESTABLISHED || c->rcv.fin || rcv_has_gap(c))
        return false;
    const uint32_t len = (uint32_t)size - headers(c), behind = 4u * c->mss;
    const uint32_t wnd = c->snd.wnd < tcp_cwnd(c) ? c->snd.wnd : tcp_cwnd(c);
    if ((uint32_t)seq_diff(c->snd.end, c->snd.nxt) < len + behind || in_flight(c) + len + behind > wnd)
        return false;
    *x = (struct tcp_tx){ .seq = c->snd.nxt, .len = len, .flags = ACK, .probe = true };
    return tcp_reach(c, c->snd.nxt, len) == len;
}

void tcp_pmtu_probe_sent(struct tcp_conn *c, const struct tcp_tx *x)
{
    struct tcp_rare *r = tcp_rare_need(c);
    r->pmtu.probe = (uint16_t)(x->len + headers(c));
    r->pmtu.from = x->seq;
    r->pmtu.to = seq_add(x->seq, x->len);
}

/* When the search has ended, the next begins much later. */
static void narrowed(struct tcp_conn *c, int64_t now_ns)
{
    struct tcp_pmtu *p = &tcp_rare_need(c)->pmtu;
    p->probe = 0;
    p->next_ns = now_ns;
    if (candidate(c, now_ns))
        return;
    p->next_ns = time_after(now_ns, RAISE_NS);
    p->fails = UINT16_MAX;
}

void tcp_pmtu_on_ack(struct tcp_conn *c, int64_t now_ns)
{
    const struct tcp_pmtu *p = &tcp_rare(c)->pmtu;
    if (!p->probe || seq_lt(c->snd.una, p->to))
        return;
    set_size(c, p->probe, now_ns);
    narrowed(c, now_ns);
}

/* [from, to) leaves again. */
void tcp_pmtu_on_resent(struct tcp_conn *c, seq_t from, seq_t to, int64_t now_ns)
{
    const struct tcp_pmtu *p = &tcp_rare(c)->pmtu;
    if (!p->probe || !seq_lt(from, p->to) || !seq_lt(p->from, to))
        return;
    tcp_rare_need(c)->pmtu.fails = p->probe;
    narrowed(c, now_ns);
}
