/* One segment as a packet. */
#include "base/checksum.h"
#include "tcp/conn.h"
#include "wire/ecn.h"

enum { TS_OPTION = 12, CSUM_AT = 16 };

uint16_t tcp_header_bytes(const struct tcp_conn *c) { return (uint16_t)(TCP_HEADER + (c->ts.on ? TS_OPTION : 0)); }

/* The MSS option goes on every SYN and on nothing else [MUST-14] [MUST-65] [SHLD-5]
 * [MAY-3]; its value is MMS_R - 20 [MUST-67]. [RFC7323-5.8] */
static void syn_options(const struct tcp_conn *c, struct writer *w, int64_t now_ns)
{
    const struct tcp_config *f = &c->t->cfg;
    const bool answer = c->state == SYN_RECEIVED;
    const uint16_t ip = addr_is4(c->node.local) ? 20 : 40;
    struct tcp_opt o = { .has_mss = true, .mss = (uint16_t)((c->way.mtu ? c->way.mtu : 576) - ip - TCP_HEADER) };
    if (tcp_rare(c)->asked.mss_max && tcp_rare(c)->asked.mss_max < o.mss)
        o.mss = tcp_rare(c)->asked.mss_max;
    o.has_wscale = answer ? c->scaled : !f->no_wscale; /* [RFC7323-2.2a] */
    o.wscale = c->rcv_scale;
    o.has_ts = answer ? c->ts.on : !f->no_timestamps; /* [RFC7323-3.2a] */
    o.sack_permitted = answer ? c->sack : !c->no_sack;  /* [RFC2018-2a] [RFC2018-2b] */
    o.user_timeout_s = tcp_rare(c)->asked.told_timeout_s;
    o.ts_val = tcp_ts_clock(c->ts.offset, now_ns);
    o.ts_ecr = answer ? c->ts.recent : 0; /* [RFC7323-3.2e] */
    tcp_fast_open_option(c, &o);
    tcp_opt_write(w, &o);
}

/* On a segment without text, when there is room. */
static uint8_t timeout_option(const struct tcp_conn *c, uint8_t *at, uint8_t header_len)
{
    struct writer w = writer_of(at, (size_t)(TCP_HEADER_MAX - header_len));
    const struct tcp_opt o = { .user_timeout_s = tcp_rare(c)->asked.told_timeout_s };
    if (header_len + 4 > TCP_HEADER_MAX)
        return 0;
    tcp_opt_write(&w, &o);
    return (uint8_t)wr_len(&w);
}

static void ts_option(const struct tcp_conn *c, uint8_t *at, int64_t now_ns)
{
    store_be32(at, 0x0101080a);                 /* NOP, NOP, time stamps, 10 (RFC 7323 §3, appendix A) */
    store_be32(at + 4, tcp_ts_clock(c->ts.offset, now_ns));
    store_be32(at + 8, c->ts.recent);
}

/* The pieces of the send buffer, lent until the batch is written. */
static void borrow(struct tcp_conn *c, struct pkt *k, seq_t from, uint32_t len)
{
    while (len > 0) {
        uint32_t n;
        const uint8_t *at = tcp_sent_at(c, from, &n);
        if (n > len)
            n = len;
        const bool fits = pkt_borrow(k, at, n);
        assert(fits);
        (void)fits;
        from = seq_add(from, n);
        len -= n;
    }
}

static void checksum(const struct tcp_conn *c, struct pkt *k, uint8_t *header)
{
    csum_t sum = csum_pseudo(c->node.local, c->node.remote, 6, pkt_total(k));
    uint16_t field;
    k->csum_field = CSUM_AT;
    if (c->way.tx_csum || k->gso_size) {
        field = csum_fold(sum);
        k->csum = CSUM_PARTIAL;
    } else {                                    /* [MUST-2] */
        size_t offset = k->len;
        sum = csum_add(sum, header, k->len);
        for (unsigned i = 0; i < k->n_slices; i++) {
            sum = csum_add_at(sum, k->slice[i].at, k->slice[i].len, offset);
            offset += k->slice[i].len;
        }
        field = csum_finish(sum);
        k->csum = CSUM_NONE;
    }
    memcpy(header + CSUM_AT, &field, sizeof field);
}

static void address(const struct tcp_conn *c, struct pkt *k, uint8_t ecn, int64_t now_ns)
{
    k->l4_off = (uint16_t)k->head;
    k->iface = c->way.iface;
    k->path = tcp_lend_path(c);
    k->proto = 6;
    k->ttl = c->ttl;
    k->tos = ecn ? (uint8_t)((c->tos & ~ECN_MASK) | ecn) : c->tos;
    k->dont_fragment = true;
    k->time_ns = now_ns;
}

static uint16_t urgent_field(const struct tcp_conn *c, const struct tcp_tx *x)
{
    const int32_t up = seq_diff(c->snd.up, x->seq);
    if (up <= 0 || !(x->flags & ACK) || (x->flags & SYN))
        return 0;
    if (seq_le(c->snd.up, c->snd.una))          /* a keepalive stands before what was acknowledged */
        return 0;
    return up > UINT16_MAX ? UINT16_MAX : (uint16_t)up;
}

struct pkt *tcp_build(struct tcp_conn *c, const struct tcp_tx *x, int64_t now_ns)
{
    struct pkt *k = pkt_new(c->t->pools, TCP_HEADER_MAX);
    if (!k)
        return NULL;
    const bool syn = x->flags & SYN;
    uint8_t *at = pkt_head(k);
    struct tcp_header h = { .src_port = c->node.local_port, .dst_port = c->node.remote_port, .seq = x->seq, .flags = x->flags,
                            .header_len = (uint8_t)tcp_header_bytes(c) };
    if (x->flags & ACK)
        h.ack = c->rcv.nxt;
    h.window = c->state == SYN_SENT ? tcp_syn_window(c) : tcp_rcv_offer(c, syn);
    h.urgent = urgent_field(c, x);
    if (h.urgent)
        h.flags |= URG;
    const uint8_t ecn = tcp_ecn_send(c, x, &h);
    if (syn) {
        struct writer w = writer_of(at + TCP_HEADER, TCP_HEADER_MAX - TCP_HEADER);
        syn_options(c, &w, now_ns);
        h.header_len = (uint8_t)(TCP_HEADER + wr_len(&w));
        h.header_len = (uint8_t)(h.header_len + tcp_ecn_write(c, at + h.header_len, h.header_len - TCP_HEADER, x));
    } else {
        if (c->ts.on)
            ts_option(c, at + TCP_HEADER, now_ns); /* [RFC7323-3.2b] */
        if (c->sack && c->flight)
            h.header_len = (uint8_t)(h.header_len + tcp_sack_write(c, at + h.header_len, x));
        if (c->ecn.mode == ECN_ACCURATE)
            h.header_len = (uint8_t)(h.header_len + tcp_ecn_write(c, at + h.header_len, h.header_len - TCP_HEADER, x));
        if (c->timeout_due && x->len == 0)
            h.header_len = (uint8_t)(h.header_len + timeout_option(c, at + h.header_len, h.header_len));
    }
    struct writer w = writer_of(at, TCP_HEADER);
    tcp_header_write(&w, &h);
    k->len = h.header_len;
    address(c, k, ecn, now_ns);
    borrow(c, k, syn ? seq_add(x->seq, 1) : x->seq, x->len);
    if (x->len > tcp_seg_mss(c) && !x->probe)
        k->gso_size = tcp_seg_mss(c);
    checksum(c, k, at);
    return k;
}
