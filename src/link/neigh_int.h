/* The inside of the neighbour cache, for neigh*.c and nd.c alone. */
#pragma once
#include "link/neigh.h"

/* neigh_table.c */
struct neigh_entry *neigh_find(const struct neigh *n, unsigned iface, struct addr a);          /* NULL: not there */
struct neigh_entry *neigh_create(struct neigh *n, unsigned iface, struct addr a, int64_t now_ns);      /* INCOMPLETE, nobody asked yet */
void neigh_forget(struct neigh *n, struct neigh_entry *e);      /* what waited goes to `failed` */
void neigh_used(struct neigh *n, struct neigh_entry *e);
void neigh_set_timer(struct neigh *n, struct neigh_entry *e, int64_t deadline_ns);

static inline bool neigh_is_doubtful(const struct neigh_entry *e) { return e->state == NEIGH_DELAY || e->state == NEIGH_PROBE; }

/* neigh.c */
void neigh_enter(struct neigh *n, struct neigh_entry *e, enum neigh_state s, int64_t now_ns);
/* Its MAC is this; it becomes REACHABLE or STALE, and what waited leaves. */
void neigh_learn(struct neigh *n, struct neigh_entry *e, struct mac mac, enum neigh_state s, int64_t now_ns);
void neigh_set_router(struct neigh *n, struct neigh_entry *e, bool router);
struct pkt *neigh_frame(const struct neigh *n, struct pkt *k, struct mac dst);
void neigh_announce_due(struct neigh *n, int64_t now_ns);       /* what conflict detection has to say */
/* An own address in use on the interface of that family; none: there is none. */
struct addr neigh_source(const struct neigh *n, unsigned iface, bool ip4);

/* neigh_arp.c, nd.c: the question (to all, or to whom is in PROBE alone), and what conflict detection says */
void neigh_arp_ask(struct neigh *n, const struct neigh_entry *e, struct addr local);
void neigh_arp_say(struct neigh *n, const struct acd_message *m);
void nd_ask(struct neigh *n, const struct neigh_entry *e, struct addr local);
void nd_say(struct neigh *n, const struct acd_message *m);
