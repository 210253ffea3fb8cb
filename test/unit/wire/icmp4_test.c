#include "../hex.h"
#include "base/checksum.h"
#include "wire/icmp4.h"

/* Written, its checksum sums to zero; read, it is the same. */
static struct icmp4 there_and_back(struct icmp4 h, const char *body)
{
    uint8_t out[64];
    struct writer w = writer_of(out, sizeof out);
    icmp4_write(&w, &h, body, strlen(body));
    assert_false(w.bad);
    assert_int_equal(wr_len(&w), ICMP4_HEADER + strlen(body));
    assert_int_equal(csum_finish(csum_add((csum_t){ 0 }, out, wr_len(&w))), 0);
    struct reader r = reader_of(out, wr_len(&w));
    struct icmp4 back;
    assert_true(icmp4_read(&r, &back));
    assert_int_equal(back.type, h.type);
    assert_int_equal(back.code, h.code);
    assert_int_equal(rd_left(&r), strlen(body));
    assert_memory_equal(r.at, body, strlen(body));
    return back;
}

static void both_ways(void **state)
{
    (void)state;
    struct icmp4 h = there_and_back((struct icmp4){ .type = ICMP4_ECHO, .id = 0x1234, .seq = 0xfffe, .mtu = 9 }, "abcde");
    assert_int_equal(h.id, 0x1234);
    assert_int_equal(h.seq, 0xfffe);
    assert_int_equal(h.mtu, 0);
    h = there_and_back((struct icmp4){ .type = ICMP4_UNREACHABLE, .code = ICMP4_UNREACH_FRAG_NEEDED, .mtu = 1400 }, "quote");
    assert_int_equal(h.mtu, 1400);
    h = there_and_back((struct icmp4){ .type = ICMP4_UNREACHABLE, .code = ICMP4_UNREACH_PORT, .mtu = 1400 }, "quote");
    assert_int_equal(h.mtu, 0);
    h = there_and_back((struct icmp4){ .type = ICMP4_REDIRECT, .gateway = addr4(0x0a000009) }, "q");
    assert_int_equal(addr_v4(h.gateway), 0x0a000009);
    h = there_and_back((struct icmp4){ .type = ICMP4_PARAMETER, .pointer = 20 }, "");
    assert_int_equal(h.pointer, 20);
    there_and_back((struct icmp4){ .type = ICMP4_TIME_EXCEEDED, .code = 1 }, "");
}

static void truncated(void **state)
{
    (void)state;
    const uint8_t echo[ICMP4_HEADER] = { ICMP4_ECHO };
    for (size_t len = 0; len < ICMP4_HEADER; len++) {
        struct exact e = exact(echo, len);
        struct icmp4 h;
        assert_false(icmp4_read(&e.r, &h));
        exact_free(&e);
    }
}

static bool quote(const char *text, struct icmp_quote *q)
{
    uint8_t b[128];
    struct exact e = exact(b, hex(b, sizeof b, text));
    const bool ok = icmp4_quote_read(&e.r, q);
    exact_free(&e);
    return ok;
}

static void quotes(void **state)
{
    (void)state;
    struct icmp_quote q;
    /* TCP from 10.0.0.2:40000 to 10.0.0.1:80; the checksum does not matter */
    assert_true(quote("4500 0028 0001 4000 01 06 ffff 0a000002 0a000001 9c40 0050 deadbeef", &q));
    assert_int_equal(addr_v4(q.src), 0x0a000002);
    assert_int_equal(addr_v4(q.dst), 0x0a000001);
    assert_int_equal(q.src_port, 40000);
    assert_int_equal(q.dst_port, 80);
    assert_true(q.has_seq);
    assert_int_equal(q.tcp_seq, 0xdeadbeef);
    /* UDP behind 4 bytes of options */
    assert_true(quote("4600 0028 0001 0000 01 11 0000 0a000002 0a000001 94040000 0035 1000 0008 0000", &q));
    assert_int_equal(q.src_port, 53);
    assert_false(q.has_seq);
    /* an echo is known by its id and number */
    assert_true(quote("4500 001c 0001 0000 01 01 0000 0a000002 0a000001 0800 0000 1234 0007", &q));
    assert_int_equal(q.src_port, 0x1234);
    assert_int_equal(q.dst_port, 7);
}

static void quotes_refused(void **state)
{
    (void)state;
    struct icmp_quote q;
    assert_false(quote("", &q));
    assert_false(quote("4500 0028 0001 4000 01 06 ffff 0a000002 0a0000", &q));
    assert_false(quote("4500 0028 0001 4000 01 06 ffff 0a000002 0a000001 9c40 0050 dead", &q));     /* 6 of 8 bytes */
    assert_false(quote("4f00 0028 0001 4000 01 06 ffff 0a000002 0a000001 9c40 0050 deadbeef", &q)); /* options over the end */
    assert_false(quote("4400 0028 0001 4000 01 06 ffff 0a000002 0a000001 9c40 0050 deadbeef", &q));
    assert_false(quote("6500 0028 0001 4000 01 06 ffff 0a000002 0a000001 9c40 0050 deadbeef", &q));
    assert_false(quote("4500 0028 0001 0001 01 06 ffff 0a000002 0a000001 9c40 0050 deadbeef", &q)); /* a later fragment */
}

TESTS(both_ways, truncated, quotes, quotes_refused)
