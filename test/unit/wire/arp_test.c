#include "../hex.h"
#include "wire/arp.h"

static const char request[] = "0001 0800 06 04 0001 02005e10000a 0a000001 000000000000 0a000002";

static void both_ways(void **state)
{
    (void)state;
    uint8_t in[64], out[ARP_LEN];
    const size_t len = hex(in, sizeof in, request);
    assert_int_equal(len, ARP_LEN);
    struct reader r = reader_of(in, len);
    struct arp a;
    assert_true(arp_read(&r, &a));
    assert_int_equal(a.op, ARP_REQUEST);
    assert_int_equal(addr_v4(a.sender), 0x0a000001);
    assert_int_equal(addr_v4(a.target), 0x0a000002);
    assert_int_equal(a.sender_mac.b[0], 2);
    assert_int_equal(a.target_mac.b[0], 0);
    struct writer w = writer_of(out, sizeof out);
    arp_write(&w, &a);
    assert_false(w.bad);
    assert_memory_equal(in, out, ARP_LEN);
}

static void refused(void **state)
{
    (void)state;
    uint8_t good[ARP_LEN];
    hex(good, sizeof good, request);
    struct arp a;
    for (size_t len = 0; len < ARP_LEN; len++) {
        struct exact e = exact(good, len);
        assert_false(arp_read(&e.r, &a));
        exact_free(&e);
    }
    for (size_t i = 0; i < 6; i++) {                /* any other hardware, protocol or address length */
        uint8_t bad[ARP_LEN];
        memcpy(bad, good, sizeof bad);
        bad[i] ^= 0x20;
        struct reader r = reader_of(bad, sizeof bad);
        assert_false(arp_read(&r, &a));
    }
}

TESTS(both_ways, refused)
