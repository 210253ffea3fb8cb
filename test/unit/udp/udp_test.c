/* UDP by itself: headers, sums, who gets what, ports. */
#include "../test.h"
#include "udp/udp.h"
#include "wire/ip4.h"
#include "wire/udp.h"

static struct pkt_pools pools;
static struct trace trace;
static struct rng rng;
static struct udp u;
static const struct path path = { .local = { .b = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 } },
                                  .remote = { .b = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 2 } }, .mtu = 1500, .generation = 1 };

static void begin(void)
{
    assert_true(pkt_pools_init(&pools, 64, 2));
    trace_init(&trace, 0);
    rng_seed(&rng, 1);
    udp_init(&u, &trace, &pools, &rng);
}

static void end(void)
{
    assert_int_equal(pools.small.used + pools.large.used, 0);
    assert_int_equal(u.held_pkts, 0);
    pkt_pools_fini(&pools);
}

/* A datagram as it arrives at the other end: with an IP header before it. */
static struct pkt *arriving(uint16_t from, uint16_t to, const char *text)
{
    struct pkt *k = udp_build(&u, &path, from, to, text, strlen(text));
    const uint16_t len = (uint16_t)(k->len + 20);
    k->l4_off = (uint16_t)k->head;
    struct writer w = writer_of(pkt_push(k, 20), 20);
    ip4_write(&w, &(struct ip4){ .src = path.local, .dst = path.remote, .total_len = len, .ttl = 64, .proto = IP_UDP });
    k->net_off = (uint16_t)k->head;
    k->path = NULL;
    return k;
}

/* True: taken, by a socket or dropped. */
static bool in(struct pkt *k)
{
    struct batch b;
    batch_init(&b);
    batch_add(&b, k);
    udp_in(&u, &b, 0);
    const bool taken = b.n == 0;
    batch_free(&b);
    return taken;
}

static void builds_and_reads(void **state)
{
    (void)state;
    struct udp_sock s = { .local = { ADDR_NONE, 53 }, .iface = UDP_ANY_IFACE };
    struct udp_datagram d;
    begin();
    assert_int_equal(udp_open(&u, &s), PLUMB_OK);
    assert_true(in(arriving(1000, 53, "hello")));
    assert_ptr_equal(udp_next_ready(&u), &s);
    assert_null(udp_next_ready(&u));
    assert_true(udp_peek(&s, &d));
    assert_int_equal(d.len, 5);
    assert_memory_equal(d.bytes, "hello", 5);
    assert_int_equal(d.from.port, 1000);
    assert_true(addr_eq(d.from.addr, path.local) && addr_eq(d.to, path.remote));
    assert_false(in(arriving(1000, 54, "hello")));      /* nobody: left for who says so */
    udp_close(&u, &s);                                  /* with one queued */
    end();
}

static void sums_and_lengths(void **state)
{
    (void)state;
    struct udp_sock s = { .local = { ADDR_NONE, 53 }, .iface = UDP_ANY_IFACE };
    begin();
    assert_int_equal(udp_open(&u, &s), PLUMB_OK);
    struct pkt *k = arriving(1, 53, "x");
    pkt_l4(k)[8] ^= 1;
    assert_true(in(k));
    assert_int_equal(trace.drops[WHY_UDP_CHECKSUM], 1);
    k = arriving(1, 53, "x");
    memset(pkt_l4(k) + 6, 0, 2);                        /* no checksum at all is allowed */
    assert_true(in(k));
    assert_int_equal(s.queue.n, 1);
    k = arriving(1, 53, "x");
    store_be16(pkt_l4(k) + 4, 100);
    assert_true(in(k));
    k = arriving(1, 53, "x");
    store_be16(pkt_l4(k) + 4, 7);
    assert_true(in(k));
    assert_int_equal(trace.drops[WHY_UDP_BAD], 2);
    udp_close(&u, &s);
    end();
}

static void errors_find_their_socket(void **state)
{
    (void)state;
    struct udp_sock s = { .local = { path.local, 0 }, .remote = { path.remote, 53 } };
    begin();
    assert_int_equal(udp_open(&u, &s), PLUMB_OK);
    assert_true(s.local.port >= UDP_PORT_FIRST);
    struct flow f = { path.local, path.remote, s.local.port, 53 };
    udp_error(&u, &f, PLUMB_REFUSED);
    f.remote_port = 54;
    udp_error(&u, &f, PLUMB_UNREACHABLE);               /* about another peer */
    assert_int_equal(udp_take_error(&s), PLUMB_REFUSED);
    assert_int_equal(udp_take_error(&s), PLUMB_OK);
    f.remote_port = 53;
    for (int i = 0; i < 10; i++)
        udp_error(&u, &f, PLUMB_UNREACHABLE);
    unsigned n = 0;
    while (udp_take_error(&s) != PLUMB_OK)
        n++;
    assert_int_equal(n, UDP_ERRORS);
    udp_close(&u, &s);
    end();
}

static void ports_differ_and_run_out(void **state)
{
    (void)state;
    static struct udp_sock s[65536 - UDP_PORT_FIRST];
    static bool seen[65536];
    struct udp_sock one_more = { .iface = UDP_ANY_IFACE };
    unsigned in_order = 0;
    begin();
    for (size_t i = 0; i < sizeof s / sizeof s[0]; i++) {
        assert_int_equal(udp_open(&u, &s[i]), PLUMB_OK);
        assert_false(seen[s[i].local.port]);
        seen[s[i].local.port] = true;
        in_order += i && s[i].local.port == s[i - 1].local.port + 1;
    }
    assert_true(in_order < 4000);
    assert_int_equal(udp_open(&u, &one_more), PLUMB_NO_PORTS);
    for (size_t i = 0; i < sizeof s / sizeof s[0]; i++)
        udp_close(&u, &s[i]);
    end();
}

TESTS(builds_and_reads, sums_and_lengths, errors_find_their_socket, ports_differ_and_run_out)
