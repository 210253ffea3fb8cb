#include "../test.h"
#include "base/addr.h"

static void text_both_ways(void **state)
{
    (void)state;
    static const struct { const char *in, *out; } good[] = {
        { "0.0.0.0", "0.0.0.0" }, { "255.255.255.255", "255.255.255.255" }, { "10.0.2.15", "10.0.2.15" },
        { "::", "::" }, { "::1", "::1" }, { "1::", "1::" }, { "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
        { "2001:DB8::1", "2001:db8::1" }, { "fe80:0:0:0:1:2:3:4", "fe80::1:2:3:4" },
        { "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8" }, { "64:ff9b::1.2.3.4", "64:ff9b::102:304" },
        { "1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8" },
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct addr a;
        char out[ADDR_TEXT];
        assert_true(addr_parse(good[i].in, &a));
        assert_string_equal(addr_text(a, out), good[i].out);
    }
    static const char *const bad[] = { "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4",
        ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "1:", ":1", "g::", "::1.2.3", "1:2:3:4:5:6:7:1.2.3.4" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct addr a;
        if (addr_parse(bad[i], &a))
            fail_msg("%s was taken for an address", bad[i]);
    }
}

static void prefixes(void **state)
{
    (void)state;
    struct prefix p;
    char out[ADDR_TEXT];
    assert_true(prefix_parse("10.100.122.2/24", &p));
    assert_string_equal(addr_text(prefix_network(p), out), "10.100.122.0");
    assert_string_equal(addr_text(prefix_last(p), out), "10.100.122.255");
    assert_true(prefix_has(p, addr4(0x0a647aff)));
    assert_false(prefix_has(p, addr4(0x0a647b00)));
    assert_true(prefix_parse("0.0.0.0/0", &p));
    assert_true(prefix_has(p, addr4(0xffffffff)));
    assert_false(prefix_has(p, ADDR_NONE));
    assert_true(prefix_parse("2001:db8::/33", &p));
    assert_string_equal(addr_text(prefix_last(p), out), "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff");
    assert_false(prefix_parse("10.0.0.0/33", &p));
    assert_false(prefix_parse("10.0.0.0", &p));
    assert_false(prefix_parse("10.0.0.0/8x", &p));
}

static void endpoints_and_macs(void **state)
{
    (void)state;
    struct endpoint e;
    struct mac m;
    char out[ENDPOINT_TEXT], mac[MAC_TEXT];
    assert_true(endpoint_parse("10.0.0.1:80", &e));
    assert_string_equal(endpoint_text(e, out), "10.0.0.1:80");
    assert_true(endpoint_parse("[::1]:65535", &e));
    assert_string_equal(endpoint_text(e, out), "[::1]:65535");
    assert_false(endpoint_parse("::1:80", &e));
    assert_false(endpoint_parse("[10.0.0.1]:80", &e));
    assert_false(endpoint_parse("10.0.0.1:65536", &e));
    assert_true(mac_parse("02:00:5e:10:00:ff", &m));
    assert_string_equal(mac_text(m, mac), "02:00:5e:10:00:ff");
    assert_false(mac_parse("02:00:5e:10:00", &m));
    assert_false(mac_parse("02:00:5e:10:00:ff:01", &m));
}

TESTS(text_both_ways, prefixes, endpoints_and_macs)
