/* Better first hops that a gateway told of, sources that do not live where they say, and options that are filled in. */
#include "../test.h"
#include "base/checksum.h"
#include "net/inet.h"
#include "wire/icmp6.h"

static struct pkt_pools pools;
static struct trace trace;
static struct rng rng;
static struct inet n;

static struct addr ip(const char *text)
{
    struct addr a;
    if (!addr_parse(text, &a))
        fail_msg("%s", text);
    return a;
}

/* 10.0.0.1/24 and fe80::1 on 0 with a gateway each, 10.0.1.1/24 on 1. */
static void begin(bool forwarding)
{
    assert_true(pkt_pools_init(&pools, 64, 4));
    trace_init(&trace, 0);
    rng_seed(&rng, 1);
    inet_init(&n, &trace, &pools, &rng, 0);
    n.forwarding = forwarding;
    for (unsigned i = 0; i < 2; i++) {
        inet_set_iface(&n, i, &(struct inet_iface){ .up = true, .mtu = 1500, .reverse_path = true });
        assert_true(inet_add_addr(&n, i, (struct prefix){ ip(i ? "10.0.1.1" : "10.0.0.1"), 24 }, true));
    }
    assert_true(inet_add_addr(&n, 0, (struct prefix){ ip("fe80::1"), 64 }, true));
    assert_true(inet_add_addr(&n, 0, (struct prefix){ ip("2001:db8::1"), 64 }, true));
    assert_true(inet_add_route(&n, &(struct route){ .dst = { ip("0.0.0.0"), 0 }, .via = ip("10.0.0.254"), .origin = ROUTE_STATIC }));
    assert_true(inet_add_route(&n, &(struct route){ .dst = { ip("::"), 0 }, .via = ip("fe80::fe"), .origin = ROUTE_STATIC }));
}

static void end(void)
{
    inet_fini(&n);
    assert_int_equal(pools.small.used + pools.large.used, 0);
    pkt_pools_fini(&pools);
}

static bool goes_by(const char *dst, const char *hop)
{
    struct path p;
    return inet_route(&n, ADDR_NONE, ip(dst), &p) && addr_eq(p.next_hop, ip(hop));
}

static enum why told(const char *from, const char *dst, const char *hop) { return inet_redirected(&n, 0, ip(from), ip(dst), ip(hop), 0); }

static void only_the_gateway_is_believed(void **state)
{
    (void)state;
    begin(false);
    assert_int_equal(told("10.0.0.9", "192.0.2.1", "10.0.0.9"), WHY_REDIRECT_REFUSED);          /* not the one in use */
    assert_int_equal(told("10.0.0.254", "192.0.2.1", "10.0.1.9"), WHY_REDIRECT_REFUSED);        /* on another link */
    assert_int_equal(told("10.0.0.254", "192.0.2.1", "10.0.0.255"), WHY_REDIRECT_REFUSED);
    assert_int_equal(told("10.0.0.254", "192.0.2.1", "10.0.0.1"), WHY_REDIRECT_REFUSED);        /* ourselves */
    assert_int_equal(told("10.0.0.254", "224.0.0.9", "10.0.0.9"), WHY_REDIRECT_REFUSED);
    assert_int_equal(inet_redirected(&n, 1, ip("10.0.0.254"), ip("192.0.2.1"), ip("10.0.0.9"), 0), WHY_REDIRECT_REFUSED);
    assert_int_equal(told("10.0.0.254", "192.0.2.1", "10.0.0.9"), WHY_NONE);
    assert_true(goes_by("192.0.2.1", "10.0.0.9") && goes_by("192.0.2.2", "10.0.0.254"));
    assert_int_equal(told("10.0.0.254", "192.0.2.1", "10.0.0.8"), WHY_REDIRECT_REFUSED);        /* it is no longer asked */
    assert_int_equal(told("10.0.0.9", "192.0.2.1", "10.0.0.8"), WHY_NONE);
    assert_true(goes_by("192.0.2.1", "10.0.0.8"));
    inet_hop_died(&n, 0, ip("10.0.0.8"));
    assert_true(goes_by("192.0.2.1", "10.0.0.254"));
    end();
}

static void of_ipv6(void **state)
{
    (void)state;
    begin(false);
    assert_int_equal(told("fe80::fe", "2600::1", "2001:db8::9"), WHY_REDIRECT_REFUSED);         /* a router by its link-local address */
    assert_int_equal(told("fe80::fe", "2600::1", "fe80::9"), WHY_NONE);
    assert_int_equal(told("fe80::fe", "2600::2", "2600::2"), WHY_NONE);         /* a neighbour, though no prefix says so */
    assert_true(goes_by("2600::1", "fe80::9") && goes_by("2600::2", "2600::2") && goes_by("2600::3", "fe80::fe"));
    assert_int_equal(inet_deadline(&n), 600 * NS_PER_SEC);
    inet_tick(&n, 600 * NS_PER_SEC);
    assert_true(goes_by("2600::1", "fe80::fe") && goes_by("2600::2", "fe80::fe"));
    assert_int_equal(n.n_hop, 0);
    end();
    begin(true);
    assert_int_equal(told("fe80::fe", "2600::1", "fe80::9"), WHY_REDIRECT_REFUSED);
    end();
}

static void bounded(void **state)
{
    (void)state;
    begin(false);
    for (uint32_t i = 0; i < 2 * INET_HOPS; i++)
        assert_int_equal(inet_redirected(&n, 0, ip("10.0.0.254"), addr4(0xc0000200 + i), ip("10.0.0.9"), i), WHY_NONE);
    assert_int_equal(n.n_hop, INET_HOPS);
    assert_true(goes_by("192.0.2.127", "10.0.0.9") && goes_by("192.0.2.0", "10.0.0.254"));
    end();
}

/* A packet of IPv4 with these options, a multiple of 4. */
static struct pkt *packet(const char *src, const char *dst, uint8_t proto, const uint8_t *options, uint32_t options_len, const uint8_t *payload, uint32_t len)
{
    struct pkt *k = pkt_new(&pools, IP4_HEADER + options_len + len);
    uint8_t *h = pkt_append(k, IP4_HEADER + options_len + len);
    const struct ip4 ip4 = { .src = ip(src), .dst = ip(dst), .ttl = 9, .proto = proto, .total_len = (uint16_t)(IP4_HEADER + options_len + len) };
    ip4_put(h, &ip4);
    h[0] = (uint8_t)(0x40 | (5 + options_len / 4));
    memcpy(h + IP4_HEADER, options, options_len);
    memcpy(h + IP4_HEADER + options_len, payload, len);
    memset(h + 10, 0, 2);
    const uint16_t sum = csum_finish(csum_add((csum_t){ 0 }, h, IP4_HEADER + options_len));
    memcpy(h + 10, &sum, 2);
    return k;
}

static void who_lives_elsewhere(void **state)
{
    (void)state;
    static const struct { const char *src; bool transit; } cases[] = { { "10.0.0.9", true }, { "192.0.2.9", true }, { "10.0.1.9", false } };
    begin(true);
    for (unsigned i = 0; i < 3; i++) {
        struct batch b = { .n = 0 }, t = { .n = 0 };
        batch_add(&b, packet(cases[i].src, "10.0.1.2", IP_UDP, (const uint8_t *)"", 0, (const uint8_t *)"12345678", 8));
        inet_in(&n, &b, &t, 0);
        assert_int_equal(t.n, cases[i].transit);
        batch_free(&t);
    }
    assert_int_equal(trace.drops[WHY_IP_SPOOFED], 1);
    end();
}

/* RFC 1122 §3.2.2.6: Record Route and Timestamp go back with the answer, with us in them. */
static void options_of_an_echo(void **state)
{
    (void)state;
    static const struct { uint8_t in[12], out[12]; uint32_t len, out_len; } cases[] = {
        { { 7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0 }, { 7, 11, 8, 10, 0, 0, 1 }, 12, 12 },
        { { 7, 7, 8, 1, 2, 3, 4 }, { 7, 7, 8, 1, 2, 3, 4 }, 8, 8 },                             /* full */
        { { 68, 8, 5, 0 }, { 68, 8, 9, 0, 0x80, 0, 0, 5 }, 8, 8 },
        { { 68, 12, 5, 1 }, { 68, 12, 13, 1, 10, 0, 0, 1, 0x80, 0, 0, 5 }, 12, 12 },
        { { 68, 12, 5, 3, 10, 0, 0, 7 }, { 68, 12, 5, 3, 10, 0, 0, 7 }, 12, 12 },               /* another is asked */
        { { 68, 4, 5, 0x10 }, { 68, 4, 5, 0x20 }, 4, 4 },                                       /* no room: counted */
        { { 148, 4, 0, 0 }, { 0 }, 4, 0 },                                                      /* router alert: nothing to say */
    };
    uint8_t echo[8] = { ICMP4_ECHO, 0, 0, 0, 0, 1, 0, 2 };
    const uint16_t sum = csum_finish(csum_add((csum_t){ 0 }, echo, sizeof echo));
    memcpy(echo + 2, &sum, 2);
    begin(false);
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct batch b = { .n = 0 }, t = { .n = 0 };
        struct ip4 h;
        batch_add(&b, packet("10.0.0.9", "10.0.0.1", IP_ICMP, cases[i].in, cases[i].len, echo, sizeof echo));
        inet_in(&n, &b, &t, 0);
        inet_icmp_in(&n, &b, 5 * NS_PER_MS);
        struct pkt *k = pktq_pop(&n.out);
        assert_non_null(k);
        struct reader r = pkt_reader(k);
        assert_int_equal(ip4_read(&r, &h), WHY_NONE);
        assert_int_equal(h.header_len, IP4_HEADER + cases[i].out_len);
        assert_memory_equal(pkt_head(k) + IP4_HEADER, cases[i].out, cases[i].out_len);
        assert_int_equal(*r.at, ICMP4_ECHO_REPLY);
        pkt_free(k);
    }
    end();
}

TESTS(only_the_gateway_is_believed, of_ipv6, bounded, who_lives_elsewhere, options_of_an_echo)
