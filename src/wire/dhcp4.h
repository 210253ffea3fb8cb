/* DHCP for IPv4 (RFC 2131 §2, options of RFC 2132). */
#pragma once
#include "base/bytes.h"
#include "base/addr.h"

enum { DHCP4_SERVER_PORT = 67, DHCP4_CLIENT_PORT = 68, DHCP4_MIN = 300, DHCP4_MAX = 576,
       DHCP4_RELAYED_MAX = DHCP4_MAX + 257, DHCP4_ADDRS = 4, DHCP4_TEXT = 64 };
enum dhcp4_type { DHCP4_DISCOVER = 1, DHCP4_OFFER, DHCP4_REQUEST, DHCP4_DECLINE, DHCP4_ACK, DHCP4_NAK, DHCP4_RELEASE, DHCP4_INFORM };

struct dhcp4 {
    uint8_t  op;                                /* 1 request, 2 reply */
    uint8_t  type;                              /* enum dhcp4_type */
    bool     broadcast;
    uint32_t xid;
    uint16_t secs;
    struct addr ciaddr, yiaddr, siaddr, giaddr; /* 0.0.0.0 when unset */
    struct mac  chaddr;
    struct addr requested, server_id;           /* ADDR_NONE: option absent */
    struct addr mask;
    uint32_t lease_s, t1_s, t2_s;               /* 0: absent */
    uint16_t mtu;                               /* 0: absent */
    uint8_t  n_router, n_dns;
    struct addr router[DHCP4_ADDRS], dns[DHCP4_ADDRS];
    char     host_name[DHCP4_TEXT], domain[DHCP4_TEXT];     /* "" when absent */
    uint8_t  client_id_len, client_id[32];
    uint8_t  relay_len, relay[255];             /* relay agent information (RFC 3046), as it came; 0: absent */
};

/* False: not a DHCP message for Ethernet, without magic cookie or message type, or an option runs over. */
bool dhcp4_read(struct reader *r, struct dhcp4 *out);
/* The sub-option of the relay's information that names the link the client is on (RFC 3527); ADDR_NONE: not said. */
struct addr dhcp4_link_selection(const struct dhcp4 *m);
void dhcp4_write(struct writer *w, const struct dhcp4 *m);      /* padded to 300 bytes */
