/* What the user committed, what was sent of it and what was acknowledged: the SND
 * variables, the send buffer and the one timed segment. */
#include "tcp/conn.h"

void tcp_sent_open(struct tcp_conn *c, seq_t iss)
{
    c->snd.iss = c->snd.una = c->snd.nxt = iss;
    c->snd.end = c->snd.push = seq_add(iss, 1);
    c->snd.up = seq_add(iss, 1);
}

void tcp_sent_window(struct tcp_conn *c, seq_t seq, seq_t ack, uint32_t wnd)
{
    if ((c->snd.wnd == 0) != (wnd == 0))
        TRACE(c->t->trace, c->t->now_ns, c->serial, tcp_window, .snd_wnd = wnd);
    c->snd.wnd = wnd;
    c->snd.wl1 = seq;
    c->snd.wl2 = ack;
    if (wnd > c->snd.max_wnd)
        c->snd.max_wnd = wnd; /* [RFC5961-5.2b] */
}

/* Room is lent block by block, so that what the user writes is never moved. */
uint8_t *tcp_sent_room(struct tcp_conn *c, uint32_t *room)
{
    const seq_t first = snd_first(c);
    const uint32_t queued = (uint32_t)seq_diff(c->snd.end, first);
    const uint32_t pos = snd_pos(c, c->snd.end);
    if (queued >= c->send_buffer)
        return NULL;
    const uint32_t spare = queued ? tcp_spare_to_send_more(c->t, queued / TCP_BLOCK) : tcp_spare_to_send(c->t);
    const struct buf_range r = { .first = snd_pos(c, first), .pos = pos, .len = 1, .spare = spare };
    if (!buf_need(&c->t->blocks, &c->sbuf, &r)) {
        if (queued == 0)                        /* else what its peer acknowledges wakes it */
            tcp_starved(c);
        return NULL;
    }
    uint32_t len;
    uint8_t *at = buf_at(&c->t->blocks, &c->sbuf, pos, &len);
    *room = len < c->send_buffer - queued ? len : c->send_buffer - queued;
    return at;
}

void tcp_sent_queued(struct tcp_conn *c, uint32_t n, bool push, bool urgent)
{
    c->snd.end = seq_add(c->snd.end, n);
    if (push)
        c->snd.push = c->snd.end;
    if (urgent)
        c->snd.up = c->snd.end;                 /* behind the urgent data [MUST-62], however long [MUST-31] */
}

void tcp_sent_pushed(struct tcp_conn *c) { c->snd.push = c->snd.end; }

/* [from, to) leaves now. */
void tcp_sent_advance(struct tcp_conn *c, seq_t from, seq_t to, int64_t now_ns)
{
    struct tcp_flight *f = tcp_flight_need(c);
    const bool is_new = seq_eq(from, c->snd.nxt);
    if (is_new && !f->timed.on) /* [RFC6298-3b] */
        f->timed = (struct tcp_timed){ .end = to, .sent_ns = now_ns, .on = true };
    if (!is_new && f->timed.on && seq_lt(from, f->timed.end))
        f->timed.on = false;                    /* Karn: what was sent twice is not timed [MUST-18] [RFC6298-3a] */
    if (seq_lt(c->snd.nxt, to))
        c->snd.nxt = to;
}

void tcp_sent_syn_before(struct tcp_conn *c) { c->snd.nxt = seq_add(c->snd.iss, 1); }

void tcp_sent_untime(struct tcp_conn *c)
{
    if (c->flight)
        c->flight->timed.on = false;
}

/* SND.UNA <- SEG.ACK; gives back what was acknowledged. */
struct sent_acked tcp_sent_acked(struct tcp_conn *c, seq_t ack, int64_t time_ns)
{
    struct sent_acked r = { .bytes = (uint32_t)seq_diff(ack, c->snd.una), .rtt_ns = -1 };
    struct tcp_flight *f = c->flight;
    const seq_t from = snd_first(c), to = seq_min(ack, c->snd.end);
    r.fin = c->fin_queued && seq_lt(c->snd.end, ack);
    c->snd.una = ack;
    if (seq_lt(c->snd.up, ack))
        c->snd.up = ack;                        /* keeps within half the sequence space */
    if (seq_lt(c->snd.push, ack))
        c->snd.push = ack;
    if (f && f->timed.on && seq_le(f->timed.end, ack)) {
        r.rtt_ns = time_ns - f->timed.sent_ns;
        f->timed.on = false;
    }
    if (!seq_lt(from, to))
        return r;
    if (seq_eq(to, c->snd.end) && !c->reserved)
        buf_clear(&c->t->blocks, &c->sbuf, snd_pos(c, from), snd_pos(c, to));
    else
        buf_drop(&c->t->blocks, &c->sbuf, snd_pos(c, from), snd_pos(c, to));
    return r;
}

void tcp_sent_clear(struct tcp_conn *c)
{
    const seq_t first = snd_first(c);
    if (seq_le(first, c->snd.end))
        buf_clear(&c->t->blocks, &c->sbuf, snd_pos(c, first), snd_pos(c, c->snd.end));
    c->snd.una = c->snd.nxt = c->snd.end;
}
