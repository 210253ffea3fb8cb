#include "../hex.h"
#include "wire/udp.h"

static bool read_udp(const char *text, struct udp_header *h)
{
    uint8_t b[64];
    struct exact e = exact(b, hex(b, sizeof b, text));
    const bool ok = udp_read(&e.r, h);
    exact_free(&e);
    return ok;
}

static void both_ways(void **state)
{
    (void)state;
    struct udp_header h;
    uint8_t in[12], out[UDP_HEADER];
    const char text[] = "0035 c001 000c abcd 01020304";
    hex(in, sizeof in, text);
    assert_true(read_udp(text, &h));
    assert_int_equal(h.src_port, 53);
    assert_int_equal(h.dst_port, 0xc001);
    assert_int_equal(h.len, 12);
    assert_memory_equal(&h.checksum, in + 6, 2);
    struct writer w = writer_of(out, sizeof out);
    udp_write(&w, &h);
    assert_false(w.bad);
    assert_memory_equal(in, out, UDP_HEADER);
}

static void lengths(void **state)
{
    (void)state;
    struct udp_header h;
    assert_true(read_udp("0035 c001 0008 0000", &h));
    assert_true(read_udp("0035 c001 0008 0000 ffff", &h));      /* bytes beyond the length are padding */
    assert_false(read_udp("0035 c001 0009 0000", &h));
    assert_false(read_udp("0035 c001 0007 0000", &h));
    assert_false(read_udp("0035 c001 0000 0000", &h));
    assert_false(read_udp("0035 c001 ffff 0000", &h));
    assert_false(read_udp("0035 c001 0008 00", &h));
    assert_false(read_udp("", &h));
}

TESTS(both_ways, lengths)
