/* RFC 5227's numbers. */
#include "../test.h"
#include "link/acd.h"

static struct acd a;
static struct rng rng;
static const struct mac own = { { 2, 0, 0, 0, 0, 1 } }, peer = { { 2, 0, 0, 0, 0, 2 } };
static const struct addr x = { .b = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 } };

static int64_t at[16];
static struct arp what[16];

/* Runs until `until_ns`, verdicts taken; how many packets went out. */
static unsigned run(int64_t until_ns)
{
    unsigned n = 0, iface;
    struct acd_verdict v;
    for (int64_t t; (t = acd_deadline(&a)) <= until_ns;) {
        for (; n < 16 && acd_next(&a, &what[n], &iface, t); n++)
            at[n] = t;
        while (acd_take_verdict(&a, &v))
            continue;
    }
    return n;
}

static void begin(enum acd_start how)
{
    rng_seed(&rng, 7);
    acd_init(&a, &rng);
    assert_true(acd_add(&a, 0, own, x, how, 0));
}

static void probes_then_announcements(void **state)
{
    (void)state;
    struct acd_verdict v;
    begin(ACD_PROBE);
    const int64_t start = acd_deadline(&a);
    assert_in_range(start, 0, NS_PER_SEC);
    unsigned iface, n = 0;
    for (; n < 3; n++) {
        const int64_t t = acd_deadline(&a);
        assert_true(acd_next(&a, &what[n], &iface, t));
        at[n] = t;
        assert_true(addr_is_any(what[n].sender) && addr_eq(what[n].target, x));
        assert_false(acd_in_use(&a, 0, x));
    }
    assert_in_range(at[1] - at[0], NS_PER_SEC, 2 * NS_PER_SEC);
    assert_in_range(at[2] - at[1], NS_PER_SEC, 2 * NS_PER_SEC);
    const int64_t announced = acd_deadline(&a);
    assert_int_equal(announced - at[2], 2 * NS_PER_SEC);
    assert_true(acd_next(&a, &what[3], &iface, announced));
    assert_true(addr_eq(what[3].sender, x) && addr_eq(what[3].target, x));
    assert_true(acd_take_verdict(&a, &v));
    assert_int_equal(v.kind, ACD_READY);
    assert_true(acd_in_use(&a, 0, x));
    assert_int_equal(acd_deadline(&a) - announced, 2 * NS_PER_SEC);
    assert_true(acd_next(&a, &what[4], &iface, acd_deadline(&a)));
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
    struct arp p = { .op = ARP_REQUEST, .sender_mac = own, .sender = addr4(0), .target = x };
    (void)acd_heard(&a, 0, &p, 0);      /* our own probe, looped back */
    assert_false(acd_take_verdict(&a, &v));
    p.sender_mac = peer;
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
    const struct arp claim = { .op = ARP_REPLY, .sender_mac = peer, .sender = x, .target = addr4(0x0a000009) };
    unsigned iface, n = 0;
    struct arp out;
    for (int s = 10; s < 30; s++) {
        assert_true(acd_heard(&a, 0, &claim, s * NS_PER_SEC));
        assert_true(acd_take_verdict(&a, &v));
        assert_int_equal(v.kind, ACD_CONFLICT);
        while (acd_next(&a, &out, &iface, s * NS_PER_SEC))
            n++;
    }
    assert_int_equal(n, 2);             /* one in ten seconds */
    assert_true(acd_in_use(&a, 0, x));
}

TESTS(probes_then_announcements, quick_ones_take_200_ms, conflict_while_probing_loses, defence_is_rate_limited)
