/* RFC 5227's numbers. */
#include "../test.h"
#include "link/acd.h"

static struct acd a;
static struct rng rng;
static const struct mac own = { { 2, 0, 0, 0, 0, 1 } }, peer = { { 2, 0, 0, 0, 0, 2 } };
static const struct addr x = { .b = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 } };

static int64_t at[16];
static struct acd_message what[16];

/* Runs until `until_ns`, verdicts taken; how many packets went out. */
static unsigned run(int64_t until_ns)
{
    unsigned n = 0;
    struct acd_verdict v;
    for (int64_t t; (t = acd_deadline(&a)) <= until_ns;) {
        for (; n < 16 && acd_next(&a, &what[n], t); n++)
            at[n] = t;
        while (acd_take_verdict(&a, &v))
            continue;
    }
    return n;
}

static void begin_with(struct addr who, enum acd_start how)
{
    rng_seed(&rng, 7);
    acd_init(&a, &rng);
    assert_true(acd_add(&a, 0, own, who, how, 0));
}
static void begin(enum acd_start how) { begin_with(x, how); }

static void probes_then_announcements(void **state)
{
    (void)state;
    struct acd_verdict v;
    begin(ACD_PROBE);
    const int64_t start = acd_deadline(&a);
    assert_in_range(start, 0, NS_PER_SEC);
    unsigned n = 0;
    for (; n < 3; n++) {
        const int64_t t = acd_deadline(&a);
        assert_true(acd_next(&a, &what[n], t));
        at[n] = t;
        assert_true(what[n].say == ACD_SAY_PROBE && addr_eq(what[n].addr, x));
        assert_false(acd_in_use(&a, 0, x));
    }
    assert_in_range(at[1] - at[0], NS_PER_SEC, 2 * NS_PER_SEC);
    assert_in_range(at[2] - at[1], NS_PER_SEC, 2 * NS_PER_SEC);
    const int64_t announced = acd_deadline(&a);
    assert_int_equal(announced - at[2], 2 * NS_PER_SEC);
    assert_true(acd_next(&a, &what[3], announced));
    assert_true(what[3].say == ACD_SAY_HERE && addr_eq(what[3].addr, x));
    assert_true(acd_take_verdict(&a, &v));
    assert_int_equal(v.kind, ACD_READY);
    assert_true(acd_in_use(&a, 0, x));
    assert_int_equal(acd_deadline(&a) - announced, 2 * NS_PER_SEC);
    assert_true(acd_next(&a, &what[4], acd_deadline(&a)));
    assert_int_equal(acd_deadline(&a), DEADLINE_NEVER);
}

static void quick_ones_take_200_ms(void **state)
{
    (void)state;
    begin(ACD_PROBE_QUICK);
    assert_int_equal(run(NS_PER_SEC), 4);
    assert_int_equal(at[3], 200 * NS_PER_MS);
}

static void conflict_while_probing_loses(void **state)
{
    (void)state;
    struct acd_verdict v;
    begin(ACD_PROBE);
    struct acd_claim p = { .addr = x, .by = own, .probe = true };
    (void)acd_heard(&a, 0, &p, 0);      /* our own probe, looped back */
    assert_false(acd_take_verdict(&a, &v));
    p.by = peer;
    (void)acd_heard(&a, 1, &p, 0);      /* on another link */
    assert_false(acd_take_verdict(&a, &v));
    (void)acd_heard(&a, 0, &p, 0);      /* somebody else's probe for it */
    assert_true(acd_take_verdict(&a, &v));
    assert_int_equal(v.kind, ACD_LOST);
    assert_true(mac_eq(v.by, peer));
    assert_int_equal(acd_deadline(&a), DEADLINE_NEVER);
}

static void defence_is_rate_limited(void **state)
{
    (void)state;
    struct acd_verdict v;
    begin(ACD_USE);
    assert_int_equal(run(5 * NS_PER_SEC), 2);
    const struct acd_claim claim = { .addr = x, .by = peer };
    unsigned n = 0;
    struct acd_message out;
    for (int s = 10; s < 30; s++) {
        assert_true(acd_heard(&a, 0, &claim, s * NS_PER_SEC));
        assert_true(acd_take_verdict(&a, &v));
        assert_int_equal(v.kind, ACD_CONFLICT);
        for (; acd_next(&a, &out, s * NS_PER_SEC); n++)
            assert_int_equal(out.say, ACD_SAY_MINE);
    }
    assert_int_equal(n, 2);             /* one in ten seconds */
    assert_true(acd_in_use(&a, 0, x));
}

static const struct addr six = { .b = { 0xfe, 0x80, [15] = 6 } };

/* RFC 4862 §5.4: one solicitation within a second, another second for whoever has it. */
static void ip6_is_probed_once(void **state)
{
    (void)state;
    begin_with(six, ACD_PROBE);
    assert_int_equal(run(5 * NS_PER_SEC), 2);
    assert_in_range(at[0], 0, NS_PER_SEC);
    assert_int_equal(at[1] - at[0], NS_PER_SEC);
    assert_true(what[0].say == ACD_SAY_PROBE && what[1].say == ACD_SAY_HERE);
    assert_memory_equal(what[0].nonce, what[1].nonce, ACD_NONCE);
    begin_with(six, ACD_PROBE_QUICK);
    assert_int_equal(run(5 * NS_PER_SEC), 2);
    assert_int_equal(at[0], 0);
    assert_int_equal(at[1], 200 * NS_PER_MS);
}

/* RFC 7527: our own probe that comes back says nothing of others; it is asked three times more. */
static void ip6_probe_comes_back(void **state)
{
    (void)state;
    struct acd_verdict v;
    begin_with(six, ACD_PROBE_QUICK);
    assert_int_equal(run(0), 1);
    struct acd_claim c = { .addr = six, .probe = true, .has_nonce = true };
    memcpy(c.nonce, what[0].nonce, ACD_NONCE);
    assert_false(acd_heard(&a, 0, &c, 0));
    assert_false(acd_take_verdict(&a, &v));
    assert_int_equal(run(NS_PER_SEC), 4);
    assert_int_equal(at[3], 800 * NS_PER_MS);
    assert_true(acd_in_use(&a, 0, six));
}

static void ip6_two_want_it(void **state)
{
    (void)state;
    struct acd_verdict v;
    struct acd_claim c = { .addr = six, .probe = true, .has_nonce = true };
    begin_with(six, ACD_PROBE_QUICK);
    assert_int_equal(run(0), 1);
    (void)acd_heard(&a, 0, &c, 0);      /* another's nonce */
    assert_true(acd_take_verdict(&a, &v));
    assert_int_equal(v.kind, ACD_LOST);
    begin_with(six, ACD_PROBE_QUICK);
    c.probe = false;                    /* an advertisement of who has it */
    (void)acd_heard(&a, 0, &c, 0);
    assert_true(acd_take_verdict(&a, &v));
    assert_int_equal(v.kind, ACD_LOST);
    begin_with(six, ACD_USE);
    c.probe = true;                     /* somebody asks; the answer is neighbour discovery's */
    assert_false(acd_heard(&a, 0, &c, 0));
    assert_false(acd_take_verdict(&a, &v));
}

TESTS(probes_then_announcements, quick_ones_take_200_ms, conflict_while_probing_loses, defence_is_rate_limited, ip6_is_probed_once,
      ip6_probe_comes_back, ip6_two_want_it)
