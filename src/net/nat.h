/* Network address and port translation of IPv4 (RFC 3022), as RFC 4787, 5382, 5508 and 7857 ask: hosts inside share the
 * address of an interface that leads outside.
 *
 * A mapping joins an endpoint inside to a port outside, whoever the host speaks with (endpoint-independent, RFC 4787
 * REQ-1), and lives as long as a flow uses it; the flows, their states and timeouts are track.h's.  This file says which
 * mapping a new flow gets, and who may come in by it. */
#pragma once
#include "net/track.h"
#include "wire/ip.h"

enum { NAT_OUTSIDES = 4, NAT_FORWARDS = 32, NAT_PROTOS = 3,
       NAT_PORT_MAX = 60999,            /* the router's own connections have the ports above */
       NAT_OWN_FIRST = NAT_PORT_MAX + 1 };

/* Who may send to a mapping (RFC 4787 §5). */
enum nat_filtering {
    NAT_FROM_ANYONE,                    /* endpoint-independent */
    NAT_FROM_ADDRESS,                   /* from an address that was spoken to, lately */
    NAT_FROM_ENDPOINT                   /* from an address and port that was spoken to */
};

/* What arrives for this port outside is for that endpoint inside. */
struct nat_forward { uint8_t proto; uint16_t port; struct endpoint to; };

struct nat_config {
    uint32_t max_maps;                  /* [32768] */
    enum nat_filtering filtering;
    uint32_t n_forward;
    struct nat_forward forward[NAT_FORWARDS];
};

struct nat_map {
    struct nat_map *by_internal, *by_external;      /* same hash */
    struct endpoint internal, external;             /* of ICMP queries the port is the id */
    uint8_t         proto;
    bool            fixed;              /* a port forward: it stays */
    uint32_t        flows;              /* that use it */
    struct list     peers;              /* of the flows that were opened from inside: struct track.of_map */
};

/* An interface that leads outside, and the ports taken of its address. */
struct nat_outside { struct addr addr; uint8_t iface; bool used; uint64_t taken[NAT_PROTOS][1024]; };

struct nat {
    struct nat_config   cfg;
    struct trace       *trace;
    struct rng          rng;
    struct sipkey       key;
    struct pool         maps;
    struct nat_map    **internal, **external;       /* buckets */
    uint32_t            mask;
    uint32_t            outsides;       /* bits of interfaces */
    struct nat_outside  outside[NAT_OUTSIDES];
};

/* False: no memory. */
bool nat_init(struct nat *n, const struct nat_config *cfg, struct trace *trace, struct rng *rng);
void nat_fini(struct nat *n);

/* The interface leads outside from now on.  False: too many do. */
bool nat_add_outside(struct nat *n, unsigned iface);
static inline bool nat_is_outside(const struct nat *n, unsigned iface) { return n->outsides >> iface & 1; }
/* Its address, none: it has none now.  The mappings of another address must be gone before. */
bool nat_address_changes(const struct nat *n, unsigned iface, struct addr a);
void nat_set_address(struct nat *n, unsigned iface, struct addr a, int64_t now_ns);
struct nat_outside *nat_outside_of(struct nat *n, unsigned iface);              /* NULL: it does not lead there, or has no address */
struct nat_outside *nat_outside_with(struct nat *n, struct addr a);             /* NULL: not an address we hide behind */

/* The mapping by which an endpoint inside is known outside, made when there is none.  NULL: *why says what is lacking. */
struct nat_map *nat_map_for(struct nat *n, struct nat_outside *o, uint8_t proto, struct endpoint internal, enum why *why, int64_t now_ns);
/* The mapping of an endpoint outside; NULL: none. */
struct nat_map *nat_map_at(const struct nat *n, uint8_t proto, struct endpoint external);
/* Whether somebody outside may open a flow to it. */
bool nat_admits(const struct nat *n, const struct nat_map *m, struct addr from);
/* A flow uses it, no longer: with its last flow it goes. */
void nat_use(struct nat_map *m);
void nat_release(struct nat *n, struct nat_map *m, int64_t now_ns);

/* Lends the mapping at or after *cursor (starts at 0), which moves behind it; NULL: no more. */
const struct nat_map *nat_walk(const struct nat *n, uint64_t *cursor);
