#include "../hex.h"
#include "wire/dhcp4.h"

static size_t written(const struct dhcp4 *m, uint8_t out[600])
{
    struct writer w = writer_of(out, 600);
    dhcp4_write(&w, m);
    assert_false(w.bad);
    return wr_len(&w);
}

static bool read_back(const uint8_t *bytes, size_t len, struct dhcp4 *out)
{
    struct exact e = exact(bytes, len);
    const bool ok = dhcp4_read(&e.r, out);
    exact_free(&e);
    return ok;
}

static const struct dhcp4 offer = {
    .op = 2, .type = DHCP4_OFFER, .broadcast = true, .xid = 0xcafebabe, .secs = 3, .chaddr = { { 2, 0, 0x5e, 0x10, 0, 0xa } },
    .host_name = "laptop", .domain = "home.test", .lease_s = 3600, .t1_s = 1800, .t2_s = 3150, .mtu = 1400, .n_router = 1, .n_dns = 2,
    .client_id_len = 7, .client_id = { 1, 2, 0, 0x5e, 0x10, 0, 0xa },
};

static struct dhcp4 full_offer(void)
{
    struct dhcp4 m = offer;
    m.ciaddr = addr4(0);
    m.yiaddr = addr4(0x0a090002);
    m.siaddr = addr4(0x0a090001);
    m.giaddr = addr4(0x0a090003);
    m.server_id = addr4(0x0a090001);
    m.mask = addr4(0xffffff00);
    m.router[0] = addr4(0x0a090001);
    m.dns[0] = addr4(0x08080808);
    m.dns[1] = addr4(0x01010101);
    return m;
}

static void both_ways(void **state)
{
    (void)state;
    uint8_t b[600], again[600];
    struct dhcp4 m = full_offer(), back;
    const size_t len = written(&m, b);
    assert_true(len >= DHCP4_MIN && len <= DHCP4_MAX);
    assert_true(read_back(b, len, &back));
    assert_int_equal(back.type, DHCP4_OFFER);
    assert_true(back.broadcast);
    assert_int_equal(back.xid, 0xcafebabe);
    assert_int_equal(back.secs, 3);
    assert_true(addr_eq(back.yiaddr, m.yiaddr));
    assert_true(addr_eq(back.giaddr, m.giaddr));
    assert_true(addr_eq(back.server_id, m.server_id));
    assert_true(addr_eq(back.mask, m.mask));
    assert_true(addr_is_none(back.requested));
    assert_int_equal(back.n_router, 1);
    assert_int_equal(back.n_dns, 2);
    assert_true(addr_eq(back.dns[1], m.dns[1]));
    assert_int_equal(back.lease_s, 3600);
    assert_int_equal(back.t1_s, 1800);
    assert_int_equal(back.t2_s, 3150);
    assert_int_equal(back.mtu, 1400);
    assert_string_equal(back.host_name, "laptop");
    assert_string_equal(back.domain, "home.test");
    assert_int_equal(back.client_id_len, 7);
    assert_memory_equal(back.client_id, m.client_id, 7);
    assert_int_equal(written(&back, again), len);
    assert_memory_equal(again, b, len);
}

static void a_small_message_is_padded(void **state)
{
    (void)state;
    uint8_t b[600];
    const struct dhcp4 m = { .op = 1, .type = DHCP4_DISCOVER, .xid = 1 };
    assert_int_equal(written(&m, b), DHCP4_MIN);
    assert_int_equal(b[0], 1);
    assert_int_equal(b[236], 0x63);
    struct dhcp4 back;
    assert_true(read_back(b, DHCP4_MIN, &back));
    assert_int_equal(back.type, DHCP4_DISCOVER);
}

/* RFC 2131 table 5: DECLINE and RELEASE carry no wishes. */
static void wishes(void **state)
{
    (void)state;
    for (uint8_t type = DHCP4_DISCOVER; type <= DHCP4_INFORM; type++) {
        uint8_t b[600];
        const struct dhcp4 m = { .op = 1, .type = type };
        written(&m, b);
        const bool wish = b[243] == 55;             /* right behind the message type */
        assert_int_equal(wish, type == DHCP4_DISCOVER || type == DHCP4_REQUEST || type == DHCP4_INFORM);
    }
}

/* The fixed part of an ACK, then the options given; returns the length. */
static size_t with_options(uint8_t out[600], const char *options)
{
    const struct dhcp4 m = { .op = 2, .type = DHCP4_ACK };
    written(&m, out);
    return 240 + hex(out + 240, 360, options);
}

static void refused(void **state)
{
    (void)state;
    uint8_t b[600];
    struct dhcp4 m;
    size_t len = with_options(b, "350105 ff");
    assert_true(read_back(b, len, &m));
    for (size_t cut = 0; cut < len - 1; cut++)
        assert_false(read_back(b, cut, &m));
    assert_true(read_back(b, len - 1, &m));         /* a missing END is forgiven */
    static const char *const bad[] = { "", "ff", "350100 ff", "350109 ff", "35020505 ff", "3500 ff", "350105 0104ffffff", "350105 01",
                                       "350105 36ff0a000001" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        len = with_options(b, bad[i]);
        if (read_back(b, len, &m))
            fail_msg("taken: %s", bad[i]);
    }
    static const size_t at[] = { 0, 1, 2, 236, 239 };   /* op, hardware, its length, magic */
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        len = with_options(b, "350105 ff");
        b[at[i]] ^= 0x10;
        assert_false(read_back(b, len, &m));
    }
}

static void odd_lengths_are_passed_over(void **state)
{
    (void)state;
    uint8_t b[600];
    struct dhcp4 m;
    const size_t len = with_options(b, "350105 0103ffffff 3302 0001 1a01ff 0300 0607 01010101 020202 0c00 ff 350101");
    assert_true(read_back(b, len, &m));
    assert_int_equal(m.type, DHCP4_ACK);            /* nothing counts after END */
    assert_true(addr_is_none(m.mask));
    assert_int_equal(m.lease_s, 0);
    assert_int_equal(m.mtu, 0);
    assert_int_equal(m.n_router, 0);
    assert_int_equal(m.n_dns, 1);
    assert_string_equal(m.host_name, "");
}

static void more_than_is_kept(void **state)
{
    (void)state;
    uint8_t b[600];
    struct dhcp4 m;
    size_t len = with_options(b, "350105 0618 01000001 01000002 01000003 01000004 01000005 01000006 ff");
    assert_true(read_back(b, len, &m));
    assert_int_equal(m.n_dns, DHCP4_ADDRS);
    len = with_options(b, "350105 0c50 4141414141414141414141414141414141414141414141414141414141414141414141414141414141414141414141"
                          "414141414141414141414141414141414141414141414141414141414141414141 ff");
    assert_true(read_back(b, len, &m));
    assert_int_equal(strlen(m.host_name), DHCP4_TEXT - 1);
    len = with_options(b, "350105 3d21 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20 ff");
    assert_true(read_back(b, len, &m));
    assert_int_equal(m.client_id_len, 0);           /* half an identity is none */
}

static void overloaded_fields(void **state)
{
    (void)state;
    uint8_t b[600];
    struct dhcp4 m;
    const size_t len = with_options(b, "340103 ff");
    hex(b + 108, 128, "350105 0104ffffff00 ff");    /* file */
    hex(b + 44, 64, "03040a000001 ff");             /* sname */
    assert_true(read_back(b, len, &m));
    assert_int_equal(m.type, DHCP4_ACK);
    assert_int_equal(addr_v4(m.mask), 0xffffff00);
    assert_int_equal(m.n_router, 1);
    hex(b + 44 + 62, 2, "0304");                    /* an option must not leave its field */
    memset(b + 44, 0, 62);
    assert_false(read_back(b, len, &m));
}

/* RFC 3046 §2: as it came, and the last of the options; RFC 3527: one of its parts names the link. */
static void relay_information(void **state)
{
    (void)state;
    uint8_t b[600], out[DHCP4_RELAYED_MAX];
    struct dhcp4 m;
    size_t len = with_options(b, "350103 520a 0104706f727405020a00 3204 0a000007 ff");
    assert_true(read_back(b, len, &m));
    assert_int_equal(m.relay_len, 10);
    assert_true(addr_is_none(dhcp4_link_selection(&m)));        /* a part of a wrong length says nothing */
    assert_true(addr_is_none(dhcp4_link_selection(&(struct dhcp4){ .relay = { 5, 200, 1 }, .relay_len = 3 })));     /* cut short: it ends */
    struct writer w = writer_of(out, sizeof out);
    dhcp4_write(&w, &m);
    uint8_t *last = NULL;
    for (size_t i = 240; i + 13 < wr_len(&w); i++)
        if (out[i] == 82 && out[i + 1] == 10)
            last = out + i;
    assert_non_null(last);
    assert_memory_equal(last + 2, m.relay, 10);
    assert_int_equal(last[12], 255);
    len = with_options(b, "350101 5206 05040a070000 ff");
    assert_true(read_back(b, len, &m));
    assert_true(addr_eq(dhcp4_link_selection(&m), addr4(0x0a070000)));
    len = with_options(b, "350101 ff");
    assert_true(read_back(b, len, &m));
    assert_true(m.relay_len == 0 && addr_is_none(dhcp4_link_selection(&m)));
}

TESTS(relay_information, both_ways, a_small_message_is_padded, wishes, refused, odd_lengths_are_passed_over, more_than_is_kept, overloaded_fields)
