#include "net/route.h"
#include <stdlib.h>

void route_fini(struct route_table *t)
{
    free(t->route);
    *t = (struct route_table){ 0 };
}

static int order(struct prefix a, struct prefix b)
{
    const int d = memcmp(a.addr.b, b.addr.b, 16);
    if (d)
        return d;
    return (int)a.len - (int)b.len;
}

/* How many routes begin before `p`. */
static uint32_t place_of(const struct route_table *t, struct prefix p)
{
    uint32_t low = 0, high = t->n;
    while (low < high) {
        const uint32_t mid = low + (high - low) / 2;
        if (order(t->route[mid].dst, p) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Among all 128 bits, so that ::/0 is around the IPv4 routes too: they may stand
 * between it and what it matches. */
static unsigned bits_of(struct prefix p) { return p.len + (addr_is4(p.addr) ? 96u : 0u); }

static bool around(struct prefix outer, struct prefix inner)
{
    const unsigned bits = bits_of(outer), whole = bits / 8, rest = bits % 8;
    if (bits > bits_of(inner) || memcmp(outer.addr.b, inner.addr.b, whole) != 0)
        return false;
    return rest == 0 || (outer.addr.b[whole] ^ inner.addr.b[whole]) >> (8 - rest) == 0;
}

static void find_parents(struct route_table *t)
{
    for (uint32_t i = 0; i < t->n; i++) {
        int32_t p = (int32_t)i - 1;
        while (p >= 0 && !around(t->route[p].dst, t->route[i].dst))
            p = t->route[p].parent;
        t->route[i].parent = p;
    }
}

static struct prefix network_of(struct prefix p) { return (struct prefix){ prefix_network(p), p.len }; }

static bool grow(struct route_table *t)
{
    const uint32_t room = t->room ? t->room * 2 : 16;
    struct route *more = realloc(t->route, room * sizeof *more);
    if (!more)
        return false;
    t->route = more;
    t->room = room;
    return true;
}

bool route_add(struct route_table *t, const struct route *r)
{
    struct route new = *r;
    new.dst = network_of(r->dst);
    const uint32_t at = place_of(t, new.dst);
    if (at < t->n && order(t->route[at].dst, new.dst) == 0) {
        new.parent = t->route[at].parent;
        t->route[at] = new;
        return true;
    }
    if (t->n == t->room && !grow(t))
        return false;
    memmove(&t->route[at + 1], &t->route[at], (t->n - at) * sizeof new);
    t->route[at] = new;
    t->n++;
    find_parents(t);
    return true;
}

bool route_del(struct route_table *t, struct prefix dst)
{
    dst = network_of(dst);
    const uint32_t at = place_of(t, dst);
    if (at == t->n || order(t->route[at].dst, dst) != 0)
        return false;
    t->n--;
    memmove(&t->route[at], &t->route[at + 1], (t->n - at) * sizeof t->route[0]);
    find_parents(t);
    return true;
}

const struct route *route_get(const struct route_table *t, struct prefix dst)
{
    dst = network_of(dst);
    const uint32_t at = place_of(t, dst);
    return at < t->n && order(t->route[at].dst, dst) == 0 ? &t->route[at] : NULL;
}

const struct route *route_find(const struct route_table *t, struct addr a, uint32_t ifaces_up)
{
    const uint8_t longest = addr_is4(a) ? 32 : 128;
    uint32_t after = place_of(t, (struct prefix){ a, longest });
    if (after < t->n && order(t->route[after].dst, (struct prefix){ a, longest }) == 0)
        after++;                        /* a host route */
    for (int32_t i = (int32_t)after - 1; i >= 0; i = t->route[i].parent)
        if (prefix_has(t->route[i].dst, a) && (ifaces_up >> t->route[i].iface & 1))
            return &t->route[i];
    return NULL;
}
