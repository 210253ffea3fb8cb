#include "../test.h"
#include <stdio.h>
#include "trace/trace.h"

struct seen { char text[512]; size_t len; };

static void print(void *arg, const struct event *e, const void *bytes, uint32_t n_bytes)
{
    struct seen *s = arg;
    s->len = event_json(e, bytes, n_bytes, s->text, sizeof s->text);
}

static struct trace t;
static struct seen seen;

static int set_up(void **state)
{
    (void)state;
    trace_init(&t, 3);
    trace_watch(&t, TRACE_ALL, print, &seen);
    seen = (struct seen){ .len = 0 };
    return 0;
}

static void expect(const char *want)
{
    assert_string_equal(seen.text, want);
    assert_int_equal(seen.len, strlen(want));
}

static void numbers(void **state)
{
    (void)state;
    TRACE(&t, 17, 5, tcp_rtt, .sample_ns = INT64_MIN, .srtt_ns = INT64_MAX, .rto_ns = -1);
    expect("{\"time_ns\":17,\"node\":3,\"conn\":5,\"event\":\"tcp_rtt\",\"sample_ns\":-9223372036854775808,"
           "\"srtt_ns\":9223372036854775807,\"rto_ns\":-1}");
    TRACE(&t, 0, UINT32_MAX, http_done, .body_bytes = UINT64_MAX);
    expect("{\"time_ns\":0,\"node\":3,\"conn\":4294967295,\"event\":\"http_done\",\"body_bytes\":18446744073709551615}");
}

static void words(void **state)
{
    (void)state;
    TRACE(&t, 1, 2, tcp_state, .from = 2, .to = 4, .why = WHY_SYN_ACKED);
    expect("{\"time_ns\":1,\"node\":3,\"conn\":2,\"event\":\"tcp_state\",\"from\":\"SYN-SENT\",\"to\":\"ESTABLISHED\",\"why\":\"SYN_ACKED\"}");
    TRACE(&t, 1, 0, neigh_learned, .iface = 1, .target = addr4(0x0a000001), .mac = MAC_BROADCAST);
    expect("{\"time_ns\":1,\"node\":3,\"conn\":0,\"event\":\"neigh_learned\",\"iface\":1,\"target\":\"10.0.0.1\",\"mac\":\"ff:ff:ff:ff:ff:ff\"}");
    TRACE(&t, 1, 0, dns_failed, .err = PLUMB_TIMED_OUT);
    expect("{\"time_ns\":1,\"node\":3,\"conn\":0,\"event\":\"dns_failed\",\"err\":\"timed out\"}");
}

static void packets_are_hex(void **state)
{
    (void)state;
    TRACE_BYTES(&t, 9, 0, pkt_in, "\x00\xff\x45", 3, .pkt = 1, .len = 3, .iface = 2);
    expect("{\"time_ns\":9,\"node\":3,\"conn\":0,\"event\":\"pkt_in\",\"pkt\":1,\"len\":3,\"iface\":2,\"gso_size\":0,\"csum\":0,\"hex\":\"00ff45\"}");
}

static void check_text(const char *bytes, size_t len, const char *want)
{
    char line[256];
    TRACE_BYTES(&t, 0, 0, http_head, bytes, (uint32_t)len, .status = 200);
    snprintf(line, sizeof line, "{\"time_ns\":0,\"node\":3,\"conn\":0,\"event\":\"http_head\",\"status\":200,\"text\":\"%s\"}", want);
    expect(line);
}

static void text_is_escaped(void **state)
{
    (void)state;
    check_text("HTTP/1.1 200 \"OK\" \\\r\n", 21, "HTTP/1.1 200 \\\"OK\\\" \\\\\\u000d\\u000a");
    check_text("a\0b\x1f\x7f", 5, "a\\u0000b\\u001f\x7f");
    check_text("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\xb0", 14, "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x9a\xb0");
}

static void what_is_not_utf8(void **state)
{
    (void)state;
    check_text("\xff", 1, "\\ufffd");
    check_text("\xc3", 1, "\\ufffd");                                       /* cut */
    check_text("\xc0\xaf", 2, "\\ufffd\\ufffd");                            /* overlong */
    check_text("\xe0\x80\xaf", 3, "\\ufffd\\ufffd\\ufffd");
    check_text("\xed\xa0\x80", 3, "\\ufffd\\ufffd\\ufffd");                 /* a surrogate */
    check_text("\xf4\x90\x80\x80", 4, "\\ufffd\\ufffd\\ufffd\\ufffd");      /* beyond U+10FFFF */
    check_text("\xe2\x82!", 3, "\\ufffd\\ufffd!");
}

static void too_small_a_buffer(void **state)
{
    (void)state;
    struct event e = { .kind = EV_tcp_rtt };
    char out[256];
    const size_t len = event_json(&e, NULL, 0, out, sizeof out);
    assert_true(len > 0);
    for (size_t room = 0; room <= len; room++)
        assert_int_equal(event_json(&e, NULL, 0, out, room), 0);
    assert_int_equal(event_json(&e, NULL, 0, out, len + 1), len);
    e.kind = EV_COUNT;
    assert_int_equal(event_json(&e, NULL, 0, out, sizeof out), 0);
}

static void every_kind_prints(void **state)
{
    (void)state;
    for (uint8_t kind = 0; kind < EV_COUNT; kind++) {
        struct event e = { .kind = kind };
        char out[512];
        memset(e.body, 0xff, sizeof e.body);
        const size_t len = event_json(&e, "x", 1, out, sizeof out);
        assert_true(len > 0);
        assert_int_equal(out[len - 1], '}');
    }
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test_setup(numbers, set_up), cmocka_unit_test_setup(words, set_up), cmocka_unit_test_setup(packets_are_hex, set_up),
        cmocka_unit_test_setup(text_is_escaped, set_up), cmocka_unit_test_setup(what_is_not_utf8, set_up),
        cmocka_unit_test(too_small_a_buffer), cmocka_unit_test(every_kind_prints),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
