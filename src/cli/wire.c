/* plumb wire tap:A tap:B --link SPEC: two interfaces joined by an emulated link, so that
 * programs and kernels on either side meet over a path of one's choosing. */
#include "cli/cli.h"
#include "cli/options.h"
#include "os/span.h"
#include <inttypes.h>
#include <string.h>

struct wire { struct impair_config link; const char *name[2]; unsigned n; uint64_t seed; };

enum { OPT_LINK = 1000, OPT_SEED };
static const struct argp_option options[] = {
    { "link", OPT_LINK, "SPEC", 0, "the link between them: 'rtt= rate= loss= jitter= queue= reorder= duplicate= corrupt= mtu= ecn='", 0 },
    { "seed", OPT_SEED, "N",    0, "what happens by chance, again (default 1)", 0 },
    { 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct wire *o = state->input;
    char error[200];
    switch (key) {
    case ARGP_KEY_INIT: options_begin(state); return 0;
    case OPT_LINK:
        if (!impair_parse(arg, &o->link, error))
            option_bad(state, "--%s", error);
        return 0;
    case OPT_SEED: o->seed = (uint64_t)option_integer(state, arg, 0, INT64_MAX); return 0;
    case ARGP_KEY_ARG:
        if (o->n == 2 || strncmp(arg, "tap:", 4) != 0)
            option_bad(state, "\"%s\": two interfaces are joined, tap:A and tap:B", arg);
        o->name[o->n++] = arg + 4;
        return 0;
    case ARGP_KEY_END:
        if (o->n != 2)
            option_bad(state, "two interfaces are joined: tap:A tap:B");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* False: complained about, nothing is open. */
static bool open_both(const struct wire *o, struct device dev[2])
{
    char error[DEVICE_ERROR];
    if (tap_open(&dev[0], &(struct device_opts){ .name = o->name[0] }, error) != PLUMB_OK) {
        complain("wire: %s", error);
        return false;
    }
    if (tap_open(&dev[1], &(struct device_opts){ .name = o->name[1] }, error) == PLUMB_OK)
        return true;
    complain("wire: %s", error);
    device_close(&dev[0]);
    return false;
}

static void tell(const struct wire *o, const struct span *s)
{
    for (unsigned i = 0; i < 2; i++) {
        struct impair_stats st;
        impair_stats(s->end[i].towards, &st);
        fprintf(stderr, "plumb: wire: towards %s %" PRIu64 " packets, %" PRIu64 " lost by chance, %" PRIu64 " by a full queue, %" PRIu64
                " marked, %.1f ms of queue\n", o->name[i], st.packets, st.lost, st.overflowed, st.marked,
                st.packets ? (double)st.waited_ns / (double)st.packets / 1e6 : 0);
    }
}

int cmd_wire(int argc, char **argv)
{
    static const struct argp argp = { options, parse, "tap:A tap:B", "Joins two interfaces by an emulated link, until it is interrupted. "
                                      "They may be moved to other network namespaces while it runs.", NULL, NULL, NULL };
    struct wire o = { .seed = 1 };
    struct device dev[2];
    struct loop loop;
    struct span span;
    options_parse(&argp, argc, argv, &o);
    if (!open_both(&o, dev))
        return 1;
    loop_init(&loop, clock_now_ns(), clock_civil_ns());
    struct wait *w = wait_new(&loop);
    if (!w || !span_init(&span, dev, &o.link, o.seed, w) || !wait_catch_signals(w)) {
        complain("wire: out of memory");
        return 1;
    }
    fprintf(stderr, "plumb: wire: %s and %s are joined\n", o.name[0], o.name[1]);
    (void)wait_run(w);
    tell(&o, &span);
    const bool lost = span.lost;
    span_fini(&span, w);
    wait_free(w);
    if (lost)
        complain("wire: an interface was removed");
    return lost ? 1 : 0;
}
