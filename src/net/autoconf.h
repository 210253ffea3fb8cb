/* Autoconfiguration of a host's interface (RFC 4862) by what routers advertise (RFC 4861 §6.3, RFC 4191, RFC 8106),
 * as a pure machine: advertisements and verdicts come in, things to do come out one by one, one deadline.  It
 * knows neither packets nor tables: stack/ does what it asks and tells it how duplicate address detection ended.
 *
 * Its lists say what should be; what was done about each stands beside it, and autoconf_next returns the next
 * difference.  Addresses are stable in a network and tell nothing in another (stable_id.h). */
#pragma once
#include "base/rng.h"
#include "net/own_addr.h"
#include "trace/trace.h"
#include "wire/icmp6.h"

/* Bounds on what routers can make a host keep. */
enum { AUTOCONF_ID_BITS = 64,           /* RFC 2464 §4: of an interface identifier */
       AUTOCONF_ADDRS = 16, AUTOCONF_ROUTES = 32, AUTOCONF_DNS = 8 };

/* On-link prefixes (via none), default routers (::/0) and more specific routes. */
struct autoconf_route {
    struct prefix dst;
    struct addr   via;
    int64_t       until_ns;
    int8_t        preference;                   /* RFC 4191 §2.1 */
    bool          used, suspect, is_there;      /* suspect: its router did not answer */
};
struct autoconf_dns { struct addr addr; int64_t until_ns; };

/* What is told of the link as a whole; 0: nothing was. */
struct autoconf_link { uint16_t mtu; uint8_t hop_limit; uint32_t reachable_ms, retrans_ms; };

struct autoconf {
    bool           on, is_router, changed, link_changed;
    bool           managed, other;              /* DHCPv6 has addresses, has other things (RFC 4861 §4.2) */
    struct rng    *rng;
    struct sipkey  secret;
    struct mac     mac;
    uint8_t        iface;
    uint16_t       mtu_max;
    uint32_t       solicits;                    /* sent */
    int64_t        solicit_ns, solicit_wait_ns; /* the next, RFC 7559's RT */
    int64_t        heard_ns;                    /* the last advertisement; DEADLINE_NEVER: none yet */
    struct autoconf_link  link;
    struct own_addr       addr[AUTOCONF_ADDRS];         /* the first is the link-local one */
    struct autoconf_route route[AUTOCONF_ROUTES];
    struct autoconf_dns   dns[AUTOCONF_DNS];
};

enum autoconf_kind {
    AUTOCONF_ADDR,                              /* what became of one: `own` */
    AUTOCONF_ADD_ROUTE, AUTOCONF_DEL_ROUTE,     /* of one prefix there is one; another replaces it */
    AUTOCONF_SET_LINK,
    AUTOCONF_SOLICIT                            /* a router solicitation from `own.addr` */
};
struct autoconf_action {
    enum autoconf_kind kind;
    struct own_action own;
    struct prefix dst;
    struct addr via;
    struct autoconf_link link;
};

/* The first thing it wants is a link-local address; who is a router itself wants no more (RFC 4861 §6.2.1). */
enum autoconf_role { AUTOCONF_HOST, AUTOCONF_ROUTER };
void autoconf_start(struct autoconf *a, enum autoconf_role role, struct rng *rng, const struct sipkey *secret, struct mac mac, unsigned iface, uint16_t mtu);
/* The link went: everything is forgotten.  What was configured is the caller's to take away. */
void autoconf_stop(struct autoconf *a);
/* A router advertisement, read and its hop limit and checksum found good; why it was dropped. */
enum why autoconf_in(struct autoconf *a, struct addr from, const struct nd *m, int64_t now_ns);
/* Duplicate address detection ended.  True: it was an address of this machine. */
bool autoconf_verdict(struct autoconf *a, struct addr addr, bool is_free, int64_t now_ns);
/* What the neighbour cache says of a router: it answers again, it does not answer (§6.3.6), it is none any more (§7.2.5). */
void autoconf_router_answers(struct autoconf *a, struct addr router);
void autoconf_router_silent(struct autoconf *a, struct addr router);
void autoconf_router_gone(struct autoconf *a, struct addr router);
/* Its route to `dst` may have been replaced by somebody else's that is gone now. */
void autoconf_route_again(struct autoconf *a, struct prefix dst);
/* The next thing to do; false: none until the deadline. Call until it is false. */
bool autoconf_next(struct autoconf *a, struct autoconf_action *out, int64_t now_ns);
int64_t autoconf_deadline(const struct autoconf *a);
/* Name servers that are good now; how many, at most `max`. */
unsigned autoconf_dns(const struct autoconf *a, struct addr *out, unsigned max, int64_t now_ns);
static inline bool autoconf_is_suspect(const struct autoconf *a, struct addr router)
{
    for (unsigned i = 0; i < AUTOCONF_ROUTES; i++)
        if (a->route[i].used && a->route[i].suspect && addr_eq(a->route[i].via, router))
            return true;
    return false;
}
