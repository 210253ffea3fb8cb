/* An acceptable acknowledgment: §3.10.7.4 fifth, ESTABLISHED. */
#include "tcp/conn.h"

/* A sample of the segment that left first; when all were sent twice, by the time stamp,
 * which tells the two apart (RFC 6298 §3). */
static void take_rtt(struct tcp_conn *c, const struct tcp_news *n)
{
    int64_t rtt_ns = n->first_rtt_ns;
    if (n->last_rtt_ns >= 0)
        tcp_rtt_least(c, n->last_rtt_ns, n->now_ns);
    if (!n->acked)                              /* the timeout stays backed off until SND.UNA moves */
        return;
    if (rtt_ns < 0 && n->has_ecr && c->flight && c->flight->rec.resent) /* [RFC7323-4.1] */
        rtt_ns = tcp_ts_age_ns(c, n->ts_ecr, n->time_ns);
    if (rtt_ns >= 0)
        tcp_rtt_sample(c, rtt_ns, n->now_ns);
}

static struct tcp_news news_of(const struct tcp_conn *c, const struct tcp_seg *s)
{
    return (struct tcp_news){ .ack = s->ack, .flight = in_flight(c), .ts_ecr = s->ts_ecr, .has_ecr = c->ts.on && s->has_ts && s->ts_ecr,
                              .first_rtt_ns = -1, .last_rtt_ns = -1, .time_ns = s->time_ns, .now_ns = s->now_ns };
}

void tcp_on_syn_acked(struct tcp_conn *c, const struct tcp_seg *s)
{
    struct tcp_news n = news_of(c, s);
    tcp_sent_acked(c, s->ack, &n);
    take_rtt(c, &n);
    tcp_timer_on_progress(c, s->now_ns);
    if (c->fast_open.text_out)
        tcp_recover_resend_all(c);              /* text on our SYN that was not taken */
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

/* What it says of what was sent. */
static void learn(struct tcp_conn *c, const struct tcp_seg *s, struct tcp_news *n)
{
    if (seq_lt(c->snd.una, s->ack)) {
        tcp_sent_acked(c, s->ack, n);
        c->soft_error = PLUMB_OK;
    }
    if (c->sack && s->opt.n_sack)
        tcp_sacked(c, s, n);
    if (n->dsack)
        tcp_rack_on_dsack(c);
    if (n->delivered)
        take_rtt(c, n);
}

void tcp_on_ack(struct tcp_conn *c, const struct tcp_seg *s)
{
    const uint32_t wnd = s->wnd << c->snd_scale; /* [RFC7323-2.3b] */
    struct tcp_news n = news_of(c, s);
    n.duplicate = is_duplicate(c, s, wnd);
    tcp_timer_on_heard(c);
    tcp_rate_begin(c);
    if (c->ecn.mode != ECN_NONE)
        tcp_ecn_heard(c, s, seq_lt(c->snd.una, s->ack));
    learn(c, s, &n);
    const bool partial = !c->sack && c->flight && c->flight->rec.phase == REC_FAST && in_flight(c);
    if (c->flight)
        tcp_recover_on_news(c, &n);
    else
        (void)tcp_tlp_on_ack(c, &n);
    if (n.acked) {
        if (!partial)
            tcp_timer_on_progress(c, s->now_ns);    /* with NewReno in fast recovery it was decided above */
        if (n.fin)
            tcp_ready(c, TCP_WRITABLE);
        tcp_pmtu_on_ack(c, s->now_ns);
        tcp_sent_tune(c);
        tell_writable(c);
    }
    if (seq_le(c->snd.una, s->ack))
        update_window(c, s, wnd, n.acked > 0);
    if (c->sack && (n.acked || n.sacked))
        tcp_tlp_schedule(c, s->now_ns);
    tcp_flight_done(c);
}
