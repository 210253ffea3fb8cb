/* A segment arrives in any other state: §3.10.7.4.  One function per numbered step,
 * in the RFC's order; each says the segment's fate, or that it goes on. */
#include "tcp/conn.h"

/* Table 6. */
static bool acceptable(const struct tcp_conn *c, const struct tcp_seg *s)
{
    const uint32_t wnd = rcv_wnd(c);
    const int32_t from = seq_diff(s->seq, c->rcv.nxt), last = from + (int32_t)s->len - 1;
    if (wnd == 0)
        return from == 0;                       /* ACK, URG and RST are taken even so [MUST-66]; text is not */
    if (from >= 0 && (uint32_t)from < wnd)
        return true;
    return s->len > 0 && last >= 0 && (uint32_t)last < wnd;
}

/* In SYN-RECEIVED the peer may still be saying SYN: again, because our answer was
 * lost; or with its ACK, when both opened at once. */
static seg_fate syn_again(struct tcp_conn *c, struct tcp_seg *s)
{
    if (c->state != SYN_RECEIVED || !(s->flags & SYN) || (s->flags & RST) || !seq_eq(s->seq, c->rcv.irs))
        return SEG_GOES_ON;
    if (s->flags & ACK) {
        if (c->passive)
            return SEG_GOES_ON;
        s->flags &= (uint8_t)~SYN;
        s->seq = seq_add(s->seq, 1);
        s->len--;
        return SEG_GOES_ON;
    }
    if (c->passive)
        tcp_ecn_agree(c, s);                    /* it may ask for less now, because what it asked for was lost */
    if (!c->hold)
        tcp_due_syn(c);
    return tcp_drop(c->t, s, WHY_SEGMENT_DUPLICATE);
}

/* Text that lies below RCV.NXT: the peer is told which (RFC 2883 §4). */
static bool came_twice(struct tcp_conn *c, const struct tcp_seg *s)
{
    if (!c->sack || s->text_len == 0 || !seq_lt(s->seq, c->rcv.nxt))
        return false;
    tcp_sack_dup(c, (struct span){ s->seq, seq_min(seq_add(s->seq, s->text_len), c->rcv.nxt) });
    return true;
}

/* First, check sequence number; before it PAWS, RFC 7323 §5.3 R1. [RFC7323-5.3b] */
static seg_fate first_sequence(struct tcp_conn *c, struct tcp_seg *s)
{
    const bool rst = s->flags & RST;
    if (c->ts.on && !rst && !s->has_ts) /* [RFC7323-3.2c] */
        return tcp_drop(c->t, s, WHY_TS_MISSING);
    if (c->ts.on && !rst && tcp_paws_old(c, s)) { /* [RFC7323-5.3a] */
        if (s->text_len == 0)
            return tcp_challenge(c, s, WHY_PAWS);
        (void)came_twice(c, s);
        tcp_owe_own_ack(c);
        return tcp_drop(c->t, s, WHY_PAWS);
    }
    const seg_fate fate = syn_again(c, s);
    if (fate != SEG_GOES_ON)
        return fate;
    if (acceptable(c, s)) {
        if (c->ts.on)
            tcp_ts_update(c, s);
        tcp_ecn_arrived(c, s);
        return SEG_GOES_ON;
    }
    if (rst)
        return tcp_drop(c->t, s, WHY_RST_OUT_OF_WINDOW); /* [RFC5961-3.2a] */
    const enum why why = s->len && seq_le(seq_add(s->seq, s->len), c->rcv.nxt) ? WHY_SEGMENT_DUPLICATE : WHY_OUT_OF_WINDOW;
    if (s->flags & SYN)
        return tcp_challenge(c, s, WHY_SYN_ON_CONNECTION);      /* RFC 5961 §4.2: irrespective of the number */
    if (s->text_len == 0)
        return tcp_challenge(c, s, why);                        /* limited, or two ends could go on forever */
    (void)came_twice(c, s);
    tcp_owe_own_ack(c);
    return tcp_drop(c->t, s, why);
}

/* Second, check the RST bit: RFC 5961 §3.2. [RFC5961-3.2b] */
static seg_fate second_rst(struct tcp_conn *c, struct tcp_seg *s)
{
    if (!(s->flags & RST))
        return SEG_GOES_ON;
    if (!seq_eq(s->seq, c->rcv.nxt))
        return tcp_challenge(c, s, WHY_RST_NOT_EXACT); /* [RFC5961-3.2c] */
    const bool refused = c->state == SYN_RECEIVED && !c->fast_open.early;      /* if passive: back to LISTEN, nobody is told */
    tcp_fast_open_reset(c, s->now_ns);
    tcp_end(c, refused ? PLUMB_REFUSED : PLUMB_RESET, refused ? WHY_REFUSED : WHY_PEER_RESET, s->now_ns);
    return SEG_TAKEN;                                           /* text in it is allowed [SHLD-2] */
}

/* Fourth, check the SYN bit (third, security: not used). */
static seg_fate fourth_syn(struct tcp_conn *c, struct tcp_seg *s)
{
    if (!(s->flags & SYN))
        return SEG_GOES_ON;
    if (c->state == SYN_RECEIVED && c->passive) {               /* return to LISTEN */
        tcp_end(c, PLUMB_REFUSED, WHY_SYN_ON_CONNECTION, s->now_ns);
        return tcp_drop(c->t, s, WHY_SYN_ON_CONNECTION);
    }
    return tcp_challenge(c, s, WHY_SYN_ON_CONNECTION);          /* RFC 5961 §4.2 [RFC5961-4.2] */
}

static seg_fate syn_acked(struct tcp_conn *c, struct tcp_seg *s)
{
    if (!(seq_lt(c->snd.una, s->ack) && seq_le(s->ack, c->snd.nxt)))
        return tcp_drop_rst(c->t, s, WHY_ACK_UNACCEPTABLE);
    if (c->queued_in == QUEUE_SYN && c->listener->n[QUEUE_ACCEPT] >= c->listener->opt.backlog)
        return tcp_drop(c->t, s, WHY_ACCEPT_QUEUE_FULL);        /* our SYN-ACK goes again, and so will this */
    tcp_sent_window(c, s->seq, s->ack, s->wnd << c->snd_scale);
    tcp_on_syn_acked(c, s);
    tcp_established(c, s->now_ns);
    return SEG_GOES_ON;
}

/* RFC 5961 §5.2: SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT [MAY-12]. [RFC5961-5.2a] */
static enum why ack_range(const struct tcp_conn *c, const struct tcp_seg *s)
{
    if (seq_lt(c->snd.nxt, s->ack))
        return WHY_ACK_FUTURE;
    const int32_t back = seq_diff(c->snd.una, s->ack);
    return back > 0 && (uint32_t)back > c->snd.max_wnd ? WHY_ACK_OLD : WHY_NONE;
}

/* Fifth, check the ACK field. */
static seg_fate fifth_ack(struct tcp_conn *c, struct tcp_seg *s)
{
    if (!(s->flags & ACK))
        return tcp_drop(c->t, s, WHY_NO_ACK);
    if (c->state == SYN_RECEIVED) {
        const seg_fate fate = syn_acked(c, s);
        if (fate != SEG_GOES_ON)
            return fate;
    }
    const enum why why = ack_range(c, s);
    if (why != WHY_NONE)
        return tcp_challenge(c, s, why);
    tcp_on_ack(c, s);
    if (!fin_acked(c))
        return SEG_GOES_ON;
    switch (c->state) {
    case FIN_WAIT_1:
        tcp_set_state(c, FIN_WAIT_2, WHY_FIN_ACKED, s->now_ns);
        if (c->orphan)
            tcp_timer_on_orphan_wait(c, s->now_ns);
        return SEG_GOES_ON;
    case CLOSING:
        tcp_timewait_enter(c, WHY_FIN_ACKED, s->now_ns);
        return SEG_TAKEN;
    case LAST_ACK:
        tcp_end(c, PLUMB_OK, WHY_FIN_ACKED, s->now_ns);
        return SEG_TAKEN;
    default:
        return SEG_GOES_ON;
    }
}

/* Sixth, check the URG bit [MUST-30]. */
static void sixth_urg(struct tcp_conn *c, const struct tcp_seg *s)
{
    if ((s->flags & URG) && s->urgent && state_in(c, CAN_RECEIVE))
        tcp_rcv_urgent(c, seq_add(s->seq, s->urgent));
}

/* Trims to what lies in the window and is new; a FIN that is cut off was not sent. */
static void trim(const struct tcp_conn *c, struct tcp_seg *s)
{
    const int32_t old = seq_diff(c->rcv.nxt, s->seq);
    if (old > 0) {
        const uint32_t cut = (uint32_t)old < s->text_len ? (uint32_t)old : s->text_len;
        s->text += cut;
        s->text_len -= cut;
        s->seq = seq_add(s->seq, cut);
    }
    const int32_t room = seq_diff(c->rcv.edge, s->seq);
    if (room < (int32_t)s->text_len) {
        s->text_len = room > 0 ? (uint32_t)room : 0;
        s->flags &= (uint8_t)~FIN;
    }
}

/* Seventh, process the segment text. */
static seg_fate seventh_text(struct tcp_conn *c, struct tcp_seg *s)
{
    if (s->text_len == 0)
        return SEG_GOES_ON;
    if (!state_in(c, CAN_RECEIVE))
        return tcp_drop(c->t, s, WHY_AFTER_FIN);
    if (c->orphan) {                            /* nobody will read it: say so [SHLD-3] */
        tcp_reply_abort(c, s->now_ns);
        tcp_end(c, PLUMB_CLOSED, WHY_DATA_AFTER_CLOSE, s->now_ns);
        return tcp_drop(c->t, s, WHY_DATA_AFTER_CLOSE);
    }
    const bool gap = rcv_has_gap(c), twice = came_twice(c, s);
    uint32_t advanced;
    trim(c, s);
    if (s->text_len == 0) {
        tcp_owe_own_ack(c);                     /* a probe of the closed window */
        return s->flags & FIN ? SEG_GOES_ON : tcp_drop(c->t, s, WHY_OUT_OF_WINDOW);
    }
    const enum why why = tcp_rcv_text(c, s->seq, s->text, s->text_len, &advanced);
    if (advanced == 0)
        tcp_owe_own_ack(c);                     /* out of order: RFC 5681 §4.2 [MAY-13] */
    if (why != WHY_NONE)
        return tcp_drop(c->t, s, why);
    if (advanced == 0)
        return SEG_GOES_ON;
    if (gap || twice)
        tcp_owe_ack_now(c);                     /* fills a gap: RFC 5681 §4.2 */
    else
        tcp_owe_text_ack(c, advanced, s->part, s->now_ns);
    tcp_ready(c, TCP_READABLE);
    return SEG_GOES_ON;
}

/* Eighth, check the FIN bit: in its turn, which may have come only now. */
static seg_fate eighth_fin(struct tcp_conn *c, const struct tcp_seg *s)
{
    if (!state_in(c, CAN_RECEIVE))
        return SEG_TAKEN;
    if (s->flags & FIN)
        tcp_rcv_hold_fin(c, seq_add(s->seq, s->text_len));
    if (!c->rcv.fin_held)
        return SEG_TAKEN;
    if (!seq_eq(c->rcv.fin_at, c->rcv.nxt)) {
        if (s->flags & FIN && s->text_len == 0)
            tcp_owe_own_ack(c);
        return SEG_TAKEN;
    }
    tcp_rcv_fin(c);
    tcp_owe_ack_now(c);
    tcp_ready(c, TCP_READABLE);
    if (c->state == ESTABLISHED)
        tcp_set_state(c, CLOSE_WAIT, WHY_PEER_FIN, s->now_ns);
    else if (c->state == FIN_WAIT_1)
        tcp_set_state(c, CLOSING, WHY_PEER_FIN, s->now_ns);
    else
        tcp_timewait_enter(c, WHY_PEER_FIN, s->now_ns);
    return SEG_TAKEN;
}

seg_fate tcp_arrive_from_urg(struct tcp_conn *c, struct tcp_seg *s)
{
    sixth_urg(c, s);
    const seg_fate fate = seventh_text(c, s);
    return fate == SEG_GOES_ON ? eighth_fin(c, s) : fate;
}

seg_fate tcp_arrive_other(struct tcp_conn *c, struct tcp_seg *s)
{
    static seg_fate (*const step[])(struct tcp_conn *, struct tcp_seg *) = { first_sequence, second_rst, fourth_syn, fifth_ack };
    for (unsigned i = 0; i < sizeof step / sizeof step[0]; i++) {
        const seg_fate fate = step[i](c, s);
        if (fate != SEG_GOES_ON)
            return fate;
    }
    return tcp_arrive_from_urg(c, s);
}
