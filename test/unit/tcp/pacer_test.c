/* Departure times. */
#include "pair.h"

static uint8_t page[4 << 20];

struct tally { int64_t last_ns, burst_begin_ns; uint64_t bytes, burst, most_burst; uint32_t large; };

static bool tally(struct pair *p, struct end *from, struct pkt *k, const struct tcp_header *h, uint32_t text)
{
    struct tally *t = p->arg;
    (void)h;
    if (from != &p->a || text == 0)
        return true;
    if (p->now_ns - t->last_ns > 100000)
        t->burst = 0;
    t->burst += text;
    t->last_ns = p->now_ns;
    t->bytes += text;
    if (text > t->large)
        t->large = text;
    if (t->bytes > 200000 && t->burst > t->most_burst)
        t->most_burst = t->burst;
    (void)k;
    return true;
}

static struct tally send_all(struct pair_config cfg, int64_t delay_ns, int64_t for_ns)
{
    struct tally t = { 0 };
    static uint8_t sink[65536];
    cfg.a.send_buffer = cfg.b.recv_buffer = 1 << 20;
    struct pair *p = pair_new(&cfg);
    p->delay_ns = delay_ns;
    pair_listen(p, NULL);
    pair_connect(p, NULL);
    p->watch = tally;
    p->arg = &t;
    const int64_t end_ns = p->now_ns + for_ns;
    while (p->now_ns < end_ns) {
        put(&p->a, page, sizeof page, p->now_ns);
        while (get(&p->b, sink, sizeof sink, p->now_ns))
            ;
        if (!pair_step(p, end_ns))
            break;
    }
    p->watch = NULL;
    tcp_abort(p->a.conn, p->now_ns);
    tcp_abort(p->b.conn, p->now_ns);
    pair_exchange(p);
    pair_free(p);
    return t;
}

/* The window is limited by 1 MiB of buffers: 1 MiB in 40 ms, 26 MB/s. */
static void bursts_are_short(void **state)
{
    (void)state;
    const struct tally paced = send_all((struct pair_config){ .a.congestion = TCP_CC_RENO }, 20 * NS_PER_MS, 2 * NS_PER_SEC);
    const struct tally not = send_all((struct pair_config){ .a = { .congestion = TCP_CC_RENO, .no_pacing = true } }, 20 * NS_PER_MS, 2 * NS_PER_SEC);
    assert_true(paced.bytes > 20 << 20);
    assert_true(paced.bytes > not.bytes / 10 * 9);                  /* nothing is lost by it */
    assert_true(paced.most_burst < 150000);                         /* a millisecond of twice the window, and a segment */
    assert_true(not.most_burst > 2 * paced.most_burst);
}

/* Packets are as large as a millisecond of the rate, and whole ones where it is a fast path. */
static void large_packets_stay_large(void **state)
{
    (void)state;
    const struct tally slow = send_all((struct pair_config){ .a.congestion = TCP_CC_RENO, .gso = 65535, .tx_csum = true }, 100 * NS_PER_MS, NS_PER_SEC / 2);
    const struct tally fast = send_all((struct pair_config){ .a.congestion = TCP_CC_RENO, .gso = 65535, .tx_csum = true }, NS_PER_MS, NS_PER_SEC);
    assert_true(fast.large > 60000);
    assert_true(slow.large > 2000 && slow.large < 30000);
}

static void idle_has_no_timer(void **state)
{
    (void)state;
    struct pair_config cfg = { .a.congestion = TCP_CC_RENO };
    static uint8_t sink[65536];
    struct pair *p = pair_new(&cfg);
    p->delay_ns = 50 * NS_PER_MS;
    pair_listen(p, NULL);
    pair_connect(p, NULL);
    put(&p->a, page, 100000, p->now_ns);
    size_t got = 0;
    while (pair_step(p, p->now_ns + NS_PER_SEC) && got < 100000)
        got += get(&p->b, sink, sizeof sink, p->now_ns);
    pair_run(p, 10 * NS_PER_SEC);
    assert_int_equal(tcp_deadline(p->a.tcp), DEADLINE_NEVER);
    tcp_abort(p->a.conn, p->now_ns);
    tcp_abort(p->b.conn, p->now_ns);
    pair_exchange(p);
    pair_free(p);
}

TESTS(bursts_are_short, large_packets_stay_large, idle_has_no_timer)
