/* plumb dhcp6d: a DHCPv6 server on an interface of plumb's own. */
#include "cli/cli.h"
#include "base/units.h"
#include "cli/lease_file.h"
#include "cli/options.h"
#include "os/clock.h"
#include "service/dhcp6.h"
#include <stdlib.h>
#include <string.h>

enum { OPT_RANGE = 3100, OPT_DNS, OPT_LEASE, OPT_DOMAIN, OPT_RAPID, OPT_LEASES };

struct dhcp6d {
    struct network_opts open;
    struct dhcp6_server_config server;
    struct lease_file file;
    struct dhcp6_server *running;
    struct loop *loop;
};

static const struct argp_option options[] = {
    { "range",  OPT_RANGE,  "FIRST-LAST", 0, "the addresses to give; without it only other things are told", 0 },
    { "dns",    OPT_DNS,    "ADDR", 0, "a name server to name (up to 4)", 0 },
    { "lease",  OPT_LEASE,  "TIME", 0, "how long, like 10m (default 1h)", 0 },
    { "domain", OPT_DOMAIN, "NAME", 0, "the domain to name", 0 },
    { "leases", OPT_LEASES, "FILE", 0, "keep the leases in FILE: they outlive the server, however it ends", 0 },
    { "rapid-commit", OPT_RAPID, NULL, 0, "two messages instead of four, for who asks for that", 0 },
    { 0 }
};

static struct addr addr_option(const struct argp_state *state, const char *text)
{
    struct addr a;
    if (!addr_parse(text, &a) || addr_is4(a))
        option_bad(state, "\"%s\" is not an IPv6 address", text);
    return a;
}

static void range_option(struct dhcp6d *d, const struct argp_state *state, char *arg)
{
    char *dash = strchr(arg, '-');
    if (!dash)
        option_bad(state, "--range takes FIRST-LAST, like 2001:db8::100-2001:db8::1ff");
    *dash = '\0';
    d->server.first = addr_option(state, arg);
    d->server.last = addr_option(state, dash + 1);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct dhcp6d *d = state->input;
    struct dhcp6_server_config *s = &d->server;
    int64_t lease_ns;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &d->open; return 0;
    case OPT_RANGE: range_option(d, state, arg); return 0;
    case OPT_DNS:
        if (s->n_dns == DHCP6_DNS)
            option_bad(state, "at most %d name servers", DHCP6_DNS);
        s->dns[s->n_dns++] = addr_option(state, arg);
        return 0;
    case OPT_LEASE:
        if (!parse_duration(arg, &lease_ns) || lease_ns < 10 * NS_PER_SEC)
            option_bad(state, "--lease %s: a time of at least 10s, like 10m or 12h", arg);
        s->valid_s = (uint32_t)(lease_ns / NS_PER_SEC);
        return 0;
    case OPT_DOMAIN: snprintf(s->domain, sizeof s->domain, "%s", arg); return 0;
    case OPT_LEASES: d->file.name = arg; return 0;
    case OPT_RAPID: s->rapid_commit = true; return 0;
    case ARGP_KEY_ARG: option_bad(state, "what is \"%s\"?", arg);
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* The first IPv6 address that was given, which says what is on the link. */
static bool network_of(const struct via *v, struct prefix *out)
{
    for (unsigned i = 0; i < v->n_addr; i++) {
        *out = v->addr[i];
        if (!addr_is4(out->addr))
            return true;
    }
    return false;
}

static void write_leases(void *command, FILE *to)
{
    const struct dhcp6d *d = command;
    leases_write(dhcp6_server_leases(d->running), to, loop_now(d->loop), clock_civil_ns());
}

static bool start(struct dhcp6d *d, struct network *n)
{
    const enum plumb_err e = dhcp6_server_new(network_net(n), &d->server, &d->running);
    if (e == PLUMB_OK)
        return lease_file_tidy(&d->file);
    complain("dhcp6d: %s%s", e != PLUMB_INVALID ? plumb_err_text(e) : "the range does not lie in the interface's network",
             e == PLUMB_INVALID && d->file.name ? ", or the file of leases holds none" : "");
    return false;
}

static int run(struct dhcp6d *d, struct network *n)
{
    char text[200], *journal;
    d->file.command = "dhcp6d";
    d->file.write = write_leases;
    d->file.server = d;
    d->loop = network_loop(n);
    bool good = lease_file_open(&d->file, &journal);
    d->server.keeper = lease_file_keeper(&d->file);
    d->server.journal = journal;
    d->server.civil_ns = d->file.name ? clock_civil_ns : NULL;
    good = good && start(d, n);
    free(journal);
    if (good) {
        network_describe(n, text);
        fprintf(stderr, "plumb dhcp6d: %s\n", text);
        good = !network_lost(n, network_run(n, DEADLINE_NEVER));
    }
    dhcp6_server_free(d->running);
    lease_file_close(&d->file);
    return good ? 0 : 1;
}

int cmd_dhcp6d(int argc, char **argv)
{
    static const struct argp_child children[] = { { &network_argp, 0, NULL, 0 }, { 0 } };
    static const char doc[] = "Hands out IPv6 addresses by DHCPv6 (RFC 9915) on a TAP or packet interface.";
    static const struct argp argp = { options, parse, NULL, doc, children, NULL, NULL };
    struct dhcp6d d = { .open = { .family = NAME_V6 } };
    int status;
    options_parse(&argp, argc, argv, &d);
    struct prefix own;
    if ((d.open.via.kind != VIA_TAP && d.open.via.kind != VIA_PACKET) || !network_of(&d.open.via, &own)) {
        complain("dhcp6d needs an interface and an IPv6 address of its own: --via tap:NAME,addr=A/LEN or packet:IFACE,addr=A/LEN");
        return EXIT_USAGE;
    }
    struct network *n = network_open_configured(&d.open, &status);
    if (!n)
        return status;
    d.server.network = own;
    d.server.own = own.addr;
    d.server.duid = (struct dhcp6_duid){ .len = 18, .b = { 0, 4 } };        /* DUID-UUID (RFC 9915 §11.5): of the address, so that it stays */
    memcpy(d.server.duid.b + 2, own.addr.b, 16);
    status = run(&d, n);
    return network_close(n) ? status : 1;
}
