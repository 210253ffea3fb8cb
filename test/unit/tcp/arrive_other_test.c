/* §3.10.7.4, step by step. */
#include "pair.h"

static void done(struct pair *p)
{
    if (state_of(p->b.conn) != CLOSED)
        tcp_abort(p->b.conn, p->now_ns);
    else
        tcp_close(p->b.conn, p->now_ns);
    pair_exchange(p);
    assert_int_equal(p->b.tcp->conns.used, 0);
    assert_int_equal(p->b.tcp->blocks.used, 0);
    pair_free(p);
}

static void first_out_of_window(void **state)
{
    (void)state;
    struct pair *p = solo(NULL);
    const int32_t wnd = (int32_t)rcv_wnd(p->b.conn);
    say(p, wnd, 0, ACK, 50000, "x");
    flush(p);
    assert_int_equal(n_seen, 1);
    assert_int_equal(last_seen()->h.flags, ACK);
    assert_int_equal(ack_off(&p->b, last_seen()->h.ack), 0);
    say(p, -5, 0, ACK, 50000, "12345");
    flush(p);
    assert_int_equal(n_seen, 1);
    assert_int_equal(drops(&p->b, WHY_SEGMENT_DUPLICATE), 1);
    assert_int_equal(drops(&p->b, WHY_OUT_OF_WINDOW), 1);
    say(p, -2, 0, ACK, 50000, "..new");                         /* straddles: only the new part */
    char got[8];
    assert_int_equal(get(&p->b, got, 8, p->now_ns), 3);
    assert_memory_equal(got, "new", 3);
    say(p, -1, 0, ACK, 50000, NULL);                            /* a keepalive probe is answered */
    flush(p);
    assert_int_equal(n_seen, 1);
    done(p);
}

/* [SHLD-2] [MUST-12] */
static void second_rst(void **state)
{
    (void)state;
    struct pair *p = solo(NULL);
    say(p, -1, 0, RST, 0, NULL);
    say(p, 100000, 0, RST, 0, NULL);
    flush(p);
    assert_int_equal(n_seen, 0);
    assert_int_equal(drops(&p->b, WHY_RST_OUT_OF_WINDOW), 2);
    say(p, 1, 0, RST, 0, NULL);
    flush(p);
    assert_int_equal(last_seen()->h.flags, ACK);                /* the challenge */
    assert_int_equal(drops(&p->b, WHY_RST_NOT_EXACT), 1);
    assert_int_equal(state_of(p->b.conn), ESTABLISHED);
    say(p, 0, 0, ACK, 50000, "kept");
    say(p, 4, 0, RST | ACK, 0, "why");                          /* text in a RST is allowed */
    struct tcp_status s;
    tcp_status(p->b.conn, &s);
    assert_int_equal(s.state, CLOSED);
    assert_int_equal(s.error, PLUMB_RESET);
    char got[8];
    assert_int_equal(get(&p->b, got, 8, p->now_ns), 4);         /* what arrived before stays readable */
    done(p);
}

static void fourth_syn(void **state)
{
    (void)state;
    struct pair *p = solo(NULL);
    say(p, 0, 0, SYN, 0, NULL);
    say(p, 500, 0, SYN | ACK, 0, NULL);
    say(p, -1, 0, SYN, 0, NULL);
    flush(p);
    assert_int_equal(n_seen, 3);                                /* irrespective of the sequence number */
    assert_int_equal(drops(&p->b, WHY_SYN_ON_CONNECTION), 3);
    assert_int_equal(state_of(p->b.conn), ESTABLISHED);
    done(p);
}

/* [MAY-12] */
static void fifth_ack(void **state)
{
    (void)state;
    struct pair *p = solo(NULL);
    say(p, 0, 0, 0, 50000, "no ack");
    flush(p);
    assert_int_equal(n_seen, 0);
    assert_int_equal(drops(&p->b, WHY_NO_ACK), 1);
    say(p, 0, 1, ACK, 50000, "future");
    say(p, 0, -50001, ACK, 50000, "old");
    flush(p);
    assert_int_equal(n_seen, 2);
    assert_int_equal(drops(&p->b, WHY_ACK_FUTURE), 1);
    assert_int_equal(drops(&p->b, WHY_ACK_OLD), 1);
    say(p, 0, -50000, ACK, 50000, "fine");
    char got[8];
    assert_int_equal(get(&p->b, got, 8, p->now_ns), 4);
    done(p);
}

static void challenges_are_limited(void **state)
{
    (void)state;
    struct pair *p = solo(NULL);
    uint32_t answers = 0;
    for (int i = 0; i < 2000; i++) {
        say(p, 1, 0, RST, 0, NULL);
        flush(p);
        answers += n_seen;
    }
    assert_true(answers >= 500 && answers <= 1000);
    assert_int_equal(drops(&p->b, WHY_CHALLENGE_LIMIT), 2000 - answers);
    p->now_ns += NS_PER_SEC;
    say(p, 1, 0, RST, 0, NULL);
    flush(p);
    assert_int_equal(n_seen, 1);
    done(p);
}

/* [MUST-30] [MUST-32] [MUST-33] */
static void sixth_urg(void **state)
{
    (void)state;
    struct pair *p = solo(NULL);
    struct tcp_event e;
    tcp_set_user(p->b.conn, p);
    while (tcp_next_event(p->b.tcp, &e)) {
    }
    const struct raw r = { .seq = seq(PEER_ISS + 1), .ack = seq_add(p->b.conn->snd.iss, 1), .flags = ACK | URG, .urgent = 3, .window = 50000,
                           .text = "abcd", .text_len = 4, .from_port = PEER_PORT, .to_port = SERVER_PORT };
    inject(p, &p->b, &r);
    assert_true(tcp_next_event(p->b.tcp, &e) && (e.ready & TCP_URGENT));
    assert_int_equal(tcp_urgent_left(p->b.conn), 3);
    tcp_consume(p->b.conn, 2, p->now_ns);
    assert_int_equal(tcp_urgent_left(p->b.conn), 1);
    tcp_consume(p->b.conn, 1, p->now_ns);
    assert_int_equal(tcp_urgent_left(p->b.conn), 0);
    tcp_consume(p->b.conn, 1, p->now_ns);
    done(p);
}

/* [SHLD-31] [MAY-13] */
static void seventh_text_out_of_order(void **state)
{
    (void)state;
    struct pair *p = solo(NULL);
    say(p, 6, 0, ACK, 50000, "world");
    say(p, 11, 0, ACK | FIN, 50000, "!");
    flush(p);
    assert_int_equal(n_seen, 2);                                /* each its own, no advance */
    assert_int_equal(ack_off(&p->b, last_seen()->h.ack), 0);
    say(p, 6, 0, ACK, 50000, "world");
    assert_int_equal(drops(&p->b, WHY_SEGMENT_DUPLICATE), 1);
    assert_null(tcp_peek(p->b.conn, &(size_t){ 0 }));
    say(p, 0, 0, ACK, 50000, "hello ");
    flush(p);
    assert_int_equal(n_seen, 1);                                /* fills the gap: at once, and the FIN in its turn */
    assert_int_equal(ack_off(&p->b, last_seen()->h.ack), 13);
    assert_int_equal(state_of(p->b.conn), CLOSE_WAIT);
    char got[16];
    assert_int_equal(get(&p->b, got, 16, p->now_ns), 12);
    assert_memory_equal(got, "hello world!", 12);
    say(p, 13, 0, ACK, 50000, "after");
    assert_int_equal(drops(&p->b, WHY_AFTER_FIN), 1);
    done(p);
}

static void too_many_gaps(void **state)
{
    (void)state;
    struct pair *p = solo(NULL);
    const int32_t most = TCP_BLOCK / sizeof(struct span);       /* more than the record holds: a block is lent */
    for (int32_t i = 0; i < most + 3; i++)
        say(p, 10 * i + 5, 0, ACK, 50000, "x");
    assert_int_equal(drops(&p->b, WHY_REASM_FULL), 3);
    done(p);
}

static void eighth_fin_states(void **state)
{
    (void)state;
    struct pair *p = solo(NULL);                                /* passive close */
    say(p, 0, 0, FIN | ACK, 50000, NULL);
    flush(p);
    assert_int_equal(ack_off(&p->b, last_seen()->h.ack), 1);
    assert_int_equal(state_of(p->b.conn), CLOSE_WAIT);
    assert_int_equal(put(&p->b, "more", 4, p->now_ns), 4);      /* half-closed: sending goes on */
    flush(p);
    assert_int_equal(last_seen()->text, 4);
    tcp_shutdown(p->b.conn, p->now_ns);
    flush(p);
    assert_int_equal(last_seen()->h.flags, FIN | ACK);
    assert_int_equal(state_of(p->b.conn), LAST_ACK);
    tcp_shutdown(p->b.conn, p->now_ns);
    flush(p);
    assert_int_equal(n_seen, 0);                                /* never a second FIN */
    say(p, 1, 5, ACK, 50000, NULL);
    assert_int_equal(state_of(p->b.conn), CLOSED);
    done(p);
}

/* [MUST-13] */
static void active_close(void **state)
{
    (void)state;
    struct pair *p = solo(NULL);
    tcp_shutdown(p->b.conn, p->now_ns);
    assert_int_equal(state_of(p->b.conn), FIN_WAIT_1);
    flush(p);
    assert_int_equal(last_seen()->h.flags, FIN | ACK);
    assert_null(tcp_reserve(p->b.conn, &(size_t){ 0 }));
    say(p, 0, 1, ACK, 50000, NULL);
    assert_int_equal(state_of(p->b.conn), FIN_WAIT_2);
    say(p, 0, 1, ACK, 50000, "late");                           /* receiving goes on */
    char got[8];
    assert_int_equal(get(&p->b, got, 8, p->now_ns), 4);
    say(p, 4, 1, FIN | ACK, 50000, NULL);
    assert_int_equal(state_of(p->b.conn), TIME_WAIT);
    flush(p);
    assert_int_equal(last_seen()->h.flags, ACK);
    assert_int_equal(ack_off(&p->b, last_seen()->h.ack), 5);
    pair_run(p, 59 * NS_PER_SEC);
    assert_int_equal(state_of(p->b.conn), TIME_WAIT);
    pair_run(p, 2 * NS_PER_SEC);
    assert_int_equal(state_of(p->b.conn), CLOSED);
    done(p);
}

static void simultaneous_close(void **state)
{
    (void)state;
    struct pair *p = solo(NULL);
    tcp_shutdown(p->b.conn, p->now_ns);
    flush(p);
    say(p, 0, 0, FIN | ACK, 50000, NULL);
    assert_int_equal(state_of(p->b.conn), CLOSING);
    flush(p);
    assert_int_equal(last_seen()->h.flags, ACK);
    say(p, 1, 1, ACK, 50000, NULL);
    assert_int_equal(state_of(p->b.conn), TIME_WAIT);
    done(p);
    p = solo(NULL);                                             /* FIN and the ACK of ours in one */
    tcp_shutdown(p->b.conn, p->now_ns);
    flush(p);
    say(p, 0, 1, FIN | ACK, 50000, NULL);
    assert_int_equal(state_of(p->b.conn), TIME_WAIT);
    done(p);
}

/* [SHLD-3] [MAY-1] */
static void user_gone(void **state)
{
    (void)state;
    struct pair *p = solo(NULL);                                /* unread text: a RST [SHLD-3] */
    say(p, 0, 0, ACK, 50000, "unread");
    tcp_close(p->b.conn, p->now_ns);
    flush(p);
    assert_int_equal(last_seen()->h.flags, RST | ACK);
    assert_int_equal(p->b.tcp->conns.used, 0);
    pair_free(p);
    p = solo(NULL);                                             /* text after the user is gone */
    tcp_close(p->b.conn, p->now_ns);
    flush(p);
    assert_int_equal(last_seen()->h.flags, FIN | ACK);
    const seq_t end = seq_add(last_seen()->h.seq, 1);
    inject(p, &p->b, &(struct raw){ .from_port = PEER_PORT, .to_port = SERVER_PORT, .seq = seq(PEER_ISS + 1), .ack = end, .flags = ACK, .text = "x", .text_len = 1 });
    assert_int_equal(drops(&p->b, WHY_DATA_AFTER_CLOSE), 1);
    flush(p);
    assert_int_equal(last_seen()->h.flags, RST | ACK);
    assert_int_equal(p->b.tcp->conns.used, 0);
    pair_free(p);
    p = solo(NULL);                                             /* the peer never closes its half */
    tcp_close(p->b.conn, p->now_ns);
    flush(p);
    inject(p, &p->b, &(struct raw){ .from_port = PEER_PORT, .to_port = SERVER_PORT, .seq = seq(PEER_ISS + 1), .ack = seq_add(last_seen()->h.seq, 1), .flags = ACK });
    assert_int_equal(p->b.tcp->conns.used, 1);
    pair_run(p, 61 * NS_PER_SEC);
    assert_int_equal(p->b.tcp->conns.used, 0);
    pair_free(p);
}

/* [MUST-66] */
static void zero_window_takes_ack_urg_rst(void **state)
{
    (void)state;
    struct tcp_config cfg = { .recv_buffer = 10 };
    struct pair *p = solo(&cfg);
    say(p, 0, 0, ACK, 50000, "0123456789");
    assert_int_equal(rcv_wnd(p->b.conn), 0);
    assert_int_equal(put(&p->b, "abc", 3, p->now_ns), 3);
    flush(p);
    assert_int_equal(last_seen()->h.window, 0);
    say(p, 10, 3, ACK, 40000, "more");                          /* the ACK counts, the text does not [MUST-66] */
    assert_int_equal(in_flight(p->b.conn), 0);
    assert_int_equal(p->b.conn->snd.wnd, 40000);
    flush(p);
    assert_int_equal(n_seen, 1);
    assert_int_equal(ack_off(&p->b, last_seen()->h.ack), 10);
    say(p, 10, 3, RST, 0, NULL);
    assert_int_equal(state_of(p->b.conn), CLOSED);
    done(p);
}

TESTS(first_out_of_window, second_rst, fourth_syn, fifth_ack, challenges_are_limited, sixth_urg, seventh_text_out_of_order, too_many_gaps,
      eighth_fin_states, active_close, simultaneous_close, user_gone, zero_window_takes_ack_urg_rst)
