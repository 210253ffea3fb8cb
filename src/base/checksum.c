/* Eight bytes at a time into a 64-bit sum with end-around carry: the order of
 * bytes does not matter to a one's-complement sum until it is folded (RFC 1071 §2). */
#include "base/checksum.h"
#include "base/bytes.h"
#include "base/checksum_blocks.h"
#include <string.h>

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

enum { FEW_BYTES = 3 * CSUM_BLOCK };    /* a header: as many words take less than a loop over blocks and its end */

csum_t csum_add(csum_t c, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    const size_t whole = len < FEW_BYTES ? 0 : len / CSUM_BLOCK * CSUM_BLOCK;
    uint64_t sum = c.sum;
    if (whole)
        sum = csum_carry(sum, csum_sum_blocks(p, whole / CSUM_BLOCK));
    for (p += whole, len -= whole; len >= 8; p += 8, len -= 8)
        sum = csum_carry(sum, word64(p));
    return (csum_t){ csum_carry(sum, tail_sum(p, len)) };
}

/* Copies and adds, whole blocks first; what is added comes from `from`: what was just written is slow to read. */
static csum_t copy(csum_t c, uint8_t *to, const uint8_t *from, size_t len)
{
    const size_t whole = len / CSUM_BLOCK * CSUM_BLOCK;
    uint64_t sum = c.sum;
    if (whole)
        sum = csum_carry(sum, csum_copy_blocks(to, from, whole / CSUM_BLOCK));
    for (to += whole, from += whole, len -= whole; len >= 8; to += 8, from += 8, len -= 8) {
        const uint64_t w = word64(from);
        memcpy(to, &w, sizeof w);
        sum = csum_carry(sum, w);
    }
    for (size_t i = 0; i < len; i++)
        to[i] = from[i];
    return (csum_t){ csum_carry(sum, tail_sum(from, len)) };
}

/* A piece that starts at an odd offset has the bytes of every word swapped. */
static csum_t join(csum_t c, csum_t piece, size_t offset)
{
    return (csum_t){ csum_carry(c.sum, offset & 1 ? csum_fold32(piece.sum) << 8 : piece.sum) };
}

csum_t csum_add_at(csum_t c, const void *bytes, size_t len, size_t offset)
{
    return join(c, csum_add((csum_t){ 0 }, bytes, len), offset);
}

csum_t csum_copy_at(csum_t c, void *to, const void *from, size_t len, size_t offset)
{
    return join(c, copy((csum_t){ 0 }, to, from, len), offset);
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

/* RFC 1624 equation 3: HC' = ~(~HC + ~m + m'). */
uint16_t csum_update(uint16_t field, uint16_t old_word, uint16_t new_word)
{
    const uint64_t sum = (uint64_t)(uint16_t)~field + (uint16_t)~old_word + new_word;
    return csum_finish((csum_t){ sum });
}
