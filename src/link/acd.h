/* IPv4 address conflict detection (RFC 5227): an address is probed before it is
 * used, announced when it is, watched and defended from then on.  Pure: what was
 * heard and the time come in, ARP packets to send and verdicts come out. */
#pragma once
#include "base/addr.h"
#include "base/rng.h"
#include "base/time.h"
#include "wire/arp.h"
#include <stdbool.h>

enum { ACD_MAX = 64, ACD_VERDICTS = 16 };

enum acd_state { ACD_FREE, ACD_PROBING, ACD_ANNOUNCING, ACD_IN_USE };
/* How an address begins: by the standard's probes (4 to 7 s), by quick ones (what a
 * DHCP client can afford: 200 ms, three probes), or in use at once. */
enum acd_start { ACD_PROBE, ACD_PROBE_QUICK, ACD_USE };

struct acd_addr {
    struct addr addr;
    struct mac  mac;                    /* of the interface */
    int64_t     deadline_ns;            /* of the next packet or verdict */
    int64_t     defended_ns;            /* last; DEADLINE_NEVER: never */
    uint8_t     iface, state, sent;     /* enum acd_state; probes or announcements sent */
    bool        quick;
};

enum acd_kind { ACD_READY, ACD_LOST, ACD_CONFLICT };    /* may be used; lost while probing; another uses it too */
struct acd_verdict { enum acd_kind kind; uint8_t iface; struct addr addr; struct mac by; };

struct acd {
    struct rng *rng;
    uint32_t n_verdicts;
    struct acd_verdict verdict[ACD_VERDICTS];
    struct acd_addr addr[ACD_MAX];
};

void acd_init(struct acd *a, struct rng *rng);
/* False: the table is full. Adding an address again starts it again. */
bool acd_add(struct acd *a, unsigned iface, struct mac mac, struct addr addr, enum acd_start how, int64_t now_ns);
void acd_remove(struct acd *a, unsigned iface, struct addr addr);
/* The address is ours to answer for: it went through its probes. */
bool acd_in_use(const struct acd *a, unsigned iface, struct addr addr);
/* An ARP packet arrived; true when its sender claims an address of ours. */
bool acd_heard(struct acd *a, unsigned iface, const struct arp *p, int64_t now_ns);
/* The next packet due, to be broadcast on *iface; false: none. Call until it is false. */
bool acd_next(struct acd *a, struct arp *out, unsigned *iface, int64_t now_ns);
int64_t acd_deadline(const struct acd *a);
bool acd_take_verdict(struct acd *a, struct acd_verdict *out);
