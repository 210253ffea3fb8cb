/* One host on several cores: a network for each, which is a shard of it (stack/shard.h), on
 * its own queue of the interface and its own thread. */
#include "cli/cli.h"
#include "cli/network_int.h"
#include "os/steer_bpf.h"
#include <stdlib.h>
#include <unistd.h>

bool network_cores_init(struct network *n, const struct network_opts *o, int *status)
{
    if (o->cores < 2)
        return true;
    *status = EXIT_USAGE;
    if (n->kind == VIA_HOST || n->kind == VIA_VIRTUAL) {
        complain("--cores needs plumb's own stack on a wire (--via tap:, packet: or xdp:)");
        return false;
    }
    if (o->has_link || o->capture) {
        complain("--cores goes together neither with --link nor with --capture");
        return false;
    }
    *status = 1;
    n->n_cores = o->cores;
    n->shards = shards_new(o->cores, (uint64_t[2]){ entropy_u64(), entropy_u64() });
    n->cores = cores_new(o->cores);
    if (n->shards && n->cores)
        return true;
    complain("out of memory");
    return false;
}

unsigned network_core(const struct network *n) { return n->core; }

/* Another of the cores whose first is `first`. */
static struct network *open_core(const struct network *first, unsigned number)
{
    struct network *n = calloc(1, sizeof *n);
    if (!n) {
        complain("out of memory");
        return NULL;
    }
    n->kind = first->kind;
    n->via = first->via;
    n->n_cores = first->n_cores;
    n->core = number;
    n->shards = first->shards;
    n->cores = first->cores;
    if (network_open_wire(n, &(struct network_opts){ .via = first->via, .tcp = first->tcp }))
        return n;
    network_close(n);
    return NULL;
}

static bool share_queues(struct network *core[])
{
    struct device *d[SHARDS_MAX];
    const unsigned n = core[0]->n_cores;
    for (unsigned i = 0; i < n; i++)
        d[i] = &core[i]->drive.device;
    if (!d[0]->ops->share)
        return true;
    const int steer = steer_bpf_load(shards_steer(core[0]->shards));
    const bool shared = d[0]->ops->share(d, n, steer) || (steer >= 0 && d[0]->ops->share(d, n, -1));
    if (steer >= 0)
        close(steer);
    if (!shared)
        complain("what arrives on %s cannot be shared among %u cores", core[0]->via.name, n);
    return shared;
}

/* Those that are ending already are not hurried. */
void network_end_others(struct network *n)
{
    if (!n->ended)
        cores_end(n->cores, n->core);
    n->ended = true;
}

/* One that ends by itself takes the others along: its flows would find nobody. */
static void *run(void *arg)
{
    struct network *n = arg;
    n->status = n->work(n, n->work_arg);
    if (!n->interrupted)
        network_end_others(n);
    return NULL;
}

static int run_all(struct network *core[], int (*work)(struct network *n, void *arg), void *arg)
{
    unsigned started = 1;
    for (; started < core[0]->n_cores; started++) {
        core[started]->work = work;
        core[started]->work_arg = arg;
        if (pthread_create(&core[started]->thread, NULL, run, core[started]) != 0)
            break;
    }
    if (started < core[0]->n_cores)
        complain("cannot start a thread for each of %u cores", core[0]->n_cores);
    int status = started < core[0]->n_cores ? 1 : work(core[0], arg);
    network_end_others(core[0]);
    for (unsigned i = 1; i < started; i++) {
        (void)pthread_join(core[i]->thread, NULL);
        status = core[i]->status > status ? core[i]->status : status;
    }
    return status;
}

int network_each_core(struct network *n, int (*work)(struct network *n, void *arg), void *arg)
{
    struct network *core[SHARDS_MAX] = { n };
    unsigned opened = 1;
    int status = 1;
    if (n->n_cores == 0)
        return work(n, arg);
    while (opened < n->n_cores && (core[opened] = open_core(n, opened)))
        opened++;
    if (opened == n->n_cores && share_queues(core))
        status = run_all(core, work, arg);
    for (unsigned i = 1; i < opened; i++)
        (void)network_close(core[i]);
    return status;
}
