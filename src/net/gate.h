/* What stands between a packet's way and its going it: the filter's word, and NAT.
 *
 * gate_take looks at each packet before it is routed: which flow it belongs to, and whether what came to an address of
 * ours is for somebody inside.  gate_pass, after routing, lets it through as its flow says, or makes a flow of it, or
 * drops it.  In between every error is about the packet as its sender sent it. */
#pragma once
#include "net/filter.h"
#include "net/forward.h"
#include "net/nat.h"

enum { GATE_HELD = 64 };

struct gate_config {
    bool nat;                           /* hosts hide behind the interfaces that gate_outside names */
    struct nat_config nat_config;
    struct track_config track;
    const struct filter *filter;        /* copied; NULL: everything passes */
};

/* A SYN from outside that nobody here expects waits, in case one from inside crosses it (RFC 5382 REQ-4). */
struct gate_syn { struct pkt *k; struct tuple tuple; int64_t until_ns; };

struct gate {
    bool             nat_on, filter_on;
    struct trace    *trace;
    struct tracks    tracks;
    struct nat       nat;
    struct filter    filter;
    uint32_t         generation;        /* of inet's addresses, as nat knows them */
    uint32_t         first_held, n_held;
    struct gate_syn  held[GATE_HELD];   /* a ring: all wait as long */
};

/* False: no memory. */
bool gate_init(struct gate *g, const struct gate_config *c, struct trace *trace, struct rng *rng, int64_t now_ns);
void gate_fini(struct gate *g);
/* The interface leads outside: who leaves by it has its address.  False: too many do. */
bool gate_outside(struct gate *g, unsigned iface);

/* Takes what passes: all of `others`, and of `ours` what is for somebody inside. */
void gate_take(struct gate *g, const struct inet *n, struct batch *ours, struct batch *others, struct transit *out, int64_t now_ns);
/* What is routed goes through, with its other name where it has one, or is dropped. */
void gate_pass(struct gate *g, struct inet *n, struct transit *t, int64_t now_ns);
/* What is for ourselves: takes what the filter keeps from us. */
void gate_self(struct gate *g, struct inet *n, struct batch *ours, int64_t now_ns);
/* Keeps a SYN from outside for a while; false: it is none, and stays the caller's. */
bool gate_hold(struct gate *g, struct pkt *k, int64_t now_ns);
/* Gives a packet that was sent on, and did not arrive, the name back under which it came. */
void gate_undo(const struct gate *g, struct pkt *k);

int64_t gate_deadline(struct gate *g);
void gate_tick(struct gate *g, struct inet *n, int64_t now_ns);
