/* plumb dhcpd: a DHCP server on an interface of plumb's own. */
#include "cli/cli.h"
#include "base/units.h"
#include "cli/lease_file.h"
#include "cli/options.h"
#include "service/dhcp.h"
#include <stdlib.h>
#include <string.h>

enum { OPT_RANGE = 3000, OPT_ROUTER, OPT_DNS, OPT_LEASE, OPT_DOMAIN, OPT_RELAYED, OPT_RESERVE, OPT_LEASES };

struct dhcpd {
    struct network_opts open;
    struct dhcp_server_config server;
    struct dhcp_pool relayed[DHCP_POOLS - 1];
    struct dhcp_reservation reserved[DHCP_RESERVATIONS];
    struct lease_file file;
    struct dhcp_server *running;
};

static const struct argp_option options[] = {
    { "range",  OPT_RANGE,  "FIRST-LAST", 0, "the addresses to give", 0 },
    { "router", OPT_ROUTER, "ADDR", 0, "the router to name", 0 },
    { "dns",    OPT_DNS,    "ADDR", 0, "a name server to name (up to 4)", 0 },
    { "lease",  OPT_LEASE,  "TIME", 0, "how long, like 10m (default 1h)", 0 },
    { "domain", OPT_DOMAIN, "NAME", 0, "the domain to name", 0 },
    { "relayed", OPT_RELAYED, "FIRST-LAST/LEN[,router=A][,dns=A]", 0, "a network behind a relay, chosen by the relay's address in it", 0 },
    { "reserve", OPT_RESERVE, "MAC=ADDR", 0, "this address is for this client alone", 0 },
    { "leases", OPT_LEASES, "FILE", 0, "keep the leases in FILE: they outlive the server, however it ends", 0 },
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

static void relayed_option(struct dhcpd *d, const struct argp_state *state, char *arg)
{
    struct dhcp_pool p = { 0 };
    char *save = NULL, *item = strtok_r(arg, ",", &save), *dash = item ? strchr(item, '-') : NULL, *slash = dash ? strchr(dash, '/') : NULL;
    if (!slash)
        option_bad(state, "--relayed takes FIRST-LAST/LEN, like 10.8.0.50-10.8.0.99/24");
    if (d->server.n_relayed == DHCP_POOLS - 1)
        option_bad(state, "at most %d networks behind relays", DHCP_POOLS - 1);
    *dash = *slash = '\0';
    p.first = addr_option(state, item);
    p.last = addr_option(state, dash + 1);
    p.prefix_len = (uint8_t)option_integer(state, slash + 1, 1, 32);
    memcpy(p.dns, d->server.dns, sizeof p.dns);
    p.n_dns = d->server.n_dns;
    while ((item = strtok_r(NULL, ",", &save))) {
        if (strncmp(item, "router=", 7) == 0) {
            p.router[0] = addr_option(state, item + 7);
            p.n_router = 1;
        } else if (strncmp(item, "dns=", 4) == 0) {
            p.dns[0] = addr_option(state, item + 4);
            p.n_dns = 1;
        } else {
            option_bad(state, "--relayed: \"%s\" is neither router=A nor dns=A", item);
        }
    }
    d->relayed[d->server.n_relayed++] = p;
}

static void reserve_option(struct dhcpd *d, const struct argp_state *state, char *arg)
{
    char *equals = strchr(arg, '=');
    struct dhcp_reservation *r = &d->reserved[d->server.n_reserved];
    if (d->server.n_reserved == DHCP_RESERVATIONS)
        option_bad(state, "at most %d reservations", DHCP_RESERVATIONS);
    if (equals)
        *equals = '\0';
    if (!equals || !mac_parse(arg, &r->mac))
        option_bad(state, "--reserve takes MAC=ADDR, like 02:00:00:00:00:01=10.9.0.7");
    r->addr = addr_option(state, equals + 1);
    d->server.n_reserved++;
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
    case OPT_RELAYED: relayed_option(d, state, arg); return 0;
    case OPT_RESERVE: reserve_option(d, state, arg); return 0;
    case OPT_LEASES: d->file.name = arg; return 0;
    case OPT_DOMAIN: snprintf(s->domain, sizeof s->domain, "%s", arg); return 0;
    case ARGP_KEY_ARG: option_bad(state, "what is \"%s\"?", arg);
    case ARGP_KEY_END:
        if (addr_is_none(s->first))
            option_bad(state, "--range is missing");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* ----------------------------------------------------------- the journal */

static void write_leases(void *server, FILE *to) { dhcp_server_write(server, to); }

static bool recall(struct dhcpd *d, const char *text)
{
    char error[LEASES_ERROR];
    if (!d->file.name)
        return true;
    d->file.server = d->running;
    if (dhcp_server_recall(d->running, text, error))
        return lease_file_tidy(&d->file);
    complain("dhcpd: %s: %s", d->file.name, error);
    return false;
}

static bool start(struct dhcpd *d, struct network *n, const char *journal)
{
    const enum plumb_err e = dhcp_server_new(network_net(n), &d->server, &d->running);
    if (e == PLUMB_OK)
        return recall(d, journal);
    complain("dhcpd: %s", e == PLUMB_INVALID ? "a range does not lie in its network, or a reservation in none" : plumb_err_text(e));
    return false;
}

static struct prefix own_network(const struct via *v)
{
    unsigned i = 0;
    while (i + 1 < v->n_addr && !addr_is4(v->addr[i].addr))
        i++;
    return v->addr[i];
}

static int run(struct dhcpd *d, struct network *n)
{
    const struct prefix own = own_network(&d->open.via);
    char text[200], *journal;
    d->server.server = own.addr;
    d->server.prefix_len = own.len;
    d->server.relayed = d->relayed;
    d->server.reserved = d->reserved;
    bool good = lease_file_open(&d->file, &journal);
    d->server.keeper = lease_file_keeper(&d->file);
    good = good && start(d, n, journal);
    free(journal);
    if (good) {
        network_describe(n, text);
        fprintf(stderr, "plumb dhcpd: %s\n", text);
        good = !network_lost(n, network_run(n, DEADLINE_NEVER));
    }
    dhcp_server_free(d->running);
    lease_file_close(&d->file);
    return good ? 0 : 1;
}

int cmd_dhcpd(int argc, char **argv)
{
    static const struct argp_child children[] = { { &network_argp, 0, NULL, 0 }, { 0 } };
    static const struct argp argp = { options, parse, NULL, "Hands out addresses by DHCP (RFC 2131) on a TAP or packet interface.", children, NULL, NULL };
    static struct dhcpd d = { .server = { .lease_s = 3600 }, .file = { .command = "dhcpd", .write = write_leases } };
    int status;
    options_parse(&argp, argc, argv, &d);
    if ((d.open.via.kind != VIA_TAP && d.open.via.kind != VIA_PACKET) || d.open.via.n_addr == 0 || !addr_is4(own_network(&d.open.via).addr)) {
        complain("dhcpd needs an interface and an address of its own: --via tap:NAME,addr=A/LEN or packet:IFACE,addr=A/LEN");
        return EXIT_USAGE;
    }
    struct network *n = network_open_configured(&d.open, &status);
    if (!n)
        return status;
    status = run(&d, n);
    return network_close(n) ? status : 1;
}
