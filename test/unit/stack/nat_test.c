/* NAT through a whole router, by the requirements of RFC 4787, 5382, 5508 and 7857. */
#include "router.h"

#define A ip(192, 168, 1, 2)
#define B ip(192, 168, 1, 3)
#define X ip(203, 0, 113, 1)
#define R ip(198, 51, 100, 7)
#define R2 ip(198, 51, 100, 8)

static const struct gate_config plain = { .nat = true };

static void assert_tuple(const struct tuple *t, struct tuple want)
{
    if (!tuple_eq(t, &want)) {
        char text[4][ADDR_TEXT];
        fail_msg("%s:%u > %s:%u, not %s:%u > %s:%u", addr_text(t->src, text[0]), t->sport, addr_text(t->dst, text[1]), t->dport,
                 addr_text(want.src, text[2]), want.sport, addr_text(want.dst, text[3]), want.dport);
    }
}

/* RFC 4787 REQ-1, REQ-3, REQ-4: one port outside whoever is spoken to, the same when it is free, else one as even or odd. */
static void a_port_stands_for_an_endpoint(void **state)
{
    (void)state;
    struct seen s;
    router_begin(&plain);
    assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_UDP, A, 5000, R, 53), 0, &s));
    assert_tuple(&s.t, tuple_of(IP_UDP, X, 5000, R, 53));
    assert_int_equal(s.ttl, 63);
    assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_UDP, A, 5000, R2, 99), 0, &s));
    assert_tuple(&s.t, tuple_of(IP_UDP, X, 5000, R2, 99));
    assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_UDP, B, 5000, R, 53), 0, &s));
    assert_int_not_equal(s.t.sport, 5000);
    assert_int_equal(s.t.sport % 2, 0);
    assert_in_range(s.t.sport, 1024, NAT_PORT_MAX);
    const uint16_t other = s.t.sport;
    assert_true(through(OUTSIDE, INSIDE, tuple_of(IP_UDP, R, 53, X, other), 0, &s));
    assert_tuple(&s.t, tuple_of(IP_UDP, R, 53, B, 5000));
    assert_true(through(OUTSIDE, INSIDE, tuple_of(IP_UDP, R, 53, X, 5000), 0, &s));
    assert_tuple(&s.t, tuple_of(IP_UDP, R, 53, A, 5000));
    assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_UDP, A, 500, R, 500), 0, &s));
    assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_UDP, B, 500, R, 500), 0, &s));
    assert_in_range(s.t.sport, 2, 1022);
    router_end();
}

/* RFC 4787 §5: who may come in by a mapping. */
static void who_may_come_in(void **state)
{
    (void)state;
    static const struct { enum nat_filtering how; bool address, stranger; } cases[] = {
        { NAT_FROM_ANYONE, true, true }, { NAT_FROM_ADDRESS, true, false }, { NAT_FROM_ENDPOINT, false, false } };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct seen s;
        router_begin(&(struct gate_config){ .nat = true, .nat_config.filtering = cases[i].how });
        assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_UDP, A, 5000, R, 53), 0, &s));
        assert_true(through(OUTSIDE, INSIDE, tuple_of(IP_UDP, R, 53, X, 5000), 0, &s));
        assert_int_equal(through(OUTSIDE, INSIDE, tuple_of(IP_UDP, R, 54, X, 5000), 0, &s), cases[i].address);
        assert_int_equal(through(OUTSIDE, INSIDE, tuple_of(IP_UDP, R2, 53, X, 5000), 0, &s), cases[i].stranger);
        assert_int_equal(drops(WHY_NAT_FILTERED), !cases[i].address + !cases[i].stranger);
        router_end();
    }
}

/* RFC 4787 REQ-5, REQ-6; RFC 5508 REQ-2: five minutes, a minute; what comes from outside unasked keeps nothing. */
static void mappings_expire(void **state)
{
    (void)state;
    struct seen s;
    router_begin(&plain);
    assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_UDP, A, 5000, R, 53), 0, &s));
    pass_time(299 * NS_PER_SEC);
    assert_true(through(OUTSIDE, INSIDE, tuple_of(IP_UDP, R, 53, X, 5000), 0, &s));
    pass_time(299 * NS_PER_SEC);
    assert_true(through(OUTSIDE, INSIDE, tuple_of(IP_UDP, R2, 53, X, 5000), 0, &s));       /* a stranger, who is let in but keeps nothing */
    pass_time(2 * NS_PER_SEC);
    assert_true(through(OUTSIDE, INSIDE, tuple_of(IP_UDP, R2, 53, X, 5000), 0, &s));
    pass_time(298 * NS_PER_SEC);
    assert_false(through(OUTSIDE, INSIDE, tuple_of(IP_UDP, R2, 53, X, 5000), 0, &s));
    (void)take(OUTSIDE, &s);            /* the router's own port unreachable */
    assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_ICMP, A, 77, R, 0), 0, &s));
    assert_tuple(&s.t, tuple_of(IP_ICMP, X, 77, R, 0));
    pass_time(59 * NS_PER_SEC);
    assert_true(through(OUTSIDE, INSIDE, tuple_of(IP_ICMP, R, 0, X, 77), 0, &s));
    assert_tuple(&s.t, tuple_of(IP_ICMP, R, 0, A, 77));
    pass_time(61 * NS_PER_SEC);
    assert_false(through(OUTSIDE, INSIDE, tuple_of(IP_ICMP, R, 0, X, 77), 0, &s));
    struct nat_info info;
    uint64_t cursor = 0;
    assert_false(stack_walk_nat(router, &cursor, &info));
    router_end();
}

static void open_tcp(uint16_t port)
{
    struct seen s;
    assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_TCP, A, port, R, 80), SYN, &s));
    assert_tuple(&s.t, tuple_of(IP_TCP, X, port, R, 80));
    assert_true(through(OUTSIDE, INSIDE, tuple_of(IP_TCP, R, 80, X, port), SYN | ACK, &s));
    assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_TCP, A, port, R, 80), ACK, &s));
}

static bool tcp_lives(uint16_t port)
{
    struct seen s;
    const bool lives = through(OUTSIDE, INSIDE, tuple_of(IP_TCP, R, 80, X, port), ACK, &s);
    (void)take(OUTSIDE, &s);
    return lives;
}

/* RFC 5382 REQ-5, RFC 7857 §2: 2 h 4 min established, 4 min when it opens, has closed or was reset. */
static void tcp_states_have_their_times(void **state)
{
    (void)state;
    struct seen s;
    router_begin(&plain);
    open_tcp(4000);
    pass_time(123 * 60 * NS_PER_SEC);
    assert_true(tcp_lives(4000));
    pass_time(125 * 60 * NS_PER_SEC);
    assert_false(tcp_lives(4000));
    open_tcp(4002);
    assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_TCP, A, 4002, R, 80), FIN | ACK, &s));
    pass_time(100 * 60 * NS_PER_SEC);                           /* half closed is established still */
    assert_true(through(OUTSIDE, INSIDE, tuple_of(IP_TCP, R, 80, X, 4002), FIN | ACK, &s));
    pass_time(3 * 60 * NS_PER_SEC);
    assert_true(tcp_lives(4002));
    pass_time(5 * 60 * NS_PER_SEC);
    assert_false(tcp_lives(4002));
    open_tcp(4004);
    assert_true(through(OUTSIDE, INSIDE, tuple_of(IP_TCP, R, 80, X, 4004), RST, &s));
    pass_time(3 * 60 * NS_PER_SEC);
    assert_true(tcp_lives(4004));                               /* the reset was not believed: it lives on */
    pass_time(60 * 60 * NS_PER_SEC);
    assert_true(through(OUTSIDE, INSIDE, tuple_of(IP_TCP, R, 80, X, 4004), RST, &s));
    pass_time(5 * 60 * NS_PER_SEC);
    assert_false(tcp_lives(4004));
    assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_TCP, A, 4006, R, 80), SYN, &s));
    pass_time(5 * 60 * NS_PER_SEC);
    assert_false(tcp_lives(4006));
    assert_false(through(INSIDE, OUTSIDE, tuple_of(IP_TCP, A, 4008, R, 80), ACK, &s));
    assert_int_equal(drops(WHY_NAT_NO_SYN), 1);
    router_end();
}

/* RFC 5382 REQ-4: a SYN that nobody expects is answered after 6 s, and not at all when one from inside crosses it. */
static void a_syn_from_outside_waits(void **state)
{
    (void)state;
    struct seen s;
    router_begin(&plain);
    put(OUTSIDE, make(&(struct tuple){ R, X, 80, 4000, IP_TCP }, SYN, 0));
    put(OUTSIDE, make(&(struct tuple){ R, X, 80, 4444, IP_TCP }, SYN, 0));
    assert_true(silent());
    pass_time(5 * NS_PER_SEC);
    assert_true(silent());
    assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_TCP, A, 4000, R, 80), SYN, &s));
    pass_time(2 * NS_PER_SEC);
    assert_true(take(OUTSIDE, &s));                             /* about the other */
    assert_int_equal(s.type, ICMP4_UNREACHABLE);
    assert_int_equal(s.code, ICMP4_UNREACH_PORT);
    assert_int_equal(s.t.dport, 4444);
    assert_true(silent());
    assert_true(through(OUTSIDE, INSIDE, tuple_of(IP_TCP, R, 80, X, 4000), SYN, &s));       /* simultaneous open */
    assert_tuple(&s.t, tuple_of(IP_TCP, R, 80, A, 4000));
    router_end();
}

/* RFC 4787 REQ-9: two inside meet by their names outside, and each sees the other's. */
static void hairpins(void **state)
{
    (void)state;
    struct seen s;
    router_begin(&plain);
    assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_UDP, A, 5000, R, 53), 0, &s));
    assert_true(through(INSIDE, INSIDE, tuple_of(IP_UDP, B, 6000, X, 5000), 0, &s));
    assert_tuple(&s.t, tuple_of(IP_UDP, X, 6000, A, 5000));
    assert_true(through(INSIDE, INSIDE, tuple_of(IP_UDP, A, 5000, X, 6000), 0, &s));
    assert_tuple(&s.t, tuple_of(IP_UDP, X, 5000, B, 6000));
    router_end();
}

static void ports_are_forwarded(void **state)
{
    (void)state;
    struct seen s;
    const struct gate_config c = { .nat = true, .nat_config = { .filtering = NAT_FROM_ENDPOINT, .n_forward = 2,
        .forward = { { IP_TCP, 8080, { B, 80 } }, { IP_UDP, 5353, { B, 53 } } } } };
    router_begin(&c);
    assert_true(through(OUTSIDE, INSIDE, tuple_of(IP_TCP, R, 999, X, 8080), SYN, &s));
    assert_tuple(&s.t, tuple_of(IP_TCP, R, 999, B, 80));
    assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_TCP, B, 80, R, 999), SYN | ACK, &s));
    assert_tuple(&s.t, tuple_of(IP_TCP, X, 8080, R, 999));
    assert_true(through(OUTSIDE, INSIDE, tuple_of(IP_UDP, R, 999, X, 5353), 0, &s));
    assert_true(through(INSIDE, INSIDE, tuple_of(IP_TCP, A, 7000, X, 8080), SYN, &s));      /* and by a hairpin */
    assert_tuple(&s.t, tuple_of(IP_TCP, X, 7000, B, 80));
    assert_true(through(INSIDE, INSIDE, tuple_of(IP_TCP, B, 80, X, 7000), SYN | ACK, &s));
    assert_tuple(&s.t, tuple_of(IP_TCP, X, 8080, A, 7000));
    assert_false(through(OUTSIDE, INSIDE, tuple_of(IP_UDP, R, 999, A, 53), 0, &s));         /* its address inside is nobody's business */
    assert_int_equal(drops(WHY_NAT_UNASKED), 1);
    assert_false(through(OUTSIDE, INSIDE, tuple_of(IP_TCP, A, 999, X, 8080), SYN, &s));     /* somebody outside who says he is inside */
    assert_int_equal(drops(WHY_IP_SOURCE_BAD), 1);
    router_end();
}

/* An error about a packet as it was seen on that side. */
static struct pkt *error_about(struct addr from, struct addr to, uint8_t type, uint8_t code, const struct tuple *t, uint32_t quoted)
{
    struct pkt *about = make(t, ACK, 100);
    struct pkt *k = pkt_new(stack_pools(router), 28 + quoted);
    struct writer w = writer_of(pkt_append(k, 28 + quoted), 28 + quoted);
    ip4_write(&w, &(struct ip4){ .src = from, .dst = to, .ttl = 64, .proto = IP_ICMP, .total_len = (uint16_t)(28 + quoted) });
    icmp4_write(&w, &(struct icmp4){ .type = type, .code = code, .mtu = 1400 }, pkt_head(about), quoted);
    pkt_free(about);
    return k;
}

/* RFC 5508 §4: errors are translated inside and out, with what they quote, both ways and for all protocols. */
static void errors_are_translated(void **state)
{
    (void)state;
    static const uint8_t protos[] = { IP_UDP, IP_TCP, IP_ICMP };
    struct seen s;
    router_begin(&plain);
    for (size_t i = 0; i < sizeof protos; i++) {
        const bool query = protos[i] == IP_ICMP;
        const struct tuple out = tuple_of(protos[i], A, 5000, R, query ? 0 : 53), in = tuple_of(protos[i], R, query ? 0 : 53, A, 5000);
        for (unsigned busy = 0; busy < 2; busy++)       /* B has the port first, so that it changes */
            assert_true(through(INSIDE, OUTSIDE, busy ? out : tuple_of(protos[i], B, 5000, R2, query ? 0 : 53), SYN, &s));
        const struct tuple outer = s.t, outer_in = tuple_reverse(&outer);
        assert_int_not_equal(outer.sport, 5000);
        for (uint32_t quoted = 28; quoted <= 80; quoted += 52) {
            put(OUTSIDE, error_about(R2, X, ICMP4_UNREACHABLE, ICMP4_UNREACH_FRAG_NEEDED, &outer, quoted));  /* a router on the way */
            assert_true(take(INSIDE, &s));
            assert_tuple(&s.t, out);
            assert_int_equal(s.code, ICMP4_UNREACH_FRAG_NEEDED);
            put(INSIDE, error_about(A, R, ICMP4_UNREACHABLE, ICMP4_UNREACH_PORT, &in, quoted));              /* the host inside about an answer */
            assert_true(take(OUTSIDE, &s));
            assert_tuple(&s.t, outer_in);
        }
    }
    put(OUTSIDE, error_about(R2, X, ICMP4_UNREACHABLE, ICMP4_UNREACH_PORT, &(struct tuple){ X, R, 1111, 2222, IP_UDP }, 28));
    assert_true(silent());
    struct pkt *bad = error_about(R2, X, ICMP4_UNREACHABLE, ICMP4_UNREACH_PORT, &(struct tuple){ X, R2, 5000, 53, IP_UDP }, 60);
    pkt_head(bad)[40] ^= 1;
    put(OUTSIDE, bad);
    assert_true(silent());
    router_end();
}

/* What the router itself says of a packet that it will not send on is about the packet as it came. */
static void own_errors_speak_of_the_original(void **state)
{
    (void)state;
    struct seen s;
    router_begin(&plain);
    struct pkt *k = make(&(struct tuple){ A, R, 5000, 53, IP_UDP }, 0, 16);
    pkt_head(k)[8] = 1;
    memset(pkt_head(k) + 10, 0, 2);
    const uint16_t sum = csum_finish(csum_add((csum_t){ 0 }, pkt_head(k), 20));
    memcpy(pkt_head(k) + 10, &sum, 2);
    put(INSIDE, k);
    assert_true(take(INSIDE, &s));
    assert_int_equal(s.type, ICMP4_TIME_EXCEEDED);
    assert_tuple(&s.t, tuple_of(IP_UDP, A, 5000, R, 53));
    router_end();
}

static void fragments_are_put_together_first(void **state)
{
    (void)state;
    router_begin(&plain);
    const struct tuple t = tuple_of(IP_UDP, A, 5000, R, 53);
    struct pkt *whole = make(&t, 0, 3000);
    for (unsigned i = 0; i < 3; i++) {
        const uint32_t at = i * 1480, len = i < 2 ? 1480 : 3008 - 2960;
        struct pkt *k = pkt_new(stack_pools(router), 20 + len);
        struct writer w = writer_of(pkt_append(k, 20 + len), 20 + len);
        ip4_write(&w, &(struct ip4){ .src = t.src, .dst = t.dst, .ttl = 64, .proto = IP_UDP, .id = 9, .total_len = (uint16_t)(20 + len),
                                     .frag_offset = (uint16_t)at, .more_fragments = i < 2 });
        wr_bytes(&w, pkt_head(whole) + 20 + at, len);
        put(INSIDE, k);
    }
    pkt_free(whole);
    struct batch b;
    batch_init(&b);
    stack_output(router, OUTSIDE, &b, now_ns);
    assert_int_equal(b.n, 3);
    csum_t sum = csum_pseudo(X, R, IP_UDP, 3008);
    for (unsigned i = 0; i < 3; i++)
        sum = csum_add(sum, pkt_head(b.pkt[i]) + 20, b.pkt[i]->len - 20);
    assert_int_equal(csum_finish(sum), 0);
    batch_free(&b);
    router_end();
}

/* Sums that are still to be completed, and large packets, are translated as they are. */
static void offloaded_packets_too(void **state)
{
    (void)state;
    router_begin(&plain);
    const struct tuple t = tuple_of(IP_TCP, A, 5000, R, 80);
    struct seen s;
    assert_true(through(INSIDE, OUTSIDE, t, SYN, &s));
    struct pkt *k = make(&t, ACK, 4380);
    uint8_t *l4 = pkt_head(k) + 20;
    const uint16_t pseudo = csum_fold(csum_pseudo(t.src, t.dst, IP_TCP, 4400));
    memcpy(l4 + 16, &pseudo, 2);
    k->csum = CSUM_PARTIAL;
    k->csum_field = 16;
    k->l4_off = (uint16_t)(k->head + 20);
    k->gso_size = 1460;
    put(INSIDE, k);
    struct batch b;
    batch_init(&b);
    stack_output(router, OUTSIDE, &b, now_ns);
    assert_int_equal(b.n, 3);           /* the device takes none that large */
    for (unsigned i = 0; i < 3; i++)
        assert_tuple(&(struct seen){ look(b.pkt[i]).t, 0, 0, 0, 0, 0, 0 }.t, tuple_of(IP_TCP, X, 5000, R, 80));
    batch_free(&b);
    router_end();
}

/* One host cannot take all; memory and ports have their bounds, and who exceeds them a reason. */
static void limits_hold(void **state)
{
    (void)state;
    struct seen s;
    router_begin(&(struct gate_config){ .nat = true, .track = { .max = 64, .max_per_host = 40 }, .nat_config.max_maps = 50 });
    for (unsigned i = 0; i < 41; i++)
        assert_int_equal(through(INSIDE, OUTSIDE, tuple_of(IP_UDP, A, 5000 + i, R, 53), 0, &s), i < 40);
    assert_int_equal(drops(WHY_TRACK_HOST_FULL), 1);
    for (unsigned i = 0; i < 11; i++)
        assert_int_equal(through(INSIDE, OUTSIDE, tuple_of(IP_UDP, B, 7000 + i, R, 53), 0, &s), i < 10);
    assert_int_equal(drops(WHY_NAT_FULL), 1);
    for (unsigned i = 0; i < 15; i++)
        assert_int_equal(through(INSIDE, OUTSIDE, tuple_of(IP_UDP, B, 7000, R, 100 + i), 0, &s), i < 14);
    assert_int_equal(drops(WHY_TRACK_FULL), 1);
    pass_time(301 * NS_PER_SEC);
    assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_UDP, A, 9000, R, 53), 0, &s));
    router_end();
}

static void another_address_ends_what_hid_behind_the_first(void **state)
{
    (void)state;
    struct seen s;
    router_begin(&plain);
    assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_UDP, A, 5000, R, 53), 0, &s));
    assert_int_equal(stack_add_addr(router, OUTSIDE, (struct prefix){ ip(203, 0, 113, 9), 24 }, false, now_ns), PLUMB_OK);
    assert_int_equal(stack_del_addr(router, OUTSIDE, X, now_ns), PLUMB_OK);
    assert_true(through(INSIDE, OUTSIDE, tuple_of(IP_UDP, A, 5000, R, 53), 0, &s));
    assert_tuple(&s.t, tuple_of(IP_UDP, ip(203, 0, 113, 9), 5000, R, 53));
    router_end();
}

TESTS(a_port_stands_for_an_endpoint, who_may_come_in, mappings_expire, tcp_states_have_their_times, a_syn_from_outside_waits, hairpins,
      ports_are_forwarded, errors_are_translated, own_errors_speak_of_the_original, fragments_are_put_together_first, offloaded_packets_too,
      limits_hold, another_address_ends_what_hid_behind_the_first)
