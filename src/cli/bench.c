/* plumb bench NAME...: two stacks joined by a wire in memory, in this process, on
 * one core.  Every packet is copied by the wire; checksums are on. */
#include "cli/bench.h"
#include "base/checksum_blocks.h"
#include "cli/bench_pair.h"
#include "cli/cli.h"
#include "os/clock.h"
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------- bulk */

static uint64_t fill(struct bench_pair *p, uint64_t written, uint64_t total, bool verify)
{
    static const uint8_t chunk[TCP_BLOCK];
    size_t room;
    for (uint8_t *to; written < total && (to = tcp_reserve(p->side[0].conn, &room));) {
        size_t n = room < sizeof chunk ? room : sizeof chunk;
        n = n < total - written ? n : (size_t)(total - written);
        if (verify)
            for (size_t i = 0; i < n; i++)
                to[i] = bench_pattern(written + i);
        else
            memcpy(to, chunk, n);
        tcp_commit(p->side[0].conn, n, false, p->now_ns);
        written += n;
    }
    return written;
}

static bool empty(struct bench_pair *p, uint64_t *received, bool verify)
{
    size_t len;
    for (const uint8_t *from; (from = tcp_peek(p->side[1].conn, &len));) {
        for (size_t i = 0; verify && i < len; i++)
            if (from[i] != bench_pattern(*received + i))
                return false;
        tcp_consume(p->side[1].conn, len, p->now_ns);
        *received += len;
    }
    return true;
}

static bool transfer(struct bench_pair *p, uint64_t bytes, bool verify)
{
    uint64_t written = 0, received = 0;
    while (received < bytes) {
        written = fill(p, written, bytes, verify);
        bench_turn(p);
        if (!empty(p, &received, verify))
            return false;
    }
    return true;
}

enum { SEGMENT = 1460 };                        /* bytes: what rows of bulk count in, whatever a packet holds */

static double bulk(uint32_t gso_max)
{
    struct bench_pair p;
    const uint64_t bytes = bench_units((UINT64_C(512) << 20) / SEGMENT) * SEGMENT;
    double ns = -1;
    if (bench_pair_open(&p, gso_max) && transfer(&p, 1 << 20, true)) {
        const int64_t start = clock_cpu_ns();
        transfer(&p, bytes, false);
        ns = (double)(clock_cpu_ns() - start) / ((double)bytes / SEGMENT);
    }
    bench_pair_close(&p);
    return ns;
}

static double bulk_1500(void) { return bulk(0); }
static double bulk_64k(void)  { return bulk(65535); }

/* -------------------------------------------------------------- round trip */

static bool put_byte(struct bench_side *s, int64_t now_ns)
{
    size_t room;
    uint8_t *to = tcp_reserve(s->conn, &room);
    if (!to)
        return false;
    *to = 'x';
    tcp_commit(s->conn, 1, true, now_ns);
    return true;
}

static bool get_byte(struct bench_side *s, int64_t now_ns)
{
    size_t len;
    if (!tcp_peek(s->conn, &len))
        return false;
    tcp_consume(s->conn, 1, now_ns);
    return true;
}

static double round_trip(void)
{
    struct bench_pair p;
    const uint64_t trips = bench_units(1000000);
    double ns = -1;
    if (bench_pair_open(&p, 0)) {
        const int64_t start = clock_cpu_ns();
        for (uint64_t i = 0; i < trips; i++) {
            put_byte(&p.side[0], p.now_ns);
            do
                bench_turn(&p);
            while (!get_byte(&p.side[1], p.now_ns));
            put_byte(&p.side[1], p.now_ns);
            do
                bench_turn(&p);
            while (!get_byte(&p.side[0], p.now_ns));
        }
        ns = (double)(clock_cpu_ns() - start) / (double)trips;
    }
    bench_pair_close(&p);
    return ns;
}

static const struct bench { const char *name, *unit, *what; double (*run)(void); } benches[] = {
    { "mem.bulk.1500", "ns/segment",    "bulk, MTU 1500, per 1460 bytes, both ends", bulk_1500 },
    { "mem.bulk.64k",  "ns/segment",    "bulk, packets of 64 KiB without checksums, per 1460 bytes, both ends", bulk_64k },
    { "mem.lent.1500", "ns/segment",    "as mem.bulk.1500, with the sender's bytes lent, not copied", bench_lent_1500 },
    { "mem.lent.64k",  "ns/segment",    "as mem.bulk.64k, with the sender's bytes lent, not copied", bench_lent_64k },
    { "mem.rr.1",      "ns/round-trip", "one byte there and back, both ends", round_trip },
    { "mem.rr.1000",   "ns/round-trip", "the same over 1,000 connections, 64 at random under way at once", bench_rr_1000 },
    { "mem.rr.100000", "ns/round-trip", "the same over 100,000 connections", bench_rr_100000 },
    { "mem.crr",       "conns/s",       "connect, a byte there, a byte back, close; 64 under way at once, both ends", bench_crr },
    { "mem.crr.timewait64k", "conns/s", "the same while 64,000 are in TIME-WAIT", bench_crr_waiting },
    { "mem.idle.bytes", "bytes",        "resident memory of one end of an idle connection, everything included", bench_idle },
    { "mem.cores",     "times",         "bulk by a pair of stacks on each of two cores: how many times that of one, by the clock", bench_cores_wall },
    { "mem.cores.cpu", "times",         "the same by CPU time of the threads, which a busy machine does not disturb", bench_cores_cpu },
    { "route.1m",      "ns/look",       "the longest of a million prefixes, random addresses in batches of 64", bench_route },
    { "forward.pps",   "packets/s",     "frames of 60 bytes through a router between two Ethernets, 1024 flows", bench_forward },
    { "nat.pps",       "packets/s",     "the same through NAT, half of them answers", bench_nat },
};
enum { BENCHES = sizeof benches / sizeof benches[0] };

static int run_one(const struct bench *b)
{
    const double value = b->run();
    if (value < 0) {
        complain("%s: the two stacks did not agree on the bytes", b->name);
        return 1;
    }
    printf("%s %.2f %s\n", b->name, value, b->unit);
    fflush(stdout);
    return 0;
}

int cmd_bench(int argc, char **argv)
{
    int status = 0;
    if (argc > 1 && (strcmp(argv[1], "server") == 0 || strcmp(argv[1], "client") == 0))
        return bench_net(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "paths") == 0)
        return bench_paths(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "scale") == 0)
        return bench_scale(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        puts("usage: plumb bench [--units N] [--portable] [NAME...]\n       plumb bench server [--via V]\n"
             "       plumb bench client [--via V] HOST up|down|rr|crr\n"
             "       plumb bench paths [all|PATH]\n       plumb bench scale [ENDS...]\n"
             "Measures the stack in memory, in CPU time (bench/run sets its peers beside it), or a network;\n"
             "paths: each congestion control on emulated paths, in virtual time; scale: from a thousand to ten million ends.\n"
             "--units: as many segments, round trips or whatever a row counts in;\n"
             "--portable: by no instructions but those all machines have.");
        for (int i = 0; i < BENCHES; i++)
            printf("  %-20s %s\n", benches[i].name, benches[i].what);
        return 0;
    }
    if (argc > 2 && strcmp(argv[1], "--units") == 0) {
        bench_ask(strtoull(argv[2], NULL, 10));
        argc -= 2;
        argv += 2;
    }
    if (argc > 1 && strcmp(argv[1], "--portable") == 0) {
        csum_portable();
        argc--;
        argv++;
    }
    for (int i = 0; i < BENCHES && argc == 1; i++)
        status |= run_one(&benches[i]);
    for (int a = 1; a < argc; a++) {
        int i = 0;
        while (i < BENCHES && strcmp(benches[i].name, argv[a]) != 0)
            i++;
        if (i == BENCHES) {
            complain("no benchmark is called \"%s\" (see: plumb bench --help)", argv[a]);
            return EXIT_USAGE;
        }
        status |= run_one(&benches[i]);
    }
    return status;
}
