#include "sim/world_int.h"
#include <stdlib.h>

static const int64_t CIVIL_START_NS = 1767225600 * NS_PER_SEC;      /* 2026-01-01T00:00:00Z */

struct world *world_new(uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);
    if (!w || !pkt_pools_init(&w->pools, WORLD_SMALL, WORLD_LARGE)) {
        free(w);
        return NULL;
    }
    w->batch = BATCH_MAX;
    rng_seed(&w->rng, seed);
    trace_init(&w->trace, UINT16_MAX);
    loop_init(&w->loop, 0, CIVIL_START_NS);
    return w;
}

static void free_half(struct half *h)
{
    impair_free(h->impair);
    pktq_free(&h->wire);
}

void world_free(struct world *w)
{
    if (!w)
        return;
    for (uint32_t i = 0; i < w->n_hosts; i++)
        stack_free(w->host[i].st);
    for (uint32_t i = 0; i < w->n_links; i++) {
        free_half(&w->link[i]->half[0]);
        free_half(&w->link[i]->half[1]);
        free(w->link[i]);
    }
    for (uint32_t i = 0; i < w->n_switches; i++) {
        free(w->sw[i]->port);
        free(w->sw[i]);
    }
    free(w->host);
    free(w->sw);
    free(w->link);
    pkt_pools_fini(&w->pools);
    free(w);
}

struct loop *world_loop(struct world *w)        { return &w->loop; }
int64_t world_now(const struct world *w)        { return w->now_ns; }
const struct pkt_pools *world_pools(const struct world *w) { return &w->pools; }
uint64_t world_random(struct world *w)          { return rng_u64(&w->rng); }
void world_set_batch(struct world *w, uint32_t most) { w->batch = most; }

int world_add_stack(struct world *w, struct stack *st)
{
    struct world_host *more = realloc(w->host, (w->n_hosts + 1) * sizeof *more);
    if (!more)
        return -1;
    w->host = more;
    struct world_host *h = &w->host[w->n_hosts];
    h->st = st;
    for (unsigned i = 0; i < IFACE_MAX; i++)
        h->half[i] = NO_HALF;
    return (int)w->n_hosts++;
}

struct stack *world_stack(struct world *w, int number) { return w->host[number].st; }

int world_add_switch(struct world *w)
{
    struct world_switch **more = realloc(w->sw, (w->n_switches + 1) * sizeof *more);
    if (!more)
        return -1;
    w->sw = more;
    struct world_switch *s = calloc(1, sizeof *s);
    if (!s)
        return -1;
    bridge_init(&s->bridge, &w->rng);
    w->sw[w->n_switches] = s;
    return (int)w->n_switches++;
}

/* ---------------------------------------------------------------- joining */

static bool end_free(const struct world *w, struct world_end e)
{
    if (e.is_switch)
        return e.number >= 0 && (uint32_t)e.number < w->n_switches;
    return e.number >= 0 && (uint32_t)e.number < w->n_hosts && e.iface < IFACE_MAX && w->host[e.number].half[e.iface] == NO_HALF;
}

/* A switch grows a port; its number becomes the end's iface. */
static bool plug_in(struct world *w, struct world_end *e, int half)
{
    if (!e->is_switch) {
        w->host[e->number].half[e->iface] = half;
        return true;
    }
    struct world_switch *s = w->sw[e->number];
    int *more = realloc(s->port, (s->n_ports + 1) * sizeof *more);
    if (!more)
        return false;
    s->port = more;
    s->port[s->n_ports] = half;
    e->iface = s->n_ports++;
    return true;
}

static bool is_perfect(const struct impair_config *c)
{
    static const struct impair_config none;
    return !c || (c->delay_ns == none.delay_ns && c->jitter_ns == 0 && c->rate_bits_s == 0 && c->mtu == 0 && !(c->loss > 0) &&
                  !(c->reorder > 0) && !(c->duplicate > 0) && !(c->corrupt > 0));
}

/* The sender tells of a drop; behind a switch the receiver. */
struct trace *world_trace_of(struct world *w, const struct half *h)
{
    if (!h->near.is_switch)
        return stack_trace(w->host[h->near.number].st);
    return h->far.is_switch ? &w->trace : stack_trace(w->host[h->far.number].st);
}

static bool set_up(struct world *w, struct half *h, const struct impair_config *c)
{
    const uint64_t seed = world_random(w);      /* drawn even for a perfect wire: shaping one link changes no other */
    pktq_init(&h->wire);
    if (is_perfect(c))
        return true;
    h->impair = impair_new(c, seed, world_trace_of(w, h), &w->pools);
    return h->impair != NULL;
}

int world_join(struct world *w, struct world_end a, struct world_end b, const struct impair_config *a_to_b, const struct impair_config *b_to_a)
{
    if (!end_free(w, a) || !end_free(w, b))
        return -1;
    struct world_link **more = realloc(w->link, (w->n_links + 1) * sizeof *more);
    struct world_link *l = calloc(1, sizeof *l);
    if (more)
        w->link = more;
    const int number = (int)w->n_links;
    if (!more || !l || !plug_in(w, &a, number * 2) || !plug_in(w, &b, number * 2 + 1)) {
        free(l);
        return -1;
    }
    w->link[w->n_links++] = l;
    l->half[0].near = l->half[1].far = a;
    l->half[1].near = l->half[0].far = b;
    return set_up(w, &l->half[0], a_to_b) && set_up(w, &l->half[1], b_to_a) ? number : -1;
}

void world_link_stats(const struct world *w, int link, int side, struct impair_stats *out)
{
    *out = (struct impair_stats){ 0 };
    if (w->link[link]->half[side].impair)
        impair_stats(w->link[link]->half[side].impair, out);
}

void world_cut(struct world *w, int link, bool cut) { w->link[link]->cut = cut; }
