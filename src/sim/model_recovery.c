/* What a sender of a seeded world may send again, and how much at once, judged from the
 * wire and from what it says of itself: what the peer has is not sent again before a
 * timeout (RFC 2018 §5.1), nothing is sent again without a cause, and what is in flight
 * stays within the congestion window, in recovery within what RFC 9937 allows. */
#include "sim/model_int.h"

enum { PHASE_OPEN, PHASE_FAST, PHASE_LOSS };    /* as tcp_recovery says it */

/* ------------------------------------------------------- sets of a stream's bytes */

static uint64_t within(int64_t word, int64_t from, int64_t to)
{
    const int64_t low = from - word * 64, high = to - word * 64;
    const uint64_t below_high = high >= 64 ? UINT64_MAX : (UINT64_C(1) << high) - 1;
    return low <= 0 ? below_high : below_high & ~((UINT64_C(1) << low) - 1);
}

static int64_t clip(int64_t at) { return at < 0 ? 0 : at > MODEL_BYTES ? MODEL_BYTES : at; }

static void put(struct model_bits *b, int64_t from, int64_t to, bool in)
{
    from = clip(from);
    to = clip(to);
    for (int64_t i = from / 64; from < to && i <= (to - 1) / 64; i++)
        b->word[i] = in ? b->word[i] | within(i, from, to) : b->word[i] & ~within(i, from, to);
}

/* How many of [from, to) stand in either. */
static uint32_t count(const struct model_bits *a, const struct model_bits *b, int64_t from, int64_t to)
{
    uint32_t n = 0;
    from = clip(from);
    to = clip(to);
    for (int64_t i = from / 64; from < to && i <= (to - 1) / 64; i++)
        n += (uint32_t)__builtin_popcountll((a->word[i] | b->word[i]) & within(i, from, to));
    return n;
}

static void join(struct model_bits *to, const struct model_bits *from)
{
    for (int i = 0; i < MODEL_WORDS; i++)
        to->word[i] |= from->word[i];
}

/* ------------------------------------------------------------ what the wire shows */

static int64_t offset(const struct model *m, const struct model_flight *f, seq_t at)
{
    return (int64_t)seq_diff(at, m->watch[f->side][f->index].isn) - 1;
}

static struct model_flight *flight_of(struct model *m, int side, uint32_t conn)
{
    for (int i = 0; i < m->n_conns; i++)
        if (conn && m->flight[side][i].conn == conn && m->watch[side][i].syn)
            return &m->flight[side][i];
    return NULL;
}

/* What an acknowledgment says may have been believed, or not: `said` holds all of it. */
void model_recovery_in(struct model *m, int side, int index, const struct model_packet *p)
{
    struct model_flight *f = &m->flight[side][index];
    if (!f->conn || !m->watch[side][index].syn)
        return;
    const int64_t ack = offset(m, f, p->h.ack);
    if (ack > f->una && ack <= f->sent + 1)
        f->una = ack;
    f->ack = p->h.ack;
    f->n_sack = p->opt.n_sack;
    for (unsigned i = 0; i < p->opt.n_sack; i++) {
        f->sack[i] = p->opt.sack[i];
        put(&f->said, offset(m, f, p->opt.sack[i].from), offset(m, f, p->opt.sack[i].to), true);
    }
}

/* How much congestion control lets be in flight. */
static uint32_t allowed(const struct model *m, const struct model_flight *f)
{
    const uint32_t mss = m->mss, window = f->cwnd > mss ? f->cwnd : mss;
    if (f->phase == PHASE_LOSS)
        return window + mss;                    /* F-RTO's third segment (RFC 5682 §2.1 (3a)) */
    if (f->phase == PHASE_OPEN || m->own_recovery)
        return window;
    return (f->recovery_pipe > f->ssthresh ? f->recovery_pipe : f->ssthresh) + mss;
}

static void hold_flight(struct model *m, struct model_flight *f, int64_t from)
{
    const uint32_t gone = count(&f->said, &f->again, f->una, f->sent);
    const int64_t pipe = f->sent - f->una - gone;
    f->pipe = (uint32_t)(pipe > 0 ? pipe : 0);
    const bool sack = m->sack_asked[0][f->index] && m->sack_asked[1][f->index];
    if (!sack || !f->cwnd || from <= f->una || f->probing || pipe <= allowed(m, f))
        return;
    model_breach(m, "side %d has %lld bytes in flight, %u are allowed%s", f->side, (long long)pipe, allowed(m, f), f->phase ? " in recovery" : "");
}

void model_recovery_out(struct model *m, int side, int index, const struct model_packet *p)
{
    struct model_flight *f = &m->flight[side][index];
    const int64_t len = (int64_t)rd_left(&p->data), from = offset(m, f, p->h.seq) + !!(p->h.flags & SYN), to = from + len;
    if (!f->conn || len == 0)
        return;
    if (from < f->sent)
        f->resent += (uint64_t)((to < f->sent ? to : f->sent) - from);
    if (f->resent > f->told)
        model_breach(m, "side %d sent %lld at %lld again and did not say so", side, (long long)len, (long long)from);
    if (f->sent < to)
        f->sent = to;
    hold_flight(m, f, from);
    f->probing = false;
}

/* ------------------------------------------------- what the sender says of itself */

static void on_open(struct model *m, int side, const struct event *e)
{
    const struct ev_tcp_open *o = EVENT_BODY_OF(e, tcp_open);
    const uint16_t client_port = side == 0 ? o->local_port : o->remote_port;
    for (int i = 0; i < m->n_conns; i++)
        if (m->watch[0][i].port == client_port)
            m->flight[side][i] = (struct model_flight){ .conn = e->conn, .side = side, .index = i };
}

/* The peer said so, and the sender took all of it: what it found new is no less. */
static void on_sack(struct model *m, struct model_flight *f, const struct ev_tcp_sack *s)
{
    struct model_bits more = f->sacked;
    const int64_t una = offset(m, f, seq(s->ack));
    if (f->n_sack == 0 || f->ack.n != s->ack || f->sack[0].from.n != s->from || f->sack[0].to.n != s->to)
        return;
    for (unsigned i = s->dup; i < f->n_sack; i++) {
        const int64_t from = offset(m, f, f->sack[i].from), to = offset(m, f, f->sack[i].to);
        put(&more, from < una ? una : from, to, true);
    }
    if (count(&more, &more, una, f->sent) - count(&f->sacked, &f->sacked, una, f->sent) <= s->bytes)
        f->sacked = more;
}

static void on_retransmit(struct model *m, struct model_flight *f, const struct event *e)
{
    const struct ev_tcp_retransmit *r = EVENT_BODY_OF(e, tcp_retransmit);
    const int64_t from = offset(m, f, seq(r->seq)), end = from + r->len, to = end < f->sent ? end : f->sent;
    f->told += r->len;
    if (from < f->una || to <= from)            /* a SYN, a FIN, or what no packet could be had for */
        return;
    if (count(&f->sacked, &f->sacked, from, to))
        model_breach(m, "side %d sent %u at %lld again, which the peer has said it has", f->side, r->len, (long long)from);
    if (!f->excuse && count(&f->again, &f->again, from, to) != (uint32_t)(to - from))
        f->unexplained = e->time_ns;
    f->unexplained_seq = r->seq;
    f->excuse = false;
    put(&f->again, from, to, false);
}

/* A tail probe is told of when it has left; nothing else is sent again without having been lost. */
static void hold_cause(struct model *m, struct model_flight *f, const struct event *e)
{
    if (!f->unexplained)
        return;
    if (e->kind != EV_tcp_tail_probe || EVENT_BODY_OF(e, tcp_tail_probe)->seq != f->unexplained_seq)
        model_breach(m, "side %d sent %u again without a cause", f->side, f->unexplained_seq);
    f->unexplained = 0;
}

/* All that is not known to have arrived will be sent again, though nothing was lost. */
static void all_again(struct model_flight *f) { put(&f->again, f->una, f->sent, true); }

/* RecoverFS: what was in flight before the acknowledgment that told. */
static void on_recovery(struct model_flight *f, const struct ev_tcp_recovery *r)
{
    f->phase = r->phase;
    f->recovery_pipe = f->pipe > r->pipe ? f->pipe : r->pipe;
}

/* What SACKs said is forgotten (RFC 2018 §8); the first leaves, whatever else is in the network. */
static void on_timeout(struct model_flight *f)
{
    join(&f->again, &f->said);
    join(&f->forgot, &f->said);
    f->said = f->sacked = (struct model_bits){ { 0 } };
    f->probing = true;
}

/* Nothing was lost, and nothing that had arrived before a timeout was dropped. */
static void on_undo(struct model_flight *f, const struct ev_tcp_undo *u)
{
    f->again = (struct model_bits){ { 0 } };
    if (u->timeout)
        join(&f->said, &f->forgot);
}

void model_recovery_event(struct model *m, int side, const struct event *e)
{
    if (e->kind == EV_tcp_open)
        on_open(m, side, e);
    struct model_flight *f = flight_of(m, side, e->conn);
    if (!f)
        return;
    const struct ev_tcp_lost *lost = EVENT_BODY_OF(e, tcp_lost);
    const struct ev_tcp_cwnd *window = EVENT_BODY_OF(e, tcp_cwnd);
    hold_cause(m, f, e);
    switch (e->kind) {
    case EV_tcp_lost: put(&f->again, offset(m, f, seq(lost->seq)), offset(m, f, seq(lost->seq)) + lost->len, true); break;
    case EV_tcp_sack: on_sack(m, f, EVENT_BODY_OF(e, tcp_sack)); break;
    case EV_tcp_retransmit: on_retransmit(m, f, e); break;
    case EV_tcp_recovery: on_recovery(f, EVENT_BODY_OF(e, tcp_recovery)); break;
    case EV_tcp_undo: on_undo(f, EVENT_BODY_OF(e, tcp_undo)); break;
    case EV_tcp_window: case EV_tcp_pmtu: all_again(f); break;
    case EV_tcp_tail_probe: f->probing = true; break;
    case EV_tcp_probe: f->excuse = f->probing = EVENT_BODY_OF(e, tcp_probe)->kind == 0; break;
    case EV_tcp_rto: on_timeout(f); break;
    case EV_tcp_cwnd:
        f->cwnd = window->cwnd;
        f->ssthresh = window->ssthresh;
        break;
    default: break;
    }
}
