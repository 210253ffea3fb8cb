/* Which bytes beyond RCV.NXT have arrived [SHLD-31].  Intervals only: the bytes
 * already lie in the receive buffer at their final place. */
#pragma once
#include "base/seq.h"

enum { REASM_MAX = 32 };                        /* in the record itself; more in memory that is lent */
struct span  { seq_t from, to; };               /* [from, to), never empty */
/* Sorted, disjoint, and apart by at least one missing byte. */
struct reasm { uint32_t count, more_max; struct span *more; struct span own[REASM_MAX]; };

static inline struct span *reasm_spans(struct reasm *r)                   { return r->more ? r->more : r->own; }
static inline const struct span *reasm_spans_const(const struct reasm *r) { return r->more ? r->more : r->own; }

/* From now on `n` spans are remembered, in `memory`; what was, moves there. */
void reasm_lend(struct reasm *r, struct span *memory, uint32_t n);
/* Without spans: gives back what was lent; NULL: nothing. */
struct span *reasm_return(struct reasm *r);
/* False: it would leave one gap more than can be remembered. */
bool reasm_add(struct reasm *r, struct span s);
/* reasm_add would remember it. */
bool reasm_fits(const struct reasm *r, struct span s);
/* Nothing of [from, to) is missing. */
bool reasm_has(const struct reasm *r, struct span s);
/* The first bytes of it that are not missing; empty: none. */
struct span reasm_common(const struct reasm *r, struct span s);
/* Text up to `nxt` is now in order: forgets it, and returns where order ends. */
seq_t reasm_advance(struct reasm *r, seq_t nxt);
