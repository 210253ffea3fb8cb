/* The inside of routed.h's worlds: routed_build.c makes one, routed.c lets hosts speak and watches. */
#pragma once
#include "base/rng.h"
#include "sim/routed.h"
#include "sim/world.h"
#include "stack/gate.h"

enum { ROUTERS_MAX = 8, HOSTS_MAX = 16, PORTS_MAX = 16, HOST_PORT = 7000, TALKS_MAX = 96 };

struct routed_router {
    int      number;                    /* in the world; also of its stack */
    struct stack *st;
    unsigned n_ifaces;
    bool     gateway;
    struct addr lan, outside;           /* its own addresses there; outside: a gateway's */
    int      towards[ROUTERS_MAX];      /* the interface to a neighbour, -1: none */
    struct addr at[ROUTERS_MAX];        /* that neighbour's address there */
};
struct routed_host {
    struct routed_world *w;
    int      number;
    struct stack *st;
    unsigned router;                    /* behind which it is */
    struct addr addr;
    struct dgram *d;
    int64_t  used_ns;                   /* when its mapping was last used from inside, or by an answer */
};

/* A question and its answer. */
struct routed_talk {
    struct routed_world *w;
    struct loop_timer timer;
    struct routed_host *from, *to;
    int64_t  delay_ns;                  /* before the answer */
    unsigned asked, heard, answers;     /* sent, arrived, back */
    struct endpoint seen;               /* where the question came from */
};

/* What a server has seen of one endpoint outside. */
struct routed_seen { struct endpoint outer; const struct routed_host *inner; int64_t at_ns; };

struct routed_world {
    struct world *world;
    int64_t end_ns;
    struct rng rng;
    struct routed_result *out;
    unsigned n_routers, n_hosts, n_talks, n_seen;
    struct routed_router router[ROUTERS_MAX];
    struct routed_host host[HOSTS_MAX];
    struct routed_talk talk[TALKS_MAX];
    struct routed_seen seen[TALKS_MAX];
};

/* False: no memory. */
bool routed_build(struct routed_world *w);
