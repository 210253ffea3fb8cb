/* Words of 64 bits are split in halves that are added apart, so that nothing carries.
 * Bytes that are copied are summed on their way: they are loaded once. */
#include "base/checksum_blocks.h"
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

static bool always(void) { return true; }

/* ------------------------------------------------------- words of 64 bits */

static uint64_t sum_words(const uint8_t *p, size_t blocks)
{
    uint64_t low = 0, high = 0, w;
    for (size_t i = 0; i < blocks * (CSUM_BLOCK / sizeof w); i++) {
        memcpy(&w, p + i * sizeof w, sizeof w);
        low += w & UINT32_MAX;
        high += w >> 32;
    }
    return low + high;
}

static uint64_t copy_words(uint8_t *to, const uint8_t *p, size_t blocks)
{
    memcpy(to, p, blocks * CSUM_BLOCK);
    return sum_words(to, blocks);
}

/* ---------------------------------------------------------------- vectors */

/* Four words of 64 bits; and where they lie, at any address. */
typedef uint64_t vec __attribute__((vector_size(CSUM_BLOCK)));
typedef uint64_t vec_at __attribute__((vector_size(CSUM_BLOCK), aligned(1), may_alias));

struct halves { vec low, high; };

INLINE void add(struct halves *h, const vec *v)
{
    h->low += *v & UINT32_MAX;
    h->high += *v >> 32;
}

INLINE uint64_t total(const struct halves *h)
{
    const vec sum = h->low + h->high;
    return sum[0] + sum[1] + sum[2] + sum[3];
}

/* Four blocks at once: the loop costs less than half as much then. */
INLINE uint64_t sum_vectors(const uint8_t *bytes, size_t blocks)
{
    const vec_at *p = (const vec_at *)(const void *)bytes;
    struct halves h = { 0 };
    for (; blocks >= 4; blocks -= 4, p += 4) {
        const vec a = p[0], b = p[1], c = p[2], d = p[3];
        add(&h, &a);
        add(&h, &b);
        add(&h, &c);
        add(&h, &d);
    }
    for (; blocks > 0; blocks--) {
        const vec a = *p++;
        add(&h, &a);
    }
    return total(&h);
}

INLINE uint64_t copy_vectors(uint8_t *out, const uint8_t *bytes, size_t blocks)
{
    const vec_at *p = (const vec_at *)(const void *)bytes;
    vec_at *to = (vec_at *)(void *)out;
    struct halves h = { 0 };
    for (; blocks >= 4; blocks -= 4, p += 4, to += 4) {
        const vec a = p[0], b = p[1], c = p[2], d = p[3];
        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = d;
        add(&h, &a);
        add(&h, &b);
        add(&h, &c);
        add(&h, &d);
    }
    for (; blocks > 0; blocks--) {
        const vec a = *p++;
        *to++ = a;
        add(&h, &a);
    }
    return total(&h);
}

/* As the compiler's target has them: SSE2 on every x86-64. */
static uint64_t sum_plain(const uint8_t *p, size_t blocks)                { return sum_vectors(p, blocks); }
static uint64_t copy_plain(uint8_t *to, const uint8_t *p, size_t blocks)  { return copy_vectors(to, p, blocks); }

#if defined __x86_64__
#define AVX2 __attribute__((target("avx2")))
static bool portable;
void csum_portable(void) { portable = true; }
AVX2 static uint64_t sum_avx2(const uint8_t *p, size_t blocks)               { return sum_vectors(p, blocks); }
AVX2 static uint64_t copy_avx2(uint8_t *to, const uint8_t *p, size_t blocks) { return copy_vectors(to, p, blocks); }
static bool has_avx2(void)                                                   { return __builtin_cpu_supports("avx2"); }

enum { WORTH_AVX2 = 4 };                /* blocks; fewer are not worth the call */
static inline bool by_avx2(size_t blocks) { return blocks >= WORTH_AVX2 && has_avx2() && !portable; }
uint64_t csum_sum_blocks(const uint8_t *p, size_t blocks)
{
    return by_avx2(blocks) ? sum_avx2(p, blocks) : sum_plain(p, blocks);
}
uint64_t csum_copy_blocks(uint8_t *to, const uint8_t *p, size_t blocks)
{
    return by_avx2(blocks) ? copy_avx2(to, p, blocks) : copy_plain(to, p, blocks);
}
#else
void csum_portable(void) {}
uint64_t csum_sum_blocks(const uint8_t *p, size_t blocks)                { return sum_plain(p, blocks); }
uint64_t csum_copy_blocks(uint8_t *to, const uint8_t *p, size_t blocks)  { return copy_plain(to, p, blocks); }
#endif

const struct csum_version csum_versions[] = {
    { "words", always, sum_words, copy_words },
    { "vectors", always, sum_plain, copy_plain },
#if defined __x86_64__
    { "avx2", has_avx2, sum_avx2, copy_avx2 },
#endif
    { 0 }
};
