/* The routing table: longest prefix first, both families, for a host's three routes and a
 * router's million. */
#pragma once
#include "net/trie.h"

enum route_origin { ROUTE_CONNECTED, ROUTE_STATIC, ROUTE_DHCP, ROUTE_RA };

/* What becomes of packets by a route; one that refuses them has the loopback interface, which is always up. */
enum route_kind { ROUTE_ON, ROUTE_BLACKHOLE, ROUTE_UNREACHABLE, ROUTE_PROHIBIT };

struct route {
    struct prefix dst;                  /* host bits zero */
    struct addr   via;                  /* none: on link */
    uint8_t       iface, origin;        /* enum route_origin */
    uint8_t       kind;                 /* enum route_kind */
};
/* All-zero: empty.  Routes stand in no order. */
struct route_table { struct route *route; uint32_t n, room; struct trie trie4, trie6; };

void route_fini(struct route_table *t);
/* Replaces a route to the same prefix.  False: no memory. */
bool route_add(struct route_table *t, const struct route *r);
bool route_del(struct route_table *t, struct prefix dst);       /* false: there was none */
const struct route *route_get(const struct route_table *t, struct prefix dst);
/* Lends the longest match whose interface's bit is in `ifaces_up`; NULL: none. */
const struct route *route_find(const struct route_table *t, struct addr a, uint32_t ifaces_up);
/* The same for n <= TRIE_BATCH addresses at once, for less than as many times the price. */
void route_find_batch(const struct route_table *t, const struct addr *a, uint32_t n, uint32_t ifaces_up, const struct route **out);
