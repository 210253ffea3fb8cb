/* Header prediction: what nearly every segment of a bulk transfer is, in fewer steps.
 * It stands beside the slow path and must do the same; no_fast_path switches it off. */
#include "tcp/conn.h"

static bool predicted(const struct tcp_conn *c, const struct tcp_seg *s)
{
    if (c->state != ESTABLISHED || (s->flags & ~(PSH | ECE | CWR)) != ACK || !seq_eq(s->seq, c->rcv.nxt))
        return false;
    if (s->text_len > rcv_wnd(c) || rcv_has_gap(c) || c->rcv.fin_held)
        return false;
    if (!seq_le(c->snd.una, s->ack) || !seq_le(s->ack, c->snd.nxt))
        return false;
    return !c->ts.on || (s->has_ts && !tcp_paws_old(c, s)); /* [RFC7323-5.3c] */
}

bool tcp_fast(struct tcp_conn *c, struct tcp_seg *s)
{
    if (!predicted(c, s))
        return false;
    if (c->ts.on)
        tcp_ts_update(c, s);
    if (c->ecn.mode != ECN_NONE)
        tcp_ecn_arrived(c, s);
    tcp_on_ack(c, s);
    if (s->text_len == 0)
        return true;
    uint32_t advanced;
    const enum why why = tcp_rcv_text(c, s->seq, s->text, s->text_len, &advanced);
    if (why != WHY_NONE) {
        tcp_owe_own_ack(c);
        (void)tcp_drop(c->t, s, why);
        return true;
    }
    tcp_owe_text_ack(c, advanced, s->part, s->now_ns);
    tcp_ready(c, TCP_READABLE);
    return true;
}
