/* The eight steps as a fold: what is counted where, and how it is told. */
#include "../hex.h"
#include "../test.h"
#include "view/journey.h"
#include <stdio.h>
#include <stdlib.h>

static struct journey j;
static struct trace t;
static char *text;
static size_t text_len;

static const char syn[] = "02706c000002 02706c000001 0800 4500003c000040004006f25c0a00020fcb007150"
                          "8ba1005099593d3000000000a002ffffc3f10000 020405b4 01 01080a11ccca6a00000000 01030305";
static const char ack[] = "02706c000002 02706c000001 0800 45000034000140004006f2630a00020fcb007150"
                          "8ba1005099593d311b8f725280108000ed2d0000 0101080a11ccca9ad19222d8";
static const char arp[] = "ffffffffffff 02706c000001 0806 0001 0800 06 04 0001 02706c000001 0a00020f 000000000000 0a000203";

static void fresh(void)
{
    journey_init(&j, 1);
    trace_init(&t, 1);
    trace_watch(&t, TRACE_STEP | TRACE_WIRE | TRACE_DROP | TRACE_LOSS, journey_event, &j);
}
static void begin(enum journey_step s, int64_t now_ns) { TRACE(&t, now_ns, 0, step_begin, .step = (uint8_t)s); }
static void end(enum journey_step s, int64_t now_ns, enum step_state state, const char *detail)
{
    TRACE_BYTES(&t, now_ns, 0, step_end, detail, (uint32_t)strlen(detail), .step = (uint8_t)s, .state = (uint8_t)state);
}
static void out(const char *frame, int64_t now_ns)
{
    uint8_t bytes[200];
    const uint32_t n = (uint32_t)hex(bytes, sizeof bytes, frame);
    TRACE_BYTES(&t, now_ns, 0, pkt_out, bytes, n, .pkt = 1, .len = n);
}
static void in(const char *frame, int64_t now_ns)
{
    uint8_t bytes[200];
    const uint32_t n = (uint32_t)hex(bytes, sizeof bytes, frame);
    TRACE_BYTES(&t, now_ns, 0, pkt_in, bytes, n, .pkt = 1, .len = n);
}

static void run(void)
{
    fresh();
    in(arp, 500);                               /* before any step: counted, in no step */
    begin(STEP_URL, 1000);
    end(STEP_URL, 1000, STEP_DONE, "http");
    begin(STEP_ADDRESS, 1000);
    out(arp, 1500);
    end(STEP_ADDRESS, 2000, STEP_DONE, "10.0.2.15/24");
    begin(STEP_NAME, 2000);
    end(STEP_NAME, 3000, STEP_DONE, "");
    begin(STEP_ROUTE, 3000);
    out(arp, 3100);
    in(arp, 3500);
    out(syn, 3600);                             /* the route is found: this is the connection */
    in(syn, 4000);
    end(STEP_ROUTE, 4100, STEP_DONE, "by router");
    end(STEP_CONNECT, 4100, STEP_DONE, "there");
    begin(STEP_REQUEST, 4100);
    out(ack, 4100);                             /* the handshake's last, not the request */
    out(ack, 4100);                             /* stands for the request: something left already? */
    TRACE(&t, 4200, 0, pkt_drop, .pkt = 7, .why = WHY_LINK_LOSS);
    TRACE(&t, 4300, 1, tcp_retransmit, .seq = 1);
    end(STEP_REQUEST, 5000, STEP_DONE, "200");
    begin(STEP_PAGE, 5000);
    end(STEP_PAGE, 6000, STEP_DONE, "say \"hi\"\\\n");
}

static void steps_are_told_apart(void **state)
{
    (void)state;
    run();
    assert_int_equal(j.step[STEP_ADDRESS].packets, 1);
    assert_int_equal(j.step[STEP_NAME].packets, 0);
    assert_int_equal(j.step[STEP_ROUTE].packets, 2);
    assert_int_equal(j.step[STEP_ROUTE].end_ns, 3600);          /* when the first segment left */
    assert_int_equal(j.step[STEP_CONNECT].start_ns, 3600);
    assert_int_equal(j.step[STEP_CONNECT].end_ns, 4100);
    assert_int_equal(j.step[STEP_CONNECT].packets + j.step[STEP_REQUEST].packets, 4);
    assert_true(j.step[STEP_CONNECT].packets >= 3);
    assert_int_equal(j.step[STEP_SECURE].state, STEP_UNUSED);
    assert_int_equal(j.drops, 1);
    assert_int_equal(j.retransmits, 1);
    assert_int_equal(j.out, 5);
    assert_int_equal(j.in, 3);
    journey_from_zero(&j);
    assert_int_equal(j.step[STEP_URL].start_ns, 0);
    assert_int_equal(j.step[STEP_PAGE].end_ns, 5000);
    assert_int_equal(j.step[STEP_SECURE].start_ns, 0);          /* never begun: stays */
}

static void others_do_not_count(void **state)
{
    (void)state;
    fresh();
    begin(STEP_URL, 0);
    t.node = 2;
    out(syn, 5);
    begin(STEP_NAME, 5);
    assert_int_equal(j.out, 0);
    assert_int_equal(j.current, STEP_URL);
}

/* A redirect walks steps again: the first beginning, the last end, packets of both. */
static void again(void **state)
{
    (void)state;
    fresh();
    begin(STEP_NAME, 100);
    out(arp, 100);
    end(STEP_NAME, 200, STEP_DONE, "first");
    begin(STEP_PAGE, 200);
    begin(STEP_NAME, 300);
    out(arp, 300);
    end(STEP_NAME, 400, STEP_DONE, "second");
    assert_int_equal(j.step[STEP_NAME].start_ns, 100);
    assert_int_equal(j.step[STEP_NAME].end_ns, 400);
    assert_int_equal(j.step[STEP_NAME].packets, 2);
    assert_string_equal(j.step[STEP_NAME].detail, "second");
}

static void long_details(void **state)
{
    (void)state;
    char detail[1000];
    memset(detail, 'x', sizeof detail - 1);
    detail[sizeof detail - 1] = '\0';
    fresh();
    begin(STEP_URL, 0);
    end(STEP_URL, 0, STEP_FAILED, detail);
    assert_int_equal(strlen(j.step[STEP_URL].detail), STEP_DETAIL - 1);
    assert_int_equal(j.step[STEP_URL].state, STEP_FAILED);
}

static void printed(void **state)
{
    (void)state;
    run();
    end(STEP_ADDRESS, 6000, STEP_DONE, "10.0.2.15/24 by DHCP from 10.0.2.1; router 10.0.2.1, name server 10.0.2.3, for 3600 s");
    end(STEP_REQUEST, 6000, STEP_DONE, "200 \033[31mOK");      /* a peer that would like to steer the terminal */
    end(STEP_PAGE, 6000, STEP_DONE, "a-word-without-a-space-that-is-longer-than-the-terminal-is-wide-and-so-has-to-be-cut-somewhere-in-it");
    journey_from_zero(&j);
    FILE *f = open_memstream(&text, &text_len);
    journey_print(&j, f, false);
    fclose(f);
    assert_non_null(strstr(text, "           200 ?[31mOK\n"));
    assert_non_null(strstr(text, "           10.0.2.15/24 by DHCP from 10.0.2.1; router 10.0.2.1, name server\n           10.0.2.3, for 3600 s\n"));
    unsigned lines = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        lines++;
        assert_true(strlen(line) <= 80);
        assert_null(strchr(line, '\033'));
    }
    assert_true(lines >= 10);                   /* a head, eight steps, a sum; details */
    free(text);
    f = open_memstream(&text, &text_len);
    journey_print(&j, f, true);
    fclose(f);
    assert_non_null(strchr(text, '\033'));
    free(text);
}

static void as_json(void **state)
{
    (void)state;
    run();
    FILE *f = open_memstream(&text, &text_len);
    journey_json(&j, f);
    fclose(f);
    assert_non_null(strstr(text, "{\"name\":\"url\",\"layer\":\"application\",\"start_ns\":1000,\"end_ns\":1000,\"packets\":0,\"state\":\"done\",\"detail\":\"http\"}"));
    assert_non_null(strstr(text, "\"name\":\"secure\",\"layer\":\"security\",\"start_ns\":0,\"end_ns\":0,\"packets\":0,\"state\":\"unused\""));
    assert_non_null(strstr(text, "\"detail\":\"say \\\"hi\\\"\\\\\\u000a\""));
    free(text);
}

static void json_is_utf8(void **state)
{
    (void)state;
    FILE *f = open_memstream(&text, &text_len);
    json_string(f, "caf\xc3\xa9 caf\xe9 \xff \xe2\x82 \"\\\t");
    fclose(f);
    assert_string_equal(text, "\"caf\xc3\xa9 caf\\ufffd \\ufffd \\ufffd\\ufffd \\\"\\\\\\u0009\"");
    free(text);
}

TESTS(steps_are_told_apart, others_do_not_count, again, long_details, printed, as_json, json_is_utf8)
