/* BBR against a path of known bandwidth and round trip: what it learns, and what it does with it. */
#include "../test.h"
#include "base/time.h"
#include "tcp/cc.h"

enum { MSS = 1000 };

/* Segments arrive at `bw` bytes a second and are acknowledged one round trip after they left; the queue is what is in
 * flight beyond the path's product. */
struct path_model {
    struct tcp_cc cc;
    uint64_t own[64];
    uint64_t bw;
    int64_t  rtt_ns, now_ns;
    int64_t  last_ns;                   /* the round trip before, queue and all */
    uint32_t delivered, acked_segments;
    uint32_t most_in_flight, least_in_flight;
    double   lost;                      /* share */
    bool     app_limited;
};

static struct path_model model(uint64_t bw, int64_t rtt_ns)
{
    struct path_model m = { .cc = { .ops = &cc_bbr }, .bw = bw, .rtt_ns = rtt_ns, .now_ns = NS_PER_SEC };
    assert_true(cc_bbr.own_size <= sizeof m.own);
    cc_bbr.start(&m.cc, &(struct cc_start){ .mss = MSS, .initial_window = 10 });
    return m;
}

/* One round trip at what cwnd and pacing allow. */
static void round_trip(struct path_model *m)
{
    m->cc.own = m->own;
    const uint64_t bdp = m->bw * (uint64_t)m->rtt_ns / NS_PER_SEC;
    const uint64_t rate = m->cc.pacing ? m->cc.pacing : (uint64_t)m->cc.cwnd * 2 * NS_PER_SEC / (uint64_t)m->rtt_ns;
    uint64_t window = rate * (uint64_t)time_max(m->last_ns, m->rtt_ns) / NS_PER_SEC;
    window = window < m->cc.cwnd ? window : m->cc.cwnd;
    if (m->app_limited && window > bdp / 4)
        window = bdp / 4;
    const uint64_t queue = window > bdp ? window - bdp : 0;
    const int64_t rtt_ns = m->rtt_ns + (int64_t)(queue * NS_PER_SEC / m->bw);
    m->last_ns = rtt_ns;
    const uint32_t n = window / MSS ? (uint32_t)(window / MSS) : 1;
    const uint32_t before = m->delivered;
    m->most_in_flight = cc_max(m->most_in_flight, n * MSS);
    for (uint32_t i = 0; i < n; i++) {
        m->now_ns += rtt_ns / n;
        m->delivered += MSS;
        const struct rate_sample r = { .newly_delivered = MSS, .newly_lost = m->lost > 0 && ++m->acked_segments % (uint32_t)(1 / m->lost) == 0 ? MSS : 0,
            .delivered_total = m->delivered, .prior_delivered = before + i * MSS >= n * MSS ? m->delivered - n * MSS : before,
            .delivered = n * MSS, .interval_ns = rtt_ns, .app_limited = m->app_limited };
        cc_bbr.on_ack(&m->cc, &(struct cc_ack){ .bytes = MSS, .in_flight = n * MSS, .pipe = (n - 1) * MSS, .mss = MSS, .una = seq(m->delivered),
            .nxt = seq(m->delivered + n * MSS), .quantum = 2 * MSS, .rate = &r, .rtt_ns = rtt_ns, .srtt_ns = rtt_ns, .now_ns = m->now_ns });
    }
}

static void assert_near(double value, double wanted, double share)
{
    if (value < wanted * (1 - share) || value > wanted * (1 + share))
        fail_msg("%f is not within %.0f%% of %f", value, share * 100, wanted);
}

static void learns_the_path(void **state)
{
    (void)state;
    struct path_model m = model(1000000, 100 * NS_PER_MS);      /* a product of 100 segments */
    for (int i = 0; i < 5; i++)
        round_trip(&m);
    assert_true(m.cc.cwnd > 100 * MSS);                         /* startup doubles */
    for (int i = 0; i < 20; i++)
        round_trip(&m);
    double least = 1e18, most = 0, sum = 0;
    for (int i = 0; i < 32; i++) {
        round_trip(&m);
        least = (double)m.cc.pacing < least ? (double)m.cc.pacing : least;
        most = (double)m.cc.pacing > most ? (double)m.cc.pacing : most;
        sum += (double)m.cc.pacing;
    }
    assert_near(sum / 32, 1e6, 0.05);                           /* the bottleneck's rate on average */
    assert_near(most, 1.25e6, 0.05);                            /* probing for more */
    assert_near(least, 0.75e6, 0.05);                           /* and draining what that queued */
    assert_near(m.cc.cwnd, 200.0 * MSS, 0.10);                  /* twice the product, and some segments */
}

static void follows_a_change(void **state)
{
    (void)state;
    struct path_model m = model(1000000, 100 * NS_PER_MS);
    for (int i = 0; i < 40; i++)
        round_trip(&m);
    m.bw = 2000000;
    for (int i = 0; i < 60; i++)
        round_trip(&m);
    assert_near((double)m.cc.pacing, 2e6, 0.3);
    m.bw = 500000;
    for (int i = 0; i < 60; i++)
        round_trip(&m);
    assert_near((double)m.cc.pacing, 5e5, 0.3);                 /* the old maximum is forgotten after ten rounds */
}

static void loss_is_no_signal(void **state)
{
    (void)state;
    struct path_model m = model(1000000, 100 * NS_PER_MS);
    for (int i = 0; i < 30; i++)
        round_trip(&m);
    const uint32_t cwnd = m.cc.cwnd;
    cc_bbr.on_loss(&m.cc, &(struct cc_loss){ .cause = CC_FAST_RETRANSMIT, .in_flight = 100 * MSS, .pipe = 99 * MSS, .mss = MSS,
                                             .delivered_total = m.delivered, .now_ns = m.now_ns });
    assert_true(m.cc.cwnd <= 100 * MSS);                        /* a round of conservation */
    for (int i = 0; i < 3; i++)
        round_trip(&m);
    cc_bbr.on_recovered(&m.cc, &(struct cc_done){ .in_flight = 100 * MSS, .mss = MSS, .now_ns = m.now_ns });
    assert_true(m.cc.cwnd >= cwnd - MSS);
    m.lost = 0.01;
    double sum = 0;
    for (int i = 0; i < 32; i++) {
        round_trip(&m);
        sum += (double)m.cc.pacing;
    }
    assert_near(sum / 32, 1e6, 0.05);
    const uint32_t before = m.cc.cwnd;
    cc_bbr.on_loss(&m.cc, &(struct cc_loss){ .cause = CC_TIMEOUT, .in_flight = 100 * MSS, .mss = MSS, .delivered_total = m.delivered, .now_ns = m.now_ns });
    assert_int_equal(m.cc.cwnd, MSS);
    cc_bbr.on_undo(&m.cc, &(struct cc_done){ .mss = MSS, .now_ns = m.now_ns });
    assert_int_equal(m.cc.cwnd, before);
}

static void probes_the_round_trip(void **state)
{
    (void)state;
    struct path_model m = model(1000000, 100 * NS_PER_MS);
    for (int i = 0; i < 30; i++)
        round_trip(&m);
    m.rtt_ns = 150 * NS_PER_MS;                                 /* the path has become longer: no sample confirms the old minimum */
    uint32_t least = UINT32_MAX;
    const int64_t start_ns = m.now_ns;
    while (m.now_ns < start_ns + 12 * NS_PER_SEC) {
        round_trip(&m);
        least = cc_min(least, m.cc.cwnd);
    }
    assert_int_equal(least, 4 * MSS);                           /* for a moment the queue, if any, is emptied */
    for (int i = 0; i < 20; i++)
        round_trip(&m);
    assert_near(m.cc.cwnd, 300.0 * MSS, 0.15);
}

static void an_idle_application_teaches_nothing(void **state)
{
    (void)state;
    struct path_model m = model(1000000, 100 * NS_PER_MS);
    for (int i = 0; i < 30; i++)
        round_trip(&m);
    m.app_limited = true;
    for (int i = 0; i < 5; i++)
        round_trip(&m);
    assert_true(m.cc.pacing > 700000);
    cc_bbr.on_idle(&m.cc, &(struct cc_start){ .mss = MSS, .initial_window = 10 });
    assert_near((double)m.cc.pacing, 1e6, 0.05);                /* it begins again at the path's rate */
    assert_true(m.cc.cwnd > 100 * MSS);
}

TESTS(learns_the_path, follows_a_change, loss_is_no_signal, probes_the_round_trip, an_idle_application_teaches_nothing)
