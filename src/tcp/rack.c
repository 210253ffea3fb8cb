/* RACK (RFC 8985 §6): a segment is lost when one that left sufficiently later has
 * arrived.  Times are those at which segments left and acknowledgments arrived. */
#include "tcp/conn.h"

enum { PERSIST = 16, DUP_THRESH = 3 };

void tcp_rack_init(struct tcp_conn *c) { c->flight->rack = (struct tcp_rack_flight){ .fack = c->snd.una }; }

/* §6.1: by time, then by number. */
static bool sent_after(int64_t t1, seq_t end1, int64_t t2, seq_t end2)
{
    return t1 > t2 || (t1 == t2 && seq_lt(end2, end1));
}

/* Step 2 takes no segment that was sent again when it may have been the first of the two that arrived [RFC8985-6.2b]. */
static bool ambiguous(const struct tcp_conn *c, const struct sent_seg *s, const struct tcp_news *n)
{
    if (!(s->flags & SENT_AGAIN))
        return false;
    if (n->has_ecr && (int32_t)(n->ts_ecr - tcp_ts_clock(c->ts.offset, s->sent_ns)) < 0)
        return true;
    return n->time_ns - s->sent_ns < c->rtt.min_ns;
}

/* Steps 2 and 3, of each segment newly delivered. */
void tcp_rack_delivered(struct tcp_conn *c, const struct sent_seg *s, const struct tcp_news *n)
{
    struct tcp_rack_flight *k = &c->flight->rack;
    if (seq_lt(k->fack, s->to))
        k->fack = s->to;
    else if (seq_lt(s->to, k->fack) && !(s->flags & SENT_AGAIN))
        tcp_rack_reordered(c);                 /* [RFC8985-6.2c] */
    if (ambiguous(c, s, n) || (k->rtt_ns && !sent_after(s->sent_ns, s->to, k->sent_ns, k->end)))
        return;
    k->rtt_ns = time_max(n->time_ns - s->sent_ns, 1);
    k->sent_ns = s->sent_ns;
    k->end = s->to;
}

/* Step 4: grows in each round trip that saw a duplicate, and falls back after 16 recoveries without. */
void tcp_rack_on_dsack(struct tcp_conn *c)
{
    struct tcp_rack *k = &tcp_rare_need(c)->rack;
    if (k->in_round && seq_lt(c->snd.una, k->round))
        return;
    k->in_round = true;
    k->round = c->snd.nxt;
    k->persist = PERSIST;
    if (k->mult < UINT8_MAX)
        k->mult++;                              /* [RFC8985-6.2d] */
}

/* A recovery was for nothing: what seemed lost was overtaken.  Step 3 cannot see that when it was sent again. */
void tcp_rack_reordered(struct tcp_conn *c)
{
    if (!tcp_rare(c)->rack.reordered)
        tcp_rare_need(c)->rack.reordered = true;
}

void tcp_rack_recovered(struct tcp_conn *c)
{
    if (!c->rare)
        return;
    struct tcp_rack *k = &c->rare->rack;
    if (k->persist > 0 && --k->persist == 0)
        k->mult = 0;
}

static int64_t reo_wnd_ns(const struct tcp_conn *c)
{
    const struct tcp_flight *f = c->flight;
    const bool recovering = f->rec.phase == REC_FAST || f->rec.phase == REC_LOSS;
    if (!tcp_rare(c)->rack.reordered && (recovering || f->board.sacked_bytes >= (uint32_t)DUP_THRESH * c->mss || f->rec.sacked_segs >= DUP_THRESH))
        return 0;                               /* as with three duplicate ACKs [RFC8985-6.2e] */
    return time_min((1 + tcp_rare(c)->rack.mult) * c->rtt.min_ns / 4, c->rtt.srtt_ns);   /* [RFC8985-6.2f] */
}

/* Step 5.  Returns how many bytes it found lost; what is not yet is looked at again when the timer says so. */
uint32_t tcp_rack_detect(struct tcp_conn *c, int64_t now_ns)
{
    const struct tcp_rack_flight *k = &c->flight->rack;
    struct scoreboard *b = &c->flight->board;
    const int64_t patience_ns = k->rtt_ns + reo_wnd_ns(c);
    uint32_t lost = 0;
    int64_t until_ns = DEADLINE_NEVER;
    if (k->rtt_ns == 0)
        return 0;
    for (struct sent_seg *s; (s = board_oldest(&c->t->sent, b)) && sent_after(k->sent_ns, k->end, s->sent_ns, s->to);) {
        if (s->sent_ns + patience_ns > now_ns) {
            until_ns = k->sent_ns + patience_ns;        /* when all that left before it are due [RFC8985-6.2h] */
            break;
        }
        lost += seg_len(s);
        tcp_recover_lose(c, s, LOST_RACK, now_ns);      /* [RFC8985-6.2g] */
    }
    tcp_timer_on_reordered(c, until_ns);
    return lost;
}

/* §6.3: of what was sent an RTO ago or little later, the first for certain. */
bool tcp_rack_lost_at_rto(const struct tcp_conn *c, const struct sent_seg *s, int64_t now_ns)
{
    return seq_eq(s->from, c->snd.una) || s->sent_ns + c->flight->rack.rtt_ns + reo_wnd_ns(c) <= now_ns;
}
