/* Packets for others on their way through, in steps (RFC 1812 §5.2.1): where each goes, whether it may, on with it.
 * Between the steps stand the filter and NAT (net/gate.h), which look at what the first has found. */
#pragma once
#include "net/inet.h"
#include "net/tuple.h"

struct track;
struct nat_map;

struct passing {
    struct pkt    *k;                   /* as it came; NULL: taken */
    struct addr    dst;                 /* where it goes, which translation may have moved from where its header says */
    struct addr    next_hop;
    uint8_t        out;                 /* the interface it leaves by */
    /* gate.h's, when there is one: */
    uint8_t        kind;                /* enum tuple_kind */
    uint8_t        dir;                 /* of `flow` */
    struct tuple   tuple;
    struct track  *flow;                /* NULL: none yet */
    struct nat_map *lead;               /* for whom it came to an address of ours */
};
struct transit { uint32_t n; struct passing p[BATCH_MAX]; };

/* All of a batch, which go where their headers say. */
void transit_take(struct transit *t, struct batch *b);
/* Finds for each where it leaves; takes those that cannot go on, and tells their senders. */
void inet_forward_route(struct inet *n, struct transit *t, int64_t now_ns);
/* Sends on what is left, onto `out`: its hop limit lowered, cut where the next link wants it. */
void inet_forward_send(struct inet *n, struct transit *t, int64_t now_ns);
