/* A segment arrives in LISTEN: §3.10.7.2. */
#include "tcp/conn.h"

/* RFC 4987 §3: half-open connections are bounded, and so are those nobody accepts. */
static enum why no_room(const struct tcp_listener *l)
{
    if (l->n[QUEUE_ACCEPT] >= l->opt.backlog)
        return WHY_ACCEPT_QUEUE_FULL;
    if (l->n[QUEUE_SYN] + l->n[QUEUE_HOLD] >= 4 * l->opt.backlog)
        return WHY_SYN_QUEUE_FULL;
    return WHY_NONE;
}

/* MSS (default 536 or 1220 [MUST-15]), window scale and time stamps: what both sides
 * have sent, holds (RFC 7323 §2.2, §3.2). */
void tcp_negotiate(struct tcp_conn *c, const struct tcp_seg *s)
{
    const struct tcp_config *f = &c->t->cfg;
    c->peer_mss = s->opt.has_mss && s->opt.mss ? s->opt.mss : addr_is4(c->node.path.local) ? 536 : 1220;
    c->scaled = s->opt.has_wscale && !f->no_wscale; /* [RFC7323-2.2b] */
    if (c->scaled)
        c->snd_scale = s->opt.wscale > TCP_WSCALE_MAX ? TCP_WSCALE_MAX : s->opt.wscale; /* [RFC7323-2.3a] */
    else
        c->snd_scale = c->rcv_scale = 0;
    if (s->opt.has_ts && !f->no_timestamps) /* [RFC7323-3.2d] */
        tcp_ts_agreed(c, s);
    tcp_fit_mss(c);
}

seg_fate tcp_arrive_listen(struct tcp *t, struct tcp_listener *l, struct tcp_seg *s, const seq_t *above)
{
    /* First, a RST. */
    if (s->flags & RST)
        return tcp_drop(t, s, WHY_LISTEN_RST);
    /* Second, an ACK. */
    if (s->flags & ACK)
        return tcp_drop_rst(t, s, WHY_LISTEN_ACK);
    /* Third, a SYN.  (Fourth: anything else is dropped.) */
    if (!(s->flags & SYN))
        return tcp_drop(t, s, WHY_LISTEN_NO_SYN);
    const enum why full = no_room(l);
    if (full != WHY_NONE) {
        TRACE(t->trace, s->now_ns, 0, tcp_overflow, .port = l->local.port, .why = (uint8_t)full);
        return tcp_drop(t, s, full);
    }
    const struct path p = { .local = s->local, .remote = s->remote };   /* what the listen left open is filled in now */
    struct tcp_conn *c = tcp_conn_new(t, &p, s->local_port, s->remote_port, &l->opt);
    if (!c)
        return tcp_drop(t, s, WHY_CONN_TABLE_FULL);
    c->passive = true;                          /* [MUST-11] */
    c->listener = l;
    tcp_state_listen(c);
    tcp_conn_start(c, above, s->now_ns);
    tcp_rcv_open(c, s->seq, 0);
    tcp_negotiate(c, s);
    tcp_sent_window(c, s->seq, c->snd.iss, s->wnd);
    tcp_set_state(c, SYN_RECEIVED, WHY_SYN_ARRIVED, s->now_ns);
    c->hold = l->opt.hold;
    listen_queue(c, c->hold ? QUEUE_HOLD : QUEUE_SYN);
    if (c->hold) {
        tcp_listener_ready(l);
        return SEG_TAKEN;
    }
    tcp_due_syn(c);                             /* text on the SYN is not acknowledged: the peer sends it again */
    tcp_wake(c);
    return SEG_TAKEN;
}
