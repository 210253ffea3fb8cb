/* One end that has sent and hears what its peer makes of it: round trips of 100 ms,
 * segments of 1000 bytes, ten of them at first. */
#pragma once
#include "pair.h"

enum { SEG = 1000, RTT_MS = 100 };
static char page[200000];

static inline struct pair *sender_with(const uint8_t *opt, uint8_t opt_len, uint32_t bytes)
{
    struct pair *p = solo_opt(NULL, opt, opt_len, 60000);
    struct tcp_conn *c = p->b.conn;
    p->now_ns += NS_PER_SEC;
    c->rtt = (struct tcp_rtt){ .srtt_ns = RTT_MS * NS_PER_MS, .var_ns = 50 * NS_PER_MS, .min_ns = RTT_MS * NS_PER_MS,
                               .min_at_ns = p->now_ns, .round = seq_add(c->snd.una, 1u << 30) };      /* none is taken meanwhile */
    c->sent_ns = p->now_ns;
    assert_int_equal(put(&p->b, page, bytes, p->now_ns), bytes);
    flush(p);
    return p;
}

static inline struct pair *sender(bool sack, uint32_t bytes)
{
    static const uint8_t opt[] = { 2, 4, SEG >> 8, SEG & 255, 1, 1, 4, 2 };
    return sender_with(opt, sack ? sizeof opt : 4, bytes);
}

/* Everything below SEG.ACK has arrived, and these n blocks. */
static inline void hear(struct pair *p, uint32_t ack, unsigned n, const uint32_t (*block)[2])
{
    const struct tcp_conn *c = p->b.conn;
    uint8_t opt[36] = { 1, 1, 5, (uint8_t)(2 + 8 * n) };
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k < 8; k++)
            opt[4 + 8 * i + k] = (uint8_t)(seq_add(c->snd.iss, 1 + block[i][k / 4]).n >> (24 - 8 * (k % 4)));
    const struct raw r = { .seq = seq(PEER_ISS + 1), .ack = seq_add(c->snd.iss, 1 + ack), .flags = ACK, .window = 60000, .opt = opt,
                           .opt_len = (uint8_t)(n ? 4 + 8 * n : 0), .from_port = PEER_PORT, .to_port = SERVER_PORT };
    inject(p, &p->b, &r);
}
#define HEAR(p, ack, ...) hear(p, ack, sizeof((const uint32_t[][2]){ __VA_ARGS__ }) / 8, (const uint32_t[][2]){ __VA_ARGS__ })

/* The first that leaves from now on, and after how many milliseconds. */
static inline int64_t next_leaves_ms(struct pair *p, int32_t *at)
{
    const int64_t from_ns = p->now_ns;
    n_seen = 0;
    while (n_seen == 0)
        assert_true(pair_step(p, from_ns + 10 * NS_PER_SEC));
    *at = seq_off(&p->b, seen[0].h.seq);
    return (seen[0].at_ns - from_ns) / NS_PER_MS;
}

static inline void later(struct pair *p, int64_t ms) { pair_run(p, ms * NS_PER_MS); }

static inline void sender_done(struct pair *p)
{
    tcp_abort(p->b.conn, p->now_ns);
    pair_exchange(p);
    assert_int_equal(p->b.tcp->sent.used, 0);
    pair_free(p);
}
