/* The multicast groups of a host: what its sockets wish, what the interface therefore hears, and what the routers are told of
 * it by IGMPv3 and MLDv2 (RFC 9776, RFC 9777, host side), with the older versions where an older querier is heard.
 *
 *   groups.c         members, and the state of a group on an interface that follows from them (§3.2)
 *   groups_change.c  what changed, told unasked (§6.1)
 *   groups_query.c   what is asked, and answered (§6.2, §8.2)
 *   groups_send.c    reports as packets
 * The section numbers are those of RFC 9776; RFC 9777 has them one higher from §4 on, and the same rules. */
#pragma once
#include "base/group.h"
#include "base/err.h"
#include "base/pkt.h"
#include "base/rng.h"
#include "base/time.h"
#include "wire/membership.h"

enum { GROUPS = 64, GROUP_MEMBERS = 128, GROUP_CHANGES = GROUP_SOURCES };

struct group_change { struct addr source; bool allow; uint8_t left; };     /* left: reports that still name it */

/* A group on an interface: heard, or left and not yet told to all. */
struct group {
    bool        used;
    uint8_t     iface;
    uint8_t     own;                    /* how often the host itself joined (solicited-node addresses) */
    struct addr addr;
    struct list members;
    struct source_filter now;
    uint8_t     mode_left;              /* reports that still tell the filter mode with its sources */
    uint8_t     n_change;
    struct group_change change[GROUP_CHANGES];
    int64_t     answer_ns;              /* to a query about it; NEVER: none */
    uint8_t     n_asked;                /* sources asked about; 0: the group */
    struct addr asked[GROUP_SOURCES];
    bool        reported_last;          /* older versions: by us, so it is ours to say when we leave */
};

/* An interface, of one family. */
struct group_link {
    int64_t  change_ns, answer_ns;      /* the next report of changes; the answer to a general query */
    int64_t  until_ns[MEMBERSHIP_3];    /* a querier of MEMBERSHIP_1, _2 is thought present until then */
    uint8_t  robustness;                /* [2] */
    uint32_t interval_s;                /* [125] */
};

struct groups {
    struct rng  *rng;
    int64_t      deadline_ns;
    struct group group[GROUPS];
    struct group_link link[IFACE_MAX][2];       /* IPv4, IPv6 */
    struct group_member member[GROUP_MEMBERS], *free;
};

struct inet;

void groups_init(struct groups *g, struct rng *rng);
/* A wish is changed to `filter` (nothing wanted: it ends); *list is the socket's list of wishes.  NO_MEMORY, NOT_FOUND (an end
 * without a beginning), INVALID (not a group). */
enum plumb_err inet_group_set(struct inet *n, struct group_member **list, unsigned iface, struct addr group, const struct source_filter *filter,
                              int64_t now_ns);
void inet_group_leave_all(struct inet *n, struct group_member **list, int64_t now_ns);
/* The host joins and leaves by itself, counted. */
void inet_group_own(struct inet *n, unsigned iface, struct addr group, bool join, int64_t now_ns);
/* Whether packets to that group on that interface are for us, of some source at least.  Those all hosts are in included. */
bool inet_in_group(const struct inet *n, unsigned iface, struct addr group);
/* Takes IGMP, and the MLD messages that ICMPv6 found. */
void inet_groups_in(struct inet *n, struct batch *in, int64_t now_ns);
void inet_groups_tick(struct inet *n, int64_t now_ns);
/* The interface came up: who is out there knows nothing of us. */
void inet_groups_up(struct inet *n, unsigned iface, int64_t now_ns);

struct group_info { struct addr group; uint8_t iface; struct source_filter filter; };
bool inet_walk_groups(const struct inet *n, uint32_t *cursor, struct group_info *out);
