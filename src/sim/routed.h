/* Seeded worlds of routing: random topologies of routers, some of them NAT gateways, with hosts behind each that send
 * datagrams across.  Nothing is lost, nothing comes twice or to another, no TTL runs out; a port outside stands for one
 * endpoint inside at a time and the same endpoint keeps it while it is in use; who answers within the time of a mapping is
 * heard, and who comes later is not, or by whom the port was given to since; and the tables of each gateway are such that every translation can be undone. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct routed_result {
    uint64_t routers, gateways, hosts, sent, delivered, answered, too_late, mappings;
    char error[300];                    /* "" when every invariant held */
};

/* False: an invariant broke; out->error says which. */
bool routed_run(uint64_t seed, struct routed_result *out);
