/* Own addresses on a shared link: probing, conflict, defence, neighbours. */
#include "../test.h"
#include "lan.h"

static struct world *w;
static int a, b;

static void begin(uint64_t seed, const char *of_b)
{
    w = world_new(seed);
    const int sw = world_add_switch(w);
    a = lan_host(w, 1, "10.0.0.1/24", NULL);
    b = lan_host(w, 2, of_b, NULL);
    lan_join(w, a, 0, lan_switch_end(sw), NULL);
    lan_join(w, b, 0, lan_switch_end(sw), NULL);
}

static unsigned events_of(int host, uint8_t kind)
{
    const struct trace *t = stack_trace(world_stack(w, host));
    unsigned n = 0;
    for (uint32_t i = 0; i < t->ring_head && i < TRACE_RING; i++)
        n += t->ring[i].kind == kind;
    return n;
}

static void free_address_is_taken(void **state)
{
    (void)state;
    begin(1, NULL);
    assert_int_equal(stack_add_addr(world_stack(w, b), 0, lan_prefix("10.0.0.2/24"), true, 0), PLUMB_OK);
    lan_run_for(w, 3 * NS_PER_SEC);
    assert_false(stack_addr_ready(world_stack(w, b), 0, NULL));     /* RFC 5227: 4 s at least */
    lan_run_for(w, 5 * NS_PER_SEC);
    assert_true(stack_addr_ready(world_stack(w, b), 0, NULL));
    assert_int_equal(events_of(b, EV_addr_added), 1);
    world_free(w);
}

static void taken_address_is_left(void **state)
{
    (void)state;
    begin(2, NULL);
    assert_int_equal(stack_add_addr(world_stack(w, b), 0, lan_prefix("10.0.0.1/24"), true, 0), PLUMB_OK);
    lan_run_for(w, 10 * NS_PER_SEC);
    assert_false(stack_addr_ready(world_stack(w, b), 0, NULL));
    assert_int_equal(events_of(b, EV_addr_conflict), 1);
    assert_true(stack_addr_ready(world_stack(w, a), 0, NULL));
    assert_int_equal(stack_add_addr(world_stack(w, b), 0, lan_prefix("10.0.0.1/24"), true, world_now(w)), PLUMB_OK);
    world_free(w);
}

static void two_probing_both_give_way(void **state)
{
    (void)state;
    begin(3, NULL);
    assert_int_equal(stack_add_addr(world_stack(w, a), 0, lan_prefix("10.0.0.7/24"), true, 0), PLUMB_OK);
    assert_int_equal(stack_add_addr(world_stack(w, b), 0, lan_prefix("10.0.0.7/24"), true, 0), PLUMB_OK);
    lan_run_for(w, 10 * NS_PER_SEC);
    struct prefix p;
    assert_true(stack_addr_ready(world_stack(w, a), 0, &p));
    assert_true(addr_eq(p.addr, lan_addr("10.0.0.1")));
    assert_int_equal(events_of(a, EV_addr_conflict) + events_of(b, EV_addr_conflict), 1);    /* one goes first, the other stays */
    world_free(w);
}

static void used_address_is_defended(void **state)
{
    (void)state;
    begin(4, "10.0.0.1/24");            /* without a probe: both use it */
    lan_run_for(w, 15 * NS_PER_SEC);
    assert_true(stack_addr_ready(world_stack(w, a), 0, NULL));
    assert_true(stack_addr_ready(world_stack(w, b), 0, NULL));
    assert_true(events_of(a, EV_addr_conflict) >= 1);
    assert_in_range(events_of(a, EV_addr_conflict) + events_of(b, EV_addr_conflict), 2, 10);     /* and no storm */
    world_free(w);
}

static bool has_neigh(int host, const char *addr, const char *state)
{
    struct neigh_info n;
    for (uint32_t cursor = 0; stack_walk_neigh(world_stack(w, host), &cursor, &n);)
        if (addr_eq(n.addr, lan_addr(addr)) && strcmp(n.state, state) == 0)
            return true;
    return false;
}

static void ping_b(void)
{
    struct echo_result e;
    assert_int_equal(stack_echo_send(world_stack(w, a), lan_addr("10.0.0.2"), 1, 1, NULL, 0, 0, world_now(w)), PLUMB_OK);
    lan_run_for(w, 100 * NS_PER_MS);
    assert_true(stack_echo_take(world_stack(w, a), &e));
}

static void neighbours_age(void **state)
{
    (void)state;
    begin(5, "10.0.0.2/24");
    lan_run_for(w, 3 * NS_PER_SEC);
    ping_b();
    assert_true(has_neigh(a, "10.0.0.2", "REACHABLE"));
    assert_true(has_neigh(b, "10.0.0.1", "REACHABLE"));     /* learnt from the request */
    const unsigned asked = events_of(a, EV_neigh_asked);
    lan_run_for(w, 46 * NS_PER_SEC);                        /* RFC 4861 §6.3.2: 15 to 45 s */
    assert_true(has_neigh(a, "10.0.0.2", "STALE"));
    assert_int_equal(events_of(a, EV_neigh_asked), asked);  /* nobody asks for what nobody uses */
    ping_b();
    assert_true(has_neigh(a, "10.0.0.2", "DELAY"));
    assert_int_equal(events_of(a, EV_neigh_asked), asked);
    lan_run_for(w, 5 * NS_PER_SEC);
    assert_int_equal(events_of(a, EV_neigh_asked), asked + 1);
    assert_true(has_neigh(a, "10.0.0.2", "REACHABLE"));
    stack_set_link(world_stack(w, b), 0, false, world_now(w));
    lan_run_for(w, 46 * NS_PER_SEC);
    (void)stack_echo_send(world_stack(w, a), lan_addr("10.0.0.2"), 1, 1, NULL, 0, 0, world_now(w));
    lan_run_for(w, 9 * NS_PER_SEC);
    assert_int_equal(events_of(a, EV_neigh_asked), asked + 4);
    assert_int_equal(events_of(a, EV_neigh_failed), 1);
    assert_int_equal(lan_pkts_used(w, 2), 0);
    world_free(w);
}

static void address_goes(void **state)
{
    (void)state;
    begin(6, "10.0.0.2/24");
    struct stack *st = world_stack(w, a);
    struct path p;
    lan_run_for(w, 3 * NS_PER_SEC);
    assert_int_equal(stack_add_addr(st, 0, lan_prefix("10.0.0.9/24"), false, world_now(w)), PLUMB_OK);
    assert_int_equal(stack_route(st, ADDR_NONE, lan_addr("10.0.0.2"), &p), PLUMB_OK);
    assert_true(addr_eq(p.local, lan_addr("10.0.0.1")));
    const uint32_t before = p.generation;
    assert_int_equal(stack_del_addr(st, 0, lan_addr("10.0.0.1"), world_now(w)), PLUMB_OK);
    assert_int_equal(stack_route(st, ADDR_NONE, lan_addr("10.0.0.2"), &p), PLUMB_OK);    /* the other keeps the route */
    assert_true(addr_eq(p.local, lan_addr("10.0.0.9")));
    assert_true(p.generation != before);
    assert_int_equal(stack_route(st, lan_addr("10.0.0.1"), lan_addr("10.0.0.2"), &p), PLUMB_NO_ROUTE);
    assert_int_equal(stack_del_addr(st, 0, lan_addr("10.0.0.9"), world_now(w)), PLUMB_OK);
    assert_int_equal(stack_route(st, ADDR_NONE, lan_addr("10.0.0.2"), &p), PLUMB_NO_ROUTE);
    assert_int_equal(stack_del_addr(st, 0, lan_addr("10.0.0.9"), world_now(w)), PLUMB_ADDR_NOT_OURS);
    world_free(w);
}

TESTS(free_address_is_taken, taken_address_is_left, two_probing_both_give_way, used_address_is_defended, neighbours_age, address_goes)
