/* plumb bench mem.cores: how much more two cores move than one.  Each core has a pair of
 * stacks of its own; all stacks of one end are the shards of one host (stack/shard.h). */
#include "base/rng.h"
#include "cli/bench.h"
#include "cli/bench_pair.h"
#include "os/clock.h"
#include "stack/shard.h"
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rounds are short, so that some of many meet a machine that does nothing else. */
enum { CORES = 2, ROUNDS = 101, ROUND_BYTES = 16 << 20 };

struct bench_core {
    struct bench_pair pair;
    unsigned  number;
    pthread_t thread;
    int64_t   cpu_ns, wall_ns;          /* of the last round */
    uint64_t  written, received;
    _Atomic unsigned *to_come;          /* threads of this round that do not run yet */
};

struct bench_cores { struct shards *host[2]; struct bench_core core[CORES]; };

static void fill(struct bench_core *c, uint64_t until)
{
    size_t room;
    for (uint8_t *to; c->written < until && (to = tcp_reserve(c->pair.side[0].conn, &room));) {
        const size_t n = room < until - c->written ? room : (size_t)(until - c->written);
        memset(to, 'c', n);
        tcp_commit(c->pair.side[0].conn, n, false, c->pair.now_ns);
        c->written += n;
    }
}

static void empty(struct bench_core *c)
{
    size_t len;
    while (tcp_peek(c->pair.side[1].conn, &len)) {
        tcp_consume(c->pair.side[1].conn, len, c->pair.now_ns);
        c->received += len;
    }
}

static void *move(void *arg)
{
    struct bench_core *c = arg;
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(c->number, &only);
    (void)pthread_setaffinity_np(pthread_self(), sizeof only, &only);   /* refused: the scheduler finds two cores by itself */
    const uint64_t until = c->received + ROUND_BYTES;
    (*c->to_come)--;
    while (*c->to_come)
        sched_yield();
    const int64_t cpu_ns = clock_thread_ns(), wall_ns = clock_now_ns();
    while (c->received < until) {
        fill(c, until);
        bench_turn(&c->pair);
        empty(c);
    }
    c->cpu_ns = clock_thread_ns() - cpu_ns;
    c->wall_ns = clock_now_ns() - wall_ns;
    return NULL;
}

/* `n` cores at once; what the slowest took. */
static bool round_of(struct bench_cores *b, unsigned n, int64_t *wall_ns, int64_t *cpu_ns)
{
    _Atomic unsigned to_come = n;
    unsigned started = 0;
    *wall_ns = *cpu_ns = 0;
    for (; started < n; started++) {
        b->core[started].to_come = &to_come;
        if (pthread_create(&b->core[started].thread, NULL, move, &b->core[started]) != 0)
            break;
    }
    to_come -= n - started;             /* those that could not be started */
    for (unsigned i = 0; i < started; i++) {
        (void)pthread_join(b->core[i].thread, NULL);
        *wall_ns = time_max(*wall_ns, b->core[i].wall_ns);
        *cpu_ns = time_max(*cpu_ns, b->core[i].cpu_ns);
    }
    return started == n;
}

/* Shard `number` of either host must own the flow: its answers need no ring. */
static uint16_t port_at_home(const struct bench_cores *b, unsigned number)
{
    const struct addr client = addr4(BENCH_SERVER - 1u), server = addr4(BENCH_SERVER);
    for (uint16_t port = 32768; port < 40000; port++)
        if (steer_flow(shards_steer(b->host[0]), IP_TCP, &(struct flow){ client, server, port, BENCH_PORT }) == number &&
            steer_flow(shards_steer(b->host[1]), IP_TCP, &(struct flow){ server, client, BENCH_PORT, port }) == number)
            return port;
    return 0;
}

static bool core_open(struct bench_cores *b, unsigned number)
{
    struct bench_core *c = &b->core[number];
    const struct bench_setup s = { .tcp = { .send_buffer = BENCH_BUFFER, .recv_buffer = BENCH_BUFFER },
                                   .shards = { b->host[0], b->host[1] }, .shard = (uint8_t)number };
    c->number = number;
    return bench_stacks_open(&c->pair, &s);
}

static bool core_connect(struct bench_cores *b, unsigned number)
{
    struct bench_pair *p = &b->core[number].pair;
    struct path path;
    bench_jump(p);                      /* what shard 0 was told */
    if (stack_route(p->side[0].st, ADDR_NONE, addr4(BENCH_SERVER), &path) != PLUMB_OK ||
        tcp_connect(p->side[0].tcp, &path, port_at_home(b, number), BENCH_PORT, NULL, &p->side[0].conn, p->now_ns) != PLUMB_OK)
        return false;
    for (int i = 0; i < 1000 && !p->side[1].conn; i++) {
        bench_turn(p);
        p->side[1].conn = tcp_accept(p->listener);
    }
    return p->side[1].conn != NULL;
}

static bool cores_open(struct bench_cores *b)
{
    const uint64_t secret[2][2] = { { 1, 2 }, { 3, 4 } };
    bool good = true;
    for (unsigned i = 0; i < 2; i++)
        good = (b->host[i] = shards_new(CORES, secret[i])) && good;
    for (unsigned i = 0; i < CORES && good; i++)
        good = core_open(b, i);
    for (unsigned i = 0; i < CORES && good; i++)
        good = core_connect(b, i);
    return good;
}

static void cores_close(struct bench_cores *b)
{
    for (unsigned i = 0; i < CORES; i++)
        bench_pair_close(&b->core[i].pair);
    for (unsigned i = 0; i < 2; i++)
        shards_free(b->host[i]);
    free(b);
}

/* Rounds of one core and of two alternate, so that what else the machine does falls on both; the
 * least time of each counts, which is what it takes when nothing else is done. */
static double cores(bool by_cpu)
{
    struct bench_cores *b = calloc(1, sizeof *b);
    int64_t least_ns[2] = { INT64_MAX, INT64_MAX };
    double result = -1;
    bool good = b && cores_open(b);
    for (unsigned i = 0; i < ROUNDS + 1 && good; i++) {
        int64_t wall_ns[2], cpu_ns[2];
        good = round_of(b, 1, &wall_ns[0], &cpu_ns[0]) && round_of(b, CORES, &wall_ns[1], &cpu_ns[1]);
        for (unsigned k = 0; k < 2 && i > 0; k++)       /* the first warms up */
            least_ns[k] = time_min(least_ns[k], by_cpu ? cpu_ns[k] : wall_ns[k]);
    }
    for (unsigned i = 0; i < CORES && good; i++)
        for (unsigned side = 0; side < 2; side++)
            good = good && stack_shard_counts(b->core[i].pair.side[side].st).strays == 0;
    if (good)
        result = CORES * (double)least_ns[0] / (double)least_ns[1];
    if (b)
        cores_close(b);
    return result;
}

double bench_cores_wall(void) { return cores(false); }
double bench_cores_cpu(void)  { return cores(true); }
