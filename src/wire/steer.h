/* Which shard of a host a flow belongs to: a keyed hash of its addresses and ports.
 * Whoever steers packets to queues before plumb sees them (os/steer_bpf.c) computes the
 * same, so it is made of what such a program has: 64-bit multiplications and shifts.
 *
 * Spread is all it is for; what must withstand an attacker hashes with SipHash. */
#pragma once
#include "wire/ip.h"
#include "wire/ip4.h"

enum { STEER_UDP_FIRST = 49152,         /* datagrams to these ports come to who bound the port, whoever sends them */
       STEER_DHCP_CLIENT = 68, STEER_DHCP6_CLIENT = 546 };      /* of IPv4, of IPv6: shard 0 asks for the addresses of all */

struct steer { uint64_t key; uint8_t n, self; };        /* n 0: there are no shards, all flows are ours */

static inline uint64_t steer_mix(uint64_t h, uint32_t word)
{
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

/* The shard of a flow of TCP or UDP; 0 for everything else. */
unsigned steer_flow(const struct steer *s, uint8_t proto, const struct flow *f);
/* The shard of a whole packet that arrived, validated: to a group: 0. */
unsigned steer_packet(const struct steer *s, const struct pkt *k);
static inline bool steer_is_home(const struct steer *s, uint8_t proto, const struct flow *f)
{
    return s->n < 2 || steer_flow(s, proto, f) == s->self;
}
