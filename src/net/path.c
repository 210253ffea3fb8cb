/* From an address to a path: which interface, which next hop, which MTU. */
#include "net/inet.h"

bool inet_add_route(struct inet *n, const struct route *r)
{
    if (!route_add(&n->routes, r))
        return false;
    inet_moved(n);
    return true;
}

/* A connected route that was covered by the one taken away comes back. */
bool inet_del_route(struct inet *n, struct prefix dst)
{
    if (!route_del(&n->routes, dst))
        return false;
    for (uint32_t i = 0; i < n->n_addr; i++) {
        const struct inet_addr *a = &n->addr[i];
        if (a->ready && !a->lone && !route_get(&n->routes, a->prefix))
            (void)route_add(&n->routes, &(struct route){ .dst = a->prefix, .iface = a->iface, .origin = ROUTE_CONNECTED });
    }
    inet_moved(n);
    return true;
}

void inet_learn_pmtu(struct inet *n, const struct net_error *e, int64_t now_ns)
{
    struct path p;
    if (inet_route(n, e->flow.local, e->flow.remote, &p) && pmtu_learn(&n->pmtu, e->flow.remote, e->mtu, n->iface[p.iface].mtu, now_ns))
        inet_moved(n);
}

/* To ourselves: never onto a medium (RFC 1122 §3.2.1.3 g). */
static bool loop_path(const struct inet *n, struct addr local, struct addr remote, struct path *out)
{
    *out = (struct path){ .local = addr_is_none(local) ? remote : local, .remote = remote, .next_hop = remote,
                          .generation = n->generation, .mtu = INET_LOOP_MTU, .gso_max = INET_LOOP_MTU, .iface = INET_LOOP, .tx_csum = 1 };
    return true;
}

/* A broadcast or multicast without a route leaves by the interface of its source,
 * else by the first that is up and has an address. */
static int group_iface(const struct inet *n, struct addr local)
{
    const int of_local = addr_is_none(local) ? -1 : inet_iface_of(n, local);
    if (of_local >= 0 && of_local != INET_LOOP)
        return of_local;
    for (uint32_t i = 0; i < n->n_addr; i++)
        if (n->addr[i].ready && (n->ifaces_up >> n->addr[i].iface & 1))
            return n->addr[i].iface;
    return -1;
}

/* Whoever says it sends from `local` must own it, unless every address is ours there. */
static bool may_send_from(const struct inet *n, struct addr local, unsigned iface)
{
    return addr_is_none(local) || n->iface[iface].any_address || (inet_is_ours(n, local) && !addr_is_loopback(local));
}

bool inet_route(const struct inet *n, struct addr local, struct addr remote, struct path *out)
{
    if (addr_is_any(local))
        local = ADDR_NONE;
    if (addr_is_any(remote))
        return false;
    if (inet_is_ours(n, remote))
        return loop_path(n, local, remote, out);
    const struct route *r = addr_is_broadcast(remote) ? NULL : route_find(&n->routes, remote, n->ifaces_up);
    if (r && r->kind != ROUTE_ON)
        return false;
    const bool group = addr_is_broadcast(remote) || addr_is_multicast(remote);
    const int iface = group && (!r || !addr_is_none(local)) ? group_iface(n, local) : r ? r->iface : -1;
    if (iface < 0 || !(n->ifaces_up >> iface & 1) || !may_send_from(n, local, (unsigned)iface))
        return false;
    const struct inet_iface *f = &n->iface[iface];
    const bool broadcast = inet_is_broadcast(n, (unsigned)iface, remote);
    const struct addr next_hop = broadcast ? addr4(0xffffffff) : group || addr_is_none(r->via) ? remote : r->via;
    *out = (struct path){ .local = addr_is_none(local) ? inet_source_for(n, (unsigned)iface, next_hop) : local,
                          .remote = remote, .next_hop = next_hop, .generation = n->generation, .gso_max = f->gso_max,
                          .mtu = pmtu_of(&n->pmtu, remote, f->mtu), .iface = (uint8_t)iface, .tx_csum = f->tx_csum };
    return !addr_is_none(out->local);
}

/* Connections to one server come one after the other. */
bool inet_route_again(struct inet *n, struct addr local, struct addr remote, struct path *out)
{
    const bool known = n->kept.path.generation == n->generation && addr_eq(n->kept.path.remote, remote) && addr_eq(n->kept.local, local);
    if (!known) {
        n->kept.path.generation = 0;
        if (!inet_route(n, local, remote, out))
            return false;
        const struct route *r = route_find(&n->routes, remote, n->ifaces_up);
        n->kept.local = local;
        n->kept.path = *out;
        n->kept.prefix_len = r ? r->dst.len : 32;
    }
    *out = n->kept.path;
    return true;
}
