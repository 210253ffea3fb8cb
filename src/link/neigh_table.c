/* The entries of the neighbour cache: bounded, found by hash, the longest unused the first to go (RFC 6583 §7.1). */
#include "link/neigh_int.h"
#include <stdlib.h>

bool neigh_init(struct neigh *n, struct trace *trace, struct pkt_pools *pools, struct rng *rng, uint32_t max_entries, uint32_t max_queued)
{
    uint32_t buckets = 16;
    while (buckets < max_entries)
        buckets *= 2;
    memset(n, 0, sizeof *n);
    n->trace = trace;
    n->pools = pools;
    n->key = sipkey_from(rng);
    rng_seed(&n->rng, n->key.k[0] ^ n->key.k[1]);
    n->n_entries = max_entries;
    n->bucket_mask = buckets - 1;
    n->max_queued = max_queued;
    acd_init(&n->acd, rng);
    list_init(&n->by_use);
    pktq_init(&n->ready);
    pktq_init(&n->failed);
    n->entries = calloc(max_entries, sizeof *n->entries);
    n->bucket = calloc(buckets, sizeof *n->bucket);
    if (!n->entries || !n->bucket) {
        neigh_fini(n);
        return false;
    }
    for (uint32_t i = max_entries; i-- > 0; n->free = &n->entries[i])
        n->entries[i].chain = n->free;
    return true;
}

void neigh_fini(struct neigh *n)
{
    for (uint32_t i = 0; n->entries && i < n->n_entries; i++)
        if (n->entries[i].state != NEIGH_FREE)
            pktq_free(&n->entries[i].waiting);
    if (n->entries) {
        pktq_free(&n->ready);
        pktq_free(&n->failed);
    }
    free(n->entries);
    free(n->bucket);
    n->entries = NULL;
    n->bucket = NULL;
}

static struct neigh_entry **bucket_of(const struct neigh *n, unsigned iface, struct addr a)
{
    const uint64_t words[3] = { a.q[0], a.q[1], iface };
    return &n->bucket[siphash_words(&n->key, words, 3) & n->bucket_mask];
}

struct neigh_entry *neigh_find(const struct neigh *n, unsigned iface, struct addr a)
{
    for (struct neigh_entry *e = *bucket_of(n, iface, a); e; e = e->chain)
        if (e->iface == iface && addr_eq(e->addr, a))
            return e;
    return NULL;
}

void neigh_set_timer(struct neigh *n, struct neigh_entry *e, int64_t deadline_ns)
{
    heap_remove(&n->timers, &e->timer);
    if (deadline_ns != DEADLINE_NEVER)
        heap_put(&n->timers, &e->timer, deadline_ns);
}

void neigh_forget(struct neigh *n, struct neigh_entry *e)
{
    struct neigh_entry **at = bucket_of(n, e->iface, e->addr);
    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
    n->n_doubtful -= neigh_is_doubtful(e);
    neigh_set_timer(n, e, DEADLINE_NEVER);
    list_remove(&e->age);
    for (struct pkt *k; (k = pktq_pop(&e->waiting)); n->queued--)
        pktq_push(&n->failed, k);
    e->state = NEIGH_FREE;
    e->chain = n->free;
    n->free = e;
}

/* Makes room: of those nobody here ever sent to (who asks for us under many names must
 * not push out the gateway), then of those that do not answer when they are half of all,
 * then of all, the longest unused. */
static void evict(struct neigh *n, int64_t now_ns)
{
    struct neigh_entry *unanswered = NULL, *any = NULL;
    uint32_t n_unanswered = 0;
    for (struct list *at = n->by_use.next; at != &n->by_use; at = at->next) {
        struct neigh_entry *e = list_entry(at, struct neigh_entry, age);
        if (!e->wanted) {
            neigh_forget(n, e);
            return;
        }
        n_unanswered += e->state == NEIGH_INCOMPLETE;
        if (e->state == NEIGH_INCOMPLETE && !unanswered)
            unanswered = e;
        if (e->state != NEIGH_INCOMPLETE && !any)
            any = e;
    }
    struct neigh_entry *e = unanswered && (!any || n_unanswered >= n->n_entries / 2) ? unanswered : any;
    for (struct pkt *k; (k = pktq_pop(&e->waiting)); n->queued--)
        trace_drop(n->trace, k, WHY_NEIGH_TABLE_FULL, now_ns);
    neigh_forget(n, e);
}

struct neigh_entry *neigh_create(struct neigh *n, unsigned iface, struct addr a, int64_t now_ns)
{
    if (!n->free)
        evict(n, now_ns);
    struct neigh_entry *e = n->free;
    n->free = e->chain;
    struct neigh_entry **bucket = bucket_of(n, iface, a);
    *e = (struct neigh_entry){ .addr = a, .iface = (uint8_t)iface, .state = NEIGH_INCOMPLETE, .chain = *bucket };
    *bucket = e;
    pktq_init(&e->waiting);
    list_push(&n->by_use, &e->age);
    return e;
}

void neigh_used(struct neigh *n, struct neigh_entry *e)
{
    list_remove(&e->age);
    list_push(&n->by_use, &e->age);
    e->wanted = true;
}

const struct neigh_entry *neigh_walk(const struct neigh *n, uint32_t *cursor)
{
    while (*cursor < n->n_entries) {
        const struct neigh_entry *e = &n->entries[(*cursor)++];
        if (e->state != NEIGH_FREE)
            return e;
    }
    return NULL;
}
