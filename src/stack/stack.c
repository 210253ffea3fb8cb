/* A stack's life, its clock and its deadline. */
#include "stack/inner.h"
#include "stack/probe.h"
#include <stdlib.h>

static bool init_layers(struct stack *st, int64_t now_ns)
{
    const struct stack_config *c = &st->cfg;
    rng_seed(&st->rng, c->seed);
    trace_init(&st->trace, c->node);
    pktq_init(&st->loop);
    for (unsigned i = 0; i < IFACE_MAX; i++)
        pktq_init(&st->iface[i].out);
    if (!pkt_pools_init(&st->pools, c->small_pkts, c->large_pkts))
        return false;
    inet_init(&st->inet, &st->trace, &st->pools, &st->rng, now_ns);
    st->inet.forwarding = c->forwarding;
    st->inet.ttl = c->ttl;
    st->inet.no_fast_path = c->tcp.no_fast_path;
    udp_init(&st->udp, &st->trace, &st->pools, &st->rng);
    stack_net_init(st);
    if (!neigh_init(&st->neigh, &st->trace, &st->pools, &st->rng, NEIGH_ENTRIES, c->small_pkts / 8 + 3))
        return false;
    st->neigh.forwarding = c->forwarding;
    stack_shard_join(st);
    return stack_segments_new(st, now_ns);
}

struct stack *stack_new(const struct stack_config *cfg, int64_t now_ns)
{
    struct stack *st = calloc(1, sizeof *st);
    if (!st)
        return NULL;
    st->cfg = *cfg;
    stack_shard_configure(&st->cfg);
    st->now_ns = now_ns;
    st->autoconf_ns = DEADLINE_NEVER;
    if (!st->cfg.small_pkts)
        st->cfg.small_pkts = DEFAULT_SMALL_PKTS;
    if (!st->cfg.large_pkts)
        st->cfg.large_pkts = DEFAULT_LARGE_PKTS;
    if (!st->cfg.ttl)
        st->cfg.ttl = 64;
    if (init_layers(st, now_ns))
        return st;
    stack_free(st);
    return NULL;
}

void stack_free(struct stack *st)
{
    if (!st)
        return;
    if (st->pools.small.memory) {
        stack_net_fini(st);
        stack_probe_close(st);
        stack_segments_free(st);
        if (st->dhcp_open)
            udp_close(&st->udp, &st->dhcp_sock);
        if (st->dhcp6_open)
            udp_close(&st->udp, &st->dhcp6_sock);
        for (unsigned i = 0; i < IFACE_MAX; i++)
            pktq_free(&st->iface[i].out);
        pktq_free(&st->loop);
        stack_gate_free(st);
        neigh_fini(&st->neigh);
        inet_fini(&st->inet);
        /* Every packet has come back; of several shards another may still hold some. */
        assert(st->cfg.shards || st->pools.small.used + st->pools.large.used == 0);
    }
    pkt_pools_fini(&st->pools);
    free(st);
}

struct trace *stack_trace(struct stack *st)         { return &st->trace; }
struct pkt_pools *stack_pools(struct stack *st)     { return &st->pools; }
struct tcp *stack_tcp(struct stack *st)             { return st->tcp; }

static bool output_due(const struct stack *st)
{
    for (unsigned i = 0; i < INET_LOOP; i++)
        if (st->iface[i].out.n)
            return true;
    return st->touched || st->loop.n || stack_segments_due(st) || stack_shard_waiting(st);
}

int64_t stack_deadline(const struct stack *st)
{
    if (output_due(st))
        return st->now_ns;
    const int64_t gate = st->gate ? gate_deadline(st->gate) : DEADLINE_NEVER;
    const int64_t below = time_min(gate, time_min(neigh_deadline(&st->neigh), inet_deadline(&st->inet)));
    return time_min(time_min(time_min(below, st->autoconf_ns), stack_dhcp_deadline(st)), stack_segments_deadline(st));
}

void stack_tick(struct stack *st, int64_t now_ns)
{
    st->now_ns = now_ns;
    stack_shard_take(st, now_ns);
    neigh_tick(&st->neigh, now_ns);
    inet_tick(&st->inet, now_ns);
    if (st->gate)
        gate_tick(st->gate, &st->inet, now_ns);
    stack_segments_tick(st, now_ns);
    stack_settle(st, now_ns);
    stack_loop_in(st, now_ns);
    stack_wake(st);
}
