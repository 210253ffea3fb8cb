/* RFC 8985 §7 by numbers: SRTT is 100 ms, the timeout 300 ms. */
#include "sender.h"

/* shows: RFC8985-7.2a RFC8985-7.3a: two in flight: 2 * SRTT, the last one again. */
static void two_round_trips(void **state)
{
    (void)state;
    int32_t at;
    struct pair *p = sender(true, 2 * SEG);
    assert_in_range(next_leaves_ms(p, &at), 199, 202);
    assert_int_equal(at, 1000);
    sender_done(p);
}

/* shows: RFC8985-7.2b RFC8985-7.2c: one alone waits for a delayed ACK too, 2 * SRTT + 200 ms, but never longer than the timeout. */
static void one_alone(void **state)
{
    (void)state;
    int32_t at;
    struct pair *p = sender(true, SEG);
    assert_in_range(next_leaves_ms(p, &at), 299, 302);
    assert_int_equal(tcp_rare(p->b.conn)->rack.probing, true);
    sender_done(p);
    p = sender(true, 4 * SEG);
    later(p, 50);
    p->b.conn->rtt.var_ns = (900 * NS_PER_MS - p->b.conn->rtt.srtt_ns) / 4;
    hear(p, 3000, 0, NULL);
    assert_in_range(next_leaves_ms(p, &at), 399, 402);
    assert_int_equal(at, 3000);
    sender_done(p);
}

/* shows: RFC8985-7.3b: a probe once; then the timeout, counted from the probe. */
static void only_one(void **state)
{
    (void)state;
    int32_t at;
    struct pair *p = sender(true, 2 * SEG);
    next_leaves_ms(p, &at);
    const int64_t probed_ns = seen[0].at_ns;
    next_leaves_ms(p, &at);
    assert_in_range(seen[0].at_ns - probed_ns, 299 * NS_PER_MS, 302 * NS_PER_MS);
    assert_int_equal(at, 0);
    assert_int_equal(tcp_timers(p->b.conn)->retries, 1);
    sender_done(p);
}

/* shows: RFC8985-7.4b RFC8985-7.4a: the ACK passes the probe's end without a report of a duplicate: one was lost, and the window pays;
 * with a report both arrived, and it does not. */
static void what_the_answer_tells(void **state)
{
    (void)state;
    for (int both = 0; both < 2; both++) {
        int32_t at;
        struct pair *p = sender(true, 2 * SEG);
        const uint32_t before = p->b.conn->cc.cwnd;
        next_leaves_ms(p, &at);
        put(&p->b, page, SEG, p->now_ns);
        pair_exchange(p);
        if (both)
            HEAR(p, 2000, { 1000, 2000 });
        hear(p, 3000, 0, NULL);
        assert_false(tcp_rare(p->b.conn)->rack.probing);
        if (both)
            assert_true(p->b.conn->cc.cwnd >= before);
        else
            assert_true(p->b.conn->cc.cwnd < before);
        sender_done(p);
    }
}

TESTS(two_round_trips, one_alone, only_one, what_the_answer_tells)
