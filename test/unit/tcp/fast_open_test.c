/* TCP Fast Open between two stacks: a cookie, text on the SYN, an answer before the handshake is over. */
#include "pair.h"

static const struct tcp_user_opt LISTENS = { .fast_open_queue = 4 }, OPENS = { .fast_open_waits = true };
static const char TEXT[] = "a request", ANSWER[] = "an answer";

static struct pair *acquainted(const struct tcp_config *a)
{
    struct pair *p = pair_new(&(struct pair_config){ .a = a ? *a : (struct tcp_config){ 0 }, .seed = 7 });
    pair_listen(p, &LISTENS);
    assert_false(tcp_can_open_fast(p->a.tcp, p->a.path.remote));
    pair_connect(p, &OPENS);
    assert_true(tcp_can_open_fast(p->a.tcp, p->a.path.remote));
    tcp_abort(p->a.conn, p->now_ns);
    tcp_abort(p->b.conn, p->now_ns);
    p->a.conn = p->b.conn = NULL;
    pair_run(p, NS_PER_SEC);
    return p;
}

static void open_with_text(struct pair *p)
{
    assert_int_equal(tcp_connect(p->a.tcp, &p->a.path, 0, SERVER_PORT, &OPENS, &p->a.conn, p->now_ns), PLUMB_OK);
    struct tcp_status s;
    tcp_status(p->a.conn, &s);
    assert_true(s.early);
    assert_int_equal(put(&p->a, TEXT, sizeof TEXT, p->now_ns), sizeof TEXT);
}

static void accept_one(struct pair *p)
{
    for (int i = 0; i < 1000 && !p->b.conn; i++) {
        pair_step(p, p->now_ns + 10 * NS_PER_SEC);
        p->b.conn = tcp_accept(p->b.listener);
    }
    assert_non_null(p->b.conn);
}

static void reads(struct pair *p, struct end *e, const char *want, size_t n)
{
    char got[64];
    size_t done = 0;
    for (int i = 0; i < 1000 && done < n; i++) {
        done += get(e, got + done, sizeof got - done, p->now_ns);
        if (done < n)
            pair_step(p, p->now_ns + 10 * NS_PER_SEC);
    }
    assert_int_equal(done, n);
    assert_memory_equal(got, want, n);
}

static void ends(struct pair *p)
{
    tcp_close(p->a.conn, p->now_ns);
    tcp_close(p->b.conn, p->now_ns);
    p->a.conn = p->b.conn = NULL;
    pair_run(p, 300 * NS_PER_SEC);
    assert_int_equal(tcp_count(p->a.tcp) + tcp_count(p->b.tcp), 0);
    assert_int_equal(tcp_blocks_used(p->a.tcp) + tcp_blocks_used(p->b.tcp), 0);
    assert_int_equal(p->b.listener->fast_open.pending, 0);
    pair_free(p);
}

static void request_on_the_syn(void **state)
{
    (void)state;
    struct pair *p = acquainted(NULL);
    open_with_text(p);
    accept_one(p);
    assert_int_equal(state_of(p->b.conn), SYN_RECEIVED);
    assert_int_equal(p->b.listener->fast_open.pending, 1);
    reads(p, &p->b, TEXT, sizeof TEXT);
    assert_int_equal(state_of(p->b.conn), SYN_RECEIVED);
    assert_int_equal(put(&p->b, ANSWER, sizeof ANSWER, p->now_ns), sizeof ANSWER);
    reads(p, &p->a, ANSWER, sizeof ANSWER);
    struct tcp_status a, b;
    tcp_status(p->a.conn, &a);
    tcp_status(p->b.conn, &b);
    assert_true(a.fast_opened && b.fast_opened);
    assert_int_equal(a.retransmits + b.retransmits, 0);
    struct tcp_totals in, out;
    pair_run(p, NS_PER_SEC);
    tcp_info(p->b.conn, &in, p->now_ns);
    tcp_info(p->a.conn, &out, p->now_ns);
    assert_int_equal(in.bytes_received, sizeof TEXT);
    assert_int_equal(out.bytes_acked, sizeof TEXT);
    ends(p);
}

static bool lose_first_syn(struct pair *p, struct end *from, struct pkt *k, const struct tcp_header *h, uint32_t text)
{
    bool *lost = p->arg;
    (void)from;
    (void)k;
    if (*lost || !(h->flags & SYN) || h->flags & ACK)
        return true;
    assert_int_equal(text, sizeof TEXT);
    return !(*lost = true);
}

static void lost_syn_falls_back(void **state)
{
    (void)state;
    bool lost = false;
    struct pair *p = acquainted(NULL);
    p->arg = &lost;
    p->watch = lose_first_syn;
    open_with_text(p);
    accept_one(p);
    assert_true(lost);
    assert_int_equal(state_of(p->b.conn), ESTABLISHED);
    reads(p, &p->b, TEXT, sizeof TEXT);
    assert_false(tcp_can_open_fast(p->a.tcp, p->a.path.remote));
    ends(p);
}

/* The listener has a new secret: the text comes again behind the handshake, and the new cookie is kept. */
static void stale_cookie(void **state)
{
    (void)state;
    struct pair *p = acquainted(NULL);
    p->b.tcp->fast_open_key.k[0] ^= 1;
    open_with_text(p);
    accept_one(p);
    assert_int_equal(state_of(p->b.conn), ESTABLISHED);
    reads(p, &p->b, TEXT, sizeof TEXT);
    struct tcp_status a;
    tcp_status(p->a.conn, &a);
    assert_false(a.fast_opened);
    tcp_abort(p->a.conn, p->now_ns);
    tcp_abort(p->b.conn, p->now_ns);
    p->a.conn = p->b.conn = NULL;
    pair_run(p, NS_PER_SEC);
    open_with_text(p);
    accept_one(p);
    assert_int_equal(state_of(p->b.conn), SYN_RECEIVED);
    reads(p, &p->b, TEXT, sizeof TEXT);
    ends(p);
}

/* Who answers and closes before the handshake is over has said all of it. */
static void answer_and_close_early(void **state)
{
    (void)state;
    char end;
    struct pair *p = acquainted(NULL);
    open_with_text(p);
    accept_one(p);
    reads(p, &p->b, TEXT, sizeof TEXT);
    assert_int_equal(put(&p->b, ANSWER, sizeof ANSWER, p->now_ns), sizeof ANSWER);
    tcp_shutdown(p->b.conn, p->now_ns);
    reads(p, &p->a, ANSWER, sizeof ANSWER);
    pair_run(p, NS_PER_SEC);
    assert_int_equal(get(&p->a, &end, 1, p->now_ns), 0);
    assert_int_equal(state_of(p->a.conn), CLOSE_WAIT);
    ends(p);
}

/* The cache holds FAST_OPEN_PEERS; who was not used for longest goes. */
static void cache_is_bounded(void **state)
{
    (void)state;
    struct pair *p = acquainted(NULL);
    struct tcp *t = p->a.tcp;
    for (unsigned i = 0; i < 3 * FAST_OPEN_PEERS; i++) {
        struct path other = p->a.path;
        struct tcp_conn *c;
        other.remote = addr4(0x0b000000u + i);
        assert_int_equal(tcp_connect(t, &other, 0, SERVER_PORT, &(struct tcp_user_opt){ .fast_open = true }, &c, p->now_ns), PLUMB_OK);
        (void)tcp_fast_open_text(c);
        tcp_fast_open_lost(c, p->now_ns);
        tcp_abort(c, p->now_ns);
    }
    assert_false(tcp_can_open_fast(t, p->a.path.remote));
    unsigned known = 0;
    for (unsigned i = 0; i < FAST_OPEN_PEERS; i++)
        known += t->fast_open_peer[i].remote.q[0] || t->fast_open_peer[i].remote.q[1];
    assert_int_equal(known, FAST_OPEN_PEERS);
    pair_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_on_the_syn), cmocka_unit_test(lost_syn_falls_back), cmocka_unit_test(stale_cookie),
        cmocka_unit_test(answer_and_close_early), cmocka_unit_test(cache_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
