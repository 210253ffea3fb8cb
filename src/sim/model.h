/* Seeded worlds: two hosts, a link with every fault (or a switch or a router with two), applications that write, read,
 * stall, close and abort at random moments; and the invariants that must hold
 * whatever happens. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum model_seen {
    SEEN_RTO, SEEN_FAST_RETRANSMIT, SEEN_ZERO_WINDOW, SEEN_PROBE, SEEN_SIMULTANEOUS_OPEN, SEEN_SIMULTANEOUS_CLOSE, SEEN_HALF_CLOSE,
    SEEN_ABORT, SEEN_WRAP, SEEN_TIME_WAIT, SEEN_LOSS, SEEN_REORDER, SEEN_DUPLICATE, SEEN_CORRUPT, SEEN_SYN_LOST, SEEN_FIN_LOST,
    SEEN_TINY_MTU, SEEN_TINY_BUFFER, SEEN_LARGE_PACKETS, SEEN_NO_BLOCK, SEEN_SWITCH, SEEN_ROUTER,
    SEEN_SACK, SEEN_DSACK, SEEN_TAIL_PROBE, SEEN_UNDO, SEEN_BLACK_HOLE, SEEN_FAST_OPEN, SEEN_JOINED, SEEN_CUT, SEEN_BATCH_OF_1, SEEN_IP6, SEEN_COUNT
};
const char *model_seen_name(enum model_seen s);

enum { MODEL_ERROR = 300 };

struct model_result {
    bool     seen[SEEN_COUNT];
    uint64_t bytes, packets;
    uint64_t digest;                    /* of every byte that left a host, and when */
    int64_t  virtual_ns;
    char     error[MODEL_ERROR];        /* "" when every invariant held */
};

/* Which way segments take: as the seed has it for each host; predicted where they can be; the slow way. */
enum model_paths { MODEL_PATHS_BY_SEED, MODEL_PATHS_FAST, MODEL_PATHS_SLOW };

/* Runs the world of this seed.  False: an invariant broke; out->error says which. */
bool model_run(uint64_t seed, enum model_paths paths, bool verbose, struct model_result *out);
