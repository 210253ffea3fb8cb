/* Was it lost at all?  A recovery that proves spurious is taken back: by the time stamp
 * of the acknowledgment that covers what was sent again (Eifel, RFC 3522), by a report
 * that each segment sent again had arrived before (RFC 3708), or, after a timeout, by
 * acknowledgments of what was not sent again (F-RTO, RFC 5682). */
#include "tcp/conn.h"

/* A recovery begins; one within another is part of it. */
void tcp_undo_begin(struct tcp_conn *c, bool timeout)
{
    struct tcp_undo *u = &c->flight->undo;
    if (u->on && seq_lt(c->snd.una, u->until) && (u->timeout || !timeout))
        return;
    const struct tcp_recover *r = &c->flight->rec;
    *u = (struct tcp_undo){ .on = true, .timeout = timeout, .from = c->snd.una, .until = c->snd.nxt, .fast = r->phase == REC_FAST, .recover = r->recover };
}

/* [from, to) leaves again. */
void tcp_undo_sent(struct tcp_conn *c, seq_t to, uint32_t bytes, int64_t now_ns)
{
    struct tcp_undo *u = &c->flight->undo;
    if (!u->on)
        return;
    if (!u->stamped) {                          /* RFC 3522 (2): RetransmitTS [RFC3522-2] */
        u->stamped = u->asking = true;
        u->ts = tcp_ts_clock(c->ts.offset, now_ns);
        u->end = to;
    }
    u->again += bytes;
}

/* RFC 3522 (5): the first acknowledgment of it echoes a time stamp from before. */
static bool by_time_stamp(struct tcp_conn *c, const struct tcp_news *n)
{
    struct tcp_undo *u = &c->flight->undo;
    if (!u->asking || !n->acked || seq_lt(n->ack, u->end))
        return false;
    u->asking = false;
    return n->has_ecr && (int32_t)(n->ts_ecr - u->ts) < 0;      /* [RFC3522-5] */
}

/* What lies beyond SND.UNA counts if it was sent again; of the rest nothing is known any more. */
static uint32_t again_above(struct tcp_conn *c, struct span dup)
{
    uint32_t steps = 64;
    const struct sent_seg *s = board_find(&c->t->sent, &c->flight->board, dup.from, &steps);
    return s && s->flags & SENT_AGAIN ? (uint32_t)seq_diff(dup.to, dup.from) : 0;
}

/* RFC 3708: as many bytes were reported twice as were sent again. */
static bool by_duplicates(struct tcp_conn *c, const struct tcp_news *n)
{
    struct tcp_undo *u = &c->flight->undo;
    if (!n->dsack || u->again == 0)
        return false;
    const uint32_t twice = seq_lt(c->snd.una, n->dup.to) ? again_above(c, n->dup) : seq_lt(u->from, n->dup.to) ? (uint32_t)seq_diff(n->dup.to, n->dup.from) : 0;
    u->again = twice < u->again ? u->again - twice : 0;
    return twice && u->again == 0;                       /* [RFC3708-3] */
}

enum undo_by tcp_undo_found(struct tcp_conn *c, const struct tcp_news *n)
{
    if (!c->flight->undo.on)
        return UNDO_NOT;
    if (by_time_stamp(c, n))
        return UNDO_TIME_STAMP;
    return by_duplicates(c, n) ? UNDO_DSACK : UNDO_NOT;
}

void tcp_undo_end(struct tcp_conn *c) { c->flight->undo.on = false; }

/* ------------------------------------------------------------------- F-RTO */

/* RFC 5682 §2.1 step 1: not within the recovery of an earlier timeout [RFC5682-2.1a]. */
void tcp_frto_begin(struct tcp_conn *c, bool again) { c->flight->undo.frto = again ? FRTO_OFF : FRTO_FIRST_ACK; }

/* Steps 2 and 3; true: the timeout was spurious. */
bool tcp_frto_on_ack(struct tcp_conn *c, const struct tcp_news *n)
{
    struct tcp_undo *u = &c->flight->undo;
    if (u->frto == FRTO_OFF || (!n->acked && !n->duplicate && !n->sacked))
        return false;
    if (u->frto == FRTO_SECOND_ACK) {           /* (3b): what was not sent again has arrived [RFC5682-2.1c] */
        u->frto = FRTO_OFF;
        c->flight->rec.force = !n->original;    /* (3a): a third segment leaves */
        return n->original;
    }
    const bool more = tcp_unsent(c) && seq_lt(c->snd.nxt, seq_add(c->snd.una, c->snd.wnd));
    u->frto = n->acked && seq_lt(n->ack, u->until) && more ? FRTO_SECOND_ACK : FRTO_OFF;      /* (2b), or (2a) [RFC5682-2.1b] */
    return false;
}

/* Now two new segments leave, and nothing again. */
bool tcp_frto_new_only(const struct tcp_conn *c) { return c->flight->undo.frto == FRTO_SECOND_ACK; }
