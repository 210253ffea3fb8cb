/* A path's figures: they repeat, and they are what the path allows. */
#include "../test.h"
#include "sim/paths.h"
#include "base/time.h"

static struct path_result run(struct path_case c)
{
    struct path_result r;
    assert_true(path_run(&c, &r));
    return r;
}

static const struct path_case plain = { .congestion = TCP_CC_RENO, .rate_bits_s = 2000000, .rtt_ns = 20 * NS_PER_MS, .buffer_bdp = 4, .for_ns = 20 * NS_PER_SEC, .seed = 3 };

static void fills_the_path(void **state)
{
    (void)state;
    const struct path_result r = run(plain);
    assert_true(r.share > 0.9 && r.share <= 1);
    assert_true(r.goodput_bits_s < 2e6);
    assert_true(r.queue_max_ms <= 80 && r.queue_ms > 0 && r.queue_ms < r.queue_max_ms);
}

static void repeats(void **state)
{
    (void)state;
    struct path_case c = plain;
    c.loss = 0.02;
    const struct path_result a = run(c), b = run(c);
    assert_memory_equal(&a, &b, sizeof a);
    c.seed = 4;
    const struct path_result other = run(c);
    assert_true(a.retransmits > 0 && (other.retransmits != a.retransmits || other.queue_ms > a.queue_ms || other.queue_ms < a.queue_ms));
}

static void two_flows_share(void **state)
{
    (void)state;
    struct path_case c = plain;
    c.second_after_ns = NS_PER_SEC;
    c.for_ns = 60 * NS_PER_SEC;
    const struct path_result r = run(c);
    assert_true(r.jain > 0.8 && r.jain <= 1);
    assert_true(r.share > 0.9 && r.share <= 1);
}

TESTS(fills_the_path, repeats, two_flows_share)
