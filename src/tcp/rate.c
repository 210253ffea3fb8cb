/* Delivery rate estimation: draft-cheng-iccrg-delivery-rate-estimation-02, in its
 * order.  Stamps on segments, totals on the connection, and one sample for each
 * acknowledgment, which lives as long as its processing. */
#include "tcp/conn.h"

/* §3.2, SendPacket. */
void tcp_rate_on_sent(struct tcp_conn *c, struct rate_stamp *s, int64_t now_ns)
{
    struct tcp_rate_flight *f = &c->flight->rate;
    if (!in_flight(c))                          /* a new flight begins its intervals now */
        f->first_sent_ns = f->delivered_ns = now_ns;
    s->delivered = (uint32_t)c->rate.delivered;
    s->delivered_ns = f->delivered_ns;
    s->first_sent_ns = f->first_sent_ns;
    s->app_limited = c->rate.app_limited != 0;
}

/* An acknowledgment begins to be looked at. */
void tcp_rate_begin(struct tcp_conn *c)
{
    c->t->rate = (struct rate_seen){ .delivered = c->rate.delivered, .lost = tcp_rare(c)->lost };
}

/* §3.3, UpdateRateSample: of what was delivered, what left last counts. */
void tcp_rate_on_delivered(struct tcp_conn *c, const struct sent_seg *s, uint32_t bytes, int64_t time_ns)
{
    struct rate_seen *r = &c->t->rate;
    c->rate.delivered += bytes;
    c->flight->rate.delivered_ns = r->time_ns = time_ns;
    if (!r->any || (int32_t)(s->rate.delivered - r->stamp.delivered) >= 0) {
        r->any = true;
        r->stamp = s->rate;
        r->sent_ns = s->sent_ns;
        c->flight->rate.first_sent_ns = s->sent_ns;
    }
}

void tcp_rate_on_lost(struct tcp_conn *c, uint32_t bytes) { tcp_rare_need(c)->lost += bytes; }

/* What left when the sender had nothing more to send has all been delivered. */
void tcp_rate_passed(struct tcp_conn *c)
{
    if (c->rate.app_limited && (int32_t)((uint32_t)c->rate.delivered - c->rate.app_limited) > 0)
        c->rate.app_limited = 0;
}

/* §3.3, GenerateRateSample: over the longer of the time it took to send and to be
 * acknowledged, so that neither compressed ACKs nor bursts look like bandwidth. */
struct rate_sample tcp_rate_sample(struct tcp_conn *c, int64_t least_ns)
{
    const struct rate_seen *r = &c->t->rate;
    const uint32_t total = (uint32_t)c->rate.delivered;
    tcp_rate_passed(c);
    struct rate_sample out = { .newly_delivered = (uint32_t)(c->rate.delivered - r->delivered), .newly_lost = (uint32_t)(tcp_rare(c)->lost - r->lost),
                               .delivered_total = total, .prior_delivered = total };
    if (!r->any)
        return out;
    const int64_t send_ns = r->sent_ns - r->stamp.first_sent_ns, ack_ns = r->time_ns - r->stamp.delivered_ns;
    out.prior_delivered = r->stamp.delivered;
    out.delivered = total - r->stamp.delivered;
    out.app_limited = r->stamp.app_limited;
    out.interval_ns = time_max(send_ns, ack_ns);
    if (out.interval_ns < least_ns || out.interval_ns <= 0)     /* less than a round trip: not to be believed */
        out.interval_ns = 0;
    return out;
}

/* §3.4: nothing waits, the window is not full, nothing lost is to be sent again. */
void tcp_rate_idle(struct tcp_conn *c)
{
    const uint32_t mark = (uint32_t)c->rate.delivered + in_flight(c);
    c->rate.app_limited = mark ? mark : 1;
}
