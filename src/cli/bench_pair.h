/* Two stacks in this process, joined by a wire that copies every packet: what the
 * benchmarks in memory run on.  Checksums are on; time is virtual. */
#pragma once
#include "stack/stack.h"

enum { BENCH_PORT = 7 };
enum { BENCH_BUFFER = 512 << 10 };      /* bytes, each way of a connection */
enum { BENCH_SERVER = 0x0a000002 };     /* 10.0.0.2; the opener is 10.0.0.1 */

struct bench_side { struct stack *st; struct tcp *tcp; unsigned iface; struct tcp_conn *conn; uint64_t packets; };

struct bench_pair { struct bench_side side[2]; int64_t now_ns; struct tcp_listener *listener; };

/* How many segments, round trips or whatever a row counts in: `usual`, unless --units has asked for another number. */
uint64_t bench_units(uint64_t usual);
void bench_ask(uint64_t units);

struct bench_setup {
    uint32_t gso_max;                   /* 0: packets of MTU 1500; else large ones, whose checksums nobody computes */
    bool     any_address;               /* the opener may have any address of 10.0.0.0/8 */
    struct tcp_config tcp;              /* of both */
    struct shards *shards[2];           /* the hosts of which these are shard `shard`; NULL: hosts of their own */
    uint8_t shard;
};

/* The bytes a benchmark sends while it is verified, by their place in the stream. */
static inline uint8_t bench_pattern(uint64_t at) { return (uint8_t)(at * 131 + (at >> 12)); }

/* Two stacks, of which side[1] listens on BENCH_PORT.  To be closed even when false. */
bool bench_stacks_open(struct bench_pair *p, const struct bench_setup *s);
/* And side[0] has opened a connection to side[1]. */
bool bench_pair_open(struct bench_pair *p, uint32_t gso_max);
void bench_pair_close(struct bench_pair *p);
/* An OPEN from side[0], from this address (none: its own). */
struct tcp_conn *bench_connect(struct bench_pair *p, struct addr local);
/* What one side has to send, copied once, is the other side's input.  False: nothing. */
bool bench_carry(struct bench_pair *p, int from);
/* Nothing moves: time jumps to the next deadline. */
void bench_jump(struct bench_pair *p);
/* One round: both directions once; when nothing moves, bench_jump.  Events are thrown away. */
void bench_turn(struct bench_pair *p);
