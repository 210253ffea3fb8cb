/* What a host was told of better first hops (RFC 1122 §3.2.2.2, RFC 4861 §8.3): of one destination each, for a while. */
#include "net/inet.h"

static const int64_t AGE_NS = 600 * NS_PER_SEC;         /* as long as a path MTU is believed */

static struct inet_hop *find(const struct inet *n, struct addr dst)
{
    for (uint32_t i = 0; i < n->n_hop; i++)
        if (addr_eq(n->hop[i].dst, dst))
            return (struct inet_hop *)&n->hop[i];
    return NULL;
}

static bool is_on_link(const struct inet *n, unsigned iface, struct addr a)
{
    for (uint32_t i = 0; i < n->n_addr; i++)
        if (n->addr[i].ready && n->addr[i].iface == iface && prefix_has(n->addr[i].prefix, a) && (!n->addr[i].lone || addr_is_link_local(a)))
            return true;
    return false;
}

/* RFC 4861 §8.1: the destination itself, which is then a neighbour, or a router by its link-local address; of IPv4 somebody on
 * the same network. */
static bool may_be_hop(const struct inet *n, unsigned iface, struct addr dst, struct addr hop)
{
    if (addr_is_any(hop) || addr_is_multicast(hop) || addr_is_loopback(hop) || addr_is4(hop) != addr_is4(dst) || inet_is_ours(n, hop))
        return false;
    if (addr_is4(hop))
        return is_on_link(n, iface, hop) && !inet_is_broadcast(n, iface, hop);
    return addr_eq(hop, dst) || addr_is_link_local(hop);
}

/* The one that would be forgotten first gives way. */
static struct inet_hop *place(struct inet *n, struct addr dst)
{
    struct inet_hop *h = find(n, dst);
    if (h)
        return h;
    if (n->n_hop < INET_HOPS)
        return &n->hop[n->n_hop++];
    h = &n->hop[0];
    for (uint32_t i = 1; i < n->n_hop; i++)
        if (n->hop[i].expires_ns < h->expires_ns)
            h = &n->hop[i];
    return h;
}

enum why inet_redirected(struct inet *n, unsigned iface, struct addr from, struct addr dst, struct addr hop, int64_t now_ns)
{
    struct path p;
    if (n->forwarding)                  /* RFC 1812 §5.2.7.2, RFC 4861 §8.2: routers have their routes from elsewhere */
        return WHY_REDIRECT_REFUSED;
    if (addr_is_multicast(dst) || !inet_route(n, ADDR_NONE, dst, &p) || p.iface != iface || !addr_eq(p.next_hop, from) || addr_eq(from, dst) ||
        !may_be_hop(n, iface, dst, hop))
        return WHY_REDIRECT_REFUSED;
    *place(n, dst) = (struct inet_hop){ .dst = dst, .via = hop, .iface = (uint8_t)iface, .expires_ns = time_after(now_ns, AGE_NS) };
    inet_moved(n);
    return WHY_NONE;
}

const struct inet_hop *inet_better_hop(const struct inet *n, unsigned iface, struct addr dst)
{
    const struct inet_hop *h = find(n, dst);
    return h && h->iface == iface ? h : NULL;
}

static void forget(struct inet *n, uint32_t i)
{
    n->hop[i] = n->hop[--n->n_hop];
    inet_moved(n);
}

void inet_hop_died(struct inet *n, unsigned iface, struct addr hop)
{
    for (uint32_t i = n->n_hop; i-- > 0;)
        if (n->hop[i].iface == iface && addr_eq(n->hop[i].via, hop))
            forget(n, i);
}

int64_t inet_hops_deadline(const struct inet *n)
{
    int64_t at = DEADLINE_NEVER;
    for (uint32_t i = 0; i < n->n_hop; i++)
        at = time_min(at, n->hop[i].expires_ns);
    return at;
}

void inet_hops_tick(struct inet *n, int64_t now_ns)
{
    for (uint32_t i = n->n_hop; i-- > 0;)
        if (n->hop[i].expires_ns <= now_ns)
            forget(n, i);
}
