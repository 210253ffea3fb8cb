#include "../hex.h"
#include "base/checksum.h"
#include "wire/ip4.h"

/* A real header: 115 bytes of UDP from 192.168.0.1 to 192.168.0.199. */
static const char udp_header[] = "4500 0073 0000 4000 40 11 b861 c0a80001 c0a800c7";

/* `bytes` with the checksum made right, followed by `total - len` zero bytes. */
static enum why read_mended(const char *text, size_t total, struct ip4 *out)
{
    uint8_t b[128] = { 0 };
    const size_t len = hex(b, sizeof b, text);
    const size_t header = (b[0] & 15u) * 4;
    memset(b + 10, 0, 2);
    if (header <= len) {
        const uint16_t sum = csum_finish(csum_add((csum_t){ 0 }, b, header));
        memcpy(b + 10, &sum, 2);
    }
    struct exact e = exact(b, total);
    const enum why why = ip4_read(&e.r, out);
    exact_free(&e);
    return why;
}

static void reads_a_real_header(void **state)
{
    (void)state;
    uint8_t in[115] = { 0 }, out[IP4_HEADER];
    hex(in, sizeof in, udp_header);
    struct reader r = reader_of(in, sizeof in);
    struct ip4 h;
    assert_int_equal(ip4_read(&r, &h), WHY_NONE);
    assert_int_equal(rd_left(&r), 95);
    assert_int_equal(h.total_len, 115);
    assert_int_equal(h.header_len, 20);
    assert_int_equal(h.proto, IP_UDP);
    assert_int_equal(h.ttl, 64);
    assert_true(h.dont_fragment);
    assert_false(h.more_fragments);
    assert_int_equal(addr_v4(h.src), 0xc0a80001);
    assert_int_equal(addr_v4(h.dst), 0xc0a800c7);
    struct writer w = writer_of(out, sizeof out);
    ip4_write(&w, &h);
    assert_false(w.bad);
    assert_memory_equal(in, out, IP4_HEADER);
}

static void refused(void **state)
{
    (void)state;
    struct ip4 h;
    static const struct { const char *text; size_t total; enum why why; } bad[] = {
        { "", 0, WHY_IP_SHORT },
        { "45", 1, WHY_IP_SHORT },
        { "4500 0014 0000 0000 40 06 0000 0a000001 0a0000", 19, WHY_IP_SHORT },
        { "6500 0014 0000 0000 40 06 0000 0a000001 0a000002", 20, WHY_IP_VERSION },
        { "4400 0014 0000 0000 40 06 0000 0a000001 0a000002", 20, WHY_IP_HEADER_LENGTH },
        { "4000 0014 0000 0000 40 06 0000 0a000001 0a000002", 20, WHY_IP_HEADER_LENGTH },
        { "4600 0014 0000 0000 40 06 0000 0a000001 0a000002", 20, WHY_IP_SHORT },
        { "4500 0013 0000 0000 40 06 0000 0a000001 0a000002", 20, WHY_IP_TOTAL_LENGTH },
        { "4500 0015 0000 0000 40 06 0000 0a000001 0a000002", 20, WHY_IP_TOTAL_LENGTH },
        { "4500 ffff 0000 0000 40 06 0000 0a000001 0a000002", 64, WHY_IP_TOTAL_LENGTH },
        { "4500 0000 0000 0000 40 06 0000 0a000001 0a000002", 20, WHY_IP_TOTAL_LENGTH },
        { "4600 0018 0000 0000 40 06 0000 0a000001 0a000002 07000000", 24, WHY_IP_OPTION },     /* length 0 */
        { "4600 0018 0000 0000 40 06 0000 0a000001 0a000002 07010000", 24, WHY_IP_OPTION },     /* length 1 */
        { "4600 0018 0000 0000 40 06 0000 0a000001 0a000002 07050000", 24, WHY_IP_OPTION },     /* over the end */
        { "4600 0018 0000 0000 40 06 0000 0a000001 0a000002 01010107", 24, WHY_IP_OPTION },     /* no length */
        { "4600 0018 0000 0000 40 06 0000 0a000001 0a000002 00ffffff", 24, WHY_NONE },          /* after END: padding */
        { "4600 0018 0000 0000 40 06 0000 0a000001 0a000002 94040000", 24, WHY_NONE },          /* router alert: MUST-50 */
        { "4500 0014 0000 0000 40 06 0000 0a000001 0a000002", 46, WHY_NONE },                   /* Ethernet padding */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const enum why why = read_mended(bad[i].text, bad[i].total, &h);
        if (why != bad[i].why)
            fail_msg("%zu: %s, not %s", i, why_name(why), why_name(bad[i].why));
    }
}

static void source_routes_are_seen(void **state)
{
    (void)state;
    struct ip4 h;
    assert_int_equal(read_mended("4700 001c 0000 0000 40 06 0000 0a000001 0a000002 01 83 07 04 0a000003", 28, &h), WHY_NONE);
    assert_true(h.source_route);
    assert_int_equal(h.header_len, 28);
    assert_int_equal(read_mended("4700 001c 0000 0000 40 06 0000 0a000001 0a000002 89 07 04 0a000003 00", 28, &h), WHY_NONE);
    assert_true(h.source_route);
    assert_int_equal(read_mended("4600 0018 0000 0000 40 06 0000 0a000001 0a000002 94040000", 24, &h), WHY_NONE);
    assert_false(h.source_route);
}

static void every_wrong_bit_is_seen(void **state)
{
    (void)state;
    uint8_t in[115] = { 0 };
    hex(in, sizeof in, udp_header);
    for (unsigned bit = 0; bit < IP4_HEADER * 8; bit++) {
        struct ip4 h;
        in[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct reader r = reader_of(in, sizeof in);
        assert_int_not_equal(ip4_read(&r, &h), WHY_NONE);
        in[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void fragments(void **state)
{
    (void)state;
    uint8_t out[IP4_HEADER + 8] = { 0 };
    struct writer w = writer_of(out, IP4_HEADER);
    const struct ip4 h = { .src = addr4(1), .dst = addr4(2), .total_len = 28, .id = 0xbeef, .frag_offset = 65528,
                           .more_fragments = true, .ttl = 1, .proto = IP_ICMP, .tos = 3 };
    struct ip4 back;
    ip4_write(&w, &h);
    struct reader r = reader_of(out, sizeof out);
    assert_int_equal(ip4_read(&r, &back), WHY_NONE);
    assert_int_equal(back.frag_offset, 65528);
    assert_int_equal(back.id, 0xbeef);
    assert_int_equal(back.tos, 3);
    assert_true(back.more_fragments);
    assert_false(back.dont_fragment);
}

static void ttl_goes_down(void **state)
{
    (void)state;
    uint8_t in[115] = { 0 };
    hex(in, sizeof in, udp_header);
    for (unsigned ttl = 63; ttl > 0; ttl--) {
        struct ip4 h;
        ip4_decrement_ttl(in);
        struct reader r = reader_of(in, sizeof in);
        assert_int_equal(ip4_read(&r, &h), WHY_NONE);
        assert_int_equal(h.ttl, ttl);
    }
}

static void no_room_to_write(void **state)
{
    (void)state;
    uint8_t out[IP4_HEADER - 1];
    struct writer w = writer_of(out, sizeof out);
    ip4_write(&w, &(struct ip4){ 0 });
    assert_true(w.bad);
    assert_int_equal(wr_len(&w), 0);
}

TESTS(reads_a_real_header, refused, source_routes_are_seen, every_wrong_bit_is_seen, fragments, ttl_goes_down, no_room_to_write)
