#include "../test.h"
#include "net/pmtu.h"

static void learns_and_ages(void **state)
{
    (void)state;
    static struct pmtu p;
    const struct addr a = addr4(1), b = addr4(2);
    assert_int_equal(pmtu_of(&p, a, 1500), 1500);
    assert_int_equal(pmtu_claim(&p, a, 1400, 1500, 1500), 1400);
    assert_int_equal(pmtu_of(&p, a, 1500), 1500);                       /* a claim alone changes nothing */
    assert_true(pmtu_learn(&p, a, 1400, 1500, 0));
    assert_int_equal(pmtu_claim(&p, a, 1450, 1500, 1500), 1400);        /* never raised */
    assert_false(pmtu_learn(&p, a, 1450, 1500, 0));
    assert_int_equal(pmtu_of(&p, a, 1500), 1400);
    assert_int_equal(pmtu_of(&p, a, 1300), 1300);
    assert_int_equal(pmtu_of(&p, b, 1500), 1500);
    assert_int_equal(pmtu_claim(&p, b, 0, 1500, 1500), 1492);           /* old routers: the next plateau */
    assert_int_equal(pmtu_claim(&p, b, 0, 1492, 1500), 1006);
    assert_true(pmtu_learn(&p, b, 1006, 1500, NS_PER_SEC));
    assert_int_equal(pmtu_claim(&p, a, 20, 1400, 1500), PMTU_MIN);
    assert_int_equal(pmtu_deadline(&p), 600 * NS_PER_SEC);
    assert_false(pmtu_tick(&p, 600 * NS_PER_SEC - 1));
    assert_true(pmtu_tick(&p, 600 * NS_PER_SEC));
    assert_int_equal(pmtu_of(&p, a, 1500), 1500);
    assert_int_equal(pmtu_of(&p, b, 1500), 1006);
    assert_true(pmtu_tick(&p, 601 * NS_PER_SEC));
    assert_int_equal(pmtu_deadline(&p), DEADLINE_NEVER);
}

static void bounded(void **state)
{
    (void)state;
    static struct pmtu p;
    for (uint32_t i = 0; i < 2 * PMTU_ENTRIES; i++)
        assert_true(pmtu_learn(&p, addr4(i), 1000, 1500, i));
    assert_int_equal(p.n, PMTU_ENTRIES);
    assert_int_equal(pmtu_of(&p, addr4(0), 1500), 1500);                /* the oldest went */
    assert_int_equal(pmtu_of(&p, addr4(2 * PMTU_ENTRIES - 1), 1500), 1000);
}

TESTS(learns_and_ages, bounded)
