/* What passes through, between the journeys in and out (net/gate.h). */
#include "stack/gate.h"
#include "stack/inner.h"
#include <stdlib.h>

enum plumb_err stack_gate_open(struct stack *st, const struct gate_config *c, int64_t now_ns)
{
    if (st->gate || st->cfg.shards)
        return PLUMB_INVALID;
    struct gate *g = malloc(sizeof *g);
    if (!g || !gate_init(g, c, &st->trace, &st->rng, now_ns)) {
        free(g);
        return PLUMB_NO_MEMORY;
    }
    st->gate = g;
    st->inet.whole_transit = true;
    return PLUMB_OK;
}

enum plumb_err stack_nat_outside(struct stack *st, unsigned iface)
{
    const bool present = st->gate && iface < INET_LOOP && st->iface[iface].present;
    return present && gate_outside(st->gate, iface) ? PLUMB_OK : PLUMB_INVALID;
}

void stack_gate_free(struct stack *st)
{
    if (!st->gate)
        return;
    gate_fini(st->gate);
    free(st->gate);
    st->gate = NULL;
}

/* A SYN from outside for which the router itself has a listener, or a connection, is its own. */
static void hold_syns(struct stack *st, struct batch *in, int64_t now_ns)
{
    struct batch_walk w = batch_walk(in);
    for (struct pkt *k; (k = batch_next(&w));) {
        const bool serves = k->proto != IP_TCP || tcp_serves(st->tcp, k);
        if (serves || !gate_hold(st->gate, k, now_ns))
            batch_keep(&w, k);
    }
}

void stack_gate(struct stack *st, struct batch *in, struct batch *others, int64_t now_ns)
{
    struct transit t;
    gate_take(st->gate, &st->inet, in, others, &t, now_ns);     /* what passes, and by which flow */
    inet_forward_route(&st->inet, &t, now_ns);                  /* where it leaves; who may not go hears why */
    gate_pass(st->gate, &st->inet, &t, now_ns);                 /* the other name it goes on with */
    inet_forward_send(&st->inet, &t, now_ns);
    if (st->gate->filter_on)
        gate_self(st->gate, &st->inet, in, now_ns);             /* what may come to ourselves */
    if (st->gate->nat_on)
        hold_syns(st, in, now_ns);
}

bool stack_walk_nat(const struct stack *st, uint64_t *cursor, struct nat_info *out)
{
    const struct nat_map *m = st->gate && st->gate->nat_on ? nat_walk(&st->gate->nat, cursor) : NULL;
    if (!m)
        return false;
    *out = (struct nat_info){ .proto = m->proto, .forward = m->fixed, .flows = m->flows, .internal = m->internal, .external = m->external };
    return true;
}

bool stack_walk_flows(const struct stack *st, uint64_t *cursor, struct flow_info *out)
{
    const struct track *f = st->gate ? tracks_walk(&st->gate->tracks, cursor) : NULL;
    if (!f)
        return false;
    *out = (struct flow_info){ .arrives = *track_arrives_as(f, TRACK_ORIGINAL), .leaves = track_leaves_as(f, TRACK_ORIGINAL),
                               .translated = f->translated, .state = track_state_name(f), .expires_ns = f->expires_ns };
    return true;
}
