/* Header prediction: the next text in order and the plain acknowledgment, of an
 * established connection, straight from the packet.  Only the fields that decide are read; text is copied to
 * its place in the receive buffer and added to the checksum in one pass, before anything is believed.  What is
 * not predicted, and what has a wrong checksum, goes the slow way (arrive.c), which must do the same;
 * no_fast_path switches this one off. */
#include "base/checksum.h"
#include "tcp/fast.h"

enum { TS_FORM = 0x0101080a, TS_OPTION = 12 };

/* False: not of a form that is predicted.  The options of others are not looked at. */
static bool read_segment(struct pkt *k, struct tcp_seg *s, int64_t now_ns)
{
    const uint32_t len = pkt_l4_len(k);
    struct reader r = reader_of(k->data + k->l4_off, len);
    const uint8_t *h = rd_bytes(&r, TCP_HEADER);
    if (!h || ip_version(k) != 4 || (h[13] & ~(PSH | ECE | CWR)) != ACK || k->group)
        return false;
    const uint32_t header_len = (uint32_t)(h[12] >> 4) * 4;
    s->has_ts = header_len == TCP_HEADER + TS_OPTION;
    if (s->has_ts) {
        const uint8_t *o = rd_bytes(&r, TS_OPTION);
        if (!o || load_be32(o) != TS_FORM)
            return false;
        s->ts_val = load_be32(o + 4);
        s->ts_ecr = load_be32(o + 8);
    } else if (header_len != TCP_HEADER) {
        return false;
    }
    s->pkt = k;
    s->local_port = load_be16(h + 2);
    s->remote_port = load_be16(h);
    s->seq = seq(load_be32(h + 4));
    s->ack = seq(load_be32(h + 8));
    s->flags = h[13];
    s->ace = (uint8_t)((h[12] & 1) << 2 | (h[13] & CWR ? 2 : 0) | (h[13] & ECE ? 1 : 0));
    s->ecn = ip_ecn(k);
    s->wnd = load_be16(h + 14);
    s->text = r.at;
    s->text_len = len - header_len;
    s->part = (uint16_t)(k->gso_size && k->gso_size < s->text_len ? k->gso_size : s->text_len);
    s->len = s->text_len;
    s->urgent = 0;
    s->user_timeout_s = 0;
    s->opt.n_sack = s->opt.n_accecn = 0;
    s->remote = ip_src(k);
    s->local = ip_dst(k);
    s->time_ns = k->time_ns ? k->time_ns : now_ns;
    s->now_ns = now_ns;
    return true;
}

bool tcp_predicted(const struct tcp_conn *c, const struct tcp_seg *s)
{
    if (c->state != ESTABLISHED || (s->flags & ~(PSH | ECE | CWR)) != ACK || !seq_eq(s->seq, c->rcv.nxt))
        return false;
    if (s->text_len > rcv_wnd(c) || rcv_has_gap(c) || c->rcv.fin_held)
        return false;
    if (!seq_le(c->snd.una, s->ack) || !seq_le(s->ack, c->snd.nxt))
        return false;
    return !c->ts.on || (s->has_ts && !tcp_paws_old(c, s)); /* [RFC7323-5.3c] */
}

/* Its text, if it has some, lies in the receive buffer then, though it counts only when it is taken. */
static bool place_text(struct tcp_conn *c, const struct tcp_seg *s)
{
    struct pkt *k = s->pkt;
    const uint32_t len = pkt_l4_len(k), header_len = len - s->text_len;
    const bool trusted = k->csum != CSUM_NONE;  /* the device, or the sender on this machine, vouches */
    csum_t sum = { 0 };
    if (!trusted)                               /* [MUST-3] */
        sum = csum_add_words(csum_pseudo(s->remote, s->local, 6, len), k->data + k->l4_off, TCP_HEADER / 4);
    if (!trusted && s->has_ts)
        sum = csum_add_words(sum, k->data + k->l4_off + TCP_HEADER, TS_OPTION / 4);
    if (s->text_len && !tcp_rcv_place(c, s->text, s->text_len, trusted ? NULL : &sum, header_len))
        return false;
    if (trusted || csum_finish(sum) == 0)
        return true;
    if (s->text_len)
        tcp_rcv_unplace(c, s->text_len);
    return false;
}

/* It acknowledges nothing new and brings the window of before; nothing was waited for. */
static bool is_no_news(const struct tcp_conn *c, const struct tcp_seg *s)
{
    return !c->flight && seq_eq(s->ack, c->snd.una) && c->snd.wnd == s->wnd << c->snd_scale && c->snd.wnd && !tcp_rare(c)->rack.probing &&
           c->ecn.mode != ECN_CLASSIC && !c->ecn.skip && !c->ecn.reduced;
}

static void learn(struct tcp_conn *c, const struct tcp_seg *s)
{
    if (!is_no_news(c, s)) {
        tcp_on_ack(c, s);
        return;
    }
    tcp_timer_on_heard(c);
    tcp_sent_window(c, s->seq, s->ack, c->snd.wnd);
}

/* -------------------------------------------------------------------- runs */

static const uint8_t but_push[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, (uint8_t)~PSH, 0xff, 0xff };    /* of bytes 8 to 15 of the header */

/* What two segments of a run have in common: all but what stands in the order of their text. */
static struct tcp_likeness likeness(const struct pkt *k, uint32_t header_len)
{
    struct tcp_likeness l = { 0 };
    const uint8_t *ip = k->data + k->net_off, *h = k->data + k->l4_off;
    uint64_t mask;
    memcpy(&l.version_tos, ip, 2);              /* ECN's codepoint among it */
    memcpy(&l.addrs, ip + 12, 8);
    memcpy(&l.ports, h, 4);
    memcpy(&l.ack_to_window, h + 8, 8);
    memcpy(&mask, but_push, sizeof mask);
    l.ack_to_window &= mask;
    if (header_len == TCP_HEADER)
        return l;
    memcpy(&l.option, h + TCP_HEADER, 8);
    memcpy(&l.ecr, h + TCP_HEADER + 8, 4);
    return l;
}

static bool alike(const struct tcp_likeness *a, const struct tcp_likeness *b)
{
    return a->addrs == b->addrs && a->ports == b->ports && a->ack_to_window == b->ack_to_window && a->option == b->option &&
           a->ecr == b->ecr && a->version_tos == b->version_tos;
}

/* More may follow that differs in nothing but its place in the stream. */
static void begin_run(struct tcp_run *r, struct tcp_conn *c)
{
    const struct tcp_seg *s = &r->s;
    if (s->text_len == 0 || s->pkt->gso_size || !is_no_news(c, s))
        return;
    r->c = c;
    r->header_len = pkt_l4_len(s->pkt) - s->text_len;
    r->like = likeness(s->pkt, r->header_len);
}

/* The next of the run: the acknowledgment, the window, the time stamps and the codepoint are those of before. */
bool tcp_run_goes_on(struct tcp_run *r, struct pkt *k)
{
    struct tcp_conn *c = r->c;
    struct tcp_seg *s = &r->s;
    const uint32_t len = pkt_l4_len(k);
    if (!c || len <= r->header_len || k->gso_size || k->group)
        return false;
    const struct tcp_likeness like = likeness(k, r->header_len);
    if (!alike(&like, &r->like))
        return false;
    s->seq = seq(load_be32(k->data + k->l4_off + 4));
    s->text_len = s->len = len - r->header_len;
    if (!seq_eq(s->seq, c->rcv.nxt) || s->text_len > rcv_wnd(c))
        return false;
    s->pkt = k;
    s->text = k->data + k->l4_off + r->header_len;
    s->part = (uint16_t)s->text_len;
    if (!place_text(c, s))
        return false;
    if (c->ecn.mode != ECN_NONE)
        tcp_ecn_arrived(c, s);
    tcp_sent_window(c, s->seq, s->ack, c->snd.wnd);
    tcp_rcv_take(c, s->text_len);
    tcp_owe_text_ack(c, s->text_len, s->part, s->now_ns);
    tcp_tally_text_in(c, s->text_len);
    if (c->owed.now)
        tcp_wake(c);
    pkt_free(k);
    return true;
}

bool tcp_fast_in(struct tcp *t, struct tcp_run *r, struct pkt *k, int64_t now_ns)
{
    struct tcp_seg *s = &r->s;
    r->c = NULL;
    if (!read_segment(k, s, now_ns))
        return false;
    struct tcp_node *n = demux_find(t, s->local, s->remote, s->local_port, s->remote_port);
    struct tcp_conn *c = (struct tcp_conn *)(void *)n;
    if (!n || n->is_timewait || !tcp_predicted(c, s) || s->has_ts != c->ts.on || !place_text(c, s))
        return false;
    const struct tcp_tally_mark mark = tcp_tally_before(c, s);
    c->heard_ns = now_ns;
    if (c->ts.on)
        tcp_ts_update(c, s);
    if (c->ecn.mode != ECN_NONE)
        tcp_ecn_arrived(c, s);
    learn(c, s);
    if (s->text_len) {
        tcp_rcv_take(c, s->text_len);
        tcp_owe_text_ack(c, s->text_len, s->part, now_ns);
        tcp_ready(c, TCP_READABLE);
    }
    tcp_tally_after(c, &mark, now_ns);
    if (tcp_owes(c))
        tcp_wake(c);
    if (r->more)
        begin_run(r, c);
    pkt_free(k);
    return true;
}
