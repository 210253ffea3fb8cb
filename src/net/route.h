/* The routing table: longest prefix first, both families.
 *
 * Routes stand sorted by network, then length, so that a prefix precedes what lies
 * in it.  The last route that begins at or before an address lies in every prefix
 * that holds the address, so from there the way up its parents meets the longest. */
#pragma once
#include "base/addr.h"
#include <stdbool.h>
#include <stdint.h>

enum route_origin { ROUTE_CONNECTED, ROUTE_STATIC, ROUTE_DHCP };

struct route {
    struct prefix dst;                  /* host bits zero */
    struct addr   via;                  /* none: on link */
    uint8_t       iface, origin;        /* enum route_origin */
    int32_t       parent;               /* the next shorter prefix around it, or -1 */
};
struct route_table { struct route *route; uint32_t n, room; };

void route_fini(struct route_table *t);
/* Replaces a route to the same prefix.  False: no memory. */
bool route_add(struct route_table *t, const struct route *r);
bool route_del(struct route_table *t, struct prefix dst);       /* false: there was none */
const struct route *route_get(const struct route_table *t, struct prefix dst);
/* Lends the longest match whose interface's bit is in `ifaces_up`; NULL: none. */
const struct route *route_find(const struct route_table *t, struct addr a, uint32_t ifaces_up);
