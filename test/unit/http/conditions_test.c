#include "../test.h"
#include "base/time.h"
#include "http/conditions.h"
#include "http/date.h"
#include <stdio.h>

static const int64_t now_ns = INT64_C(784111777) * NS_PER_SEC;

/* The three forms of RFC 9110 §5.6.7 are one moment. */
static void dates(void **state)
{
    (void)state;
    static const char *const same[] = { "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994" };
    char out[HTTP_DATE];
    int64_t ns;
    for (int i = 0; i < 3; i++) {
        assert_true(http_date_parse(same[i], now_ns, &ns));
        assert_int_equal(ns, now_ns);
    }
    assert_string_equal(http_date(now_ns, out), same[0]);
    assert_string_equal(http_date(0, out), "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_string_equal(http_date(INT64_C(951782400) * NS_PER_SEC, out), "Tue, 29 Feb 2000 00:00:00 GMT");
    assert_string_equal(http_date(INT64_C(4107542400) * NS_PER_SEC, out), "Mon, 01 Mar 2100 00:00:00 GMT");
    static const char *const bad[] = { "", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 Foo 1994 08:49:37 GMT",
                                       "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT", "784111777", "Sun, 06 Nov 1994 08:49:37 UTC" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(http_date_parse(bad[i], now_ns, &ns));
}

static void ranges(void **state)
{
    (void)state;
    static const struct { const char *in, *out; } rows[] = {
        { "bytes=0-0", "0-1" }, { "bytes=0-499", "0-100" }, { "bytes=99-", "99-100" }, { "bytes=-1", "99-100" }, { "bytes=-500", "0-100" },
        { "BYTES=5-6", "5-7" }, { "bytes=0-0,-1", "0-1 99-100" }, { "bytes= 0-0 , 5-9", "0-1 5-10" }, { "bytes=0-0,200-", "0-1" },
        { "bytes=100-", "none" }, { "bytes=200-300", "none" }, { "bytes=-0", "none" }, { "bytes=99999999999999999999999-", "none" },
        { "bytes=", "ignored" }, { "bytes=5-4", "ignored" }, { "bytes=a-b", "ignored" }, { "bytes=0-1;2-3", "ignored" }, { "lines=0-1", "ignored" },
        { "bytes=0-50,25-75", "ignored" }, { "bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,13-13,14-14,15-15,16-16", "ignored" },
        { "bytes", "ignored" }, { "", "ignored" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http_ranges r;
        char out[200] = "";
        const enum http_range_fate f = http_ranges_parse(rows[i].in, 100, &r);
        for (uint32_t k = 0; k < r.count; k++)
            sprintf(out + strlen(out), "%s%d-%d", k ? " " : "", (int)r.at[k].from, (int)r.at[k].to);
        const char *got = f == RANGE_OK ? out : f == RANGE_IGNORE ? "ignored" : "none";
        if (strcmp(got, rows[i].out) != 0)
            fail_msg("%s: %s, not %s", rows[i].in, got, rows[i].out);
    }
    struct http_ranges r;
    assert_int_equal(http_ranges_parse("bytes=0-", 0, &r), RANGE_UNSATISFIABLE);
}

static int judge(const char *method, const char *name, const char *value, const char *name2, const char *value2)
{
    struct headers h = { 0 };
    struct http_ranges r;
    headers_add(&h, name, value);
    if (name2)
        headers_add(&h, name2, value2);
    const struct http_validators v = { .etag = "\"abc\"", .modified_ns = now_ns + 5, .size = 100 };
    const int status = http_conditions(method, &h, &v, now_ns, &r);
    headers_fini(&h);
    return status;
}

static void conditions(void **state)
{
    (void)state;
    const char *at = "Sun, 06 Nov 1994 08:49:37 GMT", *before = "Sun, 06 Nov 1994 08:49:36 GMT", *after = "Sun, 06 Nov 1994 08:49:38 GMT";
    static const char *const GET = "GET";
    assert_int_equal(judge(GET, "X", "y", NULL, NULL), 200);
    assert_int_equal(judge(GET, "If-None-Match", "\"abc\"", NULL, NULL), 304);
    assert_int_equal(judge(GET, "If-None-Match", "W/\"abc\"", NULL, NULL), 304);
    assert_int_equal(judge(GET, "If-None-Match", "\"x\", \"abc\"", NULL, NULL), 304);
    assert_int_equal(judge(GET, "If-None-Match", "*", NULL, NULL), 304);
    assert_int_equal(judge(GET, "If-None-Match", "\"x\"", NULL, NULL), 200);
    assert_int_equal(judge(GET, "If-None-Match", "\"x\"", "If-Modified-Since", after), 200);       /* the tag decides */
    assert_int_equal(judge(GET, "If-Modified-Since", at, NULL, NULL), 304);
    assert_int_equal(judge(GET, "If-Modified-Since", before, NULL, NULL), 200);
    assert_int_equal(judge(GET, "If-Modified-Since", "yesterday", NULL, NULL), 200);
    assert_int_equal(judge(GET, "If-Match", "\"abc\"", NULL, NULL), 200);
    assert_int_equal(judge(GET, "If-Match", "W/\"abc\"", NULL, NULL), 412);
    assert_int_equal(judge(GET, "If-Match", "\"x\"", NULL, NULL), 412);
    assert_int_equal(judge(GET, "If-Unmodified-Since", before, NULL, NULL), 412);
    assert_int_equal(judge(GET, "If-Unmodified-Since", at, NULL, NULL), 200);
    assert_int_equal(judge(GET, "Range", "bytes=0-9", NULL, NULL), 206);
    assert_int_equal(judge("HEAD", "Range", "bytes=0-9", NULL, NULL), 200);
    assert_int_equal(judge(GET, "Range", "bytes=100-", NULL, NULL), 416);
    assert_int_equal(judge(GET, "Range", "bytes=0-9", "If-Range", "\"abc\""), 206);
    assert_int_equal(judge(GET, "Range", "bytes=0-9", "If-Range", "W/\"abc\""), 200);
    assert_int_equal(judge(GET, "Range", "bytes=0-9", "If-Range", at), 206);
    assert_int_equal(judge(GET, "Range", "bytes=0-9", "If-Range", before), 200);
    assert_int_equal(judge(GET, "Range", "bytes=0-9", "If-None-Match", "\"abc\""), 304);
}

static int closed;
static size_t digits_read(void *arg, uint64_t offset, uint8_t *to, size_t max)
{
    const uint64_t end = *(uint64_t *)arg;
    size_t n = 0;
    for (; n < max && offset + n < end; n++)
        to[n] = (uint8_t)('0' + (offset + n) % 10);
    return n;
}
static void digits_close(void *arg) { (void)arg; closed++; }

static const char *drain(struct http_source s, size_t piece, bool *failed)
{
    static char all[4096];
    size_t at = 0;
    bool ended = false;
    *failed = false;
    while (!ended && !*failed)
        at += s.read(s.arg, (uint8_t *)all + at, piece, &ended, failed);
    all[at] = 0;
    if (!*failed)
        assert_int_equal(at, s.length);
    http_source_close(&s);
    return all;
}

static void bodies(void **state)
{
    (void)state;
    uint64_t size = 30;
    bool failed;
    const struct http_file f = { .size = 30, .read = digits_read, .close = digits_close, .arg = &size };
    const struct http_ranges none = { 0 }, one = { 1, { { 5, 8 } } }, two = { 2, { { 0, 3 }, { 28, 30 } } };
    for (size_t piece = 1; piece < 40; piece += 6) {
        assert_string_equal(drain(http_file_source(f, &none, "a/b", "X"), piece, &failed), "012345678901234567890123456789");
        assert_string_equal(drain(http_file_source(f, &one, "a/b", "X"), piece, &failed), "567");
        assert_string_equal(drain(http_file_source(f, &two, "a/b", "X"), piece, &failed),
                            "\r\n--X\r\nContent-Type: a/b\r\nContent-Range: bytes 0-2/30\r\n\r\n012"
                            "\r\n--X\r\nContent-Type: a/b\r\nContent-Range: bytes 28-29/30\r\n\r\n89\r\n--X--\r\n");
    }
    size = 20;                                          /* the file shrank */
    drain(http_file_source(f, &none, "a/b", "X"), 7, &failed);
    assert_true(failed);
    const struct http_file empty = { .size = 0, .read = digits_read, .close = digits_close, .arg = &size };
    assert_string_equal(drain(http_file_source(empty, &none, "a/b", "X"), 7, &failed), "");
    assert_int_equal(closed, 3 * 7 + 2);
}

TESTS(dates, ranges, conditions, bodies)
