/* Eight bytes at a time into a 64-bit sum with end-around carry: the order of
 * bytes does not matter to a one's-complement sum until it is folded (RFC 1071 §2). */
#include "base/checksum.h"
#include "base/bytes.h"
#include <string.h>

static inline uint64_t add_carry(uint64_t a, uint64_t b)
{
    a += b;
    return a + (a < b);
}

static inline uint64_t word64(const uint8_t *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

static inline uint64_t word32(const uint8_t *p)
{
    uint32_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

/* The last 0..7 bytes, as if zero bytes followed; pieces of known size, since headers are short. */
static inline uint64_t tail_sum(const uint8_t *p, size_t len)
{
    uint64_t sum = 0;
    uint16_t w = 0;
    if (len & 4) {
        sum = word32(p);
        p += 4;
    }
    if (len & 2) {
        memcpy(&w, p, 2);
        sum += w;
        p += 2;
    }
    if (len & 1) {
        w = 0;
        memcpy(&w, p, 1);
        sum += w;
    }
    return sum;
}

/* Four words of 64 bits; and where they lie, at any address. */
typedef uint64_t vec __attribute__((vector_size(32)));
typedef uint64_t vec_at __attribute__((vector_size(32), aligned(1), may_alias));

/* The halves of each word are added apart, so that nothing carries. */
static inline __attribute__((always_inline)) uint64_t sum_blocks_of(const uint8_t *p, size_t blocks)
{
    vec low = { 0 }, high = { 0 };
    for (size_t i = 0; i < blocks; i++, p += 32) {
        const vec v = *(const vec_at *)(const void *)p;
        low += v & 0xffffffff;
        high += v >> 32;
    }
    const vec sum = low + high;
    return sum[0] + sum[1] + sum[2] + sum[3];
}

static uint64_t sum_blocks_plain(const uint8_t *p, size_t blocks) { return sum_blocks_of(p, blocks); }

#if defined __x86_64__
/* The same loop in wider vectors, where the machine has them. */
__attribute__((target("avx2"))) static uint64_t sum_blocks_avx2(const uint8_t *p, size_t blocks) { return sum_blocks_of(p, blocks); }
static uint64_t sum_blocks(const uint8_t *p, size_t blocks)
{
    return blocks >= 4 && __builtin_cpu_supports("avx2") ? sum_blocks_avx2(p, blocks) : sum_blocks_plain(p, blocks);
}
#else
static uint64_t sum_blocks(const uint8_t *p, size_t blocks) { return sum_blocks_plain(p, blocks); }
#endif

csum_t csum_add(csum_t c, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    const size_t blocks = len / 32;
    uint64_t sum = c.sum;
    if (blocks) {
        sum = add_carry(sum, sum_blocks(p, blocks));
        p += blocks * 32;
        len -= blocks * 32;
    }
    for (; len >= 8; p += 8, len -= 8)
        sum = add_carry(sum, word64(p));
    return (csum_t){ add_carry(sum, tail_sum(p, len)) };
}

static uint64_t fold32(uint64_t s)
{
    s = (s & 0xffffffff) + (s >> 32);
    return (s & 0xffffffff) + (s >> 32);
}

csum_t csum_add_at(csum_t c, const void *bytes, size_t len, size_t offset)
{
    csum_t piece = csum_add((csum_t){ 0 }, bytes, len);
    if (offset & 1)
        piece.sum = fold32(piece.sum) << 8;         /* an odd start swaps the bytes of every word */
    return (csum_t){ add_carry(c.sum, piece.sum) };
}

csum_t csum_copy_at(csum_t c, void *to, const void *from, size_t len, size_t offset)
{
    memcpy(to, from, len);
    return csum_add_at(c, to, len, offset);
}

csum_t csum_pseudo(struct addr src, struct addr dst, uint8_t proto, uint32_t l4_len)
{
    uint8_t len[4];
    const uint8_t zero_proto[4] = { 0, 0, 0, proto };
    store_be32(len, l4_len);
    uint64_t sum = word32(len) + word32(zero_proto);
    if (addr_is4(src)) {
        sum += (uint64_t)src.w[3] + dst.w[3];
    } else {
        for (int i = 0; i < 4; i++)
            sum += (uint64_t)src.w[i] + dst.w[i];
    }
    return (csum_t){ sum };
}

uint16_t csum_fold(csum_t c)
{
    uint64_t s = fold32(c.sum);
    s = (s & 0xffff) + (s >> 16);
    s = (s & 0xffff) + (s >> 16);
    return (uint16_t)s;
}

uint16_t csum_finish(csum_t c) { return (uint16_t)~csum_fold(c); }

/* RFC 1624 equation 3: HC' = ~(~HC + ~m + m'). */
uint16_t csum_update(uint16_t field, uint16_t old_word, uint16_t new_word)
{
    const uint64_t sum = (uint64_t)(uint16_t)~field + (uint16_t)~old_word + new_word;
    return csum_finish((csum_t){ sum });
}
