/* Each of the three that show a recovery to have been for nothing gives the window back
 * (RFC 3522, RFC 3708, RFC 5682; RFC 4015 §3). */
#include "sender.h"

static void hear_echo(struct pair *p, uint32_t ack, uint32_t ecr)
{
    const struct tcp_conn *c = p->b.conn;
    const uint8_t opt[12] = { 1, 1, 8, 10, 0, 0, 0, 101, (uint8_t)(ecr >> 24), (uint8_t)(ecr >> 16), (uint8_t)(ecr >> 8), (uint8_t)ecr };
    const struct raw r = { .seq = seq(PEER_ISS + 1), .ack = seq_add(c->snd.iss, 1 + ack), .flags = ACK, .window = 60000, .opt = opt,
                           .opt_len = sizeof opt, .from_port = PEER_PORT, .to_port = SERVER_PORT };
    inject(p, &p->b, &r);
}

/* shows: RFC3522-2 RFC3522-5: the acknowledgment of what was sent again echoes the first one's stamp, or the second's. */
static void by_time_stamp(void **state)
{
    (void)state;
    static const uint8_t opt[] = { 2, 4, SEG >> 8, SEG & 255, 1, 1, 8, 10, 0, 0, 0, 100, 0, 0, 0, 0 };
    for (int first = 0; first < 2; first++) {
        struct pair *p = sender_with(opt, sizeof opt, 4 * SEG);
        const struct tcp_conn *c = p->b.conn;
        const uint32_t before = c->cc.cwnd, stamp = last_seen()->opt.ts_val;
        int32_t at;
        assert_in_range(next_leaves_ms(p, &at), 299, 302);
        assert_int_equal(at, 0);
        assert_true(c->cc.cwnd <= SEG);
        later(p, 10);
        hear_echo(p, c->mss, first ? stamp : last_seen()->opt.ts_val);
        if (first)
            assert_true(c->cc.cwnd >= before);
        else
            assert_true(c->cc.cwnd < before);
        assert_int_equal(c->flight->board.lost_bytes == 0, first);
        sender_done(p);
    }
}

/* shows: RFC3708-3: not before each that was sent again is reported to have come twice. */
static void by_duplicates(void **state)
{
    (void)state;
    struct pair *p = sender(true, 10 * SEG);
    const struct tcp_conn *c = p->b.conn;
    later(p, RTT_MS);
    HEAR(p, 0, { 2000, 10000 });
    pair_exchange(p);                                   /* 0 and 1000 leave again */
    assert_int_equal(tcp_rare(c)->retransmits, 2);
    assert_int_equal(c->cc.ssthresh, 5 * SEG);
    later(p, 20);
    HEAR(p, 2000, { 0, 1000 }, { 2000, 10000 });
    assert_int_equal(c->cc.ssthresh, 5 * SEG);
    later(p, 20);
    put(&p->b, page, SEG, p->now_ns);
    HEAR(p, 2000, { 1000, 2000 }, { 2000, 10000 });
    assert_true(c->cc.cwnd >= 10 * SEG);
    assert_true(tcp_rare(c)->rack.reordered);
    sender_done(p);
}

/* shows: RFC5682-2.1a RFC5682-2.1b RFC5682-2.1c: without time stamps two acknowledgments in a row of what was not sent again. */
static void by_two_acknowledgments(void **state)
{
    (void)state;
    for (int spurious = 0; spurious < 2; spurious++) {
        int32_t at;
        struct pair *p = sender(false, 30 * SEG);
        const struct tcp_conn *c = p->b.conn;
        next_leaves_ms(p, &at);
        assert_int_equal(at, 0);
        n_seen = 0;
        hear(p, 1000, 0, NULL);
        pair_exchange(p);
        assert_int_equal(c->flight->undo.frto, FRTO_SECOND_ACK);
        assert_true(n_seen > 0);
        assert_int_equal(seq_off(&p->b, seen[0].h.seq), 10000);             /* new text, nothing again */
        hear(p, spurious ? 3000 : 1000, 0, NULL);
        assert_int_equal(c->flight->rec.phase, spurious ? REC_OPEN : REC_LOSS);
        assert_int_equal(c->cc.cwnd >= 10 * SEG, spurious);
        sender_done(p);
    }
}

TESTS(by_time_stamp, by_duplicates, by_two_acknowledgments)
