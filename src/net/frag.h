/* Reassembly of fragments (RFC 791 §3.2, RFC 1122 §3.3.2, RFC 8200 §4.5), bounded in
 * datagrams, memory and time.  Overlap refuses the whole datagram (RFC 5722 §4). */
#pragma once
#include "base/pkt.h"
#include "trace/trace.h"

enum { FRAG_DATAGRAMS = 64, FRAG_BYTES_MAX = 1024 * 1024 };

/* What a header says of the fragment behind it. */
struct frag_piece {
    struct addr src, dst;
    uint32_t id, offset;                /* offset in bytes */
    uint8_t  proto;                     /* IPv4: of the datagram; IPv6: 0, it names none */
    bool     more;
};

struct frag_datagram {
    struct addr src, dst;
    uint32_t    id;
    uint8_t     proto, iface;
    bool        used, refused;          /* refused: kept to refuse the rest of it */
    uint32_t    total;                  /* payload bytes in all; 0: the last fragment has not come */
    uint32_t    have;                   /* payload bytes held */
    uint32_t    held_bytes;
    int64_t     expires_ns;
    struct pkt *pieces;                 /* by offset, linked by next */
};

struct frag { uint32_t n, bytes; struct frag_datagram datagram[FRAG_DATAGRAMS]; };

/* Takes a fragment, head at its IP header, l4_off at its piece of the payload (behind IPv6's fragment header), trimmed.
 * The whole datagram when it was the last missing piece, else NULL; of IPv6 the upper layer is still to be found in it. */
struct pkt *frag_in(struct frag *f, struct pkt_pools *pools, struct trace *trace, struct pkt *k, const struct frag_piece *h, int64_t now_ns);
int64_t frag_deadline(const struct frag *f);
/* Gives up one datagram whose time is over; *first is its first fragment, owned by
 * the caller, or NULL when it never came.  False: none. */
bool frag_expire(struct frag *f, struct trace *trace, struct pkt **first, int64_t now_ns);
void frag_fini(struct frag *f);
