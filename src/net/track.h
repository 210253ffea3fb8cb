/* Flows that pass through a router, remembered: which there are, how each goes on (RFC 6146 §3.5.2 for TCP), and when it
 * is forgotten.  The filter asks whether a packet belongs to one, NAT what its packets are called on the other side.
 *
 * A flow has two tuples: what packets the way of the first carry when they arrive, and what those the other way carry.
 * Where nothing is translated one is the reverse of the other; else a packet that arrived with one tuple leaves with the
 * reverse of the other.  All memory is taken when the table is made. */
#pragma once
#include "base/list.h"
#include "base/pool.h"
#include "base/time.h"
#include "base/wheel.h"
#include "net/tuple.h"
#include "trace/trace.h"

enum { TRACK_ORIGINAL, TRACK_REPLY };

/* Each in nanoseconds; 0 gives the default in brackets, which is the RFC's. */
struct track_timeouts {
    int64_t tcp_ns;                     /* established [2 h 4 min: RFC 5382 REQ-5] */
    int64_t tcp_transitory_ns;          /* opening, closed or reset [4 min: RFC 5382 REQ-5, RFC 7857 §2.1] */
    int64_t udp_ns;                     /* [5 min; at least 2: RFC 4787 REQ-5] */
    int64_t icmp_ns;                    /* queries [60 s: RFC 5508 REQ-2] */
    int64_t other_ns;                   /* protocols without ports [10 min] */
};

struct track_config {
    uint32_t max;                       /* flows [65536] */
    uint32_t max_per_host;              /* of one host, which it opened or which were opened to it [8192] */
    struct track_timeouts timeouts;
};

struct nat_map;

struct track_end { struct tuple t; struct track_end *chain; uint64_t hash; uint8_t dir; };
struct track_host { struct track_host *chain; struct addr addr; uint32_t flows; };
struct track {
    struct track_end   end[2];
    struct wheel_timer timer;           /* it may run out early, never late: expires_ns says when */
    int64_t            expires_ns;
    struct track_host *host;
    struct nat_map    *map[2];          /* NAT's: of the source, of the destination; NULL: none */
    struct list        of_map;          /* in map[0]'s peers, when it was opened from inside */
    bool               translated;
    bool               from_outside;    /* nobody inside asked for it: only packets from inside keep it (RFC 4787 REQ-6) */
    bool               answered;        /* packets came both ways */
    uint8_t            syn, fin;        /* a bit for each direction */
    bool               rst;
};

struct tracks {
    struct track_config cfg;
    struct trace       *trace;
    struct sipkey       key;
    struct pool         flows, hosts;
    struct track_end  **bucket;
    struct track_host **host_bucket;
    uint32_t            mask, host_mask;
    struct wheel        wheel;
};

/* False: no memory. */
bool tracks_init(struct tracks *t, const struct track_config *cfg, struct trace *trace, struct rng *rng, int64_t now_ns);
void tracks_fini(struct tracks *t);

/* The flow that packets of this tuple belong to, and their direction; NULL: none. */
struct track *tracks_find(const struct tracks *t, const struct tuple *of, unsigned *dir);
/* A new flow on behalf of `host`, whose first packet carries `original`.  NULL: *why says what it lacks. */
struct track *tracks_add(struct tracks *t, const struct tuple *original, const struct tuple *reply, struct addr host, enum why *why);
/* A packet of it, with its transport header where pkt says. */
void tracks_saw(struct tracks *t, struct track *f, unsigned dir, const struct pkt *k, int64_t now_ns);
void tracks_remove(struct tracks *t, struct track *f);

/* What a packet of this direction leaves as. */
static inline struct tuple track_leaves_as(const struct track *f, unsigned dir) { return tuple_reverse(&f->end[!dir].t); }
static inline const struct tuple *track_arrives_as(const struct track *f, unsigned dir) { return &f->end[dir].t; }

int64_t tracks_deadline(struct tracks *t);
/* One whose time is over; the caller removes it.  NULL: none. */
struct track *tracks_expired(struct tracks *t, int64_t now_ns);
/* Lends the flow at or after *cursor (starts at 0), which moves behind it; NULL: no more. */
const struct track *tracks_walk(const struct tracks *t, uint64_t *cursor);
static inline uint32_t tracks_used(const struct tracks *t) { return t->flows.used; }
const char *track_state_name(const struct track *f);    /* for people */
