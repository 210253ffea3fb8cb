/* Which bytes beyond RCV.NXT have arrived [SHLD-31].  Intervals only: the bytes
 * already lie in the receive buffer at their final place. */
#pragma once
#include "base/seq.h"

enum { REASM_MAX = 32 };
struct span  { seq_t from, to; };               /* [from, to), never empty */
/* Sorted, disjoint, and apart by at least one missing byte. */
struct reasm { uint32_t count; struct span span[REASM_MAX]; };

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
