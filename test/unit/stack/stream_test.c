/* Streams between two stacks: byte-exact over bad links, many at once, refused,
 * unreachable, to ourselves; and no packet is left anywhere. */
#include "flow.h"

struct pair { struct world *w; int a, b; };

static struct pair begin(uint64_t seed, const struct impair_config *link)
{
    struct pair p = { .w = world_new(seed) };
    p.a = lan_host(p.w, 1, "10.0.0.1/24", NULL);
    p.b = lan_host(p.w, 2, "10.0.0.2/24", NULL);
    lan_join(p.w, p.a, 0, lan_host_end(p.b, 0), link);
    lan_run_for(p.w, 3 * NS_PER_SEC);
    return p;
}

static bool both_closed(void *arg)
{
    struct flow_end **e = arg;
    return e[0]->closed && e[1]->closed;
}

static void transfer(struct pair *p, size_t a_to_b, size_t b_to_a)
{
    static struct flow_server server;
    struct flow_end client = { .seed = 1, .peer_seed = 2, .to_send = a_to_b, .to_get = b_to_a };
    memset(&server, 0, sizeof server);
    server = (struct flow_server){ .seed = 2, .peer_seed = 1, .to_send = b_to_a, .to_get = a_to_b };
    flow_listen(p->w, p->b, 80, 0, &server);
    flow_connect(p->w, p->a, "10.0.0.2:80", &client);
    struct flow_end *ends[2] = { &client, &server.end[0] };
    assert_true(world_run(p->w, both_closed, ends, world_now(p->w) + 600 * NS_PER_SEC));
    assert_int_equal(client.error, PLUMB_OK);
    assert_int_equal(server.end[0].error, PLUMB_OK);
    assert_int_equal(client.got, b_to_a);
    assert_int_equal(server.end[0].got, a_to_b);
    listener_close(server.l);
    (void)world_run(p->w, NULL, NULL, world_now(p->w) + 200 * NS_PER_SEC);
    assert_int_equal(tcp_count(stack_tcp(world_stack(p->w, p->a))), 0);
    assert_int_equal(tcp_count(stack_tcp(world_stack(p->w, p->b))), 0);
    assert_int_equal(lan_pkts_used(p->w, 2), 0);
    assert_true(world_quiet(p->w));
}

static void clean_link(void **state)
{
    (void)state;
    struct pair p = begin(1, &(struct impair_config){ .delay_ns = 10 * NS_PER_MS });
    transfer(&p, 1000000, 1000000);
    world_free(p.w);
}

static void bad_link(void **state)
{
    (void)state;
    struct pair p = begin(2, &(struct impair_config){ .delay_ns = 10 * NS_PER_MS, .loss = 0.01, .reorder = 0.01, .duplicate = 0.01 });
    transfer(&p, 10000000, 10000000);
    world_free(p.w);
}

static void corrupting_slow_link(void **state)
{
    (void)state;
    struct pair p = begin(3, &(struct impair_config){ .delay_ns = 5 * NS_PER_MS, .corrupt = 0.02, .rate_bits_s = 20000000, .jitter_ns = NS_PER_MS });
    transfer(&p, 1000000, 10);
    assert_true(stack_trace(world_stack(p.w, p.b))->drops[WHY_TCP_CHECKSUM] > 0);
    world_free(p.w);
}

static bool all_done(void *arg)
{
    const struct flow_server *v = arg;
    return v->n_done == 300;
}

static void many_connections(void **state)
{
    (void)state;
    static struct flow_server server;
    static struct flow_end client[300];
    struct pair p = begin(4, &(struct impair_config){ .delay_ns = 10 * NS_PER_MS, .loss = 0.01 });
    struct echo_result e;
    server = (struct flow_server){ .seed = 2, .peer_seed = 1, .to_send = 20000, .to_get = 3000 };
    flow_listen(p.w, p.b, 80, 400, &server);
    assert_int_equal(stack_echo_send(world_stack(p.w, p.a), lan_addr("10.0.0.2"), 1, 1, NULL, 0, 0, world_now(p.w)), PLUMB_OK);
    lan_run_for(p.w, NS_PER_SEC);
    (void)stack_echo_take(world_stack(p.w, p.a), &e);
    for (unsigned i = 0; i < 300; i++) {
        client[i] = (struct flow_end){ .seed = 1, .peer_seed = 2, .to_send = 3000, .to_get = 20000 };
        flow_connect(p.w, p.a, "10.0.0.2:80", &client[i]);
    }
    assert_true(world_run(p.w, all_done, &server, world_now(p.w) + 600 * NS_PER_SEC));
    lan_run_for(p.w, 200 * NS_PER_SEC);
    for (unsigned i = 0; i < 300; i++) {
        assert_int_equal(client[i].got, 20000);
        assert_true(client[i].closed);
    }
    listener_close(server.l);
    lan_run_for(p.w, NS_PER_SEC);
    assert_int_equal(tcp_count(stack_tcp(world_stack(p.w, p.a))), 0);
    assert_int_equal(lan_pkts_used(p.w, 2), 0);
    world_free(p.w);
}

static void no_accept(void *arg) { (void)arg; }

static void backlog_is_bounded(void **state)
{
    (void)state;
    struct flow_server server = { .n = 0 };
    struct flow_end client[20];
    unsigned open = 0;
    struct pair p = begin(5, &(struct impair_config){ .delay_ns = NS_PER_MS });
    flow_listen(p.w, p.b, 80, 4, &server);
    listener_watch(server.l, no_accept, NULL);
    for (unsigned i = 0; i < 20; i++) {
        client[i] = (struct flow_end){ .to_send = 1 };
        flow_connect(p.w, p.a, "10.0.0.2:80", &client[i]);
        lan_run_for(p.w, 10 * NS_PER_MS);
    }
    for (struct stream *s; (s = listener_accept(server.l)); open++)
        stream_close(s);
    assert_in_range(open, 4, 5);
    assert_true(stack_trace(world_stack(p.w, p.b))->drops[WHY_ACCEPT_QUEUE_FULL] > 0);
    listener_close(server.l);
    for (unsigned i = 0; i < 20; i++)
        if (!client[i].closed)
            stream_abort(client[i].s);
    lan_run_for(p.w, NS_PER_SEC);
    assert_int_equal(lan_pkts_used(p.w, 2), 0);
    world_free(p.w);
}

static void refused_and_unreachable(void **state)
{
    (void)state;
    struct pair p = begin(6, &(struct impair_config){ .delay_ns = NS_PER_MS });
    struct flow_end refused = { .to_send = 1 }, nobody = { .to_send = 1 };
    struct stream *s = NULL;
    flow_connect(p.w, p.a, "10.0.0.2:81", &refused);
    flow_connect(p.w, p.a, "10.0.0.77:80", &nobody);
    lan_run_for(p.w, 5 * NS_PER_SEC);
    assert_true(refused.closed);
    assert_int_equal(refused.error, PLUMB_REFUSED);
    assert_true(nobody.closed);
    assert_int_equal(nobody.error, PLUMB_UNREACHABLE);
    const struct connect_opts o = { .remote = { lan_addr("192.0.2.1"), 80 } };
    assert_int_equal(net_connect(stack_net(world_stack(p.w, p.a), world_loop(p.w)), &o, &s), PLUMB_NO_ROUTE);
    assert_int_equal(lan_pkts_used(p.w, 2), 0);
    world_free(p.w);
}

static void to_ourselves(void **state)
{
    (void)state;
    static struct flow_server server;
    struct pair p = begin(7, NULL);
    struct flow_end client = { .seed = 1, .peer_seed = 2, .to_send = 3000000, .to_get = 3000000 };
    server = (struct flow_server){ .seed = 2, .peer_seed = 1, .to_send = 3000000, .to_get = 3000000 };
    flow_listen(p.w, p.a, 80, 0, &server);
    flow_connect(p.w, p.a, "127.0.0.1:80", &client);
    struct flow_end *ends[2] = { &client, &server.end[0] };
    assert_true(world_run(p.w, both_closed, ends, world_now(p.w) + 60 * NS_PER_SEC));
    assert_int_equal(client.got, 3000000);
    assert_int_equal(server.end[0].got, 3000000);
    world_free(p.w);
}

static void world_goes_while_streams_live(void **state)
{
    (void)state;
    static struct flow_server server;
    struct pair p = begin(8, &(struct impair_config){ .delay_ns = 10 * NS_PER_MS });
    struct flow_end client = { .seed = 1, .peer_seed = 2, .to_send = 10000000, .to_get = 1 };
    server = (struct flow_server){ .seed = 2, .peer_seed = 1, .to_send = 10000000, .to_get = 1 };
    flow_listen(p.w, p.b, 80, 0, &server);
    flow_connect(p.w, p.a, "10.0.0.2:80", &client);
    lan_run_for(p.w, 500 * NS_PER_MS);
    assert_int_equal(server.n, 1);
    assert_true(server.end[0].got > 0);
    world_free(p.w);
}

TESTS(clean_link, bad_link, corrupting_slow_link, many_connections, backlog_is_bounded, refused_and_unreachable, to_ourselves,
      world_goes_while_streams_live)
