/* What a connection has done so far, and what it waited for (TCP_INFO).  While something is to
 * be sent or acknowledged it is busy; of that time the peer's window held it back for so long,
 * and the send buffer, which was too small for its user, for so long.  In the rest of its
 * life the user had nothing to send. */
#include "tcp/fast.h"

static void count_sent(struct tcp_conn *c, uint32_t n)
{
    c->tally.bytes_sent += n;
    if (c->tally.bytes_sent < n)
        tcp_rare_need(c)->tally.sent_high++;
}

static void count_acked(struct tcp_conn *c, uint32_t n)
{
    c->tally.bytes_acked += n;
    if (c->tally.bytes_acked < n)
        tcp_rare_need(c)->tally.acked_high++;
}

static void count_received(struct tcp_conn *c, uint32_t n)
{
    c->tally.bytes_received += n;
    if (c->tally.bytes_received < n)
        tcp_rare_need(c)->tally.received_high++;
}

void tcp_tally_out(struct tcp_conn *c, const struct tcp_tx *x)
{
    struct tcp_tally *y = &c->tally;
    const uint32_t mss = tcp_seg_mss(c), wire = x->len > mss && !x->probe ? (x->len + mss - 1) / mss : 1;
    y->segs_out += wire;
    if (x->len == 0)
        return;
    y->text_out += wire;
    count_sent(c, x->len);
    if (seq_lt(x->seq, c->snd.nxt))
        tcp_rare_need(c)->tally.bytes_resent += x->len;
}

void tcp_tally_text_in(struct tcp_conn *c, uint32_t bytes)
{
    c->tally.segs_in++;
    c->tally.text_in++;
    count_received(c, bytes);
}

void tcp_tally_text_out(struct tcp_conn *c, uint32_t segs, uint32_t bytes)
{
    c->tally.segs_out += segs;
    c->tally.text_out += segs;
    count_sent(c, bytes);
}

static seq_t text_acked(const struct tcp_conn *c) { return seq_min(snd_first(c), c->snd.end); }

/* The segment was a SYN that found nobody yet. */
void tcp_tally_syn_text(struct tcp_conn *c, uint32_t bytes)
{
    c->tally.segs_in++;
    c->tally.text_in++;
    count_received(c, bytes);
}

/* Around a segment that arrives: where both streams stood before. */
struct tcp_tally_mark tcp_tally_before(struct tcp_conn *c, const struct tcp_seg *s)
{
    struct tcp_tally *y = &c->tally;
    const uint32_t wire = s->part && s->part < s->text_len ? (s->text_len + s->part - 1) / s->part : 1;
    y->segs_in += wire;
    y->text_in += s->text_len ? wire : 0;
    return (struct tcp_tally_mark){ text_acked(c), rcv_text_end(c), c->state == SYN_SENT };
}

void tcp_tally_after(struct tcp_conn *c, const struct tcp_tally_mark *m, int64_t now_ns)
{
    if (c->state != SYN_SENT && c->state != CLOSED && c->state != TIME_WAIT) {
        count_acked(c, (uint32_t)seq_diff(text_acked(c), m->una));
        count_received(c, (uint32_t)seq_diff(rcv_text_end(c), m->opening ? seq_add(c->rcv.irs, 1) : m->nxt));
    }
    tcp_tally_limits(c, now_ns);
}

static enum tcp_limit limit_now(const struct tcp_conn *c)
{
    const uint32_t cwnd = tcp_cwnd(c);
    if (!state_in(c, HAS_OUTPUT) || (!in_flight(c) && !tcp_unsent(c)))
        return LIMIT_USER;
    if (tcp_unsent(c) && c->snd.wnd < cwnd && in_flight(c) + c->mss > c->snd.wnd)
        return LIMIT_WINDOW;
    return !tcp_unsent(c) && c->want_write && in_flight(c) + c->mss <= cwnd ? LIMIT_BUFFER : LIMIT_NETWORK;
}

static void spend(struct tcp_conn *c, unsigned limit, int64_t ns)
{
    if (limit < LIMIT_RARE)
        c->tally.limit_ns[limit] += ns;
    else
        tcp_rare_need(c)->tally.limit_ns[limit - LIMIT_RARE] += ns;
}

void tcp_tally_limits(struct tcp_conn *c, int64_t now_ns)
{
    struct tcp_tally *y = &c->tally;
    const enum tcp_limit now = limit_now(c);
    if (!c->was_connected || (y->begun && now == y->limit))
        return;
    if (y->begun)
        spend(c, y->limit, now_ns);
    else
        y->begun = true;
    y->limit = (uint8_t)now;
    spend(c, now, -now_ns);
}

/* Its life is over. */
void tcp_tally_end(struct tcp_conn *c, int64_t now_ns)
{
    if (c->tally.begun)
        spend(c, c->tally.limit, now_ns);
    c->tally.begun = false;
}

static uint64_t whole(uint32_t high, uint32_t low) { return (uint64_t)high << 32 | low; }

void tcp_info(const struct tcp_conn *c, struct tcp_totals *out, int64_t now_ns)
{
    const struct tcp_tally *y = &c->tally;
    const struct tcp_tally_rare *z = &tcp_rare(c)->tally;
    int64_t spent[TCP_LIMITS];
    for (unsigned i = 0; i < TCP_LIMITS; i++)
        spent[i] = (i < LIMIT_RARE ? y->limit_ns[i] : z->limit_ns[i - LIMIT_RARE]) + (i == y->limit && y->begun ? now_ns : 0);
    *out = (struct tcp_totals){ .bytes_sent = whole(z->sent_high, y->bytes_sent), .bytes_resent = z->bytes_resent,
        .bytes_acked = whole(z->acked_high, y->bytes_acked), .bytes_received = whole(z->received_high, y->bytes_received),
        .segs_in = y->segs_in, .segs_out = y->segs_out, .text_in = y->text_in, .text_out = y->text_out,
        .delivered = c->rate.delivered, .lost = tcp_rare(c)->lost, .min_rtt_ns = c->rtt.min_ns, .user_limited_ns = spent[LIMIT_USER],
        .window_limited_ns = spent[LIMIT_WINDOW], .buffer_limited_ns = spent[LIMIT_BUFFER],
        .busy_ns = spent[LIMIT_WINDOW] + spent[LIMIT_BUFFER] + spent[LIMIT_NETWORK],
        .text_sent_ns = c->sent_ns, .heard_ns = c->heard_ns };
}
