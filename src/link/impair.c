/* An emulated link.  A packet passes, in this order: MTU, the queue and the rate,
 * then loss, duplication and corruption, then delay, jitter and reordering. */
#include "link/impair.h"
#include "base/list.h"
#include "base/time.h"
#include "wire/ecn.h"
#include "wire/eth.h"
#include "wire/segment.h"
#include <stdlib.h>

enum { QUEUE_BYTES = 256 * 1024, FCS_AND_GAP = 24 };    /* preamble 8, check sequence 4, gap 12 count against the rate */
static const int64_t REORDER_MIN_NS = NS_PER_MS;

struct held { struct heap_node node; struct pkt *k; };

struct impair {
    struct impair_config cfg;
    struct rng           rng;
    struct trace        *trace;
    struct pkt_pools    *pools;
    struct pool          held;          /* as many as there can be packets */
    struct heap          due;
    int64_t              free_ns;       /* when the sender has put out what it queued */
    struct impair_stats  stats;
    int64_t              last_ns;       /* due time of the last packet that kept its order */
};

struct impair *impair_new(const struct impair_config *c, uint64_t seed, struct trace *trace, struct pkt_pools *pools)
{
    struct impair *i = calloc(1, sizeof *i);
    if (!i || !pool_init(&i->held, sizeof(struct held), pools->small.max + pools->large.max)) {
        free(i);
        return NULL;
    }
    i->cfg = *c;
    i->trace = trace;
    i->pools = pools;
    if (!i->cfg.queue_bytes)
        i->cfg.queue_bytes = QUEUE_BYTES;
    rng_seed(&i->rng, seed);
    return i;
}

void impair_free(struct impair *i)
{
    if (!i)
        return;
    for (struct pkt *k; (k = impair_pull(i, DEADLINE_NEVER));)
        pkt_free(k);
    pool_fini(&i->held);
    free(i);
}

static bool happens(struct impair *i, double share) { return share > 0 && rng_unit(&i->rng) < share; }

/* Where IP begins: a stack says, else it is behind an Ethernet header. */
static uint32_t link_header(const struct pkt *k) { return k->net_off >= k->head ? k->net_off - k->head : ETH_HEADER; }

static void hold(struct impair *i, struct pkt *k, int64_t due_ns, int64_t now_ns)
{
    struct held *h = pool_get(&i->held);
    if (!h) {
        trace_drop(i->trace, k, WHY_NO_BUFFER, now_ns);
        return;
    }
    *h = (struct held){ .k = k };
    heap_put(&i->due, &h->node, due_ns);
}

/* One bit, behind the link header: a real link's check sequence guards the rest, and
 * packets without an Internet checksum (ARP) would not be noticed at all. */
static void corrupt(struct impair *i, struct pkt *k)
{
    const uint32_t from = link_header(k);
    if (from != ETH_HEADER || k->len <= from || load_be16(pkt_head(k) + 12) == ETH_ARP)
        return;
    const uint32_t bit = rng_below(&i->rng, (k->len - from) * 8);
    pkt_head(k)[from + bit / 8] ^= (uint8_t)(1u << bit % 8);
    k->csum = CSUM_NONE;
}

/* When the last bit has left at `rate`; DEADLINE_NEVER: the queue is full. */
static int64_t serialise(struct impair *i, struct pkt *k, int64_t now_ns)
{
    if (i->cfg.rate_bits_s == 0)
        return now_ns;
    const uint32_t bytes = pkt_total(k), header = link_header(k);
    const double ns_per_byte = 8e9 / (double)i->cfg.rate_bits_s;
    const int64_t start_ns = time_max(i->free_ns, now_ns);
    if ((double)(start_ns - now_ns) > ns_per_byte * (double)i->cfg.queue_bytes)
        return DEADLINE_NEVER;
    const int64_t wait_ns = start_ns - now_ns;
    i->stats.waited_ns += wait_ns;
    i->stats.waited_max_ns = time_max(i->stats.waited_max_ns, wait_ns);
    if (i->cfg.ecn_bytes && (double)wait_ns > ns_per_byte * (double)i->cfg.ecn_bytes && k->len > header)
        i->stats.marked += ecn_mark(pkt_head(k) + header, k->len - header);
    i->free_ns = start_ns + (int64_t)(ns_per_byte * (double)(bytes + FCS_AND_GAP));
    return i->free_ns;
}

/* A reordered packet is late enough for its followers to pass, and holds nobody up. */
static void deliver(struct impair *i, struct pkt *k, int64_t left_ns, int64_t now_ns)
{
    int64_t due_ns = time_after(left_ns, i->cfg.delay_ns);
    if (i->cfg.jitter_ns > 0)
        due_ns += (int64_t)(rng_unit(&i->rng) * (double)i->cfg.jitter_ns);
    if (happens(i, i->cfg.reorder)) {
        const int64_t most_ns = time_max(2 * REORDER_MIN_NS, i->cfg.delay_ns / 2);
        hold(i, k, due_ns + REORDER_MIN_NS + (int64_t)(rng_unit(&i->rng) * (double)most_ns), now_ns);
        return;
    }
    i->last_ns = time_max(i->last_ns, due_ns);
    hold(i, k, i->last_ns, now_ns);
}

static void push_one(struct impair *i, struct pkt *k, int64_t now_ns)
{
    if (i->cfg.mtu && pkt_total(k) - link_header(k) > i->cfg.mtu) {
        trace_drop(i->trace, k, WHY_LINK_MTU, now_ns);
        return;
    }
    const int64_t left_ns = serialise(i, k, now_ns);
    if (left_ns == DEADLINE_NEVER) {
        i->stats.overflowed++;
        trace_drop(i->trace, k, WHY_LINK_QUEUE_FULL, now_ns);
        return;
    }
    i->stats.packets++;
    if (happens(i, i->cfg.loss)) {
        i->stats.lost++;
        trace_drop(i->trace, k, WHY_LINK_LOSS, now_ns);
        return;
    }
    struct pkt *twin = happens(i, i->cfg.duplicate) ? pkt_copy(i->pools, k) : NULL;
    if (happens(i, i->cfg.corrupt))
        corrupt(i, k);
    deliver(i, k, left_ns, now_ns);
    if (twin)
        deliver(i, twin, left_ns, now_ns);
}

/* The link header goes onto every piece. */
static void push_large(struct impair *i, struct pkt *k, int64_t now_ns)
{
    uint8_t header[ETH_HEADER];
    const uint32_t n = link_header(k);
    struct pktq pieces;
    pktq_init(&pieces);
    if (n > sizeof header || k->len < n) {
        trace_drop(i->trace, k, WHY_FRAME_SHORT, now_ns);
        return;
    }
    memcpy(header, pkt_head(k), n);
    pkt_pull(k, n);
    if (!segment(i->pools, k, &pieces))
        trace_count(i->trace, WHY_NO_BUFFER, now_ns);
    for (struct pkt *piece; (piece = pktq_pop(&pieces));) {
        memcpy(pkt_push(piece, n), header, n);
        push_one(i, piece, now_ns);
    }
}

void impair_push(struct impair *i, struct pkt *k, int64_t now_ns)
{
    k = pkt_own(i->pools, k);
    if (!k) {
        trace_count(i->trace, WHY_NO_BUFFER, now_ns);
        return;
    }
    k->path = NULL;
    if (k->gso_size) {
        push_large(i, k, now_ns);
        return;
    }
    pkt_complete_csum(k);
    push_one(i, k, now_ns);
}

struct pkt *impair_pull(struct impair *i, int64_t now_ns)
{
    struct heap_node *n = heap_first(&i->due);
    if (!n || n->key > now_ns)
        return NULL;
    struct held *h = list_entry(n, struct held, node);
    struct pkt *k = h->k;
    k->time_ns = n->key;
    heap_remove(&i->due, n);
    pool_put(&i->held, h);
    return k;
}

int64_t impair_deadline(const struct impair *i) { return heap_first(&i->due) ? heap_first(&i->due)->key : DEADLINE_NEVER; }

void impair_stats(const struct impair *i, struct impair_stats *out) { *out = i->stats; }
