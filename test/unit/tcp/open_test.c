/* Opening: §3.5, §3.10.1, §3.10.7.1 to §3.10.7.3; RSTs without a connection. */
#include "pair.h"

static void raw(struct pair *p, const struct raw *r)
{
    struct raw x = *r;
    x.from_port = PEER_PORT;
    x.to_port = SERVER_PORT;
    inject(p, &p->b, &x);
}

static void closed_answers_with_rst(void **state)
{
    (void)state;
    struct pair_config cfg = { .seed = 1 };
    struct pair *p = pair_new(&cfg);
    watch_log(p, false);
    raw(p, &(struct raw){ .seq = seq(100), .flags = SYN });
    flush(p);
    assert_int_equal(last_seen()->h.flags, RST | ACK);
    assert_int_equal(last_seen()->h.seq.n, 0);
    assert_int_equal(last_seen()->h.ack.n, 101);
    raw(p, &(struct raw){ .seq = seq(100), .ack = seq(777), .flags = ACK, .text = "abc", .text_len = 3 });
    flush(p);
    assert_int_equal(last_seen()->h.flags, RST);
    assert_int_equal(last_seen()->h.seq.n, 777);
    raw(p, &(struct raw){ .seq = seq(100), .ack = seq(777), .flags = RST });
    flush(p);
    assert_int_equal(n_seen, 0);
    assert_int_equal(drops(&p->b, WHY_NO_CONNECTION), 3);
    pair_free(p);
}

/* [MUST-3] [MUST-7] [MUST-57] [MUST-63] */
static void listen_steps(void **state)
{
    (void)state;
    struct pair *p = solo_listen(NULL, NULL);
    raw(p, &(struct raw){ .seq = seq(1), .flags = RST });
    flush(p);
    assert_int_equal(n_seen, 0);
    assert_int_equal(drops(&p->b, WHY_LISTEN_RST), 1);
    raw(p, &(struct raw){ .seq = seq(1), .ack = seq(9), .flags = SYN | ACK });
    flush(p);
    assert_int_equal(last_seen()->h.flags, RST);
    assert_int_equal(last_seen()->h.seq.n, 9);
    raw(p, &(struct raw){ .seq = seq(1), .flags = FIN });
    flush(p);
    assert_int_equal(n_seen, 0);
    assert_int_equal(drops(&p->b, WHY_LISTEN_NO_SYN), 1);
    static const uint8_t bad[] = { 2, 0, 0, 0 };
    raw(p, &(struct raw){ .seq = seq(1), .flags = SYN, .opt = bad, .opt_len = 4 });
    assert_int_equal(drops(&p->b, WHY_TCP_OPTION), 1);
    raw(p, &(struct raw){ .seq = seq(1), .flags = SYN, .bad_csum = true });
    assert_int_equal(drops(&p->b, WHY_TCP_CHECKSUM), 1);
    p->b.path.remote = addr4(0xe0000001);                       /* from a group */
    raw(p, &(struct raw){ .seq = seq(1), .flags = SYN });
    flush(p);
    assert_int_equal(n_seen, 0);
    assert_int_equal(drops(&p->b, WHY_TCP_ADDRESS), 1);
    assert_int_equal(tcp_count(p->b.tcp), 0);
    pair_free(p);
}

/* [MUST-2] [MUST-5] [MUST-14] [MUST-15] [MUST-16] [MUST-67] [MUST-65] [SHLD-5] [SHLD-6] [MAY-3] */
static void syn_ack_offers_what_was_asked(void **state)
{
    (void)state;
    static const uint8_t all[] = { 2, 4, 4, 0, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 0, 1, 3, 3, 20 };
    struct pair *p = solo_listen(NULL, NULL);
    raw(p, &(struct raw){ .seq = seq(50), .flags = SYN, .opt = all, .opt_len = sizeof all, .window = 3000 });
    flush(p);
    const struct seen *s = last_seen();
    assert_int_equal(s->h.flags, SYN | ACK);
    assert_int_equal(s->h.ack.n, 51);
    assert_int_equal(s->opt.mss, 1460);
    assert_true(s->opt.has_ts && s->opt.ts_ecr == 7);
    assert_true(s->opt.has_wscale && s->opt.wscale == 7);
    assert_true(s->opt.sack_permitted);
    assert_int_equal(s->h.window, 65535);                       /* not scaled on a SYN */
    struct tcp_conn *c = (struct tcp_conn *)(void *)demux_find(p->b.tcp, p->b.path.local, p->b.path.remote, SERVER_PORT, PEER_PORT);
    assert_int_equal(c->snd_scale, 14);                         /* 20 counts as 14 */
    assert_int_equal(c->mss, 1024 - 12);
    pair_free(p);
    p = solo_listen(NULL, NULL);
    raw(p, &(struct raw){ .seq = seq(50), .flags = SYN });
    flush(p);
    assert_true(last_seen()->opt.has_mss && !last_seen()->opt.has_ts && !last_seen()->opt.has_wscale);
    c = (struct tcp_conn *)(void *)demux_find(p->b.tcp, p->b.path.local, p->b.path.remote, SERVER_PORT, PEER_PORT);
    assert_int_equal(c->mss, 536);                              /* the default */
    pair_free(p);
}

/* [MUST-11] */
static void syn_received(void **state)
{
    (void)state;
    struct pair *p = solo_listen(NULL, NULL);
    raw(p, &(struct raw){ .seq = seq(50), .flags = SYN, .window = 100 });
    flush(p);
    const seq_t iss = last_seen()->h.seq;
    raw(p, &(struct raw){ .seq = seq(50), .flags = SYN, .window = 100 });       /* the SYN-ACK was lost */
    flush(p);
    assert_int_equal(last_seen()->h.flags, SYN | ACK);
    assert_int_equal(last_seen()->h.seq.n, iss.n);
    raw(p, &(struct raw){ .seq = seq(51), .ack = seq_add(iss, 5), .flags = ACK });
    flush(p);
    assert_int_equal(last_seen()->h.flags, RST);
    assert_int_equal(last_seen()->h.seq.n, seq_add(iss, 5).n);
    assert_int_equal(tcp_count(p->b.tcp), 1);
    raw(p, &(struct raw){ .seq = seq(52), .flags = RST });                      /* in the window, not exact: challenged */
    flush(p);
    assert_int_equal(last_seen()->h.flags, ACK);
    raw(p, &(struct raw){ .seq = seq(51), .flags = RST });                      /* back to LISTEN */
    flush(p);
    assert_int_equal(n_seen, 0);
    assert_int_equal(tcp_count(p->b.tcp), 0);
    assert_int_equal(p->b.tcp->conns.used, 0);
    raw(p, &(struct raw){ .seq = seq(70), .flags = SYN });
    flush(p);
    raw(p, &(struct raw){ .seq = seq(71), .flags = SYN });                      /* in the window: back to LISTEN */
    assert_int_equal(tcp_count(p->b.tcp), 0);
    raw(p, &(struct raw){ .seq = seq(70), .flags = SYN });
    flush(p);
    raw(p, &(struct raw){ .seq = seq(71), .ack = seq_add(last_seen()->h.seq, 1), .flags = ACK | PSH | FIN, .text = "hello", .text_len = 5 });
    p->b.conn = tcp_accept(p->b.listener);
    char got[8];
    assert_int_equal(get(&p->b, got, 8, p->now_ns), 5);
    assert_int_equal(state_of(p->b.conn), CLOSE_WAIT);
    tcp_close(p->b.conn, p->now_ns);
    pair_free(p);
}

static seq_t start_active(struct pair *p)
{
    watch_log(p, false);
    assert_int_equal(tcp_connect(p->b.tcp, &p->b.path, SERVER_PORT, PEER_PORT, NULL, &p->b.conn, p->now_ns), PLUMB_OK);
    flush(p);
    assert_int_equal(last_seen()->h.flags, SYN);
    assert_int_equal(last_seen()->h.ack.n, 0);
    assert_true(last_seen()->opt.has_mss && last_seen()->opt.has_ts && last_seen()->opt.has_wscale);
    return last_seen()->h.seq;
}

static void syn_sent_steps(void **state)
{
    (void)state;
    struct pair *p = pair_new(&(struct pair_config){ .seed = 3 });
    const seq_t iss = start_active(p);
    raw(p, &(struct raw){ .seq = seq(9), .ack = iss, .flags = ACK | SYN });     /* acknowledges nothing */
    flush(p);
    assert_int_equal(last_seen()->h.flags, RST);
    assert_int_equal(last_seen()->h.seq.n, iss.n);
    raw(p, &(struct raw){ .seq = seq(9), .ack = iss, .flags = ACK | RST });
    raw(p, &(struct raw){ .seq = seq(9), .flags = RST });
    raw(p, &(struct raw){ .seq = seq(9), .ack = seq_add(iss, 1), .flags = ACK });
    flush(p);
    assert_int_equal(n_seen, 0);
    assert_int_equal(drops(&p->b, WHY_ACK_UNACCEPTABLE), 2);
    assert_int_equal(drops(&p->b, WHY_RST_WITHOUT_ACK), 1);
    assert_int_equal(drops(&p->b, WHY_NO_SYN), 1);
    assert_int_equal(state_of(p->b.conn), SYN_SENT);
    raw(p, &(struct raw){ .seq = seq(9), .ack = seq_add(iss, 1), .flags = SYN | ACK, .window = 500, .text = "hi", .text_len = 2 });
    assert_int_equal(state_of(p->b.conn), ESTABLISHED);
    flush(p);
    assert_int_equal(last_seen()->h.flags, ACK);
    assert_int_equal(last_seen()->h.ack.n, 12);                                 /* the text on the SYN-ACK too */
    tcp_abort(p->b.conn, p->now_ns);
    pair_free(p);
}

static void refused(void **state)
{
    (void)state;
    struct pair *p = pair_new(&(struct pair_config){ .seed = 3 });
    const seq_t iss = start_active(p);
    struct tcp_event e;
    tcp_set_user(p->b.conn, p);
    raw(p, &(struct raw){ .seq = seq(0), .ack = seq_add(iss, 1), .flags = RST | ACK });
    assert_true(tcp_next_event(p->b.tcp, &e));
    assert_true(e.ready & TCP_FAILED);
    struct tcp_status s;
    tcp_status(p->b.conn, &s);
    assert_int_equal(s.state, CLOSED);
    assert_int_equal(s.error, PLUMB_REFUSED);
    tcp_close(p->b.conn, p->now_ns);
    assert_int_equal(p->b.tcp->conns.used, 0);
    pair_free(p);
}

/* [MUST-10] */
static void simultaneous_open(void **state)
{
    (void)state;
    struct pair *p = pair_new(&(struct pair_config){ .seed = 4 });
    assert_int_equal(tcp_connect(p->a.tcp, &p->a.path, 7, 8, NULL, &p->a.conn, p->now_ns), PLUMB_OK);
    assert_int_equal(tcp_connect(p->b.tcp, &p->b.path, 8, 7, NULL, &p->b.conn, p->now_ns), PLUMB_OK);
    watch_log(p, true);
    pair_run(p, NS_PER_SEC / 2);
    assert_int_equal(state_of(p->a.conn), ESTABLISHED);
    assert_int_equal(state_of(p->b.conn), ESTABLISHED);
    assert_true(n_seen <= 6);
    assert_int_equal(put(&p->a, "ping", 4, p->now_ns), 4);
    pair_run(p, NS_PER_SEC / 10);
    char got[8];
    assert_int_equal(get(&p->b, got, 8, p->now_ns), 4);
    tcp_abort(p->a.conn, p->now_ns);
    pair_run(p, NS_PER_SEC);
    assert_int_equal(state_of(p->b.conn), CLOSED);
    tcp_close(p->b.conn, p->now_ns);
    pair_free(p);
}

/* RFC 9293 figure 8. */
static void old_duplicate_syn(void **state)
{
    (void)state;
    struct pair *p = pair_new(&(struct pair_config){ .seed = 5 });
    pair_listen(p, NULL);
    raw(p, &(struct raw){ .seq = seq(90), .flags = SYN });
    p->a.conn = NULL;
    assert_int_equal(tcp_connect(p->a.tcp, &p->a.path, PEER_PORT, SERVER_PORT, NULL, &p->a.conn, p->now_ns), PLUMB_OK);
    pair_run(p, 3 * NS_PER_SEC);
    assert_int_equal(state_of(p->a.conn), ESTABLISHED);
    p->b.conn = tcp_accept(p->b.listener);
    assert_non_null(p->b.conn);
    tcp_abort(p->a.conn, p->now_ns);
    pair_run(p, NS_PER_SEC);
    tcp_close(p->b.conn, p->now_ns);
    pair_free(p);
}

static void queues_are_bounded(void **state)
{
    (void)state;
    const struct tcp_user_opt o = { .backlog = 2 };
    struct pair *p = solo_listen(&(struct tcp_config){ .syn_cookies = SYN_COOKIES_NEVER }, &o);
    for (uint16_t i = 0; i < 10; i++)
        inject(p, &p->b, &(struct raw){ .from_port = (uint16_t)(6000 + i), .to_port = SERVER_PORT, .seq = seq(5), .flags = SYN });
    assert_int_equal(drops(&p->b, WHY_SYN_QUEUE_FULL), 2);
    assert_int_equal(tcp_count(p->b.tcp), 8);
    flush(p);
    assert_int_equal(n_seen, 8);
    for (unsigned i = 0; i < 8; i++)
        inject(p, &p->b, &(struct raw){ .from_port = seen[i].h.dst_port, .to_port = SERVER_PORT, .seq = seq(6), .ack = seq_add(seen[i].h.seq, 1), .flags = ACK });
    assert_int_equal(drops(&p->b, WHY_ACCEPT_QUEUE_FULL), 6);
    assert_non_null(tcp_accept(p->b.listener));
    assert_non_null(tcp_accept(p->b.listener));
    assert_null(tcp_accept(p->b.listener));
    pair_free(p);
}

static void listener_may_hold(void **state)
{
    (void)state;
    const struct tcp_user_opt o = { .hold = true };
    struct pair *p = pair_new(&(struct pair_config){ .seed = 6 });
    struct tcp_event e;
    watch_log(p, false);
    assert_int_equal(tcp_listen(p->b.tcp, (struct endpoint){ .port = 0 }, &o, &p->b.listener), PLUMB_OK);    /* any port */
    tcp_listener_set_user(p->b.listener, p);
    for (uint16_t i = 0; i < 3; i++)
        inject(p, &p->b, &(struct raw){ .from_port = 6000, .to_port = (uint16_t)(100 + i), .seq = seq(5), .flags = SYN });
    inject(p, &p->b, &(struct raw){ .from_port = 6000, .to_port = 100, .seq = seq(5), .flags = SYN });
    flush(p);
    assert_int_equal(n_seen, 0);
    assert_true(tcp_next_event(p->b.tcp, &e) && e.listener == p->b.listener);
    struct tcp_conn *yes = tcp_hold_next(p->b.listener), *no = tcp_hold_next(p->b.listener), *silent = tcp_hold_next(p->b.listener);
    assert_null(tcp_hold_next(p->b.listener));
    tcp_hold_accept(yes, p->now_ns);
    tcp_hold_refuse(no, PLUMB_REFUSED, p->now_ns);
    tcp_hold_refuse(silent, PLUMB_UNREACHABLE, p->now_ns);
    flush(p);
    assert_int_equal(n_seen, 2);
    const unsigned rst = seen[0].h.flags & RST ? 0 : 1, syn = !rst;
    assert_int_equal(seen[rst].h.src_port, 101);
    assert_int_equal(seen[rst].h.flags, RST | ACK);
    assert_int_equal(seen[rst].h.ack.n, 6);
    assert_int_equal(seen[syn].h.flags, SYN | ACK);
    inject(p, &p->b, &(struct raw){ .from_port = 6000, .to_port = 100, .seq = seq(6), .ack = seq_add(seen[syn].h.seq, 1), .flags = ACK });
    assert_ptr_equal(tcp_accept(p->b.listener), yes);
    tcp_abort(yes, p->now_ns);
    inject(p, &p->b, &(struct raw){ .from_port = 6001, .to_port = 100, .seq = seq(5), .flags = SYN });
    tcp_listener_close(p->b.listener, p->now_ns);
    p->b.listener = NULL;
    pair_exchange(p);
    assert_int_equal(p->b.tcp->conns.used, 0);
    pair_free(p);
}

/* [MUST-41] [MUST-43] [MUST-44] [MUST-46] [MUST-45] */
static void addresses_are_checked(void **state)
{
    (void)state;
    struct pair *p = pair_new(&(struct pair_config){ .seed = 7 });
    struct tcp_conn *c, *d;
    struct path to = p->a.path;
    to.remote = addr4(0xe0000001);
    assert_int_equal(tcp_connect(p->a.tcp, &to, 0, 80, NULL, &c, p->now_ns), PLUMB_INVALID);
    to.remote = addr4(0xffffffff);
    assert_int_equal(tcp_connect(p->a.tcp, &to, 0, 80, NULL, &c, p->now_ns), PLUMB_INVALID);
    to = p->a.path;
    to.local = ADDR_NONE;                                       /* net/ was not asked [MUST-44] */
    assert_int_equal(tcp_connect(p->a.tcp, &to, 0, 80, NULL, &c, p->now_ns), PLUMB_INVALID);
    assert_int_equal(tcp_connect(p->a.tcp, &p->a.path, 99, 80, NULL, &c, p->now_ns), PLUMB_OK);
    assert_int_equal(tcp_connect(p->a.tcp, &p->a.path, 99, 80, NULL, &d, p->now_ns), PLUMB_ADDR_IN_USE);
    assert_int_equal(tcp_connect(p->a.tcp, &p->a.path, 99, 81, NULL, &d, p->now_ns), PLUMB_OK);
    struct tcp_listener *l, *m;                                 /* a port in use may be listened on [MUST-42] */
    assert_int_equal(tcp_listen(p->a.tcp, (struct endpoint){ .port = 99 }, NULL, &l), PLUMB_OK);
    assert_int_equal(tcp_listen(p->a.tcp, (struct endpoint){ .port = 99 }, NULL, &m), PLUMB_ADDR_IN_USE);
    assert_int_equal(tcp_listen(p->a.tcp, (struct endpoint){ .addr = p->a.path.local, .port = 99 }, NULL, &m), PLUMB_OK);
    assert_ptr_equal(demux_listener(p->a.tcp, &(struct flow){ .local = p->a.path.local, .local_port = 99 }), m);
    assert_ptr_equal(demux_listener(p->a.tcp, &(struct flow){ .local = p->a.path.remote, .local_port = 99 }), l);
    pair_free(p);
}

TESTS(closed_answers_with_rst, listen_steps, syn_ack_offers_what_was_asked, syn_received, syn_sent_steps, refused, simultaneous_open,
      old_duplicate_syn, queues_are_bounded, listener_may_hold, addresses_are_checked)
