/* One path, one algorithm: two stacks joined by a bottleneck, flows that never run
 * dry, and what came of it.  Virtual time: the same case gives the same figures. */
#pragma once
#include "link/impair.h"
#include "tcp/tcp.h"

enum { PATH_FLOWS = 2 };

struct path_case {
    enum tcp_cc_choice congestion;
    uint64_t rate_bits_s;
    int64_t  rtt_ns;
    double   buffer_bdp;                /* the bottleneck's queue, in rate times rtt */
    double   loss;                      /* of data packets, by chance */
    double   mark_bdp;                  /* CE from this much queue on; 0: none */
    int64_t  for_ns;                    /* from the first SYN */
    int64_t  second_after_ns;           /* a second flow begins so much later; 0: there is one flow */
    uint64_t seed;
};

struct path_result {
    double   goodput_bits_s;            /* bytes read, all flows */
    double   share;                     /* of what the bottleneck can carry of them */
    uint64_t retransmits, marked;
    double   queue_ms, queue_max_ms;    /* mean over packets, and the longest */
    double   jain;                      /* fairness of the flows over the second half of the time */
};

/* False: no memory, or bytes arrived that were not sent. */
bool path_run(const struct path_case *c, struct path_result *out);
