/* What happened last, in words. */
#include "../test.h"
#include "view/flight.h"
#include <stdio.h>
#include <stdlib.h>

static struct trace t;
static char *text;
static size_t text_len;

static unsigned printed(unsigned max)
{
    free(text);
    FILE *f = open_memstream(&text, &text_len);
    const unsigned n = flight_print(&t, 1000, max, "what happened last:", f);
    fclose(f);
    return n;
}
static void done(void)
{
    free(text);
    text = NULL;
}

static struct addr addr(const char *of)
{
    struct addr a;
    assert_true(addr_parse(of, &a));
    return a;
}

static void in_words(void **state)
{
    (void)state;
    trace_init(&t, 1);
    TRACE(&t, 1000, 0, neigh_asked, .target = addr("10.0.2.1"));                /* no news */
    TRACE(&t, 1000, 4, tcp_open, .local = addr("10.0.2.15"), .remote = addr("203.0.113.80"), .local_port = 3000, .remote_port = 80);
    TRACE(&t, 2000, 4, tcp_state, .from = 0, .to = 2, .why = WHY_USER_OPEN);
    TRACE(&t, 1001000, 4, tcp_rto, .rto_ns = 2000000000, .count = 1);
    TRACE(&t, 1001000, 4, tcp_retransmit, .seq = 77, .len = 1);
    TRACE(&t, 1501000, 4, tcp_retransmit, .seq = 77, .len = 1);                 /* a fast one; the timer's was told */
    TRACE(&t, 2001000, 0, pkt_drop, .pkt = 3, .len = 60, .why = WHY_TCP_CHECKSUM);
    TRACE(&t, 2001000, 0, pkt_drop, .pkt = 4, .len = 60, .why = WHY_FRAME_NOT_OURS);    /* noise */
    TRACE(&t, 2001000, 0, pkt_drop, .pkt = 5, .len = 74, .why = WHY_LINK_LOSS);
    TRACE(&t, 3001000, 0, neigh_failed, .target = addr("10.0.2.77"));
    TRACE(&t, 3001000, 0, icmp_error, .kind = 3, .code = 1, .from = addr("10.0.2.1"));
    TRACE(&t, 3001000, 0, icmp_error, .kind = 11, .code = 0, .from = addr("10.0.2.1"));
    TRACE(&t, 4001000, 4, tcp_state, .from = 2, .to = 0, .why = WHY_SYN_LIMIT);
    assert_int_equal(printed(20), 10);
    assert_string_equal(text, "what happened last:\n"
        "           0  connection 4: 10.0.2.15:3000 to 203.0.113.80:80\n"
        "     1.00 us  connection 4: CLOSED to SYN-SENT: this side opened\n"
        "     1.00 ms  connection 4: no acknowledgment within 2.00 s: retransmission 1\n"
        "     1.50 ms  connection 4: sent again: 1 bytes from 77\n"
        "     2.00 ms  dropped a packet of 60 bytes: the TCP checksum is wrong (RFC 9293 §3.1)\n"
        "     2.00 ms  dropped a packet of 74 bytes: the emulated link lost it, as asked\n"
        "     3.00 ms  10.0.2.77 did not answer ARP\n"
        "     3.00 ms  10.0.2.1 says host unreachable\n"
        "     3.00 ms  10.0.2.1 says time to live exceeded\n"
        "     4.00 ms  connection 4: SYN-SENT to CLOSED: the peer did not answer the SYN in all retransmissions\n");
    done();
}

static void no_news(void **state)
{
    (void)state;
    trace_init(&t, 1);
    assert_int_equal(printed(8), 0);
    assert_string_equal(text, "");
    TRACE(&t, 1000, 0, pkt_drop, .pkt = 4, .len = 60, .why = WHY_FRAME_NOT_OURS);
    TRACE(&t, 1000, 0, neigh_failed, .target = addr("10.0.2.77"));
    assert_int_equal(printed(0), 0);
    assert_int_equal(printed(1), 1);
    done();
}

static void only_the_last(void **state)
{
    (void)state;
    trace_init(&t, 1);
    for (uint32_t i = 0; i < TRACE_RING + 50; i++)
        TRACE(&t, 1000 + i, 1, tcp_retransmit, .seq = i, .len = 3);
    assert_int_equal(printed(2), 2);
    assert_string_equal(text, "what happened last:\n      304 ns  connection 1: sent again: 3 bytes from 304\n"
                              "      305 ns  connection 1: sent again: 3 bytes from 305\n");
    assert_int_equal(printed(1000), FLIGHT_LINES_MAX);
    done();
}

static void the_same_again(void **state)
{
    (void)state;
    trace_init(&t, 1);
    for (uint32_t i = 0; i < 5; i++) {
        TRACE(&t, 1000 + i, 0, pkt_drop, .pkt = i, .len = 60, .why = WHY_LINK_LOSS);
        TRACE(&t, 1000 + i, 0, neigh_asked, .target = addr("10.0.2.1"));
    }
    TRACE(&t, 1010, 0, neigh_failed, .target = addr("10.0.2.1"));
    assert_int_equal(printed(8), 2);
    assert_string_equal(text, "what happened last:\n     4.00 ns  dropped a packet of 60 bytes: the emulated link lost it, as asked (5 times)\n"
                              "     10.0 ns  10.0.2.1 did not answer ARP\n");
    done();
}

/* Every kind of event, with any bytes in it, either has a line or is no news. */
static void every_event(void **state)
{
    (void)state;
    char line[FLIGHT_LINE];
    unsigned news = 0;
    for (unsigned fill = 0; fill < 256; fill += 15)
        for (uint8_t kind = 0; kind < EV_COUNT; kind++) {
            struct event e = { .time_ns = 1, .conn = UINT32_MAX, .kind = kind, .len = EVENT_BODY };
            memset(e.body, (int)fill, sizeof e.body);
            if (!flight_line(&e, line))
                continue;
            assert_in_range(strlen(line), 1, FLIGHT_LINE - 1);
            news++;
        }
    assert_true(news > 10);
}

TESTS(in_words, no_news, only_the_last, the_same_again, every_event)
