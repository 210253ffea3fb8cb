/* Time stamps, keepalive, TIME-WAIT, sequence numbers and ports. */
#include "pair.h"

static const uint8_t ts_syn[] = { 2, 4, 5, 180, 8, 10, 0, 0, 0, 100, 0, 0, 0, 0, 1, 1 };

static void done(struct pair *p)
{
    if (state_of(p->b.conn) == CLOSED)
        tcp_close(p->b.conn, p->now_ns);
    else
        tcp_abort(p->b.conn, p->now_ns);
    pair_exchange(p);
    pair_free(p);
}

static void stamped(struct pair *p, int32_t at, int32_t ack, uint8_t flags, uint32_t val, const char *text)
{
    uint8_t opt[12] = { 1, 1, 8, 10 };
    store_be32(opt + 4, val);
    const struct raw r = { .seq = seq_add(seq(PEER_ISS + 1), (uint32_t)at), .ack = seq_add(p->b.conn->snd.iss, 1 + (uint32_t)ack), .flags = flags,
        .window = 50000, .text = text, .text_len = text ? (uint32_t)strlen(text) : 0, .opt = opt, .opt_len = 12, .from_port = PEER_PORT, .to_port = SERVER_PORT };
    inject(p, &p->b, &r);
}

static void paws(void **state)
{
    (void)state;
    struct pair *p = solo_opt(NULL, ts_syn, sizeof ts_syn, 50000);
    stamped(p, 0, 0, ACK, 200, "abcd");
    stamped(p, 4, 0, ACK, 200, "efgh");
    flush(p);
    assert_int_equal(last_seen()->opt.ts_ecr, 200);
    stamped(p, 8, 0, ACK, 199, "old");
    flush(p);
    assert_int_equal(drops(&p->b, WHY_PAWS), 1);
    assert_int_equal(n_seen, 1);
    say(p, 8, 0, ACK, 50000, "bare");
    assert_int_equal(drops(&p->b, WHY_TS_MISSING), 1);
    stamped(p, 10, 0, ACK, 300, "kl");                          /* out of order: does not become the echo */
    flush(p);
    assert_int_equal(last_seen()->opt.ts_ecr, 200);
    stamped(p, 8, 0, ACK, 250, "ij");
    flush(p);
    assert_int_equal(last_seen()->opt.ts_ecr, 250);
    p->now_ns += 25 * 24 * 3600 * NS_PER_SEC;                   /* after 24 days it says nothing */
    stamped(p, 12, 0, ACK, 5, "mn");
    char got[20];
    assert_int_equal(get(&p->b, got, 20, p->now_ns), 14);
    pair_run(p, NS_PER_SEC);
    assert_int_equal(last_seen()->opt.ts_ecr, 5);               /* and what came is the echo from now on */
    stamped(p, 14, 0, RST, 1, NULL);                            /* a RST is not judged by it */
    assert_int_equal(state_of(p->b.conn), CLOSED);
    done(p);
}

/* [MAY-5] [MUST-24] [MUST-25] [MUST-26] [MUST-27] [MUST-28] [MUST-29] [SHLD-12] */
static void keepalive(void **state)
{
    (void)state;
    struct pair *p = solo(NULL);
    pair_run(p, 30000 * NS_PER_SEC);
    assert_int_equal(n_seen, 0);                                /* off by default [MUST-25] */
    assert_int_equal(tcp_deadline(p->b.tcp), DEADLINE_NEVER);
    tcp_set_opt(p->b.conn, &(struct tcp_user_opt){ .keepalive = true }, p->now_ns);
    pair_run(p, 7199 * NS_PER_SEC);
    assert_int_equal(n_seen, 0);
    pair_run(p, 2 * NS_PER_SEC);
    assert_int_equal(n_seen, 1);
    assert_int_equal(last_seen()->text, 0);
    assert_int_equal(seq_off(&p->b, last_seen()->h.seq), -1);
    say(p, 0, 0, ACK, 50000, NULL);                             /* answered: idle again */
    n_seen = 0;
    pair_run(p, 7000 * NS_PER_SEC);
    assert_int_equal(n_seen, 0);
    pair_run(p, 7200 * NS_PER_SEC);
    assert_int_equal(state_of(p->b.conn), CLOSED);              /* nine probes, none answered */
    assert_int_equal(n_seen, 9 + 1);
    assert_int_equal(last_seen()->h.flags, RST | ACK);
    struct tcp_status s;
    tcp_status(p->b.conn, &s);
    assert_int_equal(s.error, PLUMB_TIMED_OUT);
    done(p);
}

static struct pair *in_time_wait(const uint8_t *opt, uint8_t opt_len)
{
    struct pair *p = solo_opt(NULL, opt, opt_len, 50000);
    tcp_shutdown(p->b.conn, p->now_ns);
    flush(p);
    if (opt)
        stamped(p, 0, 1, FIN | ACK, 200, NULL);
    else
        say(p, 0, 1, FIN | ACK, 50000, NULL);
    assert_int_equal(state_of(p->b.conn), TIME_WAIT);
    flush(p);
    return p;
}

/* [MUST-13] */
static void time_wait(void **state)
{
    (void)state;
    struct pair *p = in_time_wait(NULL, 0);
    pair_run(p, 50 * NS_PER_SEC);
    say(p, 0, 1, FIN | ACK, 50000, NULL);                       /* the FIN again: acknowledged, and 2 MSL begin anew */
    flush(p);
    assert_int_equal(last_seen()->h.flags, ACK);
    assert_int_equal(ack_off(&p->b, last_seen()->h.ack), 1);
    pair_run(p, 50 * NS_PER_SEC);
    assert_int_equal(state_of(p->b.conn), TIME_WAIT);
    say(p, 1, 1, ACK, 50000, "text");
    flush(p);
    assert_int_equal(n_seen, 1);
    say(p, 1, 1, ACK, 50000, NULL);
    flush(p);
    assert_int_equal(n_seen, 0);
    say(p, 5, 1, RST, 0, NULL);
    assert_int_equal(state_of(p->b.conn), TIME_WAIT);
    tcp_close(p->b.conn, p->now_ns);                            /* only the record is left */
    assert_int_equal(p->b.tcp->conns.used, 0);
    assert_int_equal(tcp_count(p->b.tcp), 1);
    struct tcp_status s;
    uint32_t cursor = 0;
    assert_true(tcp_walk(p->b.tcp, &cursor, &s));
    assert_int_equal(s.state, TIME_WAIT);
    assert_true(tcp_walk(p->b.tcp, &cursor, &s));
    assert_int_equal(s.state, LISTEN);
    assert_false(tcp_walk(p->b.tcp, &cursor, &s));
    pair_run(p, 60 * NS_PER_SEC);
    assert_int_equal(tcp_count(p->b.tcp), 0);
    assert_int_equal(tcp_deadline(p->b.tcp), DEADLINE_NEVER);
    pair_free(p);
}

/* [MAY-2] [SHLD-4] */
static void reopened(void **state)
{
    (void)state;
    struct pair *p = in_time_wait(NULL, 0);                     /* by number [MAY-2] */
    const seq_t used = p->b.conn->snd.nxt;
    say(p, 0, 1, SYN, 50000, NULL);                             /* an old duplicate */
    flush(p);
    assert_int_equal(last_seen()->h.flags, ACK);
    inject(p, &p->b, &(struct raw){ .from_port = PEER_PORT, .to_port = SERVER_PORT, .seq = seq(90000), .flags = SYN });
    flush(p);
    assert_int_equal(last_seen()->h.flags, SYN | ACK);
    assert_true(seq_lt(used, last_seen()->h.seq));              /* beyond what the old one used */
    assert_int_equal(state_of(p->b.conn), CLOSED);
    done(p);
    p = in_time_wait(ts_syn, sizeof ts_syn);                    /* by time stamp [SHLD-4] */
    stamped(p, -500, 0, SYN, 150, NULL);
    flush(p);
    assert_int_equal(last_seen()->h.flags, ACK);
    stamped(p, -500, 0, SYN, 201, NULL);                        /* a smaller number, a later stamp */
    flush(p);
    assert_int_equal(last_seen()->h.flags, SYN | ACK);
    done(p);
}

static void records_are_bounded(void **state)
{
    (void)state;
    struct tcp_config cfg = { .max_conns = 4 };
    struct pair *p = solo_listen(&cfg, NULL);
    for (uint16_t i = 0; i < 9; i++) {
        inject(p, &p->b, &(struct raw){ .from_port = (uint16_t)(6000 + i), .to_port = SERVER_PORT, .seq = seq(5), .flags = SYN, .window = 500 });
        flush(p);
        inject(p, &p->b, &(struct raw){ .from_port = (uint16_t)(6000 + i), .to_port = SERVER_PORT, .seq = seq(6), .ack = seq_add(last_seen()->h.seq, 1), .flags = ACK, .window = 500 });
        tcp_close(tcp_accept(p->b.listener), p->now_ns);
        flush(p);
        inject(p, &p->b, &(struct raw){ .from_port = (uint16_t)(6000 + i), .to_port = SERVER_PORT, .seq = seq(6), .ack = seq_add(last_seen()->h.seq, 1), .flags = ACK | FIN, .window = 500 });
        flush(p);
    }
    assert_int_equal(tcp_count(p->b.tcp), 4);
    assert_int_equal(drops(&p->b, WHY_MEMORY_PRESSURE), 5);
    pair_run(p, 61 * NS_PER_SEC);
    assert_int_equal(tcp_count(p->b.tcp), 0);
    pair_free(p);
}

static uint64_t bits_of(const struct tcp *t, const struct tcp_node *n)
{
    return tcp_flow_bits(t, &(struct flow){ n->local, n->remote, n->local_port, n->remote_port });
}

/* [MUST-8] [MUST-9] [SHLD-1] */
static void isn(void **state)
{
    (void)state;
    struct pair *p = pair_new(&(struct pair_config){ .seed = 1 }), *q = pair_new(&(struct pair_config){ .seed = 2 });
    struct tcp_node n = { .local = p->a.path.local, .remote = p->a.path.remote, .local_port = 1, .remote_port = 2 }, m = n;
    m.remote_port = 3;
    const struct flow nf = { p->a.path.local, p->a.path.remote, 1, 2 }, mf = { p->a.path.local, p->a.path.remote, 1, 3 };
    const seq_t at = tcp_isn(p->a.tcp, bits_of(p->a.tcp, &n), NS_PER_SEC);
    assert_int_equal(seq_diff(tcp_isn(p->a.tcp, bits_of(p->a.tcp, &n), NS_PER_SEC + 4 * NS_PER_US), at), 1);       /* [MUST-8] */
    assert_int_equal(seq_diff(tcp_isn(p->a.tcp, bits_of(p->a.tcp, &n), 2 * NS_PER_SEC), at), 250000);
    assert_int_not_equal(tcp_isn(p->a.tcp, bits_of(p->a.tcp, &m), NS_PER_SEC).n, at.n);
    assert_int_not_equal(tcp_isn(q->a.tcp, bits_of(q->a.tcp, &n), NS_PER_SEC).n, at.n);                            /* the secret [SHLD-1] */
    assert_int_not_equal(tcp_ts_offset(tcp_flow_bits(p->a.tcp, &mf)), tcp_ts_offset(tcp_flow_bits(p->a.tcp, &nf)));           /* RFC7323-5.4b */
    assert_int_not_equal(tcp_ts_offset(tcp_flow_bits(q->a.tcp, &nf)), tcp_ts_offset(tcp_flow_bits(p->a.tcp, &nf)));
    pair_free(p);
    pair_free(q);
}

static void ports(void **state)
{
    (void)state;
    struct pair *p = pair_new(&(struct pair_config){ .seed = 1 });
    uint16_t a = 0, b = 0, c = 0;
    struct path other = p->a.path;
    other.remote = addr4(0x0a000009);
    assert_int_equal(tcp_pick_port(p->a.tcp, &p->a.path, 80, &a, p->now_ns), PLUMB_OK);
    assert_int_equal(tcp_pick_port(p->a.tcp, &p->a.path, 80, &b, p->now_ns), PLUMB_OK);
    assert_int_equal(tcp_pick_port(p->a.tcp, &other, 80, &c, p->now_ns), PLUMB_OK);
    assert_true(a >= 32768 && b >= 32768);
    assert_int_not_equal(a, b);
    assert_int_not_equal(c, (uint16_t)(b + 1));                 /* another peer, another sequence */
    pair_free(p);
}

/* A numbering that wraps in the middle of a transfer. */
static void sequence_wrap(void **state)
{
    (void)state;
    struct pair *p = pair_new(&(struct pair_config){ .seed = 12 });
    pair_connect(p, NULL);
    tcp_abort(p->a.conn, p->now_ns);
    pair_run(p, NS_PER_SEC);
    tcp_close(p->b.conn, p->now_ns);
    p->b.conn = NULL;
    /* the generator's clock is pushed until the next ISN lies just below the wrap */
    struct tcp_node n = { .local = p->a.path.local, .remote = p->a.path.remote, .local_port = 40000, .remote_port = SERVER_PORT };
    const uint32_t left = UINT32_MAX - 100000 - tcp_isn(p->a.tcp, bits_of(p->a.tcp, &n), p->now_ns).n;
    p->now_ns += (int64_t)left * 4 * NS_PER_US;
    assert_int_equal(tcp_connect(p->a.tcp, &p->a.path, 40000, SERVER_PORT, NULL, &p->a.conn, p->now_ns), PLUMB_OK);
    while (!p->b.conn) {
        pair_step(p, p->now_ns + NS_PER_SEC);
        p->b.conn = tcp_accept(p->b.listener);
    }
    p->loss = 0.03;
    static char page[300000], got[300000];
    for (size_t i = 0; i < sizeof page; i++)
        page[i] = (char)(i * 7 >> 3);
    size_t in = 0, out = 0;
    while (out < sizeof page) {
        in += put(&p->a, page + in, sizeof page - in, p->now_ns);
        pair_step(p, p->now_ns + NS_PER_SEC);
        out += get(&p->b, got + out, sizeof page - out, p->now_ns);
    }
    assert_memory_equal(page, got, sizeof page);
    assert_true(p->a.conn->snd.nxt.n < 1000000);                /* it did wrap */
    p->loss = 0;
    tcp_abort(p->a.conn, p->now_ns);
    pair_run(p, NS_PER_SEC);
    tcp_close(p->b.conn, p->now_ns);
    pair_free(p);
}

TESTS(paws, keepalive, time_wait, reopened, records_are_bounded, isn, ports, sequence_wrap)
