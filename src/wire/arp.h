/* ARP for IPv4 over Ethernet (RFC 826). */
#pragma once
#include "base/bytes.h"
#include "base/addr.h"

enum { ARP_LEN = 28, ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp { uint16_t op; struct mac sender_mac, target_mac; struct addr sender, target; };

bool arp_read(struct reader *r, struct arp *out);           /* false: not Ethernet/IPv4, or short */
void arp_write(struct writer *w, const struct arp *a);
