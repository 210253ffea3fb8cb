/* plumb bench paths: every algorithm on every path, one row each, in virtual time.
 * bench/paths.txt is what `plumb bench paths all` prints. */
#include "base/time.h"
#include "cli/cli.h"
#include "sim/paths.h"
#include <string.h>

struct path_row { const char *name; uint64_t rate_bits_s; int64_t rtt_ns; double buffer, loss, mark; int64_t for_ns; bool brief; };

#define MBIT(n) ((uint64_t)(n) * 1000000)
#define MS(n) ((n) * NS_PER_MS)
#define S(n) ((n) * NS_PER_SEC)

/* brief: also run where there is little time. */
static const struct path_row rows[] = {
    { "1mbit-100ms",          MBIT(1),    MS(100), 4,    0,      0, S(60), true },
    { "10mbit-40ms",          MBIT(10),   MS(40),  1,    0,      0, S(30), true },
    { "10mbit-40ms-2%",       MBIT(10),   MS(40),  1,    0.02,   0, S(60), true },
    { "10mbit-200ms-0.1%",    MBIT(10),   MS(200), 1,    0.001,  0, S(60), true },
    { "100mbit-1ms",          MBIT(100),  MS(1),   4,    0,      0, S(5),  true },
    { "100mbit-20ms",         MBIT(100),  MS(20),  1,    0,      0, S(15), true },
    { "100mbit-20ms-marks",   MBIT(100),  MS(20),  2,    0,      0.5, S(15), true },
    { "100mbit-80ms-0.1bdp",  MBIT(100),  MS(80),  0.1,  0,      0, S(30), false },
    { "100mbit-80ms-0.25bdp", MBIT(100),  MS(80),  0.25, 0,      0, S(30), false },
    { "100mbit-80ms",         MBIT(100),  MS(80),  1,    0,      0, S(60), true },
    { "100mbit-80ms-2bdp",    MBIT(100),  MS(80),  2,    0,      0, S(30), false },
    { "100mbit-80ms-0.01%",   MBIT(100),  MS(80),  1,    0.0001, 0, S(60), false },
    { "100mbit-80ms-0.1%",    MBIT(100),  MS(80),  1,    0.001,  0, S(60), false },
    { "100mbit-80ms-1%",      MBIT(100),  MS(80),  1,    0.01,   0, S(60), true },
    { "1gbit-10ms",           MBIT(1000), MS(10),  1,    0,      0, S(5),  false },
};

static bool run_row(enum tcp_cc_choice cc, const char *name, const struct path_row *p)
{
    struct path_case c = { .congestion = cc, .rate_bits_s = p->rate_bits_s, .rtt_ns = p->rtt_ns, .buffer_bdp = p->buffer, .loss = p->loss,
                           .mark_bdp = p->mark, .for_ns = p->for_ns, .seed = 1 };
    struct path_result one, two;
    bool ok = path_run(&c, &one);
    c.second_after_ns = p->for_ns / 10;
    ok = ok && path_run(&c, &two);
    if (!ok) {
        complain("%s on %s: the bytes that arrived are not those sent", name, p->name);
        return false;
    }
    printf("%-6s %-22s %9.3f %6.3f %8llu %8llu %8.1f %8.1f %6.3f\n", name, p->name, one.goodput_bits_s / 1e6, one.share,
           (unsigned long long)one.retransmits, (unsigned long long)one.marked, one.queue_ms, one.queue_max_ms, two.jain);
    fflush(stdout);
    return true;
}

int bench_paths(int argc, char **argv)
{
    static const char *const algorithms[] = { "cubic", "reno", "bbr" };
    const bool all = argc > 1 && strcmp(argv[1], "all") == 0;
    const char *only = argc > 1 && !all ? argv[1] : NULL;
    bool ok = true, any = false;
    printf("%-6s %-22s %9s %6s %8s %8s %8s %8s %6s\n", "cc", "path", "mbit/s", "share", "resent", "marked", "queue ms", "most ms", "jain");
    for (size_t a = 0; a < sizeof algorithms / sizeof algorithms[0]; a++)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            if (only ? strcmp(only, rows[i].name) != 0 : !all && !rows[i].brief)
                continue;
            any = true;
            ok = run_row(tcp_cc_named(algorithms[a]), algorithms[a], &rows[i]) && ok;
        }
    if (any)
        return ok ? 0 : 1;
    complain("bench: no path is called \"%s\"", only);
    return EXIT_USAGE;
}
