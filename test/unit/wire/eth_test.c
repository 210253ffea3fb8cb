#include "../hex.h"
#include "wire/eth.h"

static void both_ways(void **state)
{
    (void)state;
    uint8_t in[16], out[14];
    hex(in, sizeof in, "ffffffffffff 02005e10000a 0806 0001");
    struct reader r = reader_of(in, sizeof in);
    struct eth h;
    assert_true(eth_read(&r, &h));
    assert_true(mac_eq(h.dst, MAC_BROADCAST));
    assert_int_equal(h.src.b[5], 0x0a);
    assert_int_equal(h.type, ETH_ARP);
    assert_int_equal(rd_left(&r), 2);
    struct writer w = writer_of(out, sizeof out);
    eth_write(&w, &h);
    assert_false(w.bad);
    assert_memory_equal(in, out, ETH_HEADER);
}

static void short_frames(void **state)
{
    (void)state;
    const uint8_t zero[ETH_HEADER] = { 0 };
    for (size_t len = 0; len < ETH_HEADER; len++) {
        struct exact e = exact(zero, len);
        struct eth h;
        assert_false(eth_read(&e.r, &h));
        exact_free(&e);
    }
}

TESTS(both_ways, short_frames)
