/* A host of several shards beside a host of one stack, on a wire that a virtual clock drives on one thread.
 * The wire puts what comes for the shards into queues as it is told to, well or badly. */
#pragma once
#include "flow.h"
#include "stack/shard.h"

enum { SHARDS = 4, PEER_PORT = 80 };
enum queues { QUEUES_STEERED, QUEUES_TURN, QUEUES_FIRST, QUEUES_LAST };

struct shard_wire {
    struct shards *shards;
    struct stack *shard[SHARDS], *peer;
    struct loop loop;
    enum queues queues;
    uint32_t packets, lost, to_shard[SHARDS];
    unsigned drop_large;                /* a router between them: larger IP packets towards the peer vanish, and shard `icmp_to` hears so */
    unsigned icmp_to;
    unsigned too_big;                   /* how often */
};

static inline void shard_wire_open(struct shard_wire *w, unsigned seed)
{
    const uint64_t secret[2] = { seed, 99 };
    *w = (struct shard_wire){ 0 };
    loop_init(&w->loop, NS_PER_SEC, 0);
    w->shards = shards_new(SHARDS, secret);
    assert_non_null(w->shards);
    for (unsigned i = 0; i <= SHARDS; i++) {
        struct stack_config c = { .node = (uint16_t)i, .seed = seed * 100 + i };
        if (i < SHARDS) {
            c.shards = w->shards;
            c.shard = (uint8_t)i;
        }
        struct stack *st = stack_new(&c, w->loop.now_ns);
        const struct iface_config ic = lan_iface(i < SHARDS ? 1 : 2, 0);
        assert_non_null(st);
        assert_int_equal(stack_add_iface(st, &ic, w->loop.now_ns), 0);
        *(i < SHARDS ? &w->shard[i] : &w->peer) = st;
        stack_net(st, &w->loop);
    }
    assert_int_equal(stack_add_addr(w->shard[0], 0, lan_prefix("10.0.0.1/24"), false, w->loop.now_ns), PLUMB_OK);
    assert_int_equal(stack_add_addr(w->peer, 0, lan_prefix("10.0.0.2/24"), false, w->loop.now_ns), PLUMB_OK);
}

static inline void shard_wire_close(struct shard_wire *w)
{
    for (unsigned i = 0; i < SHARDS; i++)
        stack_free(w->shard[i]);
    stack_free(w->peer);
    shards_free(w->shards);
}

/* The queue that whoever knows the hash would choose: `k` is a frame. */
static inline unsigned shard_steered(const struct shard_wire *w, struct pkt *k)
{
    struct ip4 h;
    struct reader r = reader_of(pkt_head_const(k) + 14, k->len - 14);
    if (load_be16(pkt_head_const(k) + 12) != 0x0800 || ip4_read(&r, &h) != WHY_NONE || h.more_fragments || h.frag_offset)
        return 0;
    k->net_off = (uint16_t)(k->head + 14);
    k->l4_off = (uint16_t)(k->net_off + h.header_len);
    k->proto = h.proto;
    k->group = false;
    return steer_packet(shards_steer(w->shards), k);
}

static inline unsigned shard_queue(struct shard_wire *w, struct pkt *k)
{
    switch (w->queues) {
    case QUEUES_TURN:  return w->packets % SHARDS;
    case QUEUES_FIRST: return 0;
    case QUEUES_LAST:  return SHARDS - 1;
    default:           return shard_steered(w, k);
    }
}

static inline void shard_give(struct stack *to, const struct pkt *k, int64_t now_ns)
{
    struct batch in;
    struct pkt *copy = pkt_copy(stack_pools(to), k);
    assert_non_null(copy);
    batch_init(&in);
    copy->time_ns = now_ns;
    copy->path = NULL;
    batch_add(&in, copy);
    stack_input(to, 0, &in, now_ns);
}

/* Everything to the shards that `b` holds, each by its queue. */
static inline void shard_deliver(struct shard_wire *w, struct batch *b)
{
    for (uint32_t i = 0; i < b->n; i++) {
        b->pkt[i] = pkt_own(stack_pools(w->peer), b->pkt[i]);
        const unsigned q = shard_queue(w, b->pkt[i]);
        w->packets++;
        w->to_shard[q]++;
        shard_give(w->shard[q], b->pkt[i], w->loop.now_ns);
    }
    batch_free(b);
}

void shard_too_big(struct shard_wire *w, const struct pkt *k);

static inline bool shard_carry(struct shard_wire *w)
{
    bool any = false;
    for (unsigned i = 0; i <= SHARDS; i++) {
        struct batch b;
        batch_init(&b);
        stack_output(i < SHARDS ? w->shard[i] : w->peer, 0, &b, w->loop.now_ns);
        any |= b.n > 0;
        if (i == SHARDS) {
            shard_deliver(w, &b);
            continue;
        }
        for (uint32_t j = 0; j < b.n; j++) {
            if (w->drop_large && pkt_total(b.pkt[j]) - 14 > w->drop_large)
                shard_too_big(w, b.pkt[j]);
            else
                shard_give(w->peer, b.pkt[j], w->loop.now_ns);
        }
        batch_free(&b);
    }
    return any;
}

static inline void shard_run(struct shard_wire *w, int64_t ns)
{
    const int64_t until_ns = w->loop.now_ns + ns;
    while (w->loop.now_ns < until_ns) {
        int64_t next_ns = loop_deadline(&w->loop);
        bool moved = shard_carry(w);
        for (unsigned i = 0; i <= SHARDS; i++) {
            struct stack *st = i < SHARDS ? w->shard[i] : w->peer;
            (void)stack_shards_told(st);
            if (stack_deadline(st) <= w->loop.now_ns) {
                stack_tick(st, w->loop.now_ns);
                moved = true;
            }
            next_ns = time_min(next_ns, stack_deadline(st));
        }
        loop_tick(&w->loop, time_min(until_ns, moved ? w->loop.now_ns + 10000 : time_max(next_ns, w->loop.now_ns + 10000)));
    }
}

static inline struct net *shard_net(struct shard_wire *w, unsigned shard) { return stack_net(shard < SHARDS ? w->shard[shard] : w->peer, &w->loop); }

static inline uint64_t shard_drops(const struct shard_wire *w, enum why why)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < SHARDS; i++)
        n += stack_trace(w->shard[i])->drops[why];
    return n;
}
