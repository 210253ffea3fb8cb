/* Between the files of net/ that speak ICMP. */
#pragma once
#include "net/inet.h"

void inet_icmp6_in(struct inet *n, struct pkt *k, int64_t now_ns);     /* takes it */
/* An error about a packet of ours onto n->error; of TROUBLE_TOO_BIG `mtu` is what it claims and `quoted` how long the
 * packet was.  WHY_NONE, or why it says nothing. */
enum why inet_note_error(struct inet *n, struct net_error *e, uint32_t mtu, uint16_t quoted, uint8_t iface);
