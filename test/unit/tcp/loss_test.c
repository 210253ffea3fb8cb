/* Loss: RFC 5681 §3.2, RFC 6582, RFC 6298, RFC 3042. */
#include "pair.h"

static char page[200000];

static struct pair *sender(uint32_t bytes)
{
    struct pair *p = solo(NULL);
    assert_int_equal(put(&p->b, page, bytes, p->now_ns), bytes);
    flush(p);
    return p;
}

static void done(struct pair *p)
{
    if (state_of(p->b.conn) == CLOSED)
        tcp_close(p->b.conn, p->now_ns);
    else
        tcp_abort(p->b.conn, p->now_ns);
    pair_exchange(p);
    pair_free(p);
}

static void three_duplicates(void **state)
{
    (void)state;
    struct pair *p = sender(40000);
    assert_int_equal(n_seen, 10);
    say(p, 0, 2000, ACK, 50000, NULL);
    flush(p);
    assert_int_equal(n_seen, 4);                                /* [2000, 14000) in flight, cwnd 12000 */
    say(p, 0, 2000, ACK, 50000, NULL);
    flush(p);
    assert_int_equal(n_seen, 1);                                /* limited transmit */
    assert_int_equal(seq_off(&p->b, last_seen()->h.seq), 14000);
    say(p, 0, 2000, ACK, 50000, NULL);
    flush(p);
    assert_int_equal(n_seen, 1);
    say(p, 0, 2000, ACK, 50000, NULL);
    flush(p);
    assert_int_equal(n_seen, 1);                                /* fast retransmit */
    assert_int_equal(seq_off(&p->b, last_seen()->h.seq), 2000);
    assert_int_equal(last_seen()->text, 1000);
    struct tcp_status s;
    tcp_status(p->b.conn, &s);
    assert_int_equal(s.ssthresh, 7000);                         /* half of the 14 in flight */
    assert_int_equal(s.retransmits, 1);
    for (int i = 0; i < 8; i++)                                 /* window inflates: new text */
        say(p, 0, 2000, ACK, 50000, NULL);
    flush(p);
    assert_true(n_seen > 0);
    assert_true(seq_off(&p->b, seen[0].h.seq) >= 16000);
    say(p, 0, 5000, ACK, 50000, NULL);                          /* partial: the next hole at once */
    flush(p);
    assert_int_equal(seq_off(&p->b, seen[0].h.seq), 5000);
    const uint32_t sent = (uint32_t)seq_off(&p->b, p->b.conn->snd.nxt);
    say(p, 0, (int32_t)sent, ACK, 50000, NULL);                 /* full: recovery is over */
    tcp_status(p->b.conn, &s);
    assert_true(s.cwnd <= 7000 + 1000);
    flush(p);
    assert_true(n_seen >= 1);
    done(p);
}

static void not_duplicates(void **state)
{
    (void)state;
    struct pair *p = sender(10000);
    for (int i = 0; i < 3; i++)
        say(p, 0, 0, ACK, (uint16_t)(50001 + i), NULL);         /* window updates */
    for (int i = 0; i < 3; i++)
        say(p, i, 0, ACK, 50003, "x");                          /* text */
    flush(p);
    for (unsigned i = 0; i < n_seen; i++)
        assert_int_equal(seen[i].text, 0);
    done(p);
}

/* [MUST-19] [MUST-20] [SHLD-9] [SHLD-10] [MUST-47] */
static void timeout_backs_off(void **state)
{
    (void)state;
    struct pair *p = sender(20000);
    int64_t last = p->now_ns, gap[5] = { 0 };
    for (int i = 0; i < 5; i++) {
        n_seen = 0;
        while (n_seen == 0)
            pair_step(p, p->now_ns + 100 * NS_PER_SEC);
        assert_int_equal(n_seen, 1);                            /* cwnd is one segment */
        assert_int_equal(seq_off(&p->b, seen[0].h.seq), 0);
        gap[i] = seen[0].at_ns - last;
        last = seen[0].at_ns;
        if (i)
            assert_int_equal(gap[i], 2 * gap[i - 1]);
    }
    assert_int_equal(gap[0], 200 * NS_PER_MS);                  /* the minimum */
    struct tcp_status s;
    tcp_status(p->b.conn, &s);
    assert_int_equal(s.ssthresh, 5000);                         /* not halved twice */
    assert_int_equal(s.soft_error, PLUMB_TIMED_OUT);            /* R1 was reached [SHLD-9] */
    n_seen = 0;
    say(p, 0, 1000, ACK, 50000, NULL);
    flush(p);
    assert_int_equal(n_seen, 2);                                /* slow start over what was lost */
    assert_int_equal(seq_off(&p->b, seen[0].h.seq), 1000);
    say(p, 0, 10000, ACK, 50000, NULL);                         /* the peer had the rest */
    flush(p);
    assert_int_equal(seq_off(&p->b, seen[0].h.seq), 10000);
    done(p);
}

/* [MUST-20] [MUST-21] [SHLD-11] */
static void gives_up(void **state)
{
    (void)state;
    struct pair *p = sender(1000);
    const int64_t start = p->now_ns;
    while (state_of(p->b.conn) != CLOSED)
        pair_step(p, p->now_ns + 1000 * NS_PER_SEC);
    assert_true(p->now_ns - start >= 100 * NS_PER_SEC);         /* [SHLD-11] */
    struct tcp_status s;
    tcp_status(p->b.conn, &s);
    assert_int_equal(s.error, PLUMB_TIMED_OUT);
    assert_int_equal(s.retransmits, 15);
    done(p);
    p = sender(1000);
    tcp_set_opt(p->b.conn, &(struct tcp_user_opt){ .retries = 2 }, p->now_ns);      /* [MUST-21] */
    pair_run(p, 10 * NS_PER_SEC);
    assert_int_equal(state_of(p->b.conn), CLOSED);
    done(p);
}

/* [MUST-22] [MUST-23] */
static void syn_is_tried_for_minutes(void **state)
{
    (void)state;
    struct pair *p = pair_new(&(struct pair_config){ .seed = 1 });
    watch_log(p, false);
    assert_int_equal(tcp_connect(p->b.tcp, &p->b.path, 1, 2, NULL, &p->b.conn, p->now_ns), PLUMB_OK);
    const int64_t start = p->now_ns;
    while (state_of(p->b.conn) != CLOSED)
        pair_step(p, p->now_ns + 1000 * NS_PER_SEC);
    assert_int_equal(n_seen, 8);
    assert_true(p->now_ns - start >= 180 * NS_PER_SEC);         /* [MUST-23] */
    assert_int_equal(seen[1].at_ns - seen[0].at_ns, NS_PER_SEC);
    assert_int_equal(seen[2].at_ns - seen[1].at_ns, 2 * NS_PER_SEC);
    struct tcp_status s;
    tcp_status(p->b.conn, &s);
    assert_int_equal(s.error, PLUMB_TIMED_OUT);
    done(p);
}

static void lost_syn_begins_with_one_segment(void **state)
{
    (void)state;
    struct pair *p = pair_new(&(struct pair_config){ .seed = 2, .a.no_timestamps = true });
    p->loss = 1;
    pair_listen(p, NULL);
    assert_int_equal(tcp_connect(p->a.tcp, &p->a.path, 0, SERVER_PORT, NULL, &p->a.conn, p->now_ns), PLUMB_OK);
    pair_exchange(p);
    p->loss = 0;
    pair_run(p, 2 * NS_PER_SEC);
    struct tcp_status s;
    tcp_status(p->a.conn, &s);
    assert_int_equal(s.state, ESTABLISHED);
    assert_int_equal(s.cwnd, s.mss);
    assert_true(s.rto_ns >= 3 * NS_PER_SEC);                    /* RFC 6298 (5.7): the SYN gave no sample */
    p->b.conn = tcp_accept(p->b.listener);
    tcp_abort(p->a.conn, p->now_ns);
    pair_run(p, NS_PER_SEC);
    tcp_close(p->b.conn, p->now_ns);
    pair_free(p);
}

static void rtt_is_measured(void **state)
{
    (void)state;
    struct pair *p = pair_new(&(struct pair_config){ .seed = 3 });
    p->delay_ns = 50 * NS_PER_MS;
    pair_connect(p, NULL);
    struct tcp_status s;
    tcp_status(p->a.conn, &s);
    assert_int_equal(s.srtt_ns, 100 * NS_PER_MS);
    assert_int_equal(s.rttvar_ns, 50 * NS_PER_MS);
    assert_int_equal(s.rto_ns, 300 * NS_PER_MS);                /* SRTT + 4 * RTTVAR */
    tcp_abort(p->a.conn, p->now_ns);
    pair_run(p, NS_PER_SEC);
    tcp_close(p->b.conn, p->now_ns);
    pair_free(p);
}

/* [MUST-18] */
static void karn(void **state)
{
    (void)state;
    struct pair *p = sender(1000);
    struct tcp_status before, after;
    tcp_status(p->b.conn, &before);
    pair_run(p, 250 * NS_PER_MS);                               /* sent twice */
    say(p, 0, 1000, ACK, 50000, NULL);
    tcp_status(p->b.conn, &after);
    assert_int_equal(before.srtt_ns, after.srtt_ns);            /* no sample */
    assert_true(after.rto_ns > before.rto_ns);                  /* the back-off is kept */
    put(&p->b, page, 10, p->now_ns);
    flush(p);
    p->now_ns += NS_PER_MS;
    say(p, 0, 1010, ACK, 50000, NULL);
    tcp_status(p->b.conn, &after);
    assert_int_equal(after.rto_ns, 200 * NS_PER_MS);
    done(p);
}

static void idle_restarts_slowly(void **state)
{
    (void)state;
    struct pair *p = sender(60000);
    for (int32_t at = 10000; at <= 60000; at += 10000) {
        say(p, 0, at < seq_off(&p->b, p->b.conn->snd.nxt) ? at : seq_off(&p->b, p->b.conn->snd.nxt), ACK, 50000, NULL);
        flush(p);
    }
    say(p, 0, 60000, ACK, 50000, NULL);
    assert_true(p->b.conn->cc.cwnd > 20000);
    pair_run(p, 20 * NS_PER_SEC);
    put(&p->b, page, 40000, p->now_ns);
    flush(p);
    assert_int_equal(n_seen, 10);                               /* the restart window */
    done(p);
}

static void too_big_lowers_the_segment(void **state)
{
    (void)state;
    struct pair *p = sender(10000);
    struct tcp_icmp e = { .kind = TCP_ICMP_TOO_BIG, .mtu = 600, .has_seq = true, .seq = seq_add(p->b.conn->snd.nxt, 5) };
    tcp_flow(p->b.conn, &e.flow);
    tcp_icmp(p->b.tcp, &e, p->now_ns);
    flush(p);
    assert_int_equal(n_seen, 0);                                /* quotes nothing in flight: RFC 5927 */
    e.seq = p->b.conn->snd.una;
    tcp_icmp(p->b.tcp, &e, p->now_ns);
    flush(p);
    assert_int_equal(seq_off(&p->b, seen[0].h.seq), 0);
    assert_int_equal(seen[0].text, 560);
    struct tcp_status s;
    tcp_status(p->b.conn, &s);
    assert_int_equal(s.mss, 560);
    assert_int_equal(s.cwnd, 10000);                            /* no sign of congestion */
    done(p);
}

/* [MUST-54] [MUST-55] [MUST-56] [SHLD-25] */
static void icmp_errors(void **state)
{
    (void)state;
    struct pair *p = sender(1000);
    struct tcp_icmp e = { .kind = TCP_ICMP_HARD, .err = PLUMB_UNREACHABLE, .has_seq = true, .seq = p->b.conn->snd.una };
    tcp_flow(p->b.conn, &e.flow);
    tcp_icmp(p->b.tcp, &e, p->now_ns);
    struct tcp_status s;
    tcp_status(p->b.conn, &s);
    assert_int_equal(s.state, ESTABLISHED);                     /* synchronized: soft, RFC 5461 */
    assert_int_equal(s.soft_error, PLUMB_UNREACHABLE);
    done(p);
    p = pair_new(&(struct pair_config){ .seed = 1 });
    watch_log(p, false);
    assert_int_equal(tcp_connect(p->b.tcp, &p->b.path, 1, 2, NULL, &p->b.conn, p->now_ns), PLUMB_OK);
    flush(p);
    e.seq = p->b.conn->snd.iss;
    tcp_flow(p->b.conn, &e.flow);
    e.kind = TCP_ICMP_SOFT;
    tcp_icmp(p->b.tcp, &e, p->now_ns);
    assert_int_equal(state_of(p->b.conn), SYN_SENT);            /* [MUST-56] */
    e.kind = TCP_ICMP_HARD;
    e.err = PLUMB_REFUSED;
    tcp_icmp(p->b.tcp, &e, p->now_ns);
    tcp_status(p->b.conn, &s);
    assert_int_equal(s.state, CLOSED);
    assert_int_equal(s.error, PLUMB_REFUSED);
    done(p);
}

TESTS(three_duplicates, not_duplicates, timeout_backs_off, gives_up, syn_is_tried_for_minutes, lost_syn_begins_with_one_segment, rtt_is_measured,
      karn, idle_restarts_slowly, too_big_lowers_the_segment, icmp_errors)
