/* What leaves nearly always, in fewer steps: new text and the acknowledgment without text, of an
 * established connection that nothing unusual happens to.  What output.c and build.c decide for each
 * segment is the same for all that leave at one time, and is decided once.  It stands beside them and
 * must do the same; no_fast_path switches it off. */
#include "base/checksum.h"
#include "tcp/fast.h"
#include "wire/ecn.h"

enum { SEQ_AT = 4, CSUM_AT = 16, TS_WORDS = 3, WORDS = TCP_HEADER / 4 + TS_WORDS, TS_FORM = 0x0101080a };

static bool flight_is_plain(const struct tcp_flight *f)
{
    return !f->board.lost.first && !f->board.sacked_bytes && f->rec.phase == REC_OPEN && !f->rec.dup_bytes && !f->reasm.count &&
           !f->sack.moments && seq_eq(f->sack.dup.from, f->sack.dup.to);
}

static bool predicted(const struct tcp_conn *c, int64_t now_ns)
{
    const struct tcp_due *d = &c->due;
    if (c->state != ESTABLISHED || c->hold || c->fin_queued || c->cork || c->owed.each || c->timeout_due)
        return false;
    if (d->syn || d->probe || d->keepalive || d->force || d->tail || tcp_rare(c)->pmtu.works || c->snd.wnd == 0 || seq_lt(c->snd.nxt, c->snd.up))
        return false;
    if (c->ecn.mode == ECN_CLASSIC || c->ecn.answer_due || (c->flight && !flight_is_plain(c->flight)))
        return false;
    return in_flight(c) || now_ns - c->sent_ns <= tcp_rto(c) || !tcp_unsent(c);     /* not after a rest */
}

/* All words of the header, as they lie in memory; only some differ from segment to segment. */
struct header { uint32_t word[WORDS], len; csum_t fixed; };

static uint32_t word3(const struct tcp_conn *c, uint32_t header_len, uint8_t flags, uint16_t window)
{
    const uint32_t ace = c->ecn.mode == ECN_ACCURATE ? c->ecn.r_cep & 7u : 0;
    return be32(header_len << 26 | (ace >> 2) << 24 | (flags | (ace & 2 ? CWR : 0u) | (ace & 1 ? ECE : 0u)) << 16 | window);
}

/* Of all that leave now: no text arrives meanwhile. */
static void begin_header(struct tcp_conn *c, struct header *h, int64_t now_ns)
{
    h->len = c->ts.on ? WORDS * 4 : TCP_HEADER;
    h->word[1] = h->word[4] = 0;
    h->word[0] = be32((uint32_t)c->node.local_port << 16 | c->node.remote_port);
    h->word[2] = be32(c->rcv.nxt.n);
    h->word[3] = word3(c, h->len, ACK, tcp_rcv_offer(c, false));
    if (c->ts.on) {
        h->word[5] = be32(TS_FORM);
        h->word[6] = be32(tcp_ts_clock(c->ts.offset, now_ns));
        h->word[7] = be32(c->ts.recent);
    }
    h->fixed = csum_pseudo(c->node.local, c->node.remote, 6, 0);
}

static void address(const struct tcp_conn *c, struct pkt *k, int64_t now_ns)
{
    k->l4_off = (uint16_t)k->head;
    k->iface = c->way.iface;
    k->path = tcp_lend_path(c);
    k->proto = 6;
    k->ttl = c->ttl;
    k->tos = c->tos;
    k->dont_fragment = true;
    k->csum_field = CSUM_AT;
    k->time_ns = now_ns;
}

/* The pseudo header's length is a word of its own in the sum. */
static csum_t with_len(csum_t sum, uint32_t len) { return (csum_t){ sum.sum + be32(len) }; }

static void checksum(const struct header *h, struct pkt *k, uint32_t header_len, bool by_device)
{
    uint8_t *const at = pkt_head(k);
    csum_t sum = with_len(h->fixed, pkt_total(k));
    uint16_t field;
    k->csum = by_device ? CSUM_PARTIAL : CSUM_NONE;
    if (by_device) {
        field = csum_fold(sum);
    } else {                                    /* [MUST-2] */
        size_t offset = header_len;
        sum = csum_add(sum, at, header_len);
        for (unsigned i = 0; i < k->n_slices; offset += k->slice[i++].len)
            sum = csum_add_at(sum, k->slice[i].at, k->slice[i].len, offset);
        field = csum_finish(sum);
    }
    memcpy(at + CSUM_AT, &field, sizeof field);
}

/* ------------------------------------------------------------------- text */

/* What holds for all text that leaves now; where the next lies in the send buffer. */
struct run {
    struct header  h;
    const uint8_t *text;
    uint32_t       text_left;           /* contiguous bytes there */
    uint32_t       window, max, mss;    /* congestion window; bytes in a packet, in a segment */
    seq_t          edge;
    uint64_t       rate;
    uint32_t       segs, bytes;
};

static void borrow(struct tcp_conn *c, struct pkt *k, struct run *r, seq_t from, uint32_t len)
{
    while (len > 0) {
        if (r->text_left == 0)
            r->text = tcp_sent_at(c, from, &r->text_left);
        const uint32_t n = r->text_left < len ? r->text_left : len;
        const bool fits = pkt_borrow(k, r->text, n);
        assert(fits);
        (void)fits;
        r->text += n;
        r->text_left -= n;
        from = seq_add(from, n);
        len -= n;
    }
}

static struct pkt *build(struct tcp_conn *c, struct run *r, seq_t from, uint32_t n, int64_t now_ns)
{
    const seq_t to = seq_add(from, n);
    const bool push = (seq_lt(from, c->snd.push) && seq_le(c->snd.push, to)) || (n > r->mss && c->t->cfg.push_large);
    struct pkt *k = pkt_new(c->t->pools, TCP_HEADER_MAX);
    if (!k) {
        r->text_left = 0;                       /* the text is looked up again */
        return NULL;
    }
    memcpy(pkt_head(k), r->h.word, sizeof r->h.word);
    store_be32(pkt_head(k) + SEQ_AT, from.n);
    if (push)
        pkt_head(k)[13] |= PSH;
    k->len = r->h.len;
    address(c, k, now_ns);
    if (c->ecn.send_ect)
        k->tos = (uint8_t)((c->tos & ~ECN_MASK) | ECN_ECT0);
    borrow(c, k, r, from, n);
    if (n > r->mss)
        k->gso_size = (uint16_t)r->mss;
    checksum(&r->h, k, r->h.len, c->way.tx_csum || k->gso_size);
    return k;
}

/* The text that may leave next; 0: none. */
static uint32_t next_len(const struct tcp_conn *c, const struct run *r)
{
    const seq_t next = c->snd.nxt;
    const int32_t queued = seq_diff(c->snd.end, next), usable = seq_diff(r->edge, next);
    const uint32_t pipe = in_flight(c);
    if (usable <= 0 || queued <= 0 || r->window <= pipe)
        return 0;
    if (c->flight && !board_can_send(&c->t->sent, &c->flight->board, c->t->cfg.max_conns))
        return 0;
    uint32_t n = r->window - pipe;
    n = n < (uint32_t)usable ? n : (uint32_t)usable;
    n = n < (uint32_t)queued ? n : (uint32_t)queued;
    return tcp_reach(c, next, n > r->max ? r->max : tcp_worth_sending(c, next, n, n == (uint32_t)queued));
}

/* What is the same for all of a run is done with the first. */
static void begin(struct tcp_conn *c, struct run *r, int64_t now_ns)
{
    begin_header(c, &r->h, now_ns);
    tcp_ack_sent(c, false);
    (void)tcp_flight_need(c);
    tcp_timer_on_sending(c, now_ns);
    tcp_delack_on_text_sent(c, now_ns);
}

static void send_one(struct tcp_conn *c, struct run *r, uint32_t n, struct batch *b, int64_t now_ns)
{
    const bool from_rest = !in_flight(c);
    if (r->segs == 0)
        begin(c, r, now_ns);
    struct pkt *k = build(c, r, c->snd.nxt, n, now_ns);
    if (k)
        batch_add(b, k);
    else
        trace_count(c->t->trace, WHY_NO_BUFFER, now_ns);
    r->segs += n > r->mss ? (n + r->mss - 1) / r->mss : 1;
    r->bytes += n;
    tcp_sent_new(c, n, now_ns);
    tcp_pace_sent_at(c, r->rate, n, from_rest, now_ns);
}

/* False: the batch is full and more could leave. */
static bool send_text(struct tcp_conn *c, struct batch *b, int64_t now_ns)
{
    if (!tcp_unsent(c) && !in_flight(c))
        return true;
    struct run r;                               /* its header is filled in by the first */
    bool full = false;
    r.window = c->cc.cwnd > c->mss ? c->cc.cwnd : c->mss;
    r.mss = c->mss;
    r.edge = seq_add(c->snd.una, c->snd.wnd);
    r.rate = tcp_pacing_rate(c);
    r.max = tcp_packet_max(c);
    r.text_left = r.segs = r.bytes = 0;
    for (uint32_t n; (n = next_len(c, &r)) > 0;) {
        full = batch_full(b);
        if (full || !tcp_pace_may_send(c, now_ns))
            break;
        send_one(c, &r, n, b, now_ns);
    }
    if (r.segs) {
        c->sent_ns = now_ns;
        tcp_tally_text_out(c, r.segs, r.bytes);
    }
    if (full)
        return false;
    if (r.segs && c->sack)
        tcp_tlp_schedule(c, now_ns);
    if (in_flight(c) && !tcp_unsent(c) && in_flight(c) < c->cc.cwnd)
        tcp_rate_idle(c);
    if (!in_flight(c) && tcp_unsent(c) && !c->pace.waits)
        tcp_timer_on_blocked(c, now_ns);
    return true;
}

/* ------------------------------------------------------- an acknowledgment */

static void send_ack(struct tcp_conn *c, struct batch *b, int64_t now_ns)
{
    const struct tcp_tx x = { .seq = c->snd.nxt, .flags = ACK };
    struct header h;
    begin_header(c, &h, now_ns);
    struct pkt *k = pkt_new(c->t->pools, TCP_HEADER_MAX);
    if (k) {
        memcpy(pkt_head(k), h.word, sizeof h.word);
        store_be32(pkt_head(k) + SEQ_AT, c->snd.nxt.n);
        k->len = h.len;
        if (c->ecn.mode == ECN_ACCURATE)
            k->len += tcp_ecn_write(c, pkt_head(k) + h.len, h.len - TCP_HEADER, &x);
        pkt_head(k)[12] = (uint8_t)(k->len / 4 << 4 | (pkt_head(k)[12] & 1));
        address(c, k, now_ns);
        checksum(&h, k, k->len, c->way.tx_csum);
        batch_add(b, k);
    } else {
        trace_count(c->t->trace, WHY_NO_BUFFER, now_ns);
    }
    tcp_tally_out(c, &x);
    tcp_ack_sent(c, false);
}

enum fast_out tcp_fast_out(struct tcp_conn *c, struct batch *b, int64_t now_ns)
{
    if (!predicted(c, now_ns))
        return FAST_OUT_NOT;
    if (batch_full(b) || !send_text(c, b, now_ns))
        return FAST_OUT_FULL;
    if (c->owed.now || (c->due.update && tcp_rcv_update_due(c))) {
        if (batch_full(b))
            return FAST_OUT_FULL;
        c->due.update = false;
        send_ack(c, b, now_ns);
    }
    c->due.update = false;
    return FAST_OUT_DONE;
}
