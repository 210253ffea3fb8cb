/* What the two families' ways in find out about a packet; for the files of net/ alone. */
#pragma once
#include "net/inet.h"

struct arrival {
    bool transit;                       /* for somebody else */
    bool fragment;                      /* of a datagram that `piece` belongs to */
    struct frag_piece piece;
};

/* WHY_NONE: the packet is valid and cut to its length; `a`, zero on entry, says what becomes of it. */
enum why inet4_arrive(struct inet *n, struct pkt *k, struct arrival *a);
enum why inet6_arrive(struct inet *n, struct pkt *k, struct arrival *a, int64_t now_ns);
/* The headers of a datagram that was put together. */
enum why inet6_joined(struct inet *n, struct pkt *k, int64_t now_ns);
/* What the device said of a packet may be of another header than the one found: then it said nothing. */
void inet_hold_to_header(struct pkt *k, uint16_t l4_off);
