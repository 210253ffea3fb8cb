/* Path MTUs learnt from ICMP (RFC 1191, RFC 8201): what a destination's path takes, until it ages. */
#pragma once
#include "base/addr.h"
#include "base/time.h"

enum { PMTU_ENTRIES = 256, PMTU_MIN = 296, PMTU6_MIN = 1280 };    /* below the plateau of RFC 1191 §7 it is an attack, not a link */
struct pmtu_entry { struct addr remote; uint16_t mtu; int64_t expires_ns; };
struct pmtu { uint32_t n; struct pmtu_entry entry[PMTU_ENTRIES]; };

/* The path's MTU, or `link_mtu` when nothing smaller is known. */
uint16_t pmtu_of(const struct pmtu *p, struct addr remote, uint16_t link_mtu);
/* What an ICMP message claims: `mtu` of the next link (0: not given) for a packet of
 * `packet_len` bytes.  The MTU to believe in, if it is believed; at most what holds now.
 * 0: of IPv6, less than every link takes, which nobody believes. */
uint16_t pmtu_claim(const struct pmtu *p, struct addr remote, uint16_t mtu, uint16_t packet_len, uint16_t link_mtu);
/* Believes it; true when it is less than what held. */
bool pmtu_learn(struct pmtu *p, struct addr remote, uint16_t mtu, uint16_t link_mtu, int64_t now_ns);
int64_t pmtu_deadline(const struct pmtu *p);
bool pmtu_tick(struct pmtu *p, int64_t now_ns);         /* true: one aged, larger packets may be tried again */
