/* The SACK option as it is sent: RFC 2018 §4, RFC 2883. */
#include "pair.h"

static struct pair *receiver(void)
{
    static const uint8_t opt[] = { 2, 4, 1000 >> 8, 1000 & 255, 1, 1, 4, 2 };
    return solo_opt(NULL, opt, sizeof opt, 50000);
}

static void done(struct pair *p)
{
    tcp_abort(p->b.conn, p->now_ns);
    pair_exchange(p);
    assert_int_equal(p->b.tcp->moments.used, 0);
    assert_int_equal(p->b.tcp->flights.used, 0);
    pair_free(p);
}

static void expect(const struct pair *p, const struct seen *s, int32_t ack, const int32_t (*block)[2], unsigned n)
{
    assert_int_equal(ack_off(&p->b, s->h.ack), ack);
    assert_int_equal(s->opt.n_sack, n);
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(ack_off(&p->b, s->opt.sack[i].from), block[i][0]);
        assert_int_equal(ack_off(&p->b, s->opt.sack[i].to), block[i][1]);
    }
}

#define BLOCKS(...) (const int32_t[][2]){ __VA_ARGS__ }

/* shows: RFC2018-4a */
static void each_says_its_moment(void **state)
{
    (void)state;
    struct pair *p = receiver();
    say(p, 10, 0, ACK, 50000, "0123456789");
    say(p, 40, 0, ACK, 50000, "0123456789");
    say(p, 20, 0, ACK, 50000, "0123456789");
    say(p, 10, 0, ACK, 50000, "0123456789");
    assert_int_equal(p->b.tcp->moments.used, 1);
    flush(p);
    assert_int_equal(n_seen, 4);
    expect(p, &seen[0], 0, BLOCKS({ 10, 20 }), 1);
    expect(p, &seen[1], 0, BLOCKS({ 40, 50 }, { 10, 20 }), 2);
    expect(p, &seen[2], 0, BLOCKS({ 10, 30 }, { 40, 50 }), 2);
    expect(p, &seen[3], 0, BLOCKS({ 10, 20 }, { 10, 30 }, { 40, 50 }), 3);
    assert_int_equal(p->b.tcp->moments.used, 0);
    done(p);
}

/* One ACK stands for all when order moves on, and still says what came twice; once. */
static void order_moves_on(void **state)
{
    (void)state;
    struct pair *p = receiver();
    say(p, 10, 0, ACK, 50000, "0123456789");
    say(p, 10, 0, ACK, 50000, "0123456789");
    say(p, 30, 0, ACK, 50000, "0123456789");
    say(p, 0, 0, ACK, 50000, "0123456789");
    flush(p);
    assert_int_equal(n_seen, 1);
    expect(p, &seen[0], 20, BLOCKS({ 10, 20 }, { 30, 40 }), 2);
    say(p, 50, 0, ACK, 50000, "0123456789");
    flush(p);
    assert_int_equal(n_seen, 1);
    expect(p, &seen[0], 20, BLOCKS({ 50, 60 }, { 30, 40 }), 2);
    done(p);
}

/* Without a record of moments each ACK says what is true when it leaves. */
static void no_moments_left(void **state)
{
    (void)state;
    struct pair *p = receiver();
    struct pool *pool = &p->b.tcp->moments;
    void *held[64];
    unsigned n = 0;
    while (pool_left(pool))
        held[n++] = pool_get(pool);
    say(p, 10, 0, ACK, 50000, "0123456789");
    say(p, 40, 0, ACK, 50000, "0123456789");
    flush(p);
    assert_int_equal(n_seen, 2);
    expect(p, &seen[0], 0, BLOCKS({ 40, 50 }, { 10, 20 }), 2);
    expect(p, &seen[1], 0, BLOCKS({ 40, 50 }, { 10, 20 }), 2);
    while (n > 0)
        pool_put(pool, held[--n]);
    done(p);
}

/* A flight that only remembers a duplicate goes when that has been said. */
static void flight_goes(void **state)
{
    (void)state;
    struct pair *p = receiver();
    say(p, 0, 0, ACK, 50000, "0123456789");
    flush(p);
    say(p, 0, 0, ACK, 50000, "0123456789");
    assert_non_null(p->b.conn->flight);
    flush(p);
    expect(p, last_seen(), 10, BLOCKS({ 0, 10 }), 1);
    assert_null(p->b.conn->flight);
    done(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_says_its_moment), cmocka_unit_test(order_moves_on), cmocka_unit_test(no_moments_left),
                                        cmocka_unit_test(flight_goes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
