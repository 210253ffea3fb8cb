/* A DHCP server (RFC 2131 §4.3) for its own network and for those behind relays: ranges of addresses, leased by client
 * identifier or MAC, and reservations by MAC.  A client is given the address it had, if it can be.  With a keeper leases
 * outlive the server (service/leases.h). */
#pragma once
#include "service/leases.h"
#include "socket/net.h"
#include "wire/dhcp4.h"

enum { DHCP_RANGE_MAX = 65536, DHCP_POOLS = 16, DHCP_RESERVATIONS = 256 };

/* What a network's clients are told; 0, ADDR_NONE and "": not told. */
struct dhcp_pool {
    struct addr first, last;            /* the range, at most DHCP_RANGE_MAX addresses */
    uint8_t     prefix_len;
    uint8_t     n_router, n_dns;
    struct addr router[DHCP4_ADDRS], dns[DHCP4_ADDRS];
    uint16_t    mtu;
    char        domain[DHCP4_TEXT];
};
struct dhcp_reservation { struct mac mac; struct addr addr; };

struct dhcp_server_config {
    struct addr local;                  /* what the socket is bound to; none: any */
    struct addr server;                 /* our address, the server identifier */
    struct addr first, last;            /* of our own network, as in struct dhcp_pool */
    uint8_t     prefix_len;
    uint8_t     n_router, n_dns;
    struct addr router[DHCP4_ADDRS], dns[DHCP4_ADDRS];
    uint32_t    lease_s;                /* 0: 3600 */
    uint16_t    mtu;
    char        domain[DHCP4_TEXT];
    unsigned    n_relayed;              /* networks behind relays, chosen by giaddr, or by the link selection of RFC 3527 */
    const struct dhcp_pool *relayed;
    unsigned    n_reserved;             /* addresses of any of the networks, in their ranges or not */
    const struct dhcp_reservation *reserved;
    struct lease_keeper keeper;
};

struct dhcp_server;
/* INVALID: a range is none, or not in its network, or a reservation is in none; or what net_datagram says. */
enum plumb_err dhcp_server_new(struct net *n, const struct dhcp_server_config *cfg, struct dhcp_server **out);
void dhcp_server_free(struct dhcp_server *s);       /* NULL is fine */
/* What an earlier server left.  False: `error` holds one line, and nothing may be trusted. */
bool dhcp_server_recall(struct dhcp_server *s, const char *journal, char error[LEASES_ERROR]);
/* The journal anew. */
void dhcp_server_write(const struct dhcp_server *s, FILE *to);

struct dhcp_lease { struct addr addr; enum lease_state state; struct mac mac; int64_t expires_ns; char host_name[DHCP4_TEXT]; };
/* Each address that was ever given, *cursor from 0; false: no more. */
bool dhcp_server_walk(const struct dhcp_server *s, uint32_t *cursor, struct dhcp_lease *out);
