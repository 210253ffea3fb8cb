/* UDP through struct net: delivery, matching, errors, broadcast, bounds. */
#include "../test.h"
#include "lan.h"

static struct world *w;
static int a, b, r;

static int set_up_world(uint64_t seed)
{
    w = world_new(seed);
    const int sw = world_add_switch(w);
    a = lan_host(w, 1, "10.0.1.2/24", "10.0.1.1");
    b = lan_host(w, 2, "10.0.2.2/24", "10.0.2.1");
    r = lan_router(w, 3, "10.0.1.1/24", "10.0.2.1/24");
    lan_join(w, a, 0, lan_switch_end(sw), NULL);
    lan_join(w, r, 0, lan_switch_end(sw), NULL);
    lan_join(w, b, 0, lan_host_end(r, 1), NULL);
    lan_run_for(w, 3 * NS_PER_SEC);
    return 0;
}

static struct dgram *open_on(int host, struct dgram_opts o)
{
    struct dgram *d = NULL;
    assert_int_equal(net_datagram(stack_net(world_stack(w, host), world_loop(w)), &o, &d), PLUMB_OK);
    return d;
}

static struct endpoint at(const char *text)
{
    struct endpoint e;
    assert_true(endpoint_parse(text, &e));
    return e;
}

static int woken;
static void on_wake(void *arg) { woken++; (void)arg; }

static void there_and_back(void **state)
{
    (void)state;
    set_up_world(1);
    struct dgram *server = open_on(b, (struct dgram_opts){ .local = { ADDR_NONE, 53 } }), *client = open_on(a, (struct dgram_opts){ 0 });
    struct dgram_in in;
    woken = 0;
    dgram_watch(server, on_wake, NULL);
    assert_true(dgram_local(client).port >= 49152);
    assert_int_equal(dgram_send(client, at("10.0.2.2:53"), "query", 5), PLUMB_OK);
    assert_int_equal(woken, 0);         /* never from inside a call */
    lan_run_for(w, NS_PER_SEC);
    assert_int_equal(woken, 1);
    assert_true(dgram_peek(server, &in));
    assert_int_equal(in.len, 5);
    assert_memory_equal(in.bytes, "query", 5);
    assert_true(addr_eq(in.to, lan_addr("10.0.2.2")));
    const struct endpoint from = in.from;
    assert_true(addr_eq(from.addr, lan_addr("10.0.1.2")));
    assert_int_equal(from.port, dgram_local(client).port);
    dgram_consume(server);
    assert_false(dgram_peek(server, &in));
    assert_int_equal(dgram_send(server, from, "answer", 6), PLUMB_OK);
    lan_run_for(w, NS_PER_SEC);
    assert_true(dgram_peek(client, &in));
    assert_memory_equal(in.bytes, "answer", 6);
    dgram_consume(client);
    dgram_close(server);
    dgram_close(client);
    assert_int_equal(lan_pkts_used(w, 3), 0);
    world_free(w);
}

static void large_ones_are_fragmented(void **state)
{
    (void)state;
    static uint8_t bytes[65507];
    set_up_world(2);
    struct dgram *server = open_on(b, (struct dgram_opts){ .local = { ADDR_NONE, 9 } }), *client = open_on(a, (struct dgram_opts){ 0 });
    struct dgram_in in;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 31 >> 3);
    assert_int_equal(dgram_send(client, at("10.0.2.2:9"), "", 0), PLUMB_OK);    /* finds the neighbours */
    lan_run_for(w, NS_PER_SEC);
    assert_true(dgram_peek(server, &in));
    assert_int_equal(in.len, 0);
    dgram_consume(server);
    assert_int_equal(dgram_send(client, at("10.0.2.2:9"), bytes, sizeof bytes), PLUMB_OK);
    lan_run_for(w, NS_PER_SEC);
    assert_true(dgram_peek(server, &in));
    assert_int_equal(in.len, sizeof bytes);
    assert_memory_equal(in.bytes, bytes, sizeof bytes);
    assert_int_equal(dgram_send(client, at("10.0.2.2:9"), bytes, 65508), PLUMB_TOO_BIG);
    world_free(w);                      /* with sockets open and a datagram queued */
}

static void refused(void **state)
{
    (void)state;
    set_up_world(3);
    struct dgram *c = open_on(a, (struct dgram_opts){ .remote = at("10.0.2.2:1234") });
    woken = 0;
    dgram_watch(c, on_wake, NULL);
    assert_true(addr_eq(dgram_local(c).addr, lan_addr("10.0.1.2")));
    assert_int_equal(dgram_take_error(c), PLUMB_OK);
    assert_int_equal(dgram_send(c, (struct endpoint){ 0 }, "x", 1), PLUMB_OK);
    lan_run_for(w, NS_PER_SEC);
    assert_int_equal(woken, 1);
    assert_int_equal(dgram_take_error(c), PLUMB_REFUSED);
    assert_int_equal(dgram_take_error(c), PLUMB_OK);
    assert_int_equal(stack_trace(world_stack(w, b))->drops[WHY_UDP_NO_PORT], 1);
    dgram_close(c);
    c = open_on(a, (struct dgram_opts){ .remote = at("10.0.2.99:1234") });
    assert_int_equal(dgram_send(c, (struct endpoint){ 0 }, "x", 1), PLUMB_OK);
    lan_run_for(w, 5 * NS_PER_SEC);
    assert_int_equal(dgram_take_error(c), PLUMB_UNREACHABLE);
    dgram_close(c);
    world_free(w);
}

static void the_most_specific_socket_wins(void **state)
{
    (void)state;
    set_up_world(4);
    struct dgram *any = open_on(b, (struct dgram_opts){ .local = { ADDR_NONE, 7 } }), *bound = open_on(b, (struct dgram_opts){ .local = at("10.0.2.2:7") });
    struct dgram *connected = open_on(b, (struct dgram_opts){ .local = at("10.0.2.2:7"), .remote = at("10.0.1.2:5000") });
    struct dgram *c = open_on(a, (struct dgram_opts){ .local = { ADDR_NONE, 5000 } }), *d = open_on(a, (struct dgram_opts){ .local = { ADDR_NONE, 5001 } });
    struct dgram *e = NULL;
    struct dgram_in in;
    const struct dgram_opts taken = { .local = at("10.0.2.2:7") }, foreign = { .local = at("10.0.1.2:7") };
    struct net *net = stack_net(world_stack(w, b), world_loop(w));
    assert_int_equal(net_datagram(net, &taken, &e), PLUMB_ADDR_IN_USE);
    assert_int_equal(net_datagram(net, &foreign, &e), PLUMB_ADDR_NOT_OURS);
    assert_int_equal(dgram_send(c, at("10.0.2.2:7"), "c", 1), PLUMB_OK);
    assert_int_equal(dgram_send(d, at("10.0.2.2:7"), "d", 1), PLUMB_OK);
    lan_run_for(w, NS_PER_SEC);
    assert_true(dgram_peek(connected, &in) && in.bytes[0] == 'c');
    assert_true(dgram_peek(bound, &in) && in.bytes[0] == 'd');
    assert_false(dgram_peek(any, &in));
    world_free(w);
}

static void broadcast_needs_leave(void **state)
{
    (void)state;
    set_up_world(5);
    struct dgram *c = open_on(a, (struct dgram_opts){ 0 }), *s1 = open_on(r, (struct dgram_opts){ .local = at("10.0.1.1:67"), .broadcast = true });
    struct dgram *s2 = open_on(r, (struct dgram_opts){ .local = at("10.0.2.1:67") }), *bc = open_on(a, (struct dgram_opts){ .local = { ADDR_NONE, 68 }, .broadcast = true });
    struct dgram_in in;
    assert_int_equal(dgram_send(c, at("255.255.255.255:67"), "x", 1), PLUMB_ACCESS);
    assert_int_equal(dgram_send(c, at("10.0.1.255:67"), "x", 1), PLUMB_ACCESS);
    assert_int_equal(dgram_send(bc, at("255.255.255.255:67"), "x", 1), PLUMB_OK);
    lan_run_for(w, NS_PER_SEC);
    assert_true(dgram_peek(s1, &in));
    assert_true(addr_is_broadcast(in.to));
    assert_false(dgram_peek(s2, &in));  /* on the other interface */
    assert_int_equal(dgram_send(s1, at("255.255.255.255:68"), "y", 1), PLUMB_OK);
    lan_run_for(w, NS_PER_SEC);
    assert_true(dgram_peek(bc, &in) && in.bytes[0] == 'y');
    world_free(w);
}

static void queues_are_bounded(void **state)
{
    (void)state;
    set_up_world(6);
    struct dgram *server = open_on(b, (struct dgram_opts){ .local = { ADDR_NONE, 9 } }), *client = open_on(a, (struct dgram_opts){ 0 });
    struct dgram_in in;
    unsigned sent = 0, got = 0;
    enum plumb_err e = PLUMB_OK;
    assert_int_equal(dgram_send(client, at("10.0.2.2:9"), "x", 1), PLUMB_OK);
    lan_run_for(w, NS_PER_SEC);
    for (; sent < 5000 && e == PLUMB_OK; sent++)
        e = dgram_send(client, at("10.0.2.2:9"), "x", 1);
    assert_int_equal(e, PLUMB_AGAIN);
    woken = 0;
    dgram_watch(client, on_wake, NULL);
    lan_run_for(w, NS_PER_SEC);
    assert_int_equal(woken, 1);         /* room came */
    for (; dgram_peek(server, &in); got++)
        dgram_consume(server);
    assert_int_equal(got, 256);
    assert_int_equal(got + stack_trace(world_stack(w, b))->drops[WHY_UDP_QUEUE_FULL], sent);
    assert_int_equal(lan_pkts_used(w, 3), 0);
    world_free(w);
}

static void to_ourselves(void **state)
{
    (void)state;
    set_up_world(7);
    struct dgram *server = open_on(a, (struct dgram_opts){ .local = { ADDR_NONE, 9 } }), *client = open_on(a, (struct dgram_opts){ 0 });
    struct dgram *dead = open_on(a, (struct dgram_opts){ .remote = at("127.0.0.1:1") });
    struct dgram_in in;
    assert_int_equal(dgram_send(client, at("127.0.0.1:9"), "x", 1), PLUMB_OK);
    assert_int_equal(dgram_send(client, at("10.0.1.2:9"), "y", 1), PLUMB_OK);
    assert_int_equal(dgram_send(dead, at("127.0.0.1:1"), "z", 1), PLUMB_OK);
    lan_run_for(w, NS_PER_SEC);
    assert_true(dgram_peek(server, &in) && in.bytes[0] == 'x');
    dgram_consume(server);
    assert_true(dgram_peek(server, &in) && in.bytes[0] == 'y');
    assert_int_equal(dgram_take_error(dead), PLUMB_REFUSED);
    world_free(w);
}

TESTS(there_and_back, large_ones_are_fragmented, refused, the_most_specific_socket_wins, broadcast_needs_leave, queues_are_bounded, to_ourselves)
