/* The DHCPv6 client (RFC 9915 §18.2) as a pure machine: messages in, messages out, one deadline; what becomes of
 * addresses comes out as autoconfiguration's actions do (net/autoconf.h), and verdicts about them go in.
 * Stateful, one IA_NA; or stateless, when routers say that addresses come from them but other things from here. */
#pragma once
#include "base/rng.h"
#include "net/own_addr.h"
#include "wire/dhcp6.h"

enum dhcp6_mode { DHCP6_STATELESS, DHCP6_STATEFUL };
enum dhcp6_state {
    DHCP6_OFF, DHCP6_SOLICITING, DHCP6_REQUESTING, DHCP6_BOUND, DHCP6_RENEWING, DHCP6_REBINDING, DHCP6_CONFIRMING, DHCP6_DECLINING,
    DHCP6_RELEASING, DHCP6_INFORMING, DHCP6_INFORMED
};

/* §15: how a message is sent again. */
struct dhcp6_patience { int64_t first_ns, most_ns, until_ns; uint32_t tries; };

struct dhcp6_client {
    struct rng       *rng;
    enum dhcp6_state  state;
    struct dhcp6_duid duid, server;             /* ours; of who gave the lease, or is asked for one */
    uint32_t          iaid, xid;
    struct dhcp6_patience patience;
    uint32_t          sent;                     /* in this state */
    int64_t           began_ns, wait_ns, deadline_ns;   /* of the exchange, RT, of the next message */
    int64_t           t1_ns, t2_ns;
    uint32_t          sol_max_rt_s, inf_max_rt_s;
    bool              paused;                   /* the link is away */
    int               best_preference;          /* of the advertisements heard in the first wait; -1: none */
    struct dhcp6_duid best;
    struct own_addr   addr[DHCP6_ADDRS];
    uint8_t           n_given_back;             /* addresses of a Release, which are not ours any more */
    struct addr       given_back[DHCP6_ADDRS];
    uint8_t           n_dns;
    struct addr       dns[DHCP6_DNS];
    char              domain[DHCP6_NAME];
};

/* DUID-LL (§11.4) of an Ethernet station. */
struct dhcp6_duid dhcp6_duid_of(struct mac mac);
void dhcp6_start(struct dhcp6_client *c, enum dhcp6_mode mode, struct rng *rng, const struct dhcp6_duid *duid, uint32_t iaid, int64_t now_ns);
/* A message came to the client port; false: not for us, or not now. */
bool dhcp6_in(struct dhcp6_client *c, const struct dhcp6 *m, int64_t now_ns);
/* The next message due, to all servers; false: none until the deadline. Call until it is false. */
bool dhcp6_out(struct dhcp6_client *c, struct dhcp6 *out, int64_t now_ns);
/* The next thing to do about addresses, as autoconf_next; false: nothing. */
bool dhcp6_next(struct dhcp6_client *c, struct own_action *out, int64_t now_ns);
/* Duplicate address detection ended.  True: it was an address of this machine. */
bool dhcp6_verdict(struct dhcp6_client *c, struct addr a, bool is_free, int64_t now_ns);
/* The link went, and its addresses with it; the caller takes them away.  It is there again: are they still good here (§18.2.3)? */
void dhcp6_link_gone(struct dhcp6_client *c);
void dhcp6_link_again(struct dhcp6_client *c, int64_t now_ns);
/* Gives the addresses back (§18.2.7); the client is off once that is out. */
void dhcp6_release(struct dhcp6_client *c, int64_t now_ns);
int64_t dhcp6_deadline(const struct dhcp6_client *c);
