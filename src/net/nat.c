#include "net/nat.h"
#include "wire/ip4.h"
#include <stdlib.h>

enum { MAPS = 32768, PORT_BITS = 64, PEERS_LOOKED_AT = 256 };

bool nat_init(struct nat *n, const struct nat_config *cfg, struct trace *trace, struct rng *rng)
{
    *n = (struct nat){ .cfg = *cfg, .trace = trace, .key = sipkey_from(rng) };
    rng_seed(&n->rng, rng_u64(rng));
    if (!n->cfg.max_maps)
        n->cfg.max_maps = MAPS;
    uint32_t buckets = 16;
    while (buckets < 2 * n->cfg.max_maps)
        buckets *= 2;
    n->mask = buckets - 1;
    n->internal = calloc(buckets, sizeof(struct nat_map *));
    n->external = calloc(buckets, sizeof(struct nat_map *));
    if (n->internal && n->external && pool_init(&n->maps, sizeof(struct nat_map), n->cfg.max_maps))
        return true;
    nat_fini(n);
    return false;
}

void nat_fini(struct nat *n)
{
    free(n->internal);
    free(n->external);
    pool_fini(&n->maps);
    *n = (struct nat){ 0 };
}

/* ------------------------------------------------------------------- table */

static uint32_t bucket_of(const struct nat *n, uint8_t proto, struct endpoint e, struct addr outside)
{
    const uint64_t words[2] = { (uint64_t)e.addr.w[3] << 32 | (uint32_t)e.port << 8 | proto, outside.w[3] };
    return (uint32_t)siphash_words(&n->key, words, 2) & n->mask;
}

static struct nat_map *find_internal(const struct nat *n, uint8_t proto, struct endpoint internal, struct addr outside)
{
    struct nat_map *m = n->internal[bucket_of(n, proto, internal, outside)];
    while (m && !(m->proto == proto && endpoint_eq(m->internal, internal) && addr_eq(m->external.addr, outside)))
        m = m->by_internal;
    return m;
}

static struct nat_map **place_external(const struct nat *n, uint8_t proto, struct endpoint external)
{
    struct nat_map **at = &n->external[bucket_of(n, proto, external, external.addr)];
    while (*at && !((*at)->proto == proto && endpoint_eq((*at)->external, external)))
        at = &(*at)->by_external;
    return at;
}

struct nat_map *nat_map_at(const struct nat *n, uint8_t proto, struct endpoint external) { return *place_external(n, proto, external); }

/* ------------------------------------------------------------------- ports */

static unsigned slot_of(uint8_t proto) { return proto == IP_TCP ? 0 : proto == IP_UDP ? 1 : 2; }

/* Which ports may stand for this one: RFC 4787 REQ-3 b keeps the well-known range apart, REQ-4 the parity. */
struct range { uint32_t first, last, step; };

static struct range range_for(uint8_t proto, uint16_t port)
{
    if (proto == IP_ICMP)
        return (struct range){ 1, UINT16_MAX, 1 };
    if (proto == IP_UDP)
        return port < 1024 ? (struct range){ port & 1 ? 1 : 2, 1023, 2 } : (struct range){ 1024u + (port & 1), NAT_PORT_MAX, 2 };
    return port < 1024 ? (struct range){ 1, 1023, 1 } : (struct range){ 1024, NAT_PORT_MAX, 1 };
}

static bool in_range(const struct range *r, uint32_t port) { return port >= r->first && port <= r->last && (port - r->first) % r->step == 0; }
static bool is_taken(const struct nat_outside *o, unsigned slot, uint32_t port) { return o->taken[slot][port / PORT_BITS] >> port % PORT_BITS & 1; }

/* The first free port from `at` on, a word of them at a time; 0: none. */
static uint16_t free_from(const struct nat_outside *o, unsigned slot, const struct range *r, uint32_t at)
{
    const uint64_t parity = r->step == 1 ? UINT64_MAX : r->first & 1 ? UINT64_C(0xaaaaaaaaaaaaaaaa) : UINT64_C(0x5555555555555555);
    while (at <= r->last) {
        const uint64_t open = ~o->taken[slot][at / PORT_BITS] & parity & UINT64_MAX << at % PORT_BITS;
        if (open) {
            const uint32_t port = at / PORT_BITS * PORT_BITS + (uint32_t)__builtin_ctzll(open);
            return port <= r->last ? (uint16_t)port : 0;
        }
        at = (at / PORT_BITS + 1) * PORT_BITS;
    }
    return 0;
}

/* The port itself when it is free (RFC 4787 §4.2.1), else one that nobody can guess (RFC 6056); 0: all are taken.  None is
 * ever given twice: ports are not overloaded (RFC 4787 REQ-3 a). */
static uint16_t port_for(struct nat *n, const struct nat_outside *o, uint8_t proto, uint16_t wish)
{
    const struct range r = range_for(proto, wish);
    const unsigned slot = slot_of(proto);
    if (in_range(&r, wish) && !is_taken(o, slot, wish))
        return wish;
    const uint32_t from = r.first + rng_below(&n->rng, r.last - r.first + 1);
    const uint16_t found = free_from(o, slot, &r, from);
    return found ? found : free_from(o, slot, &r, r.first);
}

/* ---------------------------------------------------------------- mappings */

static struct nat_map *make(struct nat *n, struct nat_outside *o, uint8_t proto, struct endpoint internal, uint16_t port, int64_t now_ns)
{
    struct nat_map *m = pool_get(&n->maps);
    if (!m)
        return NULL;
    const struct endpoint external = { o->addr, port };
    *m = (struct nat_map){ .internal = internal, .external = external, .proto = proto };
    list_init(&m->peers);
    struct nat_map **inside = &n->internal[bucket_of(n, proto, internal, o->addr)], **outside = &n->external[bucket_of(n, proto, external, o->addr)];
    m->by_internal = *inside;
    m->by_external = *outside;
    *inside = *outside = m;
    o->taken[slot_of(proto)][port / PORT_BITS] |= UINT64_C(1) << port % PORT_BITS;
    TRACE(n->trace, now_ns, 0, nat_mapped, .internal = internal.addr, .external = external.addr, .internal_port = internal.port,
          .external_port = port, .proto = proto);
    return m;
}

static void unmake(struct nat *n, struct nat_map *m, int64_t now_ns)
{
    struct nat_outside *o = nat_outside_with(n, m->external.addr);
    struct nat_map **at = &n->internal[bucket_of(n, m->proto, m->internal, m->external.addr)];
    while (*at != m)                    /* an endpoint inside may have several that are fixed */
        at = &(*at)->by_internal;
    *at = m->by_internal;
    *place_external(n, m->proto, m->external) = m->by_external;
    if (o)
        o->taken[slot_of(m->proto)][m->external.port / PORT_BITS] &= ~(UINT64_C(1) << m->external.port % PORT_BITS);
    TRACE(n->trace, now_ns, 0, nat_expired, .internal = m->internal.addr, .external = m->external.addr, .internal_port = m->internal.port,
          .external_port = m->external.port, .proto = m->proto);
    pool_put(&n->maps, m);
}

struct nat_map *nat_map_for(struct nat *n, struct nat_outside *o, uint8_t proto, struct endpoint internal, enum why *why, int64_t now_ns)
{
    struct nat_map *m = find_internal(n, proto, internal, o->addr);
    *why = WHY_NONE;
    if (m)
        return m;
    const uint16_t port = port_for(n, o, proto, internal.port);
    m = port ? make(n, o, proto, internal, port, now_ns) : NULL;
    if (!m)
        *why = port ? WHY_NAT_FULL : WHY_NAT_NO_PORT;
    return m;
}

/* RFC 4787 §5.  A flow that stands is let through before anybody asks here. */
bool nat_admits(const struct nat *n, const struct nat_map *m, struct addr from)
{
    unsigned looked = 0;
    if (m->fixed || n->cfg.filtering == NAT_FROM_ANYONE)
        return true;
    if (n->cfg.filtering == NAT_FROM_ENDPOINT)
        return false;
    for (const struct list *at = m->peers.prev; at != &m->peers && looked < PEERS_LOOKED_AT; at = at->prev, looked++)
        if (addr_eq(list_entry(at, struct track, of_map)->end[TRACK_ORIGINAL].t.dst, from))
            return true;
    return false;
}

void nat_use(struct nat_map *m) { m->flows++; }

void nat_release(struct nat *n, struct nat_map *m, int64_t now_ns)
{
    if (--m->flows == 0 && !m->fixed)
        unmake(n, m, now_ns);
}

/* ----------------------------------------------------------------- outsides */

bool nat_add_outside(struct nat *n, unsigned iface)
{
    for (unsigned i = 0; i < NAT_OUTSIDES; i++) {
        if (n->outside[i].used)
            continue;
        n->outside[i] = (struct nat_outside){ .iface = (uint8_t)iface, .used = true };
        n->outsides |= 1u << iface;
        return true;
    }
    return false;
}

static struct nat_outside *outside_at(struct nat *n, unsigned iface)
{
    for (unsigned i = 0; i < NAT_OUTSIDES; i++)
        if (n->outside[i].used && n->outside[i].iface == iface)
            return &n->outside[i];
    return NULL;
}

struct nat_outside *nat_outside_of(struct nat *n, unsigned iface)
{
    struct nat_outside *o = nat_is_outside(n, iface) ? outside_at(n, iface) : NULL;
    return o && !addr_is_none(o->addr) ? o : NULL;
}

struct nat_outside *nat_outside_with(struct nat *n, struct addr a)
{
    for (unsigned i = 0; i < NAT_OUTSIDES; i++)
        if (n->outside[i].used && addr_eq(n->outside[i].addr, a) && !addr_is_none(a))
            return &n->outside[i];
    return NULL;
}

bool nat_address_changes(const struct nat *n, unsigned iface, struct addr a)
{
    const struct nat_outside *o = outside_at((struct nat *)n, iface);
    return o && !addr_eq(o->addr, a);
}

/* Whatever is left now are port forwards, which move to the new address. */
void nat_set_address(struct nat *n, unsigned iface, struct addr a, int64_t now_ns)
{
    struct nat_outside *o = outside_at(n, iface);
    for (uint32_t i = 0; i < n->cfg.n_forward && !addr_is_none(o->addr); i++) {
        const struct nat_forward *f = &n->cfg.forward[i];
        struct nat_map *m = nat_map_at(n, f->proto, (struct endpoint){ o->addr, f->port });
        if (m)
            unmake(n, m, now_ns);
    }
    o->addr = a;
    for (uint32_t i = 0; i < n->cfg.n_forward && !addr_is_none(a); i++) {
        const struct nat_forward *f = &n->cfg.forward[i];
        struct nat_map *m = is_taken(o, slot_of(f->proto), f->port) ? NULL : make(n, o, f->proto, f->to, f->port, now_ns);
        if (m)
            m->fixed = true;
    }
}

const struct nat_map *nat_walk(const struct nat *n, uint64_t *cursor)
{
    enum { PLACE_BITS = 16 };
    for (; *cursor >> PLACE_BITS <= n->mask; *cursor = ((*cursor >> PLACE_BITS) + 1) << PLACE_BITS) {
        uint32_t skip = (uint32_t)(*cursor & ((1u << PLACE_BITS) - 1));
        for (const struct nat_map *m = n->external[*cursor >> PLACE_BITS]; m; m = m->by_external) {
            if (skip-- > 0)
                continue;
            ++*cursor;
            return m;
        }
    }
    return NULL;
}
