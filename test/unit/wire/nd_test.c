/* Neighbour discovery, ICMPv6 headers and what errors quote. */
#include "../hex.h"
#include "wire/icmp6.h"
#include "wire/ip4.h"

static struct addr address(const char *text)
{
    struct addr a;
    assert_true(addr_parse(text, &a));
    return a;
}

static size_t written(uint8_t *out, size_t max, const struct nd *m)
{
    struct writer w = writer_of(out, max);
    nd_write(&w, m);
    assert_false(w.bad);
    return wr_len(&w);
}

static bool reads(const void *bytes, size_t len, struct nd *m)
{
    struct exact e = exact(bytes, len);
    const bool ok = nd_read(&e.r, m);
    exact_free(&e);
    return ok;
}

/* RFC 4861 §4.3: type, code, checksum, reserved, target, source link-layer address. */
static void solicitation(void **state)
{
    (void)state;
    uint8_t want[64], out[512];
    struct nd m = { .type = ICMP6_NEIGH_SOLICIT, .target = address("fe80::1"), .has_source_mac = true, .source_mac = { { 2, 0, 0, 0, 0, 9 } } };
    const size_t n = hex(want, sizeof want, "87 00 0000 00000000 fe800000000000000000000000000001 01 01 020000000009");
    assert_int_equal(written(out, sizeof out, &m), n);
    assert_memory_equal(out, want, n);
    assert_true(reads(out, n, &m));
    assert_true(m.has_source_mac && !m.has_target_mac && !m.has_nonce);
    assert_true(addr_eq(m.target, address("fe80::1")));
    for (size_t len = 0; len < n; len++)
        assert_int_equal(reads(out, len, &m), len == 24);       /* without the option it is whole too */
    out[25] = 0;                                                /* an option of no length */
    assert_false(reads(out, n, &m));
    hex(out, sizeof out, "87 00 0000 00000000 ff020000000000000000000000000001");
    assert_false(reads(out, 24, &m));                           /* nobody solicits a group */
}

static void advertisement(void **state)
{
    (void)state;
    uint8_t out[512];
    struct nd m = { .type = ICMP6_NEIGH_ADVERT, .target = address("2001:db8::5"), .router = true, .override = true, .has_target_mac = true,
                    .target_mac = { { 2, 0, 0, 0, 0, 1 } } }, back;
    assert_true(reads(out, written(out, sizeof out, &m), &back));
    assert_true(back.router && !back.solicited && back.override && back.has_target_mac);
    assert_memory_equal(back.target_mac.b, m.target_mac.b, 6);
}

static void router_advertisement(void **state)
{
    (void)state;
    uint8_t out[512], again[512];
    struct nd m = { .type = ICMP6_ROUTER_ADVERT, .hop_limit = 64, .other_config = true, .preference = -1, .router_lifetime_s = 1800, .reachable_ms = 30000,
                    .retrans_ms = 1000, .mtu = 1400, .has_source_mac = true, .n_prefix = 2, .n_dns = 2, .dns_lifetime_s = 600, .n_route = 3 }, back;
    m.prefix[0] = (struct nd_prefix){ .prefix = { address("2001:db8:1::"), 64 }, .on_link = true, .autonomous = true, .valid_s = UINT32_MAX, .preferred_s = 600 };
    m.prefix[1] = (struct nd_prefix){ .prefix = { address("fd00::"), 48 }, .on_link = true };
    m.route[0] = (struct nd_route){ .prefix = { address("2001:db8:2::"), 48 }, .preference = 1, .lifetime_s = 100 };
    m.route[1] = (struct nd_route){ .prefix = { address("2001:db8:2::4"), 128 }, .preference = -1, .lifetime_s = 0 };
    m.route[2] = (struct nd_route){ .prefix = { ADDR_NONE, 0 }, .lifetime_s = 7 };
    m.dns[0] = address("2001:db8::53");
    m.dns[1] = address("fd00::53");
    const size_t n = written(out, sizeof out, &m);
    assert_true(reads(out, n, &back));
    assert_int_equal(back.preference, -1);
    assert_int_equal(back.n_prefix, 2);
    assert_int_equal(back.prefix[0].valid_s, UINT32_MAX);
    assert_int_equal(back.n_route, 3);
    assert_int_equal(back.route[1].prefix.len, 128);
    assert_int_equal(back.dns_lifetime_s, 600);
    assert_true(addr_eq(back.dns[1], m.dns[1]));
    assert_int_equal(written(again, sizeof again, &back), n);
    assert_memory_equal(again, out, n);
    for (size_t len = 0; len < n; len++)
        (void)reads(out, len, &back);
}

static void redirect(void **state)
{
    (void)state;
    uint8_t out[512];
    struct nd m = { .type = ICMP6_REDIRECT, .target = address("fe80::1"), .destination = address("2001:db8::7"), .has_target_mac = true }, back;
    assert_true(reads(out, written(out, sizeof out, &m), &back));
    assert_true(addr_eq(back.destination, m.destination));
    out[1] = 1;
    assert_false(reads(out, 40, &back));                        /* a code that must be 0 */
}

static void names_of_groups(void **state)
{
    (void)state;
    const struct addr group = nd_solicited_node(address("2001:db8::1234:5678"));
    const struct mac mac = nd_group_mac(group);
    assert_true(addr_eq(group, address("ff02::1:ff34:5678")));
    assert_memory_equal(mac.b, "\x33\x33\xff\x34\x56\x78", 6);
}

static void errors_quote(void **state)
{
    (void)state;
    uint8_t b[128];
    struct icmp_quote q;
    const char *text = "60000000 0500 3c 40 20010db8000000000000000000000001 20010db8000000000000000000000002 0600 0104 0000 0000 1234 0050 89abcdef";
    const size_t n = hex(b, sizeof b, text);
    struct exact e = exact(b, n);
    assert_true(icmp6_quote_read(&e.r, &q));                    /* cut short, as quotes are */
    exact_free(&e);
    assert_int_equal(q.proto, IP_TCP);
    assert_int_equal(q.src_port, 0x1234);
    assert_int_equal(q.dst_port, 0x50);
    assert_true(q.has_seq && q.tcp_seq == 0x89abcdef);
    for (size_t len = 0; len < n; len++) {
        e = exact(b, len);
        assert_false(icmp6_quote_read(&e.r, &q));
        exact_free(&e);
    }
}

static void header(void **state)
{
    (void)state;
    uint8_t out[64];
    struct writer w = writer_of(out, sizeof out);
    icmp6_write(&w, &(struct icmp6){ .type = ICMP6_ECHO, .id = 7, .seq = 9 }, "abc", 3);
    icmp6_write(&w, &(struct icmp6){ .type = ICMP6_TOO_BIG, .word = 1400 }, "", 0);
    struct reader r = reader_of(out, wr_len(&w));
    struct icmp6 h;
    assert_true(icmp6_read(&r, &h));
    assert_int_equal(h.id, 7);
    assert_int_equal(h.seq, 9);
    rd_skip(&r, 3);
    assert_true(icmp6_read(&r, &h));
    assert_int_equal(h.word, 1400);
    assert_true(icmp6_is_error(h.type));
    assert_false(icmp6_read(&r, &h));
}

TESTS(solicitation, advertisement, router_advertisement, redirect, names_of_groups, errors_quote, header)
