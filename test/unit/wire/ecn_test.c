/* The CE mark of a router: RFC 3168 §5. */
#include "../hex.h"
#include "base/checksum.h"
#include "wire/ecn.h"
#include "wire/ip4.h"

static const char header[] = "4502 0014 0000 4000 40 06 0000 c0a80001 c0a800c7";

static void capable_packets_are_marked(void **state)
{
    (void)state;
    for (uint8_t before = 0; before < 4; before++) {
        uint8_t b[IP4_HEADER];
        struct ip4 h;
        hex(b, sizeof b, header);
        b[1] = (uint8_t)(0xb8 | before);
        const bool marked = ecn_mark(b, sizeof b);
        assert_int_equal(marked, before != ECN_NOT);
        assert_int_equal(b[1], before == ECN_NOT ? 0xb8 : 0xbb);
        if (!marked)
            continue;
        struct reader r = reader_of(b, sizeof b);
        assert_int_equal(ip4_read(&r, &h), WHY_NONE);           /* its checksum is right again */
        assert_int_equal(h.tos, 0xbb);
    }
}

static void traffic_class_of_six(void **state)
{
    (void)state;
    uint8_t b[40] = { 0x60, 0x20, 1, 2 };                       /* class 2: ECT(0) */
    assert_true(ecn_mark(b, sizeof b));
    assert_int_equal(b[0], 0x60);
    assert_int_equal(b[1], 0x30);
    uint8_t not[40] = { 0x6f, 0xc0, 1, 2 };                     /* class 0xfc */
    assert_false(ecn_mark(not, sizeof not));
    assert_int_equal(not[1], 0xc0);
}

static void other_bytes_are_left_alone(void **state)
{
    (void)state;
    uint8_t b[20] = { 0x4f, 2 }, zero[20] = { 0 };
    assert_false(ecn_mark(b, sizeof b));                        /* its options are not there */
    assert_false(ecn_mark(b, 19));
    assert_false(ecn_mark(zero, sizeof zero));
    assert_false(ecn_mark(zero, 0));
    assert_int_equal(b[1], 2);
}

TESTS(capable_packets_are_marked, traffic_class_of_six, other_bytes_are_left_alone)
