/* The table is two slots inside the buffer until the bytes span more; then it is
 * a block itself.  Slot = block number of the position modulo the table's size. */
#include "tcp/buf.h"
#include "tcp/tcp.h"
#include <assert.h>
#include <string.h>

enum { SHIFT = 12, BLOCKS_MASK = (1 << 20) - 1 };
_Static_assert(TCP_BLOCK == 1 << SHIFT, "positions are split at the block size");
_Static_assert(BUF_TABLE * sizeof(uint32_t) == TCP_BLOCK, "a table is one block");

static uint8_t *block_of(const struct pool *blocks, uint32_t number) { return blocks->memory + (size_t)(number - 1) * TCP_BLOCK; }

static uint32_t *slot_of(const struct pool *blocks, const struct tcp_buf *b, uint32_t block)
{
    if (!b->table)
        return (uint32_t *)&b->slot[block & (BUF_INLINE - 1)];
    return (uint32_t *)(void *)block_of(blocks, b->table) + (block & (BUF_TABLE - 1));
}

static uint32_t take(struct pool *blocks)
{
    const uint8_t *p = pool_get(blocks);
    return p ? (uint32_t)((size_t)(p - blocks->memory) >> SHIFT) + 1 : 0;
}

static void give(struct pool *blocks, uint32_t *slot)
{
    if (!*slot)
        return;
    pool_put(blocks, block_of(blocks, *slot));
    *slot = 0;
}

uint8_t *buf_at(const struct pool *blocks, const struct tcp_buf *b, uint32_t pos, uint32_t *len)
{
    const uint32_t number = *slot_of(blocks, b, pos >> SHIFT);
    *len = TCP_BLOCK - (pos & (TCP_BLOCK - 1));
    return number ? block_of(blocks, number) + (pos & (TCP_BLOCK - 1)) : NULL;
}

/* From the two slots inside to a table of its own. */
static void promote(struct pool *blocks, struct tcp_buf *b, uint32_t first)
{
    const uint32_t table = take(blocks);
    uint32_t *slot = (uint32_t *)(void *)block_of(blocks, table);
    memset(slot, 0, TCP_BLOCK);
    for (uint32_t i = 0; i < BUF_INLINE; i++) {
        const uint32_t block = (first >> SHIFT) + i;
        slot[block & (BUF_TABLE - 1)] = b->slot[block & (BUF_INLINE - 1)];
        b->slot[block & (BUF_INLINE - 1)] = 0;
    }
    b->table = table;
}

bool buf_need(struct pool *blocks, struct tcp_buf *b, const struct buf_range *r)
{
    const uint32_t first = r->first, pos = r->pos, len = r->len;
    const uint32_t last = (pos + len - 1) >> SHIFT;
    const uint32_t span = (last - (first >> SHIFT)) & BLOCKS_MASK;
    assert(len > 0 && span < BUF_TABLE);
    const bool wide = span >= BUF_INLINE && !b->table;
    uint32_t missing = wide;
    for (uint32_t i = pos >> SHIFT;; i = (i + 1) & BLOCKS_MASK) {
        /* before promotion a slot beyond the two inside is simply missing */
        const bool beyond = !b->table && ((i - (first >> SHIFT)) & BLOCKS_MASK) >= BUF_INLINE;
        missing += beyond || !*slot_of(blocks, b, i);
        if (i == last)
            break;
    }
    if (missing == 0)
        return true;
    if (missing + r->spare > pool_left(blocks)) {
        blocks->refused++;
        return false;
    }
    if (wide)
        promote(blocks, b, first);
    for (uint32_t i = pos >> SHIFT;; i = (i + 1) & BLOCKS_MASK) {
        uint32_t *slot = slot_of(blocks, b, i);
        if (!*slot)
            *slot = take(blocks);
        if (i == last)
            return true;
    }
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
    if (!b->table) {
        for (unsigned i = 0; i < BUF_INLINE; i++)
            give(blocks, &b->slot[i]);
        return;
    }
    buf_drop(blocks, b, from, to);
    give(blocks, slot_of(blocks, b, to >> SHIFT));
    give(blocks, &b->table);
}
