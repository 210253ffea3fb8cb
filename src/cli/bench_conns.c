/* plumb bench mem.rr.1000 and its like: what many connections cost. */
#include "base/rng.h"
#include "cli/bench.h"
#include "cli/bench_many.h"
#include "os/clock.h"
#include <stdio.h>

enum { TRIPS = 1000000, CYCLES = 500000, WAITING = 64000, IDLE = 300000 };

static bool open_many(struct bench_many *m, uint32_t n)
{
    while (m->n < n)
        if (!bench_many_connect(m, n - m->n < BENCH_BATCH ? n - m->n : BENCH_BATCH))
            return false;
    return true;
}

/* A byte there and back on connections taken at random, 64 under way at once. */
static void speak_at_random(struct bench_many *m, uint32_t trips)
{
    struct tcp_conn *batch[BENCH_BATCH];
    struct rng r;
    rng_seed(&r, 7);
    for (uint32_t done = 0; done < trips; done += BENCH_BATCH) {
        for (uint32_t i = 0; i < BENCH_BATCH; i++)
            batch[i] = m->conn[rng_below(&r, m->n)];
        bench_many_speak(m, batch, BENCH_BATCH);
    }
}

static double round_trips(uint32_t conns)
{
    struct bench_many m;
    double ns = -1;
    const uint32_t trips = (uint32_t)bench_units(TRIPS);
    const struct tcp_config tcp = { .max_blocks = 2 * conns + 1000 };   /* the last answer on each may be unacknowledged */
    if (bench_many_open(&m, conns, &tcp) && open_many(&m, conns)) {
        speak_at_random(&m, 4 * conns);
        const int64_t start = clock_cpu_ns();
        speak_at_random(&m, trips);
        ns = (double)(clock_cpu_ns() - start) / trips;
    }
    bench_many_close(&m);
    return ns;
}

double bench_rr_1000(void)   { return round_trips(1000); }
double bench_rr_100000(void) { return round_trips(100000); }

/* Connect, a byte, a byte, close: 64 at once.  Time moves so that `waiting` are in TIME-WAIT. */
static bool cycle(struct bench_many *m, int64_t step_ns)
{
    m->p.now_ns += step_ns;
    if (!bench_many_connect(m, BENCH_BATCH))
        return false;
    bench_many_speak(m, m->conn, BENCH_BATCH);
    bench_many_hang_up(m, BENCH_BATCH);
    m->tuples = (m->tuples + BENCH_BATCH) % 200000;             /* addresses come round again */
    return true;
}

static double cycles(uint32_t waiting)
{
    struct bench_many m;
    const int64_t msl_ns = 30 * NS_PER_SEC, step_ns = 2 * msl_ns * BENCH_BATCH / waiting;
    const uint32_t before = waiting + waiting / 4 + 20000;
    const uint32_t wanted = (uint32_t)bench_units(CYCLES);
    uint32_t done = 0;
    double rate = -1;
    bool good = bench_many_open(&m, 2 * waiting + 1000, &(struct tcp_config){ .msl_ns = msl_ns });
    while (good && (done += BENCH_BATCH) < before)
        good = cycle(&m, step_ns);
    const int64_t start = clock_cpu_ns();
    for (done = 0; good && done < wanted; done += BENCH_BATCH)
        good = cycle(&m, step_ns);
    if (good)
        rate = done / ((double)(clock_cpu_ns() - start) / NS_PER_SEC);
    bench_many_close(&m);
    return rate;
}

double bench_crr(void)         { return cycles(BENCH_BATCH); }
double bench_crr_waiting(void) { return cycles(WAITING); }

uint64_t bench_resident(void)
{
    unsigned long total, resident = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f || fscanf(f, "%lu %lu", &total, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return (uint64_t)resident * 4096;
}

/* All that this process grew by, from before there was a stack, by end. */
double bench_idle(void)
{
    struct bench_many m;
    double bytes = -1;
    const uint64_t before = bench_resident();
    if (bench_many_open(&m, IDLE, &(struct tcp_config){ 0 }) && open_many(&m, IDLE)) {
        for (uint32_t i = 0; i + BENCH_BATCH <= IDLE; i += BENCH_BATCH)
            bench_many_speak(&m, m.conn + i, BENCH_BATCH);
        bench_many_rest(&m);
        bytes = (double)(bench_resident() - before) / (2.0 * IDLE);
    }
    bench_many_close(&m);
    return bytes;
}
