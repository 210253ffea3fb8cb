/* The user's calls: §3.10.1 to §3.10.6, readiness, and whom they reach. */
#include "pair.h"

static uint8_t events(struct end *e)
{
    struct tcp_event ev;
    uint8_t bits = 0;
    while (tcp_next_event(e->tcp, &ev))
        if (ev.conn == e->conn)
            bits |= ev.ready;
    return bits;
}

static void done(struct pair *p)
{
    tcp_abort(p->a.conn, p->now_ns);
    pair_run(p, NS_PER_SEC);
    tcp_close(p->b.conn, p->now_ns);
    pair_exchange(p);
    assert_int_equal(p->a.tcp->conns.used + p->b.tcp->conns.used, 0);
    pair_free(p);
}

/* [SHLD-20] */
static void readiness(void **state)
{
    (void)state;
    struct pair *p = pair_new(&(struct pair_config){ .seed = 1 });
    struct tcp_event e;
    int mark, mark_l;
    pair_listen(p, NULL);
    tcp_listener_set_user(p->b.listener, &mark_l);
    assert_int_equal(tcp_connect(p->a.tcp, &p->a.path, 0, SERVER_PORT, NULL, &p->a.conn, p->now_ns), PLUMB_OK);
    tcp_set_user(p->a.conn, &mark);
    assert_int_equal(put(&p->a, "early", 5, p->now_ns), 5);     /* SEND before ESTABLISHED is queued */
    pair_run(p, NS_PER_SEC);
    assert_int_equal(events(&p->a) & (TCP_CONNECTED | TCP_WRITABLE), TCP_CONNECTED | TCP_WRITABLE);
    assert_true(tcp_next_event(p->b.tcp, &e));
    assert_ptr_equal(e.listener, p->b.listener);
    assert_ptr_equal(tcp_listener_user(e.listener), &mark_l);
    assert_false(tcp_next_event(p->b.tcp, &e));                 /* each once; none without a user [SHLD-20] */
    p->b.conn = tcp_accept(p->b.listener);
    tcp_set_user(p->b.conn, &mark);
    assert_true(events(&p->b) & TCP_READABLE);                  /* what came before the user did */
    char got[8];
    assert_int_equal(get(&p->b, got, 8, p->now_ns), 5);
    tcp_shutdown(p->a.conn, p->now_ns);
    pair_run(p, NS_PER_SEC);
    assert_true(events(&p->b) & TCP_READABLE);
    struct tcp_status s;
    tcp_status(p->b.conn, &s);
    assert_true(s.peer_closed);
    assert_true(events(&p->a) & TCP_WRITABLE);                  /* all of it was acknowledged */
    done(p);
}

static void close_while_opening(void **state)
{
    (void)state;
    struct pair *p = solo_listen(NULL, NULL);
    assert_int_equal(tcp_connect(p->b.tcp, &p->b.path, 1, 2, NULL, &p->b.conn, p->now_ns), PLUMB_OK);
    flush(p);
    tcp_close(p->b.conn, p->now_ns);                            /* SYN-SENT: the TCB is deleted */
    assert_int_equal(p->b.tcp->conns.used, 0);
    assert_int_equal(tcp_connect(p->b.tcp, &p->b.path, 1, 2, NULL, &p->b.conn, p->now_ns), PLUMB_OK);
    flush(p);
    const seq_t iss = last_seen()->h.seq;
    inject(p, &p->b, &(struct raw){ .from_port = 2, .to_port = 1, .seq = seq(7), .flags = SYN, .window = 1000 });
    assert_int_equal(state_of(p->b.conn), SYN_RECEIVED);
    tcp_close(p->b.conn, p->now_ns);                            /* SYN-RECEIVED: the FIN waits for ESTABLISHED */
    flush(p);
    assert_int_equal(last_seen()->h.flags, SYN | ACK);
    inject(p, &p->b, &(struct raw){ .from_port = 2, .to_port = 1, .seq = seq(8), .ack = seq_add(iss, 1), .flags = ACK, .window = 1000 });
    flush(p);
    assert_int_equal(last_seen()->h.flags, FIN | ACK);
    inject(p, &p->b, &(struct raw){ .from_port = 2, .to_port = 1, .seq = seq(8), .ack = seq_add(iss, 2), .flags = ACK | FIN, .window = 1000 });
    assert_int_equal(p->b.tcp->conns.used, 0);
    assert_int_equal(tcp_count(p->b.tcp), 1);                   /* TIME-WAIT */
    pair_free(p);
}

static void abort_in_every_state(void **state)
{
    (void)state;
    for (int s = 0; s < 6; s++) {
        struct pair *p = solo(NULL);
        if (s == 1 || s == 2 || s == 4)
            tcp_shutdown(p->b.conn, p->now_ns);
        flush(p);
        if (s == 2)
            say(p, 0, 1, ACK, 1000, NULL);
        if (s == 3 || s == 4 || s == 5)
            say(p, 0, 0, FIN | ACK, 1000, NULL);
        if (s == 5)
            tcp_shutdown(p->b.conn, p->now_ns);
        flush(p);
        static const enum tcp_state want[] = { ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT, CLOSING, LAST_ACK };
        assert_int_equal(state_of(p->b.conn), want[s]);
        tcp_abort(p->b.conn, p->now_ns);
        flush(p);
        assert_int_equal(n_seen, s < 4 ? 1 : 0);                /* §3.10.5: CLOSING and LAST-ACK go silently */
        if (n_seen)
            assert_int_equal(last_seen()->h.flags, RST | ACK);
        assert_int_equal(tcp_count(p->b.tcp), 0);
        assert_int_equal(p->b.tcp->conns.used, 0);
        pair_free(p);
    }
}

static void tables_are_bounded(void **state)
{
    (void)state;
    struct pair_config cfg = { .seed = 1, .a.max_conns = 3 };
    struct pair *p = pair_new(&cfg);
    struct tcp_conn *c[4];
    for (uint16_t i = 0; i < 3; i++)
        assert_int_equal(tcp_connect(p->a.tcp, &p->a.path, 0, (uint16_t)(1 + i), NULL, &c[i], p->now_ns), PLUMB_OK);
    assert_int_equal(tcp_connect(p->a.tcp, &p->a.path, 0, 9, NULL, &c[3], p->now_ns), PLUMB_NO_MEMORY);
    for (uint32_t i = 0, cursor = 0; i < 3; i++) {
        struct tcp_status s;
        assert_true(tcp_walk(p->a.tcp, &cursor, &s));
        assert_int_equal(s.state, SYN_SENT);
        assert_int_equal(s.remote.port, 1 + i);
    }
    for (int i = 0; i < 3; i++)
        tcp_close(c[i], p->now_ns);
    pair_free(p);
}

/* The path is stack/'s to find, and to find again. */
static void paths(void **state)
{
    (void)state;
    struct pair *p = solo(NULL);
    tcp_paths_changed(p->b.tcp, 2);
    put(&p->b, "x", 1, p->now_ns);
    assert_false(tcp_has_output(p->b.tcp, 0));
    struct tcp_conn *c = tcp_next_unrouted(p->b.tcp);
    assert_ptr_equal(c, p->b.conn);
    assert_null(tcp_next_unrouted(p->b.tcp));
    struct flow f;
    tcp_flow(c, &f);
    assert_int_equal(f.remote_port, PEER_PORT);
    assert_true(addr_eq(f.local, p->b.path.local));
    struct path way = p->b.path;
    way.generation = 2;
    way.iface = 3;
    way.mtu = 500;
    tcp_set_path(c, &way, p->now_ns);
    assert_true(tcp_has_output(p->b.tcp, 3));
    struct batch b = { .n = 0 };
    tcp_out(p->b.tcp, 3, &b, p->now_ns);
    assert_int_equal(b.n, 1);
    assert_int_equal(b.pkt[0]->iface, 3);
    batch_free(&b);
    assert_false(tcp_has_output(p->b.tcp, 3));
    assert_int_equal(c->mss, 460);
    way.mtu = 68;                                               /* the least of all links (RFC 791 §3.2) */
    tcp_set_path(c, &way, p->now_ns);
    assert_int_equal(c->mss, 28);
    tcp_out(p->b.tcp, 3, &b, p->now_ns);
    batch_free(&b);
    tcp_paths_changed(p->b.tcp, 3);                             /* the route is lost while opening */
    assert_int_equal(tcp_connect(p->b.tcp, &way, 1, 2, NULL, &c, p->now_ns), PLUMB_OK);
    assert_ptr_equal(tcp_next_unrouted(p->b.tcp), c);
    tcp_set_path(c, NULL, p->now_ns);
    struct tcp_status s;
    tcp_status(c, &s);
    assert_int_equal(s.error, PLUMB_NO_ROUTE);
    tcp_close(c, p->now_ns);
    p->b.path.generation = 3;
    tcp_abort(p->b.conn, p->now_ns);
    pair_exchange(p);
    pair_free(p);
}

/* What waits while no way leads to the peer is tried again, ever more rarely, and given up at R2. */
static void no_way_is_not_for_ever(void **state)
{
    (void)state;
    for (int back = 0; back < 2; back++) {
        struct pair *p = solo(NULL);
        struct path way = p->b.path;
        struct tcp_status s;
        unsigned tries = 0;
        tcp_paths_changed(p->b.tcp, 2);
        put(&p->b, "x", 1, p->now_ns);
        for (struct tcp_conn *c; (c = tcp_next_unrouted(p->b.tcp)) && !(back && tries == 3); tries++) {
            tcp_set_path(c, NULL, p->now_ns);
            assert_int_not_equal(tcp_deadline(p->b.tcp), DEADLINE_NEVER);
            while (tcp_deadline(p->b.tcp) != DEADLINE_NEVER && state_of(c) != CLOSED && !c->unrouted)
                tcp_tick(p->b.tcp, p->now_ns = tcp_deadline(p->b.tcp));
        }
        way.generation = p->b.path.generation = 2;
        tcp_set_path(p->b.conn, &way, p->now_ns);
        flush(p);
        tcp_status(p->b.conn, &s);
        assert_int_equal(s.error, back ? PLUMB_OK : PLUMB_NO_ROUTE);
        assert_int_equal(tries, back ? 3 : 15);
        assert_int_equal(n_seen > 0 && last_seen()->text == 1, back);
        tcp_abort(p->b.conn, p->now_ns);
        pair_exchange(p);
        pair_free(p);
    }
}

/* Who cannot be answered does not stay half-open: strangers' SYNs would fill the queue. */
static void half_open_without_a_way_back(void **state)
{
    (void)state;
    struct pair *p = solo_listen(NULL, NULL);
    tcp_paths_changed(p->b.tcp, 2);
    inject(p, &p->b, &(struct raw){ .from_port = 7, .to_port = SERVER_PORT, .flags = SYN, .window = 1000 });
    struct tcp_conn *c = tcp_next_unrouted(p->b.tcp);
    assert_non_null(c);
    tcp_set_path(c, NULL, p->now_ns);
    tcp_tick(p->b.tcp, p->now_ns);
    assert_int_equal(p->b.listener->n[QUEUE_SYN], 0);
    assert_int_equal(p->b.tcp->conns.used, 0);
    pair_free(p);
}

/* [SHLD-3]: also when our own FIN is on its way, for nobody would send it again. */
static void close_with_unread_text(void **state)
{
    (void)state;
    for (int s = 0; s < 6; s++) {
        struct pair *p = solo(NULL);
        if (s == 1 || s == 2 || s == 4)
            tcp_shutdown(p->b.conn, p->now_ns);
        flush(p);
        say(p, 0, s == 2, s >= 3 ? FIN | ACK : ACK, 1000, "unread");
        if (s == 5)
            tcp_shutdown(p->b.conn, p->now_ns);
        flush(p);
        static const enum tcp_state want[] = { ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSE_WAIT, CLOSING, LAST_ACK };
        assert_int_equal(state_of(p->b.conn), want[s]);
        tcp_close(p->b.conn, p->now_ns);
        flush(p);
        assert_int_equal(n_seen, 1);
        assert_int_equal(last_seen()->h.flags, RST | ACK);
        assert_int_equal(p->b.tcp->conns.used, 0);
        pair_free(p);
    }
}

/* A gateway listens on every port at once; what its own stack opens needs one all the same. */
static void ports_beside_a_listener_on_all(void **state)
{
    (void)state;
    struct pair *p = pair_new(&(struct pair_config){ .seed = 1 });
    const struct tcp_user_opt o = { .hold = true };
    assert_int_equal(tcp_listen(p->a.tcp, (struct endpoint){ ADDR_NONE, 0 }, &o, &p->a.listener), PLUMB_OK);
    assert_int_equal(tcp_connect(p->a.tcp, &p->a.path, 0, SERVER_PORT, NULL, &p->a.conn, p->now_ns), PLUMB_OK);
    tcp_close(p->a.conn, p->now_ns);
    pair_free(p);
}

static void replies_are_bounded(void **state)
{
    (void)state;
    struct pair *p = pair_new(&(struct pair_config){ .seed = 1 });
    for (uint16_t i = 0; i < 300; i++)
        inject(p, &p->b, &(struct raw){ .from_port = i, .to_port = 9, .flags = SYN });
    assert_int_equal(drops(&p->b, WHY_REPLY_QUEUE_FULL), 300 - REPLIES);
    struct flow f;
    assert_true(tcp_reply_flow(p->b.tcp, &f));
    assert_null(tcp_reply_pop(p->b.tcp, NULL));                 /* no route: gone */
    watch_log(p, false);
    flush(p);
    assert_int_equal(n_seen, REPLIES - 1);
    pair_free(p);
}

TESTS(readiness, close_while_opening, abort_in_every_state, tables_are_bounded, paths, no_way_is_not_for_ever, half_open_without_a_way_back,
      close_with_unread_text, ports_beside_a_listener_on_all, replies_are_bounded)
