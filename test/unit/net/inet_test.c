/* IP in, out and forwarded, by itself: every malformed or misdirected packet has its
 * reason, and ICMP errors go out only where they may. */
#include "../test.h"
#include "base/checksum.h"
#include "net/inet.h"

static struct pkt_pools pools;
static struct trace trace;
static struct rng rng;
static struct inet n;

static struct addr ip(unsigned a, unsigned b, unsigned c, unsigned d) { return addr4(a << 24 | b << 16 | c << 8 | d); }

/* 10.0.0.1/24 on 0, 10.0.1.1/24 on 1. */
static void begin(bool forwarding)
{
    assert_true(pkt_pools_init(&pools, 256, 4));
    trace_init(&trace, 0);
    rng_seed(&rng, 1);
    inet_init(&n, &trace, &pools, &rng, 0);
    n.forwarding = forwarding;
    for (unsigned i = 0; i < 2; i++) {
        inet_set_iface(&n, i, &(struct inet_iface){ .up = true, .mtu = 1500 });
        assert_true(inet_add_addr(&n, i, (struct prefix){ ip(10, 0, i, 1), 24 }, true));
    }
}

static void end(void)
{
    inet_fini(&n);
    assert_int_equal(pools.small.used + pools.large.used, 0);
    pkt_pools_fini(&pools);
}

static struct ip4 header(struct addr src, struct addr dst, uint8_t proto)
{
    return (struct ip4){ .src = src, .dst = dst, .ttl = 64, .proto = proto };
}

static struct pkt *packet(struct ip4 h, const void *payload, uint16_t len)
{
    struct pkt *k = pkt_new(&pools, 20u + len);
    struct writer w = writer_of(pkt_append(k, 20u + len), 20u + len);
    h.total_len = (uint16_t)(20 + len);
    ip4_write(&w, &h);
    wr_bytes(&w, payload, len);
    return k;
}

/* What happens to one packet; true: it stays, for the layer above. */
static bool in(struct pkt *k, bool *transit)
{
    struct batch b = { .n = 0 }, t = { .n = 0 };
    batch_add(&b, k);
    inet_in(&n, &b, &t, 0);
    const bool stays = b.n == 1;
    if (transit)
        *transit = t.n == 1;
    batch_free(&b);
    batch_free(&t);
    return stays;
}

static void who_may_send_to_whom(void **state)
{
    (void)state;
    static const struct { uint32_t src, dst; bool group; enum why why; } cases[] = {
        { 0x0a000002, 0x0a000001, false, WHY_NONE },
        { 0x0a000002, 0x0a000101, false, WHY_NONE },            /* the other interface's address is ours too */
        { 0x0a000002, 0x0a0000ff, true, WHY_NONE },             /* directed broadcast */
        { 0x0a000002, 0xffffffff, true, WHY_NONE },
        { 0x00000000, 0xffffffff, true, WHY_NONE },             /* a DHCP client asks */
        { 0x0a000002, 0xe0000001, true, WHY_NONE },             /* all hosts */
        { 0x0a000002, 0xe00000fb, true, WHY_IP_MULTICAST },
        { 0x0a000002, 0x0a000001, true, WHY_IP_LINK_BROADCAST },
        { 0x0a000002, 0x0a000003, false, WHY_IP_NOT_OURS },
        { 0x0a000002, 0x7f000001, false, WHY_IP_NOT_OURS },
        { 0x7f000001, 0x0a000001, false, WHY_IP_SOURCE_BAD },
        { 0x0a0000ff, 0x0a000001, false, WHY_IP_SOURCE_BAD },
        { 0xe0000001, 0x0a000001, false, WHY_IP_SOURCE_BAD },
        { 0xffffffff, 0x0a000001, false, WHY_IP_SOURCE_BAD },
        { 0x00000000, 0x0a000001, false, WHY_IP_SOURCE_BAD },
        { 0x0a000001, 0x0a000001, false, WHY_IP_SOURCE_BAD },   /* from outside, with our own address */
        { 0x00000005, 0x0a000001, false, WHY_IP_SOURCE_BAD },
    };
    begin(false);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pkt *k = packet(header(addr4(cases[i].src), addr4(cases[i].dst), IP_UDP), "12345678", 8);
        const uint64_t before = trace.drops[cases[i].why];
        k->group = cases[i].group;
        const bool stays = in(k, NULL);
        if (stays != (cases[i].why == WHY_NONE) || trace.drops[cases[i].why] != before + !stays)
            fail_msg("case %zu", i);
    }
    end();
}

static void padding_is_cut(void **state)
{
    (void)state;
    begin(false);
    struct batch b = { .n = 0 }, t = { .n = 0 };
    struct pkt *k = packet(header(ip(10, 0, 0, 2), ip(10, 0, 0, 1), IP_UDP), "12345678", 8);
    memset(pkt_append(k, 18), 0, 18);
    batch_add(&b, k);
    inet_in(&n, &b, &t, 0);
    assert_int_equal(b.n, 1);
    assert_int_equal(k->len, 28);
    assert_int_equal(k->l4_off - k->net_off, 20);
    assert_int_equal(k->proto, IP_UDP);
    batch_free(&b);
    struct pkt *bad = packet(header(ip(10, 0, 0, 2), ip(10, 0, 0, 1), IP_UDP), "12345678", 8);
    pkt_head(bad)[10] ^= 1;
    assert_false(in(bad, NULL));
    assert_int_equal(trace.drops[WHY_IP_CHECKSUM], 1);
    end();
}

static bool forwarded(struct pkt *k, struct pkt **out)
{
    struct batch b = { .n = 0 }, t = { .n = 0 };
    batch_add(&b, k);
    inet_in(&n, &b, &t, 0);
    inet_forward(&n, &t, 0);
    batch_free(&b);
    *out = pktq_pop(&n.out);
    return *out && pkt_net(*out)[9] != IP_ICMP;
}

static void a_router_forwards_or_says_why(void **state)
{
    (void)state;
    struct pkt *out;
    struct ip4 h = header(ip(10, 0, 0, 2), ip(10, 0, 1, 2), IP_UDP);
    static const uint8_t big[1480];
    begin(true);
    assert_true(forwarded(packet(h, "12345678", 8), &out));
    assert_int_equal(out->iface, 1);
    assert_true(addr_eq(out->next_hop, ip(10, 0, 1, 2)));
    struct reader r = pkt_reader(out);
    struct ip4 got;
    assert_int_equal(ip4_read(&r, &got), WHY_NONE);
    assert_int_equal(got.ttl, 63);
    pkt_free(out);
    h.ttl = 1;
    assert_false(forwarded(packet(h, "12345678", 8), &out));
    assert_int_equal(out->data[out->l4_off], ICMP4_TIME_EXCEEDED);
    assert_true(addr_eq(ip_src(out), ip(10, 0, 0, 1)) && addr_eq(ip_dst(out), ip(10, 0, 0, 2)));
    pkt_free(out);
    h.ttl = 64;
    h.dst = ip(192, 0, 2, 1);
    assert_false(forwarded(packet(h, "12345678", 8), &out));
    assert_int_equal(out->data[out->l4_off + 1], ICMP4_UNREACH_NET);
    pkt_free(out);
    inet_set_iface(&n, 1, &(struct inet_iface){ .up = true, .mtu = 1000 });
    h.dst = ip(10, 0, 1, 2);
    h.dont_fragment = true;
    assert_false(forwarded(packet(h, big, sizeof big), &out));
    assert_int_equal(out->data[out->l4_off + 1], ICMP4_UNREACH_FRAG_NEEDED);
    assert_int_equal(load_be16(out->data + out->l4_off + 6), 1000);
    pkt_free(out);
    h.dont_fragment = false;
    assert_true(forwarded(packet(h, big, sizeof big), &out));
    assert_in_range(out->len, 900, 1000);
    pkt_free(out);
    pkt_free(pktq_pop(&n.out));
    assert_null(n.out.first);
    h.dst = ip(10, 0, 1, 255);          /* RFC 2644 */
    assert_false(forwarded(packet(h, "12345678", 8), &out));
    assert_null(out);
    end();
}

/* RFC 1122 §3.2.2: silence about these. */
static void errors_are_not_about_everything(void **state)
{
    (void)state;
    begin(true);
    const uint8_t icmp_error[8] = { ICMP4_UNREACHABLE, 3 }, echo[8] = { ICMP4_ECHO };
    struct { struct ip4 h; const void *payload; bool group; bool silent; } cases[] = {
        { header(ip(10, 0, 0, 2), ip(10, 0, 0, 1), IP_UDP), "12345678", false, false },
        { header(ip(10, 0, 0, 2), ip(10, 0, 0, 1), IP_ICMP), echo, false, false },
        { header(ip(10, 0, 0, 2), ip(10, 0, 0, 1), IP_ICMP), icmp_error, false, true },
        { header(ip(10, 0, 0, 2), ip(10, 0, 0, 255), IP_UDP), "12345678", true, true },
        { header(ip(10, 0, 0, 2), ip(224, 0, 0, 1), IP_UDP), "12345678", true, true },
        { header(ip(0, 0, 0, 0), ip(255, 255, 255, 255), IP_UDP), "12345678", true, true },
        { header(ip(10, 0, 0, 2), ip(10, 0, 0, 1), IP_UDP), "12345678", false, true },
    };
    cases[6].h.frag_offset = 8;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pkt *k = packet(cases[i].h, cases[i].payload, 8);
        k->net_off = (uint16_t)k->head;
        k->l4_off = (uint16_t)(k->head + 20);
        k->proto = cases[i].h.proto;
        k->group = cases[i].group;
        inet_error(&n, k, TROUBLE_PROTOCOL, 0, 0);
        struct pkt *out = pktq_pop(&n.out);
        if (!out != cases[i].silent)
            fail_msg("case %zu", i);
        pkt_free(out);
        pkt_free(k);
    }
    end();
}

static void errors_are_rate_limited(void **state)
{
    (void)state;
    unsigned sent = 0;
    begin(false);
    struct pkt *k = packet(header(ip(10, 0, 0, 2), ip(10, 0, 0, 1), IP_UDP), "12345678", 8);
    k->net_off = (uint16_t)k->head;
    k->l4_off = (uint16_t)(k->head + 20);
    k->proto = IP_UDP;
    for (int64_t ms = 0; ms < 1000; ms++)
        for (int i = 0; i < 5; i++)
            inet_error(&n, k, TROUBLE_PORT, 0, ms * NS_PER_MS);
    for (struct pkt *out; (out = pktq_pop(&n.out)); sent++)
        pkt_free(out);
    pkt_free(k);
    assert_int_equal(sent + trace.drops[WHY_ICMP_RATE] + trace.drops[WHY_NO_BUFFER], 5000);
    assert_in_range(trace.drops[WHY_ICMP_RATE], 3900, 4000);
    end();
}

static void errors_about_strangers_are_not_believed(void **state)
{
    (void)state;
    struct batch b = { .n = 0 }, t = { .n = 0 };
    uint8_t msg[8 + 28];
    begin(false);
    for (unsigned ours = 0; ours < 2; ours++) {
        uint8_t quote[28];
        struct writer q = writer_of(quote, sizeof quote);
        struct ip4 h = header(ours ? ip(10, 0, 0, 1) : ip(10, 9, 9, 9), ip(192, 0, 2, 1), IP_UDP);
        h.total_len = 28;
        ip4_write(&q, &h);
        wr_u16(&q, 4000);
        wr_u16(&q, 53);
        wr_u32(&q, 0);
        struct writer w = writer_of(msg, sizeof msg);
        icmp4_write(&w, &(struct icmp4){ .type = ICMP4_UNREACHABLE, .code = ICMP4_UNREACH_PORT }, quote, sizeof quote);
        batch_add(&b, packet(header(ip(10, 0, 0, 2), ip(10, 0, 0, 1), IP_ICMP), msg, sizeof msg));
    }
    inet_in(&n, &b, &t, 0);
    inet_icmp_in(&n, &b, 0);
    assert_int_equal(b.n, 0);
    assert_int_equal(trace.drops[WHY_ICMP_UNASKED], 1);
    assert_int_equal(n.n_error, 1);
    assert_int_equal(n.error[0].trouble, TROUBLE_PORT);
    assert_int_equal(n.error[0].flow.local_port, 4000);
    assert_int_equal(n.error[0].flow.remote_port, 53);
    assert_true(addr_eq(n.error[0].flow.remote, ip(192, 0, 2, 1)));
    end();
}

static void ids_and_headers_out(void **state)
{
    (void)state;
    struct path p;
    uint16_t last = 0;
    begin(false);
    assert_true(inet_route(&n, ADDR_NONE, ip(10, 0, 0, 9), &p));
    for (int i = 0; i < 3; i++) {
        struct pkt *k = pkt_new(&pools, 8);
        memset(pkt_append(k, 8), 0, 8);
        k->path = &p;
        k->proto = IP_UDP;
        k->tos = 0x28;
        k = inet_send(&n, k, 0);
        assert_non_null(k);
        struct ip4 h;
        struct reader r = pkt_reader(k);
        assert_int_equal(ip4_read(&r, &h), WHY_NONE);
        assert_int_equal(h.ttl, 64);
        assert_int_equal(h.tos, 0x28);
        assert_true(addr_eq(h.src, ip(10, 0, 0, 1)));
        assert_true(i == 0 || h.id == (uint16_t)(last + 1));
        assert_true(addr_eq(k->next_hop, ip(10, 0, 0, 9)));
        last = h.id;
        pkt_free(k);
    }
    assert_false(inet_route(&n, ADDR_NONE, ip(192, 0, 2, 1), &p));
    assert_false(inet_route(&n, ip(10, 7, 7, 7), ip(10, 0, 0, 9), &p));
    assert_true(inet_route(&n, ADDR_NONE, ip(10, 0, 0, 255), &p));
    assert_true(addr_is_broadcast(p.next_hop));
    assert_true(inet_route(&n, ip(10, 0, 1, 1), ip(255, 255, 255, 255), &p));
    assert_int_equal(p.iface, 1);
    assert_true(inet_route(&n, ADDR_NONE, ip(10, 0, 1, 1), &p));
    assert_int_equal(p.iface, INET_LOOP);
    end();
}

TESTS(who_may_send_to_whom, padding_is_cut, a_router_forwards_or_says_why, errors_are_not_about_everything, errors_are_rate_limited,
      errors_about_strangers_are_not_believed, ids_and_headers_out)
