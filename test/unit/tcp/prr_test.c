/* RFC 9937 §6.2 by numbers. */
#include "../test.h"
#include "tcp/prr.h"

enum { MSS = 1000 };

static uint32_t ack(struct prr *p, uint32_t delivered, uint32_t pipe, uint32_t ssthresh, bool safe)
{
    prr_on_ack(p, &(struct prr_ack){ .delivered = delivered, .pipe = pipe, .ssthresh = ssthresh, .mss = MSS, .safe = safe, .repair = true });
    return p->left;
}

/* shows: RFC9937-6.2b RFC9937-6.2e: 20 in flight become 10; half of what is delivered leaves, the first at once. */
static void proportional(void **state)
{
    (void)state;
    struct prr p;
    uint32_t out = 0, pipe = 19000;
    prr_start(&p, 20000);
    assert_int_equal(ack(&p, 1000, pipe, 10000, false), 1000);
    for (uint32_t delivered = 1000; pipe > 10000; delivered += 1000) {
        const uint32_t now = p.left / MSS * MSS;
        prr_on_sent(&p, now);
        out += now;
        assert_true(out <= delivered / 2 + MSS);
        pipe = pipe - 1000 + now;
        ack(&p, 1000, pipe, 10000, false);
    }
    assert_in_range(out, 8000, 11000);
}

/* shows: RFC9937-6.2a RFC9937-6.2c RFC9937-6.2d: much was lost; it grows back no faster than what arrives, or as in slow start. */
static void bounds(void **state)
{
    (void)state;
    struct prr p;
    prr_start(&p, 20000);
    assert_int_equal(ack(&p, 3000, 2000, 10000, false), 3000);
    prr_on_sent(&p, 3000);
    assert_int_equal(p.left, 0);
    assert_int_equal(ack(&p, 1000, 4000, 10000, false), 1000);
    prr_on_sent(&p, 1000);
    assert_int_equal(ack(&p, 1000, 4000, 10000, true), 2000);
    prr_on_sent(&p, 2000);
    assert_int_equal(ack(&p, 5000, 9500, 10000, true), 500);    /* never beyond ssthresh */
    prr_on_sent(&p, 9000);
    assert_int_equal(p.left, 0);
    assert_int_equal(p.out, 15000);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(proportional), cmocka_unit_test(bounds) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
