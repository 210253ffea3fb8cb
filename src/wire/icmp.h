/* What ICMP says of a packet, in the words of neither family: types and codes of both stand in icmp.c, and nowhere
 * above it does anybody read them. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum inet_trouble {
    TROUBLE_NONE,                       /* it is no error */
    TROUBLE_NO_ROUTE,                   /* no route leads to its destination */
    TROUBLE_ADDRESS,                    /* its neighbour does not answer */
    TROUBLE_PORT,                       /* nobody listens there */
    TROUBLE_PROTOCOL,                   /* nobody takes the upper layer; arg: of IPv6, where it is named */
    TROUBLE_TOO_BIG,                    /* arg: what the next link takes, IP bytes; 0: not said */
    TROUBLE_TTL,                        /* of the hop limit nothing is left */
    TROUBLE_REASSEMBLY,                 /* the other fragments did not come */
    TROUBLE_ADMIN,                      /* a filter denies it */
    TROUBLE_SCOPE,                      /* beyond the scope of its source */
    TROUBLE_SOURCE_ROUTE,
    TROUBLE_FIELD,                      /* a header says what it must not; arg: where */
    TROUBLE_OPTION,                     /* an option that must be known and is not; arg: where */
    TROUBLE_CHAIN,                      /* a first fragment without all headers (RFC 7112) */
    TROUBLE_OTHER                       /* an error of a kind not known here */
};

struct icmp_kind { uint8_t type, code; };

/* How each family says it. */
struct icmp_kind icmp4_kind(enum inet_trouble t);
struct icmp_kind icmp6_kind(enum inet_trouble t);
/* What it says; TROUBLE_NONE: it is no error. */
enum inet_trouble icmp4_trouble(struct icmp_kind k);
enum inet_trouble icmp6_trouble(struct icmp_kind k);
/* For a person: "no route", "port unreachable". */
const char *trouble_text(enum inet_trouble t);
