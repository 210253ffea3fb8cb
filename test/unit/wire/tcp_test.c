#include "../hex.h"
#include "wire/tcp.h"

static const char syn[] = "9c40 0050 deadbeef 00000000 a002 faf0 1234 0000 020405b4 0402080a 00000001 00000000 01030307";

static void both_ways(void **state)
{
    (void)state;
    uint8_t in[64], out[TCP_HEADER];
    const size_t len = hex(in, sizeof in, syn);
    struct reader r = reader_of(in, len);
    struct tcp_header h;
    assert_true(tcp_header_read(&r, &h));
    assert_int_equal(h.src_port, 40000);
    assert_int_equal(h.dst_port, 80);
    assert_int_equal(h.seq.n, 0xdeadbeef);
    assert_int_equal(h.header_len, 40);
    assert_int_equal(h.flags, SYN);
    assert_int_equal(h.ae, 0);
    assert_int_equal(h.window, 0xfaf0);
    assert_int_equal(rd_left(&r), 20);
    struct writer w = writer_of(out, sizeof out);
    tcp_header_write(&w, &h);
    assert_false(w.bad);
    assert_memory_equal(in, out, TCP_HEADER);
}

static void every_flag_has_its_bit(void **state)
{
    (void)state;
    /* RFC 9293 §3.1: CWR ECE URG ACK PSH RST SYN FIN from the left; AE is the last reserved bit */
    static const unsigned flag[] = { FIN, SYN, RST, PSH, ACK, URG, ECE, CWR };
    for (unsigned i = 0; i < 8; i++) {
        uint8_t out[TCP_HEADER];
        struct writer w = writer_of(out, sizeof out);
        tcp_header_write(&w, &(struct tcp_header){ .header_len = 20, .flags = (uint8_t)flag[i], .ae = 1 });
        assert_int_equal(out[13], 1u << i);
        assert_int_equal(out[12], 0x51);
        struct reader r = reader_of(out, sizeof out);
        struct tcp_header h;
        assert_true(tcp_header_read(&r, &h));
        assert_int_equal(h.flags, flag[i]);
        assert_int_equal(h.ae, 1);
    }
}

static void refused(void **state)
{
    (void)state;
    uint8_t b[64];
    struct tcp_header h;
    hex(b, sizeof b, syn);
    for (size_t len = 0; len < 40; len++) {                 /* the header says 40 */
        struct exact e = exact(b, len);
        assert_false(tcp_header_read(&e.r, &h));
        exact_free(&e);
    }
    for (unsigned words = 0; words < 5; words++) {
        b[12] = (uint8_t)(words << 4);
        struct reader r = reader_of(b, 40);
        assert_false(tcp_header_read(&r, &h));
    }
}

TESTS(both_ways, every_flag_has_its_bit, refused)
