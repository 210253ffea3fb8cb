/* The DHCPv6 client between its machine (net/dhcp6_client.h), a UDP socket and the addresses it brings.  Routers say
 * whether there is one to ask (RFC 4861 §4.2). */
#include "stack/inner.h"

static const struct addr ALL_SERVERS = { .b = { 0xff, 0x02, [13] = 1, [15] = 2 } };     /* RFC 9915 §7.1 */

static bool open_socket(struct stack *st)
{
    if (st->dhcp6_open)
        return true;
    st->dhcp6_sock = (struct udp_sock){ .local = { ADDR_NONE, DHCP6_CLIENT_PORT }, .iface = UDP_ANY_IFACE };
    st->dhcp6_open = udp_open(&st->udp, &st->dhcp6_sock) == PLUMB_OK;
    return st->dhcp6_open;
}

void stack_dhcp6_advertised(struct stack *st, unsigned iface, int64_t now_ns)
{
    struct stack_iface *f = &st->iface[iface];
    const struct autoconf *a = &f->autoconf;
    const struct dhcp6_duid duid = dhcp6_duid_of(f->cfg.mac);
    const bool stateless = f->dhcp6.state == DHCP6_INFORMING || f->dhcp6.state == DHCP6_INFORMED;
    if ((!a->managed && !a->other) || !open_socket(st))
        return;
    if (f->dhcp6.state == DHCP6_OFF || (stateless && a->managed))
        dhcp6_start(&f->dhcp6, a->managed ? DHCP6_STATEFUL : DHCP6_STATELESS, &st->rng, &duid, iface + 1, now_ns);
    else
        dhcp6_link_again(&f->dhcp6, now_ns);
}

void stack_dhcp6_stop(struct stack *st, unsigned iface, int64_t now_ns)
{
    struct dhcp6_client *c = &st->iface[iface].dhcp6;
    for (unsigned i = 0; i < DHCP6_ADDRS; i++)
        if (c->addr[i].is_there)
            stack_unconfigure_addr(st, iface, c->addr[i].addr, now_ns);
    dhcp6_link_gone(c);
}

static void send_message(struct stack *st, unsigned iface, const struct dhcp6 *m, int64_t now_ns)
{
    uint8_t bytes[DHCP6_MAX];
    const struct addr from = stack_link_local(st, iface);
    const struct path p = { .local = from, .remote = ALL_SERVERS, .next_hop = ALL_SERVERS, .mtu = st->iface[iface].cfg.mtu, .iface = (uint8_t)iface };
    struct writer w = writer_of(bytes, sizeof bytes);
    dhcp6_write(&w, m);
    if (addr_is_none(from) || w.bad)
        return;                         /* it is said again */
    struct pkt *k = udp_build(&st->udp, &p, DHCP6_CLIENT_PORT, DHCP6_SERVER_PORT, bytes, wr_len(&w));
    if (!k) {
        trace_count(&st->trace, WHY_NO_BUFFER, now_ns);
        return;
    }
    k->time_ns = now_ns;
    k = inet_send(&st->inet, k, now_ns);
    if (k)
        stack_emit(st, k, now_ns);
}

static void take_messages(struct stack *st, int64_t now_ns)
{
    struct udp_datagram d;
    while (udp_peek(&st->dhcp6_sock, &d)) {
        struct dhcp6 m;
        struct reader r = reader_of(d.bytes, d.len);
        const bool good = d.iface < INET_LOOP && d.from.port == DHCP6_SERVER_PORT && dhcp6_read(&r, &m) &&
                          dhcp6_in(&st->iface[d.iface].dhcp6, &m, now_ns);
        if (!good)
            trace_count(&st->trace, WHY_DHCP_BAD, now_ns);
        udp_consume(&st->udp, &st->dhcp6_sock);
    }
}

static void tell_state(struct stack *st, unsigned iface, int64_t now_ns)
{
    struct stack_iface *f = &st->iface[iface];
    if (f->dhcp6.state == f->dhcp6_told)
        return;
    TRACE(&st->trace, now_ns, 0, dhcp6_state, .iface = (uint8_t)iface, .from = (uint8_t)f->dhcp6_told, .to = (uint8_t)f->dhcp6.state);
    f->dhcp6_told = f->dhcp6.state;
}

int64_t stack_dhcp6_step(struct stack *st, int64_t now_ns)
{
    int64_t at = DEADLINE_NEVER;
    if (!st->dhcp6_open)
        return at;
    take_messages(st, now_ns);
    for (unsigned i = 0; i < INET_LOOP; i++) {
        struct dhcp6_client *c = &st->iface[i].dhcp6;
        struct own_action a;
        struct dhcp6 m;
        while (dhcp6_next(c, &a, now_ns))
            stack_own_addr_act(st, i, &a, 128, now_ns);
        while (dhcp6_out(c, &m, now_ns))
            send_message(st, i, &m, now_ns);
        while (dhcp6_next(c, &a, now_ns))
            stack_own_addr_act(st, i, &a, 128, now_ns);
        tell_state(st, i, now_ns);
        at = time_min(at, dhcp6_deadline(c));
    }
    return at;
}
