/* The spanning tree protocol (IEEE 802.1D-1998 §8), so that bridges joined in a ring pass no frame round it: as a pure
 * machine that is told which BPDUs came and which links are up, and says which ports may learn and forward.
 *
 * Procedures have the standard's names (§8.6).  BPDUs to send collect in `owed` for each port. */
#pragma once
#include "base/time.h"
#include "wire/bpdu.h"

enum { STP_PORTS = 16 };
enum stp_state { STP_DISABLED, STP_BLOCKING, STP_LISTENING, STP_LEARNING, STP_FORWARDING };

struct stp_port {
    enum stp_state state;
    uint16_t id;                        /* priority and number */
    uint32_t path_cost;
    uint64_t designated_root, designated_bridge;
    uint32_t designated_cost;
    uint16_t designated_port;
    bool     acknowledge;               /* a topology change was told to us by this port */
    bool     config_pending;            /* held back by hold_ns */
    int64_t  message_age_ns, forward_ns, hold_ns;       /* deadlines */
    bool     owes_config, owes_change;
    int64_t  age_ns;                    /* of what was heard here, when it came */
    int64_t  heard_ns;
};

struct stp {
    bool     on;
    uint64_t id, designated_root;
    uint32_t root_path_cost;
    int      root_port;                 /* -1: we are the root */
    int64_t  max_age_ns, hello_ns, forward_ns;          /* the root's */
    bool     change_detected, topology_change;
    int64_t  hello_at_ns, notify_at_ns, change_until_ns;
    unsigned n;
    struct stp_port port[STP_PORTS];
};

void stp_init(struct stp *s, uint16_t priority, struct mac m, unsigned n_ports, bool on);
void stp_link(struct stp *s, unsigned port, bool up, int64_t now_ns);
void stp_in(struct stp *s, unsigned port, const struct bpdu *b, int64_t now_ns);
/* The next BPDU that is due, and its port; false: none. */
bool stp_out(struct stp *s, unsigned *port, struct bpdu *out, int64_t now_ns);
int64_t stp_deadline(const struct stp *s);
void stp_tick(struct stp *s, int64_t now_ns);
static inline bool stp_learns(const struct stp *s, unsigned port)   { return s->port[port].state >= STP_LEARNING; }
static inline bool stp_forwards(const struct stp *s, unsigned port) { return s->port[port].state == STP_FORWARDING; }
const char *stp_state_name(enum stp_state s);
