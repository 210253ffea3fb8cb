/* An emulated link, one direction: delay, jitter, rate with a queue, loss,
 * reordering, duplication, corruption, MTU, ECN marks.  Pure: packets in, packets out, time
 * and seed are arguments.  It sees wire-size packets only and owns what it holds.
 * Ethernet frames: `mtu` counts IP bytes. */
#pragma once
#include "base/heap.h"
#include "base/pkt.h"
#include "base/rng.h"
#include "trace/trace.h"

struct impair_config {                  /* all-zero: a perfect, instantaneous wire */
    int64_t  delay_ns;                  /* one way */
    int64_t  jitter_ns;                 /* uniform in [0, jitter) on top; order is kept */
    uint64_t rate_bits_s;               /* 0: no limit */
    uint32_t queue_bytes;               /* waiting to be sent at `rate`; 0: 256 KiB */
    uint32_t ecn_bytes;                 /* more than this waiting: what is capable of ECN is marked CE (RFC 3168); 0: never */
    double   loss, reorder, duplicate, corrupt;     /* share of packets, each direction */
    uint16_t mtu;                       /* 0: any */
};

/* "rtt=80ms rate=10mbit loss=1%" (spaces or commas between); rtt is half each way.
 * False: `error` holds one line that names the bad key or value and the valid ones. */
bool impair_parse(const char *text, struct impair_config *out, char error[200]);

struct impair_stats {
    uint64_t packets, lost, overflowed, marked;         /* taken; by chance; because the queue was full; with CE */
    int64_t  waited_ns, waited_max_ns;                  /* in the queue: sum over `packets`, and the longest */
};

struct impair;
struct impair *impair_new(const struct impair_config *c, uint64_t seed, struct trace *trace, struct pkt_pools *pools);  /* NULL: no memory */
void impair_free(struct impair *i);
/* Takes; large packets are segmented first. */
void impair_push(struct impair *i, struct pkt *k, int64_t now_ns);
/* The next packet due, time_ns set to its due time; NULL: none until impair_deadline. */
struct pkt *impair_pull(struct impair *i, int64_t now_ns);
int64_t impair_deadline(const struct impair *i);
void impair_stats(const struct impair *i, struct impair_stats *out);
