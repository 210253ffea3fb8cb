/* Peers without SACK: RFC 5681 §3.2 and RFC 6582 §3.2 by numbers, ten segments in flight. */
#include "sender.h"

static void duplicates(struct pair *p, uint32_t ack, int n)
{
    while (n-- > 0)
        hear(p, ack, 0, NULL);
}

static struct pair *recovering(void)
{
    struct pair *p = sender(false, 60 * SEG);
    n_seen = 0;
    duplicates(p, 0, 3);
    pair_exchange(p);
    assert_int_equal(p->b.conn->flight->rec.phase, REC_FAST);
    assert_int_equal(p->b.conn->cc.ssthresh, 5 * SEG);
    assert_int_equal(seq_off(&p->b, seen[0].h.seq), 0);
    return p;
}

/* Step 3: a partial acknowledgment shows the next hole, which leaves at once; the last one ends it at ssthresh. */
static void hole_by_hole(void **state)
{
    (void)state;
    struct pair *p = recovering();
    for (int32_t hole = 2000; hole <= 6000; hole += 2000) {
        n_seen = 0;
        hear(p, (uint32_t)hole, 0, NULL);
        pair_exchange(p);
        assert_int_equal(seq_off(&p->b, seen[0].h.seq), hole);
        assert_int_equal(p->b.conn->flight->rec.phase, REC_FAST);
    }
    hear(p, (uint32_t)seq_off(&p->b, p->b.conn->flight->rec.recover), 0, NULL);
    assert_true(!p->b.conn->flight || p->b.conn->flight->rec.phase == REC_OPEN);
    assert_true(p->b.conn->cc.cwnd <= 5 * SEG);
    sender_done(p);
}

/* §3.2 step 4 of RFC 5681: each further duplicate is a segment that has left, and no more of them than there are. */
static void inflation_is_bounded(void **state)
{
    (void)state;
    struct pair *p = recovering();
    n_seen = 0;
    duplicates(p, 0, 1000);
    pair_exchange(p);
    assert_in_range(n_seen, 1, 5);                      /* ssthresh */
    sender_done(p);
}

/* RFC 6582 §4.1: duplicates after a timeout are of what was sent again: they begin nothing. */
static void after_a_timeout(void **state)
{
    (void)state;
    int32_t at;
    struct pair *p = sender(false, 60 * SEG);
    next_leaves_ms(p, &at);
    const uint32_t ssthresh = p->b.conn->cc.ssthresh;
    duplicates(p, 0, 9);
    pair_exchange(p);
    assert_int_equal(p->b.conn->flight->rec.phase, REC_LOSS);
    assert_int_equal(p->b.conn->cc.ssthresh, ssthresh);
    sender_done(p);
}

TESTS(hole_by_hole, inflation_is_bounded, after_a_timeout)
