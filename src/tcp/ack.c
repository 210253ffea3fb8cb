/* An acceptable acknowledgment: §3.10.7.4 fifth, ESTABLISHED. */
#include "tcp/conn.h"

/* A sample of the segment that left first; when all were sent twice, by the time stamp, which
 * tells the two apart (RFC 6298 §3). */
static void take_rtt(struct tcp_conn *c, const struct tcp_seg *s, const struct sent_acked *a)
{
    int64_t rtt_ns = a->first_rtt_ns;
    if (rtt_ns < 0 && c->ts.on && s->has_ts && s->ts_ecr && c->flight && c->flight->rec.resent) { /* [RFC7323-4.1] */
        const int32_t ms = (int32_t)(tcp_ts_clock(c->ts.offset, s->time_ns) - s->ts_ecr);
        rtt_ns = ms < 0 ? -1 : ms * NS_PER_MS;
    }
    if (rtt_ns >= 0)
        tcp_rtt_sample(c, rtt_ns, s->now_ns);
}

void tcp_on_syn_acked(struct tcp_conn *c, const struct tcp_seg *s)
{
    const struct sent_acked a = tcp_sent_acked(c, s->ack, s->time_ns);
    take_rtt(c, s, &a);
    tcp_timer_on_progress(c, s->now_ns);
    tcp_flight_done(c);
}

enum { ROOM_ENOUGH = 256 * 1024 };      /* a large buffer need not run low before the user hears of it */

static void tell_writable(struct tcp_conn *c)
{
    const uint32_t queued = (uint32_t)seq_diff(c->snd.end, c->snd.una), third = c->send_buffer / 3;
    if (!c->want_write || (queued && queued > c->send_buffer - (third < ROOM_ENOUGH ? third : ROOM_ENOUGH)))
        return;
    c->want_write = false;
    tcp_ready(c, TCP_WRITABLE);
}

static void advance(struct tcp_conn *c, const struct tcp_seg *s)
{
    const uint32_t before = in_flight(c);
    const struct sent_acked a = tcp_sent_acked(c, s->ack, s->time_ns);
    const bool recovering = c->flight && c->flight->rec.phase == REC_FAST;
    take_rtt(c, s, &a);
    c->soft_error = PLUMB_OK;
    if (!recovering || !in_flight(c))
        tcp_timer_on_progress(c, s->now_ns);    /* in fast recovery recover.c decides */
    if (c->flight)
        tcp_recover_on_ack(c, &(struct recover_ack){ .bytes = a.bytes, .in_flight = before, .rtt_ns = a.last_rtt_ns, .now_ns = s->now_ns });
    if (a.fin)
        tcp_ready(c, TCP_WRITABLE);
    tcp_sent_tune(c);
    tell_writable(c);
}

/* RFC 5681 §2, DUPLICATE ACKNOWLEDGMENT. */
static bool is_duplicate(const struct tcp_conn *c, const struct tcp_seg *s, uint32_t wnd)
{
    return in_flight(c) && s->text_len == 0 && !(s->flags & (SYN | FIN)) && seq_eq(s->ack, c->snd.una) && wnd == c->snd.wnd && wnd > 0;
}

/* An acknowledgment that moves SND.UNA always brings its window: were it left out
 * because the segment fills a gap below SND.WL1, SND.UNA+SND.WND would reach beyond
 * what the peer ever offered. */
static void update_window(struct tcp_conn *c, const struct tcp_seg *s, uint32_t wnd, bool advances)
{
    if (!advances && !seq_lt(c->snd.wl1, s->seq) && !(seq_eq(c->snd.wl1, s->seq) && seq_le(c->snd.wl2, s->ack)))
        return;                                 /* an old segment says nothing about the window of today */
    const uint32_t old = c->snd.wnd;
    tcp_sent_window(c, s->seq, s->ack, wnd);    /* 32 bits, unsigned [MUST-1] [REC-1]; it may shrink [MUST-34] */
    if (wnd <= old)
        return;
    if (old == 0) {
        tcp_recover_resend_all(c);              /* the probe's octet may not have been taken */
        if (in_flight(c))
            tcp_timer_on_progress(c, s->now_ns);
    }
    tcp_timer_on_unblocked(c);
}

void tcp_on_ack(struct tcp_conn *c, const struct tcp_seg *s)
{
    const uint32_t wnd = s->wnd << c->snd_scale; /* [RFC7323-2.3b] */
    const bool advances = seq_lt(c->snd.una, s->ack);
    tcp_timer_on_heard(c);
    if (c->ecn.mode != ECN_NONE)
        tcp_ecn_heard(c, s, advances);
    if (advances)
        advance(c, s);
    else if (is_duplicate(c, s, wnd))
        tcp_recover_on_dup_ack(c, s->now_ns);
    if (seq_le(c->snd.una, s->ack))
        update_window(c, s, wnd, advances);
    tcp_flight_done(c);
}
