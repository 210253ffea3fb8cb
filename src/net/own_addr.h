/* Addresses that somebody lends a host for a time (RFC 4862 §5.5.4): what should be and what was done about it side by
 * side, for the machines that get them (autoconf.h, dhcp6_client.h). */
#pragma once
#include "base/addr.h"
#include "base/time.h"

/* TAKEN: somebody else has it. */
enum own_state { OWN_FREE, OWN_WANTED, OWN_PROBING, OWN_READY, OWN_TAKEN };
struct own_addr {
    struct addr addr;
    int64_t     valid_ns, preferred_ns;         /* until then */
    uint8_t     state, dad_counter;             /* enum own_state; how often others had ours */
    bool        is_there, deprecated;           /* as it was done */
};

enum own_kind { OWN_ADD,                        /* probe it, then say how that went */
                OWN_DEL, OWN_SET_DEPRECATED };  /* or not any more */
struct own_action { enum own_kind kind; struct addr addr; bool deprecated; };

/* The next difference; false: there is none. */
bool own_next(struct own_addr *x, struct own_action *out, int64_t now_ns);
int64_t own_deadline(const struct own_addr *x);
