#include "../test.h"
#include "base/pool.h"

static void last_in_first_out(void **state)
{
    (void)state;
    struct pool p;
    assert_true(pool_init(&p, 100, 3));
    void *a = pool_get(&p), *b = pool_get(&p), *c = pool_get(&p);
    assert_true(a && b && c && a != b && b != c && a != c);
    assert_null(pool_get(&p));
    assert_int_equal(p.refused, 1);
    assert_int_equal(pool_left(&p), 0);
    pool_put(&p, a);
    pool_put(&p, c);
    assert_int_equal(p.used, 1);
    assert_ptr_equal(pool_get(&p), c);
    assert_ptr_equal(pool_get(&p), a);
    assert_int_equal(p.peak, 3);
    pool_put(&p, a);
    pool_put(&p, b);
    pool_put(&p, c);
    pool_fini(&p);
}

static void objects_do_not_touch(void **state)
{
    (void)state;
    struct pool p;
    uint8_t *object[64];
    assert_true(pool_init(&p, 65, 64));
    for (int round = 0; round < 3; round++) {
        for (uint8_t i = 0; i < 64; i++) {
            object[i] = pool_get(&p);
            assert_non_null(object[i]);
            assert_int_equal((uintptr_t)object[i] % 8, 0);
            memset(object[i], i, 65);
        }
        for (uint8_t i = 0; i < 64; i++) {
            for (int k = 0; k < 65; k++)
                assert_int_equal(object[i][k], i);
            pool_put(&p, object[i]);
        }
    }
    pool_fini(&p);
}

static void none_at_all(void **state)
{
    (void)state;
    struct pool p;
    assert_true(pool_init(&p, 8, 0));
    assert_null(pool_get(&p));
    pool_fini(&p);
    pool_fini(&p);
}

TESTS(last_in_first_out, objects_do_not_touch, none_at_all)
