/* A router's advertisements (RFC 4861 §6.2) on one interface, as a pure machine: solicitations come in, messages
 * go out, one deadline.  What it says is given; stack/ fills in its MAC and sends it from its link-local address. */
#pragma once
#include "base/rng.h"
#include "base/time.h"
#include "trace/trace.h"
#include "wire/icmp6.h"

enum { ADVERTISE_ASKED = 8 };

/* All-zero gives the defaults in brackets (§6.2.1). */
struct advertise_config {
    uint32_t max_interval_s;            /* MaxRtrAdvInterval, 4 to 1800 [600]; the shortest is a third of it */
    bool     no_default;                /* not a default router: AdvDefaultLifetime 0 */
    uint16_t lifetime_s;                /* AdvDefaultLifetime [3 * max_interval_s] */
    struct nd message;                  /* the rest: hop_limit [64], prefixes, routes, dns, mtu, flags; of the prefixes lifetimes
                                         * of 0 mean AdvValidLifetime [30 days] and AdvPreferredLifetime [7 days] */
};

enum advertise_state { ADVERTISE_OFF, ADVERTISE_ON, ADVERTISE_ENDING };

struct advertise {
    uint8_t     state;                  /* enum advertise_state */
    struct rng *rng;
    struct advertise_config cfg;
    uint32_t    sent;                   /* to all, in this state */
    int64_t     next_ns, last_ns;       /* to all: the next, the last */
    uint32_t    n_asked;
    struct { struct addr who; int64_t at_ns; } asked[ADVERTISE_ASKED];     /* solicitations that wait for their answer */
};

/* Anew when it runs already. */
void advertise_start(struct advertise *a, struct rng *rng, const struct advertise_config *c, int64_t now_ns);
/* §6.2.5: says good-bye, three times, then is off. */
void advertise_stop(struct advertise *a, int64_t now_ns);
/* A router solicitation, read and its hop limit and checksum found good; `from` may be none. */
enum why advertise_solicited(struct advertise *a, struct addr from, const struct nd *m, int64_t now_ns);
/* The next message, and to whom; false: none until the deadline. Call until it is false. */
bool advertise_next(struct advertise *a, struct nd *out, struct addr *to, int64_t now_ns);
int64_t advertise_deadline(const struct advertise *a);
