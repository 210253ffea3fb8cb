/* plumb traceroute HOST: the routers on the way, by UDP, ICMP or TCP probes on plumb's own stack. */
#include "cli/cli.h"
#include "cli/names.h"
#include "cli/options.h"
#include "cli/probing.h"
#include "cli/trace_show.h"
#include "stack/probe.h"
#include "wire/ip4.h"
#include "wire/tcp.h"
#include <stdlib.h>
#include <string.h>

enum { OPT_MTU = 3800, OPT_JSON, TTL_MAX = 255, QUERIES_MAX = 10, PARALLEL_MAX = 64, PORT_UDP = 33434, PORT_TCP = 80, SIZE_DEFAULT = 60,
       PARALLEL_FIRST = 3, WAIT_HERE = 3, WAIT_NEAR = 10, TCP_PROBE = 24, NEAR_HOPS = 4 };
#define WAIT_LEAST_NS (10 * NS_PER_MS)

struct traceroute {
    struct network_opts open;
    struct probing common;
    enum probe_kind kind;
    unsigned first, max, queries, parallel, size, port, tos;
    int64_t wait_ns;
    bool numeric, mtu_search, dont_fragment;
    struct addr source;

    struct network *n;
    struct addr to;
    uint16_t id, local_port, mtu, mtu_told;
    unsigned next, outstanding, printed;    /* the next probe to send; sent and not over; hops told of */
    unsigned final;                     /* the hop where the way ends; max: not known yet */
    struct trace_probe *probe;
    struct names *names;
    struct json j;
    struct loop_task news;
    struct loop_timer timer;
    const char *why_not;
};

static const struct argp_option options[] = {
    { NULL,          '4', NULL,   0, "IPv4", 0 },
    { NULL,          '6', NULL,   0, "IPv6", 0 },
    { "icmp",        'I', NULL,   0, "probe by ICMP echo requests", 0 },
    { "tcp",         'T', NULL,   0, "probe by TCP SYNs, to port 80 unless -p says otherwise", 0 },
    { "udp",         'U', NULL,   0, "probe by UDP (the default), to ports from 33434 on", 0 },
    { "port",        'p', "PORT", 0, "the port; of UDP the first, each probe takes the next", 0 },
    { "first",       'f', "TTL",  0, "begin with this hop (default 1)", 0 },
    { "max-hops",    'm', "TTL",  0, "end with this hop (default 30)", 0 },
    { "queries",     'q', "N",    0, "probes for each hop (default 3, at most 10)", 0 },
    { "sim-queries", 'N', "N",    0, "probes under way at once (default 16)", 0 },
    { "wait",        'w', "S",    0, "wait for an answer at most so many seconds (default 5; less when others have come)", 0 },
    { "numeric",     'n', NULL,   0, "no names", 0 },
    { "source",      's', "ADDR", 0, "send from this address of plumb's", 0 },
    { "tos",         't', "N",    0, "type of service (traffic class)", 0 },
    { "dont-fragment", 'F', NULL, 0, "routers may not fragment the probes", 0 },
    { "mtu",         OPT_MTU, NULL, 0, "find the path's MTU: F=N where it becomes N", 0 },
    { "json",        OPT_JSON, NULL, 0, "one JSON object", 0 },
    { 0 }
};

static void take_argument(struct traceroute *t, const struct argp_state *state, char *arg)
{
    if (!t->common.host)
        t->common.host = arg;
    else if (!t->size)
        t->size = (unsigned)option_integer(state, arg, 28, 65000);
    else
        option_bad(state, "one host at a time");
}

static void finish_options(struct traceroute *t, const struct argp_state *state)
{
    if (!t->common.host)
        option_bad(state, "a host is missing");
    if (t->first > t->max)
        option_bad(state, "the first hop, %u, is beyond the last, %u", t->first, t->max);
    if (!t->port)
        t->port = t->kind == PROBE_TCP ? PORT_TCP : PORT_UDP;
    if (t->kind == PROBE_UDP && t->port + t->max * t->queries > 65536)
        option_bad(state, "-p: %u hops of %u probes from port %u on go beyond 65535", t->max, t->queries, t->port);
    if (t->mtu_search && t->kind == PROBE_TCP)
        option_bad(state, "--mtu goes by UDP and ICMP: a SYN has no length to choose");
    if (t->mtu_search) {
        t->dont_fragment = true;
        t->parallel = 1;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct traceroute *t = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &t->open; return 0;
    case '4': t->open.family = NAME_V4; return 0;
    case '6': t->open.family = NAME_V6; return 0;
    case 'I': t->kind = PROBE_ECHO; return 0;
    case 'T': t->kind = PROBE_TCP; return 0;
    case 'U': t->kind = PROBE_UDP; return 0;
    case 'p': t->port = (unsigned)option_integer(state, arg, 1, 65535); return 0;
    case 'f': t->first = (unsigned)option_integer(state, arg, 1, TTL_MAX); return 0;
    case 'm': t->max = (unsigned)option_integer(state, arg, 1, TTL_MAX); return 0;
    case 'q': t->queries = (unsigned)option_integer(state, arg, 1, QUERIES_MAX); return 0;
    case 'N': t->parallel = (unsigned)option_integer(state, arg, 1, PARALLEL_MAX); return 0;
    case 'w': t->wait_ns = option_seconds(state, arg); return 0;
    case 'n': t->numeric = true; return 0;
    case 't': t->tos = (unsigned)option_integer(state, arg, 0, 255); return 0;
    case 'F': t->dont_fragment = true; return 0;
    case 's':
        if (!addr_parse(arg, &t->source))
            option_bad(state, "-s: \"%s\" is no address", arg);
        return 0;
    case OPT_MTU: t->mtu_search = true; return 0;
    case OPT_JSON: t->common.json = true; return 0;
    case ARGP_KEY_ARG: take_argument(t, state, arg); return 0;
    case ARGP_KEY_END: finish_options(t, state); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static struct loop *loop_of(const struct traceroute *t)      { return network_loop(t->n); }
static unsigned hops(const struct traceroute *t)             { return t->final - t->first + 1; }
static unsigned ttl_of(const struct traceroute *t, unsigned i) { return t->first + i / t->queries; }
static unsigned ip_header(const struct traceroute *t)        { return addr_is4(t->to) ? 20 : 40; }

/* ---------------------------------------------------------------- sending */

static unsigned data_len(const struct traceroute *t)
{
    const unsigned whole = t->mtu_search ? t->mtu : t->size, header = ip_header(t) + 8;
    return whole > header ? whole - header : 0;
}

static enum plumb_err send_probe(struct traceroute *t, unsigned i)
{
    static uint8_t data[65536];
    const int64_t now_ns = loop_now(loop_of(t));
    struct trace_probe *p = &t->probe[i];
    struct probe q = { .kind = t->kind, .ttl = (uint8_t)ttl_of(t, i), .tos = (uint8_t)t->tos, .dont_fragment = t->dont_fragment, .from = t->source,
                       .to = { t->to, (uint16_t)t->port }, .local_port = t->local_port, .data = data, .len = data_len(t) };
    if (t->kind == PROBE_UDP)
        q.to.port = (uint16_t)(t->port + i);
    if (t->kind == PROBE_TCP) {
        q.local_port = (uint16_t)(t->local_port + i);
        q.tcp_seq = (uint32_t)net_random(network_net(t->n));
    }
    q.id = t->id;
    q.seq = (uint16_t)(i + 1);
    if (!p->sent)
        t->outstanding++;
    p->sent = true;
    p->sent_ns = now_ns;
    enum plumb_err e = stack_probe_send(network_stack(t->n), &q, now_ns);
    if (e == PLUMB_TOO_BIG && t->mtu_search) {      /* what TCP has learnt of the path, or the link itself */
        struct path path;
        if (stack_route(network_stack(t->n), t->source, t->to, &path) == PLUMB_OK && path.mtu < t->mtu) {
            t->mtu = path.mtu;
            return send_probe(t, i);
        }
    }
    return e;
}

static void stop(struct traceroute *t, const char *why_not)
{
    t->why_not = why_not;
    loop_stop(loop_of(t));
}

static bool send_what_may(struct traceroute *t)
{
    /* No more than wait for the first router's link address, until something is over. */
    const unsigned most = t->next == t->outstanding && t->parallel > PARALLEL_FIRST ? PARALLEL_FIRST : t->parallel;
    while (t->outstanding < most && t->next < hops(t) * t->queries) {
        const enum plumb_err e = send_probe(t, t->next++);
        if (e == PLUMB_OK)
            continue;
        stop(t, plumb_err_text(e));
        return false;
    }
    return true;
}

/* --------------------------------------------------------------- waiting */

/* Once others have answered, an answer that takes three times as long as theirs is not to be waited for; of
 * hops behind, ten times. */
static int64_t patience_of(const struct traceroute *t, unsigned i)
{
    const unsigned hop = i / t->queries * t->queries;
    int64_t here_ns = 0, near_ns = 0;
    for (unsigned k = hop; k < hop + t->queries; k++)
        if (!addr_is_none(t->probe[k].from))
            here_ns = time_max(here_ns, t->probe[k].rtt_ns);
    for (unsigned k = hop + t->queries; k < hop + t->queries * (1 + NEAR_HOPS) && k < t->next && !near_ns; k++)
        if (!addr_is_none(t->probe[k].from))
            near_ns = t->probe[k].rtt_ns;
    const int64_t wait_ns = here_ns ? WAIT_HERE * here_ns : near_ns ? WAIT_NEAR * near_ns : t->wait_ns;
    return time_min(t->wait_ns, time_max(wait_ns, WAIT_LEAST_NS));
}

static void end_overdue(struct traceroute *t)
{
    const int64_t now_ns = loop_now(loop_of(t));
    for (unsigned i = 0; i < t->next; i++) {
        struct trace_probe *p = &t->probe[i];
        if (p->over || p->sent_ns + patience_of(t, i) > now_ns)
            continue;
        p->over = true;
        t->outstanding--;
    }
}

static int64_t next_deadline(const struct traceroute *t)
{
    int64_t at_ns = t->names ? names_deadline(t->names) : DEADLINE_NEVER;
    for (unsigned i = 0; i < t->next; i++)
        if (!t->probe[i].over)
            at_ns = time_min(at_ns, t->probe[i].sent_ns + patience_of(t, i));
    return at_ns;
}

/* --------------------------------------------------------------- telling */

static const char *name_of(void *arg, struct addr a)
{
    struct traceroute *t = arg;
    const char *name = NULL;
    if (!t->names)
        return NULL;
    (void)names_of(t->names, a, &name);
    return name ? name : "";
}

static bool is_whole(struct traceroute *t, const struct trace_hop *h)
{
    bool whole = true;
    for (unsigned i = 0; i < h->n; i++) {
        const char *name;
        const struct trace_probe *p = &h->probe[i];
        whole &= p->over && (addr_is_none(p->from) || !t->names || names_of(t->names, p->from, &name));
    }
    return whole;
}

static void tell_hops(struct traceroute *t)
{
    for (; t->printed < hops(t); t->printed++) {
        const struct trace_hop h = { .ttl = t->first + t->printed, .n = t->queries, .probe = &t->probe[t->printed * t->queries], .target = t->to };
        if ((t->printed + 1) * t->queries > t->next || !is_whole(t, &h))
            return;
        if (t->common.json)
            trace_json(&h, name_of, t, &t->j);
        else
            trace_line(&h, name_of, t, stdout);
    }
    stop(t, NULL);
}

static void step(struct traceroute *t)
{
    end_overdue(t);
    if (!send_what_may(t))
        return;
    tell_hops(t);
    const int64_t at_ns = next_deadline(t);
    if (at_ns == DEADLINE_NEVER)
        loop_cancel(loop_of(t), &t->timer);
    else
        loop_arm_in(loop_of(t), &t->timer, time_max(at_ns - loop_now(loop_of(t)), 0));
}

static void on_timer(void *arg) { step(arg); }

/* --------------------------------------------------------------- answers */

/* Which probe it is about; NULL: none of ours. */
static struct trace_probe *probe_of(struct traceroute *t, const struct probe_answer *a)
{
    unsigned i = a->kind == PROBE_TCP ? (unsigned)(a->local_port - t->local_port) :
                 a->kind == PROBE_UDP ? a->about.port - t->port : a->seq - 1u;
    if (a->kind != t->kind || (a->kind == PROBE_ECHO && a->id != t->id) || !addr_eq(a->about.addr, t->to) || i >= t->next || t->probe[i].over)
        return NULL;
    return &t->probe[i];
}

/* The path is narrower than was thought: the same probe again, smaller. */
static bool shrink(struct traceroute *t, const struct trace_probe *p, const struct probe_answer *a)
{
    if (!t->mtu_search || a->trouble != TROUBLE_TOO_BIG || a->mtu >= t->mtu || a->mtu < ip_header(t) + 8)
        return false;
    t->mtu = a->mtu;
    (void)send_probe(t, (unsigned)(p - t->probe));
    return true;
}

static void take_one(struct traceroute *t, const struct probe_answer *a)
{
    struct trace_probe *p = probe_of(t, a);
    if (!p || shrink(t, p, a))
        return;
    p->over = true;
    t->outstanding--;
    p->rtt_ns = time_max(1, a->time_ns - p->sent_ns);
    p->from = a->from;
    p->trouble = a->trouble;
    p->flags = a->flags;
    p->type = a->type;
    p->code = a->code;
    p->mtu = a->trouble == TROUBLE_TOO_BIG ? a->mtu : 0;
    if (t->mtu_search && t->mtu != t->mtu_told)
        p->mtu = t->mtu_told = t->mtu;
    const unsigned ttl = ttl_of(t, (unsigned)(p - t->probe));
    if (trace_is_final(p) && ttl < t->final)
        t->final = ttl;
    if (t->names) {
        const char *name;
        (void)names_of(t->names, p->from, &name);
    }
}

static void on_news(void *arg)
{
    struct traceroute *t = arg;
    struct probe_answer a;
    while (stack_probe_take(network_stack(t->n), &a))
        take_one(t, &a);
    step(t);
}

/* -------------------------------------------------------------------- run */

static void begin(struct traceroute *t)
{
    static const char *const method[] = { [PROBE_ECHO] = "icmp", [PROBE_UDP] = "udp", [PROBE_TCP] = "tcp" };
    char to[ADDR_TEXT];
    struct path path;
    if (!t->size)
        t->size = addr_is4(t->to) ? SIZE_DEFAULT : SIZE_DEFAULT + 20;
    if (t->kind == PROBE_TCP)
        t->size = ip_header(t) + TCP_PROBE;
    if (t->mtu_search && stack_route(network_stack(t->n), t->source, t->to, &path) == PLUMB_OK)
        t->mtu = path.mtu;
    const unsigned whole = t->mtu_search ? t->mtu : t->size;
    if (!t->common.json) {
        printf("traceroute to %s (%s), %u hops max, %u byte packets\n", t->common.host, addr_text(t->to, to), t->max, whole);
        return;
    }
    t->j = probing_json(&t->common, t->n, &t->open, t->to);
    json_text(&t->j, "method", method[t->kind]);
    json_int(&t->j, "max_ttl", t->max);
    json_int(&t->j, "packet_bytes", whole);
    json_open(&t->j, "hops", '[');
}

static bool was_reached(const struct traceroute *t)
{
    for (unsigned i = 0; i < t->next; i++)
        if (addr_eq(t->probe[i].from, t->to))
            return true;
    return false;
}

static int finish(struct traceroute *t, enum network_end end)
{
    int status = network_lost(t->n, end) || t->why_not ? 2 : end == NETWORK_SIGNAL ? EXIT_INTERRUPTED : 0;
    if (t->why_not)
        complain("traceroute: %s", t->why_not);
    if (t->common.json) {
        json_close(&t->j, '[');
        json_bool(&t->j, "reached", was_reached(t));
        if (t->mtu_search)
            json_int(&t->j, "path_mtu", t->mtu);
        if (t->why_not)
            json_text(&t->j, "error", t->why_not);
        json_int(&t->j, "exit", status);
        status = json_end(&t->j) ? status : EXIT_UNWRITABLE;
    }
    return status;
}

static int trace_route(struct traceroute *t)
{
    struct stack *st = network_stack(t->n);
    t->news = (struct loop_task){ .fn = on_news, .arg = t };
    t->timer = (struct loop_timer){ .fn = on_timer, .arg = t };
    t->names = t->numeric ? NULL : names_new(t->n, &t->news);
    t->id = (uint16_t)net_random(network_net(t->n));
    if ((!t->numeric && !t->names) || stack_probe_open(st, (uint16_t)(t->max * t->queries), &t->local_port) != PLUMB_OK) {
        complain("out of memory");
        names_free(t->names);
        return 2;
    }
    begin(t);
    stack_watch(st, &t->news);
    loop_defer(loop_of(t), &t->news);
    const int status = finish(t, network_run(t->n, DEADLINE_NEVER));
    stack_watch(st, NULL);
    loop_undefer(&t->news);
    loop_cancel(loop_of(t), &t->timer);
    names_free(t->names);
    stack_probe_close(st);
    return status;
}

int cmd_traceroute(int argc, char **argv)
{
    static const struct argp_child children[] = { { &network_argp, 0, NULL, 0 }, { 0 } };
    static const struct argp argp = { options, parse, "HOST [BYTES]", "Tells the routers on the way to HOST, by probes whose hop limit grows.  "
                                      "Marks: !H host, !N network, !P protocol unreachable, !X prohibited, !F-N fragmentation needed.", children, NULL, NULL };
    struct traceroute t = { .common = { .command = "traceroute", .schema = "plumb.traceroute/1" }, .kind = PROBE_UDP, .first = 1, .max = 30, .queries = 3,
                            .parallel = 16, .wait_ns = 5 * NS_PER_SEC };
    options_parse(&argp, argc, argv, &t);
    if (!probing_choose(&t.open, "traceroute", t.common.host))
        return EXIT_USAGE;
    t.final = t.max;
    t.probe = calloc((size_t)t.max * t.queries, sizeof *t.probe);
    if (!t.probe) {
        complain("out of memory");
        return 2;
    }
    int status = 2;
    t.n = probing_open(&t.open, &t.common, &t.to);
    if (t.n) {
        status = trace_route(&t);
        if (!network_close(t.n))
            status = 2;
    }
    free(t.probe);
    return status;
}
