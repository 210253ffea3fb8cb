/* What was delivered and when: stamps on segments, totals on the connection. */
#include "tcp/conn.h"

void tcp_rate_on_sent(struct tcp_conn *c, struct rate_stamp *s, int64_t now_ns)
{
    if (!in_flight(c))                          /* a new flight begins its intervals now */
        c->rate.first_sent_ns = c->rate.delivered_ns = now_ns;
    s->delivered = (uint32_t)c->rate.delivered;
    s->delivered_ns = c->rate.delivered_ns;
    s->first_sent_ns = c->rate.first_sent_ns;
    s->app_limited = false;
}

void tcp_rate_on_delivered(struct tcp_conn *c, const struct sent_seg *s, uint32_t bytes, int64_t time_ns)
{
    c->rate.delivered += bytes;
    c->rate.delivered_ns = time_ns;
    c->rate.first_sent_ns = time_max(c->rate.first_sent_ns, s->sent_ns);
}

void tcp_rate_on_lost(struct tcp_conn *c, uint32_t bytes) { c->rate.lost += bytes; }
