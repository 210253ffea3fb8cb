#include "../test.h"
#include "base/seq.h"
#include "base/time.h"

/* RFC 9293 §3.4: comparisons hold across the wrap. */
static void across_the_wrap(void **state)
{
    (void)state;
    static const uint32_t start[] = { 0, 1, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff };
    static const uint32_t step[] = { 1, 2, 1000, 0x7fffffff };
    for (size_t i = 0; i < 6; i++) {
        const seq_t a = seq(start[i]);
        assert_true(seq_le(a, a) && seq_eq(a, a) && !seq_lt(a, a));
        for (size_t k = 0; k < 4; k++) {
            const seq_t b = seq_add(a, step[k]);
            assert_true(seq_lt(a, b) && seq_le(a, b) && !seq_lt(b, a) && !seq_le(b, a) && !seq_eq(a, b));
            assert_int_equal(seq_diff(b, a), step[k]);
            assert_int_equal(seq_sub(b, step[k]).n, a.n);
            assert_int_equal(seq_max(a, b).n, b.n);
            assert_int_equal(seq_min(a, b).n, a.n);
            assert_int_equal(seq_max(b, a).n, b.n);
        }
    }
}

static void time_does_not_overflow(void **state)
{
    (void)state;
    assert_int_equal(time_after(5, 7), 12);
    assert_int_equal(time_after(5, -7), 5);
    assert_int_equal(time_after(5, DEADLINE_NEVER), DEADLINE_NEVER);
    assert_int_equal(time_after(DEADLINE_NEVER, 1), DEADLINE_NEVER);
    assert_int_equal(time_min(1, DEADLINE_NEVER), 1);
    assert_int_equal(time_max(-1, 1), 1);
}

TESTS(across_the_wrap, time_does_not_overflow)
