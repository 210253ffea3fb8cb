/* SACK blocks as they arrive: what they say of what was sent (RFC 2018 §5, RFC 2883).
 * A block counts for what it says of bytes that are in flight; one about anything never
 * sent is ignored.  The work an acknowledgment can cause is bounded. */
#include "tcp/conn.h"

enum { STEPS = 512 };                           /* records looked at for one acknowledgment, beside those it changes */

/* A peer that splits what we sent into crumbs gets coarser records. */
static bool may_split(const struct tcp_conn *c)
{
    return c->flight->board.count < 64 + 2 * (in_flight(c) / c->mss);
}

static struct sent_seg *split(struct tcp_conn *c, struct sent_seg *s, seq_t at)
{
    return may_split(c) ? board_split(&c->t->sent, &c->flight->board, s, at, c->t->cfg.max_conns) : NULL;
}

/* Marks what of `s` lies in the block; returns the next record to look at. */
static struct sent_seg *mark(struct tcp_conn *c, struct sent_seg *s, struct span b, struct tcp_news *n)
{
    const struct pool *p = &c->t->sent;
    if (!(s->flags & SENT_SACKED)) {
        struct sent_seg *rest = seq_lt(s->from, b.from) ? split(c, s, b.from) : s;
        if (rest && seq_lt(b.to, rest->to) && !split(c, rest, b.to))
            rest = NULL;
        if (!rest)                              /* no record for a part: as if it had not been said */
            return board_seg(p, s->next);
        tcp_sent_delivered(c, rest, seg_len(rest), n);
        n->sacked += seg_len(rest);
        s = board_sack(&c->t->sent, &c->flight->board, rest);
    }
    return board_seg(p, s->next);
}

/* [RFC2018-5a] */
static void take_block(struct tcp_conn *c, struct span b, struct tcp_news *n, uint32_t *steps)
{
    struct sent_seg *s = board_find(&c->t->sent, &c->flight->board, b.from, steps);
    while (s && seq_lt(s->from, b.to) && *steps > 0) {
        --*steps;
        s = mark(c, s, b, n);
    }
}

/* RFC 2883 §4: the first block tells of a duplicate when it lies below the
 * acknowledgment, or in the second one [RFC2883-5]. */
static bool is_dsack(const struct tcp_seg *s)
{
    const struct tcp_sack *b = s->opt.sack;
    if (seq_le(b[0].to, s->ack))
        return seq_lt(b[0].from, b[0].to);
    return s->opt.n_sack > 1 && seq_le(b[1].from, b[0].from) && seq_le(b[0].to, b[1].to);
}

/* Never sent, or from before anything that could still be under way. */
static bool is_wrong(const struct tcp_conn *c, struct span b)
{
    const int32_t back = seq_diff(c->snd.una, b.from);
    return !seq_lt(b.from, b.to) || seq_lt(c->snd.nxt, b.to) || seq_lt(c->snd.nxt, b.from) || (back > 0 && (uint32_t)back > c->snd.max_wnd + UINT16_MAX);
}

/* The lowest first: were the most recent one taken first, the others would look reordered. */
static unsigned insert(struct span *sorted, unsigned n, struct span b)
{
    unsigned i = n;
    for (; i > 0 && seq_lt(b.from, sorted[i - 1].from); i--)
        sorted[i] = sorted[i - 1];
    sorted[i] = b;
    return n + 1;
}

/* Stands behind the processing of SEG.ACK: what SND.UNA has passed is no news. */
void tcp_sacked(struct tcp_conn *c, const struct tcp_seg *s, struct tcp_news *n)
{
    uint32_t steps = STEPS;
    struct span sorted[TCP_SACK_MAX];
    unsigned count = 0;
    n->sacks = true;
    for (unsigned i = 0; i < s->opt.n_sack; i++) {
        struct span b = { s->opt.sack[i].from, s->opt.sack[i].to };
        if (is_wrong(c, b)) {
            trace_count(c->t->trace, WHY_SACK_WRONG, s->now_ns);
            continue;
        }
        if (i == 0 && is_dsack(s)) {
            n->dsack = true;
            n->dup = b;
            continue;
        }
        b.from = seq_max(b.from, c->snd.una);
        if (c->flight && seq_lt(b.from, b.to))
            count = insert(sorted, count, b);
    }
    for (unsigned i = 0; i < count; i++)
        take_block(c, sorted[i], n, &steps);
    if (n->sacked || n->dsack)
        TRACE(c->t->trace, s->now_ns, c->serial, tcp_sack, .ack = s->ack.n, .from = s->opt.sack[0].from.n, .to = s->opt.sack[0].to.n,
              .bytes = n->sacked, .dup = n->dsack);
}
