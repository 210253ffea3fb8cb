/* The IPv4 header (RFC 791 §3.1). */
#pragma once
#include "base/bytes.h"
#include "base/addr.h"
#include "base/checksum.h"
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
/* The same into 20 bytes: words as they lie in memory, so that the checksum is of what is at hand and not of what was
 * just written in pieces. */
enum { IP4_DF = 0x4000, IP4_MF = 0x2000 };
static inline void ip4_put(uint8_t *to, const struct ip4 *h)
{
    const uint32_t len = be32((uint32_t)(4 << 4 | IP4_HEADER / 4) << 24 | (uint32_t)h->tos << 16 | h->total_len);
    const uint32_t id = be32((uint32_t)h->id << 16 | (h->dont_fragment ? IP4_DF : 0u) | (h->more_fragments ? IP4_MF : 0u) | h->frag_offset / 8u);
    const uint32_t ttl = be32((uint32_t)h->ttl << 24 | (uint32_t)h->proto << 16), src = h->src.w[3], dst = h->dst.w[3];
    const csum_t sum = { (uint64_t)len + id + ttl + src + dst };
    const uint32_t ttl_csum = ttl | be32(host16(csum_finish(sum)));
    memcpy(to, &len, 4);
    memcpy(to + 4, &id, 4);
    memcpy(to + 8, &ttl_csum, 4);
    memcpy(to + 12, &src, 4);
    memcpy(to + 16, &dst, 4);
}
/* Lowers the TTL of a valid header in place by one and mends its checksum. */
void ip4_decrement_ttl(uint8_t *header);
