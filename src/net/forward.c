/* Packets for others, when we are a router (RFC 1812 §5). */
#include "net/inet.h"

/* RFC 1812 §5.3.5, §5.3.7; RFC 3927 §7: what stays on its link. */
static bool stays_on_link(const struct pkt *k)
{
    const struct addr src = ip_src(k), dst = ip_dst(k);
    const uint32_t top = addr_v4(dst) >> 24;
    return top == 0 || top == 127 || top >= 224 || addr_is_link_local(src) || addr_is_link_local(dst) || addr_is_any(src);
}

static void refuse(struct inet *n, struct pkt *k, enum why why, enum inet_trouble t, uint32_t arg, int64_t now_ns)
{
    inet_error(n, k, t, arg, now_ns);
    trace_drop(n->trace, k, why, now_ns);
}

static void send_on(struct inet *n, struct pkt *k, const struct route *r, int64_t now_ns)
{
    const struct addr dst = ip_dst(k);
    const uint16_t mtu = n->iface[r->iface].mtu;
    const bool too_big = pkt_wire_len(k) > mtu;
    const bool dont_fragment = load_be16(pkt_net(k) + 6) & 0x4000;
    if (too_big && (dont_fragment || k->gso_size)) {
        refuse(n, k, WHY_IP_TOO_BIG, TROUBLE_TOO_BIG, mtu, now_ns);
        return;
    }
    ip4_decrement_ttl(pkt_net(k));
    k->iface = r->iface;
    k->next_hop = addr_is_none(r->via) ? dst : r->via;
    if (too_big)
        inet_fragment(n, k, mtu, now_ns);
    else
        pktq_push(&n->out, k);
}

static void forward(struct inet *n, struct pkt *k, int64_t now_ns)
{
    if (stays_on_link(k)) {
        trace_drop(n->trace, k, WHY_IP_FORWARD_GROUP, now_ns);
        return;
    }
    if (pkt_net(k)[8] <= 1) {
        refuse(n, k, WHY_IP_TTL, TROUBLE_TTL, 0, now_ns);
        return;
    }
    const struct route *r = route_find(&n->routes, ip_dst(k), n->ifaces_up);
    if (!r) {
        refuse(n, k, WHY_IP_NO_ROUTE, TROUBLE_NO_ROUTE, 0, now_ns);
        return;
    }
    if (inet_is_broadcast(n, r->iface, ip_dst(k))) {
        trace_drop(n->trace, k, WHY_IP_FORWARD_GROUP, now_ns);      /* RFC 2644 */
        return;
    }
    send_on(n, k, r, now_ns);
}

void inet_forward(struct inet *n, struct batch *transit, int64_t now_ns)
{
    for (uint32_t i = 0; i < transit->n; i++)
        forward(n, transit->pkt[i], now_ns);
    batch_init(transit);
}
