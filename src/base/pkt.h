/* A packet in memory and the batch, which is the unit between layers.
 *
 * One contiguous block with headroom and tailroom; never a chain.  A layer may
 * always read pkt_len bytes from pkt_head.  Only on transmit may a packet also
 * borrow payload slices of a send buffer; they follow the linear bytes.  A borrow
 * ends with the call that wrote the batch: a step that keeps a packet longer
 * first calls pkt_own.  Nothing here allocates: blocks come from pools. */
#pragma once
#include "base/addr.h"
#include "base/bytes.h"
#include "base/pool.h"
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

struct path;

enum {
    PKT_HEADROOM    = 128,              /* virtio-net, Ethernet with VLAN, IP with options, TCP with options */
    PKT_SMALL       = 2048,             /* bytes in a small block, headroom included */
    PKT_LARGE       = 68 * 1024,        /* a 64 KiB packet with all its headers */
    PKT_SLICES_MAX  = 18,
    BATCH_MAX       = 64,
    BATCH_BYTES_MAX = 128 * 1024,
    IFACE_MAX       = 16
};

enum pkt_csum {
    CSUM_NONE,          /* in: not verified yet; out: the transport checksum is complete in the packet */
    CSUM_OK,            /* in: verified by the device or by us */
    CSUM_PARTIAL        /* the transport checksum field holds the folded pseudo header sum; whoever
                           puts the packet on a medium completes it from l4_off on.
                           In: it never was on a medium that could have changed it */
};

struct slice { const uint8_t *at; uint32_t len; };

struct pkt {
    struct pkt  *next;                  /* in a queue */
    struct pool *pool;
    int64_t      time_ns;               /* arrival, or hand-over to the interface */
    uint32_t     head, len;             /* linear bytes: data[head .. head+len) */
    uint32_t     cap;                   /* bytes in the block */
    uint32_t     id;                    /* serial within its stack, named by events; 0: none yet */
    uint16_t     net_off, l4_off;       /* of the IP and transport headers, from the block's start */
    uint16_t     gso_size;              /* 0: one wire packet; else payload bytes per wire packet */
    uint16_t     frag_max;              /* in transit: put together from fragments, of which the largest IP packet had so many bytes; 0: it came whole */
    uint8_t      iface;                 /* it arrived on, or leaves by */
    uint8_t      csum;                  /* enum pkt_csum */
    uint8_t      csum_field;            /* CSUM_PARTIAL: offset of the checksum field from l4_off */
    uint8_t      proto, ttl, tos;       /* out, until net/output wrote the IP header; ttl 0: the default */
    bool         dont_fragment;
    bool         group;                 /* in: addressed to a broadcast or multicast address, of the link or of IP */
    bool         looped;                /* in: sent to a group by this host, and heard here too */
    uint8_t      n_slices;
    uint32_t     borrowed;              /* bytes in the slices */
    struct addr  next_hop;              /* out, once net/output ran */
    const struct path *path;            /* out, until net/output ran; lent by the caller */
    struct slice slice[PKT_SLICES_MAX];
    uint8_t      data[];
};

struct pkt_pools { struct pool small, large; };

/* False: no memory. */
bool pkt_pools_init(struct pkt_pools *p, uint32_t n_small, uint32_t n_large);
void pkt_pools_fini(struct pkt_pools *p);

/* An empty packet with PKT_HEADROOM before its head and room for `len` bytes
 * behind it; NULL when the pool that fits is empty or `len` fits none. */
struct pkt *pkt_new(struct pkt_pools *p, uint32_t len);
void pkt_free(struct pkt *k);           /* NULL is fine */

static inline uint8_t *pkt_head(struct pkt *k)             { return k->data + k->head; }
static inline const uint8_t *pkt_head_const(const struct pkt *k) { return k->data + k->head; }
static inline uint32_t pkt_len(const struct pkt *k)        { return k->len; }                 /* linear bytes */
static inline uint32_t pkt_total(const struct pkt *k)      { return k->len + k->borrowed; }
static inline uint32_t pkt_tailroom(const struct pkt *k)   { return k->cap - k->head - k->len; }
static inline uint8_t *pkt_net(struct pkt *k)              { return k->data + k->net_off; }
static inline uint8_t *pkt_l4(struct pkt *k)               { return k->data + k->l4_off; }
/* Linear bytes from the transport header on; the reader for a layer above IP. */
static inline uint32_t pkt_l4_len(const struct pkt *k)     { return k->head + k->len - k->l4_off; }
static inline struct reader pkt_reader(const struct pkt *k) { return reader_of(pkt_head_const(k), k->len); }

/* Adds `n` bytes in front; the headroom must hold them. */
static inline uint8_t *pkt_push(struct pkt *k, uint32_t n)
{
    assert(k->head >= n);
    k->head -= n;
    k->len += n;
    return pkt_head(k);
}
/* Takes `n` bytes off the front; n <= pkt_len. */
static inline void pkt_pull(struct pkt *k, uint32_t n)
{
    assert(k->len >= n);
    k->head += n;
    k->len -= n;
}
/* Adds `n` bytes behind; NULL when the tailroom does not hold them. */
static inline uint8_t *pkt_append(struct pkt *k, uint32_t n)
{
    if (pkt_tailroom(k) < n)
        return NULL;
    uint8_t *p = pkt_head(k) + k->len;
    k->len += n;
    return p;
}
static inline void pkt_trim(struct pkt *k, uint32_t len)   /* cuts the linear bytes to `len` */
{
    if (len < k->len)
        k->len = len;
}

/* Lends a piece of a send buffer; false when all slices are taken. */
bool pkt_borrow(struct pkt *k, const uint8_t *at, uint32_t len);

/* A packet without borrows holding the same bytes and facts: `k` itself when it
 * borrows nothing or its tailroom holds the slices, else a copy from `pools`
 * (`k` is freed).  NULL: no block; `k` is freed. */
struct pkt *pkt_own(struct pkt_pools *pools, struct pkt *k);
/* A copy of all bytes and facts, borrowing nothing; NULL: no block. */
struct pkt *pkt_copy(struct pkt_pools *pools, const struct pkt *k);
/* As it stands on a medium: with its transport checksum complete, summed while it is copied. */
struct pkt *pkt_copy_out(struct pkt_pools *pools, const struct pkt *k);
/* Gathers linear and borrowed bytes into `to`, at most `max`; returns bytes written. */
uint32_t pkt_gather(const struct pkt *k, void *to, uint32_t max);
/* Completes a CSUM_PARTIAL transport checksum in place. */
void pkt_complete_csum(struct pkt *k);

/* IP bytes of the largest wire packet this packet becomes; head at the IP header. */
uint32_t pkt_wire_len(const struct pkt *k);

/* ------------------------------------------------------------------ batch */

struct batch { struct pkt *pkt[BATCH_MAX]; uint32_t n, bytes; };

/* An empty batch; the table itself need not be cleared. */
static inline void batch_init(struct batch *b) { b->n = b->bytes = 0; }
static inline bool batch_full(const struct batch *b) { return b->n == BATCH_MAX || b->bytes >= BATCH_BYTES_MAX; }
/* Takes the packet; there must be room (n < BATCH_MAX). */
static inline void batch_add(struct batch *b, struct pkt *k)
{
    assert(b->n < BATCH_MAX);
    b->pkt[b->n++] = k;
    b->bytes += pkt_total(k);
}
void batch_free(struct batch *b);       /* frees the packets in it and empties it */

/* A step walks the batch, takes packets out and keeps the rest:
 *     for (uint32_t i = 0; i < b->n; i++) { k = b->pkt[i]; if (...) batch_keep(&w, k); }
 */
struct batch_walk { struct batch *b; uint32_t at, kept, bytes; };
static inline struct batch_walk batch_walk(struct batch *b) { return (struct batch_walk){ .b = b }; }
/* The next packet, which now belongs to the caller; NULL at the end, where what was kept becomes the batch. */
static inline struct pkt *batch_next(struct batch_walk *w)
{
    if (w->at < w->b->n)
        return w->b->pkt[w->at++];
    w->b->n = w->kept;
    w->b->bytes = w->bytes;
    return NULL;
}
static inline void batch_keep(struct batch_walk *w, struct pkt *k)
{
    w->b->pkt[w->kept++] = k;
    w->bytes += pkt_total(k);
}

/* ------------------------------------------------------------------ queue */

struct pktq { struct pkt *first, **last; uint32_t n, bytes; };
static inline void pktq_init(struct pktq *q) { *q = (struct pktq){ .last = &q->first }; }
void pktq_push(struct pktq *q, struct pkt *k);      /* takes */
struct pkt *pktq_pop(struct pktq *q);               /* NULL: empty */
void pktq_free(struct pktq *q);
