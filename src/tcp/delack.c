/* What acknowledgments are owed: delayed ACKs [SHLD-18], counted in segments, also
 * inside a large packet, and in bytes [SHLD-19]; what is aggregated owes one
 * [MUST-58], what must be answered by itself owes its own. */
#include "tcp/conn.h"

enum { OWN_MAX = SACK_MOMENTS };

void tcp_owe_ack_now(struct tcp_conn *c)
{
    c->owed.now = true;
    c->owed.each = 0;                           /* they said where order ended; this one says more */
    tcp_sack_collapse(c);
}

void tcp_owe_text_ack(struct tcp_conn *c, uint32_t bytes, uint16_t part, int64_t now_ns)
{
    struct tcp_owed *o = &c->owed;
    if (part > c->rcv_mss)
        c->rcv_mss = part;                      /* the largest segment the peer has sent */
    o->bytes += bytes;
    if (part < bytes || o->parts)               /* a large packet holds two at least */
        o->parts = 2;
    else
        o->parts++;
    if (o->each || (o->parts >= 2 && o->bytes >= c->rcv_mss) || o->bytes >= 2u * c->rcv_mss) {
        tcp_owe_ack_now(c);
        return;
    }
    tcp_timer_on_ack_delayed(c, now_ns);
}

void tcp_owe_own_ack(struct tcp_conn *c)
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

void tcp_delack_expired(struct tcp_conn *c) { tcp_owe_ack_now(c); }
