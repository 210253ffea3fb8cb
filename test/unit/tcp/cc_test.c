/* CUBIC (RFC 9438) and HyStart++ (RFC 9406) by their own equations. */
#include "../test.h"
#include "base/time.h"
#include "tcp/slow_start.h"

enum { MSS = 1000 };

struct flow { struct tcp_cc cc; uint64_t own[64]; uint32_t una; int64_t now_ns; };

/* A flow that has begun; its memory is f.own, once it stands where it stays (fix). */
static struct flow flow_of(const struct cc_ops *ops, uint32_t cwnd, uint32_t ssthresh)
{
    struct flow f = { .cc = { .ops = ops }, .now_ns = NS_PER_SEC };
    assert_true(ops->own_size <= sizeof f.own);
    f.cc.own = f.own;
    ops->start(&f.cc, &(struct cc_start){ .mss = MSS, .initial_window = 10 });
    f.cc.cwnd = cwnd;
    f.cc.ssthresh = ssthresh;
    return f;
}

static void fix(struct flow *f) { f->cc.own = f->own; }

/* One segment is acknowledged while `in_flight` bytes are. */
static void ack(struct flow *f, uint32_t in_flight, int64_t rtt_ns)
{
    f->una += MSS;
    f->cc.ops->on_ack(&f->cc, &(struct cc_ack){ .bytes = MSS, .in_flight = in_flight, .mss = MSS, .una = seq(f->una), .nxt = seq(f->una + in_flight),
                                                .paced = true, .rtt_ns = rtt_ns, .srtt_ns = rtt_ns, .now_ns = f->now_ns });
}

/* One round trip: every segment of the window is acknowledged, spread over it. */
static void round_trip(struct flow *f, int64_t rtt_ns)
{
    const uint32_t n = f->cc.cwnd / MSS;
    for (uint32_t i = 0; i < n; i++) {
        f->now_ns += rtt_ns / n;
        ack(f, f->cc.cwnd, rtt_ns);
    }
}

static void lose(struct flow *f, enum cc_cause cause)
{
    f->cc.ops->on_loss(&f->cc, &(struct cc_loss){ .cause = cause, .in_flight = f->cc.cwnd, .mss = MSS, .now_ns = f->now_ns });
}

static void assert_near(double value, double wanted, double share)
{
    if (value < wanted * (1 - share) || value > wanted * (1 + share))
        fail_msg("%f is not within %.1f%% of %f", value, share * 100, wanted);
}

/* RFC9438-4.6 RFC9438-4.2a RFC9438-4.2b RFC9438-4.2c RFC9438-4.4 RFC9438-4.5 RFC9438-5.1 */
static void cubic_curve(void **state)
{
    (void)state;
    const int64_t rtt = 100 * NS_PER_MS;
    struct flow f = flow_of(&cc_cubic, 1000 * MSS, 1000 * MSS);
    fix(&f);
    round_trip(&f, rtt);
    f.cc.cwnd = 1000 * MSS;
    lose(&f, CC_FAST_RETRANSMIT);
    assert_near(f.cc.cwnd, 700.0 * MSS, 0.003);                 /* beta */
    assert_int_equal(f.cc.cwnd, f.cc.ssthresh);
    const int64_t start = f.now_ns;
    const double k = 9.0856, c = 0.4;                           /* K = cbrt(1000 * 0.3 / 0.4) */
    uint32_t before = f.cc.cwnd;
    while (f.now_ns < start + 15 * NS_PER_SEC) {
        round_trip(&f, rtt);
        const double t = (double)(f.now_ns - start) / 1e9;
        if (t > 1) {
            assert_near(f.cc.cwnd, ((t - k) * (t - k) * (t - k) * c + 1000) * MSS, 0.02);
            assert_true(f.cc.cwnd >= before);
        }
        before = f.cc.cwnd;
    }
    assert_true(f.cc.cwnd > 1050 * MSS);                        /* convex beyond K */
}

/* RFC9438-4.3a RFC9438-4.3b RFC9438-4.3c: short RTT, small window: as fast as Reno */
static void cubic_reno_friendly(void **state)
{
    (void)state;
    const int64_t rtt = 10 * NS_PER_MS;
    struct flow f = flow_of(&cc_cubic, 40 * MSS, 40 * MSS);
    fix(&f);
    round_trip(&f, rtt);
    f.cc.cwnd = 40 * MSS;
    lose(&f, CC_FAST_RETRANSMIT);
    round_trip(&f, rtt);
    const uint32_t from = f.cc.cwnd;
    for (int i = 0; i < 15; i++)
        round_trip(&f, rtt);
    assert_near(f.cc.cwnd - from, 15 * 0.5294 * MSS, 0.1);      /* alpha a round trip */
    while (f.cc.cwnd < 41 * MSS)
        round_trip(&f, rtt);
    const uint32_t beyond = f.cc.cwnd;
    for (int i = 0; i < 10; i++)
        round_trip(&f, rtt);
    assert_near(f.cc.cwnd - beyond, 10.0 * MSS, 0.1);           /* one segment beyond the old window */
}

/* RFC9438-4.7, and that a loss above W_max does not converge */
static void cubic_fast_convergence(void **state)
{
    (void)state;
    struct flow f = flow_of(&cc_cubic, 1000 * MSS, 1000 * MSS);
    fix(&f);
    lose(&f, CC_FAST_RETRANSMIT);                               /* W_max 1000, cwnd 700 */
    lose(&f, CC_FAST_RETRANSMIT);                               /* 700 < 1000: W_max = 700 * 0.85 */
    assert_near(f.cc.cwnd, 490.0 * MSS, 0.001);
    const int64_t start = f.now_ns;
    const double k = 6.4035;                                    /* cbrt((595 - 490) / 0.4) */
    while (f.now_ns < start + (int64_t)(k * 1e9))
        round_trip(&f, 100 * NS_PER_MS);
    assert_near(f.cc.cwnd, 595.0 * MSS, 0.01);
}

/* RFC9438-4.8 RFC9438-4.10: no W_max: convex from where congestion avoidance begins */
static void cubic_after_timeout(void **state)
{
    (void)state;
    const int64_t rtt = 100 * NS_PER_MS;
    struct flow f = flow_of(&cc_cubic, 1000 * MSS, 1000 * MSS);
    fix(&f);
    lose(&f, CC_TIMEOUT);
    assert_int_equal(f.cc.cwnd, MSS);
    assert_near(f.cc.ssthresh, 700.0 * MSS, 0.001);
    lose(&f, CC_TIMEOUT_AGAIN);
    assert_near(f.cc.ssthresh, 700.0 * MSS, 0.001);             /* not reduced twice */
    while (f.cc.cwnd < f.cc.ssthresh)
        round_trip(&f, rtt);
    const int64_t start = f.now_ns;
    const double from = (double)f.cc.cwnd / MSS;
    while (f.now_ns < start + 5 * NS_PER_SEC)
        round_trip(&f, rtt);
    const double t = (double)(f.now_ns - start) / 1e9;
    assert_near(f.cc.cwnd, (0.4 * t * t * t + from) * MSS, 0.02);
}

/* RFC9438-4.9 */
static void cubic_undo(void **state)
{
    (void)state;
    struct flow f = flow_of(&cc_cubic, 100 * MSS, CC_SSTHRESH_NONE);
    fix(&f);
    lose(&f, CC_FAST_RETRANSMIT);
    assert_int_equal(f.cc.cwnd, 70 * MSS);
    f.cc.ops->on_undo(&f.cc, &(struct cc_done){ .mss = MSS, .now_ns = f.now_ns });
    assert_int_equal(f.cc.cwnd, 100 * MSS);
    assert_int_equal(f.cc.ssthresh, CC_SSTHRESH_NONE);
    lose(&f, CC_FAST_RETRANSMIT);
    assert_int_equal(f.cc.cwnd, 70 * MSS);                      /* no fast convergence from a loss that was none */
    const int64_t start = f.now_ns;
    while (f.now_ns < start + (int64_t)(4.2172 * 1e9))          /* cbrt(30 / 0.4) */
        round_trip(&f, 100 * NS_PER_MS);
    assert_near(f.cc.cwnd, 100.0 * MSS, 0.02);
}

/* RFC9438-5.8: time in which the application does not use the window is no time */
static void cubic_application_limited(void **state)
{
    (void)state;
    const int64_t rtt = 100 * NS_PER_MS;
    struct flow f = flow_of(&cc_cubic, 1000 * MSS, 1000 * MSS);
    fix(&f);
    lose(&f, CC_FAST_RETRANSMIT);
    for (int i = 0; i < 10; i++)
        round_trip(&f, rtt);
    const uint32_t window = f.cc.cwnd;
    for (int i = 0; i < 3; i++)                                 /* rounds in which little is in flight */
        for (int j = 0; j < 100; j++) {
            f.now_ns += rtt / 100;
            ack(&f, 100 * MSS, rtt);
        }
    const uint32_t still = f.cc.cwnd;
    for (int i = 0; i < 3000; i++) {
        f.now_ns += 10 * NS_PER_MS;
        ack(&f, 100 * MSS, rtt);
    }
    assert_int_equal(f.cc.cwnd, still);
    round_trip(&f, rtt);
    assert_true(f.cc.cwnd < window + window / 5);               /* 30 s on the curve would have been 4600 segments more */
}

/* RFC 9438 §5.2, table 2: RTT 0.1 s, C 0.4: the average window for a loss of every 1/p-th packet. */
static double average_window(double p)
{
    const int64_t rtt = 100 * NS_PER_MS;
    struct flow f = flow_of(&cc_cubic, 10 * MSS, 10 * MSS);
    fix(&f);
    double packets = 0, sum = 0, rounds = 0;
    for (int losses = 0; losses < 120;) {
        const double n = f.cc.cwnd / MSS;
        round_trip(&f, rtt);
        packets += n;
        if (losses >= 60) {
            sum += n;
            rounds++;
        }
        if (packets >= 1 / p) {
            packets -= 1 / p;
            losses++;
            lose(&f, CC_FAST_RETRANSMIT);
        }
    }
    return sum / rounds;
}

/* RFC9438-5.2 */
static void cubic_response(void **state)
{
    (void)state;
    assert_near(average_window(1e-2), 12, 0.15);
    assert_near(average_window(1e-3), 38, 0.15);
    assert_near(average_window(1e-4), 187, 0.15);
    assert_near(average_window(1e-5), 1054, 0.15);
}

/* -------------------------------------------------------------- HyStart++ */

static void rounds(struct flow *f, int n, int64_t rtt_ns)
{
    for (int i = 0; i < n; i++)
        round_trip(f, rtt_ns);
}

/* RFC9406-4.2a RFC9406-4.2b RFC9406-4.2d RFC9406-4.3 */
static void hystart_leaves_by_delay(void **state)
{
    (void)state;
    struct flow f = flow_of(&cc_reno, 10 * MSS, CC_SSTHRESH_NONE);
    fix(&f);
    rounds(&f, 3, 40 * NS_PER_MS);
    assert_int_equal(f.cc.cwnd, 80 * MSS);                      /* doubled three times */
    rounds(&f, 1, 44 * NS_PER_MS);
    const uint32_t grown = f.cc.cwnd;
    assert_int_equal(f.cc.ssthresh, CC_SSTHRESH_NONE);
    rounds(&f, 1, 50 * NS_PER_MS);                              /* more than an eighth above the round before */
    assert_true(f.cc.cwnd < grown + grown / 2);                 /* a quarter of the growth */
    rounds(&f, 3, 50 * NS_PER_MS);
    assert_int_equal(f.cc.ssthresh, CC_SSTHRESH_NONE);
    rounds(&f, 2, 50 * NS_PER_MS);
    assert_true(f.cc.ssthresh < CC_SSTHRESH_NONE);              /* five rounds are over */
    const uint32_t left = f.cc.cwnd;
    rounds(&f, 1, 50 * NS_PER_MS);
    assert_true(f.cc.cwnd <= left + 2 * MSS);                   /* congestion avoidance */
}

/* RFC9406-4.2c: delay that goes away was jitter */
static void hystart_resumes(void **state)
{
    (void)state;
    struct flow f = flow_of(&cc_cubic, 10 * MSS, CC_SSTHRESH_NONE);
    fix(&f);
    rounds(&f, 2, 40 * NS_PER_MS);
    rounds(&f, 1, 60 * NS_PER_MS);
    rounds(&f, 1, 40 * NS_PER_MS);
    const uint32_t before = f.cc.cwnd;
    rounds(&f, 2, 40 * NS_PER_MS);
    assert_near(f.cc.cwnd, 4.0 * before, 0.02);
    assert_int_equal(f.cc.ssthresh, CC_SSTHRESH_NONE);
}

/* RFC9406-4.2e: an ACK of very much, unpaced, counts as eight segments */
static void slow_start_bounds_bursts(void **state)
{
    (void)state;
    struct flow f = flow_of(&cc_cubic, 40 * MSS, CC_SSTHRESH_NONE);
    fix(&f);
    struct cc_ack a = { .bytes = 40 * MSS, .in_flight = 40 * MSS, .mss = MSS, .una = seq(40 * MSS), .nxt = seq(40 * MSS), .now_ns = f.now_ns };
    f.cc.ops->on_ack(&f.cc, &a);
    assert_int_equal(f.cc.cwnd, 48 * MSS);
    a.paced = true;
    a.in_flight = 48 * MSS;
    f.cc.ops->on_ack(&f.cc, &a);
    assert_int_equal(f.cc.cwnd, 88 * MSS);
}

TESTS(cubic_curve, cubic_reno_friendly, cubic_fast_convergence, cubic_after_timeout, cubic_undo, cubic_application_limited, cubic_response,
      hystart_leaves_by_delay, hystart_resumes, slow_start_bounds_bursts)
