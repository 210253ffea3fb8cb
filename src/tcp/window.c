/* The RCV variables, the receive buffer and the window that is offered. */
#include "tcp/fast.h"

static const int64_t RTT_UNKNOWN_NS = 100 * NS_PER_MS;

void tcp_rcv_open(struct tcp_conn *c, seq_t irs, uint32_t offered)
{
    const seq_t first = seq_add(irs, 1);
    c->rcv = (struct tcp_rcv){ .irs = irs, .nxt = first, .edge = seq_add(first, offered), .read = first, .up = first };
    c->reading = (struct tcp_reading){ c->t->now_ns, first };
}

/* Bytes the user has not consumed: RCV.USER. */
static uint32_t unread(const struct tcp_conn *c) { return (uint32_t)seq_diff(rcv_text_end(c), c->rcv.read); }

static uint32_t min32(uint32_t a, uint32_t b) { return a < b ? a : b; }

static uint32_t recv_most(const struct tcp_conn *c)
{
    const struct tcp_config *f = &c->t->cfg;
    const uint32_t asked = tcp_rare(c)->asked.recv_most, fixed = asked ? asked : f->recv_buffer;
    return min32(fixed ? fixed : f->recv_most, BUF_BYTES_MAX - TCP_BLOCK);
}

void tcp_rcv_buffer(struct tcp_conn *c, uint32_t asked)
{
    const struct tcp_config *f = &c->t->cfg;
    const uint32_t fixed = asked ? asked : f->recv_buffer;
    if (asked || c->rare)
        tcp_rare_need(c)->asked.recv_most = asked;
    c->recv_buffer = fixed ? recv_most(c) : min32(f->recv_start, recv_most(c));
}

/* The offer follows what the user reads in a round trip: four times that lets slow
 * start double, and double again before its window update is heard.  A user who does
 * not read gets no more; nor does anyone while blocks run short. */
static void tune(struct tcp_conn *c, int64_t now_ns)
{
    const struct pool *blocks = &c->t->blocks;
    const int64_t rtt_ns = c->rtt.srtt_ns ? c->rtt.srtt_ns : RTT_UNKNOWN_NS;
    const uint32_t most = recv_most(c);
    if (c->recv_buffer >= most || now_ns - c->reading.since_ns < rtt_ns)
        return;
    const uint32_t taken = (uint32_t)seq_diff(c->rcv.read, c->reading.from);
    if (taken > c->recv_buffer / 4 && pool_left(blocks) > blocks->max / 4)
        c->recv_buffer = taken > most / 4 ? most : 4 * taken;
    c->reading = (struct tcp_reading){ now_ns, c->rcv.read };
}

/* Where RCV.NXT+RCV.WND could stand now.  One may hold a quarter of the blocks that are
 * left and not kept for newcomers: the more are taken the less is offered to who does
 * not read; the window closes without being shrunk, and may stay closed [MAY-8].  Who
 * has read all there was is always offered something. */
static seq_t edge_now(const struct tcp_conn *c, uint8_t scale)
{
    const uint32_t used = unread(c), unit = 1u << scale, left = pool_left(&c->t->blocks), kept = tcp_spare_for_more(c->t, 0);
    const uint32_t share = left > kept + 4 * LITTLE_BLOCKS ? (left - kept) / 4 : LITTLE_BLOCKS;
    const uint32_t most = share < c->recv_buffer / TCP_BLOCK ? share * TCP_BLOCK : c->recv_buffer;
    if (used + unit > most)
        return c->rcv.edge;
    const uint32_t room = most - used - (unit - 1);
    return seq_add(c->rcv.nxt, min32(room, (uint32_t)UINT16_MAX << scale));    /* more the field cannot say */
}

/* The right edge stays until it can move by a worthwhile step: SWS avoidance
 * [MUST-39], and never to the left [SHLD-14]. */
uint16_t tcp_rcv_offer(struct tcp_conn *c, bool syn)
{
    const uint8_t scale = syn ? 0 : c->rcv_scale;
    const uint32_t unit = 1u << scale;
    const seq_t can = edge_now(c, scale);
    const int32_t more = seq_diff(can, c->rcv.edge);
    if (more > 0 && (uint32_t)more >= min32(c->recv_buffer / 2, c->mss))
        c->rcv.edge = can;
    uint32_t field = (rcv_wnd(c) + unit - 1) >> scale;  /* up: what was promised stays promised */
    if (field > UINT16_MAX)
        field = UINT16_MAX;
    const seq_t said = seq_add(c->rcv.nxt, field << scale);
    if (syn && !c->offered)
        c->rcv.edge = said;                             /* nothing was promised before */
    else
        c->rcv.edge = seq_max(c->rcv.edge, said);
    c->offered = true;
    return (uint16_t)field;
}

/* Worth a segment of its own: the sender may be waiting for it. */
bool tcp_rcv_update_due(const struct tcp_conn *c)
{
    const int32_t more = seq_diff(edge_now(c, c->rcv_scale), c->rcv.edge);
    const uint32_t wnd = rcv_wnd(c), buffer = c->recv_buffer;
    if (more <= 0 || !c->offered)
        return false;
    if ((uint32_t)more >= buffer / 2)
        return true;
    if (wnd < c->mss)
        return (uint32_t)more >= c->mss;
    return (uint32_t)more >= 2u * c->mss && ((uint32_t)more >= buffer / 4 || wnd <= buffer / 8);
}

void tcp_rcv_no_gaps(struct tcp_conn *c)
{
    c->flight->reasm.count = 0;
    c->flight->reasm.more = NULL;
}

/* A queue that overflows in slow start may drop every other segment: hundreds of gaps, which a block remembers. */
static bool remember_more(struct tcp_conn *c)
{
    struct pool *p = &c->t->blocks;
    if (c->flight->reasm.more || pool_left(p) <= tcp_spare_to_reorder(c->t) + p->max / 4)
        return false;
    void *block = pool_get(p);
    if (block)
        reasm_lend(&c->flight->reasm, block, TCP_BLOCK / sizeof(struct span));
    return block;
}

static void remember_less(struct tcp_conn *c)
{
    if (c->flight->reasm.more && c->flight->reasm.count == 0)
        pool_put(&c->t->blocks, reasm_return(&c->flight->reasm));
}

/* Whether text that is not the next can be kept; decided before it takes a block. */
static enum why out_of_order(struct tcp_conn *c, struct span s)
{
    if (!c->flight)
        return WHY_NONE;
    if (reasm_has(&c->flight->reasm, s))
        return WHY_SEGMENT_DUPLICATE;
    return reasm_fits(&c->flight->reasm, s) || remember_more(c) ? WHY_NONE : WHY_REASM_FULL;
}

/* Gives back blocks when nothing lies in them any more. */
static void shed_blocks(struct tcp_conn *c, seq_t from)
{
    if (unread(c) == 0 && !rcv_has_gap(c))
        buf_clear(&c->t->blocks, &c->rbuf, rcv_pos(c, from), rcv_pos(c, c->rcv.read));
    else
        buf_drop(&c->t->blocks, &c->rbuf, rcv_pos(c, from), rcv_pos(c, c->rcv.read));
}

static uint32_t spare_for(const struct tcp_conn *c, bool next)
{
    const uint32_t held = unread(c) / TCP_BLOCK;
    if (!next)
        return tcp_spare_to_reorder(c->t);
    return held < LITTLE_BLOCKS ? 0 : tcp_spare_for_more(c->t, held);
}

/* `text` lies within the window.  Each byte is copied once, to its final place. */
enum why tcp_rcv_text(struct tcp_conn *c, seq_t seq, const uint8_t *text, uint32_t len, uint32_t *advanced)
{
    const struct span s = { seq, seq_add(seq, len) };
    const bool next = seq_eq(seq, c->rcv.nxt);
    const enum why why = next ? WHY_NONE : out_of_order(c, s);
    *advanced = 0;
    if (why == WHY_SEGMENT_DUPLICATE)
        tcp_sack_took(c, s);
    if (rcv_has_gap(c))
        tcp_sack_dup(c, reasm_common(&c->flight->reasm, s));
    if (why != WHY_NONE)
        return why;
    const struct buf_range r = { .first = rcv_pos(c, c->rcv.read), .pos = rcv_pos(c, seq), .len = len, .spare = spare_for(c, next) };
    if (!buf_need(&c->t->blocks, &c->rbuf, &r))
        return WHY_NO_BLOCK;
    buf_write(&c->t->blocks, &c->rbuf, rcv_pos(c, seq), text, len);
    if (!next) {
        reasm_add(&tcp_flight_need(c)->reasm, s);       /* [SHLD-31] */
        tcp_sack_took(c, s);
        return WHY_NONE;
    }
    seq_t nxt = s.to;
    if (rcv_has_gap(c)) {
        nxt = reasm_advance(&c->flight->reasm, nxt);
        remember_less(c);
        tcp_flight_done(c);
    }
    *advanced = (uint32_t)seq_diff(nxt, c->rcv.nxt);
    c->rcv.nxt = nxt;
    return WHY_NONE;
}

bool tcp_rcv_place(struct tcp_conn *c, const uint8_t *text, uint32_t len, csum_t *sum, size_t offset)
{
    const uint32_t pos = rcv_pos(c, c->rcv.nxt);
    const bool fits = unread(c) && pos % TCP_BLOCK && pos % TCP_BLOCK + len <= TCP_BLOCK;   /* behind what nobody has read, in its block */
    const struct buf_range r = { .first = rcv_pos(c, c->rcv.read), .pos = pos, .len = len, .spare = spare_for(c, true) };
    if (!fits && !buf_need(&c->t->blocks, &c->rbuf, &r))
        return false;
    for (uint32_t n, done = 0; done < len; done += n) {
        uint8_t *to = buf_at(&c->t->blocks, &c->rbuf, pos + done, &n);
        n = min32(n, len - done);
        if (sum)
            *sum = csum_copy_at(*sum, to, text + done, n, offset + done);
        else
            memcpy(to, text + done, n);
    }
    return true;
}

void tcp_rcv_take(struct tcp_conn *c, uint32_t len) { c->rcv.nxt = seq_add(c->rcv.nxt, len); }

/* Its checksum was wrong: what lies behind RCV.NXT is nothing. */
void tcp_rcv_unplace(struct tcp_conn *c, uint32_t len)
{
    const uint32_t nxt = rcv_pos(c, c->rcv.nxt), last = nxt + len - 1;
    if (unread(c) == 0)
        buf_clear(&c->t->blocks, &c->rbuf, nxt, last);
    else
        buf_drop(&c->t->blocks, &c->rbuf, nxt - 1 + TCP_BLOCK, last + TCP_BLOCK);
}

void tcp_rcv_hold_fin(struct tcp_conn *c, seq_t at)
{
    c->rcv.fin_held = true;
    c->rcv.fin_at = at;
}

void tcp_rcv_fin(struct tcp_conn *c)
{
    c->rcv.fin = true;
    c->rcv.nxt = seq_add(c->rcv.nxt, 1);
    c->rcv.edge = seq_max(c->rcv.edge, c->rcv.nxt);
}

/* RCV.UP <- max(RCV.UP, SEG.UP); tells the user when there was none, or it moved [MUST-32]. */
void tcp_rcv_urgent(struct tcp_conn *c, seq_t up)
{
    if (!seq_lt(c->rcv.read, up) || (c->rcv.urgent && seq_le(up, c->rcv.up)))
        return;
    c->rcv.up = up;
    c->rcv.urgent = true;
    tcp_ready(c, TCP_URGENT | TCP_READABLE);
}

void tcp_rcv_consume(struct tcp_conn *c, uint32_t n)
{
    const seq_t from = c->rcv.read;
    assert(n <= unread(c));
    c->rcv.read = seq_add(from, n);
    if (c->rcv.urgent && seq_le(c->rcv.up, c->rcv.read))
        c->rcv.urgent = false;                          /* normal mode again */
    shed_blocks(c, from);
    tune(c, c->t->now_ns);
}

/* What came beyond a gap into the same block moves to another. */
uint8_t *tcp_rcv_take_block(struct tcp_conn *c, uint32_t len)
{
    const uint32_t pos = rcv_pos(c, c->rcv.read), behind = pos + len;
    return buf_take(&c->t->blocks, &c->rbuf, pos, behind % TCP_BLOCK != 0 && rcv_has_gap(c) ? behind : pos);
}

/* Nothing more will arrive: what lies behind a gap can never be read. */
void tcp_rcv_forget_gaps(struct tcp_conn *c)
{
    if (!rcv_has_gap(c))
        return;
    const struct reasm *r = &c->flight->reasm;
    const uint32_t last = rcv_pos(c, reasm_spans_const(r)[r->count - 1].to);
    if (unread(c) == 0)
        buf_clear(&c->t->blocks, &c->rbuf, rcv_pos(c, c->rcv.read), last);
    else
        buf_drop(&c->t->blocks, &c->rbuf, rcv_pos(c, c->rcv.nxt) - 1 + TCP_BLOCK, last - 1 + TCP_BLOCK);
    c->flight->reasm.count = 0;
    remember_less(c);
}

void tcp_rcv_clear(struct tcp_conn *c)
{
    /* out-of-order text may lie anywhere up to the edge */
    const seq_t last = seq_max(c->rcv.edge, c->rcv.nxt);
    buf_clear(&c->t->blocks, &c->rbuf, rcv_pos(c, c->rcv.read), rcv_pos(c, last));
    c->rcv.read = rcv_text_end(c);
}
