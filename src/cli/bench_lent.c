/* Bulk as in bench.c, but the sender's bytes are lent to its stack, not written into it. */
#include "cli/bench.h"
#include "cli/bench_pair.h"
#include "os/clock.h"

enum { CHUNK = 256 << 10, CHUNKS = 2048, VERIFIED = 64 };

static bool read_all(struct bench_pair *p, uint64_t *received, bool verify)
{
    size_t len;
    for (const uint8_t *from; (from = tcp_peek(p->side[1].conn, &len));) {
        for (size_t i = 0; verify && i < len; i++)
            if (from[i] != bench_pattern((*received + i) % CHUNK))
                return false;
        tcp_consume(p->side[1].conn, len, p->now_ns);
        *received += len;
    }
    return true;
}

/* Every chunk must also come back. */
static bool transfer(struct bench_pair *p, uint64_t chunks, bool verify)
{
    static uint8_t chunk[CHUNK];
    uint64_t lent = 0, back = 0, received = 0;
    for (uint32_t i = 0; i < CHUNK; i++)
        chunk[i] = bench_pattern(i);
    while (received < chunks * CHUNK || back < lent) {
        while (lent < chunks && tcp_lend(p->side[0].conn, chunk, CHUNK, p, p->now_ns) == PLUMB_OK)
            lent++;
        bench_turn(p);
        while (tcp_loan_back(p->side[0].tcp))
            back++;
        if (!read_all(p, &received, verify))
            return false;
    }
    return true;
}

static double lent(uint32_t gso_max)
{
    struct bench_pair p;
    double ns = -1;
    if (bench_pair_open(&p, gso_max) && transfer(&p, VERIFIED, true)) {
        const int64_t start = clock_cpu_ns();
        transfer(&p, CHUNKS, false);
        ns = (double)(clock_cpu_ns() - start) / ((double)CHUNK * CHUNKS / 1460);
    }
    bench_pair_close(&p);
    return ns;
}

double bench_lent_1500(void) { return lent(0); }
double bench_lent_64k(void)  { return lent(65535); }
