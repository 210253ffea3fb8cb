/* plumb ping HOST: ICMP echo on plumb's own stack. */
#include "cli/cli.h"
#include "base/units.h"
#include "cli/options.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ping {
    struct network_opts open;
    const char *host;
    long count;
    int64_t interval_ns, timeout_ns;
    unsigned size, ttl;
    bool quiet;

    struct network *n;
    struct addr to;
    uint16_t id;
    long sent, received, errors;
    int64_t *sent_ns;                   /* by sequence number, of the last 65536 */
    double sum_ms, sum2_ms, min_ms, max_ms;
    struct loop_timer next, give_up;
    struct loop_task news;
};

static const struct argp_option options[] = {
    { "count",    'c', "N",     0, "stop after N requests (default 4)", 0 },
    { "interval", 'i', "S",     0, "seconds between requests (default 1)", 0 },
    { "timeout",  'W', "S",     0, "seconds to wait for the last answer (default 2)", 0 },
    { "size",     's', "BYTES", 0, "data bytes in each request (default 56)", 0 },
    { "ttl",      't', "N",     0, "time to live", 0 },
    { NULL,       'w', "FILE",  0, "the same as --capture", 0 },
    { "quiet",    'q', NULL,    0, "only the summary", 0 },
    { 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct ping *p = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &p->open; return 0;
    case 'c': p->count = option_integer(state, arg, 1, 1000000000); return 0;
    case 'i': p->interval_ns = option_seconds(state, arg); return 0;
    case 'W': p->timeout_ns = option_seconds(state, arg); return 0;
    case 's': p->size = (unsigned)option_integer(state, arg, 0, 65000); return 0;
    case 't': p->ttl = (unsigned)option_integer(state, arg, 1, 255); return 0;
    case 'w': p->open.capture = arg; return 0;
    case 'q': p->quiet = true; return 0;
    case ARGP_KEY_ARG:
        if (p->host)
            option_bad(state, "one host at a time");
        p->host = arg;
        return 0;
    case ARGP_KEY_END:
        if (!p->host)
            option_bad(state, "a host is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void send_next(void *arg)
{
    struct ping *p = arg;
    static uint8_t data[65536];
    const int64_t now_ns = loop_now(network_loop(p->n));
    for (unsigned i = 0; i < p->size; i++)
        data[i] = (uint8_t)i;
    p->sent++;
    p->sent_ns[p->sent & 0xffff] = now_ns;
    const enum plumb_err e = stack_echo_send(network_stack(p->n), p->to, p->id, (uint16_t)p->sent, data, p->size, (uint8_t)p->ttl, now_ns);
    if (e != PLUMB_OK) {
        p->errors++;
        printf("icmp_seq=%ld %s\n", p->sent, plumb_err_text(e));
    }
    if (p->sent < p->count)
        loop_arm_in(network_loop(p->n), &p->next, p->interval_ns);
    else
        loop_arm_in(network_loop(p->n), &p->give_up, p->timeout_ns);
}

static void give_up(void *arg)
{
    struct ping *p = arg;
    loop_stop(network_loop(p->n));
}

static void note_answer(struct ping *p, const struct echo_result *r)
{
    char from[ADDR_TEXT];
    const double ms = (double)(r->time_ns - p->sent_ns[r->seq]) / 1e6;
    p->received++;
    p->sum_ms += ms;
    p->sum2_ms += ms * ms;
    p->min_ms = p->received == 1 || ms < p->min_ms ? ms : p->min_ms;
    p->max_ms = ms > p->max_ms ? ms : p->max_ms;
    if (!p->quiet)
        printf("%u bytes from %s: icmp_seq=%u ttl=%u time=%.3f ms\n", r->len + 8, addr_text(r->from, from), r->seq, r->ttl, ms);
}

static void note_error(struct ping *p, const struct echo_result *r)
{
    char from[ADDR_TEXT];
    p->errors++;
    if (!p->quiet)
        printf("from %s: icmp_seq=%u %s\n", addr_text(r->from, from), r->seq, trouble_text(r->trouble));
}

static void take_answers(void *arg)
{
    struct ping *p = arg;
    struct echo_result r;
    while (stack_echo_take(network_stack(p->n), &r)) {
        if (r.id != p->id)
            continue;
        if (r.trouble == TROUBLE_NONE)
            note_answer(p, &r);
        else
            note_error(p, &r);
    }
    fflush(stdout);
    if (p->received + p->errors >= p->count)
        loop_stop(network_loop(p->n));
}

static void summary(const struct ping *p)
{
    printf("\n--- %s ping statistics ---\n%ld packets transmitted, %ld received, %s%ld%% packet loss\n", p->host, p->sent, p->received,
           p->errors ? "with errors, " : "", p->sent ? 100 * (p->sent - p->received) / p->sent : 0);
    if (!p->received)
        return;
    const double n = (double)p->received, mean = p->sum_ms / n, var = p->sum2_ms / n - mean * mean;
    printf("rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n", p->min_ms, mean, p->max_ms, var > 0 ? sqrt(var) : 0);
}

static int run(struct ping *p)
{
    char text[200], to[ADDR_TEXT];
    network_describe(p->n, text);
    fprintf(stderr, "plumb ping: %s\n", text);
    const char *why_not = network_configure(p->n, NETWORK_PATIENCE_NS);
    if (why_not) {
        complain("%s", why_not);
        return 2;
    }
    if (!network_resolve(p->n, p->host, &p->to))
        return 2;
    printf("PING %s (%s) %u bytes of data\n", p->host, addr_text(p->to, to), p->size);
    p->next = (struct loop_timer){ .fn = send_next, .arg = p };
    p->news = (struct loop_task){ .fn = take_answers, .arg = p };
    p->give_up = (struct loop_timer){ .fn = give_up, .arg = p };
    struct loop *l = network_loop(p->n);
    loop_arm_in(l, &p->next, 0);
    stack_watch(network_stack(p->n), &p->news);
    const bool lost = network_lost(p->n, network_run(p->n, DEADLINE_NEVER));
    stack_watch(network_stack(p->n), NULL);
    loop_cancel(l, &p->next);
    loop_cancel(l, &p->give_up);
    summary(p);
    return lost ? 2 : p->received ? 0 : 1;
}

int cmd_ping(int argc, char **argv)
{
    static const struct argp_child children[] = { { &network_argp, 0, NULL, 0 }, { 0 } };
    static const struct argp argp = { options, parse, "HOST", "Sends ICMP echo requests on plumb's own stack.", children, NULL, NULL };
    struct ping p = { .count = 4, .interval_ns = NS_PER_SEC, .timeout_ns = 2 * NS_PER_SEC, .size = 56 };
    int status;
    options_parse(&argp, argc, argv, &p);
    if (p.open.via.kind == VIA_UNSET)
        p.open.via.kind = VIA_VIRTUAL;
    if (p.open.via.kind == VIA_HOST) {
        complain("ping needs plumb's own stack: --via tap:NAME, packet:IFACE or virtual");
        return EXIT_USAGE;
    }
    p.sent_ns = calloc(65536, sizeof *p.sent_ns);
    if (!p.sent_ns)
        complain("out of memory");
    p.n = p.sent_ns ? network_open(&p.open, &status) : NULL;
    if (!p.n) {
        free(p.sent_ns);
        return 2;
    }
    p.id = (uint16_t)net_random(network_net(p.n));
    status = run(&p);
    if (!network_close(p.n))
        status = 2;
    free(p.sent_ns);
    return status;
}
