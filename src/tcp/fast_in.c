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
    return !c->flight && seq_eq(s->ack, c->snd.una) && c->snd.wnd == s->wnd << c->snd_scale && c->snd.wnd && !c->rack.probing &&
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

bool tcp_fast_in(struct tcp *t, struct pkt *k, int64_t now_ns)
{
    struct tcp_seg s;
    if (!read_segment(k, &s, now_ns))
        return false;
    struct tcp_node *n = demux_find(t, s.local, s.remote, s.local_port, s.remote_port);
    struct tcp_conn *c = (struct tcp_conn *)(void *)n;
    if (!n || n->is_timewait || !tcp_predicted(c, &s) || s.has_ts != c->ts.on || !place_text(c, &s))
        return false;
    const struct tcp_tally_mark mark = tcp_tally_before(c, &s);
    c->heard_ns = now_ns;
    if (c->ts.on)
        tcp_ts_update(c, &s);
    if (c->ecn.mode != ECN_NONE)
        tcp_ecn_arrived(c, &s);
    learn(c, &s);
    if (s.text_len) {
        tcp_rcv_take(c, s.text_len);
        tcp_owe_text_ack(c, s.text_len, s.part, now_ns);
        tcp_ready(c, TCP_READABLE);
    }
    tcp_tally_after(c, &mark, now_ns);
    if (tcp_owes(c))
        tcp_wake(c);
    pkt_free(k);
    return true;
}
