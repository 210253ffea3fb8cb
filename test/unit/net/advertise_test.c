/* A router's advertisements: RFC 4861 §6.2. */
#include "../test.h"
#include "net/advertise.h"
#include <stdlib.h>

static struct advertise a;
static struct rng rng;
static struct nd m;
static struct addr to;
static const struct nd SOLICIT = { .type = ICMP6_ROUTER_SOLICIT };
static const struct addr ALL_NODES = { .b = { 0xff, 2, [15] = 1 } };

static struct addr host(unsigned n) { return (struct addr){ .b = { 0xfe, 0x80, [14] = (uint8_t)(n >> 8), [15] = (uint8_t)n } }; }

static void begin(struct advertise_config c)
{
    rng_seed(&rng, 3);
    advertise_start(&a, &rng, &c, 0);
}

/* When the next message goes out. */
static int64_t next(void)
{
    const int64_t t = advertise_deadline(&a);
    assert_true(advertise_next(&a, &m, &to, t));
    return t;
}

static void intervals(void **state)
{
    (void)state;
    begin((struct advertise_config){ 0 });
    int64_t last = next();
    assert_int_equal(last, 0);
    assert_true(addr_eq(to, ALL_NODES));
    assert_true(m.type == ICMP6_ROUTER_ADVERT && m.router_lifetime_s == 1800 && m.hop_limit == 64);
    assert_false(advertise_next(&a, &m, &to, 0));
    for (int i = 0; i < 20; i++) {
        const int64_t t = next();
        assert_in_range(t - last, i < 2 ? 16 * NS_PER_SEC : 200 * NS_PER_SEC, i < 2 ? 16 * NS_PER_SEC : 600 * NS_PER_SEC);
        last = t;
    }
}

static void answers(void **state)
{
    (void)state;
    begin((struct advertise_config){ .max_interval_s = 100 });
    (void)next();
    (void)next();
    const int64_t t = next() + 10 * NS_PER_SEC;
    assert_int_equal(advertise_solicited(&a, host(7), &SOLICIT, t), WHY_NONE);
    assert_int_equal(advertise_solicited(&a, host(7), &SOLICIT, t), WHY_NONE);      /* once */
    assert_in_range(advertise_deadline(&a), t, t + 500 * NS_PER_MS);
    (void)next();
    assert_true(addr_eq(to, host(7)));
    assert_true(advertise_deadline(&a) > t + NS_PER_SEC);
    assert_int_equal(advertise_solicited(&a, ADDR_NONE, &SOLICIT, t), WHY_NONE);    /* no address: all hear it */
    assert_in_range(next(), t, t + 500 * NS_PER_MS);
    assert_true(addr_eq(to, ALL_NODES));
    assert_int_equal(advertise_solicited(&a, ADDR_NONE, &SOLICIT, t + NS_PER_SEC), WHY_NONE);
    assert_true(next() >= t + 3 * NS_PER_SEC);          /* MIN_DELAY_BETWEEN_RAS */
    const int64_t later = t + 20 * NS_PER_SEC;
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(advertise_solicited(&a, host(i), &SOLICIT, later), WHY_NONE);
    unsigned n = 0;
    while (advertise_next(&a, &m, &to, later + NS_PER_SEC))
        n++;
    assert_int_equal(n, ADVERTISE_ASKED + 1);           /* the rest hear the one to all */
}

static void bad_solicitations(void **state)
{
    (void)state;
    struct nd s = { .type = ICMP6_ROUTER_SOLICIT, .has_source_mac = true, .source_mac = { { 2, 0, 0, 0, 0, 1 } } };
    begin((struct advertise_config){ 0 });
    assert_int_equal(advertise_solicited(&a, ADDR_NONE, &s, 0), WHY_ND_BAD);
    s.source_mac = MAC_BROADCAST;
    assert_int_equal(advertise_solicited(&a, host(1), &s, 0), WHY_ND_BAD);
}

static void good_bye(void **state)
{
    (void)state;
    begin((struct advertise_config){ 0 });
    (void)next();
    advertise_stop(&a, NS_PER_SEC);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(next(), NS_PER_SEC + i * 3 * NS_PER_SEC);
        assert_int_equal(m.router_lifetime_s, 0);
    }
    assert_int_equal(advertise_deadline(&a), DEADLINE_NEVER);
    assert_int_equal(advertise_solicited(&a, host(1), &SOLICIT, 0), WHY_ND_ROLE);
    assert_false(advertise_next(&a, &m, &to, 100 * NS_PER_SEC));
}

static void what_is_said(void **state)
{
    (void)state;
    struct advertise_config c = { .max_interval_s = 1, .no_default = true };
    c.message.n_prefix = 2;
    c.message.prefix[0] = (struct nd_prefix){ .on_link = true };
    c.message.prefix[1] = (struct nd_prefix){ .valid_s = 5, .preferred_s = 0 };
    c.message.n_dns = 1;
    begin(c);
    (void)next();
    assert_int_equal(m.router_lifetime_s, 0);
    assert_int_equal(m.prefix[0].valid_s, 30 * 86400);
    assert_int_equal(m.prefix[0].preferred_s, 7 * 86400);
    assert_true(m.prefix[1].valid_s == 5 && m.prefix[1].preferred_s == 0);
    assert_int_equal(m.dns_lifetime_s, 12);
    for (int i = 0; i < 10; i++) {
        const int64_t before = a.last_ns;
        assert_true(next() - before >= 3 * NS_PER_SEC);
    }
}

TESTS(intervals, answers, bad_solicitations, good_bye, what_is_said)
