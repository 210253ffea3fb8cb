/* A DHCPv6 server for one network (RFC 9915 §18.3): addresses of a range by IA_NA, with leases that outlive it
 * (leases.h), and other things to know for who asks for no address.  It hears relays too. */
#pragma once
#include "service/leases.h"
#include "socket/net.h"
#include "wire/dhcp6.h"

enum { DHCP6_LEASES_MAX = 65536 };

struct dhcp6_server_config {
    struct dhcp6_duid duid;             /* ours, the server identifier */
    struct addr   own;                  /* an address of the interface it serves; none: the one that leads to groups */
    struct prefix network;              /* what is on that link */
    struct addr   first, last;          /* the range, in the network; none: it gives no addresses */
    uint8_t       n_dns;
    struct addr   dns[DHCP6_DNS];
    char          domain[DHCP6_NAME];   /* "": not told */
    uint32_t      valid_s, preferred_s; /* of a lease [3600, five eighths of it] */
    bool          rapid_commit;         /* two messages instead of four, for who offers that */
    struct lease_keeper keeper;
    const char   *journal;              /* what it kept before; NULL: nothing */
    int64_t     (*civil_ns)(void);      /* of the keeper; NULL when there is none */
};

struct dhcp6_server;
/* INVALID: the range is none, or not in the network, or the journal cannot be read; or what net_datagram says. */
enum plumb_err dhcp6_server_new(struct net *n, const struct dhcp6_server_config *cfg, struct dhcp6_server **out);
void dhcp6_server_free(struct dhcp6_server *s);     /* NULL is fine */
const struct leases *dhcp6_server_leases(const struct dhcp6_server *s);
