#include "wire/steer.h"

static uint64_t mix_addr(uint64_t h, const struct addr *a)
{
    if (addr_is4(*a))
        return steer_mix(h, addr_v4(*a));
    for (unsigned i = 0; i < 4; i++)
        h = steer_mix(h, load_be32(a->b + 4 * i));
    return h;
}

unsigned steer_flow(const struct steer *s, uint8_t proto, const struct flow *f)
{
    uint64_t h = s->key;
    const uint16_t dhcp = addr_is4(f->local) ? STEER_DHCP_CLIENT : STEER_DHCP6_CLIENT;
    if (s->n < 2 || (proto != IP_TCP && proto != IP_UDP) || (proto == IP_UDP && f->local_port == dhcp))
        return 0;
    if (proto == IP_UDP && f->local_port >= STEER_UDP_FIRST) {
        h = steer_mix(h, f->local_port);
    } else {
        h = mix_addr(h, &f->remote);
        h = mix_addr(h, &f->local);
        h = steer_mix(h, (uint32_t)f->local_port << 16 | f->remote_port);
    }
    return (uint32_t)h % s->n;
}

unsigned steer_packet(const struct steer *s, const struct pkt *k)
{
    enum { PORTS = 4 };
    const uint8_t *l4 = k->data + k->l4_off;
    if (k->group || (k->proto != IP_TCP && k->proto != IP_UDP))
        return 0;
    if (pkt_l4_len(k) < PORTS)
        return s->self;                 /* whoever has it says what is wrong with it */
    return steer_flow(s, k->proto, &(struct flow){ ip_dst(k), ip_src(k), load_be16(l4 + 2), load_be16(l4) });
}
