/* The same bytes whoever cuts and joins large packets: the device, the stack or
 * nobody; given one packet at a time or a batch. */
#include "flow.h"

enum offload { NONE, SOFT, DEVICE, OFFLOADS };
enum { BYTES = 400000, MTU = 1500, ETHER = 14 };

struct seen { uint32_t large_out, partial_out, longest, joined, cut; };

static void look(void *arg, const struct event *e, const void *bytes, uint32_t n_bytes)
{
    struct seen *s = arg;
    (void)bytes;
    (void)n_bytes;
    if (e->kind == EV_pkt_out) {
        const struct ev_pkt_out *out = EVENT_BODY_OF(e, pkt_out);
        s->large_out += out->gso_size != 0;
        s->partial_out += out->csum == CSUM_PARTIAL;
        s->longest = out->len > s->longest ? out->len : s->longest;
    }
    if (e->kind == EV_pkts_joined)
        s->joined++;
    if (e->kind == EV_pkts_cut)
        s->cut++;
}

static int host(struct world *w, unsigned node, const char *address, enum offload how, struct seen *seen)
{
    struct stack *st = stack_new(&(struct stack_config){ .node = (uint16_t)node, .seed = node }, 0);
    struct iface_config c = lan_iface(node, 0);
    c.mtu = MTU;
    c.soft_offload = how == SOFT;
    c.tx_csum = how == DEVICE;
    c.gso_max = how == DEVICE ? 65535 : 0;
    assert_int_equal(stack_add_iface(st, &c, 0), 0);
    assert_int_equal(stack_add_addr(st, 0, lan_prefix(address), false, 0), PLUMB_OK);
    trace_watch(stack_trace(st), TRACE_WIRE, look, seen);
    return world_add_stack(w, st);
}

static bool closed(void *arg)
{
    struct flow_end **e = arg;
    return e[0]->closed && e[1]->closed;
}

static void run(enum offload from, enum offload to, uint32_t batch, struct seen seen[2])
{
    static struct flow_server server;
    struct flow_end client = { .seed = 1, .peer_seed = 2, .to_send = BYTES, .to_get = BYTES };
    struct world *w = world_new(3);
    server = (struct flow_server){ .seed = 2, .peer_seed = 1, .to_send = BYTES, .to_get = BYTES };
    world_set_batch(w, batch);
    memset(seen, 0, 2 * sizeof *seen);
    const int a = host(w, 1, "10.0.0.1/24", from, &seen[0]), b = host(w, 2, "10.0.0.2/24", to, &seen[1]);
    lan_join(w, a, 0, lan_host_end(b, 0), NULL);
    flow_listen(w, b, 80, 0, &server);
    flow_connect(w, a, "10.0.0.2:80", &client);
    struct flow_end *ends[2] = { &client, &server.end[0] };
    assert_true(world_run(w, closed, ends, 60 * NS_PER_SEC));
    assert_int_equal(client.got, BYTES);
    assert_int_equal(server.end[0].got, BYTES);
    lan_run_for(w, 300 * NS_PER_SEC);
    assert_int_equal(lan_pkts_used(w, 2), 0);
    listener_close(server.l);
    world_free(w);
}

static void the_same_bytes(void **state)
{
    struct seen seen[2];
    (void)state;
    for (unsigned i = 0; i < OFFLOADS * OFFLOADS * 2; i++)
        run(i % OFFLOADS, i / OFFLOADS % OFFLOADS, i / OFFLOADS / OFFLOADS ? BATCH_MAX : 1, seen);
}

static void soft_means_wire_size_on_the_wire(void **state)
{
    struct seen seen[2];
    (void)state;
    run(SOFT, SOFT, BATCH_MAX, seen);
    for (int side = 0; side < 2; side++) {
        assert_true(seen[side].cut > 5);
        assert_true(seen[side].joined > 5);
        assert_int_equal(seen[side].large_out, 0);
        assert_int_equal(seen[side].partial_out, 0);
        assert_int_equal(seen[side].longest, MTU + ETHER);
    }
    run(SOFT, NONE, BATCH_MAX, seen);
    assert_int_equal(seen[1].cut + seen[1].joined + seen[1].large_out, 0);
    run(DEVICE, SOFT, BATCH_MAX, seen);
    assert_true(seen[0].large_out > 5 && seen[0].partial_out > 5 && seen[0].longest > 10000);
}

static void one_at_a_time_joins_nothing(void **state)
{
    struct seen seen[2];
    (void)state;
    run(SOFT, SOFT, 1, seen);
    assert_int_equal(seen[0].joined + seen[1].joined, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_bytes),
        cmocka_unit_test(soft_means_wire_size_on_the_wire),
        cmocka_unit_test(one_at_a_time_joins_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
