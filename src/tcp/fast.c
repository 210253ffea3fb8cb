/* What fast_in.c predicts, where it came with options that had to be read first, or lacked room.
 * It stands beside the slow path and must do the same; no_fast_path switches it off. */
#include "tcp/fast.h"

bool tcp_fast(struct tcp_conn *c, struct tcp_seg *s)
{
    if (!tcp_predicted(c, s))
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
