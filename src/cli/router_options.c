#include "cli/router.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "wire/ip4.h"
#include <stdlib.h>
#include <string.h>

enum { OPT_VIA = 4000, OPT_NAT, OPT_ROUTE, OPT_FILTERING, OPT_FILTER, OPT_ADVERTISE };

static const struct argp_option options[] = {
    { "via",     OPT_VIA,   "V", 0, "an interface, two at least: tap:NAME[,addr=A/LEN]...[,gw=G][,mtu=M][,ip6=on|off], packet:IFACE,..., xdp:IFACE,...", 0 },
    { "route",   OPT_ROUTE, "P", 0, "a route: PREFIX,via=G or PREFIX,dev=IF, or PREFIX,blackhole|unreachable|prohibit", 0 },
    { "nat",     OPT_NAT,   "IF", 0, "who leaves by this interface hides behind its address", 0 },
    { "publish", 'p',       "[udp:]PORT:ADDR:PORT", 0, "what arrives outside for this port goes to that one inside", 0 },
    { "nat-filtering", OPT_FILTERING, "WHO", 0, "who may send to a port that NAT gave: anyone (the default), address, endpoint: who was spoken to", 0 },
    { "filter",  OPT_FILTER, "FILE", 0, "rules for what passes (docs/router.md)", 0 },
    { "advertise", OPT_ADVERTISE, "IF[,...]", 0, "tell hosts on this interface that here is an IPv6 router, and the prefixes (docs/ipv6.md)", 0 },
    { "capture", 'w',       "FILE", 0, "write the packets of all interfaces to FILE (pcapng)", 0 },
    { "quiet",   'q',       NULL, 0, "say nothing but what is wrong", 0 },
    { 0 }
};

static void via_option(struct router_opts *o, const struct argp_state *state, const char *arg)
{
    char error[200];
    if (o->n_via == ROUTER_VIAS)
        option_bad(state, "at most %d interfaces", ROUTER_VIAS);
    if (!via_parse(arg, &o->via[o->n_via], error))
        option_bad(state, "%s", error);
    if (!via_is_wire(o->via[o->n_via++].kind))
        option_bad(state, "--via %s: a router needs interfaces: tap:NAME, packet:IFACE or xdp:IFACE", arg);
}

static bool route_word(struct router_route *r, const char *word)
{
    if (strncmp(word, "via=", 4) == 0)
        return addr_parse(word + 4, &r->via) && addr_is4(r->via) == addr_is4(r->dst.addr);
    if (strncmp(word, "dev=", 4) == 0)
        return strlen(word + 4) > 0 && (size_t)snprintf(r->dev, sizeof r->dev, "%s", word + 4) < sizeof r->dev;
    r->kind = strcmp(word, "blackhole") == 0 ? ROUTE_BLACKHOLE : strcmp(word, "unreachable") == 0 ? ROUTE_UNREACHABLE :
              strcmp(word, "prohibit") == 0 ? ROUTE_PROHIBIT : ROUTE_ON;
    return r->kind != ROUTE_ON;
}

static void route_option(struct router_opts *o, const struct argp_state *state, char *arg)
{
    char copy[200], *save = NULL;
    snprintf(copy, sizeof copy, "%s", arg);
    if (o->n_route == ROUTER_ROUTES)
        option_bad(state, "at most %d routes", ROUTER_ROUTES);
    struct router_route *r = &o->route[o->n_route++];
    const char *word = strtok_r(copy, ",", &save);
    bool good = word && prefix_parse(word, &r->dst);
    while (good && (word = strtok_r(NULL, ",", &save)))
        good = route_word(r, word);
    if (!good || (r->kind == ROUTE_ON && addr_is_none(r->via) && !r->dev[0]))
        option_bad(state, "--route %s: it takes PREFIX,via=ADDRESS[,dev=IF], PREFIX,dev=IF or PREFIX,blackhole|unreachable|prohibit", arg);
}

/* A number from 1 to 65535 that ends the text or is followed by `end`; what follows, or NULL. */
static const char *port_word(const char *text, char end, uint16_t *port)
{
    char *rest;
    const unsigned long v = strtoul(text, &rest, 10);
    if (rest == text || v < 1 || v > UINT16_MAX || *rest != end)
        return NULL;
    *port = (uint16_t)v;
    return *rest ? rest + 1 : rest;
}

static void publish_option(struct router_opts *o, const struct argp_state *state, const char *arg)
{
    struct nat_config *c = &o->nat_config;
    char text[ADDR_TEXT];
    if (c->n_forward == NAT_FORWARDS)
        option_bad(state, "at most %d ports are published", NAT_FORWARDS);
    struct nat_forward *f = &c->forward[c->n_forward++];
    const bool udp = strncmp(arg, "udp:", 4) == 0, tcp = strncmp(arg, "tcp:", 4) == 0;
    f->proto = udp ? IP_UDP : IP_TCP;
    const char *rest = port_word(arg + (udp || tcp ? 4 : 0), ':', &f->port);
    const char *colon = rest ? strchr(rest, ':') : NULL;
    const size_t len = colon ? (size_t)(colon - rest) : sizeof text;
    bool good = len < sizeof text;
    if (good) {
        memcpy(text, rest, len);
        text[len] = '\0';
        good = addr_parse(text, &f->to.addr) && addr_is4(f->to.addr) && port_word(colon + 1, '\0', &f->to.port);
    }
    if (!good)
        option_bad(state, "-p %s: it takes [udp:]PORT:ADDRESS:PORT, like 8080:192.168.1.7:80", arg);
    for (uint32_t i = 0; i + 1 < c->n_forward; i++)
        if (c->forward[i].proto == f->proto && c->forward[i].port == f->port)
            option_bad(state, "-p %s: port %u is published twice", arg, f->port);
}

static enum nat_filtering filtering_option(const struct argp_state *state, const char *arg)
{
    static const char *const name[] = { "anyone", "address", "endpoint" };
    for (unsigned i = 0; i < sizeof name / sizeof name[0]; i++)
        if (strcmp(arg, name[i]) == 0)
            return (enum nat_filtering)i;
    option_bad(state, "--nat-filtering %s: it takes anyone, address or endpoint", arg);
}

static void check(const struct router_opts *o, const struct argp_state *state)
{
    if (o->n_via < 2)
        option_bad(state, "a router has two interfaces at least: --via tap:A,addr=A/LEN --via tap:B,addr=B/LEN");
    if (o->nat_config.n_forward && !o->n_nat)
        option_bad(state, "-p needs --nat IF: outside is where?");
    for (unsigned i = 0; i < o->n_via; i++)
        for (unsigned j = 0; j < i; j++)
            if (strcmp(o->via[i].name, o->via[j].name) == 0)
                option_bad(state, "%s is named twice", o->via[i].name);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct router_opts *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT: options_begin(state); return 0;
    case OPT_VIA: via_option(o, state, arg); return 0;
    case OPT_ROUTE: route_option(o, state, arg); return 0;
    case OPT_NAT:
        if (o->n_nat == NAT_OUTSIDES)
            option_bad(state, "at most %d interfaces lead outside", NAT_OUTSIDES);
        o->nat[o->n_nat++] = arg;
        return 0;
    case OPT_FILTERING: o->nat_config.filtering = filtering_option(state, arg); return 0;
    case OPT_FILTER: o->filter = arg; return 0;
    case OPT_ADVERTISE: router_advertise_option(o, state, arg); return 0;
    case 'p': publish_option(o, state, arg); return 0;
    case 'w': o->capture = arg; return 0;
    case 'q': o->quiet = true; return 0;
    case ARGP_KEY_ARG: option_bad(state, "what is \"%s\"?", arg);
    case ARGP_KEY_END: check(o, state); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

void router_options(struct router_opts *o, int argc, char **argv)
{
    static const struct argp argp = { options, parse, NULL, "Forwards packets between interfaces, until it is interrupted.", NULL, NULL, NULL };
    options_parse(&argp, argc, argv, o);
}
