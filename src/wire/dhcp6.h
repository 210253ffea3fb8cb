/* DHCPv6 messages between a client and a server (RFC 9915 §8, §21), and the relay's around them (§9). */
#pragma once
#include "base/addr.h"
#include "base/bytes.h"

enum { DHCP6_CLIENT_PORT = 546, DHCP6_SERVER_PORT = 547, DHCP6_MAX = 1232 };
enum { DHCP6_DUID = 130, DHCP6_IAS = 4, DHCP6_ADDRS = 4, DHCP6_DNS = 4, DHCP6_NAME = 128, DHCP6_RELAYS = 8, DHCP6_INTERFACE_ID = 64 };

enum dhcp6_type {
    DHCP6_SOLICIT = 1, DHCP6_ADVERTISE, DHCP6_REQUEST, DHCP6_CONFIRM, DHCP6_RENEW, DHCP6_REBIND, DHCP6_REPLY, DHCP6_RELEASE, DHCP6_DECLINE,
    DHCP6_RECONFIGURE, DHCP6_INFORMATION, DHCP6_RELAY_FORW, DHCP6_RELAY_REPL
};
enum dhcp6_status { DHCP6_SUCCESS, DHCP6_UNSPEC_FAIL, DHCP6_NO_ADDRS, DHCP6_NO_BINDING, DHCP6_NOT_ON_LINK };

struct dhcp6_duid { uint8_t len; uint8_t b[DHCP6_DUID]; };      /* §11; len 0: absent */
static inline bool dhcp6_duid_same(const struct dhcp6_duid *a, const struct dhcp6_duid *b) { return a->len == b->len && memcmp(a->b, b->b, a->len) == 0; }

struct dhcp6_addr { struct addr addr; uint32_t preferred_s, valid_s; };
/* IA_NA (§21.4).  A status of SUCCESS is the same as none. */
struct dhcp6_ia { uint32_t iaid, t1_s, t2_s; uint16_t status; uint8_t n_addr; struct dhcp6_addr addr[DHCP6_ADDRS]; };

struct dhcp6 {
    uint8_t  type;                              /* enum dhcp6_type, no relay's */
    uint32_t xid;                               /* 24 bits */
    struct dhcp6_duid client, server;
    uint8_t  n_ia, n_dns;
    struct dhcp6_ia ia[DHCP6_IAS];
    bool     asks_dns, asks_domain, asks_refresh;       /* Option Request (§21.7) */
    bool     rapid_commit;
    bool     has_preference, has_elapsed;
    uint8_t  preference;
    uint16_t elapsed_cs;                        /* hundredths of a second */
    uint16_t status;                            /* of the message */
    struct addr dns[DHCP6_DNS];                 /* RFC 3646 §3 */
    char     domain[DHCP6_NAME];                /* the first of the search list (RFC 3646 §4); "" when absent */
    char     name[DHCP6_NAME];                  /* the client's own (RFC 4704); "" when absent */
    uint32_t refresh_s, sol_max_rt_s, inf_max_rt_s;     /* §21.23 to §21.25; 0: absent */
};

/* False: a relay's or an unknown type, or an option runs over.  What does not fit the tables is passed over. */
bool dhcp6_read(struct reader *r, struct dhcp6 *out);
void dhcp6_write(struct writer *w, const struct dhcp6 *m);

/* What one relay added. */
struct dhcp6_relay { uint8_t hops; struct addr link, peer; uint8_t interface_id_len, interface_id[DHCP6_INTERFACE_ID]; };
/* Unwraps relays, outermost first; `r` is left at the client's message.  How many, 0 when no relay took part, -1 when it
 * cannot be read or there are more than DHCP6_RELAYS. */
int dhcp6_unwrap(struct reader *r, struct dhcp6_relay out[DHCP6_RELAYS]);
/* A server's answer the way back through them: RELAY_REPL around `message`. */
void dhcp6_wrap(struct writer *w, const struct dhcp6_relay *relay, unsigned n, const void *message, size_t len);
