/* Both families' types and codes for one thing that happened. */
#include "../test.h"
#include "wire/icmp.h"

static void each_family_says_it_back(void **state)
{
    (void)state;
    static const struct { enum inet_trouble t; struct icmp_kind v4, v6; enum inet_trouble back4, back6; } cases[] = {
        { TROUBLE_NO_ROUTE, { 3, 0 }, { 1, 0 }, TROUBLE_NO_ROUTE, TROUBLE_NO_ROUTE },
        { TROUBLE_ADDRESS, { 3, 1 }, { 1, 3 }, TROUBLE_ADDRESS, TROUBLE_ADDRESS },
        { TROUBLE_PROTOCOL, { 3, 2 }, { 4, 1 }, TROUBLE_PROTOCOL, TROUBLE_PROTOCOL },
        { TROUBLE_PORT, { 3, 3 }, { 1, 4 }, TROUBLE_PORT, TROUBLE_PORT },
        { TROUBLE_TOO_BIG, { 3, 4 }, { 2, 0 }, TROUBLE_TOO_BIG, TROUBLE_TOO_BIG },
        { TROUBLE_TTL, { 11, 0 }, { 3, 0 }, TROUBLE_TTL, TROUBLE_TTL },
        { TROUBLE_REASSEMBLY, { 11, 1 }, { 3, 1 }, TROUBLE_REASSEMBLY, TROUBLE_REASSEMBLY },
        { TROUBLE_ADMIN, { 3, 13 }, { 1, 1 }, TROUBLE_ADMIN, TROUBLE_ADMIN },
        { TROUBLE_SCOPE, { 3, 1 }, { 1, 2 }, TROUBLE_ADDRESS, TROUBLE_SCOPE },
        { TROUBLE_SOURCE_ROUTE, { 3, 5 }, { 4, 0 }, TROUBLE_SOURCE_ROUTE, TROUBLE_FIELD },
        { TROUBLE_FIELD, { 12, 0 }, { 4, 0 }, TROUBLE_FIELD, TROUBLE_FIELD },
        { TROUBLE_OPTION, { 12, 0 }, { 4, 2 }, TROUBLE_FIELD, TROUBLE_OPTION },
        { TROUBLE_CHAIN, { 12, 0 }, { 4, 3 }, TROUBLE_FIELD, TROUBLE_CHAIN },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct icmp_kind v4 = icmp4_kind(cases[i].t), v6 = icmp6_kind(cases[i].t);
        assert_int_equal(v4.type << 8 | v4.code, cases[i].v4.type << 8 | cases[i].v4.code);
        assert_int_equal(v6.type << 8 | v6.code, cases[i].v6.type << 8 | cases[i].v6.code);
        assert_int_equal(icmp4_trouble(v4), cases[i].back4);
        assert_int_equal(icmp6_trouble(v6), cases[i].back6);
    }
}

static void what_is_no_error_and_what_is_unknown(void **state)
{
    (void)state;
    assert_int_equal(icmp4_trouble((struct icmp_kind){ 0, 0 }), TROUBLE_NONE);
    assert_int_equal(icmp4_trouble((struct icmp_kind){ 8, 0 }), TROUBLE_NONE);
    assert_int_equal(icmp4_trouble((struct icmp_kind){ 3, 15 }), TROUBLE_OTHER);
    assert_int_equal(icmp4_trouble((struct icmp_kind){ 3, 10 }), TROUBLE_ADMIN);
    assert_int_equal(icmp6_trouble((struct icmp_kind){ 129, 0 }), TROUBLE_NONE);
    assert_int_equal(icmp6_trouble((struct icmp_kind){ 1, 6 }), TROUBLE_ADMIN);
    assert_int_equal(icmp6_trouble((struct icmp_kind){ 1, 99 }), TROUBLE_OTHER);
    assert_int_equal(icmp6_trouble((struct icmp_kind){ 100, 0 }), TROUBLE_OTHER);   /* RFC 4443 §2.4 (a) */
}

TESTS(each_family_says_it_back, what_is_no_error_and_what_is_unknown)
