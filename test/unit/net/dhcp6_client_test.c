/* The DHCPv6 client: RFC 9915 §15 and §18.2. */
#include "../test.h"
#include "net/dhcp6_client.h"

static struct dhcp6_client c;
static struct rng rng;
static struct dhcp6 sent;
static int64_t now_ns;
static const struct addr ADDRESS = { .b = { 0x20, 1, 0xd, 0xb8, [15] = 5 } }, OTHER = { .b = { 0x20, 1, 0xd, 0xb8, [15] = 6 } };
static const struct dhcp6_duid SERVER = { 4, { 0, 3, 0, 9 } }, BETTER = { 4, { 0, 3, 0, 8 } };

static void begin(enum dhcp6_mode mode)
{
    now_ns = 1000 * NS_PER_SEC;
    rng_seed(&rng, 5);
    const struct dhcp6_duid own = dhcp6_duid_of((struct mac){ { 2, 0, 0, 0, 0, 1 } });
    dhcp6_start(&c, mode, &rng, &own, 7, now_ns);
}

/* The next message, when it is due; how long that took. */
static int64_t next(enum dhcp6_type type)
{
    const int64_t before = now_ns;
    now_ns = dhcp6_deadline(&c);
    assert_true(dhcp6_out(&c, &sent, now_ns));
    assert_int_equal(sent.type, type);
    assert_true(dhcp6_duid_same(&sent.client, &c.duid));
    return now_ns - before;
}

static struct dhcp6 answer(enum dhcp6_type type, const struct dhcp6_duid *server, struct addr a, uint32_t preferred_s, uint32_t valid_s)
{
    struct dhcp6 m = { .type = (uint8_t)type, .xid = sent.xid, .client = c.duid, .server = *server, .n_ia = 1 };
    m.ia[0] = (struct dhcp6_ia){ .iaid = 7, .n_addr = 1, .addr = { { a, preferred_s, valid_s } } };
    return m;
}

static struct own_action action;
static bool does(enum own_kind kind) { return dhcp6_next(&c, &action, now_ns) && action.kind == kind; }

static void bind_it(void)
{
    begin(DHCP6_STATEFUL);
    (void)next(DHCP6_SOLICIT);
    struct dhcp6 m = answer(DHCP6_ADVERTISE, &SERVER, ADDRESS, 100, 200);
    assert_true(dhcp6_in(&c, &m, now_ns));
    (void)next(DHCP6_REQUEST);
    assert_true(dhcp6_duid_same(&sent.server, &SERVER));
    m = answer(DHCP6_REPLY, &SERVER, ADDRESS, 100, 200);
    m.n_dns = 1;
    m.dns[0] = OTHER;
    assert_true(dhcp6_in(&c, &m, now_ns));
    assert_true(does(OWN_ADD));
    assert_true(addr_eq(action.addr, ADDRESS));
    assert_true(dhcp6_verdict(&c, ADDRESS, true, now_ns));
    assert_false(dhcp6_next(&c, &action, now_ns));
    assert_int_equal(c.state, DHCP6_BOUND);
    assert_int_equal(c.n_dns, 1);
}

/* §15: 1 s, doubled, each within a tenth; the first of a Solicit not shorter. */
static void solicits_with_patience(void **state)
{
    (void)state;
    begin(DHCP6_STATEFUL);
    assert_in_range(next(DHCP6_SOLICIT), 0, NS_PER_SEC);
    assert_true(sent.rapid_commit && sent.n_ia == 1 && sent.ia[0].iaid == 7 && sent.elapsed_cs == 0);
    const uint32_t xid = sent.xid;
    int64_t wait = next(DHCP6_SOLICIT);
    assert_in_range(wait, NS_PER_SEC, NS_PER_SEC * 11 / 10);
    for (int i = 0; i < 15; i++) {
        const int64_t longer = next(DHCP6_SOLICIT), expected = 2 * wait > 3600 * NS_PER_SEC ? 3600 * NS_PER_SEC : 2 * wait;
        assert_in_range(longer, expected * 9 / 10, expected * 11 / 10);
        assert_int_equal(sent.xid, xid);
        wait = longer;
    }
    assert_int_equal(sent.elapsed_cs, UINT16_MAX);
}

/* Of those heard in the first second the one with the highest preference. */
static void the_best_server(void **state)
{
    (void)state;
    begin(DHCP6_STATEFUL);
    (void)next(DHCP6_SOLICIT);
    struct dhcp6 m = answer(DHCP6_ADVERTISE, &SERVER, ADDRESS, 100, 200);
    assert_true(dhcp6_in(&c, &m, now_ns));
    m = answer(DHCP6_ADVERTISE, &BETTER, ADDRESS, 100, 200);
    m.preference = 9;
    assert_true(dhcp6_in(&c, &m, now_ns));
    m = answer(DHCP6_ADVERTISE, &SERVER, ADDRESS, 100, 200);
    m.preference = 250;
    m.ia[0].status = DHCP6_NO_ADDRS;
    assert_false(dhcp6_in(&c, &m, now_ns));
    assert_in_range(next(DHCP6_REQUEST), NS_PER_SEC, NS_PER_SEC * 11 / 10);
    assert_true(dhcp6_duid_same(&sent.server, &BETTER));
    for (int i = 1; i < 10; i++)
        (void)next(DHCP6_REQUEST);
    now_ns = dhcp6_deadline(&c);
    assert_false(dhcp6_out(&c, &sent, now_ns));
    (void)next(DHCP6_SOLICIT);                          /* REQ_MAX_RC: another server then */
    m = answer(DHCP6_ADVERTISE, &SERVER, ADDRESS, 100, 200);
    m.has_preference = true;
    m.preference = 255;
    assert_true(dhcp6_in(&c, &m, now_ns));
    assert_int_equal(next(DHCP6_REQUEST), 0);           /* nobody can be better */
}

static void quickly(void **state)
{
    (void)state;
    begin(DHCP6_STATEFUL);
    (void)next(DHCP6_SOLICIT);
    struct dhcp6 m = answer(DHCP6_REPLY, &SERVER, ADDRESS, 100, 200);
    assert_false(dhcp6_in(&c, &m, now_ns));
    assert_int_equal(c.state, DHCP6_SOLICITING);        /* not asked for so */
    m.rapid_commit = true;
    assert_true(dhcp6_in(&c, &m, now_ns));
    assert_int_equal(c.state, DHCP6_BOUND);
}

static void not_for_us(void **state)
{
    (void)state;
    begin(DHCP6_STATEFUL);
    (void)next(DHCP6_SOLICIT);
    struct dhcp6 m = answer(DHCP6_ADVERTISE, &SERVER, ADDRESS, 100, 200);
    m.xid++;
    assert_false(dhcp6_in(&c, &m, now_ns));
    m = answer(DHCP6_ADVERTISE, &SERVER, ADDRESS, 100, 200);
    m.client.b[4]++;
    assert_false(dhcp6_in(&c, &m, now_ns));
    m = answer(DHCP6_ADVERTISE, &(struct dhcp6_duid){ 0 }, ADDRESS, 100, 200);
    assert_false(dhcp6_in(&c, &m, now_ns));
    m = answer(DHCP6_ADVERTISE, &SERVER, (struct addr){ .b = { 0xff, 2, [15] = 1 } }, 100, 200);
    assert_false(dhcp6_in(&c, &m, now_ns));
    m = answer(DHCP6_ADVERTISE, &SERVER, ADDRESS, 100, 200);
    m.ia[0].t1_s = 9;
    m.ia[0].t2_s = 8;
    assert_false(dhcp6_in(&c, &m, now_ns));
}

/* T1 at half, T2 at 0.8 of the preferred lifetime, then all servers, then none. */
static void renews_rebinds_loses(void **state)
{
    (void)state;
    bind_it();
    assert_int_equal(next(DHCP6_RENEW), 50 * NS_PER_SEC);
    struct dhcp6 m = answer(DHCP6_REPLY, &SERVER, ADDRESS, 100, 200);
    assert_true(dhcp6_in(&c, &m, now_ns));
    assert_int_equal(next(DHCP6_RENEW), 50 * NS_PER_SEC);
    assert_true(dhcp6_duid_same(&sent.server, &SERVER) && addr_eq(sent.ia[0].addr[0].addr, ADDRESS));
    const int64_t renewing_ns = now_ns;
    while (c.state == DHCP6_RENEWING) {
        now_ns = dhcp6_deadline(&c);
        (void)dhcp6_out(&c, &sent, now_ns);
    }
    assert_int_equal(now_ns - renewing_ns, 30 * NS_PER_SEC);
    assert_true(sent.type == DHCP6_REBIND && !sent.server.len);
    now_ns = renewing_ns + 50 * NS_PER_SEC;
    assert_true(does(OWN_SET_DEPRECATED));
    now_ns = renewing_ns + 150 * NS_PER_SEC;
    assert_true(does(OWN_DEL));
    assert_true(addr_eq(action.addr, ADDRESS));
    (void)next(DHCP6_SOLICIT);
    assert_int_equal(sent.ia[0].n_addr, 0);
}

static void another_address(void **state)
{
    (void)state;
    bind_it();
    (void)next(DHCP6_RENEW);
    struct dhcp6 m = answer(DHCP6_REPLY, &SERVER, ADDRESS, 0, 0);
    m.ia[0].addr[m.ia[0].n_addr++] = (struct dhcp6_addr){ OTHER, 100, 200 };
    assert_true(dhcp6_in(&c, &m, now_ns));
    assert_true(does(OWN_DEL));
    assert_true(addr_eq(action.addr, ADDRESS));
    assert_true(does(OWN_ADD));
    assert_true(addr_eq(action.addr, OTHER));
    assert_true(dhcp6_verdict(&c, OTHER, true, now_ns));
    (void)next(DHCP6_RENEW);
    m = answer(DHCP6_REPLY, &SERVER, OTHER, 0, 0);
    m.ia[0].n_addr = 0;
    m.ia[0].status = DHCP6_NO_BINDING;
    assert_true(dhcp6_in(&c, &m, now_ns));
    assert_int_equal(next(DHCP6_REQUEST), 0);
    assert_true(addr_eq(sent.ia[0].addr[0].addr, OTHER));
}

static void somebody_has_it(void **state)
{
    (void)state;
    begin(DHCP6_STATEFUL);
    (void)next(DHCP6_SOLICIT);
    struct dhcp6 m = answer(DHCP6_REPLY, &SERVER, ADDRESS, 100, 200);
    m.rapid_commit = true;
    assert_true(dhcp6_in(&c, &m, now_ns));
    assert_true(does(OWN_ADD));
    assert_true(dhcp6_verdict(&c, ADDRESS, false, now_ns));
    (void)next(DHCP6_DECLINE);
    assert_true(addr_eq(sent.ia[0].addr[0].addr, ADDRESS) && dhcp6_duid_same(&sent.server, &SERVER));
    m = answer(DHCP6_REPLY, &SERVER, ADDRESS, 0, 0);
    assert_true(dhcp6_in(&c, &m, now_ns));
    assert_false(dhcp6_out(&c, &sent, now_ns));
    (void)next(DHCP6_SOLICIT);
    assert_int_equal(sent.ia[0].n_addr, 0);
}

static void released(void **state)
{
    (void)state;
    bind_it();
    dhcp6_release(&c, now_ns);
    assert_true(does(OWN_DEL));
    (void)next(DHCP6_RELEASE);
    assert_true(sent.ia[0].n_addr == 1 && addr_eq(sent.ia[0].addr[0].addr, ADDRESS));
    for (int i = 1; i < 4; i++)
        (void)next(DHCP6_RELEASE);
    now_ns = dhcp6_deadline(&c);
    assert_false(dhcp6_out(&c, &sent, now_ns));
    assert_int_equal(c.state, DHCP6_OFF);
    assert_int_equal(dhcp6_deadline(&c), DEADLINE_NEVER);
}

static void link_came_back(void **state)
{
    (void)state;
    bind_it();
    dhcp6_link_gone(&c);
    assert_int_equal(dhcp6_deadline(&c), DEADLINE_NEVER);
    dhcp6_link_again(&c, now_ns);
    assert_true(does(OWN_ADD));
    assert_true(dhcp6_verdict(&c, ADDRESS, true, now_ns));
    (void)next(DHCP6_CONFIRM);
    struct dhcp6 m = answer(DHCP6_REPLY, &SERVER, ADDRESS, 0, 0);
    m.n_ia = 0;
    assert_true(dhcp6_in(&c, &m, now_ns));
    assert_int_equal(c.state, DHCP6_BOUND);
    dhcp6_link_gone(&c);
    dhcp6_link_again(&c, now_ns);
    assert_true(does(OWN_ADD));
    assert_true(dhcp6_verdict(&c, ADDRESS, true, now_ns));
    (void)next(DHCP6_CONFIRM);
    m.xid = sent.xid;
    m.status = DHCP6_NOT_ON_LINK;
    assert_true(dhcp6_in(&c, &m, now_ns));
    assert_true(does(OWN_DEL));
    (void)next(DHCP6_SOLICIT);
}

static void information_alone(void **state)
{
    (void)state;
    begin(DHCP6_STATELESS);
    (void)next(DHCP6_INFORMATION);
    assert_true(sent.n_ia == 0 && sent.asks_dns);
    assert_in_range(next(DHCP6_INFORMATION), NS_PER_SEC * 9 / 10, NS_PER_SEC * 11 / 10);
    struct dhcp6 m = { .type = DHCP6_REPLY, .xid = sent.xid, .client = c.duid, .server = SERVER, .n_dns = 1, .dns = { OTHER }, .refresh_s = 1 };
    assert_true(dhcp6_in(&c, &m, now_ns));
    assert_true(c.n_dns == 1 && addr_eq(c.dns[0], OTHER));
    assert_int_equal(next(DHCP6_INFORMATION), 600 * NS_PER_SEC);        /* IRT_MINIMUM */
}

TESTS(solicits_with_patience, the_best_server, quickly, not_for_us, renews_rebinds_loses, another_address, somebody_has_it, released, link_came_back,
      information_alone)
