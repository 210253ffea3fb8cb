/* plumb dhcpd: a DHCP server on an interface of plumb's own. */
#include "cli/cli.h"
#include "base/units.h"
#include "cli/options.h"
#include "service/dhcp.h"
#include <stdlib.h>
#include <string.h>

enum { OPT_RANGE = 3000, OPT_ROUTER, OPT_DNS, OPT_LEASE, OPT_DOMAIN };

struct dhcpd { struct network_opts open; struct dhcp_server_config server; };

static const struct argp_option options[] = {
    { "range",  OPT_RANGE,  "FIRST-LAST", 0, "the addresses to give", 0 },
    { "router", OPT_ROUTER, "ADDR", 0, "the router to name", 0 },
    { "dns",    OPT_DNS,    "ADDR", 0, "a name server to name (up to 4)", 0 },
    { "lease",  OPT_LEASE,  "TIME", 0, "how long, like 10m (default 1h)", 0 },
    { "domain", OPT_DOMAIN, "NAME", 0, "the domain to name", 0 },
    { 0 }
};

static struct addr addr_option(const struct argp_state *state, const char *text)
{
    struct addr a;
    if (!addr_parse(text, &a) || !addr_is4(a))
        option_bad(state, "\"%s\" is not an IPv4 address", text);
    return a;
}

static void range_option(struct dhcpd *d, const struct argp_state *state, char *arg)
{
    char *dash = strchr(arg, '-');
    if (!dash)
        option_bad(state, "--range takes FIRST-LAST, like 10.9.0.50-10.9.0.99");
    *dash = '\0';
    d->server.first = addr_option(state, arg);
    d->server.last = addr_option(state, dash + 1);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct dhcpd *d = state->input;
    struct dhcp_server_config *s = &d->server;
    int64_t lease_ns;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &d->open; return 0;
    case OPT_RANGE: range_option(d, state, arg); return 0;
    case OPT_ROUTER: s->router[0] = addr_option(state, arg); s->n_router = 1; return 0;
    case OPT_DNS:
        if (s->n_dns == DHCP4_ADDRS)
            option_bad(state, "at most %d name servers", DHCP4_ADDRS);
        s->dns[s->n_dns++] = addr_option(state, arg);
        return 0;
    case OPT_LEASE:
        if (!parse_duration(arg, &lease_ns) || lease_ns < 10 * NS_PER_SEC)
            option_bad(state, "--lease %s: a time of at least 10s, like 10m or 12h", arg);
        s->lease_s = (uint32_t)(lease_ns / NS_PER_SEC);
        return 0;
    case OPT_DOMAIN: snprintf(s->domain, sizeof s->domain, "%s", arg); return 0;
    case ARGP_KEY_ARG: option_bad(state, "what is \"%s\"?", arg);
    case ARGP_KEY_END:
        if (addr_is_none(s->first))
            option_bad(state, "--range is missing");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static int run(struct dhcpd *d, struct network *n)
{
    struct dhcp_server *server;
    struct prefix own;
    char text[200];
    stack_addr_ready(network_stack(n), network_iface(n), &own);
    d->server.server = own.addr;
    d->server.prefix_len = own.len;
    const enum plumb_err e = dhcp_server_new(network_net(n), &d->server, &server);
    if (e != PLUMB_OK) {
        complain("dhcpd: %s", e == PLUMB_INVALID ? "the range does not lie in the interface's network" : plumb_err_text(e));
        return 1;
    }
    network_describe(n, text);
    fprintf(stderr, "plumb dhcpd: %s\n", text);
    const bool lost = network_lost(n, network_run(n, DEADLINE_NEVER));
    dhcp_server_free(server);
    return lost;
}

int cmd_dhcpd(int argc, char **argv)
{
    static const struct argp_child children[] = { { &network_argp, 0, NULL, 0 }, { 0 } };
    static const struct argp argp = { options, parse, NULL, "Hands out addresses by DHCP (RFC 2131) on a TAP or packet interface.", children, NULL, NULL };
    struct dhcpd d = { .server = { .lease_s = 3600 } };
    int status;
    options_parse(&argp, argc, argv, &d);
    if ((d.open.via.kind != VIA_TAP && d.open.via.kind != VIA_PACKET) || d.open.via.n_addr == 0) {
        complain("dhcpd needs an interface and an address of its own: --via tap:NAME,addr=A/LEN or packet:IFACE,addr=A/LEN");
        return EXIT_USAGE;
    }
    struct network *n = network_open_configured(&d.open, &status);
    if (!n)
        return status;
    status = run(&d, n);
    return network_close(n) ? status : 1;
}
