/* plumb neigh, arp, route, nat, and addr without an address: what a stack knows.  Of a running plumb (--pid), of one that
 * configures itself on a wire (--via), or of the virtual internet's client. */
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/network.h"
#include "cli/options.h"
#include "cli/state_lines.h"
#include "os/control.h"
#include <stdlib.h>
#include <string.h>

enum { OPT_PID = 4100, OPT_JSON, VALUE = 80 };

struct state_kind {
    const char *command, *question, *schema, *list;
    bool arp;
    void (*print)(const char *line);
};

struct state { struct network_opts open; const struct state_kind *kind; long pid; bool json, four, six; };

static const struct argp_option options[] = {
    { NULL,   '4', NULL,       0, "IPv4 only", 0 },
    { NULL,   '6', NULL,       0, "IPv6 only", 0 },
    { "pid",  OPT_PID, "PID",  0, "ask this running plumb", 0 },
    { "numeric", 'n', NULL,    0, "numbers only, which is always so", 0 },
    { "json", OPT_JSON, NULL,  0, "one JSON object", 0 },
    { 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct state *s = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &s->open; return 0;
    case '4': s->four = true; return 0;
    case '6': s->six = true; return 0;
    case 'n': return 0;
    case OPT_PID: s->pid = option_integer(state, arg, 1, 4194304); return 0;
    case OPT_JSON: s->json = true; return 0;
    case ARGP_KEY_ARG: option_bad(state, "what is \"%s\"?", arg);
    case ARGP_KEY_END:
        if (s->pid && s->open.via.kind != VIA_UNSET)
            option_bad(state, "--pid or --via, not both");
        if (s->open.via.kind == VIA_HOST)
            option_bad(state, "--via host: the kernel knows that (ip neigh, ip route)");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---------------------------------------------------------------- sources */

/* What there is to know comes with a packet or two: the name server and the router become neighbours. */
static void meet_neighbours(struct network *n)
{
    struct addr to;
    if (!network_resolve(n, "www.shop.test", &to))
        return;
    if (stack_echo_send(network_stack(n), to, 1, 1, "plumb", 5, 0, loop_now(network_loop(n))) == PLUMB_OK)
        (void)network_run(n, time_after(loop_now(network_loop(n)), NS_PER_SEC));
}

static char *of_network(struct state *s)
{
    int status;
    char text[200], *lines = NULL;
    size_t len;
    if (s->open.via.kind == VIA_UNSET)
        s->open.via.kind = VIA_VIRTUAL;
    struct network *n = network_open(&s->open, &status);
    if (!n)
        return NULL;
    network_describe(n, text);
    fprintf(stderr, "plumb %s: %s\n", s->kind->command, text);
    const char *why_not = network_configure(n, NETWORK_PATIENCE_NS);
    FILE *f = why_not ? NULL : open_memstream(&lines, &len);
    if (why_not)
        complain("%s: %s", s->kind->command, why_not);
    if (f) {
        if (s->open.via.kind == VIA_VIRTUAL)
            meet_neighbours(n);
        (void)state_lines(network_stack(n), s->kind->question, f);
        fclose(f);
    }
    if (network_close(n))
        return lines;
    free(lines);
    return NULL;
}

static char *of_process(const struct state *s)
{
    char error[CONTROL_ERROR];
    char *lines = control_ask(s->pid, s->kind->question, error);
    if (!lines)
        complain("%s: %s", s->kind->command, error);
    return lines;
}

/* ----------------------------------------------------------------- telling */

static const char *value(const char *line, const char *key, char out[VALUE])
{
    if (!line_value(line, key, out, VALUE))
        strcpy(out, "");
    for (char *at = out; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    return out;
}

static void print_addr(const char *line)
{
    char iface[VALUE], addr[VALUE], state[VALUE];
    printf("%-12s %s%s\n", value(line, "iface", iface), value(line, "addr", addr), strcmp(value(line, "state", state), "ready") == 0 ? "" : " tentative");
}

static void print_neigh(const char *line)
{
    char iface[VALUE], addr[VALUE], mac[VALUE], state[VALUE];
    value(line, "mac", mac);
    printf("%s dev %s%s%s %s\n", value(line, "addr", addr), value(line, "iface", iface), *mac ? " lladdr " : "", mac, value(line, "state", state));
}

static void print_arp(const char *line)
{
    char iface[VALUE], addr[VALUE], mac[VALUE];
    value(line, "mac", mac);
    printf("%-24s %-7s %-20s %-6s %s\n", value(line, "addr", addr), "ether", *mac ? mac : "(incomplete)", *mac ? "C" : "", value(line, "iface", iface));
}

static void print_route(const char *line)
{
    char dst[VALUE], via[VALUE], iface[VALUE], kind[VALUE];
    const bool all = strcmp(value(line, "dst", dst), "0.0.0.0/0") == 0 || strcmp(dst, "::/0") == 0, on = strcmp(value(line, "kind", kind), "unicast") == 0;
    printf("%s%s%s", on ? "" : kind, on ? "" : " ", all ? "default" : dst);
    if (*value(line, "via", via))
        printf(" via %s", via);
    if (on)
        printf(" dev %s", value(line, "iface", iface));
    putchar('\n');
}

static void print_nat(const char *line)
{
    char protocol[VALUE], internal[VALUE], external[VALUE], flows[VALUE], forward[VALUE];
    value(line, "protocol", protocol);
    const char *name = strcmp(protocol, "6") == 0 ? "tcp" : strcmp(protocol, "17") == 0 ? "udp" : strcmp(protocol, "1") == 0 ? "icmp" : protocol;
    printf("%-5s %s as %s, %s flows%s\n", name, value(line, "internal", internal), value(line, "external", external), value(line, "flows", flows),
           strcmp(value(line, "forward", forward), "true") == 0 ? ", published" : "");
}

static bool is_wanted(const struct state *s, const char *line)
{
    char text[VALUE];
    const char *about = *value(line, "addr", text) ? text : value(line, "dst", text);
    const bool six = strchr(about, ':') != NULL;
    return s->four == s->six ? !(s->kind->arp && six) : six == s->six;
}

static int tell(const struct state *s, char *lines)
{
    char error[VALUE];
    struct json j = { 0 };
    if (line_value(lines, "error", error, sizeof error)) {
        complain("%s: process %ld: %s", s->kind->command, s->pid, error);
        return 1;
    }
    if (s->json) {
        j = json_begin(s->kind->schema);
        json_open(&j, s->kind->list, '[');
    } else if (s->kind->arp) {
        printf("%-24s %-7s %-20s %-6s %s\n", "Address", "HWtype", "HWaddress", "Flags", "Iface");
    }
    for (char *save = NULL, *line = strtok_r(lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (!is_wanted(s, line))
            continue;
        if (s->json)
            json_raw(&j, line);
        else
            s->kind->print(line);
    }
    if (!s->json)
        return fflush(stdout) == 0 ? 0 : EXIT_UNWRITABLE;
    json_close(&j, '[');
    if (s->pid)
        json_int(&j, "pid", s->pid);
    return json_end(&j) ? 0 : EXIT_UNWRITABLE;
}

static int command(const struct state_kind *kind, int argc, char **argv)
{
    static const struct argp_child children[] = { { &network_argp, 0, NULL, 0 }, { 0 } };
    static const struct argp argp = { options, parse, NULL, "Shows what a stack of plumb's knows: a running one's (--pid), that of a host on a "
                                      "wire (--via), or, without either, the virtual internet's client.", children, NULL, NULL };
    struct state s = { .kind = kind };
    options_parse(&argp, argc, argv, &s);
    char *lines = s.pid ? of_process(&s) : of_network(&s);
    const int status = lines ? tell(&s, lines) : 1;
    free(lines);
    return status;
}

int cmd_neigh(int argc, char **argv)
{
    static const struct state_kind k = { "neigh", "neigh", "plumb.neigh/1", "neighbours", false, print_neigh };
    return command(&k, argc, argv);
}

int cmd_arp(int argc, char **argv)
{
    static const struct state_kind k = { "arp", "neigh", "plumb.neigh/1", "neighbours", true, print_arp };
    return command(&k, argc, argv);
}

int cmd_route(int argc, char **argv)
{
    static const struct state_kind k = { "route", "route", "plumb.route/1", "routes", false, print_route };
    return command(&k, argc, argv);
}

int cmd_nat(int argc, char **argv)
{
    static const struct state_kind k = { "nat", "nat", "plumb.nat/1", "mappings", false, print_nat };
    return command(&k, argc, argv);
}

int state_addrs(int argc, char **argv)
{
    static const struct state_kind k = { "addr", "addr", "plumb.addresses/1", "addresses", false, print_addr };
    return command(&k, argc, argv);
}
