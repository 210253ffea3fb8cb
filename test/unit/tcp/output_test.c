/* What is sent, and when: §3.7, §3.8.6. */
#include "pair.h"

static char page[70000];

static struct pair *sender(const struct tcp_user_opt *o, uint16_t window)
{
    struct pair *p = solo_opt(NULL, NULL, 0, window);
    memset(page, 'p', sizeof page);
    if (o)
        tcp_set_opt(p->b.conn, o, p->now_ns);
    return p;
}

static void done(struct pair *p)
{
    tcp_abort(p->b.conn, p->now_ns);
    pair_exchange(p);
    pair_free(p);
}

/* [SHLD-28] [MUST-19] */
static void initial_window_of_ten(void **state)
{
    (void)state;
    struct pair *p = sender(NULL, 50000);
    assert_int_equal(put(&p->b, page, 30000, p->now_ns), 30000);
    flush(p);
    assert_int_equal(n_seen, 10);
    for (unsigned i = 0; i < n_seen; i++) {
        assert_int_equal(seen[i].text, 1000);                   /* the peer's MSS */
        assert_int_equal(seq_off(&p->b, seen[i].h.seq), 1000 * (int)i);
        assert_int_equal(seen[i].h.flags, ACK);
    }
    flush(p);
    assert_int_equal(n_seen, 0);                                /* called twice, sends nothing */
    say(p, 0, 2000, ACK, 50000, NULL);
    flush(p);
    assert_int_equal(n_seen, 4);                                /* slow start: two for each */
    done(p);
}

/* RFC 5681 §3.1, RFC 6298 §2.4 */
static void rfc_plain_profile(void **state)
{
    (void)state;
    const struct tcp_config plain = tcp_rfc_plain();
    struct pair *p = solo(&plain);
    assert_int_equal(put(&p->b, page, 30000, p->now_ns), 30000);
    flush(p);
    assert_int_equal(n_seen, 4);                                /* of at most 1095 bytes */
    p->now_ns += 10 * NS_PER_MS;
    say(p, 0, 2000, ACK, 50000, NULL);
    flush(p);
    assert_int_equal(n_seen, 3);                                /* an ACK counts as one segment */
    struct tcp_status s;
    tcp_status(p->b.conn, &s);
    assert_int_equal(s.rto_ns, NS_PER_SEC);                     /* though the round trip takes 10 ms */
    n_seen = 0;
    pair_run(p, 999 * NS_PER_MS);
    assert_int_equal(n_seen, 0);
    pair_run(p, 10 * NS_PER_MS);
    assert_int_equal(n_seen, 1);
    done(p);
}

/* [SHLD-7] [MUST-17] [MUST-61] [MAY-15] */
static void nagle(void **state)
{
    (void)state;
    struct pair *p = sender(NULL, 50000);
    put(&p->b, "a", 1, p->now_ns);
    flush(p);
    assert_int_equal(last_seen()->text, 1);
    assert_int_equal(last_seen()->h.flags, ACK | PSH);
    put(&p->b, "bc", 2, p->now_ns);
    flush(p);
    assert_int_equal(n_seen, 0);                                /* something is unacknowledged */
    put(&p->b, page, 1500, p->now_ns);
    flush(p);
    assert_int_equal(n_seen, 1);
    assert_int_equal(last_seen()->text, 1000);                  /* a full one may go */
    say(p, 0, 1001, ACK, 50000, NULL);
    flush(p);
    assert_int_equal(last_seen()->text, 502);
    assert_int_equal(last_seen()->h.flags, ACK | PSH);
    put(&p->b, "z", 1, p->now_ns);
    flush(p);
    assert_int_equal(n_seen, 0);
    tcp_set_opt(p->b.conn, &(struct tcp_user_opt){ .no_delay = true }, p->now_ns);
    flush(p);
    assert_int_equal(last_seen()->text, 1);                     /* [MUST-17] */
    done(p);
}

/* [MUST-60] [MAY-16] */
static void cork_and_unpushed_wait_for_the_override(void **state)
{
    (void)state;
    struct pair *p = sender(&(struct tcp_user_opt){ .cork = true }, 50000);
    put(&p->b, "abc", 3, p->now_ns);
    flush(p);
    assert_int_equal(n_seen, 0);
    pair_run(p, 300 * NS_PER_MS);
    assert_int_equal(n_seen, 1);                                /* not indefinitely [MUST-60] */
    done(p);
}

/* [SHLD-27] */
static void fin_takes_the_rest(void **state)
{
    (void)state;
    struct pair *p = sender(NULL, 50000);
    put(&p->b, page, 1500, p->now_ns);
    tcp_shutdown(p->b.conn, p->now_ns);
    flush(p);
    assert_int_equal(n_seen, 2);
    assert_int_equal(last_seen()->text, 500);
    assert_int_equal(last_seen()->h.flags, ACK | PSH | FIN);
    done(p);
}

/* [MUST-38] */
static void silly_windows_are_avoided(void **state)
{
    (void)state;
    struct pair *p = sender(NULL, 3000);
    put(&p->b, page, 10000, p->now_ns);
    flush(p);
    assert_int_equal(n_seen, 3);
    say(p, 0, 3000, ACK, 100, NULL);                            /* a silly window */
    flush(p);
    assert_int_equal(n_seen, 0);
    say(p, 0, 3000, ACK, 1600, NULL);                           /* a full segment, the rest waits */
    flush(p);
    assert_int_equal(n_seen, 1);
    assert_int_equal(last_seen()->text, 1000);
    say(p, 0, 4000, ACK, 100, NULL);
    pair_run(p, 250 * NS_PER_MS);                               /* the override timeout */
    assert_int_equal(last_seen()->text, 100);
    done(p);
}

static void half_of_the_largest_window(void **state)
{
    (void)state;
    struct pair *p = sender(NULL, 900);                         /* below the MSS */
    put(&p->b, page, 5000, p->now_ns);
    flush(p);
    assert_int_equal(n_seen, 1);
    assert_int_equal(last_seen()->text, 900);
    say(p, 0, 900, ACK, 449, NULL);
    flush(p);
    assert_int_equal(n_seen, 0);
    say(p, 0, 900, ACK, 450, NULL);
    flush(p);
    assert_int_equal(last_seen()->text, 450);
    done(p);
}

/* [MUST-35] [MUST-36] [MUST-37] [SHLD-29] [SHLD-30] */
static void zero_window_is_probed(void **state)
{
    (void)state;
    struct pair *p = sender(NULL, 2000);
    put(&p->b, page, 5000, p->now_ns);
    flush(p);
    say(p, 0, 2000, ACK, 0, NULL);
    flush(p);
    assert_int_equal(n_seen, 0);
    int64_t last = p->now_ns, gap = 0;
    for (int i = 0; i < 8; i++) {
        n_seen = 0;
        while (n_seen == 0)
            pair_step(p, p->now_ns + 200 * NS_PER_SEC);
        assert_int_equal(last_seen()->text, 1);
        assert_int_equal(seq_off(&p->b, last_seen()->h.seq), 2000);
        const int64_t at = last_seen()->at_ns;
        assert_true(at - last >= gap);                          /* ever more rarely [SHLD-30] */
        gap = at - last;
        last = at;
        say(p, 0, 2000, ACK, 0, NULL);
    }
    assert_true(gap >= 20 * NS_PER_SEC);
    for (int i = 0; i < 40; i++) {                              /* it may stay closed [MUST-37] */
        pair_run(p, 130 * NS_PER_SEC);
        say(p, 0, 2000, ACK, 0, NULL);
    }
    assert_int_equal(state_of(p->b.conn), ESTABLISHED);
    n_seen = 0;
    say(p, 0, 2000, ACK, 3000, NULL);                           /* reopens: the octet of the probe goes again */
    flush(p);
    assert_int_equal(n_seen, 3);
    assert_int_equal(seq_off(&p->b, seen[0].h.seq), 2000);
    assert_int_equal(seen[0].text, 1000);
    done(p);
}

static void unanswered_probes_end_it(void **state)
{
    (void)state;
    struct pair *p = sender(NULL, 2000);
    put(&p->b, page, 5000, p->now_ns);
    flush(p);
    say(p, 0, 2000, ACK, 0, NULL);
    pair_run(p, 4000 * NS_PER_SEC);
    struct tcp_status s;
    tcp_status(p->b.conn, &s);
    assert_int_equal(s.state, CLOSED);
    assert_int_equal(s.error, PLUMB_TIMED_OUT);
    tcp_close(p->b.conn, p->now_ns);
    pair_free(p);
}

/* [MUST-34] [SHLD-15] [SHLD-16] [SHLD-17] */
static void a_shrunk_window_is_survived(void **state)
{
    (void)state;
    struct pair *p = sender(NULL, 5000);
    put(&p->b, page, 9000, p->now_ns);
    flush(p);
    assert_int_equal(n_seen, 5);
    say(p, 0, 1000, ACK, 1000, NULL);                           /* right edge 5000 -> 2000 */
    flush(p);
    assert_int_equal(n_seen, 0);                                /* nothing new [SHLD-15] */
    pair_run(p, 3 * NS_PER_SEC);
    assert_true(n_seen > 0);
    for (unsigned i = 0; i < n_seen; i++)                       /* what lies in the window again [SHLD-16] */
        assert_true(seq_off(&p->b, seen[i].h.seq) + (int)seen[i].text <= 2000);
    say(p, 0, 5000, ACK, 5000, NULL);
    flush(p);
    assert_int_equal(seq_off(&p->b, seen[0].h.seq), 5000);
    done(p);
}

/* [MUST-31] [MUST-62] */
static void urgent_is_announced(void **state)
{
    (void)state;
    struct pair *p = sender(NULL, 2000);
    put(&p->b, page, 3000, p->now_ns);
    size_t room;
    tcp_reserve(p->b.conn, &room);
    tcp_commit_urgent(p->b.conn, 1, p->now_ns);
    flush(p);
    assert_true(seen[0].h.flags & URG);
    assert_int_equal(seen[0].h.urgent, 3001);                   /* behind the urgent data [MUST-62] */
    assert_int_equal(seen[1].h.urgent, 2001);
    say(p, 0, 2000, ACK, 2000, NULL);
    flush(p);
    assert_int_equal(last_seen()->h.urgent, 1001);
    done(p);
}

/* [MUST-1] [REC-1] */
static void large_packets(void **state)
{
    (void)state;
    struct pair_config cfg = { .seed = 9, .gso = 65535, .a.send_buffer = 1 << 20, .b.recv_buffer = 1 << 20 };
    struct pair *p = pair_new(&cfg);
    pair_connect(p, NULL);
    watch_log(p, true);
    put(&p->a, page, sizeof page, p->now_ns);
    pair_exchange(p);
    assert_int_equal(n_seen, 1);                                /* ten segments in one */
    assert_int_equal(seen[0].text, 10 * 1448);
    assert_int_equal(seen[0].wire, 1448);
    pair_run(p, NS_PER_SEC);
    char *got = malloc(sizeof page);
    assert_int_equal(get(&p->b, got, sizeof page, p->now_ns), sizeof page);
    free(got);
    tcp_abort(p->a.conn, p->now_ns);
    pair_run(p, NS_PER_SEC);
    tcp_close(p->b.conn, p->now_ns);
    pair_free(p);
}

/* [MUST-48] [MUST-49] [SHLD-21] [SHLD-22] */
static void diffserv_and_ttl_reach_ip(void **state)
{
    (void)state;
    struct pair *p = sender(&(struct tcp_user_opt){ .tos = 0x28, .ttl = 7 }, 50000);
    put(&p->b, "x", 1, p->now_ns);
    struct batch b = { .n = 0 };
    tcp_out(p->b.tcp, 0, &b, p->now_ns);
    assert_int_equal(b.n, 1);
    assert_int_equal(b.pkt[0]->tos, 0x28);
    assert_int_equal(b.pkt[0]->ttl, 7);
    batch_free(&b);
    done(p);
}

TESTS(initial_window_of_ten, rfc_plain_profile, nagle, cork_and_unpushed_wait_for_the_override, fin_takes_the_rest, silly_windows_are_avoided,
      half_of_the_largest_window, zero_window_is_probed, unanswered_probes_end_it, a_shrunk_window_is_survived, urgent_is_announced,
      large_packets, diffserv_and_ttl_reach_ip)
