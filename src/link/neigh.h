/* The neighbour cache: which MAC an address on the link has, found by ARP (RFC 826, RFC 1122 §2.3.2) or by
 * neighbour discovery (RFC 4861 §7), with own addresses' conflict detection (acd.h).  Keyed by interface and
 * address of either family.
 *
 *   neigh.c        what is sent to a neighbour, and its reachability: one machine (RFC 4861 §7.3) for both families
 *   neigh_table.c  the entries
 *   neigh_arp.c    what ARP packets say and ask
 *   nd.c           what neighbour solicitations and advertisements say and ask
 *
 * A packet to an unresolved neighbour waits: so many per entry, bounded in all.  Frames to send collect in
 * `ready`, packets whose neighbour did not answer in `failed`; stack/ empties both after each call. */
#pragma once
#include "base/heap.h"
#include "base/list.h"
#include "base/pkt.h"
#include "base/rng.h"
#include "link/acd.h"
#include "trace/trace.h"
#include "wire/icmp6.h"

/* NEIGH_QUEUE: all fragments of a datagram of 64 KiB wait for their neighbour together.
 * NEIGH_TRIES: MAX_MULTICAST_SOLICIT and MAX_UNICAST_SOLICIT (RFC 4861 §10). */
enum { NEIGH_QUEUE = 48, NEIGH_TRIES = 3, NEIGH_FACTS = 64, NEIGH_NEWS = 16 };
/* RFC 4861 §7.3.2 */
enum neigh_state { NEIGH_FREE, NEIGH_INCOMPLETE, NEIGH_REACHABLE, NEIGH_STALE, NEIGH_DELAY, NEIGH_PROBE };

struct neigh_entry {
    struct heap_node    timer;
    struct list         age;            /* in neigh.by_use: longest unused first */
    struct neigh_entry *chain;          /* same hash, or next free */
    struct addr         addr;
    struct mac          mac;
    uint8_t             iface, state, tries;
    bool                wanted;         /* something was sent to it */
    bool                router;         /* IsRouter (RFC 4861 §5.1) */
    struct pktq         waiting;
};

struct neigh_iface { struct mac mac; bool ether, any_address; };
/* BaseReachableTime and RetransTimer of IPv6 on an interface, as its routers say; 0: the defaults of RFC 4861 §10. */
struct neigh_times { int64_t reachable_ns, retrans_ns; };

/* Several caches on one link (the shards of a host): one leads and speaks ARP and ND, the others
 * follow and ask it.  What each has to say to the other collects in `fact`, which stack/ empties. */
enum neigh_role { NEIGH_ALONE, NEIGH_LEADS, NEIGH_FOLLOWS };
struct neigh_fact { struct addr addr; struct mac mac; uint8_t iface, state; };     /* who follows asks: no mac */

/* What whoever keeps a list of routers wants to know (§6.3.5, §6.3.6). */
enum neigh_news_kind { NEIGH_ANSWERS, NEIGH_GONE, NEIGH_NO_ROUTER };
struct neigh_news { enum neigh_news_kind kind; uint8_t iface; struct addr addr; };

struct neigh {
    struct trace       *trace;
    struct pkt_pools   *pools;
    struct sipkey       key;
    struct rng          rng;            /* of its own, so that its draws are nobody else's */
    struct neigh_iface  iface[IFACE_MAX];
    struct neigh_times  times[IFACE_MAX];
    bool                forwarding;     /* we are a router and say so (IsRouter of what we advertise) */
    struct acd          acd;
    struct neigh_entry *entries, *free, **bucket;
    uint32_t            n_entries, bucket_mask;
    uint32_t            queued, max_queued;     /* packets waiting in all entries */
    uint32_t            n_doubtful;             /* in DELAY or PROBE: an upper layer may know better */
    struct list         by_use;
    struct heap         timers;
    struct pktq         ready, failed;
    enum neigh_role     role;
    uint32_t            n_facts, n_news;
    struct neigh_fact   fact[NEIGH_FACTS];      /* beyond, they are lost: who follows asks again */
    struct neigh_news   news[NEIGH_NEWS];       /* of IPv6 routers */
};

/* False: no memory. */
bool neigh_init(struct neigh *n, struct trace *trace, struct pkt_pools *pools, struct rng *rng, uint32_t max_entries, uint32_t max_queued);
void neigh_fini(struct neigh *n);
void neigh_set_iface(struct neigh *n, unsigned iface, const struct neigh_iface *cfg);
void neigh_set_times(struct neigh *n, unsigned iface, const struct neigh_times *t);

/* Takes ARP packets, head at the ARP header. */
void neigh_in(struct neigh *n, struct batch *arp, int64_t now_ns);
/* Takes a neighbour solicitation or advertisement, head at its IP header, hop limit and checksum found good, read into `m`. */
void neigh_nd_in(struct neigh *n, struct pkt *k, const struct nd *m, int64_t now_ns);
/* A router solicitation, router advertisement or redirect told the MAC of an address (RFC 4861 §6.2.6, §6.3.4, §8.3). */
enum neigh_told { NEIGH_TOLD_HOST, NEIGH_TOLD_ROUTER, NEIGH_TOLD_EITHER };
void neigh_heard(struct neigh *n, unsigned iface, struct addr a, struct mac mac, enum neigh_told what, int64_t now_ns);
/* Takes an IP packet with iface and next_hop.  It comes back as a frame when the
 * MAC is known; NULL: it waits, or was dropped. */
struct pkt *neigh_send(struct neigh *n, struct pkt *k, int64_t now_ns);
/* An upper layer got on, so what goes by this neighbour arrives (RFC 4861 §7.3.1).  Of use while it is doubtful. */
void neigh_confirm(struct neigh *n, unsigned iface, struct addr a, int64_t now_ns);

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
