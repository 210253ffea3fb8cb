#include "../test.h"
#include "trace/trace.h"

static struct trace t;
static uint32_t seen, seen_bytes;

static void count(void *arg, const struct event *e, const void *bytes, uint32_t n_bytes)
{
    (void)bytes;
    assert_ptr_equal(arg, &seen);
    assert_non_null(event_desc(e->kind));
    seen++;
    seen_bytes += n_bytes;
}

static int calls;
static uint32_t counted(void) { return (uint32_t)++calls; }

static void off_costs_nothing(void **state)
{
    (void)state;
    trace_init(&t, 1);
    calls = 0;
    TRACE(&t, 1, 1, tcp_cwnd, .cwnd = counted());           /* CC is not in the flight recorder */
    assert_int_equal(calls, 0);
    assert_int_equal(t.ring_head, 0);
    TRACE(&t, 1, 1, tcp_retransmit, .seq = counted());      /* LOSS is */
    assert_int_equal(calls, 1);
    assert_int_equal(t.ring_head, 1);
}

static void the_sink_gets_what_it_asked_for(void **state)
{
    (void)state;
    trace_init(&t, 1);
    seen = seen_bytes = 0;
    trace_watch(&t, TRACE_CC | TRACE_NAME, count, &seen);
    TRACE(&t, 1, 1, tcp_cwnd, .cwnd = 1);
    TRACE_BYTES(&t, 1, 1, dns_query, "name", 4, .id = 1);
    TRACE(&t, 1, 1, tcp_retransmit, .seq = 1);
    assert_int_equal(seen, 2);
    assert_int_equal(seen_bytes, 4);
    assert_int_equal(t.ring_head, 1);
    trace_watch(&t, 0, NULL, NULL);
    TRACE(&t, 1, 1, tcp_cwnd, .cwnd = 1);
    assert_int_equal(seen, 2);
}

static void the_recorder_keeps_the_last(void **state)
{
    (void)state;
    trace_init(&t, 9);
    for (uint32_t i = 0; i < TRACE_RING + 10; i++)
        TRACE(&t, i, 7, tcp_retransmit, .seq = i, .len = 3);
    assert_int_equal(t.ring_head, TRACE_RING + 10);
    for (uint32_t i = 10; i < TRACE_RING + 10; i++) {
        const struct event *e = &t.ring[i % TRACE_RING];
        assert_int_equal(e->time_ns, i);
        assert_int_equal(e->node, 9);
        assert_int_equal(e->conn, 7);
        assert_int_equal(EVENT_BODY_OF(e, tcp_retransmit)->seq, i);
    }
}

static void the_walk_is_oldest_first(void **state)
{
    (void)state;
    uint32_t cursor = 0;
    trace_init(&t, 9);
    assert_null(trace_walk(&t, &cursor));
    for (uint32_t total = 1; total <= 3 * TRACE_RING; total++) {
        TRACE(&t, total, 7, tcp_retransmit, .seq = total);
        uint32_t next = total <= TRACE_RING ? 1 : total - TRACE_RING + 1;
        cursor = 0;
        for (const struct event *e; (e = trace_walk(&t, &cursor)); next++)
            assert_int_equal(e->time_ns, next);
        assert_int_equal(next, total + 1);
        assert_null(trace_walk(&t, &cursor));
    }
}

static void drops_are_counted_and_said(void **state)
{
    (void)state;
    struct pkt_pools pools;
    assert_true(pkt_pools_init(&pools, 1, 0));
    trace_init(&t, 1);
    struct pkt *k = pkt_new(&pools, 10);
    pkt_append(k, 10);
    k->id = 77;
    trace_drop(&t, k, WHY_IP_TTL, 5);
    trace_count(&t, WHY_IP_TTL, 6);
    assert_int_equal(pools.small.used, 0);
    assert_int_equal(t.drops[WHY_IP_TTL], 2);
    assert_int_equal(t.ring_head, 2);
    assert_int_equal(EVENT_BODY_OF(&t.ring[0], pkt_drop)->pkt, 77);
    assert_int_equal(EVENT_BODY_OF(&t.ring[0], pkt_drop)->why, WHY_IP_TTL);
    pkt_pools_fini(&pools);
}

/* Every field is found where the compiler put it. */
static void fields_lie_where_they_should(void **state)
{
    (void)state;
    struct event e = { .kind = EV_tcp_open };
    const struct ev_tcp_open o = { .local = addr4(1), .remote = addr4(2), .local_port = 3, .remote_port = 4, .passive = 5 };
    memcpy(e.body, &o, sizeof o);
    assert_memory_equal(event_field(&e, 0), &o.local, sizeof o.local);
    assert_memory_equal(event_field(&e, 1), &o.remote, sizeof o.remote);
    assert_int_equal(*(const trace_u16 *)event_field(&e, 3), 4);
    assert_int_equal(*(const trace_u8 *)event_field(&e, 4), 5);
    e.kind = EV_neigh_learned;
    const struct ev_neigh_learned a = { .iface = 1, .target = addr4(9), .mac = MAC_BROADCAST };
    memcpy(e.body, &a, sizeof a);
    assert_memory_equal(event_field(&e, 1), &a.target, sizeof a.target);
    assert_memory_equal(event_field(&e, 2), &a.mac, sizeof a.mac);
}

static void every_reason_has_its_words(void **state)
{
    (void)state;
    for (int i = 0; i < WHY_COUNT; i++) {
        const char *text = why_text((enum why)i);
        assert_true(strlen(text) > 5 && text[strlen(text) - 1] != '.');
        assert_non_null(why_section((enum why)i));
        for (int k = 0; k < i; k++)
            assert_string_not_equal(why_name((enum why)i), why_name((enum why)k));
    }
    assert_string_equal(why_name(WHY_COUNT), "?");
    assert_string_equal(tcp_state_name(0), "CLOSED");
    assert_string_equal(tcp_state_name(10), "TIME-WAIT");
    assert_string_equal(tcp_state_name(11), "?");
    assert_null(event_desc(EV_COUNT));
}

TESTS(off_costs_nothing, the_sink_gets_what_it_asked_for, the_recorder_keeps_the_last, the_walk_is_oldest_first, drops_are_counted_and_said,
      fields_lie_where_they_should, every_reason_has_its_words)
