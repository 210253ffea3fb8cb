/* SACK in a seeded world: nobody says that text has arrived which has not (RFC 2018 §4),
 * and only who was asked says anything. */
#include "sim/model_int.h"

/* Where a sequence number stands in the peer's stream; the SYN's is not in it. */
static int64_t stream_at(const struct model_watch *peer, seq_t s) { return (int64_t)seq_diff(s, peer->isn) - 1; }

void model_sack_arrived(struct model *m, int side, int index, const struct model_packet *p)
{
    const struct model_watch *peer = &m->watch[!side][index];
    const int64_t from = stream_at(peer, p->h.seq) + !!(p->h.flags & SYN), to = from + (int64_t)rd_left(&p->data);
    for (int64_t i = from < 0 ? 0 : from; i < to && i < MODEL_BYTES; i++)
        m->arrived[side][index].bit[i / 64] |= UINT64_C(1) << i % 64;
}

static bool all_arrived(const struct model_arrived *a, int64_t from, int64_t to)
{
    if (from < 0 || to > MODEL_BYTES)
        return false;
    for (int64_t i = from; i < to;) {
        if (i % 64 == 0 && to - i >= 64 && a->bit[i / 64] == UINT64_MAX) {
            i += 64;
            continue;
        }
        if (!(a->bit[i / 64] >> i % 64 & 1))
            return false;
        i++;
    }
    return true;
}

void model_sack_said(struct model *m, int side, int index, const struct model_packet *p)
{
    const struct model_watch *w = &m->watch[side][index], *peer = &m->watch[!side][index];
    if (p->h.flags & SYN) {
        m->sack_asked[side][index] = p->opt.sack_permitted;
        return;
    }
    if (p->opt.n_sack == 0)
        return;
    m->out->seen[SEEN_SACK] = true;
    if (!w->reset && (!m->sack_asked[side][index] || !m->sack_asked[!side][index]))
        model_breach(m, "side %d sent SACK, which was not agreed on", side);
    for (unsigned i = 0; i < p->opt.n_sack; i++) {
        const int64_t from = stream_at(peer, p->opt.sack[i].from), to = stream_at(peer, p->opt.sack[i].to);
        if (from >= to)
            model_breach(m, "side %d sent an empty SACK block", side);
        if (i == 0 && (seq_lt(p->opt.sack[0].from, p->h.ack) ||
                       (p->opt.n_sack > 1 && seq_le(p->opt.sack[1].from, p->opt.sack[0].from) && seq_le(p->opt.sack[0].to, p->opt.sack[1].to))))
            m->out->seen[SEEN_DSACK] = true;
        else if (seq_le(p->opt.sack[i].from, p->h.ack))
            model_breach(m, "side %d sent a SACK block that its own acknowledgment touches", side);
        if (!all_arrived(&m->arrived[side][index], from, to))
            model_breach(m, "side %d sent a SACK block over text that has not arrived", side);
    }
}
