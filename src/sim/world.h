/* A world: stacks, links and switches on one virtual clock, repeatable from its
 * seed.  It owns the loop that all its hosts share and jumps from deadline to
 * deadline; nothing happens between them. */
#pragma once
#include "link/impair.h"
#include "stack/stack.h"

struct world;

struct world *world_new(uint64_t seed);
void world_free(struct world *w);               /* stacks added are freed with it */
struct loop *world_loop(struct world *w);
int64_t world_now(const struct world *w);
void world_set_batch(struct world *w, uint32_t most);           /* how many packets a host is given at once; BATCH_MAX at first */
uint64_t world_random(struct world *w);         /* the next value from its seed */
const struct pkt_pools *world_pools(const struct world *w);     /* of the packets on the way */

/* Takes the stack.  Its number, from 0; -1: no memory, the stack stays the caller's. */
int world_add_stack(struct world *w, struct stack *st);
struct stack *world_stack(struct world *w, int number);
/* A learning switch; its number, or -1: no memory. */
int world_add_switch(struct world *w);

/* One end of a link: an interface of a stack, or any free port of a switch. */
struct world_end { bool is_switch; int number; unsigned iface; };
/* Joins two ends by a link with an impairment each way; its number, or -1 when an end is taken. */
int world_join(struct world *w, struct world_end a, struct world_end b, const struct impair_config *a_to_b, const struct impair_config *b_to_a);
/* What its link's queue has done with what side 0 (a) or 1 (b) sent; all zero on a perfect wire. */
void world_link_stats(const struct world *w, int link, int side, struct impair_stats *out);
void world_cut(struct world *w, int link, bool cut);        /* a cut link drops everything */

/* Runs until done(arg) is true after a step (true), or until the deadline passed or
 * nothing is left to happen (false). */
bool world_run(struct world *w, bool (*done)(void *arg), void *arg, int64_t deadline_ns);
/* No packet anywhere, no stack with output due: only timers are left. */
bool world_quiet(const struct world *w);
