/* Looking ahead: with many connections each is far away in memory, and what it points to as
 * far again.  A read that waits for the one before it costs ten times one that does not; so
 * for a batch of segments each step of the way is asked for from all before the next one. */
#include "tcp/conn.h"

enum { AHEAD_FROM = 512, LINE = 64 };                   /* connections: fewer lie in the cache anyway */

/* A function that only fetches is one without effect to the compiler, which leaves out calls of it: hence these are part of their caller. */
#define INSIDE static inline __attribute__((always_inline))

INSIDE void fetch(const void *at, size_t len)
{
    for (size_t i = 0; i < len; i += LINE)
        __builtin_prefetch((const uint8_t *)at + i);
}

INSIDE void fetch_base(const struct tcp_conn *c) { fetch(c, sizeof *c); }

/* What hangs on the base. */
INSIDE void fetch_parts(const struct tcp_conn *c)
{
    const struct pool *blocks = &c->t->blocks;
    if (c->flight)
        fetch(c->flight, offsetof(struct tcp_flight, reasm.own));
    if (c->timer)
        fetch(c->timer, sizeof *c->timer);
    if (c->cc.own)
        fetch(c->cc.own, 2 * LINE);
    for (unsigned i = 0; i < BUF_INLINE; i++)
        if (c->sbuf.at[i] && !(c->sbuf.at[i] & BUF_HALF_TABLE))
            fetch(blocks->memory + (size_t)(c->sbuf.at[i] - 1) * TCP_BLOCK, LINE);
}

/* And on those: the record of what was sent first, the neighbours on the wheel. */
INSIDE void fetch_neighbours(const struct tcp_conn *c)
{
    if (c->flight)
        fetch(board_first(&c->t->sent, &c->flight->board), LINE);
    if (!c->timer || !wheel_armed(&c->timer->wheel))
        return;
    fetch(c->timer->wheel.node.next, LINE);
    fetch(c->timer->wheel.node.prev, LINE);
}

bool tcp_look_ahead(struct tcp *t, const struct batch *b)
{
    struct tcp_ahead *a = &t->ahead;
    uint32_t hash[BATCH_MAX];
    if (t->count < AHEAD_FROM || b->n < 2)
        return false;
    for (uint32_t i = 0; i < b->n; i++) {
        a->node[i] = NULL;
        if (demux_hash_of(t, b->pkt[i], &hash[i]))
            __builtin_prefetch(&t->bucket[hash[i] & t->bucket_mask]);
        else
            hash[i] = 0;
    }
    for (uint32_t i = 0; i < b->n; i++) {
        a->node[i] = t->bucket[hash[i] & t->bucket_mask];
        __builtin_prefetch(a->node[i]);
    }
    for (uint32_t i = 0; i < b->n; i++) {
        while (a->node[i] && a->node[i]->hash != hash[i])
            a->node[i] = a->node[i]->next;
        if (a->node[i] && a->node[i]->is_timewait)      /* may be gone before its turn comes */
            a->node[i] = NULL;
        if (a->node[i])
            fetch_base((const struct tcp_conn *)(const void *)a->node[i]);
    }
    for (uint32_t i = 0; i < b->n; i++)
        if (a->node[i])
            fetch_parts((const struct tcp_conn *)(const void *)a->node[i]);
    for (uint32_t i = 0; i < b->n; i++)
        if (a->node[i])
            fetch_neighbours((const struct tcp_conn *)(const void *)a->node[i]);
    return true;
}

/* A connection is gone only after the step: what was found is there, if it is still in the table. */
void tcp_looked_ahead(struct tcp *t, uint32_t i)
{
    if (t->ahead.node[i] && t->ahead.node[i]->in)
        t->last = t->ahead.node[i];
}

void tcp_soon(struct tcp_conn *const *c, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        fetch_base(c[i]);
    for (uint32_t i = 0; i < n; i++)
        fetch_parts(c[i]);
    for (uint32_t i = 0; i < n; i++)
        fetch_neighbours(c[i]);
}
