/* The table against the obvious: every route asked, the longest kept. */
#include "../test.h"
#include "base/rng.h"
#include "net/route.h"

static struct rng r;

static struct prefix random_prefix(void)
{
    struct prefix p = { .len = 0 };
    if (rng_below(&r, 3)) {
        p.addr = addr4((rng_below(&r, 4) << 30 | (uint32_t)rng_below(&r, 4) << 20 | (uint32_t)rng_below(&r, 4) << 8 | rng_below(&r, 4)));
        p.len = (uint8_t)rng_below(&r, 33);
    } else {
        for (int i = 0; i < 16; i += 3)
            p.addr.b[i] = (uint8_t)(rng_below(&r, 3) << 6);
        p.addr.b[0] |= 0x20;
        p.len = (uint8_t)rng_below(&r, 129);
    }
    return p;
}

static const struct route *search(const struct route_table *t, struct addr a, uint32_t up)
{
    const struct route *best = NULL;
    for (uint32_t i = 0; i < t->n; i++)
        if (prefix_has(t->route[i].dst, a) && (up >> t->route[i].iface & 1) && (!best || t->route[i].dst.len > best->dst.len))
            best = &t->route[i];
    return best;
}

static void batch_agrees(const struct route_table *t)
{
    struct addr a[TRIE_BATCH];
    const struct route *out[TRIE_BATCH];
    const uint32_t n = 1 + rng_below(&r, TRIE_BATCH), up = rng_below(&r, 8);
    for (uint32_t i = 0; i < n; i++)
        a[i] = random_prefix().addr;
    route_find_batch(t, a, n, up, out);
    for (uint32_t i = 0; i < n; i++)
        assert_ptr_equal(out[i], route_find(t, a[i], up));
}

static void agrees_with_a_search(void **state)
{
    (void)state;
    rng_seed(&r, 1);
    for (int round = 0; round < 30; round++) {
        struct route_table t = { 0 };
        for (int step = 0; step < 300; step++) {
            const struct prefix p = random_prefix();
            if (rng_below(&r, 4) == 0)
                (void)route_del(&t, t.n && rng_below(&r, 2) ? t.route[rng_below(&r, t.n)].dst : p);
            else
                assert_true(route_add(&t, &(struct route){ .dst = p, .iface = (uint8_t)rng_below(&r, 3) }));
            for (int i = 0; i < 20; i++) {
                const struct addr a = random_prefix().addr;
                const uint32_t up = rng_below(&r, 8);
                assert_ptr_equal(route_find(&t, a, up), search(&t, a, up));
            }
            batch_agrees(&t);
        }
        while (t.n)
            assert_true(route_del(&t, t.route[rng_below(&r, t.n)].dst));
        assert_null(route_find(&t, random_prefix().addr, ~0u));
        route_fini(&t);
    }
}

/* What a full table needs, and that it all comes back when the routes go and come. */
static void a_hundred_thousand_routes(void **state)
{
    (void)state;
    enum { ROUTES = 100000 };
    struct route_table t = { 0 };
    size_t most = 0;
    for (int round = 0; round < 3; round++) {
        rng_seed(&r, 7);
        for (uint32_t i = 0; i < ROUTES; i++) {
            const struct prefix p = { addr4(rng_below(&r, UINT32_MAX)), (uint8_t)(16 + rng_below(&r, 9)) };
            assert_true(route_add(&t, &(struct route){ .dst = p, .iface = (uint8_t)(i % 3) }));
        }
        const size_t bytes = trie_bytes(&t.trie4);
        most = round == 0 ? bytes : most;
        assert_true(bytes / t.n < 60);
        assert_true(bytes <= most + most / 10);
        for (int i = 0; i < 50; i++) {
            const struct addr a = addr4(rng_below(&r, UINT32_MAX));
            assert_ptr_equal(route_find(&t, a, ~0u), search(&t, a, ~0u));
        }
        while (t.n)
            assert_true(route_del(&t, t.route[t.n / 2].dst));
    }
    route_fini(&t);
}

static void adds_and_takes_away(void **state)
{
    (void)state;
    struct route_table t = { 0 };
    struct prefix p;
    assert_true(prefix_parse("10.1.2.3/8", &p));
    assert_true(route_add(&t, &(struct route){ .dst = p, .iface = 1 }));
    assert_true(route_add(&t, &(struct route){ .dst = p, .iface = 2 }));        /* replaces */
    assert_int_equal(t.n, 1);
    assert_int_equal(route_get(&t, p)->iface, 2);
    assert_int_equal(addr_v4(t.route[0].dst.addr), 0x0a000000);
    assert_true(route_del(&t, p));
    assert_false(route_del(&t, p));
    assert_null(route_find(&t, addr4(0x0a000001), ~0u));
    route_fini(&t);
}

TESTS(agrees_with_a_search, adds_and_takes_away, a_hundred_thousand_routes)
