/* Between the files of net/ that send. */
#pragma once
#include "net/inet.h"

/* The header of IPv6 before the packet, as its path and what it carries say. */
void inet6_push_header(struct inet *n, struct pkt *k);
/* As inet_fragment. */
void inet6_fragment(struct inet *n, struct pkt *k, uint16_t mtu, int64_t now_ns);
