/* plumb router --advertise: what a router says of itself on an interface (RFC 4861 §6.2). */
#include "cli/router.h"
#include "cli/cli.h"
#include "cli/options.h"
#include <stdlib.h>
#include <string.h>

static bool number(const char *text, unsigned long min, unsigned long max, unsigned long *out)
{
    char *end;
    *out = strtoul(text, &end, 10);
    return end != text && *end == '\0' && *out >= min && *out <= max;
}

static bool word(struct router_advert *x, const char *w)
{
    struct nd *m = &x->config.message;
    unsigned long n;
    if (strncmp(w, "dns=", 4) == 0)
        return m->n_dns < ND_DNS && addr_parse(w + 4, &m->dns[m->n_dns]) && !addr_is4(m->dns[m->n_dns++]);
    if (strncmp(w, "mtu=", 4) == 0)
        return number(w + 4, 1280, 65535, &n) && (m->mtu = (uint32_t)n);
    if (strncmp(w, "interval=", 9) == 0)
        return number(w + 9, 4, 1800, &n) && (x->config.max_interval_s = (uint32_t)n);
    if (strncmp(w, "preference=", 11) == 0) {
        m->preference = strcmp(w + 11, "high") == 0 ? 1 : strcmp(w + 11, "low") == 0 ? -1 : 0;
        return m->preference || strcmp(w + 11, "medium") == 0;
    }
    m->managed |= strcmp(w, "managed") == 0;
    m->other_config |= strcmp(w, "other") == 0;
    x->config.no_default |= strcmp(w, "no-default") == 0;
    return strcmp(w, "managed") == 0 || strcmp(w, "other") == 0 || strcmp(w, "no-default") == 0;
}

void router_advertise_option(struct router_opts *o, const struct argp_state *state, const char *arg)
{
    char copy[200], *save = NULL;
    snprintf(copy, sizeof copy, "%s", arg);
    if (o->n_advert == ROUTER_VIAS)
        option_bad(state, "at most %d interfaces advertise", ROUTER_VIAS);
    struct router_advert *x = &o->advert[o->n_advert++];
    const char *w = strtok_r(copy, ",", &save);
    bool good = w && (size_t)snprintf(x->dev, sizeof x->dev, "%s", w) < sizeof x->dev;
    while (good && (w = strtok_r(NULL, ",", &save)))
        good = word(x, w);
    if (!good)
        option_bad(state, "--advertise %s: it takes IF[,dns=ADDRESS][,mtu=BYTES][,interval=SECONDS][,preference=high|medium|low][,managed][,other]"
                          "[,no-default]", arg);
}

/* The prefixes of the interface's own addresses; of 64 bits hosts make addresses, unless DHCPv6 gives them. */
void router_advert_prefixes(struct router_advert *x, const struct via *v)
{
    struct nd *m = &x->config.message;
    for (unsigned i = 0; i < v->n_addr && m->n_prefix < ND_PREFIXES; i++) {
        const struct prefix p = v->addr[i];
        if (addr_is4(p.addr) || addr_is_link_local(p.addr) || p.len > 64)
            continue;
        m->prefix[m->n_prefix++] = (struct nd_prefix){ .prefix = { prefix_network(p), p.len }, .on_link = true, .autonomous = p.len == 64 && !m->managed };
    }
}
