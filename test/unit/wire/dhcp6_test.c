/* DHCPv6 messages: bytes of RFC 9915 §8, §9, §21. */
#include "../hex.h"
#include "wire/dhcp6.h"

static struct addr address(const char *text)
{
    struct addr a;
    assert_true(addr_parse(text, &a));
    return a;
}

static bool reads(const void *bytes, size_t len, struct dhcp6 *m)
{
    struct exact e = exact(bytes, len);
    const bool ok = dhcp6_read(&e.r, m);
    exact_free(&e);
    return ok;
}

static size_t written(uint8_t *out, size_t max, const struct dhcp6 *m)
{
    struct writer w = writer_of(out, max);
    dhcp6_write(&w, m);
    assert_false(w.bad);
    return wr_len(&w);
}

static void solicit(void **state)
{
    (void)state;
    uint8_t want[128], out[512];
    const struct dhcp6 m = { .type = DHCP6_SOLICIT, .xid = 0x123456, .client = { 10, { 0, 3, 0, 1, 2, 0, 0, 0, 0, 1 } }, .has_elapsed = true,
                             .elapsed_cs = 5, .asks_dns = true, .rapid_commit = true, .n_ia = 1, .ia = { { .iaid = 7 } } };
    const size_t n = hex(want, sizeof want, "01 123456  0001 000a 00030001020000000001  0008 0002 0005  000e 0000"
                                            "0003 000c 00000007 00000000 00000000  0006 0004 0017 0052");
    assert_int_equal(written(out, sizeof out, &m), n);
    assert_memory_equal(out, want, n);
    struct dhcp6 back;
    assert_true(reads(out, n, &back));
    assert_true(back.type == DHCP6_SOLICIT && back.xid == 0x123456 && dhcp6_duid_same(&back.client, &m.client) && !back.server.len);
    assert_true(back.n_ia == 1 && back.ia[0].iaid == 7 && back.rapid_commit && back.asks_dns && !back.asks_domain && back.elapsed_cs == 5);
    for (size_t len = 0; len < n; len++)
        assert_int_equal(reads(out, len, &back), len == 4 || len == 18 || len == 24 || len == 28 || len == 44);     /* between options */
}

static void reply(void **state)
{
    (void)state;
    uint8_t out[512];
    struct dhcp6 back, m = { .type = DHCP6_REPLY, .xid = 1, .client = { 10, { 0, 3 } }, .server = { 14, { 0, 1 } }, .n_ia = 2, .n_dns = 2,
                             .has_preference = true, .preference = 255, .domain = "example.test", .name = "host", .refresh_s = 600, .sol_max_rt_s = 100 };
    m.ia[0] = (struct dhcp6_ia){ .iaid = 1, .t1_s = 50, .t2_s = 80, .n_addr = 2,
                                 .addr = { { address("2001:db8::5"), 100, 200 }, { address("2001:db8::6"), UINT32_MAX, UINT32_MAX } } };
    m.ia[1] = (struct dhcp6_ia){ .iaid = 2, .status = DHCP6_NO_ADDRS };
    m.dns[0] = address("2001:db8::53");
    m.dns[1] = address("fe80::53");
    assert_true(reads(out, written(out, sizeof out, &m), &back));
    assert_int_equal(back.n_ia, 2);
    assert_true(back.ia[0].n_addr == 2 && addr_eq(back.ia[0].addr[1].addr, address("2001:db8::6")) && back.ia[0].addr[1].valid_s == UINT32_MAX);
    assert_true(back.ia[1].status == DHCP6_NO_ADDRS && back.ia[1].n_addr == 0);
    assert_true(back.n_dns == 2 && addr_eq(back.dns[1], m.dns[1]) && back.preference == 255 && back.refresh_s == 600 && back.sol_max_rt_s == 100);
    assert_string_equal(back.domain, "example.test");
    assert_string_equal(back.name, "host");
}

static void what_is_wrong(void **state)
{
    (void)state;
    uint8_t b[256];
    struct dhcp6 m;
    size_t n = hex(b, sizeof b, "0c 000000");                                   /* a relay's */
    assert_false(reads(b, n, &m));
    n = hex(b, sizeof b, "00 000000");
    assert_false(reads(b, n, &m));
    n = hex(b, sizeof b, "07 000001 0001 0005 0003");                           /* runs over */
    assert_false(reads(b, n, &m));
    n = hex(b, sizeof b, "07 000001 0003 0008 00000001 00000000");              /* an IA cut short */
    assert_false(reads(b, n, &m));
    n = hex(b, sizeof b, "07 000001 0003 0028 00000001 00000000 00000000 0005 0018"
                         "20010db8000000000000000000000001 00000009 00000008"); /* preferred longer than valid: void */
    assert_true(reads(b, n, &m));
    assert_int_equal(m.ia[0].n_addr, 0);
    n = hex(b, sizeof b, "07 000001 0018 0004 03 777777");                      /* a name without its end is one */
    assert_true(reads(b, n, &m));
    assert_string_equal(m.domain, "www");
    n = hex(b, sizeof b, "07 000001 0018 0005 04 0a2e2f41 00");                 /* what no name is made of */
    assert_false(reads(b, n, &m));                                              /* its length is not its own */
    n = hex(b, sizeof b, "07 000001 0018 0006 04 0a2e2f41 00");
    assert_true(reads(b, n, &m));
    assert_string_equal(m.domain, "___A");
}

static void through_relays(void **state)
{
    (void)state;
    uint8_t b[512], inner[64], out[512];
    struct dhcp6_relay relay[DHCP6_RELAYS];
    const size_t n = hex(b, sizeof b,
        "0c 01 20010db8000000000000000000000001 fe800000000000000000000000000002  0012 0003 616263"
        "0009 002e  0c 00 00000000000000000000000000000000 fe800000000000000000000000000003  0009 0008  01 000009 0008 0000");
    struct reader r = reader_of(b, n - 4);
    assert_int_equal(dhcp6_unwrap(&r, relay), -1);
    hex(b + n - 8, 8, "01 000009 0008 0000");
    r = reader_of(b, n);
    assert_int_equal(dhcp6_unwrap(&r, relay), 2);
    assert_int_equal(rd_left(&r), 8);
    assert_true(relay[0].hops == 1 && relay[0].interface_id_len == 3 && addr_eq(relay[0].link, address("2001:db8::1")));
    assert_true(addr_eq(relay[1].peer, address("fe80::3")));
    const size_t len = hex(inner, sizeof inner, "07 000009");
    struct writer w = writer_of(out, sizeof out);
    dhcp6_wrap(&w, relay, 2, inner, len);
    const size_t want = hex(b, sizeof b,
        "0d 01 20010db8000000000000000000000001 fe800000000000000000000000000002  0012 0003 616263"
        "0009 002a  0d 00 00000000000000000000000000000000 fe800000000000000000000000000003  0009 0004  07 000009");
    assert_int_equal(wr_len(&w), want);
    assert_memory_equal(out, b, want);
    uint8_t deep[1024];
    w = writer_of(deep, sizeof deep);
    for (unsigned i = 0; i < 12; i++) {                                         /* more than anybody needs */
        wr_u8(&w, DHCP6_RELAY_FORW);
        wr_fill(&w, 0, 33);
        wr_u16(&w, 9);
        wr_u16(&w, (uint16_t)((11 - i) * 38));
    }
    r = reader_of(deep, wr_len(&w));
    assert_int_equal(dhcp6_unwrap(&r, relay), -1);
}

TESTS(solicit, reply, what_is_wrong, through_relays)
