/* Sticky and half packets: messages cut and joined in every way come out whole. */
#include "../test.h"
#include "base/rng.h"
#include <plumb/framing.h>

static const struct plumb_framing by_length = { .kind = PLUMB_FRAMING_LENGTH, .length_bytes = 2, .max = 300 },
                            by_size = { .kind = PLUMB_FRAMING_FIXED, .fixed = 7, .max = 7 },
                            by_line = { .kind = PLUMB_FRAMING_DELIMITER, .delimiter_len = 2, .delimiter = "\r\n", .max = 300 };

static void sticky(void **state)
{
    (void)state;
    struct plumb_framer f;
    size_t used;
    const uint8_t two[] = "hello\r\n\r\nworld";             /* two messages and a half, read at once */
    assert_true(plumb_framer_init(&f, &by_line));
    assert_int_equal(plumb_framer_take(&f, two, 14, &used), PLUMB_FRAMER_MESSAGE);
    assert_int_equal(used, 7);
    assert_int_equal(f.have, 5);
    assert_memory_equal(f.bytes, "hello", 5);
    assert_int_equal(plumb_framer_take(&f, two + 7, 7, &used), PLUMB_FRAMER_MESSAGE);
    assert_int_equal(used, 2);
    assert_int_equal(f.have, 0);
    assert_int_equal(plumb_framer_take(&f, two + 9, 5, &used), PLUMB_FRAMER_WANTS_MORE);
    assert_int_equal(used, 5);
    assert_true(plumb_framer_cut(&f));
    plumb_framer_fini(&f);
}

static void half(void **state)
{
    (void)state;
    struct plumb_framer f;
    size_t used;
    const uint8_t bytes[] = { 0, 3, 'a', 'b', 'c' };        /* one message, read byte by byte */
    assert_true(plumb_framer_init(&f, &by_length));
    assert_false(plumb_framer_cut(&f));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(plumb_framer_take(&f, bytes + i, 1, &used), PLUMB_FRAMER_WANTS_MORE);
        assert_int_equal(used, 1);
        assert_true(plumb_framer_cut(&f));
    }
    assert_int_equal(plumb_framer_take(&f, bytes + 4, 1, &used), PLUMB_FRAMER_MESSAGE);
    assert_memory_equal(f.bytes, "abc", 3);
    assert_false(plumb_framer_cut(&f));
    plumb_framer_fini(&f);
}

static void too_long(void **state)
{
    (void)state;
    struct plumb_framer f;
    size_t used;
    const uint8_t length[] = { 1, 45 };                     /* 301 */
    uint8_t line[400], out[400];
    assert_true(plumb_framer_init(&f, &by_length));
    assert_int_equal(plumb_framer_take(&f, length, 2, &used), PLUMB_FRAMER_TOO_LONG);
    assert_int_equal(plumb_framer_take(&f, length, 2, &used), PLUMB_FRAMER_TOO_LONG);
    plumb_framer_fini(&f);
    assert_true(plumb_framer_init(&f, &by_line));
    memset(line, 'x', sizeof line);
    assert_int_equal(plumb_framer_take(&f, line, sizeof line, &used), PLUMB_FRAMER_TOO_LONG);
    plumb_framer_fini(&f);
    assert_int_equal(plumb_framing_write(&by_line, line, 301, out, sizeof out), 0);
    assert_int_equal(plumb_framing_write(&by_line, "a\r\nb", 4, out, sizeof out), 0);
    assert_int_equal(plumb_framing_write(&by_size, "short", 5, out, sizeof out), 0);
    assert_int_equal(plumb_framing_write(&by_length, "abc", 3, out, 4), 0);
}

static void contradictions(void **state)
{
    (void)state;
    struct plumb_framer f;
    assert_false(plumb_framer_init(&f, &(struct plumb_framing){ .kind = PLUMB_FRAMING_LENGTH, .length_bytes = 3, .max = 10 }));
    assert_false(plumb_framer_init(&f, &(struct plumb_framing){ .kind = PLUMB_FRAMING_LENGTH, .length_bytes = 1, .max = 256 }));
    assert_false(plumb_framer_init(&f, &(struct plumb_framing){ .kind = PLUMB_FRAMING_FIXED, .fixed = 0, .max = 10 }));
    assert_false(plumb_framer_init(&f, &(struct plumb_framing){ .kind = PLUMB_FRAMING_DELIMITER, .max = 10 }));
}

/* A delimiter that overlaps itself: "aab" after "aa" must be seen at its first whole place. */
static void delimiter_across_the_joint(void **state)
{
    (void)state;
    const struct plumb_framing how = { .kind = PLUMB_FRAMING_DELIMITER, .delimiter_len = 2, .delimiter = "aa", .max = 10 };
    uint8_t out[20];
    assert_int_equal(plumb_framing_write(&how, "xa", 2, out, sizeof out), 0);
    assert_int_equal(plumb_framing_write(&how, "xb", 2, out, sizeof out), 4);
}

static void any_cut(void **state)
{
    (void)state;
    const struct plumb_framing *const kinds[] = { &by_length, &by_size, &by_line };
    struct rng r;
    rng_seed(&r, 1);
    for (int round = 0; round < 300; round++) {
        const struct plumb_framing *how = kinds[round % 3];
        static uint8_t stream[20000], message[40][300];
        size_t len[40], at = 0, done = 0, total = 0;
        struct plumb_framer f;
        for (int i = 0; i < 40; i++) {
            len[i] = how->kind == PLUMB_FRAMING_FIXED ? how->fixed : rng_below(&r, 300);
            for (size_t k = 0; k < len[i]; k++)
                message[i][k] = (uint8_t)('a' + rng_below(&r, 26));
            const size_t n = plumb_framing_write(how, message[i], len[i], stream + total, sizeof stream - total);
            assert_int_not_equal(n, 0);
            total += n;
        }
        assert_true(plumb_framer_init(&f, how));
        while (at < total) {
            const size_t piece = 1 + rng_below(&r, round % 2 ? 3 : 2000), end = at + piece < total ? at + piece : total;
            while (at < end) {
                size_t used;
                if (plumb_framer_take(&f, stream + at, end - at, &used) == PLUMB_FRAMER_MESSAGE) {
                    assert_int_equal(f.have, len[done]);
                    assert_memory_equal(f.bytes, message[done], len[done]);
                    done++;
                }
                at += used;
            }
        }
        assert_int_equal(done, 40);
        assert_false(plumb_framer_cut(&f));
        plumb_framer_fini(&f);
    }
}

TESTS(sticky, half, too_long, contradictions, delimiter_across_the_joint, any_cut)
