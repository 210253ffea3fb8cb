#include "pair.h"

struct seen seen[SEEN_MAX];
uint32_t n_seen;
static bool pass_on;

static bool log_packet(struct pair *p, struct end *from, struct pkt *k, const struct tcp_header *h, uint32_t text)
{
    assert_true(n_seen < SEEN_MAX);
    struct seen *s = &seen[n_seen++];
    memset(s, 0, sizeof *s);
    s->h = *h;
    s->text = text;
    s->from = from;
    s->at_ns = p->now_ns;
    s->wire = k->gso_size ? k->gso_size : text;
    struct reader r = reader_of(pkt_l4(k) + 20, h->header_len - 20u);
    assert_true(tcp_opt_read(&r, &s->opt));
    memcpy(s->first, pkt_l4(k) + h->header_len, text < sizeof s->first ? text : sizeof s->first);
    const uint32_t len = pkt_l4_len(k);
    if (k->csum == CSUM_NONE)
        assert_int_equal(csum_finish(csum_add(csum_pseudo(from->path.local, from->path.remote, 6, len), pkt_l4(k), len)), 0);
    return pass_on;
}

void watch_log(struct pair *p, bool pass)
{
    n_seen = 0;
    pass_on = pass;
    p->watch = log_packet;
}

struct seen *last_seen(void)
{
    assert_true(n_seen > 0);
    return &seen[n_seen - 1];
}

struct pair *solo_listen(const struct tcp_config *b, const struct tcp_user_opt *o)
{
    struct pair_config cfg = { .seed = 5 };
    if (b)
        cfg.b = *b;
    struct pair *p = pair_new(&cfg);
    watch_log(p, false);
    pair_listen(p, o);
    return p;
}

void flush(struct pair *p)
{
    n_seen = 0;
    pair_exchange(p);
}

void solo_accept(struct pair *p, const uint8_t *opt, uint8_t opt_len, uint16_t window)
{
    static const uint8_t mss[] = { 2, 4, 1000 >> 8, 1000 & 255 };
    const struct raw syn = { .from_port = PEER_PORT, .to_port = SERVER_PORT, .seq = seq(PEER_ISS), .flags = SYN, .window = window,
                             .opt = opt ? opt : mss, .opt_len = opt ? opt_len : sizeof mss };
    inject(p, &p->b, &syn);
    flush(p);
    assert_int_equal(n_seen, 1);
    assert_int_equal(last_seen()->h.flags, SYN | ACK);
    static const uint8_t ts[] = { 1, 1, 8, 10, 0, 0, 0, 100, 0, 0, 0, 0 };
    struct raw ack = { .from_port = PEER_PORT, .to_port = SERVER_PORT, .seq = seq(PEER_ISS + 1), .ack = seq_add(last_seen()->h.seq, 1), .flags = ACK,
                       .window = window };
    if (last_seen()->opt.has_ts) {
        ack.opt = ts;
        ack.opt_len = sizeof ts;
    }
    inject(p, &p->b, &ack);
    p->b.conn = tcp_accept(p->b.listener);
    assert_non_null(p->b.conn);
    flush(p);
    assert_int_equal(n_seen, 0);
}

struct pair *solo_opt(const struct tcp_config *b, const uint8_t *opt, uint8_t opt_len, uint16_t window)
{
    struct pair *p = solo_listen(b, NULL);
    solo_accept(p, opt, opt_len, window);
    return p;
}

struct pair *solo(const struct tcp_config *b) { return solo_opt(b, NULL, 0, 50000); }

void say(struct pair *p, int32_t seq_from, int32_t ack_from, uint8_t flags, uint16_t window, const char *text)
{
    const struct tcp_conn *c = p->b.conn;
    const struct raw r = { .seq = seq_add(seq(PEER_ISS + 1), (uint32_t)seq_from), .ack = seq_add(c->snd.iss, 1 + (uint32_t)ack_from), .flags = flags,
                           .window = window, .text = text, .text_len = text ? (uint32_t)strlen(text) : 0,
                           .from_port = PEER_PORT, .to_port = SERVER_PORT };
    inject(p, &p->b, &r);
}

int32_t seq_off(const struct end *e, seq_t s) { return seq_diff(s, seq_add(e->conn->snd.iss, 1)); }
int32_t ack_off(const struct end *e, seq_t s) { return seq_diff(s, seq_add(e->conn->rcv.irs, 1)); }
