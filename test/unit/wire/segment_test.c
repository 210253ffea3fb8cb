/* Segmenting and coalescing, each judged by reading the packets it made. */
#include "../test.h"
#include "base/checksum.h"
#include "base/rng.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/segment.h"
#include "wire/tcp.h"
#include "wire/udp.h"

static struct pkt_pools pools;
static bool v6;                         /* the packets of this run are IPv6 */
static uint32_t ip_header(void) { return v6 ? IP6_HEADER : IP4_HEADER; }
static struct addr host(uint8_t n) { return v6 ? (struct addr){ .b = { 0x20, 1, 0xd, 0xb8, [15] = n } } : addr4(0x0a000000u + n); }

static int set_up(void **state)
{
    (void)state;
    return pkt_pools_init(&pools, 256, 16) ? 0 : -1;
}
static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(pools.small.used, 0);
    assert_int_equal(pools.large.used, 0);
    pkt_pools_fini(&pools);
    return 0;
}

struct shape { uint32_t seq, len; uint16_t gso_size, id; uint8_t flags, tos, options; uint16_t window; uint16_t port; uint32_t ack; };

static uint8_t byte_at(uint32_t seq) { return (uint8_t)(seq * 31 + (seq >> 8)); }

/* A TCP packet with right checksums whose payload follows from its sequence numbers. */
static struct pkt *tcp_pkt(struct shape s)
{
    const uint32_t l4_header = TCP_HEADER + s.options * 4u, total = ip_header() + l4_header + s.len;
    struct pkt *k = pkt_new(&pools, total);
    assert_non_null(k);
    const struct ip4 ip = { .src = host(1), .dst = host(2), .total_len = (uint16_t)total, .id = s.id, .ttl = 64,
                            .proto = IP_TCP, .tos = s.tos, .dont_fragment = true };
    const struct ip6 ip6 = { .src = host(1), .dst = host(2), .payload_len = (uint16_t)(total - IP6_HEADER), .traffic_class = s.tos, .flow_label = 0x12345,
                             .next = IP_TCP, .hop_limit = 64 };
    const struct tcp_header tcp = { .src_port = s.port ? s.port : 1000, .dst_port = 80, .seq = seq(s.seq), .ack = seq(s.ack),
                                    .header_len = (uint8_t)l4_header, .flags = s.flags, .window = s.window };
    struct writer w = writer_of(pkt_append(k, total), total);
    if (v6)
        ip6_write(&w, &ip6);
    else
        ip4_write(&w, &ip);
    tcp_header_write(&w, &tcp);
    wr_fill(&w, 1, s.options * 4u);
    for (uint32_t i = 0; i < s.len; i++)
        wr_u8(&w, byte_at(s.seq + i));
    assert_false(w.bad);
    k->net_off = (uint16_t)k->head;
    k->l4_off = (uint16_t)(k->head + ip_header());
    k->proto = IP_TCP;
    k->gso_size = s.gso_size;
    const uint16_t sum = csum_finish(csum_add(csum_pseudo(ip.src, ip.dst, IP_TCP, l4_header + s.len), pkt_l4(k), l4_header + s.len));
    memcpy(pkt_l4(k) + 16, &sum, 2);
    return k;
}

/* Reads a packet and asserts that all of it is right. */
static uint32_t check_tcp(struct pkt *k, struct ip4 *ip, struct tcp_header *tcp)
{
    struct reader r = pkt_reader(k);
    struct ip6 h;
    *ip = (struct ip4){ .src = host(1), .dst = host(2) };
    assert_int_equal(v6 ? ip6_read(&r, &h) : ip4_read(&r, ip), WHY_NONE);
    assert_int_equal(v6 ? h.payload_len + IP6_HEADER : ip->total_len, k->len);
    assert_int_equal(k->l4_off - k->head, ip_header());
    const uint32_t l4_len = (uint32_t)rd_left(&r);
    assert_int_equal(csum_finish(csum_add(csum_pseudo(ip->src, ip->dst, IP_TCP, l4_len), r.at, l4_len)), 0);
    assert_true(tcp_header_read(&r, tcp));
    rd_skip(&r, tcp->header_len - (size_t)TCP_HEADER);
    const uint32_t payload = (uint32_t)rd_left(&r);
    for (uint32_t i = 0; i < payload; i++)
        assert_int_equal(rd_u8(&r), byte_at(tcp->seq.n + i));
    return payload;
}

static void splits(void **state)
{
    (void)state;
    struct pktq q;
    pktq_init(&q);
    struct pkt *k = tcp_pkt((struct shape){ .seq = 0xfffffc00, .len = 5000, .gso_size = 1448, .id = 0xffff, .options = 3,
                                            .flags = ACK | PSH | FIN | CWR, .window = 77 });
    k->iface = 3;
    k->time_ns = 42;
    assert_true(segment(&pools, k, &q));
    assert_int_equal(q.n, 4);
    uint32_t at = 0xfffffc00, sum = 0;
    for (uint32_t i = 0; i < 4; i++) {
        struct ip4 ip;
        struct tcp_header tcp;
        struct pkt *p = pktq_pop(&q);
        const uint32_t n = check_tcp(p, &ip, &tcp);
        assert_int_equal(n, i < 3 ? 1448 : 5000 - 3 * 1448);
        assert_int_equal(tcp.seq.n, at);
        assert_int_equal(ip.id, v6 ? 0 : (uint16_t)(0xffff + i));
        assert_int_equal(tcp.flags, ACK | (i == 0 ? CWR : 0) | (i == 3 ? PSH | FIN : 0));
        assert_int_equal(tcp.window, 77);
        assert_int_equal(p->gso_size, 0);
        assert_int_equal(p->csum, CSUM_NONE);
        assert_int_equal(p->iface, 3);
        assert_int_equal(p->time_ns, 42);
        at += n;
        sum += n;
        pkt_free(p);
    }
    assert_int_equal(sum, 5000);
}

static void splits_borrowed_bytes(void **state)
{
    (void)state;
    static uint8_t buffer[10000];
    struct rng rng;
    rng_seed(&rng, 7);
    for (uint32_t i = 0; i < sizeof buffer; i++)
        buffer[i] = byte_at(i);
    for (int round = 0; round < 200; round++) {
        struct pktq q;
        pktq_init(&q);
        const uint32_t linear = rng_below(&rng, 100);
        struct pkt *k = tcp_pkt((struct shape){ .seq = 0, .len = linear, .flags = ACK });
        uint32_t total = linear;
        for (int s = 0; s < 6; s++) {                       /* slices of any size, odd ones too */
            const uint32_t n = 1 + rng_below(&rng, 1500);
            assert_true(pkt_borrow(k, buffer + total, n));
            total += n;
        }
        k->gso_size = (uint16_t)(1 + rng_below(&rng, 1460));
        const uint32_t want = (total + k->gso_size - 1) / k->gso_size;
        if (want > 200) {
            pkt_free(k);
            continue;
        }
        store_be16(pkt_head(k) + (v6 ? 4 : 2), (uint16_t)((v6 ? 0 : IP4_HEADER) + TCP_HEADER + total));
        assert_true(segment(&pools, k, &q));
        assert_int_equal(q.n, want);
        uint32_t at = 0;
        for (struct pkt *p; (p = pktq_pop(&q)); pkt_free(p)) {
            struct ip4 ip;
            struct tcp_header tcp;
            const uint32_t n = check_tcp(p, &ip, &tcp);
            assert_int_equal(tcp.seq.n, at);
            at += n;
        }
        assert_int_equal(at, total);
    }
}

static void small_ones_pass(void **state)
{
    (void)state;
    struct pktq q;
    pktq_init(&q);
    struct pkt *k = tcp_pkt((struct shape){ .len = 100, .flags = ACK }), *same = k;
    assert_true(segment(&pools, k, &q));
    assert_ptr_equal(k = pktq_pop(&q), same);
    k->gso_size = 100;                                      /* as large as the payload: no need to split */
    assert_true(segment(&pools, k, &q));
    assert_int_equal(q.n, 1);
    assert_ptr_equal(k = pktq_pop(&q), same);
    assert_int_equal(k->gso_size, 0);
    pkt_free(k);
}

static void udp_splits_too(void **state)
{
    (void)state;
    struct pktq q;
    pktq_init(&q);
    struct pkt *k = pkt_new(&pools, 28 + 2500);
    struct writer w = writer_of(pkt_append(k, 28 + 2500), 28 + 2500);
    const struct ip4 ip = { .src = addr4(1), .dst = addr4(2), .total_len = 28 + 2500, .ttl = 1, .proto = IP_UDP };
    ip4_write(&w, &ip);
    udp_write(&w, &(struct udp_header){ 1, 2, 8 + 2500, 0 });
    wr_fill(&w, 0xab, 2500);
    k->l4_off = (uint16_t)(k->head + 20);
    k->gso_size = 1000;
    k->proto = IP_UDP;
    assert_true(segment(&pools, k, &q));
    assert_int_equal(q.n, 3);
    for (struct pkt *p; (p = pktq_pop(&q)); pkt_free(p)) {
        struct udp_header u;
        struct ip4 back;
        struct reader r = pkt_reader(p);
        assert_int_equal(ip4_read(&r, &back), WHY_NONE);
        const size_t len = rd_left(&r);
        assert_int_equal(csum_finish(csum_add(csum_pseudo(back.src, back.dst, IP_UDP, (uint32_t)len), r.at, len)), 0);
        assert_true(udp_read(&r, &u));
        assert_int_equal(u.len, len);
    }
}

static void no_buffer_left(void **state)
{
    (void)state;
    struct pktq q, hold;
    pktq_init(&q);
    pktq_init(&hold);
    struct pkt *k = tcp_pkt((struct shape){ .len = 5000, .gso_size = 1000, .flags = ACK });
    while (pool_left(&pools.small) > 2)
        pktq_push(&hold, pkt_new(&pools, 100));
    assert_false(segment(&pools, k, &q));
    assert_int_equal(q.n, 2);
    pktq_free(&q);
    pktq_free(&hold);
}

static struct batch *batch_of(struct batch *b, const struct shape *s, uint32_t n)
{
    *b = (struct batch){ .n = 0 };
    for (uint32_t i = 0; i < n; i++)
        batch_add(b, tcp_pkt(s[i]));
    return b;
}

static void joins(void **state)
{
    (void)state;
    struct batch b;
    const struct shape in[] = { { .seq = 0xffffff00, .len = 1001, .flags = ACK, .options = 3 }, { .seq = 745, .len = 1001, .flags = ACK, .options = 3 },
                                { .seq = 1746, .len = 7, .flags = ACK | PSH, .options = 3 } };
    coalesce(&pools, batch_of(&b, in, 3));
    assert_int_equal(b.n, 1);
    assert_int_equal(b.bytes, ip_header() + 32 + 2009);
    assert_int_equal(b.pkt[0]->gso_size, 1001);
    assert_int_equal(b.pkt[0]->csum, CSUM_OK);
    struct ip4 ip;
    struct tcp_header tcp;
    assert_int_equal(check_tcp(b.pkt[0], &ip, &tcp), 2009);
    assert_int_equal(tcp.flags, ACK | PSH);
    batch_free(&b);
}

static void does_not_join(void **state)
{
    (void)state;
    const struct shape base = { .len = 100, .flags = ACK, .window = 5, .ack = 9 };
    struct shape next[12];
    for (size_t i = 0; i < 12; i++) {
        next[i] = base;
        next[i].seq = 100;
    }
    next[0].seq = 101;              /* a gap */
    next[1].seq = 99;               /* an overlap */
    next[2].tos = 3;                /* congestion experienced */
    next[3].flags = ACK | ECE;
    next[4].options = 1;
    next[5].window = 6;
    next[6].ack = 10;
    next[7].flags = ACK | FIN;
    next[8].flags = ACK | CWR;
    next[9].len = 101;              /* larger than the first */
    next[10].port = 1001;           /* another flow */
    next[11].flags = ACK | URG;
    for (size_t i = 0; i < 12; i++) {
        struct batch b;
        const struct shape in[] = { base, next[i] };
        coalesce(&pools, batch_of(&b, in, 2));
        if (b.n != 2)
            fail_msg("%zu was joined", i);
        assert_int_equal(b.pkt[0]->gso_size, 0);
        batch_free(&b);
    }
    struct batch b;
    const struct shape after_push[] = { { .len = 100, .flags = ACK | PSH }, { .seq = 100, .len = 100, .flags = ACK } };
    coalesce(&pools, batch_of(&b, after_push, 2));
    assert_int_equal(b.n, 2);
    batch_free(&b);
    const struct shape after_short[] = { { .len = 100, .flags = ACK }, { .seq = 100, .len = 50, .flags = ACK }, { .seq = 150, .len = 50, .flags = ACK } };
    coalesce(&pools, batch_of(&b, after_short, 3));
    assert_int_equal(b.n, 2);
    batch_free(&b);
}

static void a_wrong_checksum_stays_alone(void **state)
{
    (void)state;
    struct batch b;
    const struct shape in[] = { { .len = 100, .flags = ACK }, { .seq = 100, .len = 100, .flags = ACK }, { .seq = 200, .len = 100, .flags = ACK } };
    batch_of(&b, in, 3);
    pkt_head(b.pkt[1])[ip_header() + 40] ^= 1;
    coalesce(&pools, &b);
    assert_int_equal(b.n, 3);
    assert_int_equal(b.pkt[1]->csum, CSUM_NONE);
    batch_free(&b);
}

static void flows_mix(void **state)
{
    (void)state;
    struct batch b;
    struct shape in[20];
    for (uint32_t i = 0; i < 20; i++)
        in[i] = (struct shape){ .seq = i / 2 * 100, .len = 100, .flags = ACK, .port = (uint16_t)(1000 + i % 2) };
    coalesce(&pools, batch_of(&b, in, 20));
    assert_int_equal(b.n, 2);
    for (uint32_t i = 0; i < 2; i++) {
        struct ip4 ip;
        struct tcp_header tcp;
        assert_int_equal(check_tcp(b.pkt[i], &ip, &tcp), 1000);
        assert_int_equal(tcp.src_port, 1000 + i);
    }
    batch_free(&b);
}

/* Segmented and coalesced again, a large packet is the same, byte for byte. */
static void there_and_back(void **state)
{
    (void)state;
    struct rng rng;
    rng_seed(&rng, 3);
    for (int round = 0; round < 100; round++) {
        struct pktq q;
        struct batch b = { .n = 0 };
        pktq_init(&q);
        const uint32_t gso_size = 500 + rng_below(&rng, 960), len = 1 + rng_below(&rng, gso_size * 40);
        const struct shape s = { .seq = (uint32_t)rng_u64(&rng), .len = len, .gso_size = (uint16_t)gso_size, .flags = ACK | PSH, .options = 3 };
        struct pkt *large = tcp_pkt(s);
        struct pkt *copy = pkt_copy(&pools, large);
        assert_true(segment(&pools, large, &q));
        for (struct pkt *p; (p = pktq_pop(&q));)
            batch_add(&b, p);
        coalesce(&pools, &b);
        assert_int_equal(b.n, 1);
        assert_int_equal(b.pkt[0]->len, copy->len);
        assert_memory_equal(pkt_head(b.pkt[0]), pkt_head(copy), copy->len);
        pkt_free(copy);
        batch_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest all[] = { EACH(splits, splits_borrowed_bytes, small_ones_pass, udp_splits_too, no_buffer_left, joins,
                                           does_not_join, a_wrong_checksum_stays_alone, flows_mix, there_and_back) };
    const int bad4 = cmocka_run_group_tests_name("IPv4", all, set_up, tear_down);
    v6 = true;
    return bad4 + cmocka_run_group_tests_name("IPv6", all, set_up, tear_down);
}
