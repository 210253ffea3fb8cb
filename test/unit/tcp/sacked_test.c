/* SACK blocks as they arrive, of peers honest and not. */
#include "sender.h"

static void held(const struct pair *p)
{
    const struct tcp_conn *c = p->b.conn;
    const struct scoreboard *b = &c->flight->board;
    uint32_t sacked = 0, n = 0;
    seq_t at = c->snd.una;
    for (const struct sent_seg *s = board_first(&p->b.tcp->sent, b); s; s = board_seg(&p->b.tcp->sent, s->next)) {
        assert_true(seq_eq(s->from, at) && seq_lt(s->from, s->to));
        sacked += s->flags & SENT_SACKED ? seg_len(s) : 0;
        at = s->to;
        n++;
    }
    assert_true(seq_eq(at, c->snd.nxt));
    assert_int_equal(b->sacked_bytes, sacked);
    assert_int_equal(b->count, n);
    assert_true(n <= 64 + 2 * (in_flight(c) / c->mss) + 2);     /* crumbs get coarser records */
}

/* shows: RFC2018-5a: what overlaps counts once, in whatever order it is said. */
static void overlapping(void **state)
{
    (void)state;
    struct pair *p = sender(true, 10 * SEG);
    HEAR(p, 0, { 7000, 10000 }, { 4000, 8000 }, { 6000, 9000 });
    assert_int_equal(p->b.conn->flight->board.sacked_bytes, 6 * SEG);
    HEAR(p, 0, { 4000, 10000 });
    assert_int_equal(p->b.conn->flight->board.sacked_bytes, 6 * SEG);
    held(p);
    sender_done(p);
}

/* A block that begins beyond SND.NXT and ends, half the sequence space later, below SND.UNA is no report of a duplicate:
 * it would undo any recovery. */
static void around_the_world(void **state)
{
    (void)state;
    struct pair *p = sender(true, 10 * SEG);
    const struct tcp_conn *c = p->b.conn;
    later(p, RTT_MS);
    HEAR(p, 0, { 1000, 10000 });
    pair_exchange(p);
    assert_int_equal(c->flight->rec.phase, REC_FAST);
    const uint64_t wrong = drops(&p->b, WHY_SACK_WRONG);
    HEAR(p, 0, { 0x7fffffff, 0xfffffffe }, { 1000, 10000 });
    assert_int_equal(drops(&p->b, WHY_SACK_WRONG), wrong + 1);
    assert_int_equal(c->flight->rec.phase, REC_FAST);
    sender_done(p);
}

/* shows: RFC2018-8: what was SACKed and is not acknowledged is sent again after the timeout. */
static void taken_back(void **state)
{
    (void)state;
    int32_t at;
    struct pair *p = sender(true, 10 * SEG);
    const struct tcp_conn *c = p->b.conn;
    later(p, RTT_MS);
    HEAR(p, 0, { 1000, 10000 });
    pair_exchange(p);
    hear(p, 1000, 0, NULL);
    assert_int_equal(c->flight->board.sacked_bytes, 9 * SEG);
    next_leaves_ms(p, &at);
    assert_int_equal(at, 1000);
    assert_int_equal(c->flight->board.sacked_bytes, 0);
    assert_int_equal(tcp_timers(c)->retries, 1);
    sender_done(p);
}

/* Twenty thousand blocks at random, some true by chance, some of single bytes: the records stay few and true. */
static void at_random(void **state)
{
    (void)state;
    struct pair *p = sender(true, 60 * SEG);
    struct rng r;
    rng_seed(&r, 7);
    for (int i = 0; i < 5000; i++) {
        uint32_t block[4][2];
        for (int k = 0; k < 4; k++) {
            const uint32_t kind = rng_below(&r, 3);
            block[k][0] = kind ? rng_below(&r, 12000) : (uint32_t)rng_u64(&r);
            block[k][1] = kind == 2 ? block[k][0] + 1 : kind ? rng_below(&r, 12000) : (uint32_t)rng_u64(&r);
        }
        hear(p, 0, 4, block);
        pair_exchange(p);
        held(p);
    }
    assert_true(drops(&p->b, WHY_SACK_WRONG) > 5000);
    sender_done(p);
}

TESTS(overlapping, around_the_world, taken_back, at_random)
