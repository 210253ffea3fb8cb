/* The inside of a world: world.c builds it, world_run.c lets time pass. */
#pragma once
#include "base/rng.h"
#include "link/bridge.h"
#include "sim/world.h"

enum { WORLD_SMALL = 8192, WORLD_LARGE = 256, NO_HALF = -1 };

/* Half of a link: what leaves its near end on the way to the far one. */
struct half {
    struct world_end near, far;
    struct impair   *impair;            /* NULL: a perfect wire, which keeps large packets large */
    struct pktq      wire;              /* on a perfect wire, to be taken at once */
};
struct world_link { struct half half[2]; bool cut; };
struct world_host { struct stack *st; int half[IFACE_MAX]; };      /* link * 2 + side, or NO_HALF */
struct world_switch { struct bridge bridge; int *port; uint32_t n_ports; };

struct world {
    struct rng           rng;
    struct loop          loop;
    struct trace         trace;         /* of what happens between switches */
    struct pkt_pools     pools;         /* packets on the way belong to the world, not to who sent them */
    struct world_host   *host;
    struct world_switch **sw;
    struct world_link  **link;
    uint32_t             batch;         /* the most that a host is given at once */
    uint32_t             n_hosts, n_switches, n_links;
    int64_t              now_ns;
};

static inline struct half *world_half(const struct world *w, int half) { return &w->link[half / 2]->half[half % 2]; }
struct trace *world_trace_of(struct world *w, const struct half *h);
