/* Congestion control: an algorithm sees structs and its own few words, never the
 * connection (RFC 5681, RFC 5033). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct tcp_cc;

struct cc_start { uint32_t mss, initial_window; };      /* bytes; segments */
struct cc_ack {
    uint32_t bytes;                     /* newly acknowledged */
    uint32_t in_flight;                 /* before this acknowledgment */
    uint32_t mss;
    bool     one_segment;               /* it counts as one at most: what is acknowledged was sent again after a timeout */
    int64_t  rtt_ns;                    /* sampled with it; 0: none */
    int64_t  now_ns;
};
enum cc_cause { CC_FAST_RETRANSMIT, CC_TIMEOUT, CC_TIMEOUT_AGAIN };
struct cc_loss { enum cc_cause cause; uint32_t in_flight, mss; int64_t now_ns; };
struct cc_done { uint32_t in_flight, mss; int64_t now_ns; };

struct cc_ops {
    const char *name;
    void (*start)(struct tcp_cc *cc, const struct cc_start *s);
    void (*on_ack)(struct tcp_cc *cc, const struct cc_ack *a);
    void (*on_loss)(struct tcp_cc *cc, const struct cc_loss *l);
    void (*on_recovered)(struct tcp_cc *cc, const struct cc_done *d);
    void (*on_idle)(struct tcp_cc *cc, const struct cc_start *s);      /* nothing was sent for longer than an RTO */
};

struct tcp_cc {
    const struct cc_ops *ops;
    uint32_t cwnd, ssthresh;            /* bytes */
    uint32_t acked;                     /* bytes counted towards the next increase */
};

extern const struct cc_ops cc_reno;
