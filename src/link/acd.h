/* Address conflict detection: for IPv4 RFC 5227, for IPv6 duplicate address detection (RFC 4862 §5.4, with the
 * nonce of RFC 7527).  An address is probed before it is used, announced when it is, watched and defended from
 * then on.  Pure: what was heard and the time come in, what is to be said and verdicts come out; ARP and
 * neighbour discovery put it into packets. */
#pragma once
#include "base/addr.h"
#include "base/rng.h"
#include "base/time.h"
#include <stdbool.h>

enum { ACD_MAX = 64, ACD_VERDICTS = 16, ACD_NONCE = 6 };

enum acd_state { ACD_FREE, ACD_PROBING, ACD_ANNOUNCING, ACD_IN_USE };
/* How an address begins: by the standard's probes (IPv4 4 to 7 s, IPv6 1 to 2 s), by quick ones (what a
 * DHCP client can afford: 200 ms), or in use at once. */
enum acd_start { ACD_PROBE, ACD_PROBE_QUICK, ACD_USE };

struct acd_addr {
    struct addr addr;
    struct mac  mac;                    /* of the interface */
    int64_t     deadline_ns;            /* of the next packet or verdict */
    int64_t     defended_ns;            /* last; DEADLINE_NEVER: never */
    uint8_t     iface, state, sent;     /* enum acd_state; probes or announcements sent */
    bool        quick, defends;
    bool        looped;                 /* a probe of ours came back */
    uint8_t     nonce[ACD_NONCE];
};

enum acd_kind { ACD_READY, ACD_LOST, ACD_CONFLICT };    /* may be used; lost while probing; another uses it too */
struct acd_verdict { enum acd_kind kind; uint8_t iface; struct addr addr; struct mac by; };

/* What a station was heard to say of an address: that it has it or, a probe, that it wants it. */
struct acd_claim { struct addr addr; struct mac by; bool probe, has_nonce; uint8_t nonce[ACD_NONCE]; };     /* by all-zero: not known */

/* What is to be said of ours: may I?  I am here.  It is mine. */
enum acd_saying { ACD_SAY_PROBE, ACD_SAY_HERE, ACD_SAY_MINE };
struct acd_message { struct addr addr; struct mac mac; uint8_t iface; enum acd_saying say; uint8_t nonce[ACD_NONCE]; };

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
/* True when somebody else claims an address of ours that is in use. */
bool acd_heard(struct acd *a, unsigned iface, const struct acd_claim *c, int64_t now_ns);
/* What is to be said next, to all on the link; false: nothing. Call until it is false. */
bool acd_next(struct acd *a, struct acd_message *out, int64_t now_ns);
int64_t acd_deadline(const struct acd *a);
bool acd_take_verdict(struct acd *a, struct acd_verdict *out);
