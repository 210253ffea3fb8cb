/* SEGMENT ARRIVES: §3.10.7.  From the packet to the segment, and to whom it is. */
#include "base/checksum.h"
#include "tcp/fast.h"

enum { TS_FORM = 0x0101080a };

seg_fate tcp_drop(struct tcp *t, struct tcp_seg *s, enum why why)
{
    trace_drop(t->trace, s->pkt, why, s->now_ns);
    s->pkt = NULL;
    s->text = NULL;
    return SEG_DROPPED;
}

seg_fate tcp_drop_rst(struct tcp *t, struct tcp_seg *s, enum why why)
{
    tcp_reply_rst(t, s);
    return tcp_drop(t, s, why);
}

/* Options stand in any segment [MUST-5]; mostly they are time stamps alone, in the
 * form of RFC 7323 appendix A. */
static bool read_options(struct tcp_seg *s, struct reader *r, uint32_t len)
{
    s->has_ts = false;
    s->user_timeout_s = 0;
    s->opt.n_sack = s->opt.n_accecn = 0;
    if (len == 12 && !(s->flags & SYN) && load_be32(r->at) == TS_FORM) {
        rd_skip(r, 4);
        s->ts_val = rd_u32(r);
        s->ts_ecr = rd_u32(r);
        s->has_ts = true;
        return true;
    }
    if (len == 0 && !(s->flags & SYN))
        return true;
    struct reader options = rd_sub(r, len);
    if (!tcp_opt_read(&options, &s->opt))
        return false;
    s->has_ts = s->opt.has_ts;
    s->ts_val = s->opt.ts_val;
    s->ts_ecr = s->opt.ts_ecr;
    s->user_timeout_s = s->opt.user_timeout_s;
    return true;
}

static bool checksum_holds(const struct pkt *k, const struct tcp_seg *s, uint32_t len)
{
    if (k->csum != CSUM_NONE)                   /* the device, or the sender on this machine, vouches */
        return true;
    return csum_finish(csum_add(csum_pseudo(s->remote, s->local, 6, len), k->data + k->l4_off, len)) == 0;
}

/* WHY_NONE: `s` is whole. */
static enum why parse(struct pkt *k, struct tcp_seg *s, int64_t now_ns)
{
    const uint32_t len = pkt_l4_len(k);
    struct reader r = reader_of(k->data + k->l4_off, len);
    struct tcp_header h;
    if (!tcp_header_read(&r, &h))
        return WHY_TCP_BAD;
    s->pkt = k;
    s->remote = ip_src(k);
    s->local = ip_dst(k);
    if (!checksum_holds(k, s, len))             /* [MUST-3] */
        return WHY_TCP_CHECKSUM;
    s->local_port = h.dst_port;
    s->remote_port = h.src_port;
    s->seq = h.seq;
    s->ack = h.ack;
    s->flags = h.flags;
    s->ace = (uint8_t)(h.ae << 2 | (h.flags & CWR ? 2 : 0) | (h.flags & ECE ? 1 : 0));
    s->ecn = ip_ecn(k);
    s->wnd = h.window;                          /* unsigned [MUST-1] */
    s->urgent = h.urgent;
    s->now_ns = now_ns;
    s->time_ns = k->time_ns ? k->time_ns : now_ns;
    if (!read_options(s, &r, h.header_len - TCP_HEADER))
        return WHY_TCP_OPTION;                  /* [MUST-7] */
    s->text = r.at;
    s->text_len = len - h.header_len;
    s->len = s->text_len + !!(h.flags & SYN) + !!(h.flags & FIN);
    s->part = (uint16_t)(k->gso_size && k->gso_size < s->text_len ? k->gso_size : s->text_len);
    return WHY_NONE;
}

/* [MUST-57] [MUST-63]: a group, or nobody, has no connections. */
static bool address_bad(const struct tcp_seg *s)
{
    return s->pkt->group || addr_is_multicast(s->remote) || addr_is_broadcast(s->remote) || addr_is_any(s->remote) ||
           addr_is_multicast(s->local) || addr_is_broadcast(s->local);
}

static seg_fate arrive_nobody(struct tcp *t, struct tcp_seg *s)
{
    if (address_bad(s))
        return tcp_drop(t, s, WHY_TCP_ADDRESS);
    struct tcp_listener *l = demux_listener(t, &(struct flow){ s->local, s->remote, s->local_port, s->remote_port });
    return l ? tcp_arrive_listen(t, l, s, NULL) : tcp_arrive_closed(t, s, WHY_NO_CONNECTION);
}

seg_fate tcp_arrive_conn(struct tcp_conn *c, struct tcp_seg *s)
{
    seg_fate fate = SEG_TAKEN;
    const struct tcp_tally_mark mark = tcp_tally_before(c, s);
    c->heard_ns = s->now_ns;
    if (s->user_timeout_s && tcp_rare(c)->asked.told_timeout_s)
        tcp_timer_on_peer_timeout(c, s->user_timeout_s);
    if (c->state == SYN_SENT)
        fate = tcp_arrive_syn_sent(c, s);
    else if (c->t->cfg.no_fast_path || !tcp_fast(c, s))
        fate = tcp_arrive_other(c, s);
    tcp_tally_after(c, &mark, s->now_ns);
    if (c->state != CLOSED && tcp_owes(c))
        tcp_wake(c);
    return fate;
}

static void arrive(struct tcp *t, struct pkt *k, int64_t now_ns)
{
    struct tcp_seg s;
    const enum why why = parse(k, &s, now_ns);
    if (why != WHY_NONE) {
        trace_drop(t->trace, k, why, now_ns);
        return;
    }
    struct tcp_node *n = demux_find(t, s.local, s.remote, s.local_port, s.remote_port);
    if (!n)
        (void)arrive_nobody(t, &s);
    else if (n->is_timewait)
        (void)tcp_arrive_timewait(t, (struct tcp_timewait *)(void *)n, &s);
    else
        (void)tcp_arrive_conn((struct tcp_conn *)(void *)n, &s);
    pkt_free(s.pkt);                            /* taken; dropped ones are gone already */
}

/* All segments of the batch are processed before any is acknowledged [MUST-59]. */
void tcp_in(struct tcp *t, struct batch *b, int64_t now_ns)
{
    struct batch_walk w = batch_walk(b);
    struct tcp_run run;
    const bool ahead = tcp_look_ahead(t, b);
    run.c = NULL;
    t->now_ns = now_ns;
    for (struct pkt *k; (k = batch_next(&w));) {
        run.more = w.at < b->n;
        if (ahead)
            tcp_looked_ahead(t, w.at - 1);
        if (k->proto != 6)
            batch_keep(&w, k);
        else if (t->cfg.no_fast_path || (!tcp_run_goes_on(&run, k) && !tcp_fast_in(t, &run, k, now_ns)))
            arrive(t, k, now_ns);
    }
    tcp_reap(t);
}
