/* A path that loses large packets without a word: the transfer goes on, the search finds
 * what fits, and later what fits again. */
#include "pair.h"

static uint32_t limit;

static bool hole(struct pair *p, struct end *from, struct pkt *k, const struct tcp_header *h, uint32_t text)
{
    (void)p;
    (void)from;
    (void)k;
    return 20u + h->header_len + text <= limit;
}

/* Moves so many bytes, for at most so long; how long it took. */
static int64_t transfer(struct pair *p, uint32_t bytes, int64_t most_ns)
{
    static uint8_t out[8192], in[65536];
    const int64_t begin_ns = p->now_ns;
    uint32_t sent = 0, got = 0;
    while (got < bytes && p->now_ns - begin_ns < most_ns) {
        while (sent < bytes) {
            for (uint32_t i = 0; i < sizeof out; i++)
                out[i] = (uint8_t)((sent + i) * 13);
            const size_t n = put(&p->a, out, bytes - sent < sizeof out ? bytes - sent : sizeof out, p->now_ns);
            sent += (uint32_t)n;
            if (n == 0)
                break;
        }
        pair_run(p, 5 * NS_PER_MS);
        for (size_t n; (n = get(&p->b, in, sizeof in, p->now_ns)); got += (uint32_t)n)
            for (size_t i = 0; i < n; i++)
                assert_int_equal(in[i], (uint8_t)((got + i) * 13));
    }
    assert_int_equal(got, bytes);
    return p->now_ns - begin_ns;
}

static void black_holes(void **state)
{
    (void)state;
    static const uint32_t limits[] = { 400, 600, 900, 1100, 1280, 1400, 1492, 1499 };
    for (unsigned i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct pair_config cfg = { .seed = i };
        cfg.a = cfg.b = (struct tcp_config){ .congestion = TCP_CC_RENO, .no_pacing = true, .ecn = TCP_ECN_OFF };
        struct pair *p = pair_new(&cfg);
        limit = 1500;
        p->delay_ns = 5 * NS_PER_MS;
        pair_listen(p, NULL);
        pair_connect(p, NULL);
        p->watch = hole;
        limit = limits[i];
        assert_true(transfer(p, 1000000, 60 * NS_PER_SEC) < 15 * NS_PER_SEC);
        const uint32_t size = p->a.conn->mss + 20u + tcp_header_bytes(p->a.conn);
        assert_in_range(size, limit - 40 < 296 ? 296 : limit - 40, limit);
        limit = 1500;                                           /* the path is mended: ten minutes later that is found out */
        pair_run(p, 601 * NS_PER_SEC);
        transfer(p, 1000000, 60 * NS_PER_SEC);
        assert_int_equal(p->a.conn->mss, 1448);
        tcp_abort(p->a.conn, p->now_ns);
        pair_run(p, NS_PER_SEC);
        tcp_close(p->b.conn, p->now_ns);
        pair_free(p);
    }
}

static void from_below(void **state)
{
    (void)state;
    struct pair_config cfg = { .seed = 3 };
    cfg.a = cfg.b = (struct tcp_config){ .congestion = TCP_CC_RENO, .no_pacing = true, .ecn = TCP_ECN_OFF, .mtu_probing = MTU_PROBING_ALWAYS };
    struct pair *p = pair_new(&cfg);
    pair_listen(p, NULL);
    pair_connect(p, NULL);
    assert_int_equal(p->a.conn->mss, 1064 - 52);
    transfer(p, 500000, 60 * NS_PER_SEC);
    assert_int_equal(p->a.conn->mss, 1448);
    assert_int_equal(tcp_rare(p->a.conn)->retransmits, 0);
    tcp_abort(p->a.conn, p->now_ns);
    pair_run(p, NS_PER_SEC);
    tcp_close(p->b.conn, p->now_ns);
    pair_free(p);
}

TESTS(black_holes, from_below)
