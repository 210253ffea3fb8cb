/* The leases of a DHCP server, of either family: who has which address until when, and the journal in which that
 * outlives the server.
 *
 * A journal is text, a line for each change, the last of an address being the one that holds.  The server writes a line
 * before it acknowledges (RFC 2131 §3.1: committed to persistent storage); a line cut short by a crash is passed over.
 *
 * While a server runs, monotonic time decides.  The journal has civil time, for the time between two runs; a clock that
 * stands before what the journal saw last counts as that, so that leases neither last for ever nor come back. */
#pragma once
#include "base/addr.h"
#include "base/time.h"
#include <stddef.h>
#include <stdio.h>

enum lease_state { LEASE_FREE, LEASE_OFFERED, LEASE_BOUND, LEASE_DECLINED };
enum { LEASE_ID = 144, LEASE_NAME = 64, LEASE_LINE = 640, LEASES_ERROR = 160 };

/* Who: DHCPv4, a kind byte and the client identifier or the MAC; DHCPv6, a kind byte (IA_NA, IA_PD), the IAID and the
 * DUID.  What it holds is the server's own. */
struct lease_id { uint8_t len; uint8_t b[LEASE_ID]; };
static inline bool lease_id_same(const struct lease_id *a, const struct lease_id *b) { return a->len == b->len && memcmp(a->b, b->b, a->len) == 0; }

struct lease {
    struct addr addr;
    uint8_t     prefix_len;             /* 32 or 128; of a delegated prefix its length */
    uint8_t     state;                  /* enum lease_state */
    bool        fixed;                  /* reserved: never free for others, never in the journal */
    int64_t     expires_ns;             /* of OFFERED, BOUND, DECLINED */
    int64_t     since_ns;               /* of its last change */
    struct lease_id id;                 /* who has it, or had it last */
    struct mac  mac;                    /* for people; zero: not known */
    char        name[LEASE_NAME];       /* as the client calls itself; "": not told */
    uint32_t    next_addr, next_id;     /* leases.c's */
};

struct leases;
struct leases *leases_new(uint32_t most);       /* NULL: no memory */
void leases_free(struct leases *l);             /* NULL is fine */

/* NULL: never given to anybody. */
struct lease *leases_at(const struct leases *l, struct addr a);
/* What the client has or had last, the first when `after` is NULL, then the others; NULL: no more. */
struct lease *leases_of(const struct leases *l, const struct lease_id *id, const struct lease *after);
/* The address's lease, whose id is now `id` and whose state is what it was (FREE at first).  NULL: the table is full. */
struct lease *leases_put(struct leases *l, struct addr a, const struct lease_id *id);
/* Each that was ever put, in that order; *cursor from 0; NULL: no more. */
struct lease *leases_walk(const struct leases *l, uint32_t *cursor);
/* OFFERED, BOUND and DECLINED end by themselves. */
static inline bool lease_is_free(const struct lease *l, int64_t now_ns)
{
    return !l->fixed && (l->state == LEASE_FREE || l->expires_ns <= now_ns);
}
/* The one whose client left it longest ago, of those in first..last; NULL: none is free. */
struct lease *leases_oldest_free(const struct leases *l, struct addr first, struct addr last, int64_t now_ns);

/* Its line of the journal, '\n' at its end; returns `out`. */
const char *lease_line(const struct lease *l, int64_t now_ns, int64_t civil_ns, char out[LEASE_LINE]);
/* What a journal says, before the first lease was put.  False: `error` holds one line; what came before it is kept. */
bool leases_read(struct leases *l, const char *journal, int64_t now_ns, int64_t civil_ns, char error[LEASES_ERROR]);
/* The journal anew, without what no longer holds. */
void leases_write(const struct leases *l, FILE *to, int64_t now_ns, int64_t civil_ns);

/* Who keeps the journal. `append` is given a line and returns true once it is safe; NULL: nobody, leases die with the
 * server.  When it is false the server does not acknowledge. */
struct lease_keeper { bool (*append)(void *arg, const char *line); void *arg; };
/* The lease's line to the keeper. */
bool lease_keep(const struct lease_keeper *k, const struct lease *l, int64_t now_ns, int64_t civil_ns);
