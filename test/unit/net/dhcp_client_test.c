/* The client's machine by itself (RFC 2131 §4.4): states, times, what each message carries. */
#include "../test.h"
#include "net/dhcp_client.h"

static struct dhcp_client c;
static struct rng rng;
static struct dhcp_message out;
static const struct mac mac = { { 2, 0, 0, 0, 0, 1 } };
static const struct addr offered = { .b = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 7 } },
                         server = { .b = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 1 } };

static void begin(void)
{
    rng_seed(&rng, 3);
    dhcp_start(&c, &rng, mac, "me", 0);
}

static struct dhcp4 reply(enum dhcp4_type type)
{
    return (struct dhcp4){ .op = 2, .type = type, .xid = c.xid, .chaddr = mac, .yiaddr = offered, .server_id = server, .lease_s = 1000,
                           .mask = addr4(0xfffffc00) };
}

static void bind_it(void)
{
    struct dhcp4 m;
    begin();
    assert_true(dhcp_out(&c, &out, 0));
    m = reply(DHCP4_OFFER);
    assert_true(dhcp_in(&c, &m, 0));
    assert_true(dhcp_out(&c, &out, 0));
    m = reply(DHCP4_ACK);
    assert_true(dhcp_in(&c, &m, 0));
    assert_int_equal(dhcp_take_news(&c), DHCP_CHECK);
    dhcp_checked(&c, true, 0);
    assert_int_equal(c.state, DHCP_BOUND);
}

static void discover_offer_request_ack(void **state)
{
    (void)state;
    begin();
    assert_int_equal(dhcp_deadline(&c), 0);
    assert_true(dhcp_out(&c, &out, 0));
    assert_int_equal(out.m.type, DHCP4_DISCOVER);
    assert_true(out.m.broadcast && addr_is_broadcast(out.dst) && addr_is_any(out.src));
    assert_string_equal(out.m.host_name, "me");
    assert_false(dhcp_out(&c, &out, 0));
    struct dhcp4 m = reply(DHCP4_OFFER);
    m.xid++;
    assert_false(dhcp_in(&c, &m, 0));   /* somebody else's */
    m = reply(DHCP4_OFFER);
    m.chaddr.b[5]++;
    assert_false(dhcp_in(&c, &m, 0));
    m = reply(DHCP4_ACK);
    assert_false(dhcp_in(&c, &m, 0));   /* not asked for yet */
    m = reply(DHCP4_OFFER);
    m.server_id = ADDR_NONE;
    assert_false(dhcp_in(&c, &m, 0));
    m = reply(DHCP4_OFFER);
    assert_true(dhcp_in(&c, &m, 0));
    assert_true(dhcp_out(&c, &out, 0));
    assert_int_equal(out.m.type, DHCP4_REQUEST);
    assert_true(addr_eq(out.m.requested, offered) && addr_eq(out.m.server_id, server) && addr_is_any(out.m.ciaddr));
    m = reply(DHCP4_ACK);
    assert_true(dhcp_in(&c, &m, 0));
    assert_int_equal(c.state, DHCP_CHECKING);
    assert_int_equal(c.lease.addr.len, 22);
    assert_int_equal(dhcp_take_news(&c), DHCP_CHECK);
    dhcp_checked(&c, true, 0);
    assert_int_equal(dhcp_deadline(&c), 500 * NS_PER_SEC);
}

/* 4, 8, 16, 32, 64, 64 s, each within a second. */
static void backs_off(void **state)
{
    (void)state;
    static const int64_t want_s[] = { 4, 8, 16, 32, 64, 64, 64 };
    begin();
    int64_t now = 0;
    for (size_t i = 0; i < 7; i++) {
        assert_true(dhcp_out(&c, &out, now));
        assert_int_equal(out.m.secs, now / NS_PER_SEC);
        const int64_t gap = dhcp_deadline(&c) - now;
        assert_in_range(gap, (want_s[i] - 1) * NS_PER_SEC, (want_s[i] + 1) * NS_PER_SEC);
        now += gap;
    }
}

static void a_silent_server_is_left(void **state)
{
    (void)state;
    begin();
    assert_true(dhcp_out(&c, &out, 0));
    struct dhcp4 m = reply(DHCP4_OFFER);
    assert_true(dhcp_in(&c, &m, 0));
    for (int i = 0; i < 4; i++) {
        assert_true(dhcp_out(&c, &out, i ? dhcp_deadline(&c) : 0));
        assert_int_equal(out.m.type, DHCP4_REQUEST);
    }
    assert_true(dhcp_out(&c, &out, dhcp_deadline(&c)));
    assert_int_equal(out.m.type, DHCP4_DISCOVER);
}

static void renews_rebinds_loses(void **state)
{
    (void)state;
    bind_it();
    assert_false(dhcp_out(&c, &out, 500 * NS_PER_SEC - 1));
    assert_true(dhcp_out(&c, &out, 500 * NS_PER_SEC));
    assert_int_equal(c.state, DHCP_RENEWING);
    assert_true(addr_eq(out.dst, server) && addr_eq(out.src, offered) && addr_eq(out.m.ciaddr, offered));
    assert_true(addr_is_none(out.m.requested) && addr_is_none(out.m.server_id));
    assert_false(out.m.broadcast);
    assert_int_equal(dhcp_deadline(&c), 500 * NS_PER_SEC + 187500 * NS_PER_MS);         /* half of what is left to T2 */
    int64_t now = dhcp_deadline(&c);
    unsigned rebinds = 0;
    for (; dhcp_out(&c, &out, now) && out.m.type == DHCP4_REQUEST; now = dhcp_deadline(&c)) {
        if (c.state != DHCP_REBINDING)
            continue;
        rebinds++;
        assert_true(addr_is_broadcast(out.dst));
        assert_true(now >= 875 * NS_PER_SEC);
    }
    assert_true(rebinds >= 2);
    assert_int_equal(now, 1000 * NS_PER_SEC);
    assert_int_equal(out.m.type, DHCP4_DISCOVER);
    assert_int_equal(dhcp_take_news(&c), DHCP_LOST);
}

static void renewal_extends(void **state)
{
    (void)state;
    bind_it();
    assert_true(dhcp_out(&c, &out, 500 * NS_PER_SEC));
    struct dhcp4 m = reply(DHCP4_ACK);
    m.yiaddr = addr4(5);
    assert_false(dhcp_in(&c, &m, 501 * NS_PER_SEC));    /* another address is no renewal */
    m = reply(DHCP4_ACK);
    m.lease_s = UINT32_MAX;
    assert_true(dhcp_in(&c, &m, 501 * NS_PER_SEC));
    assert_int_equal(dhcp_take_news(&c), DHCP_RENEWED);
    assert_int_equal(dhcp_deadline(&c), DEADLINE_NEVER);        /* for ever */
    dhcp_release(&c);
    assert_true(dhcp_out(&c, &out, 600 * NS_PER_SEC));
    assert_int_equal(out.m.type, DHCP4_RELEASE);
    assert_true(addr_eq(out.dst, server) && addr_eq(out.m.server_id, server));
    assert_false(dhcp_out(&c, &out, DEADLINE_NEVER));
    assert_int_equal(c.state, DHCP_OFF);
}

static void declines_and_naks(void **state)
{
    (void)state;
    struct dhcp4 m;
    begin();
    assert_true(dhcp_out(&c, &out, 0));
    m = reply(DHCP4_OFFER);
    assert_true(dhcp_in(&c, &m, 0));
    assert_true(dhcp_out(&c, &out, 0));
    m = reply(DHCP4_ACK);
    assert_true(dhcp_in(&c, &m, 0));
    (void)dhcp_take_news(&c);
    dhcp_checked(&c, false, 0);
    assert_true(dhcp_out(&c, &out, 0));
    assert_int_equal(out.m.type, DHCP4_DECLINE);
    assert_true(addr_eq(out.m.requested, offered) && addr_eq(out.m.server_id, server));
    assert_false(dhcp_out(&c, &out, 10 * NS_PER_SEC - 1));      /* §3.1: ten seconds at least */
    assert_true(dhcp_out(&c, &out, 10 * NS_PER_SEC));
    assert_int_equal(out.m.type, DHCP4_DISCOVER);
    bind_it();
    assert_true(dhcp_out(&c, &out, 500 * NS_PER_SEC));
    m = reply(DHCP4_NAK);
    assert_true(dhcp_in(&c, &m, 500 * NS_PER_SEC));
    assert_int_equal(dhcp_take_news(&c), DHCP_LOST);
    assert_true(dhcp_out(&c, &out, 500 * NS_PER_SEC));
    assert_int_equal(out.m.type, DHCP4_DISCOVER);
    m = reply(DHCP4_OFFER);
    assert_true(dhcp_in(&c, &m, 500 * NS_PER_SEC));
    assert_true(dhcp_out(&c, &out, 500 * NS_PER_SEC));
    m = reply(DHCP4_NAK);
    assert_true(dhcp_in(&c, &m, 500 * NS_PER_SEC));
    assert_false(dhcp_out(&c, &out, 502 * NS_PER_SEC));         /* offered and refused: not again at once */
    assert_true(dhcp_out(&c, &out, 506 * NS_PER_SEC));
}

TESTS(discover_offer_request_ack, backs_off, a_silent_server_is_left, renews_rebinds_loses, renewal_extends, declines_and_naks)
