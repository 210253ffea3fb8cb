#include "../test.h"
#include "base/ring.h"
#include <pthread.h>
#include <sched.h>

static void order_and_room(void **state)
{
    (void)state;
    struct ring r;
    assert_true(ring_init(&r, 4, sizeof(int)));
    atomic_store(&r.put, UINT32_MAX - 1);       /* the counters pass 2^32 */
    atomic_store(&r.taken, UINT32_MAX - 1);
    assert_null(ring_peek(&r));
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++) {
            assert_int_equal(ring_room(&r), 4 - i);
            *(int *)ring_slot(&r) = 10 * round + i;
            ring_put(&r);
        }
        assert_null(ring_slot(&r));
        const uint32_t before = ring_taken(&r);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(*(const int *)ring_peek(&r), 10 * round + i);
            ring_take(&r);
        }
        assert_int_equal(ring_taken(&r) - before, 4);
        assert_null(ring_peek(&r));
    }
    ring_fini(&r);
}

enum { MANY = 300000 };

static void *put_many(void *arg)
{
    struct ring *r = arg;
    for (uint64_t i = 0; i < MANY;) {
        uint64_t *to = ring_slot(r);
        if (!to) {
            sched_yield();
            continue;
        }
        to[0] = i;
        to[1] = ~i;
        ring_put(r);
        i++;
    }
    return NULL;
}

/* What one thread puts the other finds whole and in order. */
static void two_threads(void **state)
{
    (void)state;
    struct ring r;
    pthread_t putter;
    assert_true(ring_init(&r, 64, 2 * sizeof(uint64_t)));
    assert_int_equal(pthread_create(&putter, NULL, put_many, &r), 0);
    for (uint64_t i = 0; i < MANY;) {
        const uint64_t *from = ring_peek(&r);
        if (!from) {
            sched_yield();
            continue;
        }
        assert_int_equal(from[0], i);
        assert_int_equal(from[1], ~i);
        ring_take(&r);
        i++;
    }
    assert_int_equal(pthread_join(putter, NULL), 0);
    ring_fini(&r);
}

TESTS(order_and_room, two_threads)
