/* How fast what was sent is delivered: each sent segment carries what was known when it
 * left (delivery rate estimation, draft-ietf-ccwg-bbr §4.1). */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct rate_stamp {
    uint32_t delivered;                 /* bytes ever delivered when it left, modulo 2^32 */
    bool     app_limited;               /* the sender had nothing more to send then */
    int64_t  delivered_ns;              /* when that many had been delivered */
    int64_t  first_sent_ns;             /* when the first segment of that sample's interval left */
};

/* What one acknowledgment says: RS. */
struct rate_sample {
    uint32_t newly_delivered, newly_lost;       /* bytes, by this acknowledgment */
    uint32_t delivered_total, prior_delivered;  /* C.delivered now, and when the newest of what was delivered left */
    uint32_t delivered;                 /* between the two */
    int64_t  interval_ns;               /* in which they were; 0: it cannot be told */
    bool     app_limited;               /* what left then was all there was to send */
};

/* Of a connection. */
struct tcp_rate {
    uint64_t delivered;                 /* bytes: acknowledged or SACKed */
    uint32_t app_limited;               /* until this much is delivered samples are; 0: they are not */
} __attribute__((packed, aligned(4)));
/* Of a flight. */
struct tcp_rate_flight { int64_t delivered_ns, first_sent_ns; };
