/* Whole connections: what is put in at one end comes out at the other, whatever the
 * wire does, and at the end nothing is left. */
#include "pair.h"

static uint8_t byte_at(uint64_t pos, uint64_t seed) { return (uint8_t)((pos * 2654435761u + seed * 40503u) >> 13); }

struct stream_test { uint64_t total, put, got; bool closed, ended; uint64_t seed; };

static void feed(struct end *e, struct stream_test *s, int64_t now_ns, struct rng *r)
{
    uint8_t chunk[20000];
    while (s->put < s->total) {
        size_t n = 1 + rng_below(r, sizeof chunk);
        if (n > s->total - s->put)
            n = (size_t)(s->total - s->put);
        for (size_t i = 0; i < n; i++)
            chunk[i] = byte_at(s->put + i, s->seed);
        const size_t done = put(e, chunk, n, now_ns);
        s->put += done;
        if (done < n)
            return;
    }
    if (!s->closed) {
        tcp_shutdown(e->conn, now_ns);
        s->closed = true;
    }
}

static void eat(struct end *e, struct stream_test *s, int64_t now_ns)
{
    uint8_t chunk[8192];
    for (size_t n; (n = get(e, chunk, sizeof chunk, now_ns)) > 0;)
        for (size_t i = 0; i < n; i++) {
            if (chunk[i] != byte_at(s->got, s->seed))
                fail_msg("byte %llu differs", (unsigned long long)s->got);
            s->got++;
        }
    struct tcp_status st;
    tcp_status(e->conn, &st);
    s->ended = st.peer_closed && st.rcv_queued == 0;
}

static void quiet(struct pair *p)
{
    pair_run(p, 300 * NS_PER_SEC);
    for (struct end *e = &p->a; e; e = e == &p->a ? &p->b : NULL) {
        assert_int_equal(tcp_count(e->tcp), 0);
        assert_int_equal(tcp_deadline(e->tcp), DEADLINE_NEVER);
        assert_int_equal(e->tcp->conns.used, 0);
        assert_int_equal(e->tcp->blocks.used, 0);
        assert_int_equal(e->tcp->flights.used, 0);
        assert_int_equal(e->tcp->timewaits.used, 0);
    }
}

static void transfer(struct pair *p, uint64_t up, uint64_t down)
{
    struct stream_test s = { .total = up, .seed = 1 }, t = { .total = down, .seed = 2 };
    struct rng r;
    rng_seed(&r, 7);
    const int64_t limit = p->now_ns + 3000 * NS_PER_SEC;
    while (!(s.ended && t.ended) && p->now_ns < limit) {
        feed(&p->a, &s, p->now_ns, &r);
        feed(&p->b, &t, p->now_ns, &r);
        pair_step(p, limit);
        eat(&p->b, &s, p->now_ns);
        eat(&p->a, &t, p->now_ns);
        if (state_of(p->a.conn) == CLOSED || state_of(p->b.conn) == CLOSED)
            break;
    }
    eat(&p->b, &s, p->now_ns);
    eat(&p->a, &t, p->now_ns);
    assert_int_equal(s.got, up);
    assert_int_equal(t.got, down);
    assert_true(s.ended && t.ended);
    tcp_close(p->a.conn, p->now_ns);
    tcp_close(p->b.conn, p->now_ns);
    quiet(p);
}

static void one_way(void **state)
{
    (void)state;
    struct pair *p = pair_new(&(struct pair_config){ .seed = 1 });
    pair_connect(p, NULL);
    transfer(p, 3000000, 0);
    pair_free(p);
}

static void both_ways_large_packets(void **state)
{
    (void)state;
    struct pair *p = pair_new(&(struct pair_config){ .seed = 2, .gso = 65535 });
    pair_connect(p, NULL);
    transfer(p, 5000000, 4000000);
    pair_free(p);
}

static void lossy(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct pair_config cfg = { .seed = seed, .gso = seed % 3 == 0 ? 65535 : 0, .mtu = (uint16_t)(seed % 5 ? 1500 : 400) };
        cfg.a.no_timestamps = seed % 4 == 0;
        cfg.b.no_wscale = seed % 7 == 0;
        cfg.b.no_fast_path = seed % 2;
        cfg.a.recv_buffer = seed % 11 == 0 ? 3000 : 0;
        cfg.b.recv_buffer = seed % 13 == 0 ? 1000 : 0;
        cfg.b.send_buffer = seed % 6 == 0 ? 5000 : 0;
        struct pair *p = pair_new(&cfg);
        p->loss = (double)(seed % 6) * 0.02;
        p->reorder = (double)(seed % 3) * 0.05;
        p->duplicate = (double)(seed % 4) * 0.02;
        pair_connect(p, NULL);
        transfer(p, 150000, seed % 2 ? 100000 : 0);
        pair_free(p);
    }
}

TESTS(one_way, both_ways_large_packets, lossy)
