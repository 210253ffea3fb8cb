#include "cli/options.h"
#include "cli/cli.h"
#include "cli/tcp_spec.h"
#include "stack/shard.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_VIA = 1000, OPT_LINK, OPT_SEED, OPT_CAPTURE, OPT_CC, OPT_TCP, OPT_CORES };

static char called[40], complaining[48];

/* getopt writes "NAME: what is wrong" to stderr and argp a second line, to err_stream, which is not wanted. */
void options_begin(struct argp_state *state)
{
    FILE *nowhere = fopen("/dev/null", "we");
    if (nowhere)
        state->err_stream = nowhere;
}

void options_parse(const struct argp *argp, int argc, char **argv, void *input)
{
    snprintf(called, sizeof called, "plumb %s", argv[0]);
    snprintf(complaining, sizeof complaining, "plumb: %s", argv[0]);
    argv[0] = complaining;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "--usage") == 0)
            argv[0] = called;
    argp_err_exit_status = EXIT_USAGE;
    const error_t e = argp_parse(argp, argc, argv, 0, NULL, input);
    if (e) {
        complain("%s", strerror(e));
        exit(EXIT_USAGE);
    }
}

void option_bad(const struct argp_state *state, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)state;
    complain("%s: %s", called + strlen("plumb "), text);
    exit(EXIT_USAGE);
}

long option_integer(const struct argp_state *state, const char *text, long min, long max)
{
    char *end;
    errno = 0;
    const long v = strtol(text, &end, 10);
    if (!*text || *end || errno || v < min || v > max)
        option_bad(state, "\"%s\" is not a number from %ld to %ld", text, min, max);
    return v;
}

int64_t option_seconds(const struct argp_state *state, const char *text)
{
    char *end;
    const double v = strtod(text, &end);
    if (!*text || *end || !(v >= 0) || v > 1e6)
        option_bad(state, "\"%s\" is not a number of seconds", text);
    return (int64_t)(v * 1e9);
}

static const struct argp_option options[] = {
    { "via",     OPT_VIA,     "V",    0, "the network: tap:NAME[,addr=A/LEN]...[,gw=G][,dns=D][,mtu=M][,ip6=on|off][,offload=soft|off], "
                                     "packet:IFACE[,ring=on],..., xdp:IFACE,..., host, virtual", 90 },
    { "link",    OPT_LINK,    "SPEC", 0, "shape the link: 'rtt= rate= loss= jitter= queue= reorder= duplicate= corrupt= mtu= ecn='", 90 },
    { "cores",   OPT_CORES,   "N",    0, "servers: N threads, each a stack with its own queue of the interface (default 1)", 90 },
    { "seed",    OPT_SEED,    "N",    0, "repeat a virtual run", 90 },
    { "capture", OPT_CAPTURE, "FILE", 0, "write the packets to FILE (pcapng)", 90 },
    { "cc",      OPT_CC,      "NAME", 0, "congestion control of plumb's TCP: cubic (the default), reno, bbr", 90 },
    { "tcp",     OPT_TCP,     "SPEC", 0, "how plumb's TCP behaves: 'sack=off timestamps=off scaling=off fastopen=on profile=plain'", 90 },
    { 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct network_opts *o = state->input;
    char error[200];
    switch (key) {
    case ARGP_KEY_INIT:
        options_begin(state);
        return 0;
    case OPT_VIA:
        if (!via_parse(arg, &o->via, error))
            option_bad(state, "%s", error);
        return 0;
    case OPT_LINK:
        if (!impair_parse(arg, &o->link, error))
            option_bad(state, "--%s", error);        /* it begins with "link: " */
        o->has_link = true;
        return 0;
    case OPT_SEED:
        o->seed = (uint64_t)option_integer(state, arg, 0, INT64_MAX);
        o->has_seed = true;
        return 0;
    case OPT_CORES:
        if (!o->cores)
            option_bad(state, "--cores: only serve and bench server run on several");
        o->cores = (unsigned)option_integer(state, arg, 1, SHARDS_MAX);
        return 0;
    case OPT_CC:
        o->tcp.congestion = (uint8_t)tcp_cc_named(arg);
        if (!o->tcp.congestion)
            option_bad(state, "--cc: \"%s\" is unknown; there are cubic reno bbr", arg);
        return 0;
    case OPT_TCP:
        if (!tcp_spec_parse(arg, &o->tcp, error))
            option_bad(state, "--tcp: %s", error);
        return 0;
    case OPT_CAPTURE:
        o->capture = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp network_argp = { options, parse, NULL, NULL, NULL, NULL, NULL };
