/* The DHCPv6 server: RFC 9915 §16 and §18.3, relays by §19. */
#include "../memnet.h"
#include "../test.h"
#include "service/dhcp6.h"

static struct memnet m;
static struct dhcp6_server *s;
static struct dgram *client, *relay;
static struct dhcp6 got;
static char journal[4096];
static bool disk_full;
static const struct addr SELF = { .b = { 0x20, 1, 0xd, 0xb8, [15] = 1 } }, AWAY = { .b = { 0x20, 1, 0xd, 0xb9, [15] = 1 } };
static const struct dhcp6_duid US = { 4, { 0, 3, 0, 9 } };

static struct addr host(uint8_t n)
{
    struct addr a = SELF;
    a.b[15] = n;
    return a;
}

static bool append(void *arg, const char *line)
{
    (void)arg;
    if (disk_full)
        return false;
    strncat(journal, line, sizeof journal - strlen(journal) - 1);
    return true;
}
static int64_t civil_ns(void) { return 0; }

static void open_server(void)
{
    const struct dhcp6_server_config cfg = { .duid = US, .own = SELF, .network = { SELF, 64 }, .first = host(1), .last = host(4), .n_dns = 1,
                                             .dns = { host(53) }, .domain = "shop.test", .valid_s = 100, .preferred_s = 50, .rapid_commit = true,
                                             .keeper = { .append = append }, .journal = journal[0] ? journal : NULL, .civil_ns = civil_ns };
    assert_int_equal(dhcp6_server_new(&m.net, &cfg, &s), PLUMB_OK);
    FILE *f = fmemopen(journal, sizeof journal, "w");
    leases_write(dhcp6_server_leases(s), f, m.loop.now_ns, 0);
    fclose(f);
}

static int up(void **state)
{
    (void)state;
    journal[0] = '\0';
    disk_full = false;
    memnet_init(&m);
    m.own = SELF;
    open_server();
    assert_int_equal(net_datagram(&m.net, &(struct dgram_opts){ .local = { .port = DHCP6_CLIENT_PORT } }, &client), PLUMB_OK);
    assert_int_equal(net_datagram(&m.net, &(struct dgram_opts){ .local = { host(200), DHCP6_SERVER_PORT } }, &relay), PLUMB_OK);
    return 0;
}
static int down(void **state)
{
    (void)state;
    dhcp6_server_free(s);
    dgram_close(client);
    dgram_close(relay);
    memnet_fini(&m);
    return 0;
}

static struct dhcp6 from(uint8_t who, enum dhcp6_type type)
{
    const bool named = type == DHCP6_REQUEST || type == DHCP6_RENEW || type == DHCP6_RELEASE || type == DHCP6_DECLINE;
    struct dhcp6 x = { .type = (uint8_t)type, .xid = 0x1000u + who, .client = { 4, { 0, 3, 0, who } }, .n_ia = type != DHCP6_INFORMATION };
    x.ia[0].iaid = 1;
    if (named)
        x.server = US;
    return x;
}
static struct dhcp6 about(uint8_t who, enum dhcp6_type type, struct addr a)
{
    struct dhcp6 x = from(who, type);
    x.ia[0].n_addr = 1;
    x.ia[0].addr[0].addr = a;
    return x;
}

static bool heard(struct dgram *d, uint32_t xid)
{
    struct dgram_in in;
    bool any = false;
    while (dgram_peek(d, &in)) {
        struct reader r = reader_of(in.bytes, in.len);
        struct dhcp6 x;
        if (dhcp6_read(&r, &x) && (x.type == DHCP6_REPLY || x.type == DHCP6_ADVERTISE)) {
            assert_false(any);
            assert_int_equal(x.xid, xid);
            assert_true(dhcp6_duid_same(&x.server, &US));
            got = x;
            any = true;
        }
        dgram_consume(d);
    }
    return any;
}

/* The type of the answer, 0: none. */
static int say(struct dhcp6 msg)
{
    uint8_t bytes[DHCP6_MAX];
    struct writer w = writer_of(bytes, sizeof bytes);
    dhcp6_write(&w, &msg);
    assert_int_equal(dgram_send(client, (struct endpoint){ SELF, DHCP6_SERVER_PORT }, bytes, wr_len(&w)), PLUMB_OK);
    memnet_turn(&m);
    return heard(client, msg.xid) ? got.type : 0;
}

static struct addr given(void) { return got.n_ia && got.ia[0].n_addr ? got.ia[0].addr[0].addr : ADDR_NONE; }

/* Solicit to Reply. */
static struct addr take(uint8_t who)
{
    if (say(from(who, DHCP6_SOLICIT)) != DHCP6_ADVERTISE || got.status != DHCP6_SUCCESS)
        return ADDR_NONE;
    const struct addr offered = given();
    assert_int_equal(say(about(who, DHCP6_REQUEST, offered)), DHCP6_REPLY);
    assert_true(addr_eq(given(), offered));
    return offered;
}

static void four_messages(void **state)
{
    (void)state;
    const struct addr a = take(7);
    assert_true(prefix_has((struct prefix){ SELF, 64 }, a) && a.b[15] >= 2 && a.b[15] <= 4);    /* the first is the server's own */
    assert_true(got.ia[0].addr[0].valid_s == 100 && got.ia[0].addr[0].preferred_s == 50 && got.ia[0].t1_s == 25 && got.ia[0].t2_s == 40);
    assert_true(got.n_dns == 1 && addr_eq(got.dns[0], host(53)));
    assert_string_equal(got.domain, "shop.test");
    assert_true(addr_eq(take(7), a));                   /* the same again */
    assert_non_null(strstr(journal, "2001:db8::"));
}

static void two_messages(void **state)
{
    (void)state;
    struct dhcp6 x = from(7, DHCP6_SOLICIT);
    x.rapid_commit = true;
    assert_int_equal(say(x), DHCP6_REPLY);
    assert_true(got.rapid_commit && !addr_is_none(given()));
}

static void everything_is_given(void **state)
{
    (void)state;
    const struct addr a = take(1), b = take(2), c = take(3);
    assert_false(addr_eq(a, b) || addr_eq(b, c) || addr_eq(a, c) || addr_is_none(c));
    assert_true(addr_is_none(take(4)));
    assert_int_equal(got.status, DHCP6_NO_ADDRS);
    assert_int_equal(say(about(2, DHCP6_RELEASE, b)), DHCP6_REPLY);
    assert_int_equal(got.n_ia, 0);
    assert_true(addr_eq(take(4), b));
    assert_int_equal(say(about(4, DHCP6_DECLINE, b)), DHCP6_REPLY);
    assert_true(addr_is_none(take(4)));                 /* somebody else was seen to use it */
    m.loop.now_ns += 101 * NS_PER_SEC;
    assert_false(addr_is_none(take(4)));                /* of the others the leases are over */
}

static void renewing(void **state)
{
    (void)state;
    const struct addr a = take(1);
    m.loop.now_ns += 60 * NS_PER_SEC;
    struct dhcp6 x = about(1, DHCP6_RENEW, a);
    x.ia[0].addr[x.ia[0].n_addr++].addr = AWAY;         /* what is not its own is taken from it */
    assert_int_equal(say(x), DHCP6_REPLY);
    assert_true(addr_eq(given(), a) && got.ia[0].addr[0].valid_s == 100);
    assert_true(got.ia[0].n_addr == 2 && addr_eq(got.ia[0].addr[1].addr, AWAY) && got.ia[0].addr[1].valid_s == 0);
    m.loop.now_ns += 60 * NS_PER_SEC;
    assert_true(addr_is_none(take(2)) || !addr_eq(given(), a));
    assert_int_equal(say(about(9, DHCP6_RENEW, a)), DHCP6_REPLY);
    assert_true(got.ia[0].status == DHCP6_NO_BINDING && got.ia[0].n_addr == 0);
    assert_int_equal(say(about(1, DHCP6_REBIND, a)), DHCP6_REPLY);
    assert_true(addr_eq(given(), a));
    assert_int_equal(say(about(9, DHCP6_REBIND, host(3))), 0);          /* another server may know it */
    assert_int_equal(say(about(9, DHCP6_REBIND, AWAY)), DHCP6_REPLY);
    assert_int_equal(got.ia[0].addr[0].valid_s, 0);
}

static void confirming(void **state)
{
    (void)state;
    assert_int_equal(say(about(1, DHCP6_CONFIRM, host(3))), DHCP6_REPLY);
    assert_int_equal(got.status, DHCP6_SUCCESS);
    assert_int_equal(say(about(1, DHCP6_CONFIRM, AWAY)), DHCP6_REPLY);
    assert_int_equal(got.status, DHCP6_NOT_ON_LINK);
    assert_int_equal(say(from(1, DHCP6_CONFIRM)), 0);
    assert_int_equal(say(about(1, DHCP6_REQUEST, AWAY)), DHCP6_REPLY);
    assert_true(got.status == DHCP6_NOT_ON_LINK && got.n_ia == 0);
}

static void information(void **state)
{
    (void)state;
    assert_int_equal(say(from(1, DHCP6_INFORMATION)), DHCP6_REPLY);
    assert_true(got.n_dns == 1 && got.n_ia == 0);
    struct dhcp6 x = from(1, DHCP6_INFORMATION);
    x.client.len = 0;                                   /* it need not say who it is */
    assert_int_equal(say(x), DHCP6_REPLY);
}

/* §16 */
static void not_for_us(void **state)
{
    (void)state;
    struct dhcp6 x = from(1, DHCP6_SOLICIT);
    x.server = US;
    assert_int_equal(say(x), 0);
    x = from(1, DHCP6_SOLICIT);
    x.client.len = 0;
    assert_int_equal(say(x), 0);
    x = from(1, DHCP6_REQUEST);
    x.server.b[3]++;
    assert_int_equal(say(x), 0);
    assert_int_equal(say(from(1, DHCP6_ADVERTISE)), 0);
    assert_int_equal(say(from(1, DHCP6_RECONFIGURE)), 0);
}

/* What could not be written down is not promised. */
static void full_disk(void **state)
{
    (void)state;
    assert_int_equal(say(from(1, DHCP6_SOLICIT)), DHCP6_ADVERTISE);
    disk_full = true;
    assert_int_equal(say(about(1, DHCP6_REQUEST, given())), DHCP6_REPLY);
    assert_int_equal(got.ia[0].status, DHCP6_NO_ADDRS);
}

static void leases_outlive_it(void **state)
{
    (void)state;
    const struct addr a = take(1);
    dhcp6_server_free(s);
    open_server();
    assert_true(addr_eq(take(1), a));
    assert_int_equal(say(about(1, DHCP6_RENEW, a)), DHCP6_REPLY);
    assert_true(addr_eq(given(), a));
}

static void by_a_relay(void **state)
{
    (void)state;
    struct dhcp6_relay r = { .link = SELF, .peer = { .b = { 0xfe, 0x80, [15] = 5 } }, .interface_id_len = 2, .interface_id = { 7, 7 } };
    uint8_t inner[DHCP6_MAX], bytes[2 * DHCP6_MAX];
    const struct dhcp6 x = from(1, DHCP6_SOLICIT);
    for (int near = 1; near >= 0; near--) {
        struct writer w = writer_of(inner, sizeof inner), out = writer_of(bytes, sizeof bytes);
        struct dgram_in in;
        dhcp6_write(&w, &x);
        r.link = near ? SELF : AWAY;
        dhcp6_wrap(&out, &r, 1, inner, wr_len(&w));
        bytes[0] = DHCP6_RELAY_FORW;
        assert_int_equal(dgram_send(relay, (struct endpoint){ SELF, DHCP6_SERVER_PORT }, bytes, wr_len(&out)), PLUMB_OK);
        memnet_turn(&m);
        bool any = false;
        while (dgram_peek(relay, &in)) {
            struct dhcp6_relay back[DHCP6_RELAYS];
            memcpy(bytes, in.bytes, in.len);
            if (bytes[0] == DHCP6_RELAY_REPL) {
                bytes[0] = DHCP6_RELAY_FORW;
                struct reader rd = reader_of(bytes, in.len);
                assert_int_equal(dhcp6_unwrap(&rd, back), 1);
                assert_true(back[0].interface_id_len == 2 && addr_eq(back[0].peer, r.peer));
                assert_true(dhcp6_read(&rd, &got) && got.type == DHCP6_ADVERTISE);
                any = true;
            }
            dgram_consume(relay);
        }
        assert_true(any);
        assert_int_equal(addr_is_none(given()), !near);
    }
}

static void bad_ranges(void **state)
{
    (void)state;
    struct dhcp6_server *none;
    struct dhcp6_server_config cfg = { .duid = US, .network = { SELF, 64 }, .first = host(9), .last = host(8) };
    assert_int_equal(dhcp6_server_new(&m.net, &cfg, &none), PLUMB_INVALID);
    cfg.first = AWAY;
    cfg.last = AWAY;
    assert_int_equal(dhcp6_server_new(&m.net, &cfg, &none), PLUMB_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(four_messages, up, down),    cmocka_unit_test_setup_teardown(two_messages, up, down),
        cmocka_unit_test_setup_teardown(everything_is_given, up, down), cmocka_unit_test_setup_teardown(renewing, up, down),
        cmocka_unit_test_setup_teardown(confirming, up, down),       cmocka_unit_test_setup_teardown(information, up, down),
        cmocka_unit_test_setup_teardown(not_for_us, up, down),       cmocka_unit_test_setup_teardown(full_disk, up, down),
        cmocka_unit_test_setup_teardown(leases_outlive_it, up, down), cmocka_unit_test_setup_teardown(by_a_relay, up, down),
        cmocka_unit_test_setup_teardown(bad_ranges, up, down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
