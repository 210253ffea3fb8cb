/* Seeded lives of connections: closes, aborts and tiny buffers at random moments.
 * At the end nothing is left; and the fast path, large packets and batches change
 * no byte that arrives. */
#include "pair.h"

static void chosen(struct pair_config *cfg, struct rng *r)
{
    cfg->gso = rng_below(r, 2) ? 65535 : 0;
    cfg->mtu = (uint16_t)(300 + rng_below(r, 1201));
    cfg->tx_csum = rng_below(r, 2);
    cfg->a.recv_buffer = 1 + rng_below(r, 60000);
    cfg->b.send_buffer = 1 + rng_below(r, 60000);
    cfg->b.max_blocks = 8 + rng_below(r, 60);
    cfg->b.no_timestamps = rng_below(r, 2);
    cfg->a.no_wscale = rng_below(r, 2);
    cfg->a.no_fast_path = rng_below(r, 2);
}

static void nothing_left(struct end *e, uint64_t seed)
{
    struct tcp_status st;
    for (uint32_t cursor = 0; tcp_walk(e->tcp, &cursor, &st);)
        if (st.state != LISTEN)
            fail_msg("seed %llu: still one in state %d, timer %s", (unsigned long long)seed, (int)st.state, st.timer);
    if (e->tcp->blocks.used)
        fail_msg("seed %llu: still %u blocks", (unsigned long long)seed, e->tcp->blocks.used);
    assert_int_equal(tcp_count(e->tcp), 0);
    assert_int_equal(e->tcp->conns.used, 0);
    assert_int_equal(e->tcp->flights.used, 0);
    assert_int_equal(tcp_deadline(e->tcp), DEADLINE_NEVER);
}

struct life { uint64_t in[2], out[2]; };

/* One end writes and reads a little, and may have a whim.  False: its user is gone. */
static bool live(struct pair *p, struct end *e, int k, struct life *l, struct rng *r)
{
    uint8_t bytes[3000];
    const uint32_t n = rng_below(r, sizeof bytes);
    for (uint32_t j = 0; j < n; j++)
        bytes[j] = (uint8_t)((l->in[k] + j) * 31 >> 2);
    l->in[k] += put(e, bytes, n, p->now_ns);
    const size_t got = rng_below(r, 3) == 0 ? get(e, bytes, sizeof bytes, p->now_ns) : 0;
    for (size_t j = 0; j < got; j++)
        assert_int_equal(bytes[j], (uint8_t)((l->out[!k] + j) * 31 >> 2));
    l->out[!k] += got;
    const uint32_t whim = rng_below(r, 4000);
    if (whim == 0)
        tcp_shutdown(e->conn, p->now_ns);
    if (whim != 1 && whim != 2)
        return true;
    if (whim == 1)
        tcp_close(e->conn, p->now_ns);
    else
        tcp_abort(e->conn, p->now_ns);
    e->conn = NULL;
    return false;
}

static void random_life(uint64_t seed)
{
    struct rng r;
    rng_seed(&r, seed);
    struct pair_config cfg = { .seed = seed };
    chosen(&cfg, &r);
    struct pair *p = pair_new(&cfg);
    struct end *e[2] = { &p->a, &p->b };
    struct life l = { .in = { 0 } };
    p->loss = rng_below(&r, 3) * 0.04;
    p->reorder = rng_below(&r, 3) * 0.1;
    p->duplicate = rng_below(&r, 3) * 0.05;
    p->delay_ns = rng_below(&r, 3) * 20 * NS_PER_MS;
    pair_listen(p, NULL);
    assert_int_equal(tcp_connect(p->a.tcp, &p->a.path, 0, SERVER_PORT, NULL, &p->a.conn, p->now_ns), PLUMB_OK);
    uint32_t steps = 50 + rng_below(&r, 1500);
    for (; steps > 0; steps--) {
        if (!p->b.conn)
            p->b.conn = tcp_accept(p->b.listener);
        if (p->a.conn)
            live(p, &p->a, 0, &l, &r);
        if (p->b.conn && !live(p, &p->b, 1, &l, &r))
            break;
        pair_step(p, p->now_ns + NS_PER_SEC);
    }
    for (int k = 0; k < 2; k++)
        if (e[k]->conn)
            tcp_close(e[k]->conn, p->now_ns);
    pair_run(p, 3000 * NS_PER_SEC);
    for (struct tcp_conn *c; (c = tcp_accept(p->b.listener));)
        tcp_close(c, p->now_ns);
    pair_run(p, 3000 * NS_PER_SEC);
    for (int k = 0; k < 2; k++)
        nothing_left(e[k], seed);
    pair_free(p);
}

static void lives(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++)
        random_life(seed);
}

/* All packets of a run, folded into one number. */
static uint64_t folded;
static bool fold(struct pair *p, struct end *from, struct pkt *k, const struct tcp_header *h, uint32_t text)
{
    (void)from;
    folded = folded * 1099511628211u + (uint64_t)p->now_ns;
    folded = folded * 1099511628211u + ((uint64_t)h->seq.n << 32 | h->ack.n);
    folded = folded * 1099511628211u + ((uint64_t)h->flags << 48 | (uint64_t)h->window << 32 | text);
    (void)k;
    return true;
}

static uint64_t run(bool no_fast_path, uint64_t seed)
{
    struct pair *p = pair_new(&(struct pair_config){ .seed = seed, .a.no_fast_path = no_fast_path, .b.no_fast_path = no_fast_path });
    folded = 0;
    p->watch = fold;
    p->loss = 0.02;
    p->reorder = 0.02;
    pair_connect(p, NULL);
    static char page[60000];
    for (int i = 0; i < 300; i++) {
        put(&p->a, page, 5000, p->now_ns);
        put(&p->b, page, 700, p->now_ns);
        pair_step(p, p->now_ns + NS_PER_SEC);
        char got[8000];
        get(&p->a, got, sizeof got, p->now_ns);
        get(&p->b, got, sizeof got, p->now_ns);
    }
    p->watch = NULL;
    tcp_abort(p->a.conn, p->now_ns);
    p->loss = 0;
    pair_run(p, NS_PER_SEC);
    tcp_abort(p->b.conn, p->now_ns);
    pair_exchange(p);
    pair_free(p);
    return folded;
}

static void the_fast_path_changes_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        const uint64_t fast = run(false, seed), slow = run(true, seed);
        assert_int_equal(fast, slow);
        assert_int_equal(fast, run(false, seed));               /* the same seed, the same packets */
    }
    assert_int_not_equal(run(false, 1), run(false, 2));
}

TESTS(lives, the_fast_path_changes_nothing)
