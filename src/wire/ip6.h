/* The IPv6 header and its extension headers (RFC 8200 §3, §4). */
#pragma once
#include "base/addr.h"
#include "base/bytes.h"
#include "trace/trace.h"

enum { IP6_HEADER = 40, IP6_MTU_MIN = 1280, IP6_FRAGMENT_HEADER = 8,
       IP6_HOP_BY_HOP = 0, IP6_ROUTING = 43, IP6_FRAGMENT = 44, IP6_NO_NEXT = 59, IP6_DESTINATION = 60 };

struct ip6 {
    struct addr src, dst;
    uint32_t flow_label;                /* 20 bits */
    uint16_t payload_len;               /* bytes behind the header, extension headers included */
    uint8_t  traffic_class, next, hop_limit;
};

/* WHY_NONE: good, and `r` stands behind the header; else the reason to drop it.  Bytes beyond the payload (Ethernet
 * padding) are the caller's to trim. */
enum why ip6_read(struct reader *r, struct ip6 *out);
void ip6_write(struct writer *w, const struct ip6 *h);

/* What stands between the header and the upper layer.  Offsets count from the IP header. */
struct ip6_chain {
    uint8_t  proto;                     /* of the upper layer, or IP6_NO_NEXT */
    uint16_t upper;                     /* where it begins: behind the last extension header */
    uint16_t fragment;                  /* of the fragment header; 0: there is none */
    uint16_t named_at;                  /* of the Next Header field that names the fragment header */
    uint16_t frag_offset;               /* bytes, below 65536 */
    bool     more_fragments;
    uint32_t frag_id;
    bool     router_alert;              /* RFC 2711 */
    /* When it must be dropped: whether an ICMPv6 parameter problem tells, also when it came to a group, its code, and
     * the octet it points to. */
    bool     tell, tell_group;
    uint8_t  code;
    uint16_t pointer;
};

/* The upper layer of a packet whose extension headers need not be good: what a router or the quote of an error wants to
 * know.  As far as they can be read; in a later fragment `at` is its piece of the payload. */
struct ip6_upper { uint8_t proto; uint16_t at, named_at; };    /* offsets from the IP header; named_at: of the Next Header field that says `proto` */
struct ip6_upper ip6_find_upper(struct reader packet);

/* Reads the extension headers of a packet; `packet` stands at its IPv6 header and ends with its payload.  In a later
 * fragment `upper` is where its piece of the payload begins. */
enum why ip6_chain_read(struct reader packet, struct ip6_chain *out);
