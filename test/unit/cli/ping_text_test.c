#include "../test.h"
#include "cli/ping_text.h"
#include <stdlib.h>

static void times(void **state)
{
    (void)state;
    static const struct { int64_t ns; const char *text; } all[] = { { 0, "0.000" }, { 45000, "0.045" }, { 999999, "0.999" }, { 1234567, "1.23" },
        { 1004000, "1.00" }, { 12345678, "12.3" }, { 99999999, "99.9" }, { 123456789, "123" }, { 5000000000, "5000" } };
    char out[PING_TIME];
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        assert_string_equal(ping_time_text(all[i].ns, out), all[i].text);
}

static void patterns(void **state)
{
    (void)state;
    uint8_t out[4];
    assert_int_equal(ping_pattern("ff", out, 4), 1);
    assert_int_equal(out[0], 0xff);
    assert_int_equal(ping_pattern("0aFb1", out, 4), 3);
    assert_memory_equal(out, ((const uint8_t[]){ 0x0a, 0xfb, 0x01 }), 3);
    assert_int_equal(ping_pattern("", out, 4), 0);
    assert_int_equal(ping_pattern("fx", out, 4), 0);
    assert_int_equal(ping_pattern("0102030405", out, 4), 0);
    assert_int_equal(ping_pattern("01020304", out, 4), 4);
}

static char *summary_of(const struct ping_counts *c, bool json)
{
    char *text;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    struct json j = { .to = f };
    if (json)
        ping_summary_json(c, 3004000000, &j);
    else
        ping_summary(c, "x.test", 3004000000, f);
    fclose(f);
    return text;
}

static void summaries(void **state)
{
    (void)state;
    struct ping_counts c = { .sent = 3, .duplicates = 1, .errors = 1 };
    ping_count_rtt(&c, 1000000);
    ping_count_rtt(&c, 3000000);
    char *text = summary_of(&c, false);
    assert_string_equal(text, "\n--- x.test ping statistics ---\n3 packets transmitted, 2 received, +1 duplicates, +1 errors, 33.3333% packet loss, time 3004ms\n"
                              "rtt min/avg/max/mdev = 1.000/2.000/3.000/1.000 ms\n");
    free(text);
    text = summary_of(&c, true);
    assert_non_null(strstr(text, "\"transmitted\":3,\"received\":2,\"duplicates\":1,\"errors\":1,\"loss_percent\":33.3333,\"time_ms\":3004.000000"));
    assert_non_null(strstr(text, "\"rtt_ms\":{\"min\":1,\"avg\":2,\"max\":3,\"mdev\":1}"));
    free(text);
    const struct ping_counts none = { 0 };
    text = summary_of(&none, false);
    assert_string_equal(text, "\n--- x.test ping statistics ---\n0 packets transmitted, 0 received, 0% packet loss, time 0ms\n");
    free(text);
    text = summary_of(&none, true);
    assert_non_null(strstr(text, "\"rtt_ms\":null"));
    free(text);
}

TESTS(times, patterns, summaries)
