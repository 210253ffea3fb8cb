/* Tail loss probe (RFC 8985 §7): when no acknowledgment comes, the last segment is sent
 * again, or a new one, so that RACK learns what was lost and the RTO need not. */
#include "tcp/conn.h"

static const int64_t MAX_ACK_DELAY_NS = 200 * NS_PER_MS;    /* of peers, when one segment alone waits for its ACK */
static const int64_t LEAST_NS = 10 * NS_PER_MS;             /* §7.2 has none; no clock of a peer's application is finer */
static const int64_t UNKNOWN_NS = NS_PER_SEC;

static bool may_probe(const struct tcp_conn *c)
{
    const struct tcp_flight *f = c->flight;
    if (!c->sack || !f || !in_flight(c) || c->snd.wnd == 0 || !state_in(c, HAS_OUTPUT))
        return false;
    return f->rec.phase == REC_OPEN && !f->board.sacked_bytes && !f->board.lost_bytes && !tcp_rare(c)->rack.probing;
}

/* §7.2: after new text has left, and after each acknowledgment of some [RFC8985-7.2a]. */
void tcp_tlp_schedule(struct tcp_conn *c, int64_t now_ns)
{
    if (!may_probe(c)) {
        tcp_timer_on_probe_due(c, DEADLINE_NEVER);
        return;
    }
    int64_t pto_ns = c->rtt.srtt_ns ? 2 * c->rtt.srtt_ns : UNKNOWN_NS;
    if (in_flight(c) <= c->mss)
        pto_ns += MAX_ACK_DELAY_NS;             /* [RFC8985-7.2b] */
    tcp_timer_on_probe_due(c, time_after(now_ns, time_max(pto_ns, LEAST_NS)));
}

void tcp_tlp_expired(struct tcp_conn *c, int64_t now_ns)
{
    if (!may_probe(c))
        return;
    tcp_timer_on_probed(c, now_ns);             /* whether one leaves or not [RFC8985-7.3b] */
    tcp_due_tail(c);
    tcp_wake(c);
}

/* §7.3: new text if there is some and the window has room, whatever congestion control says; else
 * the last segment again [RFC8985-7.3a]. */
bool tcp_tlp_pick(const struct tcp_conn *c, struct tcp_tx *x)
{
    const uint32_t mss = tcp_seg_mss(c);
    const int32_t fresh = seq_diff(c->snd.end, c->snd.nxt), room = seq_diff(seq_add(c->snd.una, c->snd.wnd), c->snd.nxt);
    if (!may_probe(c))
        return false;
    *x = (struct tcp_tx){ .seq = c->snd.nxt, .flags = ACK };
    if (fresh > 0 && room > 0) {
        x->len = (uint32_t)(fresh < room ? fresh : room);
        x->len = x->len < mss ? x->len : mss;
        return true;
    }
    const struct sent_seg *s = board_seg(&c->t->sent, c->flight->board.all.last);
    const seq_t end = seq_min(s->to, c->snd.end);
    const uint32_t len = seq_lt(s->from, end) ? (uint32_t)seq_diff(end, s->from) : 0;
    x->len = len < mss ? len : mss;
    x->seq = seq_sub(end, x->len);
    return true;
}

void tcp_tlp_sent(struct tcp_conn *c, const struct tcp_tx *x, bool again, int64_t now_ns)
{
    struct tcp_rare *r = tcp_rare_need(c);
    r->rack.probing = true;
    r->rack.probe_again = again;
    r->rack.probe_end = c->snd.nxt;
    TRACE(c->t->trace, now_ns, c->serial, tcp_tail_probe, .seq = x->seq.n, .len = x->len, .again = again);
}

void tcp_tlp_forget(struct tcp_conn *c)
{
    if (c->rare)
        c->rare->rack.probing = false;
}

/* §7.4.2.  True: the probe has repaired a loss, which congestion control must hear of. */
bool tcp_tlp_on_ack(struct tcp_conn *c, const struct tcp_news *n)
{
    if (!c->rare)
        return false;
    struct tcp_rack *k = &c->rare->rack;
    if (!k->probing || seq_lt(n->ack, k->probe_end))
        return false;
    const bool beyond = seq_lt(k->probe_end, n->ack);
    if (!k->probe_again || (n->dsack && seq_eq(n->dup.to, k->probe_end))) {     /* case 1: both arrived [RFC8985-7.4a] */
        k->probing = false;
    } else if (beyond) {                        /* only one did [RFC8985-7.4b] */
        k->probing = false;
        return true;
    } else if (n->duplicate && !n->sacks) {     /* case 2 */
        k->probing = false;
    }
    return false;
}
