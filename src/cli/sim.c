/* plumb sim: seeded worlds, their histogram, and the line that repeats a failure. */
#include "cli/cli.h"
#include "cli/options.h"
#include "sim/model.h"
#include "sim/routed.h"
#include <inttypes.h>
#include <stdlib.h>

struct sim { uint64_t seed, worlds; bool verbose, first, compare, routed; };

static const struct argp_option options[] = {
    { "worlds", 'n', "N", 0, "how many worlds (default 100)", 0 },
    { "seed",   's', "S", 0, "the first world's seed; the others count up from it (default 1)", 0 },
    { "first", 'f', NULL, 0, "end with the first world that fails", 0 },
    { "compare", 'c', NULL, 0, "each world twice, by the fast path and by the slow one: what leaves must be the same", 0 },
    { "routed", 'r', NULL, 0, "worlds of routers and NAT gateways instead: nothing lost, nothing twice, no port of two hosts", 0 },
    { "verbose", 'v', NULL, 0, "a line for each world", 0 },
    { 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct sim *s = state->input;
    char *end = NULL;
    switch (key) {
    case ARGP_KEY_INIT: options_begin(state); return 0;
    case 'n': s->worlds = strtoull(arg, &end, 10); break;
    case 's': s->seed = strtoull(arg, &end, 10); break;
    case 'f': s->first = true; return 0;
    case 'c': s->compare = true; return 0;
    case 'r': s->routed = true; return 0;
    case 'v': s->verbose = true; return 0;
    default:  return ARGP_ERR_UNKNOWN;
    }
    if (*end || end == arg)
        option_bad(state, "\"%s\" is not a number", arg);
    return 0;
}

/* By the fast path and by the slow one: the same packets at the same times. */
static bool run_both(uint64_t seed, bool verbose, struct model_result *out)
{
    struct model_result slow;
    if (!model_run(seed, MODEL_PATHS_FAST, verbose, out) || !model_run(seed, MODEL_PATHS_SLOW, verbose, &slow)) {
        if (!*out->error)
            *out = slow;
        return false;
    }
    if (out->digest == slow.digest)
        return true;
    snprintf(out->error, sizeof out->error, "the fast path sent %" PRIu64 " packets, the slow one %" PRIu64 ", and not the same", out->packets, slow.packets);
    return false;
}

static int run_routed(const struct sim *s)
{
    struct routed_result r, sum = { 0 };
    uint64_t failed = 0, i = 0;
    for (; i < s->worlds && !(s->first && failed); i++) {
        if (!routed_run(s->seed + i, &r)) {
            printf("FAIL world %" PRIu64 ": %s (again: plumb sim --routed --worlds 1 --seed %" PRIu64 ")\n", s->seed + i, r.error, s->seed + i);
            failed++;
        }
        sum.routers += r.routers;
        sum.gateways += r.gateways;
        sum.hosts += r.hosts;
        sum.sent += r.sent;
        sum.answered += r.answered;
        sum.too_late += r.too_late;
        sum.mappings += r.mappings;
    }
    printf("%" PRIu64 " worlds, %" PRIu64 " failed: %" PRIu64 " routers, %" PRIu64 " of them gateways, %" PRIu64 " hosts, %" PRIu64
           " datagrams, %" PRIu64 " answers, %" PRIu64 " too late for their mapping, %" PRIu64 " mappings looked at\n",
           i, failed, sum.routers, sum.gateways, sum.hosts, sum.sent, sum.answered, sum.too_late, sum.mappings);
    return failed || !sum.gateways || !sum.too_late;
}

int cmd_sim(int argc, char **argv)
{
    static const struct argp argp = { options, parse, NULL, "Runs seeded worlds: two hosts, a bad link, perhaps a switch or a router, random applications; "
                                      "and checks that streams are byte-exact, windows kept and nothing leaks.", NULL, NULL, NULL };
    struct sim s = { .seed = 1, .worlds = 100 };
    uint64_t seen[SEEN_COUNT] = { 0 }, bytes = 0, packets = 0, failed = 0;
    options_parse(&argp, argc, argv, &s);
    if (s.routed)
        return run_routed(&s);
    for (uint64_t i = 0; i < s.worlds; i++) {
        struct model_result r;
        const bool good = s.compare ? run_both(s.seed + i, s.verbose, &r) : model_run(s.seed + i, MODEL_PATHS_BY_SEED, s.verbose, &r);
        if (!good) {
            printf("FAIL world %" PRIu64 " %s\n  again: plumb sim %s--worlds 1 --seed %" PRIu64 "\n", s.seed + i, r.error,
                   s.compare ? "--compare " : "", s.seed + i);
            failed++;
        } else if (s.verbose) {
            printf("ok world %" PRIu64 ": %" PRIu64 " bytes, %" PRIu64 " packets, %.1f s\n", s.seed + i, r.bytes, r.packets, (double)r.virtual_ns / 1e9);
        }
        for (int k = 0; k < SEEN_COUNT; k++)
            seen[k] += r.seen[k];
        bytes += r.bytes;
        packets += r.packets;
        fflush(stdout);
        if (failed >= (s.first ? 1 : 20))
            break;
    }
    printf("worlds that saw:\n");
    for (int k = 0; k < SEEN_COUNT; k++)
        printf("  %-24s %" PRIu64 "\n", model_seen_name((enum model_seen)k), seen[k]);
    printf("%" PRIu64 " worlds, %" PRIu64 " failed, %" PRIu64 " packets, %" PRIu64 " bytes delivered\n", s.worlds, failed, packets, bytes);
    return failed ? 1 : 0;
}
