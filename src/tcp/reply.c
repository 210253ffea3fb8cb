/* Replies without a connection: a bounded queue of small records, each sent when
 * stack/ has found its path. */
#include "base/checksum.h"
#include "tcp/conn.h"

void tcp_reply_push(struct tcp *t, const struct tcp_reply *r, int64_t now_ns)
{
    if (t->reply_tail - t->reply_head == REPLIES) {
        trace_count(t->trace, WHY_REPLY_QUEUE_FULL, now_ns);
        return;
    }
    t->reply[t->reply_tail++ % REPLIES] = *r;
}

/* The number an ACK of the segment would make acceptable to its sender; without one
 * zero, and what it took (§3.5.2 group 1 and 2). */
void tcp_reply_rst(struct tcp *t, const struct tcp_seg *s)
{
    struct tcp_reply r = { .flow = { s->local, s->remote, s->local_port, s->remote_port } };
    if (s->flags & RST)
        return;
    if (s->flags & ACK) {                       /* <SEQ=SEG.ACK><CTL=RST> */
        r.seq = s->ack;
        r.flags = RST;
    } else {                                    /* <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> */
        r.ack = seq_add(s->seq, s->len);
        r.flags = RST | ACK;
    }
    tcp_reply_push(t, &r, s->now_ns);
}

void tcp_reply_abort(struct tcp_conn *c, int64_t now_ns)
{
    struct tcp_reply r = { .seq = c->snd.nxt, .ack = c->rcv.nxt, .flags = RST | ACK };
    if (seq_lt(seq_add(c->snd.una, c->snd.wnd), r.seq))
        r.seq = seq_max(c->snd.una, seq_add(c->snd.una, c->snd.wnd));  /* the window shrank: keep it acceptable */
    if (c->ts.on) {                             /* [RFC7323-3.2f] */
        r.has_ts = true;
        r.ts_val = tcp_ts_clock(c->ts.offset, now_ns);
        r.ts_ecr = c->ts.recent;
    }
    tcp_flow(c, &r.flow);
    tcp_reply_push(c->t, &r, now_ns);
}

bool tcp_reply_flow(const struct tcp *t, struct flow *out)
{
    if (t->reply_head == t->reply_tail)
        return false;
    *out = t->reply[t->reply_head % REPLIES].flow;
    return true;
}

static uint8_t write_options(uint8_t *at, const struct tcp_reply *r, const struct path *p)
{
    const bool syn = r->flags & SYN;
    const uint16_t headers = (addr_is4(p->local) ? 20 : 40) + TCP_HEADER;
    struct writer w = writer_of(at, TCP_HEADER_MAX - TCP_HEADER);
    const struct tcp_opt o = { .has_ts = r->has_ts, .ts_val = r->ts_val, .ts_ecr = r->ts_ecr, .has_mss = syn, .mss = (uint16_t)(p->mtu - headers),
                               .has_wscale = r->has_wscale, .wscale = r->wscale, .sack_permitted = r->sack_permitted };
    tcp_opt_write(&w, &o);
    return (uint8_t)wr_len(&w);
}

struct pkt *tcp_reply_pop(struct tcp *t, const struct path *p)
{
    if (t->reply_head == t->reply_tail)
        return NULL;
    const struct tcp_reply *r = &t->reply[t->reply_head++ % REPLIES];
    struct pkt *k = p ? pkt_new(t->pools, TCP_HEADER_MAX) : NULL;
    if (!k)
        return NULL;
    uint8_t *at = pkt_head(k);
    const struct tcp_header h = { .src_port = r->flow.local_port, .dst_port = r->flow.remote_port, .seq = r->seq, .ack = r->ack, .flags = r->flags,
                                  .window = r->window, .header_len = (uint8_t)(TCP_HEADER + write_options(at + TCP_HEADER, r, p)) };
    struct writer w = writer_of(at, TCP_HEADER);
    tcp_header_write(&w, &h);
    k->len = h.header_len;
    k->l4_off = (uint16_t)k->head;
    k->iface = p->iface;
    k->path = p;
    k->proto = 6;
    k->csum_field = 16;
    k->dont_fragment = true;
    const csum_t pseudo = csum_pseudo(r->flow.local, r->flow.remote, 6, h.header_len);
    const uint16_t field = p->tx_csum ? csum_fold(pseudo) : csum_finish(csum_add(pseudo, at, h.header_len));
    k->csum = p->tx_csum ? CSUM_PARTIAL : CSUM_NONE;
    memcpy(at + 16, &field, sizeof field);
    return k;
}
