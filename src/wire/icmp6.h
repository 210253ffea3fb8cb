/* ICMPv6 (RFC 4443) and what neighbour discovery says in it (RFC 4861 §4, RFC 8106, RFC 4191). */
#pragma once
#include "base/addr.h"
#include "base/bytes.h"
#include "wire/icmp4.h"

enum icmp6_type {
    ICMP6_UNREACHABLE = 1, ICMP6_TOO_BIG = 2, ICMP6_TIME_EXCEEDED = 3, ICMP6_PARAMETER = 4, ICMP6_ECHO = 128, ICMP6_ECHO_REPLY = 129,
    ICMP6_MLD_QUERY = 130, ICMP6_MLD_REPORT = 131, ICMP6_MLD_DONE = 132, ICMP6_ROUTER_SOLICIT = 133, ICMP6_ROUTER_ADVERT = 134,
    ICMP6_NEIGH_SOLICIT = 135, ICMP6_NEIGH_ADVERT = 136, ICMP6_REDIRECT = 137, ICMP6_MLD2_REPORT = 143
};
enum icmp6_unreachable { ICMP6_UNREACH_NO_ROUTE, ICMP6_UNREACH_ADMIN, ICMP6_UNREACH_SCOPE, ICMP6_UNREACH_ADDRESS, ICMP6_UNREACH_PORT,
                         ICMP6_UNREACH_POLICY, ICMP6_UNREACH_REJECT };

enum { ICMP6_HEADER = 8, ICMP6_CHECKSUM_AT = 2, ND_HOP_LIMIT = 255 };

/* Errors have the highest bit clear (RFC 4443 §2.1). */
static inline bool icmp6_is_error(uint8_t type) { return type < 128; }

struct icmp6 {
    uint8_t  type, code;
    uint16_t id, seq;                   /* echo */
    uint32_t word;                      /* the second 32 bits: the MTU of TOO_BIG, the pointer of PARAMETER */
};

/* Reads the 8-byte header; the body is what is left in `r`.  The checksum, over a pseudo header too, is the caller's to
 * verify and to write. */
bool icmp6_read(struct reader *r, struct icmp6 *out);
void icmp6_write(struct writer *w, const struct icmp6 *h, const void *body, size_t body_len);

/* What an error quotes.  False: not IPv6, too short to say, a later fragment, or extension headers that cannot be read. */
bool icmp6_quote_read(struct reader *r, struct icmp_quote *out);

/* --------------------------------------------------- neighbour discovery */

enum { ND_PREFIXES = 8, ND_DNS = 4, ND_ROUTES = 4 };

struct nd_prefix { struct prefix prefix; bool on_link, autonomous; uint32_t valid_s, preferred_s; };    /* UINT32_MAX: for ever */
struct nd_route  { struct prefix prefix; int8_t preference; uint32_t lifetime_s; };                     /* RFC 4191 §2.3 */

/* A message of the five types; what a type does not have is zero.  Options that do not fit the tables are passed over. */
struct nd {
    uint8_t  type;
    struct addr target;                 /* solicitation, advertisement, redirect */
    bool     router, solicited, override;                       /* advertisement */
    struct addr destination;            /* redirect */
    bool     has_source_mac, has_target_mac;
    struct mac source_mac, target_mac;
    uint32_t mtu;                       /* 0: no such option */
    bool     has_nonce;                 /* RFC 3971 §5.3.2, as RFC 7527 uses it */
    uint8_t  nonce[6];
    /* router advertisement */
    uint8_t  hop_limit;                 /* 0: unspecified */
    bool     managed, other_config;
    int8_t   preference;                /* RFC 4191 §2.2: 1 high, 0, -1 low */
    uint16_t router_lifetime_s;
    uint32_t reachable_ms, retrans_ms;  /* 0: unspecified */
    uint8_t  n_prefix, n_dns, n_route;
    struct nd_prefix prefix[ND_PREFIXES];
    struct nd_route route[ND_ROUTES];
    struct addr dns[ND_DNS];
    uint32_t dns_lifetime_s;
};

/* `r` stands at the ICMPv6 header.  False: not of these types, too short, an option without length, a target that is a
 * group: what RFC 4861 §6.1 and §7.1 demand of the message itself (hop limit, addresses and checksum are the caller's). */
bool nd_read(struct reader *r, struct nd *out);
/* From the ICMPv6 header on, its checksum zero. */
void nd_write(struct writer *w, const struct nd *m);

/* ff02::1:ffXX:XXXX (RFC 4291 §2.7.1). */
struct addr nd_solicited_node(struct addr a);
/* 33:33 and the last four bytes (RFC 2464 §7). */
struct mac nd_group_mac(struct addr group);
