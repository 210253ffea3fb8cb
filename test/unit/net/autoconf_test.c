/* What a host makes of advertisements: RFC 4862 §5.5, RFC 4861 §6.3, RFC 4191, RFC 7217, RFC 7559, RFC 8106. */
#include "../test.h"
#include "net/autoconf.h"
#include "net/stable_id.h"
#include <stdlib.h>

static struct autoconf a;
static struct rng rng;
static const struct sipkey secret = { { 1, 2 } };
static const struct mac own = { { 2, 0, 0, 0, 0, 1 } };
static int64_t now_ns;

static struct addr ip(const char *text)
{
    struct addr x;
    if (!addr_parse(text, &x))
        abort();
    return x;
}
static struct prefix net(const char *text)
{
    struct prefix p;
    if (!prefix_parse(text, &p))
        abort();
    return p;
}
static int64_t after(int s) { return now_ns + s * NS_PER_SEC; }

static void begin(void)
{
    now_ns = 100 * NS_PER_SEC;
    rng_seed(&rng, 1);
    autoconf_start(&a, AUTOCONF_HOST, &rng, &secret, own, 0, 1500);
}

static struct autoconf_action action;
static bool does(enum autoconf_kind kind)
{
    const bool any = autoconf_next(&a, &action, now_ns);
    return any && action.kind == kind;
}
static bool adds_addr(void) { return does(AUTOCONF_ADDR) && action.own.kind == OWN_ADD; }
static bool idle(void) { return !autoconf_next(&a, &action, now_ns); }

/* Past the link-local address and the first solicitation. */
static struct addr settle(void)
{
    begin();
    assert_true(adds_addr());
    const struct addr mine = action.own.addr;
    assert_true(addr_is_link_local(mine));
    assert_true(idle());
    assert_int_equal(autoconf_deadline(&a), DEADLINE_NEVER);
    assert_true(autoconf_verdict(&a, mine, true, now_ns));
    assert_true(does(AUTOCONF_SOLICIT));
    assert_true(addr_eq(action.own.addr, mine));
    assert_true(idle());
    return mine;
}

static struct nd advert(uint16_t lifetime_s) { return (struct nd){ .type = ICMP6_ROUTER_ADVERT, .router_lifetime_s = lifetime_s }; }

static struct nd with_prefix(const char *prefix, uint32_t valid_s, uint32_t preferred_s)
{
    struct nd m = advert(1800);
    m.prefix[m.n_prefix++] = (struct nd_prefix){ .prefix = net(prefix), .on_link = true, .autonomous = true, .valid_s = valid_s, .preferred_s = preferred_s };
    return m;
}

static void hear(const char *from, const struct nd *m) { assert_int_equal(autoconf_in(&a, ip(from), m, now_ns), WHY_NONE); }

/* Until nothing is left to do, verdicts all good; what was done last of one kind. */
static struct autoconf_action run(enum autoconf_kind kind)
{
    struct autoconf_action last = { 0 };
    while (autoconf_next(&a, &action, now_ns)) {
        if (action.kind == AUTOCONF_ADDR && action.own.kind == OWN_ADD)
            assert_true(autoconf_verdict(&a, action.own.addr, true, now_ns));
        if (action.kind == kind)
            last = action;
    }
    return last;
}
static struct own_action run_addr(enum own_kind kind)
{
    struct own_action last = { 0 };
    while (autoconf_next(&a, &action, now_ns)) {
        if (action.kind == AUTOCONF_ADDR && action.own.kind == OWN_ADD)
            assert_true(autoconf_verdict(&a, action.own.addr, true, now_ns));
        if (action.kind == AUTOCONF_ADDR && action.own.kind == kind)
            last = action.own;
    }
    return last;
}

static void address_and_route(void **state)
{
    (void)state;
    settle();
    const struct nd m = with_prefix("2001:db8:1::/64", 86400, 14400);
    hear("fe80::1", &m);
    assert_true(adds_addr());
    const struct addr mine = action.own.addr;
    assert_true(prefix_has(net("2001:db8:1::/64"), mine));
    assert_true(addr_eq(mine, stable_addr(&secret, ip("2001:db8:1::"), own, 0, 0)));
    assert_true(does(AUTOCONF_ADD_ROUTE));
    assert_true(action.dst.len == 0 && addr_eq(action.via, ip("fe80::1")));
    assert_true(does(AUTOCONF_ADD_ROUTE));
    assert_true(action.dst.len == 64 && addr_is_none(action.via));
    assert_true(idle());
    assert_true(autoconf_verdict(&a, mine, true, now_ns));
    assert_true(idle());
    assert_false(autoconf_verdict(&a, mine, true, now_ns));     /* once */
    hear("fe80::1", &m);
    assert_true(idle());                                        /* nothing new */
    assert_int_equal(a.solicit_ns, DEADLINE_NEVER);
}

/* RFC 7559: 4, 8, 16 ... seconds, each within a tenth, for as long as no router has answered. */
static void solicitations(void **state)
{
    (void)state;
    settle();
    int64_t last = now_ns, wait = 4 * NS_PER_SEC;
    for (int i = 0; i < 14; i++) {
        now_ns = autoconf_deadline(&a);
        assert_in_range(now_ns - last, wait * 9 / 10, wait * 11 / 10);
        wait = now_ns - last;
        wait = wait * 2 > 3600 * NS_PER_SEC ? 3600 * NS_PER_SEC : wait * 2;
        last = now_ns;
        assert_true(does(AUTOCONF_SOLICIT));
        assert_true(idle());
    }
    const struct nd none = advert(0), some = advert(9);
    hear("fe80::1", &none);
    assert_true(idle());
    assert_true(autoconf_deadline(&a) != DEADLINE_NEVER);       /* no default router yet */
    hear("fe80::1", &some);
    assert_true(does(AUTOCONF_ADD_ROUTE));
    assert_true(idle());
    assert_int_equal(autoconf_deadline(&a), after(9));
    now_ns = after(9);
    assert_true(does(AUTOCONF_DEL_ROUTE));
    assert_true(idle());
    assert_int_equal(autoconf_deadline(&a), DEADLINE_NEVER);
}

static void somebody_has_it(void **state)
{
    (void)state;
    begin();
    struct addr seen[4];
    for (int i = 0; i < 4; i++) {
        assert_true(adds_addr());
        seen[i] = action.own.addr;
        assert_true(addr_is_link_local(seen[i]));
        for (int j = 0; j < i; j++)
            assert_false(addr_eq(seen[i], seen[j]));
        assert_true(autoconf_verdict(&a, seen[i], false, now_ns));
    }
    assert_true(idle());                                        /* IDGEN_RETRIES */
    assert_int_equal(autoconf_deadline(&a), DEADLINE_NEVER);
}

/* RFC 4862 §5.5.3 e) and §5.5.4. */
static void lifetimes(void **state)
{
    (void)state;
    settle();
    struct nd m = with_prefix("2001:db8:1::/64", 86400, 100);
    hear("fe80::1", &m);
    (void)run_addr(OWN_ADD);
    const struct own_addr *x = &a.addr[1];
    assert_int_equal(x->valid_ns, after(86400));
    m = with_prefix("2001:db8:1::/64", 60, 30);
    hear("fe80::2", &m);
    assert_int_equal(x->valid_ns, after(7200));                 /* not below two hours */
    assert_int_equal(x->preferred_ns, after(30));
    now_ns = after(30);
    (void)run_addr(OWN_ADD);
    assert_true(x->deprecated);
    now_ns = after(7000);
    hear("fe80::2", &m);
    assert_int_equal(x->valid_ns, after(170));                  /* below already: it stays */
    assert_false(run_addr(OWN_SET_DEPRECATED).deprecated);
    assert_false(x->deprecated);
    now_ns = after(170);
    const struct addr gone = x->addr;
    assert_true(addr_eq(run_addr(OWN_DEL).addr, gone));
    assert_int_equal(x->state, OWN_FREE);
    m = with_prefix("2001:db8:1::/64", UINT32_MAX, UINT32_MAX);
    hear("fe80::1", &m);
    assert_true(addr_eq(run_addr(OWN_ADD).addr, gone));       /* the same as ever */
    assert_int_equal(x->valid_ns, DEADLINE_NEVER);
}

static void prefixes_not_for_us(void **state)
{
    (void)state;
    settle();
    struct nd m = with_prefix("2001:db8:1::/48", 86400, 100);           /* no room for 64 bits of ours */
    hear("fe80::1", &m);
    m = with_prefix("2001:db8:2::/64", 100, 200);                       /* preferred longer than valid */
    hear("fe80::1", &m);
    m = with_prefix("fe80::/64", 100, 100);
    hear("fe80::1", &m);
    m = with_prefix("2001:db8:3::/64", 0, 0);
    hear("fe80::1", &m);
    assert_true(addr_is_none(run_addr(OWN_ADD).addr));
    m = with_prefix("2001:db8:1::/64", 86400, 100);
    assert_int_equal(autoconf_in(&a, ip("2001:db8::1"), &m, now_ns), WHY_ND_BAD);
    for (unsigned i = 0; i < 1000; i++) {                               /* somebody with many prefixes */
        m.prefix[0].prefix.addr.b[5] = (uint8_t)(i >> 8);
        m.prefix[0].prefix.addr.b[6] = (uint8_t)i;
        hear("fe80::1", &m);
        (void)run_addr(OWN_ADD);
    }
    assert_int_equal(a.addr[AUTOCONF_ADDRS - 1].state, OWN_READY);
}

static struct addr default_router(void) { return run(AUTOCONF_ADD_ROUTE).via; }

static void routers_by_preference(void **state)
{
    (void)state;
    settle();
    struct nd low = advert(100), medium = advert(1000), high = advert(50);
    low.preference = -1;
    high.preference = 1;
    hear("fe80::1", &low);
    assert_true(addr_eq(default_router(), ip("fe80::1")));
    hear("fe80::2", &medium);
    assert_true(addr_eq(default_router(), ip("fe80::2")));
    hear("fe80::3", &medium);
    assert_true(idle());                                        /* no better: no change */
    hear("fe80::4", &high);
    assert_true(addr_eq(default_router(), ip("fe80::4")));
    now_ns = after(50);
    assert_true(addr_eq(default_router(), ip("fe80::2")));
    autoconf_router_silent(&a, ip("fe80::2"));
    assert_true(addr_eq(default_router(), ip("fe80::3")));
    autoconf_router_silent(&a, ip("fe80::3"));
    assert_true(addr_eq(default_router(), ip("fe80::1")));      /* low, but it answers */
    autoconf_router_silent(&a, ip("fe80::1"));
    assert_true(addr_eq(default_router(), ip("fe80::2")));      /* nobody does: by preference again */
    assert_true(autoconf_is_suspect(&a, ip("fe80::3")));
    autoconf_router_answers(&a, ip("fe80::3"));
    assert_true(addr_eq(default_router(), ip("fe80::3")));
    autoconf_router_gone(&a, ip("fe80::3"));
    assert_true(addr_eq(default_router(), ip("fe80::2")));
    const struct nd goodbye = advert(0);
    hear("fe80::2", &goodbye);
    assert_true(addr_eq(default_router(), ip("fe80::1")));
    hear("fe80::1", &goodbye);
    const struct autoconf_action last = run(AUTOCONF_DEL_ROUTE);
    assert_true(last.kind == AUTOCONF_DEL_ROUTE && last.dst.len == 0);
}

static void more_specific_routes(void **state)
{
    (void)state;
    settle();
    struct nd m = advert(0);
    m.route[m.n_route++] = (struct nd_route){ net("2001:db8:7::/48"), 1, 600 };
    hear("fe80::1", &m);
    const struct autoconf_action r = run(AUTOCONF_ADD_ROUTE);
    assert_true(r.dst.len == 48 && addr_eq(r.via, ip("fe80::1")));
    assert_true(a.solicit_ns != DEADLINE_NEVER);                /* still no default router */
    m.route[0].lifetime_s = 0;
    hear("fe80::1", &m);
    assert_int_equal(run(AUTOCONF_DEL_ROUTE).dst.len, 48);
}

static void facts_of_the_link(void **state)
{
    (void)state;
    settle();
    struct nd m = advert(100);
    m.hop_limit = 32;
    m.mtu = 1400;
    m.reachable_ms = 5000;
    m.retrans_ms = 500;
    hear("fe80::1", &m);
    assert_true(does(AUTOCONF_SET_LINK));
    assert_true(action.link.mtu == 1400 && action.link.hop_limit == 32 && action.link.reachable_ms == 5000 && action.link.retrans_ms == 500);
    m = advert(100);
    m.mtu = 1279;                                               /* too small, and the rest unspecified */
    hear("fe80::1", &m);
    m.mtu = 1501;                                               /* more than the link carries */
    hear("fe80::1", &m);
    assert_false(does(AUTOCONF_SET_LINK));
    assert_int_equal(a.link.mtu, 1400);
}

static void servers_of_names(void **state)
{
    (void)state;
    struct addr dns[8];
    settle();
    struct nd m = advert(100);
    m.n_dns = 2;
    m.dns[0] = ip("2001:db8::53");
    m.dns[1] = ip("fe80::53");
    m.dns_lifetime_s = 60;
    hear("fe80::1", &m);
    assert_int_equal(autoconf_dns(&a, dns, 8, now_ns), 2);
    assert_int_equal(autoconf_dns(&a, dns, 1, now_ns), 1);
    assert_true(addr_eq(dns[0], m.dns[0]));
    m.n_dns = 1;
    m.dns_lifetime_s = 0;                                       /* RFC 8106 §5.1: no longer to be used */
    hear("fe80::1", &m);
    assert_int_equal(autoconf_dns(&a, dns, 8, now_ns), 1);
    assert_true(addr_eq(dns[0], ip("fe80::53")));
    assert_int_equal(autoconf_dns(&a, dns, 8, after(60)), 0);
    for (unsigned i = 0; i < 100; i++) {
        m.dns_lifetime_s = 10;
        m.dns[0].b[15] = (uint8_t)i;
        hear("fe80::1", &m);
    }
    assert_int_equal(autoconf_dns(&a, dns, 8, now_ns), 8);
}

static void off_is_deaf(void **state)
{
    (void)state;
    settle();
    autoconf_stop(&a);
    const struct nd m = advert(100);
    assert_int_equal(autoconf_in(&a, ip("fe80::1"), &m, now_ns), WHY_ND_ROLE);
    assert_true(idle());
    assert_int_equal(autoconf_deadline(&a), DEADLINE_NEVER);
}

static void a_router_follows_none(void **state)
{
    (void)state;
    begin();
    autoconf_start(&a, AUTOCONF_ROUTER, &rng, &secret, own, 0, 1500);
    assert_true(adds_addr());
    assert_true(autoconf_verdict(&a, action.own.addr, true, now_ns));
    assert_true(idle());
    const struct nd m = advert(100);
    assert_int_equal(autoconf_in(&a, ip("fe80::1"), &m, now_ns), WHY_ND_ROLE);
    assert_int_equal(autoconf_deadline(&a), DEADLINE_NEVER);
}

/* RFC 7217 §5: the prefix, the interface and the counter each make another. */
static void stable_ids(void **state)
{
    (void)state;
    const struct mac other = { { 2, 0, 0, 0, 0, 2 } };
    const struct sipkey another = { { 1, 3 } };
    const struct addr x = stable_addr(&secret, ip("fe80::"), own, 0, 0);
    assert_true(addr_eq(x, stable_addr(&secret, ip("fe80::"), own, 0, 0)));
    assert_true(prefix_has(net("fe80::/64"), x));
    const struct addr different[] = { stable_addr(&secret, ip("2001:db8::"), own, 0, 0), stable_addr(&secret, ip("fe80::"), other, 0, 0),
                                      stable_addr(&secret, ip("fe80::"), own, 1, 0), stable_addr(&secret, ip("fe80::"), own, 0, 1),
                                      stable_addr(&another, ip("fe80::"), own, 0, 0) };
    for (size_t i = 0; i < sizeof different / sizeof different[0]; i++)
        assert_memory_not_equal(different[i].b + 8, x.b + 8, 8);
}

TESTS(address_and_route, solicitations, somebody_has_it, lifetimes, prefixes_not_for_us, routers_by_preference, more_specific_routes, facts_of_the_link,
      servers_of_names, off_is_deaf, a_router_follows_none, stable_ids)
