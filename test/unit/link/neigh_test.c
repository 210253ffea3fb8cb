/* The neighbour cache by itself: what waits, what is bounded, what an ARP packet does. */
#include "../test.h"
#include "link/arp.h"
#include "link/neigh.h"
#include "wire/eth.h"

static struct pkt_pools pools;
static struct trace trace;
static struct rng rng;
static struct neigh n;
static const struct mac own = { { 2, 0, 0, 0, 0, 1 } }, peer = { { 2, 0, 0, 0, 0, 2 } }, other = { { 2, 0, 0, 0, 0, 3 } };

static struct addr ip(unsigned last) { return addr4(0x0a000000 + last); }

static void begin(uint32_t entries, uint32_t queued)
{
    assert_true(pkt_pools_init(&pools, 256, 1));
    trace_init(&trace, 0);
    rng_seed(&rng, 1);
    assert_true(neigh_init(&n, &trace, &pools, &rng, entries, queued));
    neigh_set_iface(&n, 0, &(struct neigh_iface){ .mac = own, .ether = true });
    assert_true(acd_add(&n.acd, 0, own, ip(1), ACD_USE, 0));
    neigh_tick(&n, 0);
    neigh_tick(&n, 2 * NS_PER_SEC);     /* announcements */
    pktq_free(&n.ready);
}

static void end(void)
{
    neigh_fini(&n);
    assert_int_equal(pools.small.used, 0);
    pkt_pools_fini(&pools);
}

static struct pkt *to(unsigned last)
{
    struct pkt *k = pkt_new(&pools, 20);
    memset(pkt_append(k, 20), 0, 20);
    pkt_head(k)[0] = 0x45;
    memcpy(pkt_head(k) + 12, &ip(1).b[12], 4);
    k->net_off = (uint16_t)k->head;
    k->next_hop = ip(last);
    return k;
}

/* An ARP packet as it stands after its frame was stripped. */
static void hear(uint16_t op, struct mac from_mac, struct addr from, struct addr target, int64_t now_ns)
{
    const struct arp a = { .op = op, .sender_mac = from_mac, .sender = from, .target = target };
    struct batch b = { .n = 0 };
    struct pkt *k = arp_frame(&pools, 0, own, &a);
    pkt_pull(k, ETH_HEADER);
    batch_add(&b, k);
    neigh_in(&n, &b, now_ns);
    assert_int_equal(b.n, 0);
}

static struct arp sent(struct mac *dst)
{
    struct pkt *k = pktq_pop(&n.ready);
    struct eth e;
    struct arp a;
    assert_non_null(k);
    struct reader r = pkt_reader(k);
    assert_true(eth_read(&r, &e));
    assert_int_equal(e.type, ETH_ARP);
    assert_true(arp_read(&r, &a));
    *dst = e.dst;
    pkt_free(k);
    return a;
}

static void request_wait_answer(void **state)
{
    (void)state;
    struct mac dst;
    begin(16, 100);
    for (int i = 0; i < NEIGH_QUEUE + 2; i++)
        assert_null(neigh_send(&n, to(2), 0));
    assert_int_equal(trace.drops[WHY_NEIGH_QUEUE_FULL], 2);
    struct arp a = sent(&dst);
    assert_null(n.ready.first);         /* one request for them all */
    assert_true(mac_eq(dst, MAC_BROADCAST));
    assert_int_equal(a.op, ARP_REQUEST);
    assert_true(addr_eq(a.sender, ip(1)) && addr_eq(a.target, ip(2)) && mac_eq(a.sender_mac, own));
    hear(ARP_REPLY, peer, ip(2), ip(1), NS_PER_MS);
    assert_int_equal(n.ready.n, NEIGH_QUEUE);
    assert_int_equal(n.queued, 0);
    struct pkt *k = neigh_send(&n, to(2), NS_PER_MS);
    assert_non_null(k);
    assert_memory_equal(pkt_head(k), peer.b, 6);
    assert_memory_equal(pkt_head(k) + 6, own.b, 6);
    pkt_free(k);
    end();
}

static void three_requests_then_failure(void **state)
{
    (void)state;
    struct mac dst;
    begin(16, 8);
    const int64_t t = 10 * NS_PER_SEC;
    assert_null(neigh_send(&n, to(2), t));
    for (int i = 0; i < 3; i++) {
        (void)sent(&dst);
        assert_null(n.ready.first);
        assert_int_equal(neigh_deadline(&n), t + (i + 1) * NS_PER_SEC);
        neigh_tick(&n, t + (i + 1) * NS_PER_SEC);
    }
    assert_null(n.ready.first);
    assert_int_equal(n.failed.n, 1);
    assert_int_equal(neigh_deadline(&n), DEADLINE_NEVER);
    end();
}

static void bounded_in_all(void **state)
{
    (void)state;
    begin(4, 5);
    for (unsigned i = 2; i < 12; i++)
        assert_null(neigh_send(&n, to(i), 0));
    assert_int_equal(n.queued, 4);
    assert_int_equal(trace.drops[WHY_NEIGH_TABLE_FULL], 6);     /* the longest unused gave way, with what waited for it */
    assert_null(neigh_send(&n, to(11), 0));
    assert_null(neigh_send(&n, to(11), 0));
    assert_null(neigh_send(&n, to(11), 0));
    assert_int_equal(n.queued, 5);
    assert_int_equal(trace.drops[WHY_NEIGH_QUEUE_FULL], 2);
    end();
}

static struct pkt *to_gateway(void)
{
    struct pkt *k = neigh_send(&n, to(2), 0);
    pkt_free(k);
    return k;
}

/* The gateway is known.  Neither who asks for us under a thousand names nor a thousand
 * that do not answer push it out, nor keep a newcomer from being found. */
static void spoofers_do_not_crowd_out(void **state)
{
    (void)state;
    begin(16, 8);
    assert_null(neigh_send(&n, to(2), 0));
    hear(ARP_REPLY, peer, ip(2), ip(1), 0);
    assert_non_null(to_gateway());
    for (unsigned i = 0; i < 1000; i++) {
        hear(ARP_REQUEST, peer, addr4(0x0a000100u + i), ip(1), 0);
        pktq_free(&n.ready);
    }
    assert_non_null(to_gateway());
    for (unsigned i = 0; i < 1000; i++) {
        assert_null(neigh_send(&n, to(100 + i % 150), 0));
        pktq_free(&n.ready);
    }
    assert_non_null(to_gateway());
    assert_null(neigh_send(&n, to(3), 0));
    hear(ARP_REPLY, peer, ip(3), ip(1), 0);
    struct pkt *k = neigh_send(&n, to(3), 0);
    assert_non_null(k);
    pkt_free(k);
    end();
}

static void what_arp_teaches(void **state)
{
    (void)state;
    struct mac dst;
    uint32_t cursor = 0;
    begin(16, 8);
    hear(ARP_REPLY, peer, ip(9), ip(1), 0);             /* to us, unasked: we may as well know */
    hear(ARP_REQUEST, other, ip(7), ip(8), 0);          /* not about us: only known entries are updated */
    const struct neigh_entry *e = neigh_walk(&n, &cursor);
    assert_non_null(e);
    assert_true(addr_eq(e->addr, ip(9)));
    assert_null(neigh_walk(&n, &cursor));
    hear(ARP_REQUEST, other, ip(9), ip(9), 0);          /* gratuitous: it moved */
    assert_true(mac_eq(e->mac, other));
    assert_null(n.ready.first);
    hear(ARP_REQUEST, peer, ip(5), ip(1), 0);           /* asked: answered, and learnt */
    struct arp a = sent(&dst);
    assert_int_equal(a.op, ARP_REPLY);
    assert_true(mac_eq(dst, peer) && mac_eq(a.sender_mac, own) && addr_eq(a.sender, ip(1)) && addr_eq(a.target, ip(5)));
    hear(ARP_REQUEST, peer, addr4(0), ip(1), 0);        /* a probe for ours: answered, nothing learnt */
    a = sent(&dst);
    assert_int_equal(a.op, ARP_REPLY);
    end();
}

static void nonsense_is_dropped(void **state)
{
    (void)state;
    begin(16, 8);
    hear(3, peer, ip(2), ip(1), 0);
    hear(ARP_REPLY, MAC_BROADCAST, ip(2), ip(1), 0);
    hear(ARP_REPLY, peer, addr4(0xffffffff), ip(1), 0);
    hear(ARP_REPLY, peer, addr4(0xe0000001), ip(1), 0);
    assert_int_equal(trace.drops[WHY_ARP_BAD], 4);
    uint32_t cursor = 0;
    assert_null(neigh_walk(&n, &cursor));
    end();
}

static void groups_need_no_neighbour(void **state)
{
    (void)state;
    begin(16, 8);
    struct pkt *k = to(2);
    k->next_hop = addr4(0xefffff01);
    k = neigh_send(&n, k, 0);
    assert_memory_equal(pkt_head(k), "\x01\x00\x5e\x7f\xff\x01", 6);
    pkt_free(k);
    k = to(2);
    k->next_hop = addr4(0xffffffff);
    k = neigh_send(&n, k, 0);
    assert_memory_equal(pkt_head(k), MAC_BROADCAST.b, 6);
    pkt_free(k);
    end();
}

TESTS(request_wait_answer, three_requests_then_failure, bounded_in_all, spoofers_do_not_crowd_out, what_arp_teaches, nonsense_is_dropped, groups_need_no_neighbour)
