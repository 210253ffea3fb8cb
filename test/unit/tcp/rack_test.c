/* RFC 8985 §6 by numbers: round trips of 100 ms, so a quarter of one is 25 ms. */
#include "sender.h"

/* shows: RFC8985-6.2f RFC8985-6.2h: one SACKed alone: what left before it has RTT + 25 ms. */
static void a_quarter_of_a_round_trip(void **state)
{
    (void)state;
    int32_t at;
    struct pair *p = sender(true, 3 * SEG);
    later(p, RTT_MS);
    HEAR(p, 0, { 1000, 2000 });
    assert_in_range(next_leaves_ms(p, &at), 24, 27);
    assert_int_equal(at, 0);
    sender_done(p);
}

/* shows: RFC8985-6.2e: three SACKed and no reordering seen: at once, all that left before the last of them. */
static void three_and_nothing_reordered(void **state)
{
    (void)state;
    struct pair *p = sender(true, 10 * SEG);
    later(p, RTT_MS);
    n_seen = 0;
    HEAR(p, 0, { 3000, 6000 });
    pair_exchange(p);
    assert_int_equal(p->b.conn->flight->rec.phase, REC_FAST);
    assert_int_equal(p->b.conn->cc.ssthresh, 5 * SEG);
    assert_true(n_seen >= 1);
    assert_int_equal(seq_off(&p->b, seen[0].h.seq), 0);
    assert_int_equal(p->b.conn->flight->board.sacked_bytes, 3 * SEG);
    sender_done(p);
}

/* shows: RFC8985-6.2c: one that was late has shown that the path reorders: three SACKed mean nothing before 25 ms. */
static void reordering_was_seen(void **state)
{
    (void)state;
    int32_t at;
    struct pair *p = sender(true, 10 * SEG);
    later(p, RTT_MS);
    HEAR(p, 0, { 1000, 2000 });
    hear(p, 2000, 0, NULL);
    assert_true(tcp_rare(p->b.conn)->rack.reordered);
    flush(p);
    n_seen = 0;
    HEAR(p, 2000, { 3000, 7000 });
    pair_exchange(p);
    assert_int_equal(p->b.conn->flight->rec.phase, REC_OPEN);
    assert_in_range(next_leaves_ms(p, &at), 24, 27);
    assert_int_equal(at, 2000);
    sender_done(p);
}

/* shows: RFC8985-6.2d: a quarter more in each round trip that saw a duplicate, never more than SRTT; 16 recoveries forget it. */
static void the_window_grows_and_falls_back(void **state)
{
    (void)state;
    struct pair *p = sender(true, 10 * SEG);
    struct tcp_conn *c = p->b.conn;
    tcp_rack_on_dsack(c);
    tcp_rack_on_dsack(c);                               /* the same round trip */
    assert_int_equal(tcp_rare(c)->rack.mult, 1);
    later(p, RTT_MS);
    HEAR(p, 0, { 1000, 2000 });
    int32_t at;
    assert_in_range(next_leaves_ms(p, &at), 49, 52);    /* (1 + 1) * 25 */
    for (int i = 0; i < 15; i++)
        tcp_rack_recovered(c);
    assert_int_equal(tcp_rare(c)->rack.mult, 1);
    tcp_rack_recovered(c);
    assert_int_equal(tcp_rare(c)->rack.mult, 0);
    sender_done(p);
    p = sender(true, 3 * SEG);
    tcp_rare_need(p->b.conn)->rack.mult = 40;
    later(p, RTT_MS);
    HEAR(p, 0, { 1000, 2000 });
    assert_in_range(next_leaves_ms(p, &at), 97, 102);   /* SRTT */
    sender_done(p);
}

/* shows: RFC8985-6.2g: what was sent again and is lost again shows as lost by what left behind it, long before a timeout. */
static void lost_again(void **state)
{
    (void)state;
    struct pair *p = sender(true, 30 * SEG);
    later(p, RTT_MS);
    HEAR(p, 0, { 1000, 9000 });
    pair_exchange(p);                                   /* 0 leaves again, and new ones behind it */
    assert_int_equal(seq_off(&p->b, seen[n_seen - 1].h.seq) >= 10000, 1);
    later(p, RTT_MS);
    n_seen = 0;
    HEAR(p, 0, { 10000, 12000 }, { 1000, 9000 });
    pair_exchange(p);
    assert_int_equal(seq_off(&p->b, seen[0].h.seq), 0);
    assert_int_equal(tcp_timers(p->b.conn)->retries, 0);
    sender_done(p);
}

TESTS(a_quarter_of_a_round_trip, three_and_nothing_reordered, reordering_was_seen, the_window_grows_and_falls_back, lost_again)
