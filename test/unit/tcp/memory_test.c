/* Memory that all connections share: a crowd that takes what it can get, and a newcomer. */
#include "pair.h"

enum { CROWD = 40, PIECE = 1000, FIRST_PORT = 10000 };

struct hostile { seq_t una, next; seq_t iss; uint32_t acked; };
static struct hostile crowd[CROWD];
static struct tcp_conn *held[CROWD];
static char piece[PIECE];

static uint8_t byte_at(uint32_t i, uint32_t at) { return (uint8_t)(at * 31 + i * 7); }

/* Acknowledgments that came for the crowd. */
static void hear(void)
{
    for (uint32_t k = 0; k < n_seen; k++) {
        const uint32_t i = seen[k].h.dst_port - FIRST_PORT;
        if (seen[k].from->conn == NULL && i < CROWD && seen[k].h.flags & ACK)
            crowd[i].acked = (uint32_t)seq_diff(seen[k].h.ack, seq(PEER_ISS + 1));
    }
    n_seen = 0;
}

static void crowd_sends(struct pair *p, uint32_t i, uint32_t at)
{
    for (uint32_t k = 0; k < PIECE; k++)
        piece[k] = (char)byte_at(i, at + k);
    inject(p, &p->b, &(struct raw){ .from_port = (uint16_t)(FIRST_PORT + i), .to_port = SERVER_PORT, .seq = seq(PEER_ISS + 1 + at), .ack = crowd[i].next,
                                    .flags = ACK, .window = 65535, .text = piece, .text_len = PIECE });
}

static void crowd_connects(struct pair *p)
{
    for (uint32_t i = 0; i < CROWD; i++) {
        n_seen = 0;
        inject(p, &p->b, &(struct raw){ .from_port = (uint16_t)(FIRST_PORT + i), .to_port = SERVER_PORT, .seq = seq(PEER_ISS), .flags = SYN, .window = 65535 });
        pair_exchange(p);
        crowd[i] = (struct hostile){ .next = seq_add(last_seen()->h.seq, 1) };
        inject(p, &p->b, &(struct raw){ .from_port = (uint16_t)(FIRST_PORT + i), .to_port = SERVER_PORT, .seq = seq(PEER_ISS + 1), .ack = crowd[i].next,
                                        .flags = ACK, .window = 65535 });
        held[i] = tcp_accept(p->b.listener);
        assert_non_null(held[i]);
    }
    n_seen = 0;
}

/* Each sends what it is allowed to, in order and out of order, until nothing is taken any more. */
static void crowd_fills(struct pair *p)
{
    uint32_t before = 1, after = 0;
    for (int round = 0; before != after && round < 400; round++) {
        before = tcp_blocks_used(p->b.tcp);
        for (uint32_t i = 0; i < CROWD; i++) {
            crowd_sends(p, i, crowd[i].acked);
            crowd_sends(p, i, crowd[i].acked + 3 * PIECE);
            if (i % 8 == 7) {
                pair_exchange(p);
                hear();
            }
        }
        after = tcp_blocks_used(p->b.tcp) + (round < 60);
    }
}

static void newcomer_gets_through(struct pair *p)
{
    static uint8_t out[200000], in[200000];
    size_t sent = 0, got = 0, back = 0, answered = 0;
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (uint8_t)(i * 13 + (i >> 9));
    const int64_t begin_ns = p->now_ns;
    watch_log(p, true);
    pair_connect(p, NULL);
    assert_int_equal(state_of(p->b.conn), ESTABLISHED);
    for (int i = 0; (got < sizeof out || back < sizeof out) && i < 20000; i++) {
        sent += put(&p->a, out + sent, sizeof out - sent, p->now_ns);
        got += get(&p->b, in + got, sizeof in - got, p->now_ns);
        answered += put(&p->b, in + answered, got - answered, p->now_ns);
        back += get(&p->a, out, sizeof out, p->now_ns);
        n_seen = 0;
        pair_run(p, 10 * NS_PER_MS);
    }
    assert_int_equal(got, sizeof out);
    assert_int_equal(back, sizeof out);
    assert_true(p->now_ns - begin_ns < 20 * NS_PER_SEC);
    watch_log(p, false);
}

/* What was acknowledged is there, every byte of it. */
static void crowd_is_read(struct pair *p)
{
    for (uint32_t i = 0; i < CROWD; i++) {
        uint32_t read = 0;
        size_t len;
        for (const uint8_t *from; (from = tcp_peek(held[i], &len)); read += (uint32_t)len) {
            for (uint32_t k = 0; k < len; k++)
                assert_int_equal(from[k], byte_at(i, read + k));
            tcp_consume(held[i], len, p->now_ns);
        }
        assert_true(read >= crowd[i].acked);
        assert_true(read > 0);
        tcp_abort(held[i], p->now_ns);
    }
}

static void crowd_cannot_stop_a_newcomer(void **state)
{
    (void)state;
    static const uint32_t blocks[] = { 256, 1024 };
    for (unsigned n = 0; n < 2; n++) {
        struct pair_config cfg = { .seed = 3 };
        cfg.b = (struct tcp_config){ .max_conns = 64, .max_blocks = blocks[n] };
        struct pair *p = pair_new(&cfg);
        watch_log(p, false);
        pair_listen(p, NULL);
        crowd_connects(p);
        crowd_fills(p);
        assert_true(tcp_blocks_used(p->b.tcp) >= blocks[n] / 2);
        newcomer_gets_through(p);
        crowd_is_read(p);
        tcp_abort(p->a.conn, p->now_ns);
        tcp_abort(p->b.conn, p->now_ns);
        pair_exchange(p);
        assert_int_equal(tcp_blocks_used(p->b.tcp), 0);
        pair_free(p);
    }
}

/* Users who are gone leave their places when the table is full, the oldest first. */
static void orphans_make_room(void **state)
{
    (void)state;
    struct pair *p = solo_listen(&(struct tcp_config){ .max_conns = 4 }, NULL);
    seq_t theirs[5] = { 0 };
    for (uint16_t i = 0; i < 4; i++) {
        inject(p, &p->b, &(struct raw){ .from_port = (uint16_t)(FIRST_PORT + i), .to_port = SERVER_PORT, .seq = seq(PEER_ISS), .flags = SYN });
        flush(p);
        theirs[i] = seq_add(last_seen()->h.seq, 1);
        inject(p, &p->b, &(struct raw){ .from_port = (uint16_t)(FIRST_PORT + i), .to_port = SERVER_PORT, .seq = seq(PEER_ISS + 1), .ack = theirs[i], .flags = ACK });
        tcp_close(tcp_accept(p->b.listener), p->now_ns);        /* its FIN is never acknowledged */
    }
    flush(p);
    assert_int_equal(tcp_count(p->b.tcp), 4);
    inject(p, &p->b, &(struct raw){ .from_port = FIRST_PORT + 9, .to_port = SERVER_PORT, .seq = seq(PEER_ISS), .flags = SYN });
    flush(p);
    assert_int_equal(tcp_count(p->b.tcp), 3);
    assert_int_equal(n_seen, 2);                                /* a RST to the oldest, a cookie to the newcomer */
    assert_int_equal(seen[0].h.dst_port, FIRST_PORT);
    assert_int_equal(seen[0].h.flags, RST | ACK);
    assert_int_equal(seen[1].h.flags, SYN | ACK);
    inject(p, &p->b, &(struct raw){ .from_port = FIRST_PORT + 9, .to_port = SERVER_PORT, .seq = seq(PEER_ISS + 1), .ack = seq_add(seen[1].h.seq, 1), .flags = ACK });
    assert_non_null(tcp_accept(p->b.listener));
    pair_free(p);
}

/* 40 ms each way, and no limit but the buffers, which begin small. */
static void buffers_follow_the_path(void **state)
{
    (void)state;
    static uint8_t bytes[1 << 16];
    const struct tcp_config tuned = { .send_most = 2 << 20, .recv_most = 2 << 20, .initial_window = 1500 };
    struct pair *p = pair_new(&(struct pair_config){ .seed = 9, .a = tuned, .b = tuned });
    p->delay_ns = 40 * NS_PER_MS;
    pair_listen(p, NULL);
    pair_connect(p, NULL);
    assert_int_equal(p->a.conn->send_buffer, 64 << 10);
    assert_int_equal(p->b.conn->recv_buffer, 64 << 10);
    uint64_t got = 0, at_two_seconds = 0;
    const int64_t begin_ns = p->now_ns;
    while (p->now_ns - begin_ns < 3 * NS_PER_SEC) {
        while (put(&p->a, bytes, sizeof bytes, p->now_ns) == sizeof bytes)
            ;
        pair_run(p, 2 * NS_PER_MS);
        for (size_t n; (n = get(&p->b, bytes, sizeof bytes, p->now_ns));)
            got += n;
        if (p->now_ns - begin_ns <= 2 * NS_PER_SEC)
            at_two_seconds = got;
    }
    assert_int_equal(p->a.conn->send_buffer, 2 << 20);
    assert_int_equal(p->b.conn->recv_buffer, 2 << 20);
    assert_true(got - at_two_seconds > 20u * 1000 * 1000);      /* bytes in the third second: 160 Mbit/s */
    pair_free(p);
}

/* A user who does not read gets no larger window, and one who set a size keeps it. */
static void buffers_stay_small(void **state)
{
    (void)state;
    static uint8_t bytes[1 << 16];
    struct pair *p = pair_new(&(struct pair_config){ .seed = 9 });
    p->delay_ns = 20 * NS_PER_MS;
    pair_listen(p, NULL);
    pair_connect(p, &(struct tcp_user_opt){ .send_buffer = 100000 });
    for (int i = 0; i < 100; i++) {
        put(&p->a, bytes, sizeof bytes, p->now_ns);
        pair_run(p, 20 * NS_PER_MS);
    }
    assert_int_equal(p->b.conn->recv_buffer, 64 << 10);
    assert_int_equal(p->a.conn->send_buffer, 100000);
    assert_true(tcp_blocks_used(p->b.tcp) <= 18);
    pair_free(p);
}

/* An idle connection is its base alone, and its share of the hash table: 512 bytes in all. */
static void at_rest_little_is_held(void **state)
{
    (void)state;
    uint8_t byte;
    struct pair *p = pair_new(&(struct pair_config){ .seed = 4 });
    assert_true(sizeof(struct tcp_conn) + 2 * sizeof(struct tcp_node *) <= 512);
    assert_true(sizeof(struct tcp_timewait) <= 112);
    pair_listen(p, NULL);
    pair_connect(p, NULL);
    for (int round = 0; round < 40; round++) {
        assert_int_equal(put(&p->a, (const uint8_t *)"?", 1, p->now_ns), 1);
        pair_run(p, 10 * NS_PER_MS);
        assert_int_equal(get(&p->b, &byte, 1, p->now_ns), 1);
        put(&p->b, &byte, 1, p->now_ns);
        pair_run(p, NS_PER_SEC);
        assert_int_equal(get(&p->a, &byte, 1, p->now_ns), 1);
        pair_run(p, NS_PER_SEC);
        for (struct end *e = &p->a; e; e = e == &p->a ? &p->b : NULL) {
            assert_int_equal(e->tcp->conns.used, 1);
            assert_int_equal(e->tcp->flights.used, 0);
            assert_int_equal(e->tcp->timers.used, 0);
            assert_int_equal(e->tcp->rares.used, 0);
            assert_int_equal(e->tcp->ccs.used, 0);
            assert_int_equal(e->tcp->blocks.used, 0);
            assert_int_equal(e->tcp->sent.used, 0);
        }
    }
    tcp_set_opt(p->a.conn, &(struct tcp_user_opt){ .keepalive = true, .keep_idle_s = 10 }, p->now_ns);
    assert_int_equal(p->a.tcp->rares.used, 1);                  /* who asks for more holds more */
    assert_int_equal(p->a.tcp->timers.used, 1);
    tcp_abort(p->a.conn, p->now_ns);
    tcp_abort(p->b.conn, p->now_ns);
    pair_exchange(p);
    assert_int_equal(p->a.tcp->rares.used, 0);
    pair_free(p);
}

TESTS(at_rest_little_is_held, crowd_cannot_stop_a_newcomer, orphans_make_room, buffers_follow_the_path, buffers_stay_small)
