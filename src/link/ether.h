/* Ethernet framing: the header off arriving frames and onto leaving ones.
 *
 * link/ holds what lies between a medium and IP: framing, the neighbour cache with
 * ARP and conflict detection, the learning switch and the emulated link. */
#pragma once
#include "base/pkt.h"
#include "trace/trace.h"

enum { ETHER_MIN = 60 };        /* IEEE 802.3 §3.2.8: the shortest frame, without its check sequence */

/* Strips the headers.  IP stays in `in`, ARP goes to `arp` (empty on entry), the
 * rest is dropped: frames for others, from a group, of ours come back, of no type
 * spoken here.  A frame to a group sets pkt->group. */
void ether_in(struct trace *t, struct mac own, struct batch *in, struct batch *arp, int64_t now_ns);

/* Writes the header in front and pads the frame to ETHER_MIN. */
void ether_push(struct pkt *k, struct mac dst, struct mac src, uint16_t type);
