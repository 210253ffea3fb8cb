/* plumb scan TARGET...: which TCP ports are open, closed or filtered, by SYNs on plumb's own stack. */
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/probing.h"
#include "cli/scan_state.h"
#include "cli/scan_targets.h"
#include "stack/probe.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_RATE = 3900, OPT_RETRIES, OPT_JSON, OPT_ALL, RATE_DEFAULT = 1000, RATE_MAX = 20000, SHOWN_MOST = 25 };

struct scan_command {
    struct network_opts open;
    struct port_set ports;
    unsigned rate, retries, n_args;
    bool json, all, ports_given;
    const char *arg[SCAN_HOSTS_MAX];

    struct network *n;
    struct scan_targets targets;
    struct scan scan;
    uint16_t local_port;
    struct loop_task news;
    struct loop_timer timer;
    const char *why_not;
};

static const struct argp_option options[] = {
    { NULL,      '4', NULL,          0, "IPv4", 0 },
    { NULL,      '6', NULL,          0, "IPv6", 0 },
    { "ports",   'p', "LIST",        0, "ports, names and ranges, like 22,80,1000-2000,http (default: those that have a name here; -: all)", 0 },
    { "rate",    OPT_RATE, "N",      0, "at most N probes a second (default 1000, at most 20000)", 0 },
    { "retries", OPT_RETRIES, "N",   0, "ask a silent port so many times more (default 2)", 0 },
    { "all",     'a', NULL,          0, "list closed and filtered ports too, however many", 0 },
    { "json",    OPT_JSON, NULL,     0, "one JSON object", 0 },
    { 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct scan_command *c = state->input;
    char error[PORTS_ERROR];
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &c->open; return 0;
    case '4': c->open.family = NAME_V4; return 0;
    case '6': c->open.family = NAME_V6; return 0;
    case 'p':
        c->ports_given = true;
        if (!ports_parse(arg, &c->ports, error))
            option_bad(state, "-p: %s", error);
        return 0;
    case OPT_RATE: c->rate = (unsigned)option_integer(state, arg, 1, RATE_MAX); return 0;
    case OPT_RETRIES: c->retries = (unsigned)option_integer(state, arg, 0, 10); return 0;
    case 'a': c->all = true; return 0;
    case OPT_JSON: c->json = true; return 0;
    case ARGP_KEY_ARG:
        if (c->n_args == SCAN_HOSTS_MAX)
            option_bad(state, "no more than %d hosts at a time", SCAN_HOSTS_MAX);
        c->arg[c->n_args++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (c->n_args == 0)
            option_bad(state, "a host is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---------------------------------------------------------------- targets */

/* Numbers are judged before anything is opened; names when there is somebody to ask. */
static bool add_numbers(struct scan_command *c)
{
    char error[TARGET_ERROR];
    for (unsigned i = 0; i < c->n_args; i++) {
        if (!target_is_numeric(c->arg[i]) || targets_add(&c->targets, c->arg[i], error))
            continue;
        complain("scan: %s", error);
        return false;
    }
    return true;
}

static bool add_names(struct scan_command *c)
{
    char error[TARGET_ERROR];
    struct addr a;
    for (unsigned i = 0; i < c->n_args; i++) {
        if (target_is_numeric(c->arg[i]))
            continue;
        if (!network_resolve(c->n, c->arg[i], &a))
            return false;
        if (targets_add_addr(&c->targets, c->arg[i], a, error))
            continue;
        complain("scan: %s", error);
        return false;
    }
    return true;
}

static bool choose_network(struct scan_command *c)
{
    char text[ADDR_TEXT];
    for (uint32_t i = 0; i < c->targets.n; i++)
        if (!probing_choose(&c->open, "scan", addr_text(c->targets.addr[i], text)))
            return false;
    for (unsigned i = 0; i < c->n_args; i++)
        if (!target_is_numeric(c->arg[i]) && !probing_choose(&c->open, "scan", c->arg[i]))
            return false;
    if (c->open.family == NAME_ANY && c->targets.n)
        c->open.family = addr_is4(c->targets.addr[0]) ? NAME_V4 : NAME_V6;
    return true;
}

/* ------------------------------------------------------------------ asking */

static struct loop *loop_of(const struct scan_command *c) { return network_loop(c->n); }

static bool send_probe(struct scan_command *c, const struct scan_probe *p, int64_t now_ns)
{
    const struct scan *s = &c->scan;
    const struct probe q = { .kind = PROBE_TCP, .to = { s->host[p->host].addr, s->number[p->port] }, .local_port = c->local_port,
                             .tcp_seq = scan_seq(s, p->host, p->port) };
    const enum plumb_err e = stack_probe_send(network_stack(c->n), &q, now_ns);
    if (e == PLUMB_OK || e == PLUMB_NO_MEMORY)      /* what there was no room for is asked again in time */
        return true;
    if (e == PLUMB_NO_ROUTE) {
        scan_answer(&c->scan, &(struct scan_answer){ .about = q.to.addr, .port = q.to.port, .seq = q.tcp_seq, .has_seq = true, .trouble = TROUBLE_NO_ROUTE,
                                                     .own = true, .time_ns = now_ns });
        return true;
    }
    c->why_not = plumb_err_text(e);
    return false;
}

static void step(struct scan_command *c)
{
    struct scan_probe p;
    const int64_t now_ns = loop_now(loop_of(c));
    while (scan_next(&c->scan, &p, now_ns))
        if (!send_probe(c, &p, now_ns))
            break;
    const int64_t at_ns = scan_deadline(&c->scan, now_ns);
    if (c->why_not || scan_is_over(&c->scan))
        loop_stop(loop_of(c));
    else
        loop_arm_in(loop_of(c), &c->timer, time_max(0, at_ns - now_ns));
}

static void on_timer(void *arg) { step(arg); }

static void on_news(void *arg)
{
    struct scan_command *c = arg;
    struct probe_answer a;
    while (stack_probe_take(network_stack(c->n), &a)) {
        if (a.kind != PROBE_TCP)
            continue;
        scan_answer(&c->scan, &(struct scan_answer){ .from = a.from, .about = a.about.addr, .port = a.about.port, .seq = a.tcp_seq, .has_seq = a.has_seq,
                                                     .flags = a.flags, .ttl = a.ttl, .trouble = a.trouble, .time_ns = a.time_ns,
                                                     .own = a.trouble != TROUBLE_NONE && stack_own_addr(network_stack(c->n), a.from) == PLUMB_OK });
    }
    step(c);
}

/* ----------------------------------------------------------------- telling */

static bool is_shown(const struct scan_command *c, uint32_t host, uint8_t state)
{
    return state == PORT_OPEN || (state >= PORT_CLOSED && (c->all || scan_count(&c->scan, host, state) <= SHOWN_MOST));
}

static void tell_hidden(const struct scan_command *c, uint32_t host)
{
    const char *separator = "Not shown: ";
    for (uint8_t state = PORT_CLOSED; state <= PORT_FILTERED; state++) {
        if (is_shown(c, host, state))
            continue;
        printf("%s%" PRIu32 " %s", separator, scan_count(&c->scan, host, state), port_state_text(state));
        separator = ", ";
    }
    if (*separator == ',')
        puts(" TCP ports");
}

static void tell_ports(const struct scan_command *c, uint32_t host)
{
    const struct scan_host *h = &c->scan.host[host];
    bool head = false;
    for (uint32_t i = 0; i < c->scan.n_ports; i++) {
        char port[16];
        const uint16_t number = c->scan.number[i];
        if (!is_shown(c, host, h->port[i].state))
            continue;
        if (!head)
            printf("%-9s %-8s %s\n", "PORT", "STATE", "SERVICE");
        head = true;
        snprintf(port, sizeof port, "%u/tcp", number);
        printf("%-9s %-8s %s\n", port, port_state_text(h->port[i].state), port_name(number) ? port_name(number) : "unknown");
    }
}

static void tell_host(const struct scan_command *c, uint32_t host)
{
    const struct scan_host *h = &c->scan.host[host];
    char addr[ADDR_TEXT], from[ADDR_TEXT];
    const char *typed = c->targets.typed[host];
    printf(target_is_numeric(typed) ? "\nScan report for %s\n" : "\nScan report for %2$s (%1$s)\n", addr_text(h->addr, addr), typed);
    if (h->down) {
        printf("Host seems down: %s%s%s.\n", trouble_text(h->trouble), addr_is_none(h->said_by) ? "" : ", says ",
               addr_is_none(h->said_by) ? "" : addr_text(h->said_by, from));
        return;
    }
    if (h->best_rtt_ns)
        printf("Host is up (%.4fs latency).\n", (double)h->best_rtt_ns / 1e9);
    else
        puts("No port answered: the host may be down, or a filter stands before it.");
    tell_hidden(c, host);
    tell_ports(c, host);
}

static void host_json(const struct scan_command *c, uint32_t host, struct json *j)
{
    const struct scan_host *h = &c->scan.host[host];
    char addr[ADDR_TEXT];
    json_open(j, NULL, '{');
    json_text(j, "host", c->targets.typed[host]);
    json_text(j, "address", addr_text(h->addr, addr));
    json_bool(j, "up", h->up);
    json_text(j, "trouble", h->down ? trouble_text(h->trouble) : NULL);
    if (h->best_rtt_ns)
        json_ms(j, "rtt_ms", h->best_rtt_ns);
    json_open(j, "ports", '[');
    for (uint32_t i = 0; i < c->scan.n_ports; i++) {
        const struct scan_port *p = &h->port[i];
        json_open(j, NULL, '{');
        json_int(j, "port", c->scan.number[i]);
        json_text(j, "state", port_state_text(p->state));
        json_text(j, "reason", scan_why_text(p->why));
        if (port_name(c->scan.number[i]))
            json_text(j, "service", port_name(c->scan.number[i]));
        if (p->ttl)
            json_int(j, "ttl", p->ttl);
        json_close(j, '{');
    }
    json_close(j, '[');
    json_close(j, '{');
}

static uint32_t hosts_up(const struct scan_command *c)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < c->scan.n_hosts; i++)
        n += c->scan.host[i].up;
    return n;
}

static int tell(const struct scan_command *c, int64_t took_ns, int status)
{
    if (!c->json) {
        for (uint32_t i = 0; i < c->scan.n_hosts; i++)
            if (c->scan.n_hosts == 1 || !c->scan.host[i].down)
                tell_host(c, i);
        printf("\n%" PRIu32 " host%s, %" PRIu32 " up, %" PRIu64 " probes in %.2f s\n", c->scan.n_hosts, c->scan.n_hosts == 1 ? "" : "s", hosts_up(c),
               c->scan.sent, (double)took_ns / 1e9);
        return status;
    }
    char network[200];
    struct json j = json_begin("plumb.scan/1");
    network_describe(c->n, network);
    json_text(&j, "network", network);
    json_open(&j, "hosts", '[');
    for (uint32_t i = 0; i < c->scan.n_hosts; i++)
        host_json(c, i, &j);
    json_close(&j, '[');
    json_int(&j, "probes", (int64_t)c->scan.sent);
    json_ms(&j, "took_ms", took_ns);
    json_int(&j, "exit", status);
    return json_end(&j) ? status : EXIT_UNWRITABLE;
}

/* --------------------------------------------------------------------- run */

static int ask_all(struct scan_command *c)
{
    struct stack *st = network_stack(c->n);
    const int64_t start_ns = loop_now(loop_of(c));
    c->news = (struct loop_task){ .fn = on_news, .arg = c };
    c->timer = (struct loop_timer){ .fn = on_timer, .arg = c };
    stack_watch(st, &c->news);
    loop_defer(loop_of(c), &c->news);
    const enum network_end end = network_run(c->n, DEADLINE_NEVER);
    stack_watch(st, NULL);
    loop_undefer(&c->news);
    loop_cancel(loop_of(c), &c->timer);
    if (c->why_not)
        complain("scan: %s", c->why_not);
    const int status = network_lost(c->n, end) || c->why_not ? 2 : end == NETWORK_SIGNAL ? EXIT_INTERRUPTED : hosts_up(c) ? 0 : 1;
    return tell(c, loop_now(loop_of(c)) - start_ns, status);
}

static bool is_moderate(const struct scan_command *c)
{
    const uint64_t all = (uint64_t)c->targets.n * ports_count(&c->ports);
    if (all <= SCAN_PROBES_MAX)
        return true;
    complain("scan: %" PRIu32 " hosts of %u ports each are more than %d", c->targets.n, ports_count(&c->ports), SCAN_PROBES_MAX);
    return false;
}

static int scan_network(struct scan_command *c)
{
    char text[200];
    network_describe(c->n, text);
    fprintf(stderr, "plumb scan: %s\n", text);
    const char *why_not = network_configure(c->n, NETWORK_PATIENCE_NS);
    if (why_not)
        complain("%s", why_not);
    if (why_not || !add_names(c) || !is_moderate(c))
        return 2;
    if (stack_probe_open(network_stack(c->n), 1, &c->local_port) != PLUMB_OK ||
        !scan_init(&c->scan, c->targets.addr, c->targets.n, &c->ports, c->rate, c->retries, (uint32_t)net_random(network_net(c->n)))) {
        complain("out of memory");
        return 2;
    }
    const int status = ask_all(c);
    scan_fini(&c->scan);
    return status;
}

static int run(struct scan_command *c)
{
    int status = 2;
    if (!c->ports_given)
        ports_named(&c->ports);
    if (!add_numbers(c) || !choose_network(c) || !is_moderate(c))
        return EXIT_USAGE;
    c->n = network_open(&c->open, &status);
    if (!c->n)
        return 2;
    status = scan_network(c);
    return network_close(c->n) ? status : 2;
}

int cmd_scan(int argc, char **argv)
{
    static const struct argp_child children[] = { { &network_argp, 0, NULL, 0 }, { 0 } };
    static const char about[] = "Tells which TCP ports of hosts are open (a SYN-ACK), closed (an RST) or filtered (silence, or an ICMP unreachable)."
        "\vThe rule: only hosts that are named here, by name, address, or a range of at most 256 addresses (a /24, an IPv6 /120); and only on the "
        "virtual internet or on an interface given by --via, never by the host's own sockets.  Scan what is yours.  Exits with 0 when a host is up, "
        "1 when none is, 2 when it could not be tried.";
    static const struct argp argp = { options, parse, "TARGET...", about, children, NULL, NULL };
    struct scan_command *c = calloc(1, sizeof *c);
    if (!c) {
        complain("out of memory");
        return 2;
    }
    c->rate = RATE_DEFAULT;
    c->retries = 2;
    options_parse(&argp, argc, argv, c);
    const int status = run(c);
    free(c);
    return status;
}
