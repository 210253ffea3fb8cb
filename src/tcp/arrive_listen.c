/* A segment arrives in LISTEN: §3.10.7.2. */
#include "tcp/conn.h"

/* RFC 4987 §3: half-open connections are bounded, by listener and in all, and so are
 * those nobody accepts. */
static enum why no_room(const struct tcp_listener *l, int64_t now_ns)
{
    struct tcp *t = l->t;
    if (l->n[QUEUE_ACCEPT] >= l->opt.backlog)
        return WHY_ACCEPT_QUEUE_FULL;
    if (pool_left(&t->conns) == 0) {
        tcp_shed_orphan(t, now_ns);
        return WHY_CONN_TABLE_FULL;
    }
    return l->n[QUEUE_SYN] + l->n[QUEUE_HOLD] >= 4 * l->opt.backlog || t->half_open > t->cfg.max_conns / 4 ? WHY_SYN_QUEUE_FULL : WHY_NONE;
}

/* MSS (default 536 or 1220 [MUST-15]), window scale and time stamps: what both sides
 * have sent, holds (RFC 7323 §2.2, §3.2). */
void tcp_negotiate(struct tcp_conn *c, const struct tcp_seg *s)
{
    if (s->user_timeout_s && tcp_rare(c)->asked.told_timeout_s)
        tcp_timer_on_peer_timeout(c, s->user_timeout_s);
    const struct tcp_config *f = &c->t->cfg;
    c->peer_mss = s->opt.has_mss && s->opt.mss ? s->opt.mss : addr_is4(c->node.local) ? 536 : 1220;
    c->scaled = s->opt.has_wscale && !f->no_wscale; /* [RFC7323-2.2b] */
    if (c->scaled)
        c->snd_scale = s->opt.wscale > TCP_WSCALE_MAX ? TCP_WSCALE_MAX : s->opt.wscale; /* [RFC7323-2.3a] */
    else
        c->snd_scale = c->rcv_scale = 0;
    if (s->opt.has_ts && !f->no_timestamps) /* [RFC7323-3.2d] */
        tcp_ts_agreed(c, s);
    c->sack = s->opt.sack_permitted && !c->no_sack;     /* [RFC2018-2b] */
    tcp_ecn_agree(c, s);
    tcp_fit_mss(c);
}

struct tcp_conn *tcp_listen_open(struct tcp *t, struct tcp_listener *l, const struct tcp_seg *syn, const seq_t *iss, const seq_t *above)
{
    const struct path p = { .local = syn->local, .remote = syn->remote };   /* what the listen left open is filled in now */
    struct tcp_conn *c = tcp_conn_new(t, &p, syn->local_port, syn->remote_port, &l->opt);
    if (!c)
        return NULL;
    c->passive = true;                          /* [MUST-11] */
    c->listener = l;
    tcp_state_listen(c);
    if (iss)
        tcp_conn_start_at(c, *iss, syn->now_ns);
    else
        tcp_conn_start(c, above, syn->now_ns);
    tcp_rcv_open(c, syn->seq, 0);
    tcp_negotiate(c, syn);
    tcp_sent_window(c, syn->seq, c->snd.iss, syn->wnd);
    tcp_set_state(c, SYN_RECEIVED, WHY_SYN_ARRIVED, syn->now_ns);
    c->hold = l->opt.hold;
    listen_queue(c, c->hold ? QUEUE_HOLD : QUEUE_SYN);
    return c;
}

static seg_fate refuse(struct tcp *t, const struct tcp_listener *l, struct tcp_seg *s, enum why full)
{
    TRACE(t->trace, s->now_ns, 0, tcp_overflow, .port = l->local.port, .why = (uint8_t)full);
    return tcp_drop(t, s, full);
}

seg_fate tcp_arrive_listen(struct tcp *t, struct tcp_listener *l, struct tcp_seg *s, const seq_t *above)
{
    /* First, a RST. */
    if (s->flags & RST)
        return tcp_drop(t, s, WHY_LISTEN_RST);
    /* Second, an ACK. */
    if (s->flags & ACK)
        return tcp_cookie_arrive(t, l, s);
    /* Third, a SYN.  (Fourth: anything else is dropped.) */
    if (!(s->flags & SYN))
        return tcp_drop(t, s, WHY_LISTEN_NO_SYN);
    const enum why full = no_room(l, s->now_ns);
    const bool always = t->cfg.syn_cookies == SYN_COOKIES_ALWAYS && !l->opt.hold;
    if (full == WHY_ACCEPT_QUEUE_FULL)
        return refuse(t, l, s, full);
    if (full != WHY_NONE || always)
        return l->opt.hold || t->cfg.syn_cookies == SYN_COOKIES_NEVER ? refuse(t, l, s, full) : tcp_cookie_answer(t, l, s, full);
    struct tcp_conn *c = tcp_listen_open(t, l, s, NULL, above);
    if (!c)
        return refuse(t, l, s, WHY_CONN_TABLE_FULL);
    if (c->hold) {
        tcp_listener_ready(l);
        return SEG_TAKEN;
    }
    tcp_fast_open_arrive(c, s);                 /* text under no good cookie is not acknowledged: the peer sends it again */
    tcp_due_syn(c);
    tcp_wake(c);
    return SEG_TAKEN;
}
