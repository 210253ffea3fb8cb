/* SYN cookies: what comes back, what does not, and what is remembered. */
#include "pair.h"

static struct pair *always(void) { return solo_listen(&(struct tcp_config){ .syn_cookies = SYN_COOKIES_ALWAYS }, NULL); }

/* A SYN from `port` and the cookie that answers it. */
static seq_t ask(struct pair *p, uint16_t port, const uint8_t *opt, uint8_t len)
{
    inject(p, &p->b, &(struct raw){ .from_port = port, .to_port = SERVER_PORT, .seq = seq(PEER_ISS), .flags = SYN, .window = 5000, .opt = opt, .opt_len = len });
    flush(p);
    assert_int_equal(n_seen, 1);
    assert_int_equal(last_seen()->h.flags, SYN | ACK);
    assert_int_equal(last_seen()->h.ack.n, PEER_ISS + 1);
    assert_int_equal(tcp_count(p->b.tcp), 0);
    assert_int_equal(p->b.tcp->conns.used, 0);
    return last_seen()->h.seq;
}

static void bring_back(struct pair *p, uint16_t port, seq_t cookie, const uint8_t *opt, uint8_t len)
{
    inject(p, &p->b, &(struct raw){ .from_port = port, .to_port = SERVER_PORT, .seq = seq(PEER_ISS + 1), .ack = seq_add(cookie, 1), .flags = ACK,
                                    .window = 5000, .opt = opt, .opt_len = len });
    flush(p);
}

static void mss_is_remembered(void **state)
{
    (void)state;
    static const uint16_t said[] = { 30, 64, 100, 256, 535, 536, 1219, 1220, 1400, 1452, 1460, 1500, 9000 };
    static const uint16_t kept[] = { 64, 64, 64, 256, 256, 536, 536, 1220, 1360, 1440, 1460, 1460, 8960 };
    struct pair *p = always();
    for (unsigned i = 0; i < sizeof said / sizeof *said; i++) {
        const uint8_t opt[] = { 2, 4, (uint8_t)(said[i] >> 8), (uint8_t)said[i] };
        const uint16_t port = (uint16_t)(6000 + i);
        bring_back(p, port, ask(p, port, opt, sizeof opt), NULL, 0);
        struct tcp_conn *c = tcp_accept(p->b.listener);
        assert_non_null(c);
        assert_int_equal(state_of(c), ESTABLISHED);
        assert_int_equal(c->peer_mss, kept[i]);
        assert_false(c->scaled || c->ts.on);
        tcp_abort(c, p->now_ns);
        flush(p);
    }
    bring_back(p, 7000, ask(p, 7000, NULL, 0), NULL, 0);        /* none said [MUST-15] */
    struct tcp_conn *c = tcp_accept(p->b.listener);
    assert_int_equal(c->peer_mss, 536);
    tcp_abort(c, p->now_ns);
    flush(p);
    pair_free(p);
}

static void options_are_remembered(void **state)
{
    (void)state;
    struct pair *p = always();
    p->now_ns = 12345 * NS_PER_SEC;
    for (uint8_t scale = 0; scale <= 16; scale++) {             /* 15 and 16 count as 14 (RFC 7323 §2.3) */
        const uint8_t opt[] = { 2, 4, 5, 180, 1, 3, 3, scale, 1, 1, 8, 10, 0, 0, 1, 0, 0, 0, 0, 0 };
        const uint16_t port = (uint16_t)(6000 + scale);
        const seq_t cookie = ask(p, port, opt, sizeof opt);
        const struct flow f = { p->b.path.local, p->b.path.remote, SERVER_PORT, port };
        const uint32_t now = tcp_ts_clock(tcp_ts_offset(tcp_flow_bits(p->b.tcp, &f)), p->now_ns), ts = last_seen()->opt.ts_val;
        assert_in_range(now - ts, 0, 64);                       /* never ahead: a later one is not old */
        assert_int_equal(last_seen()->opt.ts_ecr, 256);
        assert_true(last_seen()->opt.has_wscale);
        const uint8_t echo[] = { 1, 1, 8, 10, 0, 0, 1, 1, (uint8_t)(ts >> 24), (uint8_t)(ts >> 16), (uint8_t)(ts >> 8), (uint8_t)ts };
        bring_back(p, port, cookie, echo, sizeof echo);
        struct tcp_conn *c = tcp_accept(p->b.listener);
        assert_non_null(c);
        assert_true(c->ts.on && c->scaled);
        assert_int_equal(c->snd_scale, scale > 14 ? 14 : scale);
        assert_int_equal(c->snd.wnd, 5000u << c->snd_scale);
        assert_int_equal(c->ts.recent, 257);
        tcp_abort(c, p->now_ns);
        flush(p);
        p->now_ns += 7 * NS_PER_MS;
    }
    pair_free(p);
}

static void only_the_very_cookie_counts(void **state)
{
    (void)state;
    struct pair *p = always();
    const seq_t cookie = ask(p, 6000, NULL, 0), other = ask(p, 6001, NULL, 0);
    assert_int_not_equal(cookie.n >> 4, other.n >> 4);
    for (unsigned bit = 0; bit < 32; bit++)
        bring_back(p, 6000, seq(cookie.n ^ 1u << bit), NULL, 0);
    bring_back(p, 6001, cookie, NULL, 0);
    bring_back(p, 6000, other, NULL, 0);
    assert_int_equal(drops(&p->b, WHY_COOKIE_BAD), 34);
    assert_int_equal(p->b.tcp->conns.used, 0);
    for (uint32_t i = 0; i < 100000; i++) {                     /* one guess in 2^28 */
        inject(p, &p->b, &(struct raw){ .from_port = 6000, .to_port = SERVER_PORT, .seq = seq(PEER_ISS + 1), .ack = seq(i * 40503), .flags = ACK });
        if (i % 128 == 0)
            flush(p);
    }
    assert_int_equal(p->b.tcp->conns.used, 0);
    bring_back(p, 6000, cookie, NULL, 0);
    assert_non_null(tcp_accept(p->b.listener));
    pair_free(p);
}

static void secrets_go(void **state)
{
    (void)state;
    struct pair *p = always();
    for (int64_t wait_s = 0; wait_s < 200; wait_s += 50) {
        const uint16_t port = (uint16_t)(6000 + wait_s);
        const seq_t cookie = ask(p, port, NULL, 0);
        const int64_t period = p->now_ns / (64 * NS_PER_SEC);
        p->now_ns += wait_s * NS_PER_SEC;
        bring_back(p, port, cookie, NULL, 0);
        struct tcp_conn *c = tcp_accept(p->b.listener);
        assert_int_equal(c != NULL, p->now_ns / (64 * NS_PER_SEC) <= period + 1);
        if (c)
            tcp_abort(c, p->now_ns);
        flush(p);
    }
    pair_free(p);
}

/* Ten times the queue, and all connect; half-open ones of all listeners are few. */
static void a_full_queue_stops_nobody(void **state)
{
    (void)state;
    struct pair *p = solo_listen(&(struct tcp_config){ .max_conns = 64 }, &(struct tcp_user_opt){ .backlog = 8 });
    for (uint16_t i = 0; i < 200; i++)
        inject(p, &p->b, &(struct raw){ .from_port = (uint16_t)(6000 + i), .to_port = SERVER_PORT, .seq = seq(5), .flags = SYN });
    assert_int_equal(tcp_count(p->b.tcp), 17);                  /* a quarter of the table */
    flush(p);
    assert_int_equal(n_seen, 200);
    for (unsigned i = 0; i < 200; i++) {
        inject(p, &p->b, &(struct raw){ .from_port = seen[i].h.dst_port, .to_port = SERVER_PORT, .seq = seq(6), .ack = seq_add(seen[i].h.seq, 1), .flags = ACK });
        struct tcp_conn *c = tcp_accept(p->b.listener);
        assert_non_null(c);
        assert_int_equal(c->node.remote_port, seen[i].h.dst_port);
        tcp_abort(c, p->now_ns);
    }
    assert_int_equal(p->b.tcp->half_open, 0);
    pair_free(p);
}

TESTS(mss_is_remembered, options_are_remembered, only_the_very_cookie_counts, secrets_go, a_full_queue_stops_nobody)
