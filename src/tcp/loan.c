/* Text without a copy: sent from where its lender keeps it, and received by taking the
 * block it lies in.  A loan is text of the stream like any other, only that its bytes are
 * not in the send buffer; it is over when its last byte was acknowledged, or with the
 * connection.  Nobody else borrows it then: what a batch borrowed ended with the batch. */
#include "tcp/conn.h"

enum { LOAN_MAX = 1 << 30,              /* sequence numbers further apart than half the space do not compare */
       TAKE_LEAST = 1024 };             /* fewer bytes are copied sooner than a block changes hands */

bool tcp_loans_init(struct tcp *t)
{
    list_init(&t->loans_over);
    return pool_init(&t->loans, sizeof(struct tcp_loan), t->cfg.max_loans);
}

void tcp_loans_none(struct tcp_conn *c)
{
    c->flight->loans = c->flight->loans_last = NULL;
    c->flight->loan_seen = NULL;
}

static bool may_lend(const struct tcp_conn *c)
{
    return (uint32_t)seq_diff(c->snd.end, snd_first(c)) < c->send_buffer;
}

enum plumb_err tcp_lend(struct tcp_conn *c, const void *bytes, size_t len, void *lender, int64_t now_ns)
{
    struct tcp *t = c->t;
    if (len == 0 || len > LOAN_MAX)
        return PLUMB_INVALID;
    if (!state_in(c, CAN_SEND) || c->fin_queued)
        return PLUMB_CLOSED;
    struct tcp_loan *l = may_lend(c) ? pool_get(&t->loans) : NULL;
    if (!l) {
        c->want_write = true;
        return PLUMB_AGAIN;
    }
    *l = (struct tcp_loan){ .from = c->snd.end, .to = seq_add(c->snd.end, (uint32_t)len), .at = bytes, .lender = lender };
    struct tcp_flight *f = tcp_flight_need(c);
    if (f->loans_last)
        f->loans_last->next = l;
    else
        f->loans = l;
    f->loans_last = l;
    tcp_commit(c, len, true, now_ns);
    return PLUMB_OK;
}

void *tcp_loan_back(struct tcp *t)
{
    struct list *n = list_pop(&t->loans_over);
    if (!n)
        return NULL;
    struct tcp_loan *l = list_entry(n, struct tcp_loan, over);
    void *lender = l->lender;
    pool_put(&t->loans, l);
    return lender;
}

/* The loans of which nothing lies at `una` or above end. */
void tcp_loans_acked(struct tcp_conn *c, seq_t una)
{
    struct tcp_flight *f = c->flight;
    for (struct tcp_loan *l; (l = f->loans) && seq_le(l->to, una);) {
        f->loans = l->next;
        if (!f->loans)
            f->loans_last = NULL;
        if (f->loan_seen == l)
            f->loan_seen = NULL;
        list_push(&c->t->loans_over, &l->over);
    }
}

/* Lent bytes at `at`; NULL: they are in the send buffer.  *len: as far as the loan, or what is before the next, reaches. */
const uint8_t *tcp_loan_at(const struct tcp_conn *c, seq_t at, uint32_t *len)
{
    const struct tcp_loan *seen = c->flight->loan_seen;
    *len = UINT32_MAX;
    for (const struct tcp_loan *l = seen && seq_le(seen->from, at) ? seen : c->flight->loans; l; l = l->next) {
        if (seq_lt(at, l->from)) {
            *len = (uint32_t)seq_diff(l->from, at);
            return NULL;
        }
        if (seq_lt(at, l->to)) {
            c->flight->loan_seen = l;
            *len = (uint32_t)seq_diff(l->to, at);
            return l->at + seq_diff(at, l->from);
        }
    }
    return NULL;
}

/* How many of `n` bytes from `at` on a packet can borrow: it has so many slices. */
uint32_t tcp_loan_reach(const struct tcp_conn *c, seq_t at, uint32_t n)
{
    uint32_t done = 0;
    for (unsigned i = 0; i < PKT_SLICES_MAX && done < n; i++) {
        uint32_t piece;
        (void)tcp_sent_at(c, seq_add(at, done), &piece);
        done += piece;
    }
    if (done >= n)
        return n;
    return done > tcp_seg_mss(c) ? done / tcp_seg_mss(c) * tcp_seg_mss(c) : done;
}

/* --------------------------------------------------------------- receiving */

bool tcp_take(struct tcp_conn *c, struct tcp_taken *out, int64_t now_ns)
{
    struct tcp *t = c->t;
    size_t len;
    const uint8_t *bytes = tcp_peek(c, &len);
    if (!bytes || len < TAKE_LEAST || t->taken >= t->blocks.max / 8)    /* whoever keeps blocks leaves most to the others */
        return false;
    uint8_t *block = tcp_rcv_take_block(c, (uint32_t)len);
    if (!block)
        return false;
    t->taken++;
    *out = (struct tcp_taken){ .bytes = bytes, .len = len, .block = block };
    tcp_consume(c, len, now_ns);
    return true;
}

void tcp_put_back(struct tcp *t, void *block)
{
    t->taken--;
    pool_put(&t->blocks, block);
    tcp_feed_starved(t);
}

struct pool tcp_keep_blocks(struct tcp *t)
{
    const struct pool kept = t->blocks;
    t->blocks = (struct pool){ 0 };
    return kept;
}
