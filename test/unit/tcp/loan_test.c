/* Text lent and blocks taken: the bytes arrive, each loan comes back once and not before
 * its last byte was acknowledged, each block is given back. */
#include "pair.h"

enum { CHUNKS = 4096 };

static uint8_t pattern(uint64_t at) { return (uint8_t)(at * 31 >> 2); }

/* What one end has lent or taken. */
struct shelf {
    struct chunk { uint8_t *bytes; uint64_t end; bool out; } chunk[CHUNKS];
    uint32_t chunks;
    void *block[64];
    uint32_t blocks;
    uint64_t written, read;
};

static void lend(struct pair *p, struct end *e, struct shelf *s, uint32_t len)
{
    struct chunk *k = &s->chunk[s->chunks];
    if (s->chunks == CHUNKS)
        return;
    uint8_t *bytes = malloc(len);
    for (uint32_t i = 0; i < len; i++)
        bytes[i] = pattern(s->written + i);
    *k = (struct chunk){ .bytes = bytes, .end = s->written + len, .out = true };
    if (tcp_lend(e->conn, bytes, len, k, p->now_ns) != PLUMB_OK) {
        free(bytes);
        return;
    }
    s->chunks++;
    s->written += len;
}

/* What has come back is over: its memory goes, so that a late look at it is seen. */
static void collect(struct end *e)
{
    for (struct chunk *k; (k = tcp_loan_back(e->tcp));) {
        assert_true(k->out);
        k->out = false;
        if (e->conn && state_of(e->conn) == ESTABLISHED)
            assert_true((uint32_t)k->end <= snd_pos(e->conn, e->conn->snd.una));
        free(k->bytes);
    }
}

static void write_some(struct pair *p, struct end *e, struct shelf *s, struct rng *r)
{
    uint8_t bytes[3000];
    const uint32_t n = rng_below(r, sizeof bytes);
    if (rng_below(r, 2)) {
        lend(p, e, s, 1 + rng_below(r, rng_below(r, 4) ? 5000 : 200000));
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        bytes[i] = pattern(s->written + i);
    s->written += put(e, bytes, n, p->now_ns);
}

static void read_some(struct pair *p, struct end *e, struct shelf *s, struct rng *r)
{
    uint8_t bytes[3000];
    struct tcp_taken taken;
    if (s->blocks < 64 && rng_below(r, 2) && tcp_take(e->conn, &taken, p->now_ns)) {
        for (size_t i = 0; i < taken.len; i++)
            assert_int_equal(taken.bytes[i], pattern(s->read + i));
        s->read += taken.len;
        s->block[s->blocks++] = taken.block;
    } else {
        const size_t got = get(e, bytes, sizeof bytes, p->now_ns);
        for (size_t i = 0; i < got; i++)
            assert_int_equal(bytes[i], pattern(s->read + i));
        s->read += got;
    }
    if (s->blocks && rng_below(r, 3) == 0)
        tcp_put_back(e->tcp, s->block[--s->blocks]);
}

static void end_of(struct end *e, struct shelf *s)
{
    while (s->blocks)
        tcp_put_back(e->tcp, s->block[--s->blocks]);
    collect(e);
    for (uint32_t i = 0; i < s->chunks; i++)
        assert_false(s->chunk[i].out);
    assert_int_equal(e->tcp->loans.used, 0);
    assert_int_equal(e->tcp->blocks.used, 0);
    assert_int_equal(e->tcp->flights.used, 0);
}

static void life(uint64_t seed)
{
    static struct shelf shelf[2];
    struct rng r;
    rng_seed(&r, seed);
    memset(shelf, 0, sizeof shelf);
    struct pair_config cfg = { .seed = seed, .gso = rng_below(&r, 2) ? 65535 : 0, .mtu = (uint16_t)(300 + rng_below(&r, 1201)), .tx_csum = rng_below(&r, 2),
                               .a.recv_buffer = 2000 + rng_below(&r, 60000), .b.max_blocks = 40 + rng_below(&r, 100) };
    struct pair *p = pair_new(&cfg);
    p->loss = rng_below(&r, 3) * 0.03;
    p->reorder = rng_below(&r, 3) * 0.1;
    p->delay_ns = rng_below(&r, 3) * 10 * NS_PER_MS;
    pair_connect(p, NULL);
    struct end *e[2] = { &p->a, &p->b };
    for (uint32_t steps = 30 + rng_below(&r, 400); steps > 0; steps--) {
        for (int k = 0; k < 2; k++) {
            write_some(p, e[k], &shelf[k], &r);
            read_some(p, e[k], &shelf[k], &r);
            collect(e[k]);
        }
        pair_step(p, p->now_ns + NS_PER_SEC);
    }
    if (rng_below(&r, 3) == 0)
        tcp_abort(p->a.conn, p->now_ns);
    else
        tcp_close(p->a.conn, p->now_ns);
    p->a.conn = NULL;
    for (int i = 0; i < 3000; i++) {
        read_some(p, &p->b, &shelf[1], &r);
        if (!pair_step(p, p->now_ns + NS_PER_SEC))
            break;
    }
    tcp_close(p->b.conn, p->now_ns);
    p->b.conn = NULL;
    pair_run(p, 3000 * NS_PER_SEC);
    end_of(&p->a, &shelf[0]);
    end_of(&p->b, &shelf[1]);
    pair_free(p);
}

static void lives(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++)
        life(seed);
}

static void a_loan_ends_with_its_last_acknowledgment(void **state)
{
    (void)state;
    static uint8_t bytes[100000];
    int tag;
    struct pair *p = pair_new(&(struct pair_config){ .seed = 1 });
    pair_connect(p, NULL);
    const uint32_t blocks = p->a.tcp->blocks.used;
    assert_int_equal(tcp_lend(p->a.conn, bytes, 0, &tag, p->now_ns), PLUMB_INVALID);
    assert_int_equal(tcp_lend(p->a.conn, bytes, sizeof bytes, &tag, p->now_ns), PLUMB_OK);
    assert_int_equal(p->a.tcp->blocks.used, blocks);            /* not a byte was copied */
    assert_null(tcp_loan_back(p->a.tcp));
    size_t got = 0;
    for (int i = 0; i < 10000 && got < sizeof bytes; i++) {
        static uint8_t to[100000];
        assert_null(tcp_loan_back(p->a.tcp));
        pair_step(p, p->now_ns + NS_PER_SEC);
        got += get(&p->b, to, sizeof to, p->now_ns);
    }
    pair_run(p, NS_PER_SEC);
    assert_ptr_equal(tcp_loan_back(p->a.tcp), &tag);
    assert_null(tcp_loan_back(p->a.tcp));
    assert_null(p->a.conn->flight);                             /* at rest again */
    tcp_shutdown(p->a.conn, p->now_ns);
    assert_int_equal(tcp_lend(p->a.conn, bytes, 1, &tag, p->now_ns), PLUMB_CLOSED);
    pair_free(p);
}

static void an_abort_ends_every_loan(void **state)
{
    (void)state;
    static uint8_t bytes[3000000];
    int tag[3];
    struct pair *p = pair_new(&(struct pair_config){ .seed = 1 });
    pair_connect(p, NULL);
    assert_int_equal(tcp_lend(p->a.conn, bytes, 10, &tag[0], p->now_ns), PLUMB_OK);
    assert_int_equal(tcp_lend(p->a.conn, bytes, sizeof bytes, &tag[1], p->now_ns), PLUMB_OK);
    assert_int_equal(tcp_lend(p->a.conn, bytes, 10, &tag[2], p->now_ns), PLUMB_AGAIN);      /* the send buffer is full */
    tcp_abort(p->a.conn, p->now_ns);
    p->a.conn = NULL;
    assert_ptr_equal(tcp_loan_back(p->a.tcp), &tag[0]);
    assert_ptr_equal(tcp_loan_back(p->a.tcp), &tag[1]);
    assert_null(tcp_loan_back(p->a.tcp));
    assert_int_equal(p->a.tcp->loans.used, 0);
    pair_free(p);
}

TESTS(lives, a_loan_ends_with_its_last_acknowledgment, an_abort_ends_every_loan)
