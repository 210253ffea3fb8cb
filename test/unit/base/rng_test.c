#include "../test.h"
#include "base/rng.h"

static void the_same_seed_repeats(void **state)
{
    (void)state;
    struct rng a, b, c;
    rng_seed(&a, 42);
    rng_seed(&b, 42);
    rng_seed(&c, 43);
    int same = 0;
    for (int i = 0; i < 1000; i++) {
        const uint64_t x = rng_u64(&a);
        assert_int_equal(x, rng_u64(&b));
        same += x == rng_u64(&c);
    }
    assert_int_equal(same, 0);
}

static void uniform_below(void **state)
{
    (void)state;
    struct rng r;
    uint32_t count[7] = { 0 };
    rng_seed(&r, 1);
    for (int i = 0; i < 70000; i++) {
        const uint32_t v = rng_below(&r, 7);
        assert_true(v < 7);
        count[v]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(count[i], 9500, 10500);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(rng_below(&r, 1), 0);
        const double u = rng_unit(&r);
        assert_true(u >= 0 && u < 1);
    }
}

/* The vectors of SipHash's authors: key 00 01 .. 0f, messages 00 01 02 ... */
static void siphash_vectors(void **state)
{
    (void)state;
    const struct sipkey key = { { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) } };
    uint8_t message[15];
    for (uint8_t i = 0; i < sizeof message; i++)
        message[i] = i;
    assert_int_equal(siphash(&key, message, 0), UINT64_C(0x726fdb47dd0e0e31));
    assert_int_equal(siphash(&key, message, 15), UINT64_C(0xa129ca6149be45e5));
    assert_int_equal(siphash_words(&key, NULL, 0), UINT64_C(0xabac0158050fc4dc));      /* SipHash-1-3 */
}

static void words_hash_apart(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 9);
    const struct sipkey key = sipkey_from(&r), other = sipkey_from(&r);
    static uint32_t bucket[1024];
    for (uint64_t i = 0; i < 102400; i++) {
        const uint64_t words[2] = { i, 0 };
        assert_int_not_equal(siphash_words(&key, words, 2), siphash_words(&other, words, 2));
        assert_int_not_equal(siphash_words(&key, words, 2), siphash_words(&key, words, 1));
        bucket[siphash_words(&key, words, 2) % 1024]++;
    }
    for (int i = 0; i < 1024; i++)
        assert_in_range(bucket[i], 50, 160);
}

TESTS(the_same_seed_repeats, uniform_below, siphash_vectors, words_hash_apart)
