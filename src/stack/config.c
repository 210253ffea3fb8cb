/* Interfaces, addresses and routes, as the owner of the stack sets them. */
#include "stack/inner.h"
#include "wire/icmp6.h"

static void tell_inet(struct stack *st, unsigned iface)
{
    const struct stack_iface *f = &st->iface[iface];
    inet_set_iface(&st->inet, iface, &(struct inet_iface){ .up = f->up, .any_address = f->cfg.any_address,
                                                           .reverse_path = f->cfg.reverse_path, .mtu = f->cfg.mtu,
                                                           .gso_max = f->cfg.soft_offload ? SOFT_GSO_MAX : f->cfg.gso_max, .tx_csum = f->cfg.tx_csum });
}

int stack_add_iface(struct stack *st, const struct iface_config *cfg, int64_t now_ns)
{
    unsigned i = 0;
    while (i < INET_LOOP && st->iface[i].present)
        i++;
    if (i == INET_LOOP)
        return -1;
    struct stack_iface *f = &st->iface[i];
    f->cfg = *cfg;
    if (!f->cfg.mtu)
        f->cfg.mtu = 1500;
    f->present = f->up = true;
    tell_inet(st, i);
    neigh_set_iface(&st->neigh, i, &(struct neigh_iface){ .mac = cfg->mac, .ether = cfg->kind == IFACE_ETHER, .any_address = cfg->any_address });
    TRACE(&st->trace, now_ns, 0, iface_up, .iface = (uint8_t)i, .mac = cfg->mac, .mtu = f->cfg.mtu);
    stack_autoconf_start(st, i);
    return (int)i;
}

const char *stack_iface_name(const struct stack *st, unsigned iface) { return iface == INET_LOOP ? "lo" : iface < INET_LOOP ? st->iface[iface].cfg.name : ""; }

void stack_apply_link(struct stack *st, unsigned iface, bool up, int64_t now_ns)
{
    if (iface >= INET_LOOP || !st->iface[iface].present || st->iface[iface].up == up)
        return;
    st->iface[iface].up = up;
    tell_inet(st, iface);
    if (up) {
        TRACE(&st->trace, now_ns, 0, iface_up, .iface = (uint8_t)iface, .mac = st->iface[iface].cfg.mac, .mtu = st->iface[iface].cfg.mtu);
        stack_autoconf_start(st, iface);
        inet_groups_up(&st->inet, iface, now_ns);
    } else {
        stack_autoconf_stop(st, iface, now_ns);
        neigh_flush(&st->neigh, iface);
        for (struct pkt *k; (k = pktq_pop(&st->iface[iface].out));)
            trace_drop(&st->trace, k, WHY_IFACE_DOWN, now_ns);
    }
}

void stack_set_link(struct stack *st, unsigned iface, bool up, int64_t now_ns)
{
    if (stack_shard_follows(st))
        return;
    stack_apply_link(st, iface, up, now_ns);
    stack_shards_link(st, iface, up);
    stack_touch(st, now_ns);
}

void stack_apply_mtu(struct stack *st, unsigned iface, uint16_t mtu)
{
    struct inet_iface f = st->inet.iface[iface];
    f.mtu = mtu;
    inet_set_iface(&st->inet, iface, &f);
}

void stack_apply_link6(struct stack *st, unsigned iface, uint16_t mtu6, uint8_t hop_limit)
{
    struct inet_iface f = st->inet.iface[iface];
    f.mtu6 = mtu6;
    f.hop_limit = hop_limit;
    inet_set_iface(&st->inet, iface, &f);
}

/* ------------------------------------------------------------ addresses */

static void added(struct stack *st, unsigned iface, struct prefix p, int64_t now_ns)
{
    const struct inet_addr *a = inet_find_addr(&st->inet, iface, p.addr);
    st->addr_news = true;
    if (a)
        stack_shards_addr(st, a, true);
    TRACE(&st->trace, now_ns, 0, addr_added, .iface = (uint8_t)iface, .addr = p.addr, .prefix_len = p.len);
}

void stack_configure_addr(struct stack *st, unsigned iface, struct prefix p, enum acd_start how, int64_t now_ns)
{
    const bool ether = st->iface[iface].cfg.kind == IFACE_ETHER, ready = how == ACD_USE || !ether;
    if (ether && !addr_is4(p.addr) && !inet_find_addr(&st->inet, iface, p.addr))
        inet_group_own(&st->inet, iface, nd_solicited_node(p.addr), true, now_ns);      /* before it is probed: RFC 4862 §5.4.2 */
    (void)inet_add_addr(&st->inet, iface, p, ready);
    if (ether)
        (void)acd_add(&st->neigh.acd, iface, st->iface[iface].cfg.mac, p.addr, how, now_ns);
    if (ready)
        added(st, iface, p, now_ns);
}

void stack_unconfigure_addr(struct stack *st, unsigned iface, struct addr a, int64_t now_ns)
{
    acd_remove(&st->neigh.acd, iface, a);
    if (!inet_del_addr(&st->inet, iface, a))
        return;
    if (!addr_is4(a) && st->iface[iface].cfg.kind == IFACE_ETHER)
        inet_group_own(&st->inet, iface, nd_solicited_node(a), false, now_ns);
    st->addr_news = true;
    stack_shards_addr(st, &(struct inet_addr){ .prefix.addr = a, .iface = (uint8_t)iface }, false);
    TRACE(&st->trace, now_ns, 0, addr_removed, .iface = (uint8_t)iface, .addr = a);
}

static bool usable(struct prefix p)
{
    const struct addr a = p.addr;
    return p.len <= (addr_is4(a) ? 32 : 128) && !addr_is_any(a) && !addr_is_multicast(a) && !addr_is_broadcast(a) && (addr_is4(a) || !addr_is_loopback(a));
}

enum plumb_err stack_add_addr(struct stack *st, unsigned iface, struct prefix p, bool probe, int64_t now_ns)
{
    if (iface >= INET_LOOP || !st->iface[iface].present)
        return PLUMB_NO_DEVICE;
    if (!usable(p) || stack_shard_follows(st))
        return PLUMB_INVALID;
    if (inet_find_addr(&st->inet, iface, p.addr))
        return PLUMB_ADDR_IN_USE;
    if (st->inet.n_addr == INET_ADDRS || !stack_shards_room(st))
        return PLUMB_NO_MEMORY;
    stack_configure_addr(st, iface, p, probe ? ACD_PROBE : ACD_USE, now_ns);
    neigh_tick(&st->neigh, now_ns);     /* the announcement that is due at once */
    stack_touch(st, now_ns);
    return PLUMB_OK;
}

enum plumb_err stack_del_addr(struct stack *st, unsigned iface, struct addr a, int64_t now_ns)
{
    if (iface >= INET_LOOP || !inet_find_addr(&st->inet, iface, a))
        return PLUMB_ADDR_NOT_OURS;
    if (stack_shard_follows(st))
        return PLUMB_INVALID;
    stack_unconfigure_addr(st, iface, a, now_ns);
    stack_touch(st, now_ns);
    return PLUMB_OK;
}

/* The further an address reaches, and IPv4 before IPv6, the better it tells where we are. */
static int telling(struct addr a) { return addr_is4(a) ? 3 : addr_is_link_local(a) ? 1 : 2; }

bool stack_addr_ready(const struct stack *st, unsigned iface, struct prefix *out)
{
    int best = 0;
    for (uint32_t i = 0; i < st->inet.n_addr; i++) {
        const struct inet_addr *a = &st->inet.addr[i];
        if (a->iface != iface || !a->ready || telling(a->prefix.addr) <= best)
            continue;
        best = telling(a->prefix.addr);
        if (out)
            *out = a->prefix;
    }
    return best > 0;
}

/* The probes went unanswered: it is ours. */
static void became_ready(struct stack *st, const struct acd_verdict *v, int64_t now_ns)
{
    const struct inet_addr *a = inet_find_addr(&st->inet, v->iface, v->addr);
    if (!a)
        return;
    const struct prefix p = a->prefix;
    if (inet_addr_became_ready(&st->inet, v->iface, v->addr))
        added(st, v->iface, p, now_ns);
    (void)stack_dhcp_verdict(st, v->iface, v->addr, true, now_ns);
    stack_nd_verdict(st, v->iface, v->addr, true, now_ns);
}

void stack_take_verdicts(struct stack *st, int64_t now_ns)
{
    struct acd_verdict v;
    while (acd_take_verdict(&st->neigh.acd, &v)) {
        if (v.kind == ACD_READY) {
            became_ready(st, &v, now_ns);
            continue;
        }
        TRACE(&st->trace, now_ns, 0, addr_conflict, .iface = v.iface, .addr = v.addr, .mac = v.by);
        if (v.kind != ACD_LOST)
            continue;
        stack_unconfigure_addr(st, v.iface, v.addr, now_ns);
        (void)stack_dhcp_verdict(st, v.iface, v.addr, false, now_ns);
        stack_nd_verdict(st, v.iface, v.addr, false, now_ns);
    }
}

/* --------------------------------------------------------------- routes */

bool stack_put_route(struct stack *st, const struct route *r)
{
    if (!stack_shards_room(st) || !inet_add_route(&st->inet, r))
        return false;
    stack_shards_route(st, r, true);
    return true;
}

bool stack_take_route(struct stack *st, struct prefix dst)
{
    if (!inet_del_route(&st->inet, dst))
        return false;
    stack_shards_route(st, &(struct route){ .dst = dst }, false);
    return true;
}

enum plumb_err stack_add_route(struct stack *st, struct prefix dst, struct addr via, unsigned iface, int64_t now_ns)
{
    if (iface >= INET_LOOP || !st->iface[iface].present)
        return PLUMB_NO_DEVICE;
    const struct route r = { .dst = dst, .via = via, .iface = (uint8_t)iface, .origin = ROUTE_STATIC };
    if (stack_shard_follows(st))
        return PLUMB_INVALID;
    if (!stack_put_route(st, &r))
        return PLUMB_NO_MEMORY;
    stack_touch(st, now_ns);
    return PLUMB_OK;
}

enum plumb_err stack_refuse_route(struct stack *st, struct prefix dst, enum route_kind kind, int64_t now_ns)
{
    const struct route r = { .dst = dst, .iface = INET_LOOP, .origin = ROUTE_STATIC, .kind = (uint8_t)kind };
    if (stack_shard_follows(st) || kind == ROUTE_ON)
        return PLUMB_INVALID;
    if (!stack_put_route(st, &r))
        return PLUMB_NO_MEMORY;
    stack_touch(st, now_ns);
    return PLUMB_OK;
}

enum plumb_err stack_del_route(struct stack *st, struct prefix dst)
{
    if (stack_shard_follows(st))
        return PLUMB_INVALID;
    if (!stack_take_route(st, dst))
        return PLUMB_NOT_FOUND;
    stack_touch(st, st->now_ns);
    return PLUMB_OK;
}

enum plumb_err stack_route(struct stack *st, struct addr local, struct addr remote, struct path *out)
{
    if (!inet_route_again(&st->inet, local, remote, out))
        return PLUMB_NO_ROUTE;
    TRACE(&st->trace, st->now_ns, 0, route_chosen, .remote = remote, .next_hop = out->next_hop, .iface = out->iface,
          .prefix_len = st->inet.kept.prefix_len);
    return PLUMB_OK;
}

bool stack_walk_routes(const struct stack *st, uint32_t *cursor, struct route_info *out)
{
    if (*cursor >= st->inet.routes.n)
        return false;
    const struct route *r = &st->inet.routes.route[(*cursor)++];
    *out = (struct route_info){ .dst = r->dst, .via = r->via, .iface = r->iface, .kind = (enum route_kind)r->kind };
    return true;
}

bool stack_walk_addrs(const struct stack *st, uint32_t *cursor, struct addr_info *out)
{
    if (*cursor >= st->inet.n_addr)
        return false;
    const struct inet_addr *a = &st->inet.addr[(*cursor)++];
    *out = (struct addr_info){ .addr = a->prefix, .iface = a->iface, .ready = a->ready };
    return true;
}

bool stack_walk_neigh(const struct stack *st, uint32_t *cursor, struct neigh_info *out)
{
    const struct neigh_entry *e = neigh_walk(&st->neigh, cursor);
    if (!e)
        return false;
    *out = (struct neigh_info){ .addr = e->addr, .mac = e->mac, .iface = e->iface, .state = neigh_state_name(e->state) };
    return true;
}
