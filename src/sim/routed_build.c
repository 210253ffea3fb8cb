#include "sim/routed_int.h"
#include "base/list.h"

enum { IFACE_LAN = 0 };

/* Networks behind routers are 10.R.0.0/24, of gateways all 192.168.1.0/24; between routers 172.16.N.0/30. */
static struct addr lan_addr(const struct routed_router *r, unsigned host)
{
    return addr4(r->gateway ? 0xc0a80100u + host : 10u << 24 | (unsigned)r->number << 16 | host);
}

static struct stack *new_stack(struct routed_world *w, unsigned node, bool forwarding)
{
    const struct stack_config c = { .node = (uint16_t)node, .seed = rng_u64(&w->rng), .forwarding = forwarding, .small_pkts = 512, .large_pkts = 4 };
    return stack_new(&c, 0);
}

static int add_iface(struct stack *st, unsigned node, unsigned iface, struct prefix p)
{
    const struct iface_config c = { .kind = IFACE_ETHER, .mac = { { 2, 0, 0, 1, (uint8_t)node, (uint8_t)iface } }, .mtu = 1500 };
    const int i = stack_add_iface(st, &c, 0);
    return i >= 0 && stack_add_addr(st, (unsigned)i, p, false, 0) == PLUMB_OK ? i : -1;
}

static bool add_router(struct routed_world *w, unsigned i)
{
    struct routed_router *r = &w->router[i];
    r->st = new_stack(w, i + 1, true);
    if (!r->st)
        return false;
    r->number = world_add_stack(w->world, r->st);
    for (unsigned j = 0; j < ROUTERS_MAX; j++)
        r->towards[j] = -1;
    r->lan = lan_addr(r, 1);
    r->n_ifaces = 1;
    return add_iface(r->st, i + 1, IFACE_LAN, (struct prefix){ r->lan, 24 }) == IFACE_LAN;
}

/* A link between two routers, with some delay so that ways have lengths. */
static bool join_routers(struct routed_world *w, unsigned a, unsigned b, unsigned number)
{
    const struct impair_config link = { .delay_ns = (int64_t)(1 + rng_below(&w->rng, 20)) * NS_PER_MS };
    const unsigned end[2] = { a, b };
    int iface[2];
    for (unsigned i = 0; i < 2; i++) {
        struct routed_router *r = &w->router[end[i]];
        const struct addr own = addr4(0xac100000u + number * 4 + 1 + i);
        iface[i] = add_iface(r->st, end[i] + 1, r->n_ifaces++, (struct prefix){ own, 30 });
        if (iface[i] < 0)
            return false;
        r->towards[end[!i]] = iface[i];
        r->at[end[!i]] = addr4(0xac100000u + number * 4 + 1 + !i);
        r->outside = own;
    }
    return world_join(w->world, (struct world_end){ .number = w->router[a].number, .iface = (unsigned)iface[0] },
                      (struct world_end){ .number = w->router[b].number, .iface = (unsigned)iface[1] }, &link, &link) >= 0;
}

/* Each joins one before it; the last ones, which stay leaves, may become gateways, and others are joined across. */
static bool build_core(struct routed_world *w)
{
    unsigned links = 0;
    const unsigned gateways = rng_below(&w->rng, w->n_routers / 2 + 1), open = w->n_routers - gateways;
    for (unsigned i = 0; i < w->n_routers; i++) {
        w->router[i].gateway = i >= open;
        if (!add_router(w, i) || (i > 0 && !join_routers(w, i, rng_below(&w->rng, i < open ? i : open), links++)))
            return false;
    }
    for (unsigned tries = rng_below(&w->rng, 4); tries > 0; tries--) {
        const unsigned a = rng_below(&w->rng, open), b = rng_below(&w->rng, open);
        if (a != b && w->router[a].towards[b] < 0 && !join_routers(w, a, b, links++))
            return false;
    }
    w->out->gateways = gateways;
    return true;
}

/* The shortest way from every router to `to`: the one before it on that way, by breadth. */
static void ways_to(const struct routed_world *w, unsigned to, int next[ROUTERS_MAX])
{
    unsigned queue[ROUTERS_MAX], first = 0, last = 0;
    for (unsigned i = 0; i < ROUTERS_MAX; i++)
        next[i] = -1;
    next[to] = (int)to;
    queue[last++] = to;
    while (first < last) {
        const unsigned at = queue[first++];
        for (unsigned i = 0; i < w->n_routers; i++) {
            if (next[i] >= 0 || w->router[at].towards[i] < 0)
                continue;
            next[i] = (int)at;
            queue[last++] = i;
        }
    }
}

/* To the network behind an open router, and to the link by which a gateway is reached. */
static bool route_all(struct routed_world *w)
{
    for (unsigned to = 0; to < w->n_routers; to++) {
        int next[ROUTERS_MAX];
        const struct routed_router *t = &w->router[to];
        const struct prefix dst = t->gateway ? (struct prefix){ t->outside, 32 } : (struct prefix){ t->lan, 24 };
        ways_to(w, to, next);
        for (unsigned i = 0; i < w->n_routers; i++) {
            struct routed_router *r = &w->router[i];
            if (i == to || (t->gateway && next[i] == (int)to))
                continue;
            const unsigned by = (unsigned)next[i];
            if (stack_add_route(r->st, (struct prefix){ prefix_network(dst), dst.len }, r->at[by], (unsigned)r->towards[by], 0) != PLUMB_OK)
                return false;
        }
    }
    return true;
}

static bool open_gateways(struct routed_world *w)
{
    for (unsigned i = 0; i < w->n_routers; i++) {
        struct routed_router *r = &w->router[i];
        if (!r->gateway)
            continue;
        if (stack_gate_open(r->st, &(struct gate_config){ .nat = true, .track = { .max = 512 }, .nat_config = { .max_maps = 256,
                            .filtering = (enum nat_filtering)rng_below(&w->rng, 3) } }, 0) != PLUMB_OK ||
            stack_nat_outside(r->st, 1) != PLUMB_OK)
            return false;
    }
    return true;
}

/* Behind each router a switch with one to three hosts. */
static bool add_hosts(struct routed_world *w, unsigned router)
{
    struct routed_router *r = &w->router[router];
    const int sw = world_add_switch(w->world);
    const struct world_end lan = { .is_switch = true, .number = sw };
    if (sw < 0 || world_join(w->world, (struct world_end){ .number = r->number, .iface = IFACE_LAN }, lan, NULL, NULL) < 0)
        return false;
    for (unsigned n = 1 + rng_below(&w->rng, 3); n > 0 && w->n_hosts < HOSTS_MAX; n--) {
        struct routed_host *h = &w->host[w->n_hosts++];
        *h = (struct routed_host){ .w = w, .router = router, .addr = lan_addr(r, 1 + n), .st = new_stack(w, 100 + w->n_hosts, false) };
        if (!h->st || add_iface(h->st, 100 + w->n_hosts, 0, (struct prefix){ h->addr, 24 }) != 0)
            return false;
        h->number = world_add_stack(w->world, h->st);
        if (stack_add_route(h->st, (struct prefix){ addr4(0), 0 }, r->lan, 0, 0) != PLUMB_OK ||
            world_join(w->world, (struct world_end){ .number = h->number }, lan, NULL, NULL) < 0)
            return false;
    }
    return true;
}

bool routed_build(struct routed_world *w)
{
    w->n_routers = 2 + rng_below(&w->rng, ROUTERS_MAX - 2);
    if (!build_core(w) || !route_all(w) || !open_gateways(w))
        return false;
    for (unsigned i = 0; i < w->n_routers; i++)
        if (!add_hosts(w, i))
            return false;
    w->out->routers = w->n_routers;
    w->out->hosts = w->n_hosts;
    return true;
}
