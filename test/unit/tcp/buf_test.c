/* The block buffer against one long array; at the end every block is back. */
#include "../test.h"
#include "base/rng.h"
#include "tcp/buf.h"
#include "tcp/tcp.h"

static uint8_t model[1 << 20];

static bool need(struct pool *blocks, struct tcp_buf *b, uint32_t first, uint32_t pos, uint32_t len)
{
    return buf_need(blocks, b, &(struct buf_range){ .first = first, .pos = pos, .len = len });
}

static void holds_what_was_written(void **state)
{
    (void)state;
    struct rng r;
    struct pool blocks;
    assert_true(pool_init(&blocks, TCP_BLOCK, 600));
    for (uint64_t seed = 1; seed <= 200; seed++) {
        rng_seed(&r, seed);
        struct tcp_buf b = { 0 };
        const uint32_t base = (uint32_t)rng_u64(&r);            /* positions wrap */
        uint32_t first = 0, end = 0;
        for (int step = 0; step < 200; step++) {
            if (rng_below(&r, 2)) {
                const uint32_t n = 1 + rng_below(&r, seed % 3 ? 20000 : 900);
                uint8_t bytes[20000];
                if (end + n > sizeof model || end + n - first > 1000000)
                    break;
                for (uint32_t i = 0; i < n; i++)
                    model[end + i] = bytes[i] = (uint8_t)rng_u64(&r);
                if (!need(&blocks, &b, base + first, base + end, n))
                    continue;
                buf_write(&blocks, &b, base + end, bytes, n);
                end += n;
            } else if (end > first) {
                const uint32_t n = 1 + rng_below(&r, end - first);
                uint32_t len;
                for (uint32_t at = first; at < first + n; at += len) {
                    const uint8_t *p = buf_at(&blocks, &b, base + at, &len);
                    assert_non_null(p);
                    if (len > first + n - at)
                        len = first + n - at;
                    assert_memory_equal(p, model + at, len);
                }
                if (first + n == end)
                    buf_clear(&blocks, &b, base + first, base + end);
                else
                    buf_drop(&blocks, &b, base + first, base + first + n);
                first += n;
                if (first == end)
                    assert_int_equal(blocks.used, 0);           /* a block exists only while bytes lie in it */
            }
        }
        buf_clear(&blocks, &b, base + first, base + end);
        assert_int_equal(blocks.used, 0);
    }
    pool_fini(&blocks);
}

static void spares_what_others_need(void **state)
{
    (void)state;
    struct pool blocks;
    struct tcp_buf b = { 0 };
    assert_true(pool_init(&blocks, TCP_BLOCK, 4));
    assert_true(buf_need(&blocks, &b, &(struct buf_range){ .len = 100, .spare = 3 }));
    assert_true(buf_need(&blocks, &b, &(struct buf_range){ .len = TCP_BLOCK, .spare = 3 }));   /* takes none */
    assert_false(buf_need(&blocks, &b, &(struct buf_range){ .pos = TCP_BLOCK, .len = 1, .spare = 3 }));
    assert_true(buf_need(&blocks, &b, &(struct buf_range){ .pos = TCP_BLOCK, .len = 1, .spare = 2 }));
    buf_clear(&blocks, &b, 0, 2 * TCP_BLOCK);
    assert_int_equal(blocks.used, 0);
    pool_fini(&blocks);
}

static void all_or_nothing(void **state)
{
    (void)state;
    struct pool blocks;
    struct tcp_buf b = { 0 };
    assert_true(pool_init(&blocks, TCP_BLOCK, 4));
    assert_true(need(&blocks, &b, 0, 0, 100));
    assert_false(need(&blocks, &b, 0, 0, 5 * TCP_BLOCK));
    assert_int_equal(blocks.used, 1);
    assert_true(need(&blocks, &b, 0, 0, 3 * TCP_BLOCK));    /* three and a table */
    assert_int_equal(blocks.used, 4);
    buf_clear(&blocks, &b, 0, 3 * TCP_BLOCK);
    assert_int_equal(blocks.used, 0);
    pool_fini(&blocks);
}

TESTS(holds_what_was_written, spares_what_others_need, all_or_nothing)
