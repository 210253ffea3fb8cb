/* Many connections between the two stacks of a pair: opened, spoken on and closed, so
 * many at a time, by what each side is told to be ready.  The server sends back what
 * comes and closes when its peer has. */
#pragma once
#include "cli/bench_pair.h"

enum { BENCH_BATCH = 64 };              /* in flight at once */

struct bench_many {
    struct bench_pair p;
    struct tcp_conn **conn;             /* the openers' ends */
    uint32_t n, most;
    uint32_t connected, answered;       /* told so far; bytes that came back */
    uint32_t tuples;                    /* connections so far: an address for so many */
};

/* For at most `most` connections, TIME-WAIT of the same number.  To be closed even when false. */
bool bench_many_open(struct bench_many *m, uint32_t most, const struct tcp_config *tcp);
void bench_many_close(struct bench_many *m);
/* Opens n more: False: one could not be. */
bool bench_many_connect(struct bench_many *m, uint32_t n);
/* A byte there and back on each; a connection may be given more than once. */
void bench_many_speak(struct bench_many *m, struct tcp_conn *const *conn, uint32_t n);
/* Closes the last n, and the server follows. */
void bench_many_hang_up(struct bench_many *m, uint32_t n);
/* Until nothing is left to send or acknowledge. */
void bench_many_rest(struct bench_many *m);
