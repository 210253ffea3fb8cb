/* Echo through switches and routers, and the errors on the way. */
#include "../test.h"
#include "lan.h"

struct topology { struct world *w; int a, b, r; };

/* a -- switch -- router -- b */
static struct topology routed(uint64_t seed, const struct impair_config *link)
{
    struct topology t = { .w = world_new(seed) };
    const int sw = world_add_switch(t.w);
    t.a = lan_host(t.w, 1, "10.0.1.2/24", "10.0.1.1");
    t.b = lan_host(t.w, 2, "10.0.2.2/24", "10.0.2.1");
    t.r = lan_router(t.w, 3, "10.0.1.1/24", "10.0.2.1/24");
    lan_join(t.w, t.a, 0, lan_switch_end(sw), link);
    lan_join(t.w, t.r, 0, lan_switch_end(sw), NULL);
    lan_join(t.w, t.b, 0, lan_host_end(t.r, 1), NULL);
    lan_run_for(t.w, 3 * NS_PER_SEC);   /* announcements over */
    return t;
}

static bool ping(struct topology *t, const char *to, size_t len, uint8_t ttl, struct echo_result *out)
{
    static uint8_t data[60000];
    struct stack *a = world_stack(t->w, t->a);
    assert_int_equal(stack_echo_send(a, lan_addr(to), 7, 1, data, len, ttl, world_now(t->w)), PLUMB_OK);
    lan_run_for(t->w, 5 * NS_PER_SEC);
    return stack_echo_take(a, out);
}

static void through_a_router(void **state)
{
    (void)state;
    struct topology t = routed(1, &(struct impair_config){ .delay_ns = 10 * NS_PER_MS });
    struct echo_result e;
    const int64_t start = world_now(t.w);
    assert_true(ping(&t, "10.0.2.2", 56, 0, &e));
    assert_int_equal(e.trouble, TROUBLE_NONE);
    assert_int_equal(e.id, 7);
    assert_int_equal(e.seq, 1);
    assert_int_equal(e.ttl, 63);
    assert_int_equal(e.len, 56);
    assert_true(addr_eq(e.from, lan_addr("10.0.2.2")));
    assert_int_equal(e.time_ns - start, 40 * NS_PER_MS);   /* ARP for the router first */
    assert_true(world_quiet(t.w));
    assert_int_equal(lan_pkts_used(t.w, 3), 0);
    world_free(t.w);
}

static void fragments_join(void **state)
{
    (void)state;
    struct topology t = routed(2, &(struct impair_config){ .delay_ns = NS_PER_MS, .reorder = 0.3, .duplicate = 0.3 });
    struct echo_result e;
    assert_true(ping(&t, "10.0.2.2", 0, 0, &e));        /* neighbours known: only three packets wait for one */
    while (stack_echo_take(world_stack(t.w, t.a), &e))
        continue;
    assert_true(ping(&t, "10.0.2.2", 60000, 0, &e));
    assert_int_equal(e.trouble, TROUBLE_NONE);
    assert_int_equal(e.len, 60000);
    lan_run_for(t.w, 61 * NS_PER_SEC);  /* twins of fragments that came after the whole have begun another */
    assert_int_equal(lan_pkts_used(t.w, 3), 0);
    world_free(t.w);
}

static void time_exceeded(void **state)
{
    (void)state;
    struct topology t = routed(3, NULL);
    struct echo_result e;
    assert_true(ping(&t, "10.0.2.2", 56, 1, &e));
    assert_int_equal(e.trouble, TROUBLE_TTL);
    assert_true(addr_eq(e.from, lan_addr("10.0.1.1")));
    assert_true(addr_eq(e.about, lan_addr("10.0.2.2")));
    assert_int_equal(e.id, 7);
    assert_int_equal(e.seq, 1);
    assert_int_equal(stack_trace(world_stack(t.w, t.r))->drops[WHY_IP_TTL], 1);
    world_free(t.w);
}

static void nobody_there(void **state)
{
    (void)state;
    struct topology t = routed(4, NULL);
    struct echo_result e;
    assert_true(ping(&t, "10.0.1.77", 56, 0, &e));      /* on our link: our own neighbour cache says so */
    assert_int_equal(e.trouble, TROUBLE_ADDRESS);
    assert_true(addr_eq(e.from, lan_addr("10.0.1.2")));
    assert_true(ping(&t, "10.0.2.77", 56, 0, &e));      /* behind the router: the router does */
    assert_int_equal(e.trouble, TROUBLE_ADDRESS);
    assert_true(addr_eq(e.from, lan_addr("10.0.1.1")));
    assert_true(ping(&t, "192.0.2.1", 56, 0, &e));      /* no route there */
    assert_int_equal(e.trouble, TROUBLE_NO_ROUTE);
    assert_int_equal(stack_echo_send(world_stack(t.w, t.r), lan_addr("192.0.2.1"), 1, 1, NULL, 0, 0, world_now(t.w)), PLUMB_NO_ROUTE);
    assert_int_equal(lan_pkts_used(t.w, 3), 0);
    world_free(t.w);
}

static void own_addresses(void **state)
{
    (void)state;
    struct topology t = routed(5, NULL);
    struct echo_result e;
    assert_true(ping(&t, "127.0.0.1", 56, 0, &e));
    assert_int_equal(e.trouble, TROUBLE_NONE);
    assert_true(addr_eq(e.from, lan_addr("127.0.0.1")));
    assert_true(ping(&t, "10.0.1.2", 40000, 0, &e));
    assert_true(addr_eq(e.from, lan_addr("10.0.1.2")));
    assert_int_equal(e.len, 40000);
    world_free(t.w);
}

TESTS(through_a_router, fragments_join, time_exceeded, nobody_there, own_addresses)
