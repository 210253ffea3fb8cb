/* Several stacks that are one host, one on each core.
 *
 * The shards of a host have its address and its secrets in common, and nothing else: each
 * is a whole stack that belongs to one thread, with its own queue of the same interface,
 * its own listeners and connections.  Which shard a flow belongs to is a hash of its
 * addresses and ports (wire/steer.h); whoever fills the queues computes the same hash, or
 * tries to.  Three things cross between shards, each over a ring of one putter and one
 * taker (base/ring.h), one ring for each ordered pair:
 *
 *   packets   that came by the wrong queue, after IP has looked at them: the owner goes on
 *             from there.  Fragments, which belong to nobody before they are whole, and ARP
 *             are shard 0's.
 *   errors    ICMP about a flow of another shard.
 *   facts     addresses, routes, the state and MTU of links, neighbours, path MTUs.  Shard 0
 *             is the one that is configured, speaks ARP and DHCP, and tells the others,
 *             who only apply; what they want to know of the link they ask shard 0.
 *
 * A connection that is opened gets a local port whose flow comes home, so that its answers
 * need no ring.  A handle belongs to its shard.  No stack touches another's memory, but for
 * one thing: a packet on a ring is read by its taker before the slot is given back, and
 * freed afterwards by the stack whose pool it came from.
 *
 * What a ring has no room for is dropped (SHARD_RING_FULL) or, of neighbours, asked again;
 * a quarter of each ring is kept for facts that nobody would repeat. */
#pragma once
#include "stack/stack.h"

enum { SHARDS_MAX = 16 };

/* For stack_config.shards, of as many stacks as `n`.  The secret is what entropy gave.  NULL: no memory. */
struct shards *shards_new(unsigned n, const uint64_t secret[2]);
void shards_free(struct shards *s);     /* after its stacks, which no thread runs any more; NULL is fine */
unsigned shards_count(const struct shards *s);
const struct steer *shards_steer(const struct shards *s);       /* for whoever fills the queues */

struct shard_counts { uint64_t strays, lost, taken; };   /* packets that came by the wrong queue, those the ring had no room for, those taken */
struct shard_counts stack_shard_counts(const struct stack *st);

/* Shards to which the stack has given something since this was last asked, a bit each:
 * whoever drives them wakes those that wait.  Each takes what has come in its stack_tick. */
uint32_t stack_shards_told(struct stack *st);
bool stack_shard_waiting(const struct stack *st);       /* something has come; its deadline is now */
