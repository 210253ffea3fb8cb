/* The same seed gives the same packets, byte for byte; the clock jumps; cut links and
 * loops in the topology are survived. */
#include "../stack/flow.h"
#include "base/rng.h"

struct tape { uint64_t hash; unsigned out, large; };

static void record(void *arg, const struct event *e, const void *bytes, uint32_t n)
{
    struct tape *t = arg;
    const struct sipkey key = { { t->hash, (uint64_t)e->time_ns } };
    if (e->kind != EV_pkt_out)
        return;
    const struct ev_pkt_out *o = EVENT_BODY_OF(e, pkt_out);
    assert_int_equal(o->len, n);
    t->out++;
    t->large += o->gso_size > 0;
    t->hash = siphash(&key, bytes, n) + e->node * 31u + o->pkt;
}

static bool both_closed(void *arg)
{
    struct flow_end **e = arg;
    return e[0]->closed && e[1]->closed;
}

static int fast_host(struct world *w, unsigned node, const char *address, uint32_t gso_max)
{
    struct stack *st = stack_new(&(struct stack_config){ .node = (uint16_t)node, .seed = world_random(w) }, 0);
    struct iface_config c = lan_iface(node, 0);
    c.gso_max = gso_max;
    c.tx_csum = gso_max > 0;
    assert_int_equal(stack_add_iface(st, &c, 0), 0);
    assert_int_equal(stack_add_addr(st, 0, lan_prefix(address), false, 0), PLUMB_OK);
    return world_add_stack(w, st);
}

/* A transfer through a switch; the link of `a` is shaped, that of `b` is perfect. */
static struct tape run(uint64_t seed, uint32_t gso_max, const struct impair_config *link)
{
    static struct flow_server server;
    struct tape tape = { 0 };
    struct world *w = world_new(seed);
    const int sw = world_add_switch(w);
    const int a = fast_host(w, 1, "10.0.0.1/24", gso_max), b = fast_host(w, 2, "10.0.0.2/24", gso_max);
    lan_join(w, a, 0, lan_switch_end(sw), link);
    lan_join(w, b, 0, lan_switch_end(sw), NULL);
    trace_watch(stack_trace(world_stack(w, a)), TRACE_WIRE, record, &tape);
    trace_watch(stack_trace(world_stack(w, b)), TRACE_WIRE, record, &tape);
    struct flow_end client = { .seed = 1, .peer_seed = 2, .to_send = 300000, .to_get = 500000 };
    server = (struct flow_server){ .seed = 2, .peer_seed = 1, .to_send = 500000, .to_get = 300000 };
    flow_listen(w, b, 80, 0, &server);
    flow_connect(w, a, "10.0.0.2:80", &client);
    struct flow_end *ends[2] = { &client, &server.end[0] };
    assert_true(world_run(w, both_closed, ends, 100 * NS_PER_SEC));
    assert_int_equal(client.got, 500000);
    assert_int_equal(server.end[0].got, 300000);
    lan_run_for(w, 100 * NS_PER_SEC);
    assert_int_equal(lan_pkts_used(w, 2), 0);
    world_free(w);
    return tape;
}

static void same_seed_same_packets(void **state)
{
    (void)state;
    const struct impair_config bad = { .delay_ns = 20 * NS_PER_MS, .jitter_ns = NS_PER_MS, .loss = 0.02, .reorder = 0.02, .duplicate = 0.02, .corrupt = 0.02 };
    const struct tape one = run(1, 0, &bad), again = run(1, 0, &bad), other = run(2, 0, &bad);
    assert_true(one.out > 500);
    assert_int_equal(one.out, again.out);
    assert_true(one.hash == again.hash);
    assert_true(one.hash != other.hash);
}

static void large_packets(void **state)
{
    (void)state;
    const struct impair_config bad = { .delay_ns = 20 * NS_PER_MS, .loss = 0.01, .reorder = 0.01 };
    const struct tape perfect = run(3, 65535, NULL), shaped = run(3, 65535, &bad), again = run(3, 65535, &bad);
    assert_true(perfect.large > 0);
    assert_true(perfect.out < 300);
    assert_true(shaped.large > 0);
    assert_true(shaped.hash == again.hash);
}

static void never(void *arg) { *(int *)arg += 1; }

static void clock_jumps(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    int calls = 0;
    struct loop_timer t = { .fn = never, .arg = &calls };
    assert_false(world_run(w, NULL, NULL, DEADLINE_NEVER));     /* nothing will ever happen */
    assert_int_equal(world_now(w), 0);
    loop_arm_in(world_loop(w), &t, 3600 * NS_PER_SEC);
    assert_false(world_run(w, NULL, NULL, NS_PER_SEC));
    assert_int_equal(world_now(w), NS_PER_SEC);
    assert_int_equal(calls, 0);
    assert_false(world_run(w, NULL, NULL, DEADLINE_NEVER));
    assert_int_equal(calls, 1);
    assert_int_equal(world_now(w), 3600 * NS_PER_SEC);
    assert_true(loop_civil(world_loop(w)) > 1700000000 * NS_PER_SEC);
    world_free(w);
}

static void cut_link_is_silent(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    struct echo_result e;
    const int a = lan_host(w, 1, "10.0.0.1/24", NULL), b = lan_host(w, 2, "10.0.0.2/24", NULL);
    const int link = world_join(w, lan_host_end(a, 0), lan_host_end(b, 0), NULL, NULL);
    assert_int_equal(link, 0);
    assert_int_equal(world_join(w, lan_host_end(a, 0), lan_host_end(b, 1), NULL, NULL), -1);     /* taken */
    assert_int_equal(world_join(w, lan_host_end(7, 0), lan_host_end(b, 1), NULL, NULL), -1);
    world_cut(w, link, true);
    assert_int_equal(stack_echo_send(world_stack(w, a), lan_addr("10.0.0.2"), 1, 1, NULL, 0, 0, 0), PLUMB_OK);
    lan_run_for(w, 10 * NS_PER_SEC);
    assert_true(stack_echo_take(world_stack(w, a), &e));        /* host unreachable */
    assert_int_equal(e.trouble, TROUBLE_ADDRESS);
    world_cut(w, link, false);
    assert_int_equal(stack_echo_send(world_stack(w, a), lan_addr("10.0.0.2"), 1, 2, NULL, 0, 0, world_now(w)), PLUMB_OK);
    lan_run_for(w, 10 * NS_PER_SEC);
    assert_true(stack_echo_take(world_stack(w, a), &e));
    assert_int_equal(e.trouble, TROUBLE_NONE);
    assert_true(stack_trace(world_stack(w, a))->drops[WHY_IFACE_DOWN] > 0);
    world_free(w);
}

/* Two switches joined twice have no spanning tree, but links with a delay keep the
 * storm finite in time and buffers keep it finite in space. */
static void a_loop_of_switches_ends(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    const struct impair_config slow = { .delay_ns = 100 * NS_PER_MS };
    const int s1 = world_add_switch(w), s2 = world_add_switch(w);
    const int a = lan_host(w, 1, "10.0.0.1/24", NULL);
    lan_join(w, a, 0, lan_switch_end(s1), NULL);
    for (int i = 0; i < 2; i++)
        assert_true(world_join(w, lan_switch_end(s1), lan_switch_end(s2), &slow, &slow) >= 0);
    lan_run_for(w, 5 * NS_PER_SEC);
    assert_true(stack_trace(world_stack(w, a))->drops[WHY_FRAME_LOOPED] > 0);
    world_free(w);
}

TESTS(same_seed_same_packets, large_packets, clock_jumps, cut_link_is_silent, a_loop_of_switches_ends)
