/* A struct net in memory, for unit tests on a virtual clock: streams with small
 * buffers, datagrams, addresses that refuse or keep silent. */
#pragma once
#include "base/rng.h"
#include "socket/net.h"

struct memnet {
    struct net  net;
    struct loop loop;
    struct trace trace;
    struct rng  rng;
    struct list listeners, dgrams, streams;
    struct addr refusing, silent;       /* connecting there fails, or never ends */
    size_t      buffer;                 /* bytes a stream holds in each direction */
    uint32_t    connects;               /* how often net_connect was called */
    uint16_t    next_port;
    int64_t     settled_ns;             /* until then its addresses of IPv6 are being made, and nothing of IPv6 is reached */
    struct addr own;                    /* where streams and datagrams come from */
};

void memnet_init(struct memnet *m);
void memnet_fini(struct memnet *m);     /* fails the test when something was left open */
/* Until done(arg), or nothing is left to do, or the deadline; true: done. */
bool memnet_run(struct memnet *m, bool (*done)(void *), void *arg, int64_t for_ns);
/* Runs what is due, without moving the clock. */
void memnet_turn(struct memnet *m);
