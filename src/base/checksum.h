/* The Internet checksum (RFC 1071) and its incremental update (RFC 1624). */
#pragma once
#include "base/addr.h"
#include <stdint.h>
#include <stddef.h>
#include <string.h>

/* A running sum: unfolded one's-complement sum of 16-bit words in memory order. */
typedef struct { uint64_t sum; } csum_t;

/* Adds `len` bytes.  Of several pieces all but the last must have even length,
 * or use csum_add_at with the piece's offset. */
csum_t csum_add(csum_t c, const void *bytes, size_t len);
csum_t csum_add_at(csum_t c, const void *bytes, size_t len, size_t offset);
/* Copies `len` bytes and adds them, in one pass. */
csum_t csum_copy_at(csum_t c, void *to, const void *from, size_t len, size_t offset);

/* The pseudo header of RFC 9293 §3.1 (IPv4) and RFC 8200 §8.1 (IPv6). */
csum_t csum_pseudo(struct addr src, struct addr dst, uint8_t proto, uint32_t l4_len);

/* Folded sum, memory order: store it with memcpy.  csum_finish is its complement,
 * the value of a checksum field; summing a correct packet finishes as 0. */
static inline uint64_t csum_fold32(uint64_t s)
{
    s = (s & UINT32_MAX) + (s >> 32);
    return (s & UINT32_MAX) + (s >> 32);
}
static inline uint16_t csum_fold(csum_t c)
{
    uint64_t s = csum_fold32(c.sum);
    s = (s & UINT16_MAX) + (s >> 16);
    s = (s & UINT16_MAX) + (s >> 16);
    return (uint16_t)s;
}
static inline uint16_t csum_finish(csum_t c) { return (uint16_t)~csum_fold(c); }

static inline uint64_t csum_carry(uint64_t a, uint64_t b)      /* end-around */
{
    a += b;
    return a + (a < b);
}
/* Adds `n` 32-bit words: for headers, whose length the compiler knows. */
static inline csum_t csum_add_words(csum_t c, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t w;
        memcpy(&w, p + 4 * i, sizeof w);
        sum += w;
    }
    return (csum_t){ csum_carry(c.sum, sum) };
}

/* The checksum field after a 16-bit word of the data changed (memory order all). */
uint16_t csum_update(uint16_t field, uint16_t old_word, uint16_t new_word);
