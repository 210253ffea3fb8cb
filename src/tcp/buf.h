/* A stream buffer: fixed blocks of TCP_BLOCK bytes from the instance's one LIFO
 * pool, found through a small table by stream position.  A block exists only
 * while bytes lie in it.  Positions are 32 bits and wrap.  Who uses a buffer
 * knows which positions hold bytes; the buffer only knows blocks. */
#pragma once
#include "base/pool.h"
#include <stdbool.h>
#include <stdint.h>

enum { BUF_INLINE = 2, BUF_TABLE = 2048, BUF_HALF = BUF_TABLE / 2 };
enum { BUF_HALF_TABLE = 1 << 30 };
enum { BUF_BYTES_MAX = (BUF_TABLE - 1) * 4096 };    /* the widest span of positions */

struct tcp_buf {                        /* all-zero: empty */
    uint32_t at[BUF_INLINE];            /* 1 + number of a block, 0: none; with BUF_HALF_TABLE of one that holds a half of the table */
};

struct buf_range { uint32_t first, pos, len, spare; };

/* Contiguous bytes at `pos`, up to the end of its block; NULL: no block is there. */
uint8_t *buf_at(const struct pool *blocks, const struct tcp_buf *b, uint32_t pos, uint32_t *len);
/* Makes blocks for [pos, pos + len) exist; `first` is the lowest position in use.
 * False: the pool cannot give them all and have `spare` left, and nothing was taken. */
bool buf_need(struct pool *blocks, struct tcp_buf *b, const struct buf_range *r);
/* The block of `pos` is the caller's from now on, to pool_put.  With `keep` beyond `pos` another takes its place, with
 * the bytes from there on; NULL: there is none. */
uint8_t *buf_take(struct pool *blocks, struct tcp_buf *b, uint32_t pos, uint32_t keep);
/* Copies into blocks that exist. */
void buf_write(struct pool *blocks, struct tcp_buf *b, uint32_t pos, const uint8_t *from, uint32_t len);
/* Gives back the blocks that lie wholly in [from, to), block-wise. */
void buf_drop(struct pool *blocks, struct tcp_buf *b, uint32_t from, uint32_t to);
/* Gives back every block from that of `from` through that of `to`, and the table. */
void buf_clear(struct pool *blocks, struct tcp_buf *b, uint32_t from, uint32_t to);
