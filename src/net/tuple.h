/* What names a flow in its packets, and packets given other names: addresses and ports, with every checksum mended
 * by what changed (RFC 1624).  Of an ICMP query the id stands for the port of who asks, 0 for that of who answers. */
#pragma once
#include "base/pkt.h"
#include "base/rng.h"

struct tuple { struct addr src, dst; uint16_t sport, dport; uint8_t proto; };

enum tuple_kind {
    TUPLE_BAD,                          /* too short to say, or a later fragment */
    TUPLE_FLOW,                         /* TCP, UDP, an ICMP query or its answer */
    TUPLE_ERROR,                        /* an ICMP error: the tuple is that of the packet it quotes */
    TUPLE_OTHER                         /* a protocol without ports, or another ICMP message: the ports are 0 */
};

/* Of a packet whose IP header net/ has validated, with l4_off and proto set. */
enum tuple_kind tuple_read(const struct pkt *k, struct tuple *out);
/* As packets the other way carry it. */
static inline struct tuple tuple_reverse(const struct tuple *t)
{
    return (struct tuple){ .src = t->dst, .dst = t->src, .sport = t->dport, .dport = t->sport, .proto = t->proto };
}
static inline bool tuple_eq(const struct tuple *a, const struct tuple *b)
{
    return addr_eq(a->src, b->src) && addr_eq(a->dst, b->dst) && a->sport == b->sport && a->dport == b->dport && a->proto == b->proto;
}
uint64_t tuple_hash(const struct sipkey *key, const struct tuple *t);

/* Gives an IPv4 packet of tuple `from` the tuple `to`; only what differs is written.  The packet may be large, borrow its
 * payload, and have its checksum still to be completed. */
void tuple_write(struct pkt *k, const struct tuple *from, const struct tuple *to);
/* The same for an ICMP error about a packet of tuple `from`, which its quote then shows as `to` (RFC 5508 §4.1): the error
 * itself travels against what it quotes.  False: its checksum was wrong; nothing is changed. */
bool tuple_write_error(struct pkt *k, const struct tuple *from, const struct tuple *to);
