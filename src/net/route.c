/* A value in the tries is 1 + the place of a route among the others. */
#include "net/route.h"
#include "base/bytes.h"
#include <stdlib.h>

void route_fini(struct route_table *t)
{
    trie_fini(&t->trie4);
    trie_fini(&t->trie6);
    free(t->route);
    *t = (struct route_table){ 0 };
}

static uint64_t load_be64(const uint8_t *p) { return (uint64_t)load_be32(p) << 32 | load_be32(p + 4); }

static struct trie_key key_of(struct addr a)
{
    return addr_is4(a) ? (struct trie_key){ .high = (uint64_t)addr_v4(a) << 32 } : (struct trie_key){ load_be64(a.b), load_be64(a.b + 8) };
}

static struct trie *trie_of(struct route_table *t, struct addr a) { return addr_is4(a) ? &t->trie4 : &t->trie6; }
static const struct trie *trie_of_const(const struct route_table *t, struct addr a) { return addr_is4(a) ? &t->trie4 : &t->trie6; }

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
    new.dst.addr = prefix_network(r->dst);
    const struct trie_key k = key_of(new.dst.addr);
    struct trie *trie = trie_of(t, new.dst.addr);
    const uint32_t old = trie_get(trie, k, new.dst.len);
    if (old) {
        t->route[old - 1] = new;
        return true;
    }
    if (t->n == t->room && !grow(t))
        return false;
    if (!trie_put(trie, k, new.dst.len, t->n + 1))
        return false;
    t->route[t->n++] = new;
    return true;
}

/* The last takes the place of the one that goes. */
bool route_del(struct route_table *t, struct prefix dst)
{
    dst.addr = prefix_network(dst);
    const uint32_t old = trie_get(trie_of(t, dst.addr), key_of(dst.addr), dst.len);
    if (!old)
        return false;
    (void)trie_remove(trie_of(t, dst.addr), key_of(dst.addr), dst.len);
    const struct route last = t->route[--t->n];
    if (old - 1 == t->n)
        return true;
    t->route[old - 1] = last;
    (void)trie_put(trie_of(t, last.dst.addr), key_of(last.dst.addr), last.dst.len, old);   /* it is there: no memory is needed */
    return true;
}

const struct route *route_get(const struct route_table *t, struct prefix dst)
{
    dst.addr = prefix_network(dst);
    const uint32_t v = trie_get(trie_of_const(t, dst.addr), key_of(dst.addr), dst.len);
    return v ? &t->route[v - 1] : NULL;
}

/* A shorter one, when the interface of the longest is down. */
static const struct route *usable(const struct route_table *t, struct addr a, uint32_t v, uint32_t ifaces_up)
{
    while (v) {
        const struct route *r = &t->route[v - 1];
        if (ifaces_up >> r->iface & 1)
            return r;
        v = r->dst.len ? trie_find(trie_of_const(t, a), key_of(a), (uint8_t)(r->dst.len - 1)) : TRIE_NONE;
    }
    return NULL;
}

const struct route *route_find(const struct route_table *t, struct addr a, uint32_t ifaces_up)
{
    return usable(t, a, trie_find(trie_of_const(t, a), key_of(a), addr_is4(a) ? 32 : 128), ifaces_up);
}

static void find_family(const struct route_table *t, const struct addr *a, uint32_t n, bool v4, uint32_t *value)
{
    struct trie_key k[TRIE_BATCH];
    uint32_t which[TRIE_BATCH], found[TRIE_BATCH], m = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (addr_is4(a[i]) != v4)
            continue;
        k[m] = key_of(a[i]);
        which[m++] = i;
    }
    trie_find_batch(v4 ? &t->trie4 : &t->trie6, k, m, found);
    for (uint32_t j = 0; j < m; j++) {
        value[which[j]] = found[j];
        if (found[j])
            __builtin_prefetch(&t->route[found[j] - 1]);
    }
}

void route_find_batch(const struct route_table *t, const struct addr *a, uint32_t n, uint32_t ifaces_up, const struct route **out)
{
    uint32_t value[TRIE_BATCH];
    find_family(t, a, n, true, value);
    find_family(t, a, n, false, value);
    for (uint32_t i = 0; i < n; i++)
        out[i] = usable(t, a[i], value[i], ifaces_up);
}
