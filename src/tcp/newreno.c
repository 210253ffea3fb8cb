/* Peers without SACK: fast retransmit (RFC 5681 §3.2), limited transmit (RFC 3042) and
 * NewReno's partial acknowledgments (RFC 6582). */
#include "tcp/conn.h"

enum { DUP_THRESH = 3 };

static void lose_front(struct tcp_conn *c, int64_t now_ns)
{
    struct tcp *t = c->t;
    struct scoreboard *b = &c->flight->board;
    struct sent_seg *s = board_first(&t->sent, b);
    if (s && seg_len(s) > c->mss)
        (void)board_split(&t->sent, b, s, seq_add(s->from, c->mss), t->cfg.max_conns);
    if (s)
        tcp_recover_lose(c, s, LOST_DUPLICATES, now_ns);
}

/* True: fast recovery begins. */
bool tcp_newreno_on_dup_ack(struct tcp_conn *c, struct tcp_recover *r, int64_t now_ns)
{
    /* a peer that repeats itself cannot have more taken out of the network than is in it, without the one that misses */
    const uint32_t flight = in_flight(c), others = flight > c->mss ? flight - c->mss : 0;
    if (r->phase == REC_LOSS)
        return false;
    if (r->dup_acks < UINT8_MAX)
        r->dup_acks++;
    r->dup_bytes = cc_min(r->dup_bytes + c->mss, others);   /* a segment has left the network: another may enter it, RFC 3042 [RFC5681-3.2c] [RFC5681-3.2f] */
    if (r->dup_acks != DUP_THRESH || r->phase == REC_FAST)
        return false;
    if (seq_lt(c->snd.una, r->recover) || (seq_eq(c->snd.una, r->recover) && r->last_bytes > 4u * c->mss)) {
        r->dup_bytes = 0;                               /* RFC 6582 step 2 and §4.1: still the loss known already [RFC6582-4.1] */
        return false;
    }
    r->force = true; /* [RFC5681-3.2d] */
    lose_front(c, now_ns);
    return true;
}

/* RFC 6582 §3.2 step 3: the next hole [RFC6582-3.2]. */
void tcp_newreno_on_partial_ack(struct tcp_conn *c, struct tcp_recover *r, uint32_t bytes, int64_t now_ns)
{
    r->force = true;
    lose_front(c, now_ns);
    r->dup_bytes = r->dup_bytes > bytes ? r->dup_bytes - bytes : 0;
    if (bytes >= c->mss)
        r->dup_bytes += c->mss;
    r->dup_acks = 0;
    if (!r->partial_seen)                               /* only the first one: the impatient variant */
        tcp_timer_on_progress(c, now_ns);
    r->partial_seen = true;
}
