/* A switch: the learning bridge (bridge.h) with VLANs (IEEE 802.1Q), the spanning tree (stp.h) against loops, and a bound on
 * what is flooded, as a pure step: frames come in by a port and stand in the queues of those they leave by.
 *
 * A port is of one VLAN, whose frames have no tag there, or carries several with tags and perhaps one without. */
#pragma once
#include "link/bridge.h"
#include "link/stp.h"
#include "trace/trace.h"
#include "wire/vlan.h"

enum { SWITCH_VLANS = 4095, SWITCH_QUEUE = 512 };

struct switch_port_config {
    uint16_t untagged;                  /* the VLAN of frames without a tag; 0: none is taken */
    uint64_t tagged[(SWITCH_VLANS + 64) / 64];  /* a bit for each VLAN that has its tag here */
};
static inline void switch_tag(struct switch_port_config *c, unsigned vid) { c->tagged[vid / 64] |= UINT64_C(1) << vid % 64; }
static inline bool switch_is_tagged(const struct switch_port_config *c, unsigned vid) { return c->tagged[vid / 64] >> vid % 64 & 1; }

struct switch_config {
    unsigned n_ports;
    uint16_t priority;                  /* of the spanning tree: less is rather the root */
    bool     stp;
    uint32_t flood_s;                   /* flooded frames a second that each port may cause; 0: no bound */
    struct mac mac;                     /* names the bridge, and is the source of its BPDUs */
    struct switch_port_config port[STP_PORTS];
};

struct switch_port { int64_t flood_credit_ns; struct pktq out; };

struct lan_switch {
    struct switch_config cfg;
    struct trace        *trace;
    struct pkt_pools    *pools;
    struct bridge        bridge;
    struct stp           stp;
    struct switch_port   port[STP_PORTS];
};

void switch_init(struct lan_switch *s, const struct switch_config *c, struct trace *trace, struct pkt_pools *pools, struct rng *rng);
void switch_fini(struct lan_switch *s);
void switch_link(struct lan_switch *s, unsigned port, bool up, int64_t now_ns);
/* Takes a frame. */
void switch_in(struct lan_switch *s, unsigned port, struct pkt *k, int64_t now_ns);
struct pkt *switch_out(struct lan_switch *s, unsigned port);           /* NULL: nothing waits */
int64_t switch_deadline(const struct lan_switch *s);
void switch_tick(struct lan_switch *s, int64_t now_ns);
