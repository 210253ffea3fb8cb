/* The SACK option as a receiver sends it: which blocks, in which order (RFC 2018 §4),
 * and what arrived twice (D-SACK, RFC 2883).  Each acknowledgment that one segment owes
 * carries the blocks of its moment, though several may leave together. */
#include "tcp/conn.h"

enum { OPTION = 4, BLOCK = 8, ROOM = 40 };      /* two NOPs, kind and length; a block; what options may take [RFC2018-3] */

void tcp_sack_init(struct tcp_conn *c)
{
    struct tcp_sack_out *o = &c->flight->sack;
    o->n = 0;
    o->dup.from = o->dup.to = seq(0);
    o->moments = NULL;
}

static const struct span *gap_span(const struct reasm *r, seq_t at)
{
    for (uint32_t i = 0; i < r->count; i++)
        if (seq_le(reasm_spans_const(r)[i].from, at) && seq_lt(at, reasm_spans_const(r)[i].to))
            return &reasm_spans_const(r)[i];
    return NULL;
}

static bool listed(const struct span *b, unsigned from, unsigned n, const struct span *s)
{
    for (unsigned i = from; i < n; i++)
        if (seq_eq(b[i].from, s->from))
            return true;
    return false;
}

/* What could be said now: first what arrived twice, then the most recently changed blocks. */
static unsigned blocks_now(const struct tcp_flight *f, struct span out[TCP_SACK_MAX])
{
    const struct tcp_sack_out *o = &f->sack;
    unsigned n = 0;
    if (!seq_eq(o->dup.from, o->dup.to))        /* [RFC2883-4a] */
        out[n++] = o->dup;
    const unsigned first = n;
    for (unsigned i = 0; i < o->n && n < TCP_SACK_MAX; i++) {
        const struct span *s = gap_span(&f->reasm, o->recent[i]);
        if (s && !listed(out, first, n, s))
            out[n++] = *s;
    }
    for (uint32_t i = 0; i < f->reasm.count && n < TCP_SACK_MAX; i++)
        if (!listed(out, first, n, &reasm_spans_const(&f->reasm)[i]))
            out[n++] = reasm_spans_const(&f->reasm)[i];        /* [RFC2018-4b]: as many as there is room for */
    return n;
}

/* Text out of order was kept: its block comes first [RFC2018-4a]. */
void tcp_sack_took(struct tcp_conn *c, struct span s)
{
    if (!c->sack)
        return;
    struct tcp_sack_out *o = &tcp_flight_need(c)->sack;
    const struct span *mine = gap_span(&c->flight->reasm, s.from);
    seq_t keep[TCP_SACK_MAX] = { s.from };
    unsigned n = 1;
    for (unsigned i = 0; i < o->n && n < TCP_SACK_MAX; i++) {
        const struct span *other = gap_span(&c->flight->reasm, o->recent[i]);
        if (other && other != mine)
            keep[n++] = o->recent[i];
    }
    memcpy(o->recent, keep, sizeof keep);
    o->n = (uint8_t)n;
}

/* These bytes had arrived before; the next acknowledgment says so, once [RFC2883-4b]. */
void tcp_sack_dup(struct tcp_conn *c, struct span s)
{
    if (!c->sack || !seq_lt(s.from, s.to))
        return;
    tcp_flight_need(c)->sack.dup = s;
}

static void say_dup_once(struct tcp_sack_out *o) { o->dup.to = o->dup.from; }

/* The segment being looked at owes an acknowledgment of its own, the last of `owed`. */
void tcp_sack_moment(struct tcp_conn *c, unsigned owed)
{
    if (!c->sack || !c->flight)
        return;
    struct tcp_sack_out *o = &c->flight->sack;
    if (!o->moments && owed == 1) {             /* without one, all that are owed say what is true when they leave */
        o->moments = pool_get(&c->t->moments);
        if (o->moments)
            o->moments->first = o->moments->n = 0;
    }
    struct sack_moments *m = o->moments;
    if (!m || m->n == SACK_MOMENTS)
        return;
    struct sack_moment *now = &m->at[(m->first + m->n++) % SACK_MOMENTS];
    now->has_dup = !seq_eq(o->dup.from, o->dup.to);
    now->n = (uint8_t)blocks_now(c->flight, now->block);
    say_dup_once(o);
}

static void give_moments(struct tcp_conn *c)
{
    struct tcp_sack_out *o = &c->flight->sack;
    if (o->moments)
        pool_put(&c->t->moments, o->moments);
    o->moments = NULL;
}

/* One acknowledgment stands for all that were owed; what arrived twice is still said. */
void tcp_sack_collapse(struct tcp_conn *c)
{
    if (!c->flight || !c->flight->sack.moments)
        return;
    const struct sack_moments *m = c->flight->sack.moments;
    for (unsigned i = 0; i < m->n; i++) {
        const struct sack_moment *at = &m->at[(m->first + i) % SACK_MOMENTS];
        if (at->has_dup)
            c->flight->sack.dup = at->block[0];
    }
    give_moments(c);
}

void tcp_sack_said(struct tcp_conn *c, bool own)
{
    if (!c->flight)
        return;
    struct sack_moments *m = c->flight->sack.moments;
    if (!own || !m) {
        say_dup_once(&c->flight->sack);
    } else {
        m->first = (uint8_t)((m->first + 1) % SACK_MOMENTS);
        if (--m->n == 0)
            give_moments(c);
    }
    tcp_flight_done(c);
}

void tcp_sack_forget(struct tcp_conn *c)
{
    if (c->flight)
        give_moments(c);
}

static unsigned min_blocks(unsigned n, unsigned room)
{
    const unsigned fit = room < OPTION + BLOCK ? 0 : (room - OPTION) / BLOCK;
    return n < fit ? n : fit;
}

/* Bytes the option takes from each segment with text while there is a gap: what lies beyond a gap is said in
 * every acknowledgment [RFC2018-4c]. */
uint16_t tcp_sack_room(const struct tcp_conn *c)
{
    const unsigned room = ROOM - (tcp_header_bytes(c) - TCP_HEADER), half = c->mss / 2u;
    const unsigned n = min_blocks(c->flight->reasm.count, room < half ? room : half);
    return (uint16_t)(n ? OPTION + BLOCK * n : 0);
}

/* Writes the option behind what stands in the header; returns its bytes. */
uint8_t tcp_sack_write(struct tcp_conn *c, uint8_t *at, const struct tcp_tx *x)
{
    struct span now[TCP_SACK_MAX];
    const struct span *block = now;
    if (!(x->flags & ACK))
        return 0;
    const struct sack_moments *m = x->own ? c->flight->sack.moments : NULL;
    unsigned n;
    if (m) {
        block = m->at[m->first].block;
        n = m->at[m->first].n;
    } else {
        n = blocks_now(c->flight, now);
    }
    n = min_blocks(n, x->len ? c->mss - tcp_seg_mss(c) : ROOM - (tcp_header_bytes(c) - TCP_HEADER));
    if (n == 0)
        return 0;
    struct writer w = writer_of(at, OPTION + BLOCK * n);
    wr_u32(&w, 0x01010500u | (2 + BLOCK * n));  /* NOP, NOP, SACK, length */
    for (unsigned i = 0; i < n; i++) {
        wr_u32(&w, block[i].from.n);
        wr_u32(&w, block[i].to.n);
    }
    return (uint8_t)(OPTION + BLOCK * n);
}
