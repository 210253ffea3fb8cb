/* Bridge protocol data units of the spanning tree (IEEE 802.1D-1998 §9), in frames of 802.2 LLC. */
#pragma once
#include "base/addr.h"
#include "base/bytes.h"

enum { BPDU_CONFIG = 0x00, BPDU_TOPOLOGY_CHANGE = 0x80, BPDU_FRAME = 60 };

#define BRIDGE_GROUP ((struct mac){ { 0x01, 0x80, 0xc2, 0, 0, 0 } })

/* Times in nanoseconds; on the wire they are 256ths of a second. */
struct bpdu {
    uint8_t  type;
    bool     topology_change, acknowledged;
    uint64_t root, bridge;              /* priority and MAC: what is less is better */
    uint32_t cost;
    uint16_t port;
    int64_t  age_ns, max_age_ns, hello_ns, forward_ns;
};

/* A whole frame, from its destination on.  False: no BPDU of these types. */
bool bpdu_read(struct reader *r, struct bpdu *out);
/* BPDU_FRAME bytes, padding included. */
void bpdu_write(struct writer *w, struct mac from, const struct bpdu *b);
static inline uint64_t bpdu_id(uint16_t priority, struct mac m)
{
    uint64_t id = priority;
    for (unsigned i = 0; i < 6; i++)
        id = id << 8 | m.b[i];
    return id;
}
