/* A segment arrives in SYN-SENT: §3.10.7.3, in its order. */
#include "tcp/conn.h"

seg_fate tcp_arrive_syn_sent(struct tcp_conn *c, struct tcp_seg *s)
{
    const bool has_ack = s->flags & ACK, has_rst = s->flags & RST;
    const bool ack_ok = has_ack && seq_lt(c->snd.iss, s->ack) && seq_le(s->ack, c->snd.nxt);

    /* First, the ACK bit. */
    if (has_ack && !ack_ok)
        return has_rst ? tcp_drop(c->t, s, WHY_ACK_UNACCEPTABLE) : tcp_drop_rst(c->t, s, WHY_ACK_UNACCEPTABLE);

    /* Second, the RST bit.  Without an ACK it could come from anyone. */
    if (has_rst && !ack_ok)
        return tcp_drop(c->t, s, WHY_RST_WITHOUT_ACK);
    if (has_rst) {
        tcp_end(c, PLUMB_REFUSED, WHY_REFUSED, s->now_ns);
        return SEG_TAKEN;
    }

    /* Third, security: not used.  Fourth, the SYN bit.  (Fifth: neither SYN nor RST, drop.) */
    if (!(s->flags & SYN))
        return tcp_drop(c->t, s, WHY_NO_SYN);

    tcp_rcv_open(c, s->seq, tcp_syn_window(c));
    tcp_negotiate(c, s);
    tcp_sent_window(c, s->seq, has_ack ? s->ack : c->snd.iss, s->wnd);  /* a SYN's window is never scaled [RFC7323-2.2c] */

    if (!ack_ok) {                              /* both sides opened at once [MUST-10] */
        tcp_set_state(c, SYN_RECEIVED, WHY_SYN_ARRIVED, s->now_ns);
        tcp_due_syn(c);
        return SEG_TAKEN;
    }
    tcp_on_syn_acked(c, s);
    tcp_fast_open_answered(c, s);
    tcp_established(c, s->now_ns);
    tcp_owe_ack_now(c);
    s->seq = seq_add(s->seq, 1);                /* the SYN is done with; text may follow it */
    s->flags &= (uint8_t)~SYN;
    s->len--;
    return tcp_arrive_from_urg(c, s);
}
