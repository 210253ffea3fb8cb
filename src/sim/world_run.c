/* Time in a world: at each instant packets move and calls run until nothing is due,
 * then the clock jumps.  Links go by their numbers, stacks by theirs, the loop last
 * (a kernel, too, answers a segment before its program has run): equal deadlines
 * always fall in that order. */
#include "sim/world_int.h"
#include "wire/eth.h"

enum { INSTANT_ROUNDS = 1000000 };      /* without a step in time: a loop in the topology or an application that never waits */

/* A packet on the way belongs to the world: its sender may go, and its bytes with it. */
static struct pkt *adopt(struct world *w, struct pkt *k)
{
    if (k->n_slices == 0 && (k->pool == &w->pools.small || k->pool == &w->pools.large))
        return k;
    struct pkt *copy = pkt_copy(&w->pools, k);
    pkt_free(k);
    return copy;
}

/* Takes. */
static void put_on_link(struct world *w, int half, struct pkt *k)
{
    struct half *h = world_half(w, half);
    struct trace *t = world_trace_of(w, h);
    if (w->link[half / 2]->cut) {
        trace_drop(t, k, WHY_IFACE_DOWN, w->now_ns);
        return;
    }
    k = adopt(w, k);
    if (!k) {
        trace_count(t, WHY_NO_BUFFER, w->now_ns);
        return;
    }
    k->path = NULL;
    if (h->near.is_switch)
        k->id = 0;                      /* a number in its sender's events, not in these */
    if (h->impair)
        impair_push(h->impair, k, w->now_ns);
    else
        pktq_push(&h->wire, k);
}

/* --------------------------------------------------------------- switches */

static void flood(struct world *w, const struct world_switch *s, unsigned from, struct pkt *k)
{
    for (unsigned i = 0; i < s->n_ports; i++) {
        if (i == from)
            continue;
        struct pkt *copy = pkt_copy(&w->pools, k);
        if (copy)
            put_on_link(w, s->port[i], copy);
    }
    pkt_free(k);
}

static void through_switch(struct world *w, struct world_switch *s, unsigned from, struct pkt *k)
{
    struct eth h;
    struct reader r = pkt_reader(k);
    unsigned to = 0;
    if (!eth_read(&r, &h)) {
        trace_drop(&w->trace, k, WHY_FRAME_SHORT, w->now_ns);
        return;
    }
    const struct bridge_frame f = { .from = (uint16_t)from, .src = h.src, .dst = h.dst };
    switch (bridge_decide(&s->bridge, &f, &to, w->now_ns)) {
    case BRIDGE_TO_PORT: put_on_link(w, s->port[to], k); return;
    case BRIDGE_FLOOD:   flood(w, s, from, k); return;
    default:             trace_drop(&w->trace, k, WHY_BRIDGE_SAME_PORT, w->now_ns);
    }
}

/* ------------------------------------------------------------ one instant */

static struct pkt *next_due(struct world *w, struct half *h)
{
    struct pkt *k = h->impair ? impair_pull(h->impair, w->now_ns) : pktq_pop(&h->wire);
    if (k && !h->impair)
        k->time_ns = w->now_ns;
    return k;
}

/* True: something arrived. */
static bool arrivals(struct world *w, struct world_link *l, struct half *h)
{
    struct batch b;
    batch_init(&b);
    bool any = false;
    for (struct pkt *k; !batch_full(&b) && b.n < w->batch && (k = next_due(w, h)); any = true) {
        if (l->cut)
            trace_drop(world_trace_of(w, h), k, WHY_IFACE_DOWN, w->now_ns);
        else if (h->far.is_switch)
            through_switch(w, w->sw[h->far.number], h->far.iface, k);
        else
            batch_add(&b, k);
    }
    if (b.n)
        stack_input(w->host[h->far.number].st, h->far.iface, &b, w->now_ns);
    return any;
}

static bool departures(struct world *w, struct world_host *host, unsigned iface)
{
    bool any = false;
    for (;;) {
        struct batch b;
        batch_init(&b);
        stack_output(host->st, iface, &b, w->now_ns);
        if (b.n == 0)
            return any;
        any = true;
        for (uint32_t i = 0; i < b.n; i++) {
            if (host->half[iface] == NO_HALF)
                trace_drop(stack_trace(host->st), b.pkt[i], WHY_IFACE_DOWN, w->now_ns);
            else
                put_on_link(w, host->half[iface], b.pkt[i]);
        }
    }
}

static bool run_host(struct world *w, struct world_host *host)
{
    if (stack_deadline(host->st) > w->now_ns)
        return false;
    stack_tick(host->st, w->now_ns);
    for (unsigned i = 0; i < IFACE_MAX - 1; i++)
        (void)departures(w, host, i);
    return true;
}

/* Everybody once; true: something happened, so there may be more. */
static bool round_of_all(struct world *w)
{
    bool any = false;
    for (uint32_t i = 0; i < w->n_links; i++) {
        any |= arrivals(w, w->link[i], &w->link[i]->half[0]);
        any |= arrivals(w, w->link[i], &w->link[i]->half[1]);
    }
    for (uint32_t i = 0; i < w->n_hosts; i++)
        any |= run_host(w, &w->host[i]);
    if (loop_deadline(&w->loop) <= w->now_ns) {
        loop_tick(&w->loop, w->now_ns);
        any = true;
    }
    return any;
}

static int64_t half_deadline(const struct world *w, const struct half *h)
{
    if (h->wire.n)
        return w->now_ns;
    return h->impair ? impair_deadline(h->impair) : DEADLINE_NEVER;
}

static int64_t next_deadline(const struct world *w)
{
    int64_t at = loop_deadline(&w->loop);
    for (uint32_t i = 0; i < w->n_hosts; i++)
        at = time_min(at, stack_deadline(w->host[i].st));
    for (uint32_t i = 0; i < w->n_links; i++)
        at = time_min(at, time_min(half_deadline(w, &w->link[i]->half[0]), half_deadline(w, &w->link[i]->half[1])));
    return at;
}

bool world_run(struct world *w, bool (*done)(void *arg), void *arg, int64_t deadline_ns)
{
    w->loop.now_ns = time_max(w->loop.now_ns, w->now_ns);
    for (uint32_t rounds = 0;;) {
        const bool any = round_of_all(w);
        if (done && done(arg))
            return true;
        if (any && ++rounds < INSTANT_ROUNDS)
            continue;
        const int64_t next_ns = next_deadline(w);
        if (next_ns > deadline_ns || next_ns == DEADLINE_NEVER || rounds == INSTANT_ROUNDS) {
            if (deadline_ns != DEADLINE_NEVER)
                w->now_ns = w->loop.now_ns = time_max(w->now_ns, deadline_ns);
            return false;
        }
        rounds = 0;
        w->now_ns = time_max(w->now_ns, next_ns);
        w->loop.now_ns = w->now_ns;     /* user calls from a test between steps see the time too */
    }
}

bool world_quiet(const struct world *w)
{
    for (uint32_t i = 0; i < w->n_hosts; i++)
        if (stack_deadline(w->host[i].st) <= w->now_ns)
            return false;
    for (uint32_t i = 0; i < w->n_links; i++)
        for (int side = 0; side < 2; side++)
            if (half_deadline(w, &w->link[i]->half[side]) != DEADLINE_NEVER)
                return false;
    return true;
}
