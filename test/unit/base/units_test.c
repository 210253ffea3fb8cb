#include "../test.h"
#include "base/units.h"

static void durations(void **state)
{
    (void)state;
    static const struct { const char *text; int64_t ns; } good[] = {
        { "80ms", 80000000 }, { "1.5s", 1500000000 }, { "0", 0 }, { "0ms", 0 }, { "7ns", 7 }, { "2us", 2000 }, { "3m", 180000000000 },
        { "2h", 7200000000000 }, { ".5ms", 500000 }, { "1.ms", 1000000 } };
    int64_t ns;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(parse_duration(good[i].text, &ns));
        assert_int_equal(ns, good[i].ns);
    }
    static const char *const bad[] = { "", "5", "ms", "-5ms", "+5ms", "5 ms", "5msx", "1e3ms", "5MS", " 5ms", ".", ".s", "1.2.3s",
                                       "99999999999999h" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (parse_duration(bad[i], &ns))
            fail_msg("%s was taken for a duration", bad[i]);
}

static void rates_sizes_shares(void **state)
{
    (void)state;
    uint64_t n;
    double share;
    assert_true(parse_rate("10mbit", &n) && n == 10000000);
    assert_true(parse_rate("1.5gbit", &n) && n == 1500000000);
    assert_false(parse_rate("0mbit", &n));
    assert_false(parse_rate("10", &n));
    assert_true(parse_size("1.2MB", &n) && n == 1200000);
    assert_true(parse_size("64KiB", &n) && n == 65536);
    assert_true(parse_size("1000", &n) && n == 1000);
    assert_false(parse_size("1000x", &n));
    assert_true(parse_share("2%", &share) && share > 0.0199 && share < 0.0201);
    assert_true(parse_share("0.02", &share) && share > 0.0199 && share < 0.0201);
    assert_true(parse_share("100%", &share));
    assert_false(parse_share("101%", &share));
    assert_false(parse_share("1.01", &share));
    assert_false(parse_share("%", &share));
}

static void as_text(void **state)
{
    (void)state;
    char out[UNIT_TEXT];
    assert_string_equal(duration_text(1530000, out), "1.53 ms");
    assert_string_equal(duration_text(15300, out), "15.3 us");
    assert_string_equal(duration_text(153, out), "153 ns");
    assert_string_equal(duration_text(INT64_C(2000000000), out), "2.00 s");
    assert_string_equal(size_text(999, out), "999 B");
    assert_string_equal(size_text(1200000, out), "1.20 MB");
    assert_string_equal(size_text(UINT64_MAX, out), "18446744074 GB");
}

TESTS(durations, rates_sizes_shares, as_text)
