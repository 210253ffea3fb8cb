/* A DHCP server for one network (RFC 2131 §4.3): a range of addresses, leased by client
 * identifier or MAC, kept in memory.  A client is given the address it had, if it can be. */
#pragma once
#include "socket/net.h"
#include "wire/dhcp4.h"

struct dhcp_server_config {
    struct addr local;                  /* what the socket is bound to; none: any */
    struct addr server;                 /* our address, the server identifier */
    struct addr first, last;            /* the range, at most DHCP_RANGE_MAX addresses */
    uint8_t     prefix_len;
    uint8_t     n_router, n_dns;
    struct addr router[DHCP4_ADDRS], dns[DHCP4_ADDRS];
    uint32_t    lease_s;                /* 0: 3600 */
    uint16_t    mtu;                    /* 0: not told */
    char        domain[DHCP4_TEXT];     /* "": not told */
};
enum { DHCP_RANGE_MAX = 65536 };

struct dhcp_server;
/* INVALID: the range is none, or not in the server's network; or what net_datagram says. */
enum plumb_err dhcp_server_new(struct net *n, const struct dhcp_server_config *cfg, struct dhcp_server **out);
void dhcp_server_free(struct dhcp_server *s);       /* NULL is fine */

enum dhcp_lease_state { LEASE_FREE, LEASE_OFFERED, LEASE_BOUND, LEASE_DECLINED };
struct dhcp_lease { struct addr addr; enum dhcp_lease_state state; struct mac mac; int64_t expires_ns; char host_name[DHCP4_TEXT]; };
/* Each address that was ever given, *cursor from 0; false: no more. */
bool dhcp_server_walk(const struct dhcp_server *s, uint32_t *cursor, struct dhcp_lease *out);
