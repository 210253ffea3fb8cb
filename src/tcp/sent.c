/* What the user committed, what was sent of it and what was acknowledged: the SND
 * variables, the send buffer and the records of what is in flight. */
#include "tcp/fast.h"

void tcp_sent_open(struct tcp_conn *c, seq_t iss)
{
    c->snd.iss = c->snd.una = c->snd.nxt = iss;
    c->snd.end = c->snd.push = seq_add(iss, 1);
    c->snd.up = seq_add(iss, 1);
}

static uint32_t min32(uint32_t a, uint32_t b) { return a < b ? a : b; }

static uint32_t send_most(const struct tcp_conn *c)
{
    const struct tcp_config *f = &c->t->cfg;
    const uint32_t asked = tcp_rare(c)->asked.send_most, fixed = asked ? asked : f->send_buffer;
    return min32(fixed ? fixed : f->send_most, BUF_BYTES_MAX - TCP_BLOCK);
}

void tcp_sent_buffer(struct tcp_conn *c, uint32_t asked)
{
    const struct tcp_config *f = &c->t->cfg;
    const uint32_t fixed = asked ? asked : f->send_buffer;
    if (asked || c->rare)
        tcp_rare_need(c)->asked.send_most = asked;
    c->send_buffer = fixed ? send_most(c) : min32(f->send_start, send_most(c));
}

/* What may be in flight, and as much again for the user to fill meanwhile. */
void tcp_sent_tune(struct tcp_conn *c)
{
    const uint32_t cwnd = c->cc.cwnd;
    if (cwnd <= c->send_buffer / 2)
        return;
    const uint32_t most = send_most(c);
    if (c->send_buffer < most)
        c->send_buffer = cwnd > most / 2 ? most : 2 * cwnd;
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
    const uint32_t held = queued / TCP_BLOCK, spare = held < LITTLE_BLOCKS ? tcp_spare_to_send(c->t) : tcp_spare_for_more(c->t, held);
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

/* Bytes at `at`, which the user has committed, and how far they lie in one piece. */
const uint8_t *tcp_sent_at(const struct tcp_conn *c, seq_t at, uint32_t *len)
{
    uint32_t lent = UINT32_MAX;
    const uint8_t *bytes = c->flight && c->flight->loans ? tcp_loan_at(c, at, &lent) : NULL;
    if (!bytes)
        bytes = buf_at(&c->t->blocks, &c->sbuf, snd_pos(c, at), len);
    else
        *len = lent;
    *len = min32(*len, lent);
    return bytes;
}

/* What was sent before leaves again.  Without a record for a part, the whole is taken for it. */
static void sent_again(struct tcp_conn *c, seq_t from, seq_t to, int64_t now_ns)
{
    struct tcp *t = c->t;
    struct scoreboard *b = &c->flight->board;
    uint32_t steps = UINT32_MAX;
    struct sent_seg *first = board_first_lost(&t->sent, b);
    if (!first || !seq_eq(first->from, from))
        first = board_find(&t->sent, b, from, &steps);
    for (struct sent_seg *s = first; s && seq_lt(s->from, to);) {
        struct sent_seg *rest = seq_lt(s->from, from) ? board_split(&t->sent, b, s, from, t->cfg.max_conns) : NULL;
        if (rest)
            s = rest;
        const bool front = seq_lt(to, s->to) && !board_split(&t->sent, b, s, to, t->cfg.max_conns);
        rest = board_seg(&t->sent, s->next);
        if (!(s->flags & SENT_SACKED)) {
            tcp_rate_on_sent(c, &s->rate, now_ns);
            board_resent(&t->sent, b, s, now_ns);       /* Karn: what was sent twice is not timed [MUST-18] [RFC6298-3a] */
            s->flags |= front ? SENT_FRONT : 0;
        }
        s = rest;
    }
}

/* [from, to) leaves now. */
void tcp_sent_advance(struct tcp_conn *c, seq_t from, seq_t to, int64_t now_ns)
{
    (void)tcp_flight_need(c);
    if (seq_lt(from, c->snd.nxt))
        tcp_pmtu_on_resent(c, from, to, now_ns);
    if (seq_lt(from, c->snd.nxt))
        sent_again(c, from, seq_min(to, c->snd.nxt), now_ns);
    if (seq_lt(c->snd.nxt, to))
        tcp_sent_new(c, (uint32_t)seq_diff(to, c->snd.nxt), now_ns);
}

void tcp_sent_new(struct tcp_conn *c, uint32_t len, int64_t now_ns)
{
    const seq_t to = seq_add(c->snd.nxt, len);
    struct sent_seg *s = board_sent(&c->t->sent, &c->flight->board, c->snd.nxt, to, now_ns, c->t->cfg.max_conns);
    tcp_rate_on_sent(c, &s->rate, now_ns);
    c->snd.nxt = to;
}

void tcp_sent_none(struct tcp_conn *c) { c->flight->board = (struct scoreboard){ 0 }; }
void tcp_sent_syn_before(struct tcp_conn *c) { c->snd.nxt = seq_add(c->snd.iss, 1); }

/* `bytes` of a segment are known to have arrived. */
void tcp_sent_delivered(struct tcp_conn *c, const struct sent_seg *s, uint32_t bytes, struct tcp_news *n)
{
    if (s->flags & SENT_DELIVERED)
        return;
    n->delivered += bytes;
    tcp_rate_on_delivered(c, s, bytes, n->time_ns);
    if (c->sack)
        tcp_rack_delivered(c, s, n);
    if (s->flags & SENT_AGAIN)
        return;
    n->original |= seq_le(s->to, c->flight->undo.until);
    if (s->flags & SENT_MANY || bytes != seg_len(s))
        return;
    const int64_t rtt_ns = time_max(n->time_ns - s->sent_ns, 0);
    n->first_rtt_ns = time_max(n->first_rtt_ns, rtt_ns);
    n->last_rtt_ns = n->last_rtt_ns < 0 ? rtt_ns : time_min(n->last_rtt_ns, rtt_ns);
}

/* Those that were sent once and in order, as nearly all are: what each says of the round trip and of the rate the last
 * says best, but for the longest round trip, which is the first's. */
static void acked_in_order(struct tcp_conn *c, seq_t ack, struct tcp_news *n)
{
    struct scoreboard *b = &c->flight->board;
    struct sent_seg first, last;
    const struct sent_seg *s = board_first(&c->t->sent, b);
    if (c->t->cfg.no_fast_path || !s || seq_lt(s->from, c->flight->rack.fack) || !board_pop(&c->t->sent, b, ack, &first))
        return;                                 /* what lies below fack was overtaken: rack.c looks at each */
    uint32_t more = 0;
    last = first;
    for (struct sent_seg next; board_pop(&c->t->sent, b, ack, &next); last = next)
        more += seg_len(&last);
    if (more == 0) {
        tcp_sent_delivered(c, &first, seg_len(&first), n);
        return;
    }
    n->first_rtt_ns = time_max(n->first_rtt_ns, time_max(n->time_ns - first.sent_ns, 0));
    n->original |= seq_le(first.to, c->flight->undo.until);
    n->delivered += more;
    tcp_rate_on_delivered(c, &first, more, n->time_ns);
    tcp_sent_delivered(c, &last, seg_len(&last), n);
}

static void acked(struct tcp_conn *c, seq_t ack, struct tcp_news *n)
{
    struct scoreboard *b = &c->flight->board;
    acked_in_order(c, ack, n);
    for (struct sent_seg *s; (s = board_first(&c->t->sent, b)) && seq_lt(s->from, ack);) {
        const bool whole = seq_le(s->to, ack);
        tcp_sent_delivered(c, s, (uint32_t)seq_diff(seq_min(s->to, ack), s->from), n);
        board_trim(&c->t->sent, b, ack);
        if (whole)
            continue;
        if (s->flags & SENT_FRONT) {            /* the rest of it was not sent again */
            board_lose(&c->t->sent, b, s);
            TRACE(c->t->trace, n->now_ns, c->serial, tcp_lost, .seq = s->from.n, .len = seg_len(s), .how = LOST_NOT);
        }
        return;
    }
}

void tcp_sent_acked(struct tcp_conn *c, seq_t ack, struct tcp_news *n)
{
    const seq_t from = snd_first(c), to = seq_min(ack, c->snd.end);
    n->acked = (uint32_t)seq_diff(ack, c->snd.una);
    n->fin = c->fin_queued && seq_lt(c->snd.end, ack);
    c->snd.una = ack;
    if (seq_lt(c->snd.up, ack))
        c->snd.up = ack;                        /* keeps within half the sequence space */
    if (seq_lt(c->snd.push, ack))
        c->snd.push = ack;
    if (c->flight) {
        acked(c, ack, n);
        tcp_loans_acked(c, ack);
    }
    if (!seq_lt(from, to))
        return;
    if (seq_eq(to, c->snd.end) && !c->reserved)
        buf_clear(&c->t->blocks, &c->sbuf, snd_pos(c, from), snd_pos(c, to));
    else
        buf_drop(&c->t->blocks, &c->sbuf, snd_pos(c, from), snd_pos(c, to));
}

void tcp_sent_clear(struct tcp_conn *c)
{
    const seq_t first = snd_first(c);
    if (seq_le(first, c->snd.end))
        buf_clear(&c->t->blocks, &c->sbuf, snd_pos(c, first), snd_pos(c, c->snd.end));
    if (c->flight) {
        board_clear(&c->t->sent, &c->flight->board);
        tcp_loans_acked(c, c->snd.end);
    }
    c->snd.una = c->snd.nxt = c->snd.end;
}
