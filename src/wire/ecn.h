/* The ECN field of IP: the low two bits of the traffic class (RFC 3168 §5). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ecn { ECN_NOT = 0, ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3, ECN_MASK = 3 };

/* What a router does instead of dropping: CE into a packet that begins at `ip`.
 * False: its transport did not say it is capable, or it is no IP packet. */
bool ecn_mark(uint8_t *ip, size_t len);
