/* The inside of `plumb router`, for router.c and router_options.c. */
#pragma once
#include "cli/via.h"
#include "net/advertise.h"
#include "net/nat.h"
#include "net/route.h"

enum { ROUTER_VIAS = 12, ROUTER_ROUTES = 64 };

struct router_route { struct prefix dst; struct addr via; enum route_kind kind; char dev[16]; };    /* dev "": that of the network `via` lies in */

struct router_advert { char dev[16]; struct advertise_config config; };

struct router_opts {
    unsigned n_via, n_route, n_nat, n_advert;
    struct router_advert advert[ROUTER_VIAS];
    struct via via[ROUTER_VIAS];
    const char *nat[NAT_OUTSIDES];
    struct router_route route[ROUTER_ROUTES];
    struct nat_config nat_config;
    const char *filter;                 /* a file; NULL: none */
    const char *capture;
    bool quiet;
};

struct argp_state;
void router_advertise_option(struct router_opts *o, const struct argp_state *state, const char *arg);
void router_advert_prefixes(struct router_advert *x, const struct via *v);
/* On bad usage one line and the end of the program with status 2. */
void router_options(struct router_opts *o, int argc, char **argv);
