/* The segments that were sent and not acknowledged yet, one record each: when it left
 * last, and what is known of it.  In the order of their numbers; those believed to be
 * in the network also in the order they left, those lost in the order of their numbers.
 *
 * Records come from the instance's pool.  When that runs short a record stands for more
 * than one segment: what is known gets coarser and stays true. */
#pragma once
#include "base/pool.h"
#include "base/seq.h"
#include "tcp/rate.h"

enum sent_flag {
    SENT_SACKED    = 1,                 /* the receiver has it and may yet drop it (RFC 2018 §8) */
    SENT_LOST      = 2,                 /* believed to have left the network without arriving */
    SENT_AGAIN     = 4,                 /* was sent more than once: its round trip is not known (Karn) */
    SENT_FRONT     = 8,                 /* only its front was sent again; the pool had no record for the rest */
    SENT_DELIVERED = 16,                /* counted as delivered already */
    SENT_MANY      = 32                 /* left at different times, the last of which is known */
};

struct sent_seg {
    uint32_t next, prev;                /* by number; 1 + place in the pool, 0: none */
    uint32_t qnext, qprev;              /* in `net` or `lost`; what is SACKed is in neither */
    seq_t    from, to;                  /* a SYN and a FIN count one */
    int64_t  sent_ns;                   /* its last transmission; of two never the same, but for parts of one */
    struct rate_stamp rate;             /* as it left last */
    uint8_t  flags;                     /* enum sent_flag */
};
_Static_assert(sizeof(struct sent_seg) <= 64, "a record is a cache line");

struct board_list { uint32_t first, last; };
struct scoreboard {                     /* all-zero: nothing was sent */
    struct board_list all, net, lost;
    uint32_t count;
    uint32_t sacked_bytes, lost_bytes;
    int64_t  next_ns;                   /* behind the last transmission */
    uint32_t cursor;                    /* where the last search ended; 0: nowhere */
};

enum { BOARD_STRIDE = 64 };             /* from record to record */
static inline struct sent_seg *board_seg(const struct pool *p, uint32_t i)
{
    return i ? (struct sent_seg *)(void *)(p->memory + (size_t)(i - 1) * BOARD_STRIDE) : NULL;
}
static inline struct sent_seg *board_first(const struct pool *p, const struct scoreboard *b) { return board_seg(p, b->all.first); }
static inline struct sent_seg *board_first_lost(const struct pool *p, const struct scoreboard *b) { return board_seg(p, b->lost.first); }
static inline struct sent_seg *board_oldest(const struct pool *p, const struct scoreboard *b) { return board_seg(p, b->net.first); }
static inline uint32_t seg_len(const struct sent_seg *s) { return (uint32_t)seq_diff(s->to, s->from); }

/* Of a stack: each of `conns` connections may always have one record, and all share `segments` more. */
bool board_pool_init(struct pool *p, uint32_t conns, uint32_t segments);

/* False: nothing may leave for the first time, as nothing could tell it from what is SACKed. */
bool board_can_send(const struct pool *p, const struct scoreboard *b, uint32_t reserve);
/* [from, to) leaves for the first time: behind all others.  `reserve`: records that are
 * left to those who have none. */
struct sent_seg *board_sent(struct pool *p, struct scoreboard *b, seq_t from, seq_t to, int64_t now_ns, uint32_t reserve);
/* The record from `at` on becomes one of its own, which is returned; NULL: no record is left. */
struct sent_seg *board_split(struct pool *p, struct scoreboard *b, struct sent_seg *s, seq_t at, uint32_t reserve);
/* It leaves again. */
void board_resent(struct pool *p, struct scoreboard *b, struct sent_seg *s, int64_t now_ns);
void board_lose(struct pool *p, struct scoreboard *b, struct sent_seg *s);
void board_found(struct pool *p, struct scoreboard *b, struct sent_seg *s);    /* not lost after all */
/* The receiver has it; joins its neighbours that it has too.  Returns the record that now holds it. */
struct sent_seg *board_sack(struct pool *p, struct scoreboard *b, struct sent_seg *s);
/* Takes back what SACKs said. */
void board_unsack(struct pool *p, struct scoreboard *b, struct sent_seg *s);
/* The first record is acknowledged up to `ack`, wholly or in part. */
void board_trim(struct pool *p, struct scoreboard *b, seq_t ack);
/* Takes the first record away, which was sent once, is the oldest in the network and is acknowledged whole.  False: it is not so. */
bool board_pop(struct pool *p, struct scoreboard *b, seq_t ack, struct sent_seg *out);
void board_clear(struct pool *p, struct scoreboard *b);
/* The record that holds `at`, or the first behind it; NULL: none, or it takes more than
 * *steps, which are counted down.  The next search goes on where this one ended. */
struct sent_seg *board_find(const struct pool *p, struct scoreboard *b, seq_t at, uint32_t *steps);
