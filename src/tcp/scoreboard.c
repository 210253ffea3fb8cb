#include "tcp/scoreboard.h"
#include <assert.h>

static uint32_t number(const struct pool *p, const struct sent_seg *s)
{
    return (uint32_t)((size_t)((const uint8_t *)s - p->memory) / BOARD_STRIDE) + 1;
}

bool board_pool_init(struct pool *p, uint32_t conns, uint32_t segments) { return pool_init(p, BOARD_STRIDE, conns + segments); }

/* ------------------------------------------------------------------- lists */

/* Into `all`, behind `after`; 0: at the front. */
static void link_seq(const struct pool *p, struct scoreboard *b, struct sent_seg *s, uint32_t after)
{
    const uint32_t me = number(p, s);
    s->prev = after;
    s->next = after ? board_seg(p, after)->next : b->all.first;
    *(after ? &board_seg(p, after)->next : &b->all.first) = me;
    *(s->next ? &board_seg(p, s->next)->prev : &b->all.last) = me;
    b->count++;
}

static void unlink_seq(const struct pool *p, struct scoreboard *b, struct sent_seg *s)
{
    *(s->prev ? &board_seg(p, s->prev)->next : &b->all.first) = s->next;
    *(s->next ? &board_seg(p, s->next)->prev : &b->all.last) = s->prev;
    if (b->cursor == number(p, s))
        b->cursor = s->prev;
    b->count--;
}

static void link_queue(const struct pool *p, struct board_list *l, struct sent_seg *s, uint32_t after)
{
    const uint32_t me = number(p, s);
    s->qprev = after;
    s->qnext = after ? board_seg(p, after)->qnext : l->first;
    *(after ? &board_seg(p, after)->qnext : &l->first) = me;
    *(s->qnext ? &board_seg(p, s->qnext)->qprev : &l->last) = me;
}

static void unlink_queue(const struct pool *p, struct board_list *l, struct sent_seg *s)
{
    *(s->qprev ? &board_seg(p, s->qprev)->qnext : &l->first) = s->qnext;
    *(s->qnext ? &board_seg(p, s->qnext)->qprev : &l->last) = s->qprev;
}

/* Off the queue it is on. */
static void leave_queue(const struct pool *p, struct scoreboard *b, struct sent_seg *s)
{
    if (s->flags & SENT_SACKED)
        return;
    unlink_queue(p, s->flags & SENT_LOST ? &b->lost : &b->net, s);
}

static void drop(struct pool *p, struct scoreboard *b, struct sent_seg *s)
{
    leave_queue(p, b, s);
    unlink_seq(p, b, s);
    pool_put(p, s);
}

/* A record may be taken, unless it is one of those left to connections that have none, or
 * this one holds more than what is left: none can take them all. */
static bool may_take(const struct pool *p, const struct scoreboard *b, uint32_t reserve)
{
    const uint32_t left = pool_left(p);
    return b->count == 0 || (left > reserve && left - reserve >= b->count);
}

static struct sent_seg *take(struct pool *p, const struct scoreboard *b, uint32_t reserve)
{
    return may_take(p, b, reserve) ? pool_get(p) : NULL;
}

/* ----------------------------------------------------------------- changes */

/* A batch leaves at one time; a nanosecond tells its segments apart, so that what was sent again is not taken for older. */
static int64_t stamp(struct scoreboard *b, int64_t now_ns)
{
    const int64_t at_ns = now_ns > b->next_ns ? now_ns : b->next_ns;
    b->next_ns = at_ns + 1;
    return at_ns;
}

bool board_can_send(const struct pool *p, const struct scoreboard *b, uint32_t reserve)
{
    return may_take(p, b, reserve) || !(board_seg(p, b->all.last)->flags & SENT_SACKED);
}

/* Behind all others, in both orders. */
static void append(const struct pool *p, struct scoreboard *b, struct sent_seg *s)
{
    const uint32_t me = number(p, s);
    s->next = s->qnext = 0;
    s->prev = b->all.last;
    s->qprev = b->net.last;
    *(s->prev ? &board_seg(p, s->prev)->next : &b->all.first) = me;
    *(s->qprev ? &board_seg(p, s->qprev)->qnext : &b->net.first) = me;
    b->all.last = b->net.last = me;
    b->count++;
}

struct sent_seg *board_sent(struct pool *p, struct scoreboard *b, seq_t from, seq_t to, int64_t now_ns, uint32_t reserve)
{
    struct sent_seg *s = take(p, b, reserve);
    if (!s) {                                   /* the last record stands for this one too */
        s = board_seg(p, b->all.last);
        assert(s && seq_eq(s->to, from) && !(s->flags & SENT_SACKED));
        board_found(p, b, s);
        unlink_queue(p, &b->net, s);
        s->to = to;
        s->flags = (uint8_t)((s->flags & ~SENT_DELIVERED) | SENT_MANY);   /* not all of it was */
        link_queue(p, &b->net, s, b->net.last);
    } else {
        s->from = from;
        s->to = to;
        s->flags = 0;
        append(p, b, s);
    }
    s->sent_ns = stamp(b, now_ns);
    return s;
}

struct sent_seg *board_split(struct pool *p, struct scoreboard *b, struct sent_seg *s, seq_t at, uint32_t reserve)
{
    assert(seq_lt(s->from, at) && seq_lt(at, s->to));
    struct sent_seg *rest = take(p, b, reserve);
    if (!rest)
        return NULL;
    *rest = *s;
    rest->from = at;
    s->to = at;
    link_seq(p, b, rest, number(p, s));
    if (!(s->flags & SENT_SACKED))
        link_queue(p, s->flags & SENT_LOST ? &b->lost : &b->net, rest, number(p, s));
    return rest;
}

void board_resent(struct pool *p, struct scoreboard *b, struct sent_seg *s, int64_t now_ns)
{
    assert(!(s->flags & SENT_SACKED));
    leave_queue(p, b, s);
    if (s->flags & SENT_LOST)
        b->lost_bytes -= seg_len(s);
    s->flags = (uint8_t)((s->flags & ~(SENT_LOST | SENT_FRONT | SENT_MANY)) | SENT_AGAIN);
    s->sent_ns = stamp(b, now_ns);
    link_queue(p, &b->net, s, b->net.last);
}

void board_lose(struct pool *p, struct scoreboard *b, struct sent_seg *s)
{
    if (s->flags & (SENT_SACKED | SENT_LOST))
        return;
    unlink_queue(p, &b->net, s);
    s->flags = (uint8_t)((s->flags | SENT_LOST) & ~SENT_FRONT);
    b->lost_bytes += seg_len(s);
    uint32_t after = b->lost.last;              /* mostly they are lost in their order */
    while (after && seq_lt(s->from, board_seg(p, after)->from))
        after = seq_lt(s->from, board_seg(p, b->lost.first)->from) ? 0 : board_seg(p, after)->qprev;
    link_queue(p, &b->lost, s, after);
}

void board_found(struct pool *p, struct scoreboard *b, struct sent_seg *s)
{
    if (!(s->flags & SENT_LOST))
        return;
    unlink_queue(p, &b->lost, s);
    s->flags &= (uint8_t)~SENT_LOST;
    b->lost_bytes -= seg_len(s);
    uint32_t after = b->net.last;
    while (after && board_seg(p, after)->sent_ns > s->sent_ns)
        after = board_seg(p, after)->qprev;
    link_queue(p, &b->net, s, after);
}

/* `next` becomes part of `s`; both are SACKed. */
static struct sent_seg *join(struct pool *p, struct scoreboard *b, struct sent_seg *s, struct sent_seg *next)
{
    s->to = next->to;
    s->flags |= next->flags | SENT_MANY;
    if (b->cursor == number(p, next))
        b->cursor = number(p, s);
    drop(p, b, next);
    return s;
}

struct sent_seg *board_sack(struct pool *p, struct scoreboard *b, struct sent_seg *s)
{
    if (s->flags & SENT_SACKED)
        return s;
    leave_queue(p, b, s);
    if (s->flags & SENT_LOST)
        b->lost_bytes -= seg_len(s);
    s->flags = (uint8_t)((s->flags & ~(SENT_LOST | SENT_FRONT)) | SENT_SACKED | SENT_DELIVERED);
    b->sacked_bytes += seg_len(s);
    struct sent_seg *prev = board_seg(p, s->prev), *next = board_seg(p, s->next);
    if (next && next->flags & SENT_SACKED)
        join(p, b, s, next);
    return prev && prev->flags & SENT_SACKED ? join(p, b, prev, s) : s;
}

void board_unsack(struct pool *p, struct scoreboard *b, struct sent_seg *s)
{
    if (!(s->flags & SENT_SACKED))
        return;
    s->flags &= (uint8_t)~SENT_SACKED;
    b->sacked_bytes -= seg_len(s);
    uint32_t after = b->net.last;
    while (after && board_seg(p, after)->sent_ns > s->sent_ns)
        after = board_seg(p, after)->qprev;
    link_queue(p, &b->net, s, after);
}

void board_trim(struct pool *p, struct scoreboard *b, seq_t ack)
{
    struct sent_seg *s = board_first(p, b);
    const uint32_t n = seq_le(s->to, ack) ? seg_len(s) : (uint32_t)seq_diff(ack, s->from);
    if (s->flags & SENT_SACKED)
        b->sacked_bytes -= n;
    else if (s->flags & SENT_LOST)
        b->lost_bytes -= n;
    if (seq_le(s->to, ack))
        drop(p, b, s);
    else
        s->from = ack;
}

bool board_pop(struct pool *p, struct scoreboard *b, seq_t ack, struct sent_seg *out)
{
    const uint32_t me = b->all.first;
    struct sent_seg *s = board_seg(p, me);
    if (!s || s->flags || !seq_le(s->to, ack) || b->net.first != me || b->cursor == me)
        return false;
    *out = *s;
    b->all.first = s->next;
    b->net.first = s->qnext;
    *(s->next ? &board_seg(p, s->next)->prev : &b->all.last) = 0;
    *(s->qnext ? &board_seg(p, s->qnext)->qprev : &b->net.last) = 0;
    b->count--;
    pool_put(p, s);
    return true;
}

void board_clear(struct pool *p, struct scoreboard *b)
{
    for (struct sent_seg *s; (s = board_first(p, b));) {
        b->all.first = s->next;
        pool_put(p, s);
    }
    *b = (struct scoreboard){ 0 };
}

/* ------------------------------------------------------------------ search */

static uint32_t distance(seq_t a, seq_t b) { return (uint32_t)(seq_lt(a, b) ? seq_diff(b, a) : seq_diff(a, b)); }

/* From the front, the back or where the last search ended: whichever number is nearest. */
static uint32_t nearest(const struct pool *p, const struct scoreboard *b, seq_t at)
{
    const uint32_t start[3] = { b->all.first, b->cursor, b->all.last };
    uint32_t best = 0;
    for (unsigned i = 0; i < 3; i++)
        if (start[i] && (!best || distance(board_seg(p, start[i])->from, at) < distance(board_seg(p, best)->from, at)))
            best = start[i];
    return best;
}

struct sent_seg *board_find(const struct pool *p, struct scoreboard *b, seq_t at, uint32_t *steps)
{
    struct sent_seg *s = board_seg(p, nearest(p, b, at));
    while (s && *steps > 0) {
        struct sent_seg *prev = board_seg(p, s->prev);
        b->cursor = number(p, s);
        --*steps;
        if (prev && seq_lt(at, prev->to))
            s = prev;
        else if (seq_le(s->to, at))
            s = board_seg(p, s->next);
        else
            return s;
    }
    return NULL;
}
