/* Congestion control: an algorithm sees structs and its own few words, never the
 * connection (RFC 5681, RFC 5033).  Windows are bytes, rates bytes per second.
 *
 * `own` is what an algorithm remembers: lent by cc.c while something is in flight,
 * all-zero at first, and given back at rest when the algorithm says that zeros
 * would do as well (at_rest). */
#pragma once
#include "base/seq.h"
#include "tcp/rate.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tcp_cc;

struct cc_start {
    uint32_t mss, initial_window;       /* bytes; segments */
    bool     plain;                     /* RFC 5681 alone: no HyStart++ */
};
struct cc_ack {
    uint32_t bytes;                     /* newly acknowledged */
    uint32_t in_flight;                 /* before this acknowledgment */
    uint32_t mss;
    seq_t    una, nxt;                  /* after it: rounds are counted by them */
    uint32_t pipe;                      /* believed to be in the network after it */
    uint32_t quantum;                   /* the most that leaves at once */
    const struct rate_sample *rate;     /* how fast what it acknowledges was delivered; NULL: not measured */
    bool     one_segment;               /* it counts as one at most: what is acknowledged was sent again after a timeout */
    bool     paced;                     /* what it allows leaves spread over time, not in a burst */
    int64_t  rtt_ns;                    /* sampled with it; 0: none */
    int64_t  srtt_ns;
    int64_t  now_ns;
};
enum cc_cause { CC_FAST_RETRANSMIT, CC_TIMEOUT, CC_TIMEOUT_AGAIN, CC_ECN };
struct cc_loss { enum cc_cause cause; uint32_t in_flight, pipe, mss, delivered_total; int64_t now_ns; };
struct cc_done { uint32_t in_flight, mss; int64_t now_ns; };

struct cc_ops {
    const char *name;
    size_t own_size;
    bool   wants_rate;                  /* on_ack looks at the rate, the pipe and the quantum */
    bool   own_recovery;                /* its cwnd and pacing rate alone decide what leaves in recovery: no PRR */
    void (*start)(struct tcp_cc *cc, const struct cc_start *s);
    void (*on_ack)(struct tcp_cc *cc, const struct cc_ack *a);
    void (*on_loss)(struct tcp_cc *cc, const struct cc_loss *l);
    void (*on_undo)(struct tcp_cc *cc, const struct cc_done *d);       /* the last on_loss was for nothing */
    void (*on_recovered)(struct tcp_cc *cc, const struct cc_done *d);
    void (*on_idle)(struct tcp_cc *cc, const struct cc_start *s);      /* nothing was sent for longer than an RTO */
    bool (*at_rest)(const struct tcp_cc *cc);
};

struct tcp_cc {
    const struct cc_ops *ops;
    void    *own;                       /* of this algorithm's own_size */
    uint32_t cwnd, ssthresh;            /* bytes */
    uint64_t pacing;                    /* bytes per second; 0: by the window (pacer.c) */
};

enum { CC_SSTHRESH_NONE = UINT32_MAX / 2 };     /* arbitrarily high: no loss yet (RFC 5681 §3.1) */

extern const struct cc_ops cc_reno, cc_cubic, cc_bbr;

static inline uint32_t cc_min(uint32_t a, uint32_t b) { return a < b ? a : b; }
static inline uint32_t cc_max(uint32_t a, uint32_t b) { return a > b ? a : b; }
static inline void cc_grow(struct tcp_cc *cc, uint32_t bytes) { cc->cwnd = cc_min(cc->cwnd + bytes, CC_SSTHRESH_NONE); }
