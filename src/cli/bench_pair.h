/* Two stacks in this process, joined by a wire that copies every packet: what the
 * benchmarks in memory run on.  Checksums are on; time is virtual. */
#pragma once
#include "stack/stack.h"

enum { BENCH_PORT = 7 };
enum { BENCH_BUFFER = 512 << 10 };      /* bytes, each way of a connection */

struct bench_side { struct stack *st; struct tcp *tcp; unsigned iface; struct tcp_conn *conn; uint64_t packets; };

/* side[0] has opened a connection to side[1]. */
struct bench_pair { struct bench_side side[2]; int64_t now_ns; struct tcp_listener *listener; };

/* gso_max 0: packets of MTU 1500; else large ones, their checksums left to the wire.  To be closed even when false. */
bool bench_pair_open(struct bench_pair *p, uint32_t gso_max);
void bench_pair_close(struct bench_pair *p);
/* One round: both directions once; when nothing moves, time jumps to the next deadline. */
void bench_turn(struct bench_pair *p);
