/* The DHCP client (RFC 2131 §4.4) as a pure machine: messages in, messages out,
 * one deadline.  It knows neither sockets nor addresses in use: stack/ carries its
 * messages and reports whether the offered address is free. */
#pragma once
#include "base/rng.h"
#include "base/time.h"
#include "wire/dhcp4.h"

/* Figure 5 of RFC 2131, and CHECKING: acknowledged, being probed for conflicts. */
enum dhcp_state { DHCP_OFF, DHCP_INIT, DHCP_SELECTING, DHCP_REQUESTING, DHCP_CHECKING, DHCP_BOUND, DHCP_RENEWING, DHCP_REBINDING };

struct dhcp_lease {
    struct prefix addr;
    struct addr   server, router;       /* router none: none given */
    struct addr   dns[DHCP4_ADDRS];
    uint8_t       n_dns;
    uint16_t      mtu;                  /* 0: not given */
    uint32_t      lease_s;
    int64_t       t1_ns, t2_ns, expires_ns;
};

/* What stack/ has to do about the lease. */
enum dhcp_news { DHCP_NO_NEWS, DHCP_CHECK, DHCP_RENEWED, DHCP_LOST };

struct dhcp_client {
    struct rng       *rng;
    enum dhcp_state   state;
    enum dhcp_news    news;
    struct mac        mac;
    char              host_name[DHCP4_TEXT];
    uint32_t          xid;
    uint32_t          tries;            /* sent in this state */
    uint32_t          naks;             /* refusals since the last lease */
    int64_t           started_ns;       /* of the exchange, for `secs` */
    int64_t           asked_ns;         /* when the request was first sent: the lease runs from then (§4.4.5) */
    int64_t           deadline_ns;
    struct dhcp_lease lease;
    bool              owes_decline, owes_release;
};

struct dhcp_message { struct dhcp4 m; struct addr src, dst; };     /* src 0.0.0.0 until bound */

void dhcp_start(struct dhcp_client *c, struct rng *rng, struct mac mac, const char *host_name, int64_t now_ns);
/* A reply to the client port arrived; false: not for us, or not now. */
bool dhcp_in(struct dhcp_client *c, const struct dhcp4 *m, int64_t now_ns);
/* The next message due; false: none until the deadline. Call until it is false. */
bool dhcp_out(struct dhcp_client *c, struct dhcp_message *out, int64_t now_ns);
int64_t dhcp_deadline(const struct dhcp_client *c);
/* Taken once: CHECK asks for a verdict by dhcp_checked; RENEWED: the lease is good
 * for longer; LOST: its address must not be used any more. */
enum dhcp_news dhcp_take_news(struct dhcp_client *c);
void dhcp_checked(struct dhcp_client *c, bool address_is_free, int64_t now_ns);
/* Gives the lease back (§4.4.6); the client is off once the message is out. */
void dhcp_release(struct dhcp_client *c);
static inline bool dhcp_has_lease(const struct dhcp_client *c) { return c->state >= DHCP_BOUND; }
