/* The journey in: a packet from the interface to whoever wants it. */
#include "link/ether.h"
#include "stack/inner.h"
#include "wire/segment.h"

static void show(struct stack *st, struct pkt *k, int64_t now_ns)
{
    k->id = 0;
    stack_number(st, k);
    TRACE_BYTES(&st->trace, now_ns, 0, pkt_in, pkt_head(k), k->len, .pkt = k->id, .len = pkt_total(k), .iface = k->iface,
                .gso_size = k->gso_size, .csum = k->csum);
}

/* Every packet gets its number and its interface; one that is down takes none. */
static void arrive(struct stack *st, unsigned iface, struct batch *in, int64_t now_ns)
{
    struct batch_walk w = batch_walk(in);
    for (struct pkt *k; (k = batch_next(&w));) {
        if (w.at < in->n)
            __builtin_prefetch(in->pkt[w.at]);
        __builtin_prefetch(pkt_head(k));
        k->iface = (uint8_t)iface;
        k->group = false;
        show(st, k, now_ns);
        if (st->iface[iface].up)
            batch_keep(&w, k);
        else
            trace_drop(&st->trace, k, WHY_IFACE_DOWN, now_ns);
    }
}

static void join(struct stack *st, struct batch *in, int64_t now_ns)
{
    const uint32_t n = in->n;
    if (n < 2 || !st->iface[in->pkt[0]->iface].cfg.soft_offload)
        return;
    coalesce(&st->pools, in);
    if (in->n < n)
        TRACE(&st->trace, now_ns, 0, pkts_joined, .iface = in->pkt[0]->iface, .from = n, .into = in->n);
}

/* Everything above the link, in one breath. */
void stack_journey_in(struct stack *st, struct batch *in, int64_t now_ns)
{
    struct batch transit;
    batch_init(&transit);
    stack_shard_fragments(st, in, now_ns);              /* of several shards one puts them together */
    inet_in(&st->inet, in, &transit, now_ns);           /* validate, reassemble; what is not ours goes into transit */
    if (st->gate)
        stack_gate(st, in, &transit, now_ns);           /* NAT and the filter; takes what is for somebody behind us */
    else
        inet_forward(&st->inet, &transit, now_ns);
    stack_shard_strays(st, in, now_ns);                 /* takes out what belongs to another shard */
    join(st, in, now_ns);                               /* what the device did not */
    stack_journey_up(st, in, now_ns);
}

void stack_journey_up(struct stack *st, struct batch *in, int64_t now_ns)
{
    inet_icmp_in(&st->inet, in, now_ns);                /* takes ICMP out */
    stack_give_errors(st, now_ns);
    stack_probe_in(st, in, now_ns);                     /* sees what answers a probe */
    inet_groups_in(&st->inet, in, now_ns);              /* takes IGMP and MLD out */
    stack_segments_in(st, in, now_ns);                  /* takes TCP out */
    udp_in(&st->udp, in, now_ns);                       /* takes UDP out that a socket wants */
    inet_unwanted(&st->inet, in, now_ns);               /* nobody wanted the rest */
}

void stack_input(struct stack *st, unsigned iface, struct batch *in, int64_t now_ns)
{
    struct batch arp;
    batch_init(&arp);
    st->now_ns = now_ns;
    arrive(st, iface, in, now_ns);
    if (st->iface[iface].cfg.kind == IFACE_ETHER) {
        ether_in(&st->trace, st->iface[iface].cfg.mac, in, &arp, now_ns);   /* strip frames; drop what is not ours */
        stack_shard_arp(st, &arp, now_ns);                                  /* of several shards one speaks ARP */
        neigh_in(&st->neigh, &arp, now_ns);                                 /* takes ARP */
    }
    stack_journey_in(st, in, now_ns);
    stack_settle(st, now_ns);
    stack_wake(st);
}

static void loop_round(struct stack *st, int64_t now_ns)
{
    struct batch in;
    batch_init(&in);
    stack_segments_out(st, INET_LOOP, &in, now_ns);
    for (uint32_t i = 0; i < in.n; i++)
        stack_emit(st, in.pkt[i], now_ns);
    batch_init(&in);
    while (!batch_full(&in) && st->loop.n)
        batch_add(&in, pktq_pop(&st->loop));
    stack_journey_in(st, &in, now_ns);
    stack_settle(st, now_ns);
}

/* What we sent to ourselves; bounded, so that two ends of one stack cannot hold the call for ever. */
void stack_loop_in(struct stack *st, int64_t now_ns)
{
    for (unsigned i = 0; i < LOOP_ROUNDS && (st->loop.n || stack_segments_due_on(st, INET_LOOP)); i++)
        loop_round(st, now_ns);
}
