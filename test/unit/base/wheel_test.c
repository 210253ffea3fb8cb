/* The wheel against the obvious: an array searched for what is due. */
#include "../test.h"
#include "base/heap.h"
#include "base/loop.h"
#include "base/rng.h"
#include "base/wheel.h"

enum { TIMERS = 200 };

static void agrees_with_a_search(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 1);
    for (int round = 0; round < 50; round++) {
        struct wheel w;
        static struct wheel_timer t[TIMERS];
        int64_t want[TIMERS], now = (int64_t)(rng_u64(&r) >> 20);
        memset(t, 0, sizeof t);
        wheel_init(&w, now);
        for (int i = 0; i < TIMERS; i++)
            want[i] = DEADLINE_NEVER;
        for (int step = 0; step < 400; step++) {
            const uint32_t i = rng_below(&r, TIMERS);
            if (rng_below(&r, 4) == 0) {
                want[i] = DEADLINE_NEVER;
                wheel_cancel(&w, &t[i]);
            } else {
                want[i] = now + (int64_t)(rng_u64(&r) >> (20 + rng_below(&r, 40)));
                wheel_arm(&w, &t[i], want[i]);
            }
            int64_t earliest = DEADLINE_NEVER;
            for (int k = 0; k < TIMERS; k++)
                earliest = time_min(earliest, want[k]);
            assert_true(wheel_deadline(&w) <= earliest);
            if (rng_below(&r, 3))
                continue;
            now = rng_below(&r, 2) && earliest != DEADLINE_NEVER ? time_max(now, earliest)
                                                                 : now + (int64_t)(rng_u64(&r) >> (24 + rng_below(&r, 36)));
            for (struct wheel_timer *due; (due = wheel_expire(&w, now));) {
                assert_true(want[due - t] <= now);
                assert_int_equal(due->deadline_ns, want[due - t]);
                want[due - t] = DEADLINE_NEVER;
            }
            for (int k = 0; k < TIMERS; k++)
                assert_true(want[k] > now);
        }
    }
}

/* Thousands in one slot come out by deadline, equal ones in the order they were armed. */
static void a_crowd_in_one_slot_keeps_order(void **state)
{
    (void)state;
    enum { CROWD = 5000 };
    static struct wheel_timer t[CROWD];
    struct wheel w;
    struct rng r;
    rng_seed(&r, 3);
    memset(t, 0, sizeof t);
    wheel_init(&w, 0);
    for (int64_t base = 1000; base < (int64_t)1 << 40; base <<= 13) {
        for (unsigned i = 0; i < CROWD; i++)
            wheel_arm(&w, &t[i], base + rng_below(&r, 1000));
        for (unsigned i = 0; i < CROWD; i += 7)
            wheel_cancel(&w, &t[i]);
        const struct wheel_timer *before = NULL;
        unsigned n = 0;
        for (const struct wheel_timer *due; (due = wheel_expire(&w, base + 1000)); before = due, n++)
            assert_true(!before || before->deadline_ns < due->deadline_ns || (before->deadline_ns == due->deadline_ns && before < due));
        assert_int_equal(n, CROWD - (CROWD + 6) / 7);
        assert_true(wheel_deadline(&w) == DEADLINE_NEVER);
    }
}

static int seen[8], n_seen;
static void note(void *arg) { seen[n_seen++] = *(int *)arg; }

static void loop_keeps_order(void **state)
{
    (void)state;
    struct loop l;
    int id[4] = { 0, 1, 2, 3 };
    struct loop_timer t[4];
    struct loop_task task = { .fn = note, .arg = &id[3] };
    memset(t, 0, sizeof t);
    loop_init(&l, 100, 0);
    for (int i = 0; i < 3; i++)
        t[i] = (struct loop_timer){ .fn = note, .arg = &id[i] };
    loop_arm(&l, &t[1], 200);
    loop_arm(&l, &t[0], 200);
    loop_arm(&l, &t[2], 150);
    assert_int_equal(loop_deadline(&l), 150);
    loop_defer(&l, &task);
    loop_defer(&l, &task);
    assert_int_equal(loop_deadline(&l), 100);
    loop_tick(&l, 200);
    assert_int_equal(n_seen, 4);
    const int want[] = { 3, 2, 1, 0 };
    assert_memory_equal(seen, want, sizeof want);
    assert_int_equal(loop_deadline(&l), DEADLINE_NEVER);
}

TESTS(agrees_with_a_search, a_crowd_in_one_slot_keeps_order, loop_keeps_order)
