/* plumb bench scale [ENDS...]: from a thousand to ten million ends in this process, each
 * opened, a byte each way, at rest, and closed.  bench/scale counts the instructions. */
#include "cli/bench.h"
#include "cli/bench_many.h"
#include "cli/cli.h"
#include "os/clock.h"
#include <inttypes.h>
#include <stdlib.h>

enum { LEAST = 2 * BENCH_BATCH, MOST = 20000000 };

/* Names for whoever counts instructions by function. */
__attribute__((noinline)) static bool scale_open(struct bench_many *m)
{
    bool good = true;
    while (good && m->n < m->most)
        good = bench_many_connect(m, BENCH_BATCH);
    return good;
}

__attribute__((noinline)) static void scale_speak(struct bench_many *m)
{
    for (uint32_t i = 0; i < m->n; i += BENCH_BATCH)
        bench_many_speak(m, m->conn + i, BENCH_BATCH);
}

__attribute__((noinline)) static void scale_close(struct bench_many *m)
{
    while (m->n > 0)
        bench_many_hang_up(m, BENCH_BATCH);
}

static int scale(uint32_t ends)
{
    struct bench_many m;
    const uint32_t conns = ends / 2 / BENCH_BATCH * BENCH_BATCH;
    const uint64_t before = bench_resident();
    bool good = bench_many_open(&m, conns, &(struct tcp_config){ 0 });
    const int64_t start = clock_cpu_ns();
    good = good && scale_open(&m);
    const int64_t opened = clock_cpu_ns();
    if (good)
        scale_speak(&m);
    const int64_t spoken = clock_cpu_ns();
    const uint32_t held = good ? tcp_count(m.p.side[0].tcp) + tcp_count(m.p.side[1].tcp) : 0;
    const double bytes = (double)(bench_resident() - before) / (2.0 * conns);
    if (good)
        scale_close(&m);
    const int64_t closed = clock_cpu_ns();
    const uint32_t left = good ? tcp_count(m.p.side[1].tcp) : 0;
    const double megabytes = (double)bench_resident() / (1 << 20);
    bench_many_close(&m);
    if (!good || held != 2 * conns || left != 0) {
        complain("scale: %" PRIu32 " ends could not be opened, or not be closed", ends);
        return 1;
    }
    printf("scale %9" PRIu32 " ends: open %6.0f ns, a byte each way %6.0f ns, close %6.0f ns; %5.0f bytes an end, %6.0f MiB in all at the end\n",
           2 * conns, (double)(opened - start) / conns, (double)(spoken - opened) / conns, (double)(closed - spoken) / conns, bytes, megabytes);
    fflush(stdout);
    return 0;
}

int bench_scale(int argc, char **argv)
{
    int status = 0;
    for (uint32_t ends = 1000; argc == 1 && ends <= 1000000; ends *= 10)
        status |= scale(ends);
    for (int i = 1; i < argc; i++) {
        const long ends = atol(argv[i]);
        if (ends < LEAST || ends > MOST) {
            complain("scale: \"%s\" is no number of ends from %d to %d", argv[i], LEAST, MOST);
            return EXIT_USAGE;
        }
        status |= scale((uint32_t)ends);
    }
    return status;
}
