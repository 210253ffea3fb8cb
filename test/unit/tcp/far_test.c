/* A stream longer than half the sequence space, then than the whole: no number that
 * was kept from its beginning may be compared with today's. */
#include "pair.h"

static uint8_t page[1 << 16];

/* Acknowledges by hand what end b sends; its bytes are its own business. */
static void far_sender(void **state)
{
    (void)state;
    static const uint8_t opt[] = { 2, 4, 255, 0, 1, 3, 3, 14 };
    struct tcp_config cfg = { .send_buffer = 4000000 };
    struct pair *p = solo_opt(&cfg, opt, sizeof opt, 60000);
    struct tcp_conn *c = p->b.conn;
    p->watch = NULL;
    p->loss = 1;
    c->way.mtu = 65535;
    tcp_fit_mss(c);
    for (uint64_t sent = 0; sent < (UINT64_C(9) << 29); ) {
        size_t room;
        uint8_t *at = tcp_reserve(c, &room);
        if (at) {
            at[0] = 1;
            tcp_commit(c, room, true, p->now_ns);
            sent += room;
            continue;
        }
        uint64_t before = c->snd.nxt.n;
        pair_exchange(p);
        if (before == c->snd.nxt.n && !in_flight(c))
            fail_msg("stalled after %llu", (unsigned long long)sent);
        inject(p, &p->b, &(struct raw){ .seq = c->rcv.nxt, .ack = c->snd.nxt, .flags = ACK, .window = 60000 });
    }
    struct tcp_status s;
    tcp_status(c, &s);
    assert_int_equal(s.retransmits, 0);
    p->loss = 0;
    for (int i = 0; i < 100 && tcp_unsent(c); i++) {
        pair_exchange(p);
        inject(p, &p->b, &(struct raw){ .seq = c->rcv.nxt, .ack = c->snd.nxt, .flags = ACK, .window = 60000 });
    }
    tcp_commit(c, 0, true, p->now_ns);
    assert_int_equal(put(&p->b, page, 60000, p->now_ns), 60000);
    pair_exchange(p);
    for (int i = 0; i < 3; i++)                                 /* and loss is still noticed */
        inject(p, &p->b, &(struct raw){ .seq = c->rcv.nxt, .ack = c->snd.una, .flags = ACK, .window = 60000 });
    pair_exchange(p);
    tcp_status(c, &s);
    assert_int_equal(s.retransmits, in_flight(c) ? 1 : 0);
    tcp_abort(c, p->now_ns);
    pair_exchange(p);
    assert_int_equal(p->b.tcp->blocks.used, 0);
    pair_free(p);
}

TESTS(far_sender)
