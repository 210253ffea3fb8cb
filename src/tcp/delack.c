/* What acknowledgments are owed: delayed ACKs [SHLD-18], counted in segments, also
 * inside a large packet, and in bytes [SHLD-19]; what is aggregated owes one
 * [MUST-58], what must be answered by itself owes its own. */
#include "tcp/conn.h"

enum { OWN_MAX = SACK_MOMENTS, QUICK = 16 };

/* A connection's first segments, and those after a rest, are acknowledged one by one: the
 * peer's window opens by what it hears.  Not so when text goes both ways in turns (pingpong):
 * the answer carries the acknowledgment. */
void tcp_delack_init(struct tcp_conn *c) { c->owed.quick = c->t->cfg.no_quick_acks ? 0 : QUICK; }

static bool is_quick(struct tcp_conn *c, int64_t now_ns)
{
    struct tcp_owed *o = &c->owed;
    if (o->heard_ns && now_ns - o->heard_ns > tcp_rto(c)) {
        o->pingpong = false;
        tcp_delack_init(c);
    }
    o->heard_ns = now_ns;
    if (o->pingpong || o->quick == 0)
        return false;
    o->quick--;
    return true;
}

void tcp_delack_on_text_sent(struct tcp_conn *c, int64_t now_ns)
{
    if (c->owed.heard_ns && now_ns - c->owed.heard_ns <= c->t->cfg.delayed_ack_ns)
        c->owed.pingpong = true;
}

void tcp_owe_ack_now(struct tcp_conn *c) /* [RFC5681-4.2d] */
{
    c->owed.now = true;
    c->owed.each = 0;                           /* they said where order ended; this one says more */
    tcp_sack_collapse(c);
}

void tcp_owe_text_ack(struct tcp_conn *c, uint32_t bytes, uint16_t part, int64_t now_ns) /* [RFC5681-4.2b] */
{
    struct tcp_owed *o = &c->owed;
    if (part > c->rcv_mss)
        c->rcv_mss = part;                      /* the largest segment the peer has sent */
    o->bytes += bytes;
    if (o->now && !o->each && o->heard_ns == now_ns) {      /* of the same batch: nothing changes */
        if (o->quick && !o->pingpong)
            o->quick--;
        return;
    }
    if (part < bytes || o->parts)               /* a large packet holds two at least */
        o->parts = 2;
    else
        o->parts++;
    if (is_quick(c, now_ns) || o->each || (o->parts >= 2 && o->bytes >= c->rcv_mss) || o->bytes >= 2u * c->rcv_mss) {
        tcp_owe_ack_now(c);
        return;
    }
    tcp_timer_on_ack_delayed(c, now_ns);
}

void tcp_owe_own_ack(struct tcp_conn *c) /* [RFC5681-4.2c] */
{
    if (c->owed.each >= OWN_MAX)
        return;
    c->owed.each++;
    tcp_sack_moment(c, c->owed.each);
}

void tcp_ack_sent(struct tcp_conn *c, bool own)
{
    struct tcp_owed *o = &c->owed;
    o->last_ack = c->rcv.nxt;
    if (own && o->each > 0)
        o->each--;
    if (c->sack)
        tcp_sack_said(c, own);
    if (!o->now && o->bytes == 0)
        return;
    o->now = false;
    o->bytes = 0;
    o->parts = 0;
    tcp_timer_on_ack_sent(c);
}

/* No answer came in time to carry it. */
void tcp_delack_expired(struct tcp_conn *c)
{
    c->owed.pingpong = false;
    tcp_owe_ack_now(c);
}
