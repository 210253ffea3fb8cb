#include "../test.h"
#include "link/bridge.h"

static struct bridge b;
static struct mac m(unsigned n) { return (struct mac){ { 2, 0, 0, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } }; }

static enum bridge_verdict decide(unsigned from, struct mac src, struct mac dst, unsigned *to, int64_t now_ns)
{
    return bridge_decide(&b, &(struct bridge_frame){ .from = (uint16_t)from, .src = src, .dst = dst }, to, now_ns);
}

static void begin(void)
{
    struct rng r;
    rng_seed(&r, 1);
    bridge_init(&b, &r);
}

static void learns_moves_and_ages(void **state)
{
    (void)state;
    unsigned to = 99;
    begin();
    assert_int_equal(decide(1, m(1), m(2), &to, 0), BRIDGE_FLOOD);
    assert_int_equal(decide(2, m(2), m(1), &to, 0), BRIDGE_TO_PORT);
    assert_int_equal(to, 1);
    assert_int_equal(decide(1, m(3), m(1), &to, 0), BRIDGE_DROP);
    assert_int_equal(decide(5, m(1), m(2), &to, NS_PER_SEC), BRIDGE_TO_PORT);
    assert_int_equal(decide(2, m(2), m(1), &to, NS_PER_SEC), BRIDGE_TO_PORT);
    assert_int_equal(to, 5);            /* it moved */
    assert_int_equal(decide(2, m(2), m(1), &to, 301 * NS_PER_SEC), BRIDGE_FLOOD);
    bridge_forget_port(&b, 2);
    assert_int_equal(decide(1, m(1), m(2), &to, 301 * NS_PER_SEC), BRIDGE_FLOOD);
}

static void groups_are_flooded_and_never_learnt(void **state)
{
    (void)state;
    unsigned to = 99;
    begin();
    assert_int_equal(decide(1, MAC_BROADCAST, m(2), &to, 0), BRIDGE_FLOOD);
    assert_int_equal(decide(2, m(2), MAC_BROADCAST, &to, 0), BRIDGE_FLOOD);
    for (unsigned i = 0; i < BRIDGE_ENTRIES; i++)
        assert_false(b.entry[i].used && mac_is_group(b.entry[i].mac));
}

static void a_flood_of_sources_is_survived(void **state)
{
    (void)state;
    unsigned to = 0, known = 0;
    begin();
    for (unsigned i = 0; i < 20000; i++)
        (void)decide(i % 7, m(i), MAC_BROADCAST, &to, i);
    for (unsigned i = 0; i < 20000; i++) {
        if (decide(9, m(99999), m(i), &to, 20000) != BRIDGE_TO_PORT)
            continue;
        known++;
        assert_int_equal(to, i % 7);
    }
    assert_in_range(known, BRIDGE_ENTRIES * 3 / 4, BRIDGE_ENTRIES);
}

TESTS(learns_moves_and_ages, groups_are_flooded_and_never_learnt, a_flood_of_sources_is_survived)
