/* The emulated link, and the text that describes one. */
#include "../test.h"
#include "link/impair.h"
#include "wire/eth.h"

static struct pkt_pools pools;
static struct trace trace;

static struct impair *make(struct impair_config c)
{
    assert_true(pkt_pools_init(&pools, 4096, 8));
    trace_init(&trace, 0);
    struct impair *i = impair_new(&c, 1, &trace, &pools);
    assert_non_null(i);
    return i;
}

static void unmake(struct impair *i)
{
    impair_free(i);
    assert_int_equal(pools.small.used, 0);
    pkt_pools_fini(&pools);
}

/* A frame whose payload carries `n`. */
static struct pkt *frame(uint32_t n, uint32_t len)
{
    struct pkt *k = pkt_new(&pools, len);
    struct writer w = writer_of(pkt_append(k, len), len);
    eth_write(&w, &(struct eth){ .type = ETH_IP4 });
    wr_u32(&w, n);
    wr_fill(&w, 0, len - ETH_HEADER - 4);
    return k;
}
static uint32_t number(const struct pkt *k) { return load_be32(pkt_head_const(k) + ETH_HEADER); }

static void delay_and_rate(void **state)
{
    (void)state;
    struct impair *i = make((struct impair_config){ .delay_ns = 10 * NS_PER_MS, .rate_bits_s = 8000000 });    /* a byte a microsecond */
    for (uint32_t n = 0; n < 3; n++)
        impair_push(i, frame(n, 976), 0);       /* 1000 with what surrounds a frame on the wire */
    assert_int_equal(impair_deadline(i), 11 * NS_PER_MS);
    assert_null(impair_pull(i, 11 * NS_PER_MS - 1));
    for (uint32_t n = 0; n < 3; n++) {
        struct pkt *k = impair_pull(i, DEADLINE_NEVER);
        assert_int_equal(number(k), n);
        assert_int_equal(k->time_ns, (11 + n) * NS_PER_MS);
        pkt_free(k);
    }
    assert_int_equal(impair_deadline(i), DEADLINE_NEVER);
    unmake(i);
}

static void queue_and_mtu(void **state)
{
    (void)state;
    struct impair *i = make((struct impair_config){ .rate_bits_s = 8000, .queue_bytes = 10000, .mtu = 1000 });
    for (uint32_t n = 0; n < 20; n++)
        impair_push(i, frame(n, 976), 0);
    assert_in_range(trace.drops[WHY_LINK_QUEUE_FULL], 8, 10);
    impair_push(i, frame(0, 1014), DEADLINE_NEVER / 2);
    assert_int_equal(trace.drops[WHY_LINK_MTU], 0);
    impair_push(i, frame(0, 1015), DEADLINE_NEVER / 2);
    assert_int_equal(trace.drops[WHY_LINK_MTU], 1);
    unmake(i);
}

enum { MANY = 2000 };

/* Sends MANY, one a millisecond; counts what arrives, out of order, twice, changed. */
struct seen { unsigned arrived, late, twice, changed; };

static struct seen send_many(struct impair *i)
{
    struct seen s = { 0 };
    static unsigned times[MANY];
    uint32_t highest = 0;
    memset(times, 0, sizeof times);
    for (uint32_t n = 0; n < MANY + 100; n++) {
        if (n < MANY)
            impair_push(i, frame(n, 100), n * NS_PER_MS);
        for (struct pkt *k; (k = impair_pull(i, n * NS_PER_MS)); pkt_free(k)) {
            const uint32_t got = number(k);
            unsigned bits = 0;
            for (uint32_t at = ETH_HEADER + 4; at < k->len; at++)
                bits += pkt_head(k)[at] != 0;
            s.arrived++;
            if (bits || got >= MANY) {
                s.changed++;
                continue;
            }
            s.twice += times[got]++ > 0;
            s.late += got < highest;
            highest = got > highest ? got : highest;
        }
    }
    return s;
}

static void shares_hold(void **state)
{
    (void)state;
    struct impair *i = make((struct impair_config){ .delay_ns = 5 * NS_PER_MS, .loss = 0.1 });
    struct seen s = send_many(i);
    assert_in_range(MANY - s.arrived, MANY / 10 - 60, MANY / 10 + 60);
    assert_int_equal(trace.drops[WHY_LINK_LOSS], MANY - s.arrived);
    assert_int_equal(s.late + s.twice + s.changed, 0);
    unmake(i);
    i = make((struct impair_config){ .delay_ns = 5 * NS_PER_MS, .reorder = 0.1 });
    s = send_many(i);
    assert_int_equal(s.arrived, MANY);
    assert_in_range(s.late, MANY / 20, MANY / 10 + 60);
    unmake(i);
    i = make((struct impair_config){ .duplicate = 0.1, .jitter_ns = 4 * NS_PER_MS });
    s = send_many(i);
    assert_in_range(s.twice, MANY / 10 - 60, MANY / 10 + 60);
    assert_int_equal(s.late, 0);        /* jitter keeps the order */
    unmake(i);
    i = make((struct impair_config){ .corrupt = 0.1 });
    s = send_many(i);
    assert_int_equal(s.arrived, MANY);
    assert_in_range(s.changed, MANY / 10 - 80, MANY / 10 + 60);
    unmake(i);
}

static void arp_is_not_corrupted(void **state)
{
    (void)state;
    struct impair *i = make((struct impair_config){ .corrupt = 1 });
    struct pkt *k = frame(5, 60);
    store_be16(pkt_head(k) + 12, ETH_ARP);
    impair_push(i, k, 0);
    k = impair_pull(i, 0);
    assert_int_equal(number(k), 5);
    pkt_free(k);
    unmake(i);
}

static void borrowed_bytes_are_copied(void **state)
{
    (void)state;
    struct impair *i = make((struct impair_config){ .delay_ns = 1 });
    char bytes[] = "borrowed";
    struct pkt *k = frame(1, 60);
    assert_true(pkt_borrow(k, (const uint8_t *)bytes, 8));
    impair_push(i, k, 0);
    memset(bytes, 0, sizeof bytes);
    k = impair_pull(i, 1);
    assert_int_equal(k->len, 68);
    assert_memory_equal(pkt_head(k) + 60, "borrowed", 8);
    pkt_free(k);
    unmake(i);
}

/* Behind a queue of 2000 bytes what is capable of ECN is marked; the figures add up. */
static void marks_instead_of_waiting(void **state)
{
    (void)state;
    struct impair *i = make((struct impair_config){ .rate_bits_s = 8000000, .ecn_bytes = 2000, .queue_bytes = 4000 });
    unsigned marked = 0, passed = 0;
    for (uint32_t n = 0; n < 8; n++) {
        struct pkt *k = frame(n, 976);
        pkt_head(k)[ETH_HEADER] = 0x45;
        pkt_head(k)[ETH_HEADER + 1] = n == 4 ? 0 : 2;           /* ECT(0), but for one */
        impair_push(i, k, 0);
    }
    for (struct pkt *k; (k = impair_pull(i, DEADLINE_NEVER)); passed++) {
        marked += pkt_head(k)[ETH_HEADER + 1] == 3;
        pkt_free(k);
    }
    struct impair_stats s;
    impair_stats(i, &s);
    assert_int_equal(passed, 5);                                /* 0 to 4000 bytes before them */
    assert_int_equal(marked, 1);                                /* 3000 before it; 4000 before the one not capable */
    assert_int_equal(s.packets, 5);
    assert_int_equal(s.overflowed, 3);
    assert_int_equal(s.marked, 1);
    assert_int_equal(s.waited_ns, 10 * NS_PER_MS);              /* 0 + 1 + 2 + 3 + 4 */
    assert_int_equal(s.waited_max_ns, 4 * NS_PER_MS);
    unmake(i);
}

static void text(void **state)
{
    (void)state;
    struct impair_config c;
    char error[200];
    assert_true(impair_parse("rtt=80ms rate=10mbit,loss=1%  jitter=5ms queue=64KiB reorder=2% duplicate=0.5% corrupt=0.1 mtu=1400", &c, error));
    assert_int_equal(c.delay_ns, 40 * NS_PER_MS);
    assert_int_equal(c.rate_bits_s, 10000000);
    assert_int_equal(c.queue_bytes, 65536);
    assert_int_equal(c.jitter_ns, 5 * NS_PER_MS);
    assert_true(c.loss > 0.0099 && c.loss < 0.0101 && c.corrupt > 0.099 && c.corrupt < 0.101);
    assert_int_equal(c.mtu, 1400);
    assert_true(impair_parse("ecn=30KiB", &c, error));
    assert_int_equal(c.ecn_bytes, 30720);
    assert_true(impair_parse("", &c, error));
    assert_true(impair_parse(" , ", &c, error));
    static const char *const bad[] = { "los=1%", "loss", "loss=", "loss=2", "rtt=5", "mtu=10", "mtu=70000", "rate=0bit", "queue=0", "=1",
                                       "loss=1%;rtt=1ms", "loss=1% x", "rtt=00000000000000000000000000000000000000000000000000000000000000000001ms" };
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        error[0] = 0;
        if (impair_parse(bad[k], &c, error))
            fail_msg("'%s' was taken", bad[k]);
        assert_true(strlen(error) > 10);
    }
    assert_false(impair_parse("los=1%", &c, error));
    assert_non_null(strstr(error, "'los'"));
    assert_non_null(strstr(error, "loss jitter"));
}

TESTS(delay_and_rate, queue_and_mtu, shares_hold, arp_is_not_corrupted, borrowed_bytes_are_copied, marks_instead_of_waiting, text)
