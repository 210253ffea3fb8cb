/* Small worlds for tests: hosts on a switch, or on both sides of a router. */
#pragma once
#include "sim/world.h"
#include <stdlib.h>

static inline struct prefix lan_prefix(const char *text)
{
    struct prefix p;
    if (!prefix_parse(text, &p))
        abort();
    return p;
}
static inline struct addr lan_addr(const char *text)
{
    struct addr a;
    if (!addr_parse(text, &a))
        abort();
    return a;
}

static inline struct iface_config lan_iface(unsigned node, unsigned iface)
{
    return (struct iface_config){ .kind = IFACE_ETHER, .mac = { { 2, 0, 0, 0, (uint8_t)node, (uint8_t)iface } } };
}

/* A host with one interface; its number. address NULL: none. */
static inline int lan_host(struct world *w, unsigned node, const char *address, const char *gateway)
{
    struct stack *st = stack_new(&(struct stack_config){ .node = (uint16_t)node, .seed = world_random(w) }, world_now(w));
    const struct iface_config c = lan_iface(node, 0);
    if (!st || stack_add_iface(st, &c, world_now(w)) != 0)
        abort();
    if (address && stack_add_addr(st, 0, lan_prefix(address), false, world_now(w)) != PLUMB_OK)
        abort();
    if (gateway && stack_add_route(st, lan_prefix("0.0.0.0/0"), lan_addr(gateway), 0, world_now(w)) != PLUMB_OK)
        abort();
    return world_add_stack(w, st);
}

/* A router with two interfaces. */
static inline int lan_router(struct world *w, unsigned node, const char *left, const char *right)
{
    struct stack *st = stack_new(&(struct stack_config){ .node = (uint16_t)node, .seed = world_random(w), .forwarding = true }, world_now(w));
    for (unsigned i = 0; i < 2; i++) {
        const struct iface_config c = lan_iface(node, i);
        if (!st || stack_add_iface(st, &c, world_now(w)) != (int)i)
            abort();
        if (stack_add_addr(st, i, lan_prefix(i ? right : left), false, world_now(w)) != PLUMB_OK)
            abort();
    }
    return world_add_stack(w, st);
}

static inline void lan_join(struct world *w, int host, unsigned iface, struct world_end to, const struct impair_config *each_way)
{
    if (world_join(w, (struct world_end){ .number = host, .iface = iface }, to, each_way, each_way) < 0)
        abort();
}
static inline struct world_end lan_switch_end(int number)          { return (struct world_end){ .is_switch = true, .number = number }; }
static inline struct world_end lan_host_end(int n, unsigned iface) { return (struct world_end){ .number = n, .iface = iface }; }

static inline void lan_run_for(struct world *w, int64_t ns) { (void)world_run(w, NULL, NULL, world_now(w) + ns); }

/* Packets handed out and not given back, in all stacks. */
static inline uint32_t lan_pkts_used(struct world *w, int n_hosts)
{
    uint32_t used = 0;
    for (int i = 0; i < n_hosts; i++)
        used += stack_pools(world_stack(w, i))->small.used + stack_pools(world_stack(w, i))->large.used;
    return used;
}
