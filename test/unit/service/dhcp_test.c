#include "../memnet.h"
#include "../test.h"
#include "service/dhcp.h"
#include <stdlib.h>

static struct memnet m;
static struct dhcp_server *s;
static struct dgram *client, *relay;
static struct dhcp4 got;
static struct endpoint got_at;          /* where the reply was sent to */
static const struct addr server = { .b = { [10] = 0xff, 0xff, 10, 0, 0, 1 } };

static struct addr host(uint8_t n) { return addr4(0x0a000000u + n); }

static int up(void **state)
{
    (void)state;
    memnet_init(&m);
    m.own = server;
    struct dhcp_server_config cfg = { .local = server, .server = server, .first = host(1), .last = host(4), .prefix_len = 24, .n_router = 1, .router = { host(1) },
                                      .n_dns = 2, .dns = { host(53), host(54) }, .lease_s = 100, .mtu = 1400, .domain = "shop.test" };
    assert_int_equal(dhcp_server_new(&m.net, &cfg, &s), PLUMB_OK);
    assert_int_equal(net_datagram(&m.net, &(struct dgram_opts){ .local = { .port = 68 } }, &client), PLUMB_OK);
    assert_int_equal(net_datagram(&m.net, &(struct dgram_opts){ .local = { host(200), 67 } }, &relay), PLUMB_OK);
    return 0;
}
static int down(void **state)
{
    (void)state;
    dhcp_server_free(s);
    dgram_close(client);
    dgram_close(relay);
    memnet_fini(&m);
    return 0;
}

static struct dhcp4 from(uint8_t who, enum dhcp4_type type)
{
    return (struct dhcp4){ .op = 1, .type = (uint8_t)type, .xid = 0x1000u + who, .chaddr = { { 2, 0, 0, 0, 0, who } }, .ciaddr = addr4(0),
                           .yiaddr = addr4(0), .siaddr = addr4(0), .giaddr = addr4(0) };
}
/* The type of the reply, 0: none. */
static int say(const struct dhcp4 *msg)
{
    uint8_t bytes[DHCP4_RELAYED_MAX];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct dgram_in in;
    struct dgram *ends[] = { client, relay };
    int type = 0;
    dhcp4_write(&w, msg);
    assert_int_equal(dgram_send(client, (struct endpoint){ server, 67 }, bytes, wr_len(&w)), PLUMB_OK);
    memnet_turn(&m);
    for (int i = 0; i < 2; i++)
        while (dgram_peek(ends[i], &in)) {
            struct reader r = reader_of(in.bytes, in.len);
            if (dhcp4_read(&r, &got) && got.op == 2) {
                assert_int_equal(type, 0);
                assert_int_equal(got.xid, msg->xid);
                assert_true(mac_eq(got.chaddr, msg->chaddr) && addr_eq(got.server_id, server));
                got_at = (struct endpoint){ in.to, i ? 67 : 68 };
                type = got.type;
            }
            dgram_consume(ends[i]);
        }
    return type;
}
static int discover(uint8_t who)
{
    const struct dhcp4 d = from(who, DHCP4_DISCOVER);
    return say(&d);
}
static int take(uint8_t who)            /* DISCOVER to ACK; the last byte of the address */
{
    if (discover(who) != DHCP4_OFFER)
        return 0;
    struct dhcp4 r = from(who, DHCP4_REQUEST);
    r.server_id = server;
    r.requested = got.yiaddr;
    return say(&r) == DHCP4_ACK ? got.yiaddr.b[15] : 0;
}
static int claim(uint8_t who, struct addr ciaddr, struct addr requested, struct addr server_id)
{
    struct dhcp4 r = from(who, DHCP4_REQUEST);
    r.ciaddr = ciaddr;
    r.requested = requested;
    r.server_id = server_id;
    return say(&r);
}
static void wait_s(int64_t seconds) { memnet_run(&m, NULL, NULL, seconds * NS_PER_SEC); }

static void leases(void **state)
{
    (void)state;
    assert_int_equal(discover(9), DHCP4_OFFER);
    assert_true(addr_is_broadcast(got_at.addr));
    assert_true(addr_eq(got.yiaddr, host(2)));          /* not its own address */
    assert_int_equal(addr_v4(got.mask), 0xffffff00);
    assert_true(got.lease_s == 100 && got.mtu == 1400 && got.n_router == 1 && got.n_dns == 2 && addr_eq(got.dns[1], host(54)));
    assert_string_equal(got.domain, "shop.test");
    assert_int_equal(claim(9, addr4(0), host(2), server), DHCP4_ACK);
    assert_int_equal(take(9), 2);                       /* the same again */
    assert_int_equal(take(8), 3);
    assert_int_equal(take(7), 4);
    assert_int_equal(discover(6), 0);                   /* none left */
    uint32_t cursor = 0, n = 0;
    for (struct dhcp_lease l; dhcp_server_walk(s, &cursor, &l); n++)
        assert_int_equal(l.state, LEASE_BOUND);
    assert_int_equal(n, 3);
    wait_s(101);
    assert_int_equal(take(6), 2);                       /* the one unused longest */
    assert_int_equal(take(7), 4);                       /* what it had */
}

static void claims(void **state)
{
    (void)state;
    const struct addr none = ADDR_NONE, zero = addr4(0);
    assert_int_equal(take(9), 2);
    assert_int_equal(claim(9, host(2), none, none), DHCP4_ACK);             /* renewing: to the client itself */
    assert_true(addr_eq(got_at.addr, host(2)));
    assert_int_equal(claim(9, zero, host(2), none), DHCP4_ACK);             /* init-reboot */
    assert_int_equal(claim(9, zero, host(3), none), DHCP4_NAK);             /* not what it has */
    assert_true(addr_is_broadcast(got_at.addr));
    assert_int_equal(claim(8, zero, addr4(0xc0a80001), none), DHCP4_NAK);   /* from another network */
    assert_int_equal(claim(8, zero, host(3), none), 0);                     /* unknown: silence */
    assert_int_equal(claim(8, host(2), none, none), DHCP4_NAK);             /* another's */
    assert_int_equal(claim(8, zero, host(2), server), DHCP4_NAK);
    assert_int_equal(claim(8, zero, host(3), server), DHCP4_NAK);           /* never offered */
    assert_int_equal(claim(8, zero, none, none), 0);
    assert_int_equal(discover(8), DHCP4_OFFER);
    assert_int_equal(claim(8, zero, got.yiaddr, host(99)), 0);              /* it chose another server */
    assert_int_equal(take(7), 3 + (got.yiaddr.b[15] == 3));
}

static void offers_expire(void **state)
{
    (void)state;
    for (uint8_t who = 5; who < 8; who++)
        assert_int_equal(discover(who), DHCP4_OFFER);
    assert_int_equal(discover(8), 0);
    wait_s(31);
    assert_int_equal(discover(8), DHCP4_OFFER);
}

static void decline_release_inform(void **state)
{
    (void)state;
    struct dhcp4 d = from(9, DHCP4_DECLINE), r = from(8, DHCP4_RELEASE), i = from(7, DHCP4_INFORM);
    assert_int_equal(take(9), 2);
    d.requested = host(2);
    d.server_id = server;
    assert_int_equal(say(&d), 0);
    assert_int_equal(take(9), 3);
    assert_int_equal(take(8), 4);
    assert_int_equal(discover(7), 0);
    r.ciaddr = host(4);
    r.server_id = server;
    assert_int_equal(say(&r), 0);
    assert_int_equal(take(7), 4);
    wait_s(601);
    assert_int_equal(take(6), 2);                       /* declined long ago */
    i.ciaddr = host(77);
    assert_int_equal(say(&i), DHCP4_ACK);
    assert_true(addr_eq(got_at.addr, host(77)) && got.lease_s == 0 && addr_v4(got.yiaddr) == 0 && got.n_dns == 2);
}

static void identities_and_relays(void **state)
{
    (void)state;
    struct dhcp4 d = from(9, DHCP4_DISCOVER);
    d.client_id_len = 3;
    memcpy(d.client_id, "abc", 3);
    assert_int_equal(say(&d), DHCP4_OFFER);
    assert_int_equal(got.yiaddr.b[15], 2);
    d.chaddr.b[5] = 1;                                  /* another card, the same identity */
    assert_int_equal(say(&d), DHCP4_OFFER);
    assert_int_equal(got.yiaddr.b[15], 2);
    assert_int_equal(discover(9), DHCP4_OFFER);         /* the first card alone is another */
    assert_int_equal(got.yiaddr.b[15], 3);
    struct dhcp4 via = from(5, DHCP4_DISCOVER);
    via.giaddr = host(200);
    assert_int_equal(say(&via), DHCP4_OFFER);
    assert_true(got_at.port == 67 && addr_eq(got_at.addr, host(200)));
    assert_int_equal(dgram_send(client, (struct endpoint){ server, 67 }, "nonsense", 8), PLUMB_OK);
    memnet_turn(&m);
    assert_int_equal(m.trace.drops[WHY_DHCP_BAD], 1);
    struct dhcp_server *bad;
    const struct dhcp_server_config out = { .server = server, .first = addr4(0xc0a80001), .last = addr4(0xc0a80009), .prefix_len = 24 };
    assert_int_equal(dhcp_server_new(&m.net, &out, &bad), PLUMB_INVALID);
}

/* ------------------------------------------- relays, reservations, a journal */

static unsigned kept;
static bool full;
static bool keep_line(void *arg, const char *line)
{
    (void)arg;
    kept += strchr(line, '\n') != NULL;
    return !full;
}

static void again(void)                 /* another server, with all that it can do */
{
    const struct dhcp_pool far = { .first = addr4(0x0a07000a), .last = addr4(0x0a07000b), .prefix_len = 24, .n_router = 1, .router = { addr4(0x0a070001) } };
    const struct dhcp_reservation reserved[] = { { { { 2, 0, 0, 0, 0, 77 } }, host(99) }, { { { 2, 0, 0, 0, 0, 78 } }, host(3) } };
    const struct dhcp_server_config cfg = { .local = server, .server = server, .first = host(1), .last = host(4), .prefix_len = 24, .lease_s = 100,
                                            .n_relayed = 1, .relayed = &far, .n_reserved = 2, .reserved = reserved, .keeper = { keep_line, NULL } };
    dhcp_server_free(s);
    kept = 0;
    full = false;
    assert_int_equal(dhcp_server_new(&m.net, &cfg, &s), PLUMB_OK);
}

static struct dhcp4 relayed(uint8_t who, enum dhcp4_type type)
{
    static const uint8_t info[] = { 1, 4, 'p', 'o', 'r', 't', 5, 4, 10, 7, 0, 0 };      /* circuit id; the link */
    struct dhcp4 r = from(who, type);
    r.giaddr = host(200);               /* where the relay is heard; the link selection says otherwise */
    memcpy(r.relay, info, sizeof info);
    r.relay_len = sizeof info;
    return r;
}

static void behind_a_relay(void **state)
{
    (void)state;
    again();
    struct dhcp4 r = relayed(9, DHCP4_DISCOVER);
    assert_int_equal(say(&r), DHCP4_OFFER);
    assert_true(endpoint_eq(got_at, (struct endpoint){ host(200), 67 }));
    assert_true(addr_eq(got.yiaddr, addr4(0x0a07000a)) && addr_eq(got.router[0], addr4(0x0a070001)));
    assert_true(got.relay_len == r.relay_len && memcmp(got.relay, r.relay, r.relay_len) == 0);
    r = relayed(9, DHCP4_REQUEST);
    r.server_id = server;
    r.requested = got.yiaddr;
    assert_int_equal(say(&r), DHCP4_ACK);
    r.server_id = ADDR_NONE;
    r.requested = host(2);              /* an address of the other network */
    assert_int_equal(say(&r), DHCP4_NAK);
    assert_true(got.broadcast && got.relay_len == r.relay_len);
    assert_int_equal(take(9), 2);       /* the same client at home: an address there */
    assert_int_equal(got.relay_len, 0);
    struct dhcp4 renewal = from(9, DHCP4_REQUEST);
    renewal.ciaddr = addr4(0x0a07000a); /* renewing goes past the relay */
    assert_int_equal(say(&renewal), DHCP4_ACK);
    assert_true(addr_eq(got.router[0], addr4(0x0a070001)));
    r = relayed(8, DHCP4_DISCOVER);
    r.relay[9] = 11;                    /* a link of nobody's */
    assert_int_equal(say(&r), 0);
}

static void reservations(void **state)
{
    (void)state;
    again();
    assert_int_equal(take(77), 99);
    assert_int_equal(take(9), 2);
    assert_int_equal(take(8), 4);       /* 3 is reserved */
    assert_int_equal(discover(7), 0);
    assert_int_equal(claim(9, addr4(0), host(3), server), DHCP4_NAK);
    assert_int_equal(take(78), 3);
    assert_int_equal(claim(6, addr4(0), host(99), ADDR_NONE), DHCP4_NAK);
}

static void committed_first(void **state)
{
    (void)state;
    again();
    full = true;
    assert_int_equal(take(9), 0);       /* what cannot be kept is not acknowledged */
    assert_int_equal(kept, 1);
    full = false;
    assert_int_equal(take(9), 2);
    assert_int_equal(kept, 2);
}

static void recalled(void **state)
{
    (void)state;
    char *text, error[LEASES_ERROR];
    size_t len;
    again();
    assert_int_equal(take(9), 2);
    assert_int_equal(take(77), 99);
    FILE *f = open_memstream(&text, &len);
    dhcp_server_write(s, f);
    fclose(f);
    again();
    assert_true(dhcp_server_recall(s, text, error));
    free(text);
    assert_int_equal(claim(9, addr4(0), host(2), ADDR_NONE), DHCP4_ACK);        /* known, not met with silence */
    assert_int_equal(take(8), 4);
    assert_int_equal(take(9), 2);
    assert_false(dhcp_server_recall(s, "nonsense", error));
}

#define WITH(t) cmocka_unit_test_setup_teardown(t, up, down)
int main(void)
{
    const struct CMUnitTest all[] = { WITH(leases), WITH(claims), WITH(offers_expire), WITH(decline_release_inform), WITH(identities_and_relays),
                                      WITH(behind_a_relay), WITH(reservations), WITH(committed_first), WITH(recalled) };
    return cmocka_run_group_tests(all, NULL, NULL);
}
