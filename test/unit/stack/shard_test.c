/* Several shards are one host: whichever queue a packet comes by, its owner gets it. */
#include "shard_wire.h"
#include "wire/eth.h"
#include "wire/icmp4.h"

/* A router that the shards' large packets do not pass says so, by a queue that is not the connection's. */
void shard_too_big(struct shard_wire *w, const struct pkt *k)
{
    struct stack *to = w->shard[w->icmp_to];
    struct pkt *icmp = pkt_new(stack_pools(to), 200);
    struct batch in;
    batch_init(&in);
    uint8_t *at = pkt_append(icmp, ETH_HEADER + IP4_HEADER + ICMP4_HEADER + 28);
    struct writer frame = writer_of(at, ETH_HEADER), ip = writer_of(at + ETH_HEADER, IP4_HEADER), m = writer_of(at + ETH_HEADER + IP4_HEADER, ICMP4_HEADER + 28);
    eth_write(&frame, &(struct eth){ .dst = lan_iface(1, 0).mac, .src = lan_iface(2, 0).mac, .type = ETH_IP4 });
    ip4_write(&ip, &(struct ip4){ .src = addr4(0x0a000002), .dst = addr4(0x0a000001), .total_len = IP4_HEADER + ICMP4_HEADER + 28, .ttl = 64, .proto = IP_ICMP });
    icmp4_write(&m, &(struct icmp4){ .type = ICMP4_UNREACHABLE, .code = ICMP4_UNREACH_FRAG_NEEDED, .mtu = (uint16_t)w->drop_large },
                pkt_head_const(k) + ETH_HEADER, 28);
    batch_add(&in, icmp);
    stack_input(to, 0, &in, w->loop.now_ns);
    w->too_big++;
}

static struct shard_wire w;
static struct flow_server server[SHARDS + 1];
static struct flow_end client[64];

enum { BYTES = 20000 };

static void listen_on(unsigned shard)
{
    const struct listen_opts o = { .local = { ADDR_NONE, PEER_PORT }, .backlog = 100 };
    server[shard] = (struct flow_server){ .seed = 2, .peer_seed = 1, .to_send = BYTES, .to_get = BYTES };
    assert_int_equal(net_listen(shard_net(&w, shard), &o, &server[shard].l), PLUMB_OK);
    listener_watch(server[shard].l, flow_accept, &server[shard]);
}

static void call_from(unsigned shard, struct flow_end *e)
{
    const struct connect_opts o = { .remote = { addr4(shard < SHARDS ? 0x0a000002 : 0x0a000001), PEER_PORT } };
    *e = (struct flow_end){ .seed = 1, .peer_seed = 2, .to_send = BYTES, .to_get = BYTES };
    assert_int_equal(net_connect(shard_net(&w, shard), &o, &e->s), PLUMB_OK);
    stream_watch(e->s, flow_ready, e);
}

static void all_are_whole(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(client[i].error, PLUMB_OK);
        assert_true(client[i].closed);
        assert_int_equal(client[i].got, BYTES);
    }
}

static void open_with(enum queues queues, unsigned seed)
{
    shard_wire_open(&w, seed);
    w.queues = queues;
    shard_run(&w, NS_PER_MS);           /* all know their address */
}

static void peer_calls(enum queues queues, unsigned seed)
{
    unsigned n = 0;
    open_with(queues, seed);
    for (unsigned i = 0; i < SHARDS; i++)
        listen_on(i);
    for (unsigned i = 0; i < 64; i++)
        call_from(SHARDS, &client[i]);
    shard_run(&w, 30 * NS_PER_SEC);
    all_are_whole(64);
    for (unsigned i = 0; i < SHARDS; i++) {
        assert_true(server[i].n > 4);   /* each has its part */
        n += server[i].n;
        for (unsigned j = 0; j < server[i].n; j++)
            assert_int_equal(server[i].end[j].got, BYTES);
    }
    assert_int_equal(n, 64);
}

static void steered_flows_need_no_ring(void **state)
{
    (void)state;
    peer_calls(QUEUES_STEERED, 1);
    for (unsigned i = 0; i < SHARDS; i++) {
        const struct shard_counts c = stack_shard_counts(w.shard[i]);
        assert_int_equal(c.strays, 0);
        assert_int_equal(c.lost, 0);
    }
    shard_wire_close(&w);
}

static void any_queue_will_do(void **state)
{
    (void)state;
    for (enum queues q = QUEUES_TURN; q <= QUEUES_LAST; q++) {
        uint64_t strays = 0;
        peer_calls(q, 2 + q);
        for (unsigned i = 0; i < SHARDS; i++)
            strays += stack_shard_counts(w.shard[i]).strays;
        assert_true(strays > 64 * 5);
        assert_int_equal(shard_drops(&w, WHY_SHARD_RING_FULL), 0);
        shard_wire_close(&w);
    }
}

/* What a shard asks comes back to it, though it chose nothing but a port. */
static void ports_come_home(void **state)
{
    (void)state;
    open_with(QUEUES_STEERED, 7);
    listen_on(SHARDS);
    for (unsigned i = 0; i < 64; i++)
        call_from(i % SHARDS, &client[i]);
    for (unsigned i = 0; i < 64; i++) {
        const struct flow f = { stream_local(client[i].s).addr, stream_remote(client[i].s).addr, stream_local(client[i].s).port, PEER_PORT };
        assert_int_equal(steer_flow(shards_steer(w.shards), IP_TCP, &f), i % SHARDS);
        for (unsigned j = 0; j < i; j++)
            assert_int_not_equal(stream_local(client[j].s).port, f.local_port);
    }
    shard_run(&w, 30 * NS_PER_SEC);
    all_are_whole(64);
    for (unsigned i = 0; i < SHARDS; i++)
        assert_int_equal(stack_shard_counts(w.shard[i]).strays, 0);
    shard_wire_close(&w);
}

/* A port of one's own choice whose answers would be another's is refused by all but one. */
static void given_port(void **state)
{
    (void)state;
    open_with(QUEUES_STEERED, 8);
    listen_on(SHARDS);
    unsigned taken = 0;
    for (unsigned i = 0; i < SHARDS; i++) {
        const struct connect_opts o = { .remote = { addr4(0x0a000002), PEER_PORT }, .local = { ADDR_NONE, 5555 } };
        struct stream *s = NULL;
        const enum plumb_err e = net_connect(shard_net(&w, i), &o, &s);
        assert_true(e == PLUMB_OK || e == PLUMB_NO_PORTS);
        taken += e == PLUMB_OK;
        stream_abort(s);
    }
    assert_int_equal(taken, 1);
    shard_wire_close(&w);
}

/* The message about a packet of one shard comes by the queue of another. */
static void too_big_finds_its_connection(void **state)
{
    (void)state;
    open_with(QUEUES_STEERED, 9);
    listen_on(SHARDS);
    call_from(3, &client[0]);
    w.drop_large = 700;
    w.icmp_to = 2;
    shard_run(&w, NS_PER_SEC);
    all_are_whole(1);
    assert_true(w.too_big > 0);
    for (unsigned i = 0; i < SHARDS; i++) {
        struct path p;
        assert_int_equal(stack_route(w.shard[i], ADDR_NONE, addr4(0x0a000002), &p), PLUMB_OK);
        assert_int_equal(p.mtu, 700);   /* what one has learnt all know */
    }
    shard_wire_close(&w);
}

static const char *neigh_of(struct stack *st)
{
    struct neigh_info info;
    for (uint32_t at = 0; stack_walk_neigh(st, &at, &info);)
        if (addr_eq(info.addr, addr4(0x0a000002)))
            return info.state;
    return "none";
}

/* Shard 0 alone speaks ARP: nobody else hears an answer here. */
static void neighbours_are_learnt_for_all(void **state)
{
    (void)state;
    open_with(QUEUES_FIRST, 10);
    listen_on(SHARDS);
    call_from(3, &client[0]);
    shard_run(&w, 10 * NS_PER_MS);
    assert_string_equal(neigh_of(w.shard[0]), "REACHABLE");
    assert_string_equal(neigh_of(w.shard[3]), "REACHABLE");
    assert_string_equal(neigh_of(w.shard[1]), "REACHABLE");     /* it never asked */
    shard_run(&w, 50 * NS_PER_SEC);
    assert_string_equal(neigh_of(w.shard[3]), "STALE");
    call_from(3, &client[1]);
    shard_run(&w, NS_PER_SEC);                                 /* TCP got on: nobody had to ask */
    assert_string_equal(neigh_of(w.shard[3]), "REACHABLE");
    all_are_whole(2);
    shard_wire_close(&w);
}

/* Answers come by the last queue, whose shard passes them on to the one that asked. */
static void arp_by_another_queue(void **state)
{
    (void)state;
    open_with(QUEUES_LAST, 11);
    listen_on(SHARDS);
    call_from(1, &client[0]);
    shard_run(&w, NS_PER_SEC);
    assert_string_equal(neigh_of(w.shard[0]), "REACHABLE");
    all_are_whole(1);
    shard_wire_close(&w);
}

static void a_neighbour_that_is_not_there(void **state)
{
    (void)state;
    struct stream *s;
    open_with(QUEUES_STEERED, 12);
    const struct connect_opts o = { .remote = { addr4(0x0a000009), PEER_PORT } };
    assert_int_equal(net_connect(shard_net(&w, 2), &o, &s), PLUMB_OK);
    shard_run(&w, 10 * NS_PER_SEC);
    assert_int_equal(stream_state(s), STREAM_FAILED);
    assert_int_equal(stream_error(s), PLUMB_UNREACHABLE);
    stream_close(s);
    shard_wire_close(&w);
}

static bool routed(unsigned shard, const char *to)
{
    struct path p;
    return stack_route(w.shard[shard], ADDR_NONE, lan_addr(to), &p) == PLUMB_OK;
}

static void facts_are_told(void **state)
{
    (void)state;
    const struct prefix net = lan_prefix("10.7.0.0/16"), second = lan_prefix("10.1.0.1/24");
    open_with(QUEUES_STEERED, 13);
    assert_int_equal(stack_add_addr(w.shard[1], 0, second, false, 0), PLUMB_INVALID);
    assert_int_equal(stack_add_route(w.shard[1], net, lan_addr("10.0.0.2"), 0, 0), PLUMB_INVALID);
    assert_int_equal(stack_add_addr(w.shard[0], 0, second, true, w.loop.now_ns), PLUMB_OK);
    assert_int_equal(stack_add_route(w.shard[0], net, lan_addr("10.0.0.2"), 0, w.loop.now_ns), PLUMB_OK);
    shard_run(&w, 20 * NS_PER_MS);
    assert_true(routed(3, "10.7.1.1"));
    assert_false(routed(3, "10.1.0.9"));        /* still probed */
    shard_run(&w, 20 * NS_PER_SEC);
    for (unsigned i = 0; i < SHARDS; i++)
        assert_true(routed(i, "10.1.0.9"));
    assert_int_equal(stack_del_route(w.shard[0], net), PLUMB_OK);
    assert_int_equal(stack_del_addr(w.shard[0], 0, second.addr, w.loop.now_ns), PLUMB_OK);
    shard_run(&w, 20 * NS_PER_MS);
    for (unsigned i = 0; i < SHARDS; i++) {
        assert_false(routed(i, "10.7.1.1"));
        assert_false(routed(i, "10.1.0.9"));
    }
    stack_set_link(w.shard[0], 0, false, w.loop.now_ns);
    shard_run(&w, 20 * NS_PER_MS);
    assert_false(routed(2, "10.0.0.2"));
    shard_wire_close(&w);
}

/* Fragments meet at shard 0, whole datagrams at who bound the port. */
static void datagrams(void **state)
{
    (void)state;
    static uint8_t bytes[6000];
    struct dgram *d[SHARDS], *peer;
    open_with(QUEUES_TURN, 14);
    assert_int_equal(net_datagram(shard_net(&w, SHARDS), &(struct dgram_opts){ .local = { ADDR_NONE, 53 } }, &peer), PLUMB_OK);
    for (unsigned i = 0; i < SHARDS; i++) {
        assert_int_equal(net_datagram(shard_net(&w, i), &(struct dgram_opts){ 0 }, &d[i]), PLUMB_OK);
        assert_int_equal(dgram_send(d[i], (struct endpoint){ addr4(0x0a000002), 53 }, "who", 3), PLUMB_OK);
    }
    shard_run(&w, NS_PER_SEC);
    struct dgram_in in;
    for (unsigned i = 0; i < SHARDS; i++) {
        assert_true(dgram_peek(peer, &in));
        const struct endpoint from = in.from;
        dgram_consume(peer);
        bytes[5999] = (uint8_t)from.port;
        assert_int_equal(dgram_send(peer, from, bytes, sizeof bytes), PLUMB_OK);
        shard_run(&w, 10 * NS_PER_MS);
    }
    for (unsigned i = 0; i < SHARDS; i++) {
        assert_true(dgram_peek(d[i], &in));
        assert_int_equal(in.len, sizeof bytes);
        assert_int_equal(in.bytes[5999], (uint8_t)dgram_local(d[i]).port);
        dgram_consume(d[i]);
        dgram_close(d[i]);
    }
    dgram_close(peer);
    shard_wire_close(&w);
}

/* The initial sequence number of one flow at one moment. */
static uint32_t first_number(struct stack *st)
{
    const struct path p = { .local = addr4(0x0a000001), .remote = addr4(0x0a000002), .next_hop = addr4(0x0a000002), .mtu = 1500, .generation = 1 };
    struct tcp_conn *c = NULL;
    struct tcp_status s;
    for (uint16_t port = 1000; !c; port++)      /* the first that comes home */
        if (tcp_connect(stack_tcp(st), &p, port, PEER_PORT, NULL, &c, 5 * NS_PER_SEC) != PLUMB_OK)
            c = NULL;
    tcp_status(c, &s);
    return s.snd_nxt;
}

static void secrets_are_shared(void **state)
{
    (void)state;
    const uint64_t secret[2] = { 5, 6 }, other[2] = { 5, 7 };
    struct stack *st[3];
    struct shards *all[3];
    for (unsigned i = 0; i < 3; i++) {
        all[i] = shards_new(1, i < 2 ? secret : other);
        const struct stack_config c = { .seed = i, .shards = all[i] };
        st[i] = stack_new(&c, 0);
    }
    const uint32_t first = first_number(st[0]);
    assert_int_equal(first, first_number(st[1]));
    assert_int_not_equal(first, first_number(st[2]));
    for (unsigned i = 0; i < 3; i++) {
        stack_free(st[i]);
        shards_free(all[i]);
    }
}

/* A ring that nobody empties drops packets, says why, and keeps room for facts. */
static void a_shard_that_sleeps(void **state)
{
    (void)state;
    open_with(QUEUES_FIRST, 15);
    struct batch in;
    struct pkt *k;
    for (unsigned i = 0; i < 3000; i++) {
        batch_init(&in);
        k = pkt_new(stack_pools(w.shard[0]), 100);
        uint8_t *at = pkt_append(k, ETH_HEADER + IP4_HEADER + 20);
        struct writer frame = writer_of(at, ETH_HEADER), ip = writer_of(at + ETH_HEADER, IP4_HEADER);
        memset(at + ETH_HEADER + IP4_HEADER, 0, 20);
        store_be16(at + ETH_HEADER + IP4_HEADER, (uint16_t)(i + 1));
        eth_write(&frame, &(struct eth){ .dst = lan_iface(1, 0).mac, .src = lan_iface(2, 0).mac, .type = ETH_IP4 });
        ip4_write(&ip, &(struct ip4){ .src = addr4(0x0a000002), .dst = addr4(0x0a000001), .total_len = IP4_HEADER + 20, .ttl = 64, .proto = IP_TCP });
        batch_add(&in, k);
        stack_input(w.shard[0], 0, &in, w.loop.now_ns);
    }
    assert_true(stack_trace(w.shard[0])->drops[WHY_SHARD_RING_FULL] > 100);
    assert_true(stack_shard_counts(w.shard[0]).lost > 100);
    assert_int_equal(stack_add_route(w.shard[0], lan_prefix("10.7.0.0/16"), lan_addr("10.0.0.2"), 0, w.loop.now_ns), PLUMB_OK);
    shard_run(&w, NS_PER_SEC);
    assert_true(routed(1, "10.7.0.1"));
    shard_run(&w, NS_PER_SEC);
    for (unsigned i = 0; i < SHARDS; i++) {
        stack_tick(w.shard[i], w.loop.now_ns);
        assert_int_equal(stack_pools(w.shard[i])->small.used, 0);       /* nothing is left on a ring */
    }
    shard_wire_close(&w);
}

TESTS(steered_flows_need_no_ring, any_queue_will_do, ports_come_home, given_port, too_big_finds_its_connection, neighbours_are_learnt_for_all,
      arp_by_another_queue, a_neighbour_that_is_not_there, facts_are_told, datagrams, secrets_are_shared, a_shard_that_sleeps)
