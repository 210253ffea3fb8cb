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
    if (inet_route(n, e->flow.local, e->flow.remote, &p) &&
        pmtu_learn(&n->pmtu, e->flow.remote, e->mtu, inet_link_mtu(n, p.iface, e->flow.remote), now_ns))
        inet_moved(n);
}

/* A router may advertise less for IPv6 than the link takes, and no more (RFC 4861 §6.3.4). */
uint16_t inet_link_mtu(const struct inet *n, unsigned iface, struct addr remote)
{
    const uint16_t mtu = n->iface[iface].mtu, advertised = n->iface[iface].mtu6;
    return !addr_is4(remote) && advertised && advertised < mtu ? advertised : mtu;
}

/* To ourselves: never onto a medium (RFC 1122 §3.2.1.3 g). */
static bool loop_path(const struct inet *n, struct addr local, struct addr remote, struct path *out)
{
    *out = (struct path){ .local = addr_is_none(local) ? remote : local, .remote = remote, .next_hop = remote,
                          .generation = n->generation, .mtu = INET_LOOP_MTU, .gso_max = INET_LOOP_MTU, .iface = INET_LOOP, .tx_csum = 1 };
    return true;
}

/* A broadcast or multicast without a route leaves by the interface of its source,
 * else by the first that is up and has an address of its family. */
static int group_iface(const struct inet *n, struct addr local, struct addr remote)
{
    const int of_local = addr_is_none(local) ? -1 : inet_iface_of(n, local);
    if (of_local >= 0 && of_local != INET_LOOP)
        return of_local;
    for (uint32_t i = 0; i < n->n_addr; i++)
        if (n->addr[i].ready && (n->ifaces_up >> n->addr[i].iface & 1) && addr_is4(n->addr[i].prefix.addr) == addr_is4(remote))
            return n->addr[i].iface;
    return -1;
}

/* RFC 4007 §6: a link-local address of IPv6 means nothing without its link, which the address we send from names; without
 * one there must be no doubt. */
static int zone_iface(const struct inet *n, struct addr local)
{
    if (!addr_is_none(local)) {
        const int of_local = inet_iface_of(n, local);
        return of_local == INET_LOOP ? -1 : of_local;
    }
    int found = -1;
    for (uint32_t i = 0; i < n->n_addr; i++) {
        const struct inet_addr *a = &n->addr[i];
        if (!a->ready || addr_is4(a->prefix.addr) || !addr_is_link_local(a->prefix.addr) || !(n->ifaces_up >> a->iface & 1) || a->iface == found)
            continue;
        if (found >= 0)
            return -1;
        found = a->iface;
    }
    return found;
}

static bool is_link_local6(struct addr a) { return !addr_is4(a) && addr_is_link_local(a); }

/* -1: it leads nowhere. */
static int iface_towards(const struct inet *n, struct addr local, struct addr remote, const struct route *r)
{
    const bool group = addr_is_broadcast(remote) || addr_is_multicast(remote);
    if (is_link_local6(remote))
        return zone_iface(n, local);
    if (group && (!r || !addr_is_none(local)))
        return group_iface(n, local, remote);
    return r ? r->iface : -1;
}

/* Whoever says it sends from `local` must own it, unless every address is ours there; one of a link stays on it. */
static bool may_send_from(const struct inet *n, struct addr local, unsigned iface)
{
    if (addr_is_none(local) || n->iface[iface].any_address)
        return true;
    const int of_local = addr_is_loopback(local) ? -1 : inet_iface_of(n, local);
    return of_local >= 0 && (!is_link_local6(local) || of_local == (int)iface);
}

bool inet_route(const struct inet *n, struct addr local, struct addr remote, struct path *out)
{
    if (addr_is_any(local))
        local = ADDR_NONE;
    if (addr_is_any(remote) || (!addr_is_none(local) && addr_is4(local) != addr_is4(remote)))
        return false;
    if (inet_is_ours(n, remote))
        return loop_path(n, local, remote, out);
    const struct route *r = addr_is_broadcast(remote) ? NULL : route_find(&n->routes, remote, n->ifaces_up);
    if (r && r->kind != ROUTE_ON)
        return false;
    const bool group = addr_is_broadcast(remote) || addr_is_multicast(remote);
    const int iface = iface_towards(n, local, remote, r);
    if (!addr_is4(remote) && iface >= 0 && n->iface[iface].mtu < PMTU6_MIN)
        return false;                   /* RFC 8200 §5: such a link carries no IPv6 */
    if (iface < 0 || !(n->ifaces_up >> iface & 1) || !may_send_from(n, local, (unsigned)iface))
        return false;
    const struct inet_iface *f = &n->iface[iface];
    const bool broadcast = inet_is_broadcast(n, (unsigned)iface, remote);
    const struct inet_hop *better = n->n_hop && r && !group ? inet_better_hop(n, (unsigned)iface, remote) : NULL;
    const bool direct = group || is_link_local6(remote) || addr_is_none(r->via);
    const struct addr next_hop = broadcast ? addr4(0xffffffff) : better ? better->via : direct ? remote : r->via;
    *out = (struct path){ .local = addr_is_none(local) ? inet_source_for(n, (unsigned)iface, remote, next_hop) : local,
                          .remote = remote, .next_hop = next_hop, .generation = n->generation, .gso_max = f->gso_max,
                          .mtu = pmtu_of(&n->pmtu, remote, inet_link_mtu(n, (unsigned)iface, remote)), .iface = (uint8_t)iface, .tx_csum = f->tx_csum };
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
        n->kept.prefix_len = r ? r->dst.len : addr_is4(remote) ? 32 : 128;
    }
    *out = n->kept.path;
    return true;
}
