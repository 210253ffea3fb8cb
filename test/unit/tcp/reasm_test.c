/* Reassembly against a table of bytes. */
#include "../test.h"
#include "base/rng.h"
#include "tcp/reasm.h"

enum { SPAN = 400 };

static void agrees_with_a_table(void **state)
{
    (void)state;
    struct rng r;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        rng_seed(&r, seed);
        struct reasm m = { .count = 0 };
        const seq_t base = seq((uint32_t)rng_u64(&r));          /* wraps in some */
        bool have[SPAN + 1] = { false };
        uint32_t nxt = 0;
        for (int step = 0; step < 60; step++) {
            const uint32_t from = nxt + 1 + rng_below(&r, SPAN - nxt > 40 ? SPAN - nxt - 40 : 1);
            uint32_t to = from + 1 + rng_below(&r, 30);
            if (to > SPAN)
                to = SPAN;
            const bool full = m.count == REASM_MAX;
            const struct span add = { seq_add(base, from), seq_add(base, to) };
            const bool fits = reasm_fits(&m, add);
            assert_true(fits || full);
            if (from < to && reasm_add(&m, add) == fits && fits)
                memset(have + from, 1, to - from);
            else if (from < to)
                assert_true(full);
            for (uint32_t i = 0; i + 1 < m.count; i++)
                assert_true(seq_lt(reasm_spans(&m)[i].from, reasm_spans(&m)[i].to) && seq_lt(reasm_spans(&m)[i].to, reasm_spans(&m)[i + 1].from));
            const uint32_t probe = nxt + 1 + rng_below(&r, SPAN - nxt), end = probe + 1 + rng_below(&r, 5);
            bool all = end <= SPAN;
            for (uint32_t i = probe; all && i < end; i++)
                all = have[i];
            assert_int_equal(reasm_has(&m, (struct span){ seq_add(base, probe), seq_add(base, end) }), all);
            if (rng_below(&r, 6) == 0 && nxt < SPAN - 60) {     /* the gap before the first is filled, in part or whole */
                nxt += 1 + rng_below(&r, 8);
                while (nxt < SPAN && have[nxt])
                    nxt++;
                seq_t got = reasm_advance(&m, seq_add(base, nxt));
                assert_int_equal(seq_diff(got, base), nxt);
            }
        }
    }
}

static void remembers_a_bounded_number_of_gaps(void **state)
{
    (void)state;
    struct reasm m = { .count = 0 };
    for (uint32_t i = 0; i < REASM_MAX; i++)
        assert_true(reasm_add(&m, (struct span){ seq(10 * i + 5), seq(10 * i + 8) }));
    assert_false(reasm_add(&m, (struct span){ seq(10 * REASM_MAX + 5), seq(10 * REASM_MAX + 6) }));
    assert_true(reasm_add(&m, (struct span){ seq(8), seq(15) }));           /* joins two: room again */
    assert_true(reasm_add(&m, (struct span){ seq(10 * REASM_MAX + 5), seq(10 * REASM_MAX + 6) }));
    assert_int_equal(reasm_advance(&m, seq(5)).n, 18);
}

static void lent_memory_holds_more(void **state)
{
    (void)state;
    struct reasm m = { .count = 0 };
    static struct span memory[100];
    for (uint32_t i = 0; i < REASM_MAX; i++)
        assert_true(reasm_add(&m, (struct span){ seq(10 * i + 5), seq(10 * i + 8) }));
    assert_false(reasm_fits(&m, (struct span){ seq(995), seq(998) }));
    reasm_lend(&m, memory, 100);
    for (uint32_t i = REASM_MAX; i < 100; i++)
        assert_true(reasm_add(&m, (struct span){ seq(10 * i + 5), seq(10 * i + 8) }));
    assert_false(reasm_add(&m, (struct span){ seq(1995), seq(1998) }));
    assert_true(reasm_has(&m, (struct span){ seq(5), seq(8) }) && reasm_has(&m, (struct span){ seq(995), seq(998) }));
    for (uint32_t i = 0; i < 100; i++)
        assert_int_equal(reasm_advance(&m, seq(10 * i + 5)).n, 10 * i + 8);
    assert_int_equal(m.count, 0);
    assert_ptr_equal(reasm_return(&m), memory);
    assert_null(reasm_return(&m));
    assert_true(reasm_add(&m, (struct span){ seq(5), seq(8) }));
}

TESTS(agrees_with_a_table, remembers_a_bounded_number_of_gaps, lent_memory_holds_more)
