/* Hosts and routers of IPv6 on one link: addresses made and probed, routers followed and left. */
#include "../test.h"
#include "lan.h"

static struct world *w;
static int sw;

static void begin(uint64_t seed)
{
    w = world_new(seed);
    sw = world_add_switch(w);
}

/* A stack with one interface that speaks IPv6; its number. */
static int node(unsigned number, bool forwarding)
{
    struct stack *st = stack_new(&(struct stack_config){ .node = (uint16_t)number, .seed = world_random(w), .forwarding = forwarding }, world_now(w));
    struct iface_config c = lan_iface(number, 0);
    c.ip6 = true;
    assert_non_null(st);
    assert_int_equal(stack_add_iface(st, &c, world_now(w)), 0);
    const int n = world_add_stack(w, st);
    lan_join(w, n, 0, lan_switch_end(sw), NULL);
    return n;
}

static int router(unsigned number, int8_t preference, const char *prefix)
{
    const int r = node(number, true);
    struct advertise_config c = { .max_interval_s = 4, .message = { .preference = preference, .mtu = 1400, .n_dns = 1 } };
    c.message.dns[0] = lan_addr("2001:db8::53");
    if (prefix)
        c.message.prefix[c.message.n_prefix++] = (struct nd_prefix){ .prefix = lan_prefix(prefix), .on_link = true, .autonomous = true,
                                                                     .valid_s = 100, .preferred_s = 50 };
    assert_int_equal(stack_advertise(world_stack(w, r), 0, &c, world_now(w)), PLUMB_OK);
    return r;
}

/* A usable address in the prefix; none: there is none. */
static struct addr addr_in(int host, const char *prefix)
{
    struct addr_info a;
    for (uint32_t cursor = 0; stack_walk_addrs(world_stack(w, host), &cursor, &a);)
        if (a.ready && prefix_has(lan_prefix(prefix), a.addr.addr))
            return a.addr.addr;
    return ADDR_NONE;
}

static struct addr next_hop(int host, const char *to)
{
    struct path p;
    return stack_route(world_stack(w, host), ADDR_NONE, lan_addr(to), &p) == PLUMB_OK ? p.next_hop : ADDR_NONE;
}

static void follows_a_router(void **state)
{
    (void)state;
    struct addr dns[4];
    struct path p;
    begin(1);
    const int r = router(1, 0, "2001:db8:1::/64"), h = node(2, false);
    lan_run_for(w, NS_PER_SEC);
    const struct addr mine = addr_in(h, "2001:db8:1::/64"), its = addr_in(r, "fe80::/64");
    assert_false(addr_is_none(mine) || addr_is_none(its));
    assert_true(addr_is_none(addr_in(r, "2001:db8:1::/64")));           /* a router follows none */
    assert_true(addr_eq(next_hop(h, "2001:db8:9::9"), its));
    assert_true(addr_eq(next_hop(h, "2001:db8:1::77"), lan_addr("2001:db8:1::77")));       /* the L flag */
    assert_int_equal(stack_router_dns(world_stack(w, h), 0, dns, 4), 1);
    assert_int_equal(stack_route(world_stack(w, h), ADDR_NONE, lan_addr("2001:db8:9::9"), &p), PLUMB_OK);
    assert_true(addr_eq(p.local, mine) && p.mtu == 1400);
    assert_int_equal(stack_advertise(world_stack(w, r), 0, NULL, world_now(w)), PLUMB_OK);
    lan_run_for(w, NS_PER_SEC);
    assert_true(addr_is_none(next_hop(h, "2001:db8:9::9")));            /* it said good-bye */
    assert_false(addr_is_none(addr_in(h, "2001:db8:1::/64")));
    lan_run_for(w, 110 * NS_PER_SEC);
    assert_true(addr_is_none(addr_in(h, "2001:db8:1::/64")));           /* its lifetime ended */
    world_free(w);
}

static void the_next_router(void **state)
{
    (void)state;
    struct echo_result e;
    begin(2);
    const int better = router(1, 1, "2001:db8:1::/64"), other = router(2, 0, NULL), h = node(3, false);
    lan_run_for(w, 2 * NS_PER_SEC);
    assert_true(addr_eq(next_hop(h, "2001:db8:9::9"), addr_in(better, "fe80::/64")));
    stack_set_link(world_stack(w, better), 0, false, world_now(w));
    for (int i = 0; i < 70; i++) {                                      /* what is sent asks whether it is there */
        (void)stack_echo_send(world_stack(w, h), lan_addr("2001:db8:9::9"), 1, 1, NULL, 0, 0, world_now(w));
        lan_run_for(w, NS_PER_SEC);
        while (stack_echo_take(world_stack(w, h), &e))
            continue;
    }
    assert_true(addr_eq(next_hop(h, "2001:db8:9::9"), addr_in(other, "fe80::/64")));
    assert_int_equal(lan_pkts_used(w, 3), 0);
    world_free(w);
}

static unsigned conflicts_of(int host)
{
    const struct trace *t = stack_trace(world_stack(w, host));
    unsigned n = 0;
    for (uint32_t i = 0; i < t->ring_head && i < TRACE_RING; i++)
        n += t->ring[i].kind == EV_addr_conflict;
    return n;
}

static void somebody_has_it(void **state)
{
    (void)state;
    begin(3);
    const int a = node(1, false), b = node(2, false);
    const struct prefix p = lan_prefix("fd00::7/64");
    assert_int_equal(stack_add_addr(world_stack(w, a), 0, p, true, 0), PLUMB_OK);
    lan_run_for(w, 3 * NS_PER_SEC);
    assert_true(addr_eq(addr_in(a, "fd00::/64"), p.addr));
    assert_int_equal(stack_add_addr(world_stack(w, b), 0, p, true, world_now(w)), PLUMB_OK);
    lan_run_for(w, 3 * NS_PER_SEC);
    assert_true(addr_is_none(addr_in(b, "fd00::/64")));
    assert_int_equal(conflicts_of(b), 1);
    assert_true(addr_eq(addr_in(a, "fd00::/64"), p.addr));
    assert_int_equal(conflicts_of(a), 0);
    world_free(w);
}

static void link_goes_and_comes(void **state)
{
    (void)state;
    begin(4);
    (void)router(1, 0, "2001:db8:1::/64");
    const int h = node(2, false);
    lan_run_for(w, 2 * NS_PER_SEC);
    const struct addr mine = addr_in(h, "2001:db8:1::/64");
    stack_set_link(world_stack(w, h), 0, false, world_now(w));
    lan_run_for(w, NS_PER_SEC);
    assert_true(addr_is_none(addr_in(h, "2001:db8:1::/64")) && addr_is_none(addr_in(h, "fe80::/64")));
    stack_set_link(world_stack(w, h), 0, true, world_now(w));
    lan_run_for(w, 3 * NS_PER_SEC);
    assert_true(addr_eq(addr_in(h, "2001:db8:1::/64"), mine));          /* the same again */
    world_free(w);
}

static void what_is_refused(void **state)
{
    (void)state;
    begin(5);
    const int h = node(1, false);
    struct stack *st = world_stack(w, h);
    assert_int_equal(stack_advertise(st, 0, &(struct advertise_config){ 0 }, 0), PLUMB_INVALID);       /* no router */
    assert_int_equal(stack_advertise(st, 7, NULL, 0), PLUMB_NO_DEVICE);
    assert_int_equal(stack_add_addr(st, 0, lan_prefix("ff02::1/64"), false, 0), PLUMB_INVALID);
    assert_int_equal(stack_add_addr(st, 0, lan_prefix("::1/128"), false, 0), PLUMB_INVALID);
    assert_int_equal(stack_add_addr(st, 0, lan_prefix("::/0"), false, 0), PLUMB_INVALID);
    world_free(w);
}

TESTS(follows_a_router, the_next_router, somebody_has_it, link_goes_and_comes, what_is_refused)
