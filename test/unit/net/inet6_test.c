/* IPv6 in and out by itself: addresses, extension headers, fragments, ICMPv6 and what it says of our own packets. */
#include "../test.h"
#include "base/checksum.h"
#include "net/inet.h"
#include "wire/icmp6.h"
#include "wire/ip6.h"
#include "wire/tcp.h"

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

/* 2001:db8::1/64 and fe80::1 on 0, 2001:db8:1::1/64 and fe80::2 on 1. */
static void begin(bool forwarding)
{
    static const char *const own[2][2] = { { "2001:db8::1", "fe80::1" }, { "2001:db8:1::1", "fe80::2" } };
    assert_true(pkt_pools_init(&pools, 256, 4));
    trace_init(&trace, 0);
    rng_seed(&rng, 1);
    inet_init(&n, &trace, &pools, &rng, 0);
    n.forwarding = forwarding;
    for (unsigned i = 0; i < 2; i++) {
        inet_set_iface(&n, i, &(struct inet_iface){ .up = true, .mtu = 1500 });
        for (unsigned j = 0; j < 2; j++)
            assert_true(inet_add_addr(&n, i, (struct prefix){ ip(own[i][j]), 64 }, true));
        inet_group_own(&n, i, nd_solicited_node(ip(own[i][1])), true, 0);
    }
    pktq_free(&n.out);                  /* what routers are told of that */
}

static void end(void)
{
    inet_fini(&n);
    assert_int_equal(pools.small.used + pools.large.used, 0);
    pkt_pools_fini(&pools);
}

static struct ip6 header(const char *src, const char *dst, uint8_t next) { return (struct ip6){ .src = ip(src), .dst = ip(dst), .hop_limit = 64, .next = next }; }

static struct pkt *packet(struct ip6 h, const void *payload, uint16_t len)
{
    struct pkt *k = pkt_new(&pools, 40u + len);
    struct writer w = writer_of(pkt_append(k, 40u + len), 40u + len);
    h.payload_len = len;
    ip6_write(&w, &h);
    wr_bytes(&w, payload, len);
    return k;
}

/* An ICMPv6 message with its checksum. */
static struct pkt *icmp(struct ip6 h, struct icmp6 m, const void *body, uint16_t len)
{
    uint8_t msg[1300];
    struct writer w = writer_of(msg, sizeof msg);
    icmp6_write(&w, &m, body, len);
    const uint16_t sum = csum_finish(csum_add(csum_pseudo(h.src, h.dst, IP_ICMP6, wr_len(&w)), msg, wr_len(&w)));
    memcpy(msg + ICMP6_CHECKSUM_AT, &sum, 2);
    h.next = IP_ICMP6;
    return packet(h, msg, (uint16_t)wr_len(&w));
}

/* The packet when it stays for the layer above, else NULL. */
static struct pkt *in(struct pkt *k, bool *transit)
{
    struct batch b = { .n = 0 }, t = { .n = 0 };
    batch_add(&b, k);
    inet_in(&n, &b, &t, 0);
    if (transit)
        *transit = t.n == 1;
    batch_free(&t);
    return b.n ? b.pkt[0] : NULL;
}

static bool stays(struct pkt *k)
{
    k = in(k, NULL);
    pkt_free(k);
    return k;
}

/* The ICMPv6 error that went out, its checksum good; type 0: none. */
static struct icmp6 said(void)
{
    struct icmp6 m = { 0 };
    struct pkt *k = pktq_pop(&n.out);
    if (!k)
        return m;
    struct reader r = reader_of(k->data + k->l4_off, pkt_l4_len(k));
    assert_int_equal(k->proto, IP_ICMP6);
    assert_int_equal(csum_finish(csum_add(csum_pseudo(ip_src(k), ip_dst(k), IP_ICMP6, pkt_l4_len(k)), r.at, pkt_l4_len(k))), 0);
    assert_true(k->len <= 1280);
    assert_true(icmp6_read(&r, &m));
    pkt_free(k);
    assert_null(n.out.first);
    return m;
}

static void who_may_send_to_whom(void **state)
{
    (void)state;
    static const struct { const char *src, *dst; bool group; enum why why; } cases[] = {
        { "2001:db8::2", "2001:db8::1", false, WHY_NONE },
        { "2001:db8::2", "2001:db8:1::1", false, WHY_NONE },            /* the other interface's address is ours too */
        { "fe80::9", "fe80::1", false, WHY_NONE },
        { "fe80::9", "fe80::2", false, WHY_IP_NOT_OURS },               /* but one of a link only there */
        { "2001:db8::2", "ff02::1", true, WHY_NONE },
        { "2001:db8::2", "ff02::1:ff00:1", true, WHY_NONE },            /* solicited-node */
        { "2001:db8::2", "ff02::1:ff00:2", true, WHY_IP_MULTICAST },    /* of the other interface */
        { "2001:db8::2", "ff02::2", true, WHY_IP_MULTICAST },           /* all routers: we are none */
        { "2001:db8::2", "ff05::1", true, WHY_IP_MULTICAST },
        { "2001:db8::2", "ff01::1", true, WHY_IP6_SCOPE },
        { "2001:db8::2", "ff00::1", true, WHY_IP6_SCOPE },
        { "2001:db8::2", "2001:db8::1", true, WHY_IP_LINK_BROADCAST },
        { "2001:db8::2", "2001:db8::3", false, WHY_IP_NOT_OURS },
        { "2001:db8::2", "::1", false, WHY_IP_NOT_OURS },
        { "2001:db8::2", "::", false, WHY_IP_NOT_OURS },
        { "::1", "2001:db8::1", false, WHY_IP_SOURCE_BAD },
        { "ff02::1", "2001:db8::1", false, WHY_IP_SOURCE_BAD },
        { "2001:db8::1", "2001:db8::1", false, WHY_IP_SOURCE_BAD },     /* from outside, with our own address */
        { "::", "2001:db8::1", false, WHY_IP_SOURCE_BAD },              /* UDP from nobody */
        { "::ffff:10.0.0.1", "2001:db8::1", false, WHY_IP6_MAPPED },
        { "2001:db8::2", "::ffff:10.0.0.1", false, WHY_IP6_MAPPED },
    };
    begin(false);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pkt *k = packet(header(cases[i].src, cases[i].dst, IP_UDP), "12345678", 8);
        const uint64_t before = trace.drops[cases[i].why];
        k->group = cases[i].group;
        const bool ours = stays(k);
        if (ours != (cases[i].why == WHY_NONE) || trace.drops[cases[i].why] != before + !ours)
            fail_msg("case %zu", i);
        assert_null(n.out.first);
    }
    end();
}

static void padding_is_cut_and_headers_are_passed(void **state)
{
    (void)state;
    /* Hop-by-hop with PadN, destination options, a used-up routing header, an atomic fragment, UDP. */
    static const uint8_t chain[] = { 60, 0, 1, 4, 0, 0, 0, 0, 43, 0, 1, 4, 0, 0, 0, 0, 44, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 1, 2, 3, 4,
                                     '1', '2', '3', '4', '5', '6', '7', '8' };
    begin(false);
    struct pkt *k = packet(header("2001:db8::2", "2001:db8::1", IP6_HOP_BY_HOP), chain, sizeof chain);
    memset(pkt_append(k, 9), 0, 9);
    assert_ptr_equal(in(k, NULL), k);
    assert_int_equal(k->len, 40 + sizeof chain);
    assert_int_equal(k->l4_off - k->net_off, 40 + 32);
    assert_int_equal(k->proto, IP_UDP);
    pkt_free(k);
    /* the second of two alike is known by its addresses */
    for (unsigned i = 0; i < 2; i++) {
        k = packet(header("2001:db8::2", "2001:db8::1", IP_UDP), "12345678", 8);
        memset(pkt_append(k, 9), 0, 9);
        assert_ptr_equal(in(k, NULL), k);
        assert_int_equal(k->len, 48);
        assert_int_equal(k->l4_off - k->net_off, 40);
        assert_int_equal(k->proto, IP_UDP);
        pkt_free(k);
    }
    end();
}

static void problems_are_told(void **state)
{
    (void)state;
    static const struct { const char *dst; uint8_t first; uint8_t bytes[24]; uint16_t len; enum why why; uint8_t type, code; uint32_t pointer; } cases[] = {
        { "2001:db8::1", 60, { 17, 0, 0x80, 4 }, 16, WHY_IP6_OPTION, 4, 2, 42 },        /* unknown, tell */
        { "2001:db8::1", 60, { 17, 0, 0xc0, 4 }, 16, WHY_IP6_OPTION, 4, 2, 42 },        /* unless to a group */
        { "2001:db8::1", 60, { 17, 0, 0x40, 4 }, 16, WHY_IP6_OPTION, 0, 0, 0 },         /* discard */
        { "2001:db8::1", 60, { 17, 0, 0x3e, 4 }, 16, WHY_NONE, 0, 0, 0 },               /* skip */
        { "ff02::1", 60, { 17, 0, 0x80, 4 }, 16, WHY_IP6_OPTION, 4, 2, 42 },            /* RFC 4443 §2.4 e.3: the second exception */
        { "ff02::1", 60, { 17, 0, 0xc0, 4 }, 16, WHY_IP6_OPTION, 0, 0, 0 },
        { "2001:db8::1", 43, { 17, 2, 0, 1 }, 24, WHY_IP6_ROUTING, 4, 0, 42 },          /* RFC 5095 */
        { "ff02::1", 43, { 17, 2, 0, 1 }, 24, WHY_IP6_ROUTING, 0, 0, 0 },
        { "2001:db8::1", 60, { 0, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4 }, 24, WHY_IP6_EXTENSION, 4, 1, 40 },       /* hop-by-hop, not first */
        { "2001:db8::1", 60, { 58, 0, 0x80, 4, 0, 0, 0, 0, 1, 4 }, 16, WHY_IP6_OPTION, 0, 0, 0 },              /* about an ICMPv6 error */
        { "2001:db8::1", 44, { 17, 0, 0, 1 }, 23, WHY_FRAG_BAD, 4, 0, 4 },              /* a length that is not whole */
        { "2001:db8::1", 44, { 17, 0, 0xff, 0xf8 }, 24, WHY_FRAG_BAD, 4, 0, 42 },       /* beyond 65535 */
        { "2001:db8::1", 44, { 6, 0, 0, 1 }, 24, WHY_IP6_EXTENSION, 4, 3, 0 },          /* RFC 7112: less than a TCP header */
        { "2001:db8::1", 44, { 60, 0, 0, 1, 0, 0, 0, 0, 17, 4 }, 24, WHY_IP6_EXTENSION, 4, 3, 0 },
        { "2001:db8::1", 59, { 0 }, 8, WHY_IP6_NO_NEXT, 0, 0, 0 },
    };
    begin(false);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint64_t before = trace.drops[cases[i].why];
        struct pkt *k = packet(header("2001:db8::2", cases[i].dst, cases[i].first), cases[i].bytes, cases[i].len);
        k->group = cases[i].dst[0] == 'f';
        const bool ours = stays(k);
        const struct icmp6 m = said();
        if (ours != (cases[i].why == WHY_NONE) || trace.drops[cases[i].why] != before + !ours || m.type != cases[i].type || m.code != cases[i].code ||
            m.word != cases[i].pointer)
            fail_msg("case %zu: type %u code %u pointer %u", i, m.type, m.code, m.word);
    }
    end();
}

static void what_nobody_takes(void **state)
{
    (void)state;
    static const struct { uint8_t first; uint8_t bytes[16]; uint8_t type, code; uint32_t pointer; } cases[] = {
        { 17, { 0 }, 1, 4, 0 },
        { 200, { 0 }, 4, 1, 6 },
        { 60, { 201, 0, 1, 4 }, 4, 1, 40 },
    };
    begin(false);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct batch b = { .n = 0 };
        batch_add(&b, in(packet(header("2001:db8::2", "2001:db8::1", cases[i].first), cases[i].bytes, 16), NULL));
        inet_unwanted(&n, &b, 0);
        const struct icmp6 m = said();
        assert_int_equal(m.type, cases[i].type);
        assert_int_equal(m.code, cases[i].code);
        assert_int_equal(m.word, cases[i].pointer);
    }
    end();
}

/* ------------------------------------------------------------------ out */

/* A datagram of UDP to 2001:db8::2, by itself. */
static struct pkt *sent(struct path *p, uint32_t len, bool dont_fragment)
{
    assert_true(inet_route(&n, ADDR_NONE, ip("2001:db8::2"), p));
    struct pkt *k = pkt_new(&pools, len);
    memset(pkt_append(k, len), 7, len);
    k->path = p;
    k->proto = IP_UDP;
    k->dont_fragment = dont_fragment;
    return inet_send(&n, k, 0);
}

static void headers_out(void **state)
{
    (void)state;
    struct path p;
    struct ip6 h[2];
    begin(false);
    inet_set_iface(&n, 0, &(struct inet_iface){ .up = true, .mtu = 1500, .hop_limit = 17 });
    for (unsigned i = 0; i < 2; i++) {
        struct pkt *k = sent(&p, 100 + i, false);
        struct reader r = pkt_reader(k);
        assert_int_equal(ip6_read(&r, &h[i]), WHY_NONE);
        assert_int_equal(h[i].payload_len, 100 + i);
        assert_int_equal(h[i].hop_limit, 17);
        pkt_free(k);
    }
    assert_true(h[0].flow_label != 0 && h[0].flow_label == h[1].flow_label);
    assert_true(addr_eq(h[0].src, ip("2001:db8::1")));
    end();
}

static void fragments_there_and_back(void **state)
{
    (void)state;
    struct path p;
    struct pkt *f[3], *whole = NULL;
    uint32_t id = 0;
    begin(false);
    assert_null(sent(&p, 4000, false));
    assert_int_equal(n.out.n, 3);
    for (unsigned i = 0; i < 3; i++) {
        struct ip6_chain c;
        f[i] = pktq_pop(&n.out);
        assert_true(f[i]->len <= 1500);
        assert_int_equal(ip6_chain_read(pkt_reader(f[i]), &c), WHY_NONE);
        assert_true(c.fragment == 40 && c.more_fragments == (i < 2) && (i == 0 || c.frag_id == id));
        id = c.frag_id;
    }
    /* they come back as another host's, the last first */
    for (unsigned i = 3; i-- > 0;) {
        uint8_t *h = pkt_head(f[i]);
        const struct addr src = ip("2001:db8::2"), dst = ip("2001:db8::1");
        memcpy(h + 8, src.b, 16);
        memcpy(h + 24, dst.b, 16);
        assert_null(whole);
        whole = in(f[i], NULL);
    }
    assert_non_null(whole);
    assert_int_equal(whole->len, 4040);
    assert_int_equal(whole->proto, IP_UDP);
    assert_int_equal(pkt_net(whole)[6], IP_UDP);
    for (uint32_t i = 40; i < whole->len; i++)
        assert_int_equal(pkt_head(whole)[i], 7);
    pkt_free(whole);
    assert_null(sent(&p, 4000, false));
    struct ip6_chain c;
    assert_int_equal(ip6_chain_read(pkt_reader(n.out.first), &c), WHY_NONE);
    assert_int_not_equal(c.frag_id, id);
    end();
}

static void what_may_not_come_apart(void **state)
{
    (void)state;
    struct path p;
    begin(false);
    assert_null(sent(&p, 1461, true));
    assert_int_equal(trace.drops[WHY_IP_TOO_BIG], 1);
    const struct icmp6 m = said();
    assert_int_equal(m.type, ICMP6_TOO_BIG);
    assert_int_equal(m.word, 1500);
    struct pkt *k = sent(&p, 1460, true);
    assert_int_equal(k->len, 1500);
    pkt_free(k);
    end();
}

static struct pkt *too_big(uint32_t mtu, const char *about, uint16_t id)
{
    uint8_t quote[48];
    struct writer q = writer_of(quote, sizeof quote);
    struct ip6 h = header("2001:db8::1", about, IP_ICMP6);
    h.payload_len = 1400;
    ip6_write(&q, &h);
    icmp6_write(&q, &(struct icmp6){ .type = ICMP6_ECHO, .id = id, .seq = 9 }, NULL, 0);
    return icmp(header("2001:db8::9", "2001:db8::1", 0), (struct icmp6){ .type = ICMP6_TOO_BIG, .word = mtu }, quote, sizeof quote);
}

static enum why error_in(struct pkt *k)
{
    struct batch b = { .n = 0 };
    uint64_t before[WHY_COUNT];
    memcpy(before, trace.drops, sizeof before);
    n.n_error = 0;
    batch_add(&b, in(k, NULL));
    inet_icmp_in(&n, &b, 0);
    assert_int_equal(b.n, 0);
    for (unsigned i = 0; i < WHY_COUNT; i++)
        if (trace.drops[i] != before[i])
            return (enum why)i;
    return WHY_NONE;
}

static void claims_about_paths(void **state)
{
    (void)state;
    struct path p;
    begin(false);
    assert_int_equal(inet_echo(&n, &(struct inet_echo_request){ .to = ip("2001:db8::2"), .id = 5, .seq = 9, .data = "x", .len = 1 }, 0), PLUMB_OK);
    pkt_free(pktq_pop(&n.out));
    assert_int_equal(error_in(too_big(1279, "2001:db8::2", 5)), WHY_ICMP_MTU);
    assert_int_equal(error_in(too_big(1400, "2001:db8:9::2", 5)), WHY_ICMP_UNASKED);            /* no route there */
    assert_int_equal(error_in(too_big(100000, "2001:db8::2", 5)), WHY_NONE);
    assert_int_equal(n.error[0].mtu, 1500);             /* never raised */
    assert_int_equal(error_in(too_big(1400, "2001:db8::2", 5)), WHY_NONE);
    assert_int_equal(n.n_error, 1);
    assert_int_equal(n.error[0].trouble, TROUBLE_TOO_BIG);
    assert_int_equal(n.error[0].mtu, 1400);
    assert_true(inet_echo_was_sent(&n, &n.error[0].flow));
    inet_learn_pmtu(&n, &n.error[0], 0);
    assert_true(inet_route(&n, ADDR_NONE, ip("2001:db8::2"), &p));
    assert_int_equal(p.mtu, 1400);
    assert_int_equal(error_in(too_big(1300, "2001:db8::2", 6)), WHY_NONE);
    assert_false(inet_echo_was_sent(&n, &n.error[0].flow));     /* nobody asked */
    end();
}

static void echo(void **state)
{
    (void)state;
    static const struct { const char *src, *dst; bool group; const char *from; } cases[] = {
        { "2001:db8::2", "2001:db8::1", false, "2001:db8::1" },
        { "fe80::9", "fe80::1", false, "fe80::1" },
        { "fe80::9", "ff02::1", true, "fe80::1" },              /* §4.2: from an address of the interface */
        { "2001:db8::2", "ff02::1", true, "2001:db8::1" },
    };
    begin(false);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct batch b = { .n = 0 };
        struct pkt *k = icmp(header(cases[i].src, cases[i].dst, 0), (struct icmp6){ .type = ICMP6_ECHO, .id = 3, .seq = 4 }, "data", 4);
        k->group = cases[i].group;
        batch_add(&b, in(k, NULL));
        inet_icmp_in(&n, &b, 0);
        struct pkt *out = n.out.first;
        assert_non_null(out);
        assert_true(addr_eq(ip_src(out), ip(cases[i].from)) && addr_eq(ip_dst(out), ip(cases[i].src)));
        assert_memory_equal(out->data + out->l4_off + 8, "data", 4);
        assert_int_equal(out->iface, 0);
        const struct icmp6 m = said();
        assert_true(m.type == ICMP6_ECHO_REPLY && m.id == 3 && m.seq == 4);
    }
    struct pkt *bad = icmp(header("2001:db8::2", "2001:db8::1", 0), (struct icmp6){ .type = ICMP6_ECHO }, "data", 4);
    pkt_head(bad)[50] ^= 1;
    assert_int_equal(error_in(bad), WHY_ICMP_CHECKSUM);
    assert_int_equal(error_in(icmp(header("2001:db8::2", "2001:db8::1", 0), (struct icmp6){ .type = ICMP6_ECHO_REPLY, .id = 8 }, "data", 4)), WHY_NONE);
    assert_int_equal(n.n_echo, 1);
    assert_int_equal(n.echo[0].id, 8);
    assert_int_equal(error_in(icmp(header("2001:db8::2", "2001:db8::1", 0), (struct icmp6){ .type = 200 }, NULL, 0)), WHY_ICMP_TYPE);
    end();
}

/* What neighbour discovery and group membership say goes to those who understand it, once it has proved to come from the link. */
static void handed_out(void **state)
{
    (void)state;
    begin(false);
    struct ip6 h = header("fe80::9", "fe80::1", 0);
    uint8_t target[16] = { 0 };
    assert_int_equal(error_in(icmp(h, (struct icmp6){ .type = ICMP6_NEIGH_SOLICIT }, target, 16)), WHY_ND_HOP_LIMIT);
    h.hop_limit = 255;
    assert_int_equal(error_in(icmp(h, (struct icmp6){ .type = ICMP6_NEIGH_SOLICIT, .code = 1 }, target, 16)), WHY_ICMP_BAD);
    assert_int_equal(error_in(icmp(h, (struct icmp6){ .type = ICMP6_NEIGH_SOLICIT }, target, 16)), WHY_NONE);
    assert_int_equal(n.nd.n, 1);
    assert_int_equal(n.nd.first->l4_off - n.nd.first->head, 40);
    h.src = ADDR_NONE;
    h.dst = ip("ff02::1:ff00:1");
    assert_int_equal(error_in(icmp(h, (struct icmp6){ .type = ICMP6_NEIGH_SOLICIT }, target, 16)), WHY_NONE);
    assert_int_equal(error_in(icmp(h, (struct icmp6){ .type = ICMP6_ECHO }, NULL, 0)), WHY_IP_SOURCE_BAD);
    assert_int_equal(n.nd.n, 2);
    assert_int_equal(error_in(icmp(header("fe80::9", "ff02::1", 0), (struct icmp6){ .type = ICMP6_MLD_QUERY }, target, 16)), WHY_NONE);
    assert_int_equal(n.mld.n, 1);
    for (unsigned i = 0; i < BATCH_MAX; i++)
        (void)error_in(icmp(header("fe80::9", "ff02::1", 0), (struct icmp6){ .type = ICMP6_MLD_QUERY }, target, 16));
    assert_int_equal(n.mld.n, BATCH_MAX);
    assert_int_equal(trace.drops[WHY_ND_QUEUE_FULL], 1);
    end();
}

/* --------------------------------------------------------------- routes */

static bool source_is(const char *local, const char *remote, const char *expected, int iface)
{
    struct path p;
    const bool found = inet_route(&n, local ? ip(local) : ADDR_NONE, ip(remote), &p);
    if (!found || !expected)
        return !found && !expected;
    return addr_eq(p.local, ip(expected)) && (iface < 0 || p.iface == iface);
}

static void routes_and_sources(void **state)
{
    (void)state;
    begin(false);
    assert_true(inet_add_route(&n, &(struct route){ .dst = { ip("::"), 0 }, .via = ip("fe80::99"), .iface = 1, .origin = ROUTE_STATIC }));
    assert_true(source_is(NULL, "2001:db8::7", "2001:db8::1", 0));
    assert_true(source_is(NULL, "2600::1", "2001:db8:1::1", 1));
    assert_true(source_is(NULL, "fe80::7", NULL, 0));           /* on which of the two links? */
    assert_true(source_is("fe80::1", "fe80::7", "fe80::1", 0));
    assert_true(source_is("fe80::2", "fe80::7", "fe80::2", 1));
    assert_true(source_is("fe80::1", "2600::1", NULL, 0));      /* it stays on its link */
    assert_true(source_is("fe80::2", "ff02::1", "fe80::2", 1));
    assert_true(source_is("10.0.0.1", "2600::1", NULL, 0));
    assert_true(source_is(NULL, "::1", "::1", INET_LOOP));
    assert_true(source_is(NULL, "2001:db8::1", "2001:db8::1", INET_LOOP));
    assert_true(inet_del_addr(&n, 1, ip("fe80::2")));
    assert_true(source_is(NULL, "fe80::7", "fe80::1", 0));      /* no doubt any more */
    assert_true(inet_add_addr(&n, 0, (struct prefix){ ip("2001:db8::2"), 64 }, true));
    n.addr[0].deprecated = true;
    assert_true(source_is(NULL, "2001:db8::7", "2001:db8::2", 0));
    struct addr_source s;
    assert_true(inet_source_of(&n, ip("2001:db8::7"), &s));
    assert_true(addr_eq(s.addr, ip("2001:db8::2")) && s.prefix_len == 64 && !s.deprecated);
    inet_set_iface(&n, 0, &(struct inet_iface){ .up = true, .mtu = 1500, .mtu6 = 1400 });
    struct path p;
    assert_true(inet_route(&n, ADDR_NONE, ip("2001:db8::7"), &p));
    assert_int_equal(p.mtu, 1400);
    inet_set_iface(&n, 0, &(struct inet_iface){ .up = true, .mtu = 1279 });
    assert_true(source_is(NULL, "2001:db8::7", NULL, 0));       /* RFC 8200 §5 */
    end();
}

static void transit(void **state)
{
    (void)state;
    bool through;
    static const uint8_t chain[] = { 17, 0, 0x80, 4, 0, 0, 0, 0, '1', '2', '3', '4', '5', '6', '7', '8' };     /* a problem, but not ours */
    begin(true);
    assert_null(in(packet(header("2001:db8::2", "2001:db8:1::2", 60), chain, sizeof chain), &through));
    assert_true(through);
    assert_null(n.out.first);
    end();
}

TESTS(who_may_send_to_whom, padding_is_cut_and_headers_are_passed, problems_are_told, what_nobody_takes, headers_out,
      fragments_there_and_back, what_may_not_come_apart, claims_about_paths, echo, handed_out, routes_and_sources, transit)
