/* Which of our addresses packets carry as their source. */
#include "net/inet.h"

/* RFC 6724 §4: what stays on a link has the candidates of that link only; and what a router is to pass on none of a link,
 * which no router passes on (RFC 4291 §2.5.6). */
static bool is_candidate(const struct inet_addr *own, unsigned iface, struct addr remote, bool by_router)
{
    if (!own->ready || addr_is4(own->prefix.addr) || (by_router && addr_is_link_local(own->prefix.addr)))
        return false;
    return own->iface == iface || (addr_scope(remote) > SCOPE_LINK && !addr_is_link_local(own->prefix.addr));
}

static bool choose6(const struct inet *n, unsigned iface, struct addr remote, bool by_router, struct addr_source *best)
{
    bool found = false;
    for (uint32_t i = 0; i < n->n_addr; i++) {
        const struct inet_addr *own = &n->addr[i];
        const struct addr_source s = { .addr = own->prefix.addr, .prefix_len = own->prefix.len, .deprecated = own->deprecated,
                                       .temporary = own->temporary, .outgoing = own->iface == iface };
        if (!is_candidate(own, iface, remote, by_router) || (found && !addr_source_better(&s, best, remote)))
            continue;
        *best = s;
        found = true;
    }
    return found;
}

bool inet_source_of(void *arg, struct addr remote, struct addr_source *out)
{
    const struct inet *n = arg;
    struct path p;
    if (!inet_route(n, ADDR_NONE, remote, &p))
        return false;
    *out = (struct addr_source){ .addr = p.local, .prefix_len = addr_is4(p.local) ? 32 : 128, .outgoing = true };
    for (uint32_t i = 0; i < n->n_addr; i++) {
        if (!addr_eq(n->addr[i].prefix.addr, p.local))
            continue;
        out->prefix_len = n->addr[i].prefix.len;
        out->deprecated = n->addr[i].deprecated;
    }
    return true;
}

struct addr inet_source_for(const struct inet *n, unsigned iface, struct addr remote, struct addr next_hop)
{
    struct addr_source best;
    if (!addr_is4(remote))
        return choose6(n, iface, remote, !addr_eq(remote, next_hop), &best) ? best.addr : ADDR_NONE;
    struct addr any = ADDR_NONE;
    for (uint32_t i = 0; i < n->n_addr; i++) {
        const struct inet_addr *own = &n->addr[i];
        if (!own->ready || addr_is4(own->prefix.addr) != addr_is4(next_hop))
            continue;
        if (own->iface == iface && prefix_has(own->prefix, next_hop))
            return own->prefix.addr;
        if (addr_is_none(any) || (own->iface == iface && inet_iface_of(n, any) != (int)iface))
            any = own->prefix.addr;     /* the interface's first, else an unnumbered interface borrows one */
    }
    return any;
}
