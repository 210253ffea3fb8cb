/* A router between two networks: routes that refuse, redirects, large packets whole and cut, batches. */
#include "../test.h"
#include "base/checksum.h"
#include "net/forward.h"
#include "wire/tcp.h"

static struct pkt_pools pools;
static struct trace trace;
static struct rng rng;
static struct inet n;

static struct addr ip(unsigned a, unsigned b, unsigned c, unsigned d) { return addr4(a << 24 | b << 16 | c << 8 | d); }

/* 10.0.0.1/24 on 0, 10.0.1.1/24 on 1; 10.9.0.0/16 by 10.0.0.9. */
static void begin(void)
{
    assert_true(pkt_pools_init(&pools, 256, 4));
    trace_init(&trace, 0);
    rng_seed(&rng, 1);
    inet_init(&n, &trace, &pools, &rng, 0);
    n.forwarding = true;
    for (unsigned i = 0; i < 2; i++) {
        inet_set_iface(&n, i, &(struct inet_iface){ .up = true, .mtu = 1500 });
        assert_true(inet_add_addr(&n, i, (struct prefix){ ip(10, 0, i, 1), 24 }, true));
    }
    assert_true(inet_add_route(&n, &(struct route){ .dst = { ip(10, 9, 0, 0), 16 }, .via = ip(10, 0, 0, 9), .iface = 0 }));
}

static void end(void)
{
    inet_fini(&n);
    assert_int_equal(pools.small.used + pools.large.used, 0);
    pkt_pools_fini(&pools);
}

static struct pkt *packet(struct addr src, struct addr dst, uint32_t len)
{
    struct pkt *k = pkt_new(&pools, 20u + len);
    const struct ip4 h = { .src = src, .dst = dst, .ttl = 64, .proto = IP_UDP, .total_len = (uint16_t)(20 + len) };
    struct writer w = writer_of(pkt_append(k, 20u + len), 20u + len);
    ip4_write(&w, &h);
    wr_fill(&w, 7, len);
    return k;
}

static void put_in(struct pkt *k, int64_t now_ns)
{
    struct batch b, t;
    batch_init(&b);
    batch_init(&t);
    batch_add(&b, k);
    inet_in(&n, &b, &t, now_ns);
    assert_int_equal(b.n, 0);
    inet_forward(&n, &t, now_ns);
}

/* The type and code of the ICMP error that comes out, its gateway; 0: nothing comes out. */
static unsigned said(struct addr *gateway)
{
    struct icmp4 h;
    struct pkt *k = pktq_pop(&n.out);
    if (!k)
        return 0;
    assert_int_equal(pkt_net(k)[9], IP_ICMP);
    struct reader r = reader_of(pkt_l4(k), pkt_l4_len(k));
    assert_true(icmp4_read(&r, &h));
    assert_int_equal(csum_finish(csum_add((csum_t){ 0 }, pkt_l4(k), pkt_l4_len(k))), 0);
    if (gateway)
        *gateway = h.gateway;
    pkt_free(k);
    return h.type * 256u + h.code;
}

static void routes_refuse_in_their_own_words(void **state)
{
    (void)state;
    static const struct { uint8_t kind; enum why why; unsigned said; } cases[] = {
        { ROUTE_BLACKHOLE, WHY_IP_BLACKHOLE, 0 },
        { ROUTE_UNREACHABLE, WHY_IP_UNREACHABLE, 3 * 256 + 1 },
        { ROUTE_PROHIBIT, WHY_IP_PROHIBITED, 3 * 256 + 13 },
    };
    begin();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct route r = { .dst = { ip(10, 9, 7, 0), 24 }, .iface = INET_LOOP, .kind = cases[i].kind };
        struct path p;
        assert_true(inet_add_route(&n, &r));
        put_in(packet(ip(10, 0, 1, 2), ip(10, 9, 7, 7), 8), 0);
        assert_int_equal(trace.drops[cases[i].why], 1);
        assert_int_equal(said(NULL), cases[i].said);
        assert_false(inet_route(&n, ADDR_NONE, ip(10, 9, 7, 7), &p));
    }
    assert_true(inet_del_route(&n, (struct prefix){ ip(10, 9, 7, 0), 24 }));
    put_in(packet(ip(10, 0, 1, 2), ip(10, 9, 7, 7), 8), 0);
    assert_int_equal(n.out.n, 1);
    put_in(packet(ip(10, 0, 1, 2), ip(172, 16, 0, 1), 8), 0);
    assert_int_equal(trace.drops[WHY_IP_NO_ROUTE], 1);
    end();
}

/* To a neighbour of the sender: it goes on, and the sender hears of the neighbour, not again within 2 s. */
static void who_takes_a_detour_is_told(void **state)
{
    (void)state;
    struct addr gateway;
    begin();
    put_in(packet(ip(10, 0, 0, 2), ip(10, 9, 1, 1), 8), 0);
    assert_int_equal(said(&gateway), 5 * 256 + 1);
    assert_true(addr_eq(gateway, ip(10, 0, 0, 9)));
    pkt_free(pktq_pop(&n.out));
    put_in(packet(ip(10, 0, 0, 2), ip(10, 9, 1, 1), 8), NS_PER_SEC);
    assert_int_equal(n.out.n, 1);
    pkt_free(pktq_pop(&n.out));
    put_in(packet(ip(10, 0, 0, 2), ip(10, 9, 1, 1), 8), 3 * NS_PER_SEC);
    assert_int_equal(n.out.n, 2);
    pktq_free(&n.out);
    pktq_init(&n.out);
    put_in(packet(ip(172, 16, 0, 2), ip(10, 9, 1, 1), 8), 4 * NS_PER_SEC);      /* no neighbour: another router sent it */
    assert_int_equal(n.out.n, 1);
    put_in(packet(ip(10, 0, 1, 2), ip(10, 9, 1, 1), 8), 4 * NS_PER_SEC);        /* no detour */
    assert_int_equal(n.out.n, 2);
    end();
}

static struct pkt *large(bool dont_fragment)
{
    enum { PAYLOAD = 14600 };
    struct pkt *k = packet(ip(10, 0, 0, 2), ip(10, 0, 1, 2), TCP_HEADER + PAYLOAD);
    uint8_t *h = pkt_head(k);
    h[9] = IP_TCP;
    h[6] = dont_fragment ? 0x40 : 0;
    memset(h + 10, 0, 2);
    const uint16_t sum = csum_finish(csum_add((csum_t){ 0 }, h, 20));
    memcpy(h + 10, &sum, 2);
    h[20 + 12] = 5 << 4;
    k->gso_size = 1460;
    return k;
}

static void large_packets_stay_whole(void **state)
{
    (void)state;
    begin();
    put_in(large(true), 0);
    assert_int_equal(n.out.n, 1);
    struct pkt *k = pktq_pop(&n.out);
    assert_int_equal(k->gso_size, 1460);
    assert_int_equal(k->iface, 1);
    assert_int_equal(pkt_net(k)[8], 63);
    assert_int_equal(csum_finish(csum_add((csum_t){ 0 }, pkt_net(k), 20)), 0);
    pkt_free(k);
    inet_set_iface(&n, 1, &(struct inet_iface){ .up = true, .mtu = 1000 });
    put_in(large(true), 0);
    assert_int_equal(said(NULL), 3 * 256 + 4);
    put_in(large(false), 0);
    assert_int_equal(n.out.n, 20);      /* ten segments, each of two fragments */
    for (; (k = pktq_pop(&n.out)); pkt_free(k))
        assert_in_range(k->len, 21, 1000);
    end();
}

static void a_batch_goes_many_ways(void **state)
{
    (void)state;
    struct batch b, t;
    begin();
    batch_init(&b);
    batch_init(&t);
    for (unsigned i = 0; i < BATCH_MAX; i++)
        batch_add(&b, packet(ip(172, 16, 0, 2), i % 4 == 3 ? ip(8, 8, 8, 8) : ip(10, i % 4 == 2 ? 9 : 0, i % 4 == 1, 7), 8));
    inet_in(&n, &b, &t, 0);
    assert_int_equal(t.n, BATCH_MAX);
    assert_true(inet_add_route(&n, &(struct route){ .dst = { ip(172, 16, 0, 0), 12 }, .iface = INET_LOOP, .kind = ROUTE_BLACKHOLE }));
    inet_forward(&n, &t, 0);
    assert_int_equal(n.out.n, BATCH_MAX * 3 / 4);
    assert_int_equal(trace.drops[WHY_IP_NO_ROUTE], BATCH_MAX / 4);
    for (struct pkt *k; (k = pktq_pop(&n.out)); pkt_free(k)) {
        assert_int_equal(k->iface, addr_eq(ip_dst(k), ip(10, 0, 1, 7)));
        assert_true(addr_eq(k->next_hop, addr_eq(ip_dst(k), ip(10, 9, 0, 7)) ? ip(10, 0, 0, 9) : ip_dst(k)));
    }
    end();
}

TESTS(routes_refuse_in_their_own_words, who_takes_a_detour_is_told, large_packets_stay_whole, a_batch_goes_many_ways)
