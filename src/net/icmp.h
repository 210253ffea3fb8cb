/* Between the files of net/ that speak ICMP. */
#pragma once
#include "net/inet.h"

void inet_icmp6_in(struct inet *n, struct pkt *k, int64_t now_ns);     /* takes it */
/* RFC 1122 §3.2.2.6: Record Route and Timestamp of an echo request, with `own` and the time in them, as they go back with the
 * answer.  Their bytes in `out`, a multiple of 4; 0: there are none. */
uint32_t inet_answer_options(struct pkt *k, struct addr own, int64_t now_ns, uint8_t out[IP4_HEADER_MAX - IP4_HEADER]);
/* Behind the header of a packet that has no options yet, whose headroom holds them. */
void inet_put_options(struct pkt *k, const uint8_t *options, uint32_t len);
/* An error about a packet of ours onto n->error; of TROUBLE_TOO_BIG `mtu` is what it claims and `quoted` how long the
 * packet was.  WHY_NONE, or why it says nothing. */
enum why inet_note_error(struct inet *n, struct net_error *e, uint32_t mtu, uint16_t quoted, uint8_t iface);
