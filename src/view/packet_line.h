/* One packet as one line, for people: addresses, protocol and what matters in it. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACKET_LINE = 256 };

/* The classes that the journey counts by. */
enum packet_kind { KIND_OTHER, KIND_ARP, KIND_ARP_OWN, KIND_DHCP, KIND_DNS, KIND_ICMP, KIND_UDP, KIND_TCP };

/* `bytes` begin with an Ethernet header, or with the IP header when `ether` is
 * false.  Returns `out`, never empty: what cannot be parsed is said to be malformed. */
const char *packet_line(const void *bytes, size_t len, bool ether, char out[PACKET_LINE]);
enum packet_kind packet_kind(const void *bytes, size_t len, bool ether);
