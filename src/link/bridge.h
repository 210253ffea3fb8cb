/* A learning switch as pure data (IEEE 802.1D §7.7 to 7.9): told where frames come
 * from, it says where they go. It never holds a packet. */
#pragma once
#include "base/addr.h"
#include "base/rng.h"
#include "base/time.h"

#define BRIDGE_AGE_NS (300 * NS_PER_SEC)        /* §7.9.2, the recommended ageing time */
enum { BRIDGE_ENTRIES = 4096 };
struct bridge_entry { struct mac mac; uint16_t port, vid; int64_t seen_ns; bool used; };
struct bridge { struct sipkey key; int64_t age_ns; struct bridge_entry entry[BRIDGE_ENTRIES]; };

/* Each VLAN has addresses of its own (802.1Q §8.8); 0 where there are none. */
struct bridge_frame { uint16_t vid, from; struct mac src, dst; };

enum bridge_verdict { BRIDGE_FLOOD, BRIDGE_TO_PORT, BRIDGE_DROP };     /* drop: it is where it came from */

void bridge_init(struct bridge *b, struct rng *rng);
/* Learns the source and decides; *to is set with BRIDGE_TO_PORT. */
enum bridge_verdict bridge_decide(struct bridge *b, const struct bridge_frame *f, unsigned *to, int64_t now_ns);
void bridge_forget_port(struct bridge *b, unsigned port);
