/* The neighbour cache: which MAC an address on the link has, found by ARP
 * (RFC 826, RFC 1122 §2.3.2), with own addresses' conflict detection (acd.h).
 * Keyed by interface and address of either family; IPv6 will add its own
 * solicitations, not another table.
 *
 * States as RFC 4861 §7.3.2 names them.  A packet to an unresolved neighbour waits:
 * three per entry, bounded in all.  Frames to send collect in `ready`, packets whose
 * neighbour did not answer in `failed`; stack/ empties both after each call. */
#pragma once
#include "base/heap.h"
#include "base/list.h"
#include "base/pkt.h"
#include "base/rng.h"
#include "link/acd.h"
#include "trace/trace.h"

/* NEIGH_QUEUE: all fragments of a datagram of 64 KiB wait for their neighbour together. */
enum { NEIGH_QUEUE = 48, NEIGH_TRIES = 3, NEIGH_FACTS = 64 };
enum neigh_state { NEIGH_FREE, NEIGH_INCOMPLETE, NEIGH_REACHABLE, NEIGH_STALE, NEIGH_PROBE };

struct neigh_entry {
    struct heap_node    timer;
    struct list         age;            /* in neigh.by_use: longest unused first */
    struct neigh_entry *chain;          /* same hash, or next free */
    struct addr         addr;
    struct mac          mac;
    uint8_t             iface, state, tries;
    bool                wanted;         /* something was sent to it */
    struct pktq         waiting;
};

struct neigh_iface { struct mac mac; bool ether, any_address; };

/* Several caches on one link (the shards of a host): one leads and speaks ARP, the others
 * follow and ask it.  What each has to say to the other collects in `fact`, which stack/ empties. */
enum neigh_role { NEIGH_ALONE, NEIGH_LEADS, NEIGH_FOLLOWS };
struct neigh_fact { struct addr addr; struct mac mac; uint8_t iface; };     /* who follows asks: no mac */

struct neigh {
    struct trace       *trace;
    struct pkt_pools   *pools;
    struct sipkey       key;
    struct neigh_iface  iface[IFACE_MAX];
    struct acd          acd;
    struct neigh_entry *entries, *free, **bucket;
    uint32_t            n_entries, bucket_mask;
    uint32_t            queued, max_queued;     /* packets waiting in all entries */
    struct list         by_use;
    struct heap         timers;
    struct pktq         ready, failed;
    enum neigh_role     role;
    uint32_t            n_facts;
    struct neigh_fact   fact[NEIGH_FACTS];      /* beyond, they are lost: who follows asks again */
};

/* False: no memory. */
bool neigh_init(struct neigh *n, struct trace *trace, struct pkt_pools *pools, struct rng *rng, uint32_t max_entries, uint32_t max_queued);
void neigh_fini(struct neigh *n);
void neigh_set_iface(struct neigh *n, unsigned iface, const struct neigh_iface *cfg);

/* Takes ARP packets, head at the ARP header. */
void neigh_in(struct neigh *n, struct batch *arp, int64_t now_ns);
/* Takes an IP packet with iface and next_hop.  It comes back as a frame when the
 * MAC is known; NULL: it waits, or was dropped. */
struct pkt *neigh_send(struct neigh *n, struct pkt *k, int64_t now_ns);

/* To who leads: somebody who follows wants to know.  To who follows: what was found. */
void neigh_want(struct neigh *n, unsigned iface, struct addr a, int64_t now_ns);
void neigh_told(struct neigh *n, const struct neigh_fact *f, int64_t now_ns);

int64_t neigh_deadline(const struct neigh *n);
void neigh_tick(struct neigh *n, int64_t now_ns);
/* Forgets everything about an interface; waiting packets go to `failed`. */
void neigh_flush(struct neigh *n, unsigned iface);

/* Lends the entry at or after *cursor (starts at 0), which moves behind it; NULL: no more. */
const struct neigh_entry *neigh_walk(const struct neigh *n, uint32_t *cursor);
const char *neigh_state_name(uint8_t state);
