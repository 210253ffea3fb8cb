/* Neighbour discovery messages and their options (RFC 4861 §4). */
#include "wire/icmp6.h"

enum { OPT_SOURCE_MAC = 1, OPT_TARGET_MAC = 2, OPT_PREFIX = 3, OPT_MTU = 5, OPT_NONCE = 14, OPT_ROUTE = 24, OPT_DNS = 25 };
enum { NA_ROUTER = 0x80, NA_SOLICITED = 0x40, NA_OVERRIDE = 0x20, RA_MANAGED = 0x80, RA_OTHER = 0x40,
       PREFIX_ON_LINK = 0x80, PREFIX_AUTONOMOUS = 0x40 };

struct addr nd_solicited_node(struct addr a)
{
    return (struct addr){ .b = { 0xff, 0x02, [11] = 1, [12] = 0xff, [13] = a.b[13], [14] = a.b[14], [15] = a.b[15] } };
}

struct mac nd_group_mac(struct addr group) { return (struct mac){ { 0x33, 0x33, group.b[12], group.b[13], group.b[14], group.b[15] } }; }

static struct addr rd_addr(struct reader *r)
{
    const uint8_t *p = rd_bytes(r, 16);
    return p ? addr6_bytes(p) : ADDR_NONE;
}

/* RFC 4191 §2.1: two bits, signed; the reserved value counts as medium. */
static int8_t preference_of(uint8_t flags)
{
    const unsigned bits = flags >> 3 & 3;
    return bits == 1 ? 1 : bits == 3 ? -1 : 0;
}
static uint8_t preference_bits(int8_t p) { return (uint8_t)((p > 0 ? 1 : p < 0 ? 3 : 0) << 3); }

/* ----------------------------------------------------------------- options */

static void prefix_option(struct nd *m, struct reader v)
{
    struct nd_prefix p = { .prefix.len = rd_u8(&v) };
    const uint8_t flags = rd_u8(&v);
    p.on_link = flags & PREFIX_ON_LINK;
    p.autonomous = flags & PREFIX_AUTONOMOUS;
    p.valid_s = rd_u32(&v);
    p.preferred_s = rd_u32(&v);
    rd_skip(&v, 4);
    p.prefix.addr = rd_addr(&v);
    if (v.bad || p.prefix.len > 128 || addr_is4(p.prefix.addr) || m->n_prefix == ND_PREFIXES)
        return;                         /* IPv4-mapped is how IPv4's are held here, and nothing that a router may say */
    p.prefix.addr = prefix_network(p.prefix);
    m->prefix[m->n_prefix++] = p;
}

/* RFC 4191 §2.3: as many bytes of the prefix as the length of the option has room for. */
static void route_option(struct nd *m, struct reader v)
{
    struct nd_route x = { .prefix.len = rd_u8(&v) };
    x.preference = preference_of(rd_u8(&v));
    x.lifetime_s = rd_u32(&v);
    const size_t bytes = rd_left(&v);
    if (v.bad || x.prefix.len > 128 || bytes > 16 || x.prefix.len > bytes * 8 || m->n_route == ND_ROUTES)
        return;
    rd_copy(&v, x.prefix.addr.b, bytes);
    if (addr_is4(x.prefix.addr))
        return;
    x.prefix.addr = prefix_network(x.prefix);
    m->route[m->n_route++] = x;
}

/* RFC 8106 §5.1. */
static void dns_option(struct nd *m, struct reader v)
{
    rd_skip(&v, 2);
    const uint32_t lifetime_s = rd_u32(&v);
    while (!v.bad && rd_left(&v) >= 16 && m->n_dns < ND_DNS) {
        m->dns[m->n_dns++] = rd_addr(&v);
        m->dns_lifetime_s = lifetime_s;
    }
}

static void option(struct nd *m, uint8_t type, struct reader v)
{
    switch (type) {
    case OPT_SOURCE_MAC: m->has_source_mac = rd_copy(&v, m->source_mac.b, 6); return;
    case OPT_TARGET_MAC: m->has_target_mac = rd_copy(&v, m->target_mac.b, 6); return;
    case OPT_NONCE:      m->has_nonce = rd_copy(&v, m->nonce, sizeof m->nonce); return;
    case OPT_PREFIX:     prefix_option(m, v); return;
    case OPT_ROUTE:      route_option(m, v); return;
    case OPT_DNS:        dns_option(m, v); return;
    case OPT_MTU:
        rd_skip(&v, 2);
        m->mtu = rd_u32(&v);
        return;
    default:             return;        /* §4.6: those not known are passed over */
    }
}

/* §4.6: a type and a length in units of 8 bytes, never 0 (§6.1, §7.1). */
static bool options(struct nd *m, struct reader *r)
{
    while (rd_left(r) > 0) {
        const uint8_t type = rd_u8(r), len = rd_u8(r);
        if (r->bad || len == 0)
            return false;
        const struct reader v = rd_sub(r, len * 8u - 2);
        if (r->bad)
            return false;
        option(m, type, v);
    }
    return true;
}

/* -------------------------------------------------------------------- read */

static void router_advert(struct nd *m, struct reader *r)
{
    m->hop_limit = rd_u8(r);
    const uint8_t flags = rd_u8(r);
    m->managed = flags & RA_MANAGED;
    m->other_config = flags & RA_OTHER;
    m->preference = preference_of(flags);
    m->router_lifetime_s = rd_u16(r);
    m->reachable_ms = rd_u32(r);
    m->retrans_ms = rd_u32(r);
}

static void fixed_part(struct nd *m, struct reader *r)
{
    if (m->type == ICMP6_ROUTER_ADVERT) {
        router_advert(m, r);
        return;
    }
    const uint8_t flags = rd_u8(r);
    rd_skip(r, 3);
    if (m->type == ICMP6_ROUTER_SOLICIT)
        return;
    if (m->type == ICMP6_NEIGH_ADVERT) {
        m->router = flags & NA_ROUTER;
        m->solicited = flags & NA_SOLICITED;
        m->override = flags & NA_OVERRIDE;
    }
    m->target = rd_addr(r);
    if (m->type == ICMP6_REDIRECT)
        m->destination = rd_addr(r);
}

bool nd_read(struct reader *r, struct nd *out)
{
    *out = (struct nd){ .type = rd_u8(r) };
    const uint8_t code = rd_u8(r);
    rd_skip(r, 2);
    if (r->bad || code != 0 || out->type < ICMP6_ROUTER_SOLICIT || out->type > ICMP6_REDIRECT)
        return false;
    fixed_part(out, r);
    const bool group = addr_is_multicast(out->target) || addr_is_multicast(out->destination);
    return !r->bad && !group && options(out, r);
}

/* ------------------------------------------------------------------- write */

static void write_mac(struct writer *w, uint8_t type, struct mac mac)
{
    wr_u8(w, type);
    wr_u8(w, 1);
    wr_bytes(w, mac.b, 6);
}

static void write_prefix(struct writer *w, const struct nd_prefix *p)
{
    wr_u8(w, OPT_PREFIX);
    wr_u8(w, 4);
    wr_u8(w, p->prefix.len);
    wr_u8(w, (uint8_t)((p->on_link ? PREFIX_ON_LINK : 0) | (p->autonomous ? PREFIX_AUTONOMOUS : 0)));
    wr_u32(w, p->valid_s);
    wr_u32(w, p->preferred_s);
    wr_u32(w, 0);
    wr_bytes(w, prefix_network(p->prefix).b, 16);
}

static void write_route(struct writer *w, const struct nd_route *x)
{
    const uint8_t units = x->prefix.len > 64 ? 3 : x->prefix.len > 0 ? 2 : 1;
    wr_u8(w, OPT_ROUTE);
    wr_u8(w, units);
    wr_u8(w, x->prefix.len);
    wr_u8(w, preference_bits(x->preference));
    wr_u32(w, x->lifetime_s);
    wr_bytes(w, prefix_network(x->prefix).b, (units - 1u) * 8);
}

static void write_dns(struct writer *w, const struct nd *m)
{
    wr_u8(w, OPT_DNS);
    wr_u8(w, (uint8_t)(1 + 2 * m->n_dns));
    wr_u16(w, 0);
    wr_u32(w, m->dns_lifetime_s);
    for (unsigned i = 0; i < m->n_dns; i++)
        wr_bytes(w, m->dns[i].b, 16);
}

static void write_options(struct writer *w, const struct nd *m)
{
    if (m->has_source_mac)
        write_mac(w, OPT_SOURCE_MAC, m->source_mac);
    if (m->has_target_mac)
        write_mac(w, OPT_TARGET_MAC, m->target_mac);
    if (m->mtu) {
        wr_u8(w, OPT_MTU);
        wr_u8(w, 1);
        wr_u16(w, 0);
        wr_u32(w, m->mtu);
    }
    for (unsigned i = 0; i < m->n_prefix; i++)
        write_prefix(w, &m->prefix[i]);
    for (unsigned i = 0; i < m->n_route; i++)
        write_route(w, &m->route[i]);
    if (m->n_dns)
        write_dns(w, m);
    if (m->has_nonce) {
        wr_u8(w, OPT_NONCE);
        wr_u8(w, 1);
        wr_bytes(w, m->nonce, sizeof m->nonce);
    }
}

static void write_router_advert(struct writer *w, const struct nd *m)
{
    wr_u8(w, m->hop_limit);
    wr_u8(w, (uint8_t)((m->managed ? RA_MANAGED : 0) | (m->other_config ? RA_OTHER : 0) | preference_bits(m->preference)));
    wr_u16(w, m->router_lifetime_s);
    wr_u32(w, m->reachable_ms);
    wr_u32(w, m->retrans_ms);
}

void nd_write(struct writer *w, const struct nd *m)
{
    wr_u8(w, m->type);
    wr_u8(w, 0);
    wr_u16(w, 0);
    if (m->type == ICMP6_ROUTER_ADVERT) {
        write_router_advert(w, m);
    } else {
        const bool advert = m->type == ICMP6_NEIGH_ADVERT;
        wr_u8(w, (uint8_t)(advert ? (m->router ? NA_ROUTER : 0) | (m->solicited ? NA_SOLICITED : 0) | (m->override ? NA_OVERRIDE : 0) : 0));
        wr_fill(w, 0, 3);
        if (m->type != ICMP6_ROUTER_SOLICIT)
            wr_bytes(w, m->target.b, 16);
        if (m->type == ICMP6_REDIRECT)
            wr_bytes(w, m->destination.b, 16);
    }
    write_options(w, m);
}
