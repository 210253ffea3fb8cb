/* The IPv4 header (RFC 791 §3.1). */
#pragma once
#include "base/bytes.h"
#include "base/addr.h"
#include "trace/trace.h"

enum { IP4_HEADER = 20, IP4_HEADER_MAX = 60, IP_ICMP = 1, IP_IGMP = 2, IP_TCP = 6, IP_UDP = 17, IP_ICMP6 = 58 };

struct ip4 {
    struct addr src, dst;
    uint16_t total_len, id;
    uint16_t frag_offset;               /* bytes */
    uint8_t  header_len;                /* bytes, options included */
    uint8_t  tos, ttl, proto;
    bool     dont_fragment, more_fragments;
    bool     source_route;              /* a loose or strict source route option is present (read only) */
};

/* Validates version, lengths, checksum and the form of options.  WHY_NONE: good,
 * and `r` stands behind the header; else the reason to drop it.  Bytes beyond
 * total_len (Ethernet padding) are the caller's to trim. */
enum why ip4_read(struct reader *r, struct ip4 *out);
/* Writes a 20-byte header with its checksum; header_len and source_route are ignored. */
void ip4_write(struct writer *w, const struct ip4 *h);
/* Lowers the TTL of a valid header in place by one and mends its checksum. */
void ip4_decrement_ttl(uint8_t *header);
