/* The receiving side: delayed ACKs, the window, memory. */
#include "pair.h"

static char page[100000];

static void done(struct pair *p)
{
    tcp_abort(p->b.conn, p->now_ns);
    pair_exchange(p);
    assert_int_equal(p->b.tcp->blocks.used, 0);
    pair_free(p);
}

static void text(struct pair *p, int32_t at, uint32_t len, uint16_t gso)
{
    struct pkt *k = pkt_new(&p->pools, 60 + len);
    struct tcp_header h = { .src_port = PEER_PORT, .dst_port = SERVER_PORT, .seq = seq_add(seq(PEER_ISS + 1), (uint32_t)at),
                            .ack = p->b.conn->snd.nxt, .flags = ACK, .window = 50000, .header_len = 20 };
    uint8_t *to = pkt_append(k, 40 + len);
    if (!to)
        abort();
    memset(to, 0, 40);
    to[0] = 0x45;
    memcpy(to + 12, &p->b.path.remote.b[12], 4);
    memcpy(to + 16, &p->b.path.local.b[12], 4);
    struct writer w = writer_of(to + 20, 20);
    tcp_header_write(&w, &h);
    memcpy(to + 40, page, len);
    k->net_off = (uint16_t)k->head;
    k->l4_off = (uint16_t)(k->head + 20);
    k->proto = 6;
    k->csum = CSUM_OK;
    k->gso_size = gso;
    k->time_ns = p->now_ns;
    struct batch b = { .n = 0 };
    batch_add(&b, k);
    tcp_in(p->b.tcp, &b, p->now_ns);
}

/* [MUST-40] [MUST-58] [MUST-59] [SHLD-18] [SHLD-19] */
static void every_second_segment(void **state)
{
    (void)state;
    struct pair *p = solo(NULL);
    text(p, 0, 1000, 0);
    flush(p);
    assert_int_equal(n_seen, 0);
    text(p, 1000, 1000, 0);
    flush(p);
    assert_int_equal(n_seen, 1);
    assert_int_equal(ack_off(&p->b, last_seen()->h.ack), 2000);
    text(p, 2000, 1000, 0);
    const int64_t at = p->now_ns;
    pair_run(p, NS_PER_SEC);
    assert_int_equal(n_seen, 2);
    assert_int_equal(last_seen()->at_ns - at, 40 * NS_PER_MS);  /* delayed, not for long [MUST-40] */
    n_seen = 0;
    text(p, 3000, 5000, 1000);                                  /* five inside a large packet */
    flush(p);
    assert_int_equal(n_seen, 1);
    for (int i = 0; i < 6; i++)                                 /* processed together: one ACK [MUST-58] [MUST-59] */
        text(p, 8000 + 1000 * i, 1000, 0);
    flush(p);
    assert_int_equal(n_seen, 1);
    assert_int_equal(ack_off(&p->b, last_seen()->h.ack), 14000);
    text(p, 14000, 100, 0);                                     /* an answer carries it */
    put(&p->b, "ok", 2, p->now_ns);
    flush(p);
    assert_int_equal(n_seen, 1);
    assert_int_equal(last_seen()->text, 2);
    assert_int_equal(ack_off(&p->b, last_seen()->h.ack), 14100);
    pair_run(p, 150 * NS_PER_MS);
    assert_int_equal(n_seen, 1);                                /* the delayed one is off */
    done(p);
}

/* [MUST-39] [MAY-8] */
static void right_edge_moves_in_steps(void **state)
{
    (void)state;
    struct tcp_config cfg = { .recv_buffer = 10000 };
    struct pair *p = solo(&cfg);
    text(p, 0, 1000, 0);
    text(p, 1000, 1000, 0);
    flush(p);
    assert_int_equal(last_seen()->h.window, 8000);              /* unread: the edge stays */
    tcp_consume(p->b.conn, 500, p->now_ns);
    flush(p);
    assert_int_equal(n_seen, 0);
    text(p, 2000, 1000, 0);
    text(p, 3000, 1000, 0);
    flush(p);
    assert_int_equal(last_seen()->h.window, 6000);              /* 500 is no worthwhile step */
    seq_t edge = seq_add(last_seen()->h.ack, last_seen()->h.window);
    tcp_consume(p->b.conn, 3500, p->now_ns);
    flush(p);
    text(p, 4000, 2000, 1000);
    flush(p);
    assert_int_equal(last_seen()->h.window, 8000);
    assert_true(seq_le(edge, seq_add(last_seen()->h.ack, last_seen()->h.window)));
    text(p, 6000, 8000, 1000);                                  /* full */
    flush(p);
    assert_int_equal(last_seen()->h.window, 0);
    tcp_consume(p->b.conn, 700, p->now_ns);
    flush(p);
    assert_int_equal(n_seen, 0);                                /* not in small increments */
    tcp_consume(p->b.conn, 900, p->now_ns);
    flush(p);
    assert_int_equal(n_seen, 1);                                /* the update */
    assert_int_equal(last_seen()->h.window, 1600);
    done(p);
}

/* Whatever comes: the right edge never moves left, though it is scaled. */
/* [SHLD-14] */
static void never_shrinks(void **state)
{
    (void)state;
    static const uint8_t opt[] = { 2, 4, 5, 180, 1, 3, 3, 7 };
    struct pair *p = solo_opt(NULL, opt, sizeof opt, 50000);
    struct rng r;
    rng_seed(&r, 1);
    seq_t edge = seq(0);
    bool first = true;
    int32_t at = 0;
    for (int i = 0; i < 3000; i++) {
        const uint32_t n = 1 + rng_below(&r, 1400);
        if (n <= rcv_wnd(p->b.conn)) {
            text(p, at, n, 0);
            at += (int32_t)n;
        }
        size_t len;
        if (rng_below(&r, 3) == 0 && tcp_peek(p->b.conn, &len))
            tcp_consume(p->b.conn, 1 + rng_below(&r, (uint32_t)len), p->now_ns);
        flush(p);
        for (unsigned k = 0; k < n_seen; k++) {
            const seq_t e = seq_add(seen[k].h.ack, (uint32_t)seen[k].h.window << p->b.conn->rcv_scale);
            assert_true(first || seq_le(edge, e));
            edge = e;
            first = false;
        }
    }
    assert_true(at > 1 << 19);
    done(p);
}

static void no_block_no_loss(void **state)
{
    (void)state;
    struct tcp_config cfg = { .max_blocks = 20, .recv_buffer = 1 << 20 };
    struct pair *p = solo(&cfg);
    int32_t at = 0;
    for (int i = 0; i < 200; i++) {
        const seq_t before = p->b.conn->rcv.nxt;
        text(p, at, 1000, 0);
        at += seq_diff(p->b.conn->rcv.nxt, before);
        flush(p);
        if (n_seen)
            assert_int_equal(ack_off(&p->b, last_seen()->h.ack), at);
    }
    assert_true(at > 2 * TCP_BLOCK && at <= 15 * TCP_BLOCK);      /* a quarter is for who holds nothing */
    assert_true(drops(&p->b, WHY_NO_BLOCK) + drops(&p->b, WHY_OUT_OF_WINDOW) > 0);
    char *got = malloc(100000);
    assert_int_equal(get(&p->b, got, 100000, p->now_ns), at);   /* what was acknowledged is there */
    free(got);
    assert_int_equal(p->b.tcp->blocks.used, 0);
    flush(p);                                                   /* and the window opens again */
    text(p, at, 1000, 0);
    assert_int_equal(ack_off(&p->b, p->b.conn->rcv.nxt), at + 1000);
    done(p);
}

static void writable_when_there_is_room(void **state)
{
    (void)state;
    struct tcp_config cfg = { .send_buffer = 9000 };
    struct pair *p = solo(&cfg);
    struct tcp_event e;
    tcp_set_user(p->b.conn, p);
    while (tcp_next_event(p->b.tcp, &e)) {
    }
    assert_int_equal(put(&p->b, page, 20000, p->now_ns), 9000);
    flush(p);
    say(p, 0, 1000, ACK, 50000, NULL);
    assert_false(tcp_next_event(p->b.tcp, &e));
    say(p, 0, 9000, ACK, 50000, NULL);
    assert_true(tcp_next_event(p->b.tcp, &e) && (e.ready & TCP_WRITABLE));
    assert_int_equal(p->b.tcp->blocks.used, 0);
    done(p);
}

static void starved_senders_are_fed(void **state)
{
    (void)state;
    struct tcp_config cfg = { .max_blocks = 4 };
    struct pair *p = solo(&cfg);
    struct tcp_event e;
    tcp_set_user(p->b.conn, p);
    while (tcp_next_event(p->b.tcp, &e)) {
    }
    void *block[4];
    for (int i = 0; i < 4; i++)
        block[i] = pool_get(&p->b.tcp->blocks);
    assert_null(tcp_reserve(p->b.conn, &(size_t){ 0 }));
    for (int i = 0; i < 4; i++)
        pool_put(&p->b.tcp->blocks, block[i]);
    say(p, 0, 0, ACK, 50000, NULL);
    assert_true(tcp_next_event(p->b.tcp, &e) && (e.ready & TCP_WRITABLE));
    assert_int_equal(put(&p->b, "x", 1, p->now_ns), 1);
    done(p);
}

/* Blocks also come back when a connection ends, by its timers or its user. */
static void starved_senders_are_fed_by_an_end(void **state)
{
    (void)state;
    struct tcp_config cfg = { .max_blocks = 8, .retries = 3 };
    struct tcp_event e;
    for (int by_timer = 0; by_timer < 2; by_timer++) {
        struct pair *p = solo(&cfg);
        struct tcp_conn *other = p->b.conn;
        inject(p, &p->b, &(struct raw){ .from_port = 1, .to_port = SERVER_PORT, .seq = seq(8), .flags = SYN, .window = 1000 });
        flush(p);
        inject(p, &p->b, &(struct raw){ .from_port = 1, .to_port = SERVER_PORT, .seq = seq(9), .ack = seq_add(last_seen()->h.seq, 1), .flags = ACK, .window = 1000 });
        p->b.conn = tcp_accept(p->b.listener);
        size_t room;
        for (tcp_set_user(other, p); tcp_reserve(other, &room);)
            tcp_commit(other, room, true, p->now_ns);
        void *block[8];
        unsigned n_blocks = 0;
        while (pool_left(&p->b.tcp->blocks) > 1)
            block[n_blocks++] = pool_get(&p->b.tcp->blocks);
        assert_null(tcp_reserve(p->b.conn, &room));
        tcp_set_user(p->b.conn, &e);
        while (tcp_next_event(p->b.tcp, &e)) {
        }
        if (by_timer)
            pair_run(p, 100 * NS_PER_SEC);
        else
            tcp_abort(other, p->now_ns);
        bool fed = false;
        while (tcp_next_event(p->b.tcp, &e))
            fed |= e.conn == p->b.conn && (e.ready & TCP_WRITABLE);
        assert_true(fed);
        while (n_blocks)
            pool_put(&p->b.tcp->blocks, block[--n_blocks]);
        if (by_timer)
            tcp_close(other, p->now_ns);
        done(p);
    }
}

/* Peers who do not read, or leave holes, cannot take what the others need to be served. */
static void nobody_takes_every_block(void **state)
{
    (void)state;
    struct tcp_config cfg = { .max_blocks = 256, .max_conns = 64 };
    struct pair *p = solo(&cfg);
    for (uint32_t at = 0; at < 400000; at += 1000) {            /* text behind a hole */
        text(p, (int32_t)at + 1, 1000, 0);
        assert_true(pool_left(&p->b.tcp->blocks) >= 256 / 2);
        n_seen = 0;
    }
    struct tcp_conn *first = p->b.conn;
    for (uint16_t i = 1; i < 32; i++) {
        size_t room;
        inject(p, &p->b, &(struct raw){ .from_port = i, .to_port = SERVER_PORT, .seq = seq(8), .flags = SYN, .window = 1000 });
        flush(p);
        const seq_t iss = last_seen()->h.seq;
        inject(p, &p->b, &(struct raw){ .from_port = i, .to_port = SERVER_PORT, .seq = seq(9), .ack = seq_add(iss, 1), .flags = ACK, .window = 1000 });
        struct tcp_conn *c = tcp_accept(p->b.listener);
        assert_non_null(c);
        uint32_t held = 0;
        for (; tcp_reserve(c, &room); held++)
            tcp_commit(c, room, true, p->now_ns);
        assert_true(held > 0);                                  /* each can say something */
        flush(p);
    }
    tcp_listener_close(p->b.listener, p->now_ns);
    p->b.listener = NULL;
    p->b.conn = first;
    tcp_abort(first, p->now_ns);
    pair_exchange(p);
    pair_free(p);
}

TESTS(every_second_segment, right_edge_moves_in_steps, never_shrinks, no_block_no_loss, writable_when_there_is_room, starved_senders_are_fed,
      starved_senders_are_fed_by_an_end, nobody_takes_every_block)
