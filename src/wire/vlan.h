/* The VLAN tag of a frame (IEEE 802.1Q §9.6): behind the addresses, before the type. */
#pragma once
#include "base/pkt.h"

enum { VLAN_TAG = 4, VLAN_PRIORITY = 0, VLAN_RESERVED = 4095 };     /* ids: no VLAN but a priority, none at all */

struct vlan { uint16_t id; uint8_t priority; bool may_drop; };

/* Takes the tag off a frame; false: it has none, or ends inside it. */
bool vlan_pop(struct pkt *k, struct vlan *out);
/* Puts one onto it; the headroom must hold it. */
void vlan_push(struct pkt *k, const struct vlan *v);
