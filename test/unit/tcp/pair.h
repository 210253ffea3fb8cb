/* Two TCP instances joined by a wire that can lose, repeat, delay and reorder, on a
 * virtual clock: a test's two ends. */
#pragma once
#include "../test.h"
#include "base/checksum.h"
#include "tcp/conn.h"
#include <stdio.h>
#include <stdlib.h>

enum { FLYING_MAX = 4096, SERVER_PORT = 80 };

struct flying { struct pkt *pkt; int64_t due_ns; uint64_t order; };

struct end {
    struct tcp *tcp;
    struct trace trace;
    struct rng rng;
    struct path path;
    struct tcp_listener *listener;
    struct tcp_conn *conn;
    struct flying flying[FLYING_MAX];          /* towards this end */
    uint32_t n_flying;
    uint64_t sent, received;
    uint32_t last_ready;
};

struct pair {
    struct end a, b;
    struct pkt_pools pools;
    struct rng rng;
    int64_t now_ns, delay_ns;
    double loss, reorder, duplicate;
    uint64_t order;
    uint32_t generation;
    /* sees every packet before the wire; false: the wire loses it */
    bool (*watch)(struct pair *p, struct end *from, struct pkt *k, const struct tcp_header *h, uint32_t text);
    void *arg;
};

struct pair_config { struct tcp_config a, b; uint64_t seed; uint16_t mtu; uint32_t gso; bool tx_csum; };

struct pair *pair_new(const struct pair_config *cfg);
void pair_free(struct pair *p);
/* One step: what is due arrives, ticks happen, output leaves; then time jumps.  False: nothing will ever happen. */
bool pair_step(struct pair *p, int64_t until_ns);
void pair_run(struct pair *p, int64_t for_ns);
/* Moves packets without letting time pass. */
void pair_exchange(struct pair *p);
void pair_listen(struct pair *p, const struct tcp_user_opt *o);
void pair_connect(struct pair *p, const struct tcp_user_opt *o);   /* and runs until both are ESTABLISHED */
enum tcp_state state_of(const struct tcp_conn *c);
size_t put(struct end *e, const void *bytes, size_t len, int64_t now_ns);
size_t get(struct end *e, void *to, size_t max, int64_t now_ns);

/* A segment made by hand for `to`, whose connection is c. */
struct raw { seq_t seq, ack; uint8_t flags; uint16_t window, urgent; const char *text; uint32_t text_len; const uint8_t *opt; uint8_t opt_len; bool bad_csum; uint16_t from_port, to_port; };
void inject(struct pair *p, struct end *to, const struct raw *r);

/* ------------------------------------- one end alone, its peer made by hand */

struct seen { struct tcp_header h; struct tcp_opt opt; uint32_t text, wire; uint8_t first[64]; const struct end *from; int64_t at_ns; };
enum { SEEN_MAX = 4096 };
extern struct seen seen[SEEN_MAX];
extern uint32_t n_seen;                     /* packets that left since solo_flush */

enum { PEER_PORT = 5000, PEER_ISS = 1000 };

/* End b listens; nothing reaches a. */
struct pair *solo_listen(const struct tcp_config *b, const struct tcp_user_opt *o);
/* ... and a peer at PEER_PORT has connected: window 50000, MSS 1000, no other options unless `opt`. */
struct pair *solo(const struct tcp_config *b);
struct pair *solo_opt(const struct tcp_config *b, const uint8_t *opt, uint8_t opt_len, uint16_t window);
void solo_accept(struct pair *p, const uint8_t *opt, uint8_t opt_len, uint16_t window);
/* The peer's next segment: seq counts from its first text byte, ack from ours. */
void say(struct pair *p, int32_t seq_off, int32_t ack_off, uint8_t flags, uint16_t window, const char *text);
void flush(struct pair *p);                 /* lets b's output leave, forgets what was seen before */
struct seen *last_seen(void);
static inline uint64_t drops(const struct end *e, enum why why) { return e->trace.drops[why]; }
int32_t seq_off(const struct end *e, seq_t seq);    /* from b's first text byte */
int32_t ack_off(const struct end *e, seq_t ack);    /* from the peer's first text byte */
void watch_log(struct pair *p, bool pass);
