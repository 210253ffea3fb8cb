/* What lies between two hosts: smaller MTUs, large packets through a router, an
 * interface where every address is ours, checksums left to the device. */
#include "flow.h"
#include "base/checksum.h"
#include "wire/eth.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/udp.h"

static int router(struct world *w, uint16_t left_mtu, uint16_t right_mtu, uint32_t left_gso)
{
    struct stack *st = stack_new(&(struct stack_config){ .node = 9, .seed = world_random(w), .forwarding = true }, 0);
    for (unsigned i = 0; i < 2; i++) {
        struct iface_config c = lan_iface(9, i);
        c.mtu = i ? right_mtu : left_mtu;
        c.gso_max = i ? 0 : left_gso;
        c.tx_csum = i == 0 && left_gso;
        assert_int_equal(stack_add_iface(st, &c, 0), (int)i);
        assert_int_equal(stack_add_addr(st, i, lan_prefix(i ? "10.0.2.1/24" : "10.0.1.1/24"), false, 0), PLUMB_OK);
    }
    return world_add_stack(w, st);
}

static int host(struct world *w, unsigned node, const char *address, const char *gateway, uint32_t gso)
{
    struct stack *st = stack_new(&(struct stack_config){ .node = (uint16_t)node, .seed = world_random(w) }, 0);
    struct iface_config c = lan_iface(node, 0);
    c.gso_max = gso;
    c.tx_csum = gso > 0;
    assert_int_equal(stack_add_iface(st, &c, 0), 0);
    assert_int_equal(stack_add_addr(st, 0, lan_prefix(address), false, 0), PLUMB_OK);
    assert_int_equal(stack_add_route(st, lan_prefix("0.0.0.0/0"), lan_addr(gateway), 0, 0), PLUMB_OK);
    return world_add_stack(w, st);
}

static bool closed(void *arg)
{
    struct flow_end **e = arg;
    return e[0]->closed && e[1]->closed;
}

static void transfer(struct world *w, int a, int b, const char *to)
{
    static struct flow_server server;
    struct flow_end client = { .seed = 1, .peer_seed = 2, .to_send = 400000, .to_get = 400000 };
    server = (struct flow_server){ .seed = 2, .peer_seed = 1, .to_send = 400000, .to_get = 400000 };
    flow_listen(w, b, 80, 0, &server);
    flow_connect(w, a, to, &client);
    struct flow_end *ends[2] = { &client, &server.end[0] };
    assert_true(world_run(w, closed, ends, world_now(w) + 60 * NS_PER_SEC));
    assert_int_equal(client.got, 400000);
    assert_int_equal(server.end[0].got, 400000);
    lan_run_for(w, 100 * NS_PER_SEC);
}

/* Both ends believe in 1500; the way between takes less (RFC 1191). */
static void path_mtu_is_found(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    const struct impair_config link = { .delay_ns = 5 * NS_PER_MS };
    struct path p;
    const int a = host(w, 1, "10.0.1.2/24", "10.0.1.1", 0), r = router(w, 1500, 576, 0), r2 = lan_router(w, 8, "10.0.2.2/24", "10.0.3.1/24");
    const int b = host(w, 2, "10.0.3.2/24", "10.0.3.1", 0);
    assert_int_equal(stack_add_route(world_stack(w, r), lan_prefix("10.0.3.0/24"), lan_addr("10.0.2.2"), 1, 0), PLUMB_OK);
    assert_int_equal(stack_add_route(world_stack(w, r2), lan_prefix("10.0.1.0/24"), lan_addr("10.0.2.1"), 0, 0), PLUMB_OK);
    lan_join(w, a, 0, lan_host_end(r, 0), &link);
    lan_join(w, r, 1, lan_host_end(r2, 0), &(struct impair_config){ .mtu = 1500 });
    lan_join(w, b, 0, lan_host_end(r2, 1), &link);
    lan_run_for(w, 3 * NS_PER_SEC);
    transfer(w, a, b, "10.0.3.2:80");
    assert_int_equal(stack_route(world_stack(w, a), ADDR_NONE, lan_addr("10.0.3.2"), &p), PLUMB_OK);
    assert_int_equal(p.mtu, 576);
    assert_true(stack_trace(world_stack(w, r))->drops[WHY_IP_TOO_BIG] > 0);
    const uint32_t before = p.generation;
    lan_run_for(w, 601 * NS_PER_SEC);   /* it ages: more may be tried again */
    assert_int_equal(stack_route(world_stack(w, a), ADDR_NONE, lan_addr("10.0.3.2"), &p), PLUMB_OK);
    assert_int_equal(p.mtu, 1500);
    assert_true(p.generation != before);
    assert_int_equal(lan_pkts_used(w, 4), 0);
    world_free(w);
}

/* Whoever cannot name a byte in flight shrinks no path (RFC 5927 §7). */
static void forged_too_big(void **state)
{
    (void)state;
    struct world *w = world_new(6);
    struct stack *st = world_stack(w, host(w, 1, "10.0.1.2/24", "10.0.1.1", 0));
    uint8_t quote[28], msg[36];
    struct writer q = writer_of(quote, sizeof quote), m = writer_of(msg, sizeof msg);
    struct path p;
    ip4_write(&q, &(struct ip4){ .src = lan_addr("10.0.1.2"), .dst = lan_addr("192.0.2.1"), .total_len = 1500, .ttl = 64, .proto = IP_TCP });
    wr_u32(&q, 80 << 16 | 4000);
    wr_u32(&q, 12345);
    icmp4_write(&m, &(struct icmp4){ .type = ICMP4_UNREACHABLE, .code = ICMP4_UNREACH_FRAG_NEEDED, .mtu = 500 }, quote, sizeof quote);
    struct pkt *k = pkt_new(stack_pools(st), 100);
    struct writer f = writer_of(pkt_append(k, 14 + 20 + 36), 70);
    eth_write(&f, &(struct eth){ .dst = lan_iface(1, 0).mac, .src = lan_iface(2, 0).mac, .type = ETH_IP4 });
    ip4_write(&f, &(struct ip4){ .src = lan_addr("10.0.1.1"), .dst = lan_addr("10.0.1.2"), .total_len = 56, .ttl = 64, .proto = IP_ICMP });
    wr_bytes(&f, msg, sizeof msg);
    struct batch b;
    batch_init(&b);
    batch_add(&b, k);
    stack_input(st, 0, &b, 0);
    assert_int_equal(stack_route(st, ADDR_NONE, lan_addr("192.0.2.1"), &p), PLUMB_OK);
    assert_int_equal(p.mtu, 1500);
    world_free(w);
}

/* Echo requests may be fragmented on the way. */
static void router_fragments(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    static const uint8_t data[1400];
    struct echo_result e;
    const int a = host(w, 1, "10.0.1.2/24", "10.0.1.1", 0), r = router(w, 1500, 576, 0), b = host(w, 2, "10.0.2.2/24", "10.0.2.1", 0);
    lan_join(w, a, 0, lan_host_end(r, 0), NULL);
    lan_join(w, b, 0, lan_host_end(r, 1), NULL);
    lan_run_for(w, 3 * NS_PER_SEC);
    assert_int_equal(stack_echo_send(world_stack(w, a), lan_addr("10.0.2.2"), 1, 1, data, sizeof data, 0, world_now(w)), PLUMB_OK);
    lan_run_for(w, NS_PER_SEC);
    assert_true(stack_echo_take(world_stack(w, a), &e));
    assert_int_equal(e.trouble, TROUBLE_NONE);
    assert_int_equal(e.len, sizeof data);
    world_free(w);
}

/* A datagram larger than the path: cut on the way, lost and learnt from, or refused from then on (RFC 1191 §6). */
static void datagrams_and_their_path(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    static const uint8_t data[1400];
    const int a = host(w, 1, "10.0.1.2/24", "10.0.1.1", 0), r = router(w, 1500, 576, 0), b = host(w, 2, "10.0.2.2/24", "10.0.2.1", 0);
    lan_join(w, a, 0, lan_host_end(r, 0), NULL);
    lan_join(w, b, 0, lan_host_end(r, 1), NULL);
    lan_run_for(w, 3 * NS_PER_SEC);
    struct net *na = stack_net(world_stack(w, a), world_loop(w)), *nb = stack_net(world_stack(w, b), world_loop(w));
    struct dgram *d[3], *in;
    struct dgram_in got;
    const struct endpoint to = { lan_addr("10.0.2.2"), 5000 };
    assert_int_equal(net_datagram(nb, &(struct dgram_opts){ .local.port = 5000 }, &in), PLUMB_OK);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(net_datagram(na, &(struct dgram_opts){ .size = (enum dgram_size)i }, &d[i]), PLUMB_OK);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = DGRAM_CUT; i <= DGRAM_WHOLE; i++) {
            const bool arrives = i == DGRAM_CUT || (i == DGRAM_CUT_HERE && round == 1);     /* by the first loss the path is known */
            assert_int_equal(dgram_send(d[i], to, data, sizeof data), i == DGRAM_WHOLE ? PLUMB_TOO_BIG : PLUMB_OK);
            lan_run_for(w, NS_PER_SEC);
            assert_int_equal(dgram_peek(in, &got), arrives);
            if (arrives)
                assert_int_equal(got.len, sizeof data);
            dgram_consume(in);
        }
    }
    assert_int_equal(dgram_take_error(d[DGRAM_CUT_HERE]), PLUMB_TOO_BIG);
    assert_int_equal(dgram_send(d[DGRAM_WHOLE], to, data, 576 - 28), PLUMB_OK);
    lan_run_for(w, NS_PER_SEC);
    assert_true(dgram_peek(in, &got));
    for (unsigned i = 0; i < 3; i++)
        dgram_close(d[i]);
    dgram_close(in);
    world_free(w);
}

/* Large packets come in on the left; the right takes only wire-size ones. */
static void router_segments(void **state)
{
    (void)state;
    struct world *w = world_new(3);
    const int a = host(w, 1, "10.0.1.2/24", "10.0.1.1", 65535), r = router(w, 1500, 1500, 65535), b = host(w, 2, "10.0.2.2/24", "10.0.2.1", 0);
    lan_join(w, a, 0, lan_host_end(r, 0), NULL);
    lan_join(w, b, 0, lan_host_end(r, 1), &(struct impair_config){ .mtu = 1500, .delay_ns = NS_PER_MS });
    lan_run_for(w, 3 * NS_PER_SEC);
    transfer(w, a, b, "10.0.2.2:80");
    assert_int_equal(stack_trace(world_stack(w, r))->drops[WHY_LINK_MTU], 0);
    assert_int_equal(stack_trace(world_stack(w, b))->drops[WHY_TCP_CHECKSUM], 0);
    assert_int_equal(lan_pkts_used(w, 3), 0);
    world_free(w);
}

/* A gateway's inner side: whatever address a program asks for, we are it. */
static void every_address_is_ours(void **state)
{
    (void)state;
    struct world *w = world_new(4);
    struct echo_result e;
    struct stack *g = stack_new(&(struct stack_config){ .node = 5, .seed = 1 }, 0);
    struct iface_config c = lan_iface(5, 0);
    c.any_address = true;
    assert_int_equal(stack_add_iface(g, &c, 0), 0);
    assert_int_equal(stack_add_addr(g, 0, lan_prefix("10.0.1.1/24"), false, 0), PLUMB_OK);
    const int gateway = world_add_stack(w, g), a = host(w, 1, "10.0.1.2/24", "10.0.1.1", 0);
    lan_join(w, a, 0, lan_host_end(gateway, 0), &(struct impair_config){ .delay_ns = NS_PER_MS });
    lan_run_for(w, 3 * NS_PER_SEC);
    assert_int_equal(stack_echo_send(world_stack(w, a), lan_addr("198.51.100.7"), 1, 1, NULL, 0, 0, world_now(w)), PLUMB_OK);
    lan_run_for(w, NS_PER_SEC);
    assert_true(stack_echo_take(world_stack(w, a), &e));
    assert_int_equal(e.trouble, TROUBLE_NONE);
    assert_true(addr_eq(e.from, lan_addr("198.51.100.7")));
    transfer(w, a, gateway, "203.0.113.80:80");
    world_free(w);
}

static struct pkt *datagram(struct stack *st, uint8_t csum, bool wrong)
{
    struct pkt *k = pkt_new(stack_pools(st), 100);
    struct writer w = writer_of(pkt_append(k, 14 + 20 + 8 + 4), 46);
    eth_write(&w, &(struct eth){ .dst = lan_iface(1, 0).mac, .src = lan_iface(2, 0).mac, .type = ETH_IP4 });
    ip4_write(&w, &(struct ip4){ .src = lan_addr("10.0.1.1"), .dst = lan_addr("10.0.1.2"), .total_len = 32, .ttl = 64, .proto = IP_UDP });
    udp_write(&w, &(struct udp_header){ .src_port = 5, .dst_port = 9, .len = 12 });
    wr_bytes(&w, "data", 4);
    k->l4_off = (uint16_t)(k->head + 34);
    k->csum_field = 6;
    const csum_t pseudo = csum_pseudo(lan_addr("10.0.1.1"), lan_addr("10.0.1.2"), IP_UDP, 12);
    uint16_t field = csum == CSUM_PARTIAL ? csum_fold(pseudo) : csum_finish(csum_add(pseudo, pkt_l4(k), 12));
    field = wrong ? (uint16_t)(field + 1) : field;
    memcpy(pkt_l4(k) + 6, &field, 2);
    k->csum = csum;
    return k;
}

/* From a device with virtio-net headers sums arrive partial, verified or neither. */
static void checksum_states(void **state)
{
    (void)state;
    struct world *w = world_new(5);
    struct stack *st = world_stack(w, host(w, 1, "10.0.1.2/24", "10.0.1.1", 0));
    const struct dgram_opts o = { .local = { ADDR_NONE, 9 } };
    struct dgram *d = NULL;
    struct dgram_in in;
    struct batch b = { .n = 0 };
    assert_int_equal(net_datagram(stack_net(st, world_loop(w)), &o, &d), PLUMB_OK);
    batch_add(&b, datagram(st, CSUM_PARTIAL, false));
    batch_add(&b, datagram(st, CSUM_NONE, false));
    batch_add(&b, datagram(st, CSUM_NONE, true));
    batch_add(&b, datagram(st, CSUM_OK, true));     /* the device said so */
    stack_input(st, 0, &b, 0);
    assert_int_equal(b.n, 0);
    unsigned n = 0;
    for (; dgram_peek(d, &in); n++)
        dgram_consume(d);
    assert_int_equal(n, 3);
    assert_int_equal(stack_trace(st)->drops[WHY_UDP_CHECKSUM], 1);
    world_free(w);
}

TESTS(path_mtu_is_found, forged_too_big, router_fragments, datagrams_and_their_path, router_segments, every_address_is_ours, checksum_states)
