#include "../test.h"
#include "base/cidr.h"
#include <stdio.h>
#include <stdlib.h>

static struct prefix p(const char *text)
{
    struct prefix out;
    if (!prefix_parse(text, &out))
        fail_msg("%s is no prefix", text);
    return out;
}
static struct addr a(const char *text)
{
    struct addr out;
    if (!addr_parse(text, &out))
        fail_msg("%s is no address", text);
    return out;
}

static void same(struct prefix got, const char *want)
{
    char text[ADDR_TEXT], whole[ADDR_TEXT + 4];
    snprintf(whole, sizeof whole, "%s/%u", addr_text(got.addr, text), got.len);
    assert_string_equal(whole, want);
}

static void parts(void **state)
{
    (void)state;
    struct prefix out;
    assert_true(prefix_nth(p("10.1.2.3/8"), 10, 3, &out));
    same(out, "10.192.0.0/10");
    assert_false(prefix_nth(p("10.0.0.0/8"), 10, 4, &out));
    assert_false(prefix_nth(p("10.0.0.0/8"), 7, 0, &out));
    assert_false(prefix_nth(p("10.0.0.0/8"), 33, 0, &out));
    assert_true(prefix_nth(p("10.0.0.0/32"), 32, 0, &out));
    assert_true(prefix_nth(p("2001:db8::/32"), 48, 65535, &out));
    same(out, "2001:db8:ffff::/48");
    assert_true(prefix_nth(p("::/0"), 1, 1, &out));
    same(out, "8000::/1");
    assert_true(prefix_nth(p("::/0"), 0, 0, &out));
    same(out, "::/0");
    assert_true(prefix_nth(p("::/0"), 128, ~(addr_number)0, &out));
    same(out, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
    assert_false(prefix_nth(p("::/64"), 96, 0xffff, &out));     /* there the IPv4 addresses are */
}

static void holding(void **state)
{
    (void)state;
    assert_true(prefix_holds(p("10.0.0.0/8"), p("10.255.0.0/16")));
    assert_true(prefix_holds(p("10.0.0.0/8"), p("10.0.0.0/8")));
    assert_false(prefix_holds(p("10.0.0.0/8"), p("10.0.0.0/7")));
    assert_false(prefix_holds(p("::/0"), p("10.0.0.0/8")));
    assert_true(prefix_holds(p("::/0"), p("2001:db8::/32")));
}

static void range_is(const char *first, const char *last, const char *const want[], size_t n)
{
    struct addr_range r = { a(first), a(last) };
    struct prefix got;
    bool left = true;
    for (size_t i = 0; i < n; i++) {
        assert_true(range_take_prefix(&r, &left, &got));
        same(got, want[i]);
    }
    assert_false(range_take_prefix(&r, &left, &got));
}

static void ranges(void **state)
{
    (void)state;
    static const char *const odd[] = { "10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/30", "10.0.0.8/32" };
    static const char *const all4[] = { "0.0.0.0/0" };
    static const char *const all6[] = { "8000::/1" };
    static const char *const high[] = { "255.255.255.254/31" };
    range_is("10.0.0.1", "10.0.0.8", odd, 4);
    range_is("0.0.0.0", "255.255.255.255", all4, 1);
    range_is("8000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", all6, 1);
    range_is("255.255.255.254", "255.255.255.255", high, 1);
}

/* Any range, cut up, is every address of it once: judged by counting. */
static void ranges_whole(void **state)
{
    (void)state;
    srand(1);
    for (int i = 0; i < 2000; i++) {
        const uint32_t x = (uint32_t)rand() * 7u, y = x + (uint32_t)rand() % 70000u;
        if (y < x)
            continue;
        struct addr_range r = { addr4(x), addr4(y) };
        struct prefix got;
        bool left = true;
        uint64_t next = x;
        while (range_take_prefix(&r, &left, &got)) {
            assert_int_equal(addr_v4(got.addr), next);
            assert_true(addr_eq(prefix_network(got), got.addr));
            next += UINT64_C(1) << (32 - got.len);
        }
        assert_int_equal(next, (uint64_t)y + 1);
    }
}

static void joining(void **state)
{
    (void)state;
    struct addr_range r[] = { prefix_range(p("2001:db8:1::/48")), prefix_range(p("10.0.1.0/24")), prefix_range(p("10.0.0.0/24")),
                              prefix_range(p("10.0.0.7/32")), prefix_range(p("2001:db8::/48")), prefix_range(p("10.0.3.0/24")),
                              prefix_range(p("255.255.255.0/24")) };
    const size_t n = ranges_join(r, sizeof r / sizeof r[0]);
    char text[ADDR_TEXT];
    assert_int_equal(n, 4);
    assert_string_equal(addr_text(r[0].first, text), "10.0.0.0");
    assert_string_equal(addr_text(r[0].last, text), "10.0.1.255");
    assert_string_equal(addr_text(r[1].first, text), "10.0.3.0");
    assert_string_equal(addr_text(r[2].last, text), "255.255.255.255");
    assert_string_equal(addr_text(r[3].first, text), "2001:db8::");
    assert_string_equal(addr_text(r[3].last, text), "2001:db8:1:ffff:ffff:ffff:ffff:ffff");
    assert_int_equal(ranges_join(r, 0), 0);
}

static void masks(void **state)
{
    (void)state;
    static const struct { const char *text; int len; } all[] = {
        { "255.255.255.0", 24 }, { "0.0.0.255", 24 }, { "255.255.255.255", 32 }, { "0.0.0.0", 0 }, { "128.0.0.0", 1 }, { "0.0.0.1", 31 },
        { "127.255.255.255", 1 }, { "255.254.0.0", 15 }, { "255.0.255.0", -1 }, { "0.0.255.0", -1 }, { "255.255.255.1", -1 }, { "::", -1 } };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        uint8_t len;
        const bool good = mask_parse(all[i].text, &len);
        if (good != (all[i].len >= 0) || (good && len != all[i].len))
            fail_msg("%s: %d", all[i].text, good ? len : -1);
    }
    char text[ADDR_TEXT];
    assert_string_equal(addr_text(prefix_mask(p("10.0.0.0/20")), text), "255.255.240.0");
    assert_string_equal(addr_text(prefix_mask(p("10.0.0.0/0")), text), "0.0.0.0");
    assert_string_equal(addr_text(prefix_mask(p("fe80::/10")), text), "ffc0::");
    assert_string_equal(addr_text(prefix_mask(p("::/0")), text), "::");
}

static void specs(void **state)
{
    (void)state;
    struct addr_spec s;
    assert_true(addr_spec_parse("10.0.0.7", &s) && !s.is_range && !s.has_len && s.prefix.len == 32);
    assert_true(addr_spec_parse("10.0.0.7/255.255.0.0", &s) && s.has_len && s.prefix.len == 16);
    assert_true(addr_spec_parse("10.0.0.7 255.255.255.252", &s) && s.prefix.len == 30);
    assert_true(addr_spec_parse("10.0.0.7-10.0.0.9", &s) && s.is_range);
    assert_true(addr_spec_parse("fe80::1/64", &s) && s.prefix.len == 64);
    static const char *const bad[] = { "", "-", "/", "10.0.0.9-10.0.0.7", "10.0.0.1-::1", "10.0.0.0/33", "fe80::1/255.0.0.0", "10.0.0.1 ", "::/0-1",
                                       "10.0.0.0/255.0.255.0", "::ffff:1.2.3.4/129", "1.2.3.4/", "::fffe:0:0-::ffff:0:1" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (addr_spec_parse(bad[i], &s))
            fail_msg("\"%s\" was taken", bad[i]);
}

static void counts(void **state)
{
    (void)state;
    char text[COUNT_TEXT];
    assert_string_equal(power_text(0, text), "1");
    assert_string_equal(power_text(64, text), "18446744073709551616");
    assert_string_equal(power_text(127, text), "170141183460469231731687303715884105728");
    assert_string_equal(power_text(128, text), "340282366920938463463374607431768211456");
    assert_string_equal(number_text(~(addr_number)0, text), "340282366920938463463374607431768211455");
}

TESTS(parts, holding, ranges, ranges_whole, joining, masks, specs, counts)
