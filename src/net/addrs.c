/* Which addresses are ours. */
#include "net/inet.h"

void inet_init(struct inet *n, struct trace *trace, struct pkt_pools *pools, struct rng *rng, int64_t now_ns)
{
    memset(n, 0, sizeof *n);
    n->trace = trace;
    n->pools = pools;
    n->generation = 1;
    n->ttl = 64;
    n->key = sipkey_from(rng);
    n->error_credit_ns = now_ns - NS_PER_SEC;
    n->id_step = 1;
    for (unsigned i = 0; i < INET_IDS; i++)
        n->id[i] = (uint16_t)rng_u64(rng);
    pktq_init(&n->out);
    pktq_init(&n->nd);
    pktq_init(&n->mld);
    groups_init(&n->groups, rng);
    inet_set_iface(n, INET_LOOP, &(struct inet_iface){ .up = true, .mtu = INET_LOOP_MTU, .gso_max = INET_LOOP_MTU, .tx_csum = true });
}

void inet_fini(struct inet *n)
{
    pktq_free(&n->out);
    pktq_free(&n->nd);
    pktq_free(&n->mld);
    frag_fini(&n->frag);
    route_fini(&n->routes);
}

/* Each has the numbers that are congruent to it modulo a power of two, which divides 65536. */
void inet_share_ids(struct inet *n, unsigned self, unsigned n_sharers)
{
    while (n->id_step < n_sharers)
        n->id_step = (uint16_t)(2 * n->id_step);
    n->id_self = (uint16_t)self;
    for (unsigned i = 0; i < INET_IDS; i++)
        n->id[i] = (uint16_t)((n->id[i] & ~(n->id_step - 1u)) | self);
}

void inet_set_iface(struct inet *n, unsigned iface, const struct inet_iface *cfg)
{
    n->iface[iface] = *cfg;
    n->ifaces_up = (n->ifaces_up & ~(1u << iface)) | (uint32_t)cfg->up << iface;
    inet_moved(n);
}

static struct inet_addr *find(const struct inet *n, unsigned iface, struct addr a)
{
    for (uint32_t i = 0; i < n->n_addr; i++)
        if (n->addr[i].iface == iface && addr_eq(n->addr[i].prefix.addr, a))
            return (struct inet_addr *)&n->addr[i];
    return NULL;
}

const struct inet_addr *inet_find_addr(const struct inet *n, unsigned iface, struct addr a) { return find(n, iface, a); }

/* The first address in a network brings the route to it. */
static void connect_route(struct inet *n, const struct inet_addr *a)
{
    if (a->ready && !a->lone && !route_get(&n->routes, a->prefix))
        (void)route_add(&n->routes, &(struct route){ .dst = a->prefix, .iface = a->iface, .origin = ROUTE_CONNECTED });
}

static void disconnect_route(struct inet *n, const struct inet_addr *gone)
{
    const struct route *r = route_get(&n->routes, gone->prefix);
    if (r && r->origin == ROUTE_CONNECTED && r->iface == gone->iface)
        (void)route_del(&n->routes, gone->prefix);
    for (uint32_t i = 0; i < n->n_addr; i++)
        connect_route(n, &n->addr[i]);
}

bool inet_add_addr(struct inet *n, unsigned iface, struct prefix p, bool ready)
{
    struct inet_addr *a = find(n, iface, p.addr);
    if (!a && n->n_addr == INET_ADDRS)
        return false;
    if (!a)
        a = &n->addr[n->n_addr++];
    const bool has_broadcast = addr_is4(p.addr) && p.len < 31;      /* RFC 3021: a /31 has none */
    *a = (struct inet_addr){ .prefix = p, .broadcast = has_broadcast ? prefix_last(p) : ADDR_NONE, .iface = (uint8_t)iface, .ready = ready };
    connect_route(n, a);
    inet_moved(n);
    return true;
}

bool inet_addr_became_ready(struct inet *n, unsigned iface, struct addr addr)
{
    struct inet_addr *a = find(n, iface, addr);
    if (!a || a->ready)
        return false;
    a->ready = true;
    connect_route(n, a);
    inet_moved(n);
    return true;
}

void inet_mark_addr(struct inet *n, unsigned iface, struct addr addr, bool lone, bool deprecated)
{
    struct inet_addr *a = find(n, iface, addr);
    if (!a || (a->lone == lone && a->deprecated == deprecated))
        return;
    if (lone && !a->lone) {
        a->lone = true;
        disconnect_route(n, a);
    }
    a->lone = lone;
    a->deprecated = deprecated;
    connect_route(n, a);
    inet_moved(n);
}

bool inet_del_addr(struct inet *n, unsigned iface, struct addr addr)
{
    struct inet_addr *a = find(n, iface, addr);
    if (!a)
        return false;
    const struct inet_addr gone = *a;
    const uint32_t at = (uint32_t)(a - n->addr);
    n->n_addr--;
    memmove(a, a + 1, (n->n_addr - at) * sizeof *a);    /* their order is the order of preference */
    disconnect_route(n, &gone);
    inet_moved(n);
    return true;
}

int inet_iface_of(const struct inet *n, struct addr a)
{
    for (uint32_t i = 0; i < n->n_addr; i++)
        if (n->addr[i].ready && addr_eq(n->addr[i].prefix.addr, a))
            return n->addr[i].iface;
    return addr_is_loopback(a) ? INET_LOOP : -1;
}

bool inet_is_ours(const struct inet *n, struct addr a) { return inet_iface_of(n, a) >= 0; }

bool inet_is_broadcast(const struct inet *n, unsigned iface, struct addr a)
{
    if (addr_is_broadcast(a))
        return true;
    for (uint32_t i = 0; i < n->n_addr; i++) {
        const struct inet_addr *own = &n->addr[i];
        if (own->iface == iface && addr_eq(own->broadcast, a))
            return true;
    }
    return false;
}

struct addr inet_source_on(const struct inet *n, unsigned iface)
{
    for (uint32_t i = 0; i < n->n_addr; i++)
        if (n->addr[i].ready && n->addr[i].iface == iface && addr_is4(n->addr[i].prefix.addr))
            return n->addr[i].prefix.addr;
    return ADDR_NONE;
}
