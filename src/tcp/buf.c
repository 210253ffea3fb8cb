/* The table is two slots inside the buffer until the bytes span more; then it is
 * two blocks, each there when a slot in it is used.  Slot = block number of the
 * position modulo the table's size. */
#include "tcp/buf.h"
#include "tcp/tcp.h"
#include <assert.h>
#include <string.h>

enum { SHIFT = 12, BLOCKS_MASK = (1 << 20) - 1 };
_Static_assert(TCP_BLOCK == 1 << SHIFT, "positions are split at the block size");
_Static_assert(BUF_HALF * sizeof(uint32_t) == TCP_BLOCK, "half a table is one block");

static uint8_t *block_of(const struct pool *blocks, uint32_t number) { return blocks->memory + (size_t)(number - 1) * TCP_BLOCK; }

static bool has_table(const struct tcp_buf *b) { return (b->at[0] | b->at[1]) & BUF_HALF_TABLE; }
/* The number of its block; 0: none. */
static uint32_t half(const struct tcp_buf *b, unsigned h) { return b->at[h] & BUF_HALF_TABLE ? b->at[h] & ~(uint32_t)BUF_HALF_TABLE : 0; }
static unsigned half_of(uint32_t block)        { return block / BUF_HALF & 1; }

/* NULL: its half of the table is not there. */
static uint32_t *slot_of(const struct pool *blocks, const struct tcp_buf *b, uint32_t block)
{
    const uint32_t number = half(b, half_of(block));
    if (number)
        return (uint32_t *)(void *)block_of(blocks, number) + (block & (BUF_HALF - 1));
    return has_table(b) ? NULL : (uint32_t *)&b->at[block & (BUF_INLINE - 1)];
}

static uint32_t take(struct pool *blocks)
{
    const uint8_t *p = pool_get(blocks);
    return p ? (uint32_t)((size_t)(p - blocks->memory) >> SHIFT) + 1 : 0;
}

static void give(struct pool *blocks, uint32_t *slot)
{
    if (!slot || !*slot)
        return;
    pool_put(blocks, block_of(blocks, *slot));
    *slot = 0;
}

uint8_t *buf_at(const struct pool *blocks, const struct tcp_buf *b, uint32_t pos, uint32_t *len)
{
    const uint32_t *slot = slot_of(blocks, b, pos >> SHIFT);
    *len = TCP_BLOCK - (pos & (TCP_BLOCK - 1));
    return slot && *slot ? block_of(blocks, *slot) + (pos & (TCP_BLOCK - 1)) : NULL;
}

/* The halves in `halves`; what stood in the two slots inside moves there. */
static void make_halves(struct pool *blocks, struct tcp_buf *b, uint32_t first, unsigned halves)
{
    const struct tcp_buf inside = has_table(b) ? (struct tcp_buf){ 0 } : *b;
    if (!has_table(b))
        *b = (struct tcp_buf){ 0 };
    for (unsigned h = 0; h < 2; h++) {
        if (!(halves >> h & 1) || half(b, h))
            continue;
        const uint32_t number = take(blocks);
        memset(block_of(blocks, number), 0, TCP_BLOCK);
        b->at[h] = number | BUF_HALF_TABLE;
    }
    for (uint32_t i = 0; i < BUF_INLINE; i++) {
        const uint32_t block = ((first >> SHIFT) + i) & BLOCKS_MASK, at = block & (BUF_INLINE - 1);
        if (inside.at[at])
            *slot_of(blocks, b, block) = inside.at[at];
    }
}

/* What must be taken, and which halves of the table it needs. */
static uint32_t count_missing(const struct pool *blocks, const struct tcp_buf *b, const struct buf_range *r, bool wide, unsigned *halves)
{
    const uint32_t first = r->first >> SHIFT, last = (r->pos + r->len - 1) >> SHIFT;
    uint32_t missing = 0;
    *halves = 0;
    for (uint32_t i = r->pos >> SHIFT;; i = (i + 1) & BLOCKS_MASK) {
        /* without a table a slot beyond the two inside is simply missing */
        const bool beyond = !has_table(b) && ((i - first) & BLOCKS_MASK) >= BUF_INLINE;
        const uint32_t *slot = beyond ? NULL : slot_of(blocks, b, i);
        missing += !slot || !*slot;
        *halves |= 1u << half_of(i);
        if (i == last)
            break;
    }
    if (!wide && !has_table(b))
        *halves = 0;
    for (uint32_t i = 0; wide && i < BUF_INLINE; i++)
        if (b->at[(first + i) & (BUF_INLINE - 1)])
            *halves |= 1u << half_of(first + i);
    return missing + ((*halves & 1) && !half(b, 0)) + ((*halves & 2) && !half(b, 1));
}

/* The table is as it must be; false: it may not be. */
static bool has_slots(const struct tcp_buf *b, const struct buf_range *r, uint32_t last)
{
    if (half(b, 0) && half(b, 1))
        return true;
    return !has_table(b) && ((last - (r->first >> SHIFT)) & BLOCKS_MASK) < BUF_INLINE;
}

/* Mostly a block is there, or one is missing. */
static bool need_blocks(struct pool *blocks, struct tcp_buf *b, const struct buf_range *r, uint32_t last)
{
    uint32_t missing = 0;
    for (uint32_t i = r->pos >> SHIFT; i != last + 1; i++)
        missing += !*slot_of(blocks, b, i & BLOCKS_MASK);
    if (missing + (missing ? r->spare : 0) > pool_left(blocks)) {
        blocks->refused++;
        return false;
    }
    for (uint32_t i = r->pos >> SHIFT; missing && i != last + 1; i++) {
        uint32_t *slot = slot_of(blocks, b, i & BLOCKS_MASK);
        if (!*slot)
            *slot = take(blocks);
    }
    return true;
}

bool buf_need(struct pool *blocks, struct tcp_buf *b, const struct buf_range *r)
{
    const uint32_t end = (r->pos + r->len - 1) >> SHIFT;
    if (end >= r->pos >> SHIFT && has_slots(b, r, end))
        return need_blocks(blocks, b, r, end);
    const uint32_t last = (r->pos + r->len - 1) >> SHIFT, span = (last - (r->first >> SHIFT)) & BLOCKS_MASK;
    unsigned halves;
    assert(r->len > 0 && span < BUF_TABLE);
    const uint32_t missing = count_missing(blocks, b, r, span >= BUF_INLINE && !has_table(b), &halves);
    if (missing == 0)
        return true;
    if (missing + r->spare > pool_left(blocks)) {
        blocks->refused++;
        return false;
    }
    if (halves)
        make_halves(blocks, b, r->first, halves);
    for (uint32_t i = r->pos >> SHIFT;; i = (i + 1) & BLOCKS_MASK) {
        uint32_t *slot = slot_of(blocks, b, i);
        if (!*slot)
            *slot = take(blocks);
        if (i == last)
            return true;
    }
}

uint8_t *buf_take(struct pool *blocks, struct tcp_buf *b, uint32_t pos, uint32_t keep)
{
    uint32_t *slot = slot_of(blocks, b, pos >> SHIFT);
    const uint32_t other = keep != pos ? take(blocks) : 0, at = keep & (TCP_BLOCK - 1);
    uint8_t *block = block_of(blocks, *slot);
    if (keep != pos && !other)
        return NULL;
    if (other)
        memcpy(block_of(blocks, other) + at, block + at, TCP_BLOCK - at);
    *slot = other;
    return block;
}

void buf_write(struct pool *blocks, struct tcp_buf *b, uint32_t pos, const uint8_t *from, uint32_t len)
{
    while (len > 0) {
        uint32_t n;
        uint8_t *to = buf_at(blocks, b, pos, &n);
        if (n > len)
            n = len;
        memcpy(to, from, n);
        pos += n;
        from += n;
        len -= n;
    }
}

void buf_drop(struct pool *blocks, struct tcp_buf *b, uint32_t from, uint32_t to)
{
    for (uint32_t i = from >> SHIFT; i != to >> SHIFT; i = (i + 1) & BLOCKS_MASK)
        give(blocks, slot_of(blocks, b, i));
}

void buf_clear(struct pool *blocks, struct tcp_buf *b, uint32_t from, uint32_t to)
{
    if (!has_table(b)) {
        for (unsigned i = 0; i < BUF_INLINE; i++)
            give(blocks, &b->at[i]);
        return;
    }
    buf_drop(blocks, b, from, to);
    give(blocks, slot_of(blocks, b, to >> SHIFT));
    for (unsigned h = 0; h < 2; h++) {
        b->at[h] = half(b, h);
        give(blocks, &b->at[h]);
    }
}
