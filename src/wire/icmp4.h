/* ICMP for IPv4 (RFC 792, RFC 1191 §4 for the next-hop MTU). */
#pragma once
#include "base/bytes.h"
#include "base/addr.h"

enum icmp4_type {
    ICMP4_ECHO_REPLY = 0, ICMP4_UNREACHABLE = 3, ICMP4_SOURCE_QUENCH = 4, ICMP4_REDIRECT = 5, ICMP4_ECHO = 8,
    ICMP4_TIME_EXCEEDED = 11, ICMP4_PARAMETER = 12, ICMP4_TIMESTAMP = 13, ICMP4_TIMESTAMP_REPLY = 14
};
enum icmp4_unreachable {
    ICMP4_UNREACH_NET, ICMP4_UNREACH_HOST, ICMP4_UNREACH_PROTOCOL, ICMP4_UNREACH_PORT, ICMP4_UNREACH_FRAG_NEEDED,
    ICMP4_UNREACH_SOURCE_ROUTE, ICMP4_UNREACH_ADMIN = 13
};

enum { ICMP4_HEADER = 8 };

struct icmp4 {
    uint8_t  type, code;
    uint16_t id, seq;                   /* echo */
    uint16_t mtu;                       /* fragmentation needed; 0: not given */
    uint8_t  pointer;                   /* parameter problem */
    struct addr gateway;                /* redirect */
};

/* Reads the 8-byte header; the body (echo data or the quoted packet) is what is
 * left in `r`.  The checksum over the whole message must be verified by the caller. */
bool icmp4_read(struct reader *r, struct icmp4 *out);
/* Writes header and body with the checksum. */
void icmp4_write(struct writer *w, const struct icmp4 *h, const void *body, size_t body_len);

/* What an error message quotes: the header of the packet that caused it and the
 * first bytes of its transport header (RFC 792: 64 bits at least).  For a quoted
 * ICMP echo the ports are its id and sequence number.  False: not IPv4, too short
 * to say, or not a first fragment. */
struct icmp_quote { struct addr src, dst; uint8_t proto; uint16_t src_port, dst_port; uint32_t tcp_seq; bool has_seq; };
bool icmp4_quote_read(struct reader *r, struct icmp_quote *out);
