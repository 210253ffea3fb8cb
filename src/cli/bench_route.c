/* plumb bench route.1m: a million prefixes of the lengths that a router on the Internet
 * sees, random addresses in batches of 64. */
#include "cli/bench.h"
#include "base/rng.h"
#include "net/route.h"
#include "os/clock.h"

enum { ROUTES = 1000000, ROUNDS = 100000 };

/* Six in ten routes are a /24, few are shorter than /16. */
static uint8_t random_len(struct rng *r)
{
    const uint32_t d = rng_below(r, 100);
    return (uint8_t)(d < 60 ? 24 : d < 90 ? 19 + rng_below(r, 5) : d < 99 ? 16 + rng_below(r, 3) : 8 + rng_below(r, 8));
}

static bool fill(struct route_table *t, struct rng *r)
{
    while (t->n < ROUTES) {
        const struct route x = { .dst = { addr4(rng_below(r, UINT32_MAX)), random_len(r) }, .iface = (uint8_t)rng_below(r, 8) };
        if (!route_add(t, &x))
            return false;
    }
    return true;
}

double bench_route(void)
{
    struct route_table t = { 0 };
    struct rng r;
    uint64_t found = 0;
    double ns = -1;
    rng_seed(&r, 1);
    if (fill(&t, &r)) {
        const int64_t start = clock_cpu_ns();
        for (int i = 0; i < ROUNDS; i++) {
            struct addr a[TRIE_BATCH];
            const struct route *out[TRIE_BATCH];
            for (uint32_t j = 0; j < TRIE_BATCH; j++)
                a[j] = addr4(rng_below(&r, UINT32_MAX));
            route_find_batch(&t, a, TRIE_BATCH, ~0u, out);
            for (uint32_t j = 0; j < TRIE_BATCH; j++)
                found += out[j] != NULL;
        }
        ns = (double)(clock_cpu_ns() - start) / ((double)ROUNDS * TRIE_BATCH);
    }
    route_fini(&t);
    return found ? ns : -1;
}
