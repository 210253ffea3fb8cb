/* Interface identifiers that stay the same in a network and tell nothing in another (RFC 7217). */
#pragma once
#include "base/addr.h"
#include "base/rng.h"

/* The address of an interface in a prefix of 64 bits; `dad_counter` counts those that somebody else had. */
struct addr stable_addr(const struct sipkey *secret, struct addr prefix, struct mac mac, unsigned iface, uint8_t dad_counter);
