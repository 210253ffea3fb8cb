/* Probes: each answer and each error comes back with what it is about, and a SYN-ACK is reset. */
#include "../test.h"
#include "lan.h"
#include "stack/probe.h"
#include "wire/tcp.h"

struct topology { struct world *w; int a, b, r; uint16_t port; };

/* a -- router -- b, the link to b of a smaller MTU than that of a */
static struct topology routed(uint64_t seed)
{
    struct topology t = { .w = world_new(seed) };
    t.a = lan_host(t.w, 1, "10.0.1.2/24", "10.0.1.1");
    t.b = lan_host(t.w, 2, "10.0.2.2/24", "10.0.2.1");
    t.r = lan_router(t.w, 3, "10.0.1.1/24", "10.0.2.1/24");
    lan_join(t.w, t.a, 0, lan_host_end(t.r, 0), &(struct impair_config){ .delay_ns = 5 * NS_PER_MS });
    lan_join(t.w, t.b, 0, lan_host_end(t.r, 1), NULL);
    assert_int_equal(stack_probe_open(world_stack(t.w, t.a), 2, &t.port), PLUMB_OK);
    assert_in_range(t.port, PROBE_PORT_FIRST, PROBE_PORT_LAST);
    lan_run_for(t.w, 3 * NS_PER_SEC);
    return t;
}

static bool ask(struct topology *t, struct probe p, struct probe_answer *out)
{
    p.local_port = t->port;
    assert_int_equal(stack_probe_send(world_stack(t->w, t->a), &p, world_now(t->w)), PLUMB_OK);
    lan_run_for(t->w, 4 * NS_PER_SEC);
    return stack_probe_take(world_stack(t->w, t->a), out);
}

static struct endpoint at(const char *addr, uint16_t port) { return (struct endpoint){ lan_addr(addr), port }; }

static void datagrams(void **state)
{
    (void)state;
    struct topology t = routed(1);
    struct probe_answer a;
    struct dgram *d;
    struct net *nb = stack_net(world_stack(t.w, t.b), world_loop(t.w));
    assert_true(ask(&t, (struct probe){ .kind = PROBE_UDP, .to = at("10.0.2.2", 33434), .ttl = 1, .data = "x", .len = 1 }, &a));
    assert_true(a.kind == PROBE_UDP && a.trouble == TROUBLE_TTL && addr_eq(a.from, lan_addr("10.0.1.1")));
    assert_true(endpoint_eq(a.about, at("10.0.2.2", 33434)));
    assert_true(ask(&t, (struct probe){ .kind = PROBE_UDP, .to = at("10.0.2.2", 33435), .ttl = 2 }, &a));
    assert_true(a.trouble == TROUBLE_PORT && addr_eq(a.from, lan_addr("10.0.2.2")) && a.about.port == 33435);
    assert_int_equal(net_datagram(nb, &(struct dgram_opts){ .local = { ADDR_NONE, 53 } }, &d), PLUMB_OK);
    assert_false(ask(&t, (struct probe){ .kind = PROBE_UDP, .to = at("10.0.2.2", 53), .data = "ask", .len = 3 }, &a));
    struct dgram_in in;
    assert_true(dgram_peek(d, &in) && in.len == 3 && in.from.port == t.port);
    assert_int_equal(dgram_send(d, in.from, "answer", 6), PLUMB_OK);
    dgram_consume(d);
    lan_run_for(t.w, NS_PER_SEC);
    assert_true(stack_probe_take(world_stack(t.w, t.a), &a) && a.trouble == TROUBLE_NONE && a.len == 6 && a.about.port == 53 && a.ttl == 63);
    dgram_close(d);
    assert_int_equal(lan_pkts_used(t.w, 3), 0);
    world_free(t.w);
}

static void segments(void **state)
{
    (void)state;
    struct topology t = routed(2);
    struct probe_answer a;
    struct listener *l;
    struct net *nb = stack_net(world_stack(t.w, t.b), world_loop(t.w));
    assert_int_equal(net_listen(nb, &(struct listen_opts){ .local = { ADDR_NONE, 80 } }, &l), PLUMB_OK);
    assert_true(ask(&t, (struct probe){ .kind = PROBE_TCP, .to = at("10.0.2.2", 80), .tcp_seq = 0xfffffffe }, &a));
    assert_true(a.kind == PROBE_TCP && a.trouble == TROUBLE_NONE && a.flags == (SYN | ACK) && a.has_seq && a.tcp_seq == 0xfffffffe);
    assert_true(endpoint_eq(a.about, at("10.0.2.2", 80)) && a.ttl == 63);
    assert_false(stack_probe_take(world_stack(t.w, t.a), &a));      /* our RST ended it: no SYN-ACK again */
    lan_run_for(t.w, 10 * NS_PER_SEC);
    assert_false(stack_probe_take(world_stack(t.w, t.a), &a));
    assert_true(ask(&t, (struct probe){ .kind = PROBE_TCP, .to = at("10.0.2.2", 81), .tcp_seq = 7 }, &a));
    assert_true(a.flags == (RST | ACK) && a.tcp_seq == 7 && a.about.port == 81);
    assert_true(ask(&t, (struct probe){ .kind = PROBE_TCP, .to = at("10.0.2.2", 80), .tcp_seq = 99, .ttl = 1 }, &a));
    assert_true(a.kind == PROBE_TCP && a.trouble == TROUBLE_TTL && a.has_seq && a.tcp_seq == 99 && addr_eq(a.from, lan_addr("10.0.1.1")));
    assert_true(ask(&t, (struct probe){ .kind = PROBE_TCP, .to = at("10.0.2.77", 80), .tcp_seq = 5 }, &a));
    assert_int_equal(a.trouble, TROUBLE_ADDRESS);
    listener_close(l);
    assert_int_equal(lan_pkts_used(t.w, 3), 0);
    world_free(t.w);
}

static void echoes(void **state)
{
    (void)state;
    struct topology t = routed(3);
    struct probe_answer a;
    assert_true(ask(&t, (struct probe){ .kind = PROBE_ECHO, .to = at("10.0.2.2", 0), .id = 9, .seq = 3, .data = "abc", .len = 3 }, &a));
    assert_true(a.kind == PROBE_ECHO && a.trouble == TROUBLE_NONE && a.id == 9 && a.seq == 3 && a.len == 3 && a.ttl == 63);
    assert_true(ask(&t, (struct probe){ .kind = PROBE_ECHO, .to = at("10.0.2.2", 0), .id = 9, .seq = 4, .ttl = 1 }, &a));
    assert_true(a.trouble == TROUBLE_TTL && a.seq == 4);
    world_free(t.w);
}

static void refused(void **state)
{
    (void)state;
    struct topology t = routed(4);
    struct stack *a = world_stack(t.w, t.a);
    static uint8_t big[2000];
    uint16_t port;
    struct probe probe = { .kind = PROBE_UDP, .to = at("10.0.2.2", 1), .local_port = t.port, .data = big, .len = sizeof big, .dont_fragment = true };
    assert_int_equal(stack_probe_open(a, 1, &port), PLUMB_INVALID);
    assert_int_equal(stack_probe_send(a, &probe, world_now(t.w)), PLUMB_TOO_BIG);
    assert_int_equal(stack_probe_send(world_stack(t.w, t.b), &probe, world_now(t.w)), PLUMB_INVALID);
    probe.local_port = (uint16_t)(t.port + 2);
    assert_int_equal(stack_probe_send(a, &probe, world_now(t.w)), PLUMB_INVALID);
    stack_probe_close(a);
    assert_int_equal(stack_probe_send(a, &probe, world_now(t.w)), PLUMB_INVALID);
    struct probe_answer none;
    assert_false(stack_probe_take(a, &none));
    world_free(t.w);
}

/* More answers than the queue holds: the rest is counted, not kept. */
static void queue_is_bounded(void **state)
{
    (void)state;
    struct topology t = routed(5);
    struct stack *a = world_stack(t.w, t.a);
    struct probe_answer answer;
    unsigned n = 0;
    for (unsigned i = 0; i < PROBE_ANSWERS + 50; i++) {
        assert_int_equal(stack_probe_send(a, &(struct probe){ .kind = PROBE_TCP, .to = at("10.0.2.2", (uint16_t)(1000 + i)),
                                                                 .local_port = (uint16_t)(t.port + i % 2) }, world_now(t.w)), PLUMB_OK);
        lan_run_for(t.w, NS_PER_MS);
    }
    lan_run_for(t.w, NS_PER_SEC);
    while (stack_probe_take(a, &answer))
        n++;
    assert_int_equal(n, PROBE_ANSWERS);
    assert_int_equal(stack_trace(a)->drops[WHY_ECHO_QUEUE_FULL], 50);
    world_free(t.w);
}

TESTS(datagrams, segments, echoes, refused, queue_is_bounded)
