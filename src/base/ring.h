/* A ring of equal slots between two threads: one puts, one takes, nobody waits and
 * nobody locks.  Each side writes its own counter only; a slot belongs to the putter
 * until `put` has moved over it, then to the taker until `taken` has.
 *
 *     putter:  to = ring_slot(r);   fill *to;   ring_put(r);
 *     taker:   from = ring_peek(r); use *from;  ring_take(r);
 *
 * The counters run on for ever and are compared modulo 2^32. */
#pragma once
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum { RING_LINE = 64 };                /* bytes that two cores pass back and forth together */

struct ring {
    uint8_t *slots;
    uint32_t size, slot_bytes;          /* size: a power of two */
    alignas(RING_LINE) _Atomic uint32_t put;
    alignas(RING_LINE) _Atomic uint32_t taken;
};

/* False: no memory.  `size` is a power of two. */
static inline bool ring_init(struct ring *r, uint32_t size, size_t slot_bytes)
{
    r->slots = calloc(size, slot_bytes);
    r->size = size;
    r->slot_bytes = (uint32_t)slot_bytes;
    atomic_init(&r->put, 0);
    atomic_init(&r->taken, 0);
    return r->slots != NULL;
}

static inline void ring_fini(struct ring *r) { free(r->slots); r->slots = NULL; }

static inline void *ring_at(const struct ring *r, uint32_t count) { return r->slots + (size_t)(count & (r->size - 1)) * r->slot_bytes; }

/* ------------------------------------------------------------- who puts */

/* Slots that may be filled now. */
static inline uint32_t ring_room(struct ring *r)
{
    return r->size - (atomic_load_explicit(&r->put, memory_order_relaxed) - atomic_load_explicit(&r->taken, memory_order_acquire));
}
/* The next slot to fill; NULL: the ring is full. */
static inline void *ring_slot(struct ring *r)
{
    return ring_room(r) ? ring_at(r, atomic_load_explicit(&r->put, memory_order_relaxed)) : NULL;
}
static inline void ring_put(struct ring *r)
{
    atomic_store_explicit(&r->put, atomic_load_explicit(&r->put, memory_order_relaxed) + 1, memory_order_release);
}
/* How many have been taken so far: what lay in those slots is the putter's again. */
static inline uint32_t ring_taken(struct ring *r) { return atomic_load_explicit(&r->taken, memory_order_acquire); }

/* ------------------------------------------------------------ who takes */

/* The oldest slot that waits; NULL: none. */
static inline const void *ring_peek(struct ring *r)
{
    const uint32_t at = atomic_load_explicit(&r->taken, memory_order_relaxed);
    return at == atomic_load_explicit(&r->put, memory_order_acquire) ? NULL : ring_at(r, at);
}
static inline void ring_take(struct ring *r)
{
    atomic_store_explicit(&r->taken, atomic_load_explicit(&r->taken, memory_order_relaxed) + 1, memory_order_release);
}
