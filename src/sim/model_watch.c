/* What every packet of a seeded world is held to. */
#include "base/checksum.h"
#include "sim/model_int.h"
#include "wire/eth.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

static const int64_t ACK_LATEST_NS = 520 * NS_PER_MS;       /* MUST-40, and what a timer may be late */
enum { NEIGHBOUR_TRIES = 3 };           /* RFC 4861 §10 */
static const int64_t RTO_MAX_NS = 120 * NS_PER_SEC;

/* True: TCP, whole; `r` holds the segment. */
static bool read_ip4(struct reader *r, struct addr *src, struct addr *dst)
{
    struct ip4 ip;
    if (ip4_read(r, &ip) != WHY_NONE || ip.proto != IP_TCP || ip.frag_offset || ip.more_fragments)
        return false;
    *src = ip.src;
    *dst = ip.dst;
    *r = rd_sub(r, (size_t)ip.total_len - ip.header_len);
    return true;
}

static bool read_ip6(struct reader *r, struct addr *src, struct addr *dst)
{
    struct ip6 ip;
    if (ip6_read(r, &ip) != WHY_NONE || ip.next != IP_TCP)
        return false;
    *src = ip.src;
    *dst = ip.dst;
    *r = rd_sub(r, ip.payload_len);
    return true;
}

static bool read_packet(const struct model *m, const void *bytes, uint32_t n_bytes, bool partial, struct model_packet *out)
{
    struct reader r = reader_of(bytes, n_bytes);
    const uint16_t type = m->ip6 ? ETH_IP6 : ETH_IP4;
    struct eth e;
    struct addr dst;
    if (m->ether && (!eth_read(&r, &e) || e.type != type))
        return false;
    if (!(m->ip6 ? read_ip6(&r, &out->src, &dst) : read_ip4(&r, &out->src, &dst)))
        return false;
    const csum_t sum = csum_add(csum_pseudo(out->src, dst, IP_TCP, (uint32_t)rd_left(&r)), r.at, rd_left(&r));
    if ((!partial && csum_finish(sum) != 0) || !tcp_header_read(&r, &out->h))
        return false;                   /* spoilt on the way */
    struct reader options = rd_sub(&r, out->h.header_len - TCP_HEADER);
    out->data = r;
    return tcp_opt_read(&options, &out->opt);
}

static struct model_watch *watch_of(struct model *m, int side, uint16_t port, int *index)
{
    for (int i = 0; i < m->n_conns; i++) {
        struct model_watch *w = &m->watch[side][i];
        if (w->port == port || w->port == 0) {
            w->port = port;
            *index = i;
            return w;
        }
    }
    return NULL;
}

/* Connections are told apart by the client's port: both ends share it as an index. */
static int index_of(struct model *m, const struct model_packet *p, int from)
{
    int index;
    const uint16_t client_port = from == 0 ? p->h.src_port : p->h.dst_port;
    return watch_of(m, 0, client_port, &index) ? index : -1;
}

static bool hold_data(struct model *m, int side, int index, const struct model_packet *p)
{
    const struct model_watch *w = &m->watch[side][index];
    struct reader data = p->data;
    uint64_t at = (uint32_t)seq_diff(p->h.seq, w->isn) - 1u + (p->h.flags & SYN ? 1 : 0);
    for (; rd_left(&data) > 0; at++)
        if (rd_u8(&data) != model_byte(side, index, at))
            return model_breach(m, "side %d sent a wrong byte at %llu of its stream", side, (unsigned long long)at);
    return true;
}

/* Nothing beyond the window; a probe of one byte is the exception (§3.8.6.1). */
static bool hold_window(struct model *m, int side, struct model_watch *w, const struct model_packet *p)
{
    const uint32_t len = (uint32_t)rd_left(&p->data);
    const seq_t end = seq_add(p->h.seq, len);
    if (w->heard && len > 1 && seq_lt(w->right_edge, end))
        return model_breach(m, "side %d sent %u bytes beyond the window", side, (unsigned)seq_diff(end, w->right_edge));
    if (w->max_sent.n == 0 || seq_lt(w->max_sent, end))
        w->max_sent = end;
    return true;
}

/* ACK and right edge only move on (§3.8.6, SHLD-14). */
static bool hold_promise(struct model *m, int side, struct model_watch *w, const struct model_watch *peer, const struct model_packet *p)
{
    if (!(p->h.flags & ACK) || p->h.flags & RST)
        return true;
    if (peer->fin && seq_eq(p->h.ack, peer->fin_end))
        return true;                    /* nothing may come any more: its window means nothing */
    const uint32_t window = (uint32_t)p->h.window << (p->h.flags & SYN || !w->scaled || !w->peer_scaled ? 0 : w->shift);
    const seq_t edge = seq_add(p->h.ack, window);
    if (w->reset && w->acked && seq_lt(p->h.ack, w->own_ack))
        w->acked = false;               /* after its RST an old segment may open it again: the SYN cookie in it is good */
    if (w->acked && seq_lt(p->h.ack, w->own_ack))
        return model_breach(m, "side %d took back an acknowledgment", side);
    if (w->acked && p->h.flags & SYN)
        return true;                    /* it comes again, behind text under a cookie: its field cannot say what was promised since */
    if (w->acked && seq_lt(edge, w->own_edge))
        return model_breach(m, "side %d shrank its window by %u", side, (unsigned)seq_diff(w->own_edge, edge));
    w->acked = true;
    w->own_ack = p->h.ack;
    w->own_edge = edge;
    return true;
}

/* Text is acknowledged within half a second, whatever becomes of it (§3.8.6.3). */
static void hold_owed(struct model *m, int side, int64_t now_ns)
{
    for (int i = 0; i < m->n_conns; i++) {
        const struct model_watch *w = &m->watch[side][i];
        if (w->owed_ns && now_ns - w->owed_ns > ACK_LATEST_NS)
            model_breach(m, "side %d left text without an acknowledgment for %.3f s", side, (double)(now_ns - w->owed_ns) / 1e9);
    }
}

/* What was dropped needs none, or had it at once. */
static void forgive_owed(struct model *m, int side, uint32_t pkt)
{
    for (int i = 0; i < m->n_conns; i++)
        if (m->watch[side][i].owed_pkt == pkt)
            m->watch[side][i].owed_ns = 0;
}

/* From one expiry to the next the timeout doubles (RFC 6298 (5.5)). */
static void hold_backoff(struct model *m, int side, const struct event *e)
{
    const struct ev_tcp_rto *r = EVENT_BODY_OF(e, tcp_rto);
    struct model_rto *last = &m->rto[side][e->conn % MODEL_RTOS];
    const bool next = last->conn == e->conn && last->seq == r->seq && last->count + 1 == r->count;
    if (next && r->rto_ns < time_min(2 * last->rto_ns, RTO_MAX_NS))
        model_breach(m, "side %d did not back off: %.3f s after %.3f s", side, (double)r->rto_ns / 1e9, (double)last->rto_ns / 1e9);
    *last = (struct model_rto){ e->conn, r->seq, r->rto_ns, r->count };
}

static void on_out(struct model *m, int side, const struct model_packet *p)
{
    const int index = index_of(m, p, side);
    if (index < 0)
        return;
    struct model_watch *w = &m->watch[side][index];
    w->owed_ns = 0;
    if (p->h.flags & RST) {
        w->reset = true;
        return;
    }
    if ((p->h.flags & SYN) && (w->reset || w->fin))     /* a late SYN began it anew */
        *w = (struct model_watch){ .port = w->port, .peer_scaled = w->peer_scaled };
    if (p->h.flags & SYN) {
        if (w->syn && !seq_eq(w->isn, p->h.seq))
            model_breach(m, "side %d changed its initial sequence number", side);
        w->syn = true;
        w->isn = p->h.seq;
        w->scaled = p->opt.has_wscale;
        w->shift = p->opt.wscale;
    }
    if (!w->syn)
        return;
    if (p->h.seq.n < w->isn.n)
        m->out->seen[SEEN_WRAP] = true;
    if (p->h.flags & FIN) {
        if (w->fin)
            m->out->seen[SEEN_FIN_LOST] = true;
        w->fin = true;
        w->fin_end = seq_add(p->h.seq, (uint32_t)rd_left(&p->data) + 1);
    }
    model_sack_said(m, side, index, p);
    model_recovery_out(m, side, index, p);
    if (hold_data(m, side, index, p) && hold_window(m, side, w, p))
        hold_promise(m, side, w, &m->watch[!side][index], p);
}

/* What the other side hears: how far it may send.  Spoilt packets only widen it. */
static void on_in(struct model *m, int side, const struct model_packet *p, const struct event *e)
{
    const int index = index_of(m, p, !side);
    if (index < 0)
        return;
    struct model_watch *w = &m->watch[side][index], *peer = &m->watch[!side][index];
    if (p->h.flags & RST) {
        w->owed_ns = 0;
        w->reset = true;
    }
    if (!(p->h.flags & (ACK | SYN)) || p->h.flags & RST)
        return;
    model_sack_arrived(m, side, index, p);
    if (rd_left(&p->data) > 0 && !w->owed_ns) {
        w->owed_ns = e->time_ns;
        w->owed_pkt = EVENT_BODY_OF(e, pkt_in)->pkt;
    }
    if (p->h.flags & SYN)
        w->peer_scaled = p->opt.has_wscale;
    peer->peer_scaled = w->scaled;
    if (!(p->h.flags & ACK))
        return;
    model_recovery_in(m, side, index, p);
    const bool scaled = !(p->h.flags & SYN) && w->scaled && peer->scaled;
    const seq_t edge = seq_add(p->h.ack, (uint32_t)p->h.window << (scaled ? peer->shift : 0));
    if (!w->heard || seq_lt(w->right_edge, edge))
        w->right_edge = edge;
    w->heard = true;
    if (p->h.window == 0 && !(p->h.flags & SYN))
        m->out->seen[SEEN_ZERO_WINDOW] = true;
}

/* A line for each segment, for whoever looks into a world that failed. */
static void say_packet(const struct model *m, const struct event *e, int side, const struct model_packet *p)
{
    if (!m->verbose)
        return;
    printf("%12.6f %d %s %u>%u flags %02x seq %u ack %u win %u len %zu\n", (double)e->time_ns / 1e9, side, e->kind == EV_pkt_out ? "out" : "in ",
           p->h.src_port, p->h.dst_port, p->h.flags, p->h.seq.n, p->h.ack.n, p->h.window, rd_left(&p->data));
}

/* What a sender made of it. */
static void say_event(const struct event *e, int side)
{
    const double at_s = (double)e->time_ns / 1e9;
    if (e->kind == EV_tcp_rto)
        printf("%12.6f %d conn %u: timeout %u of %u after %.3f s\n", at_s, side, e->conn, EVENT_BODY_OF(e, tcp_rto)->count, EVENT_BODY_OF(e, tcp_rto)->seq,
               (double)EVENT_BODY_OF(e, tcp_rto)->rto_ns / 1e9);
    else if (e->kind == EV_tcp_recovery)
        printf("%12.6f %d conn %u: recovery %u to %u\n", at_s, side, e->conn, EVENT_BODY_OF(e, tcp_recovery)->phase, EVENT_BODY_OF(e, tcp_recovery)->recover);
    else if (e->kind == EV_tcp_undo)
        printf("%12.6f %d conn %u: undone by %u\n", at_s, side, e->conn, EVENT_BODY_OF(e, tcp_undo)->by);
    else if (e->kind == EV_tcp_lost)
        printf("%12.6f %d conn %u: lost %u, %u, by %u\n", at_s, side, e->conn, EVENT_BODY_OF(e, tcp_lost)->seq, EVENT_BODY_OF(e, tcp_lost)->len,
               EVENT_BODY_OF(e, tcp_lost)->how);
    else if (e->kind == EV_tcp_cwnd)
        printf("%12.6f %d conn %u: cwnd %u, ssthresh %u\n", at_s, side, e->conn, EVENT_BODY_OF(e, tcp_cwnd)->cwnd, EVENT_BODY_OF(e, tcp_cwnd)->ssthresh);
    else if (e->kind == EV_tcp_sack)
        printf("%12.6f %d conn %u: sack %u to %u, %u%s\n", at_s, side, e->conn, EVENT_BODY_OF(e, tcp_sack)->from, EVENT_BODY_OF(e, tcp_sack)->to,
               EVENT_BODY_OF(e, tcp_sack)->bytes, EVENT_BODY_OF(e, tcp_sack)->dup ? ", twice" : "");
    else if (e->kind == EV_tcp_tail_probe)
        printf("%12.6f %d conn %u: tail probe %u\n", at_s, side, e->conn, EVENT_BODY_OF(e, tcp_tail_probe)->seq);
}

static void note_drop(struct model *m, enum why why)
{
    m->link_losses += why == WHY_LINK_LOSS;
    switch (why) {
    case WHY_NEIGH_UNREACHABLE: m->neighbour_lost |= m->link_losses >= NEIGHBOUR_TRIES; break;
    case WHY_LINK_LOSS: case WHY_LINK_QUEUE_FULL: m->out->seen[SEEN_LOSS] = true; break;
    case WHY_TCP_CHECKSUM: case WHY_IP_CHECKSUM: m->out->seen[SEEN_CORRUPT] = true; break;
    case WHY_SEGMENT_DUPLICATE: m->out->seen[SEEN_DUPLICATE] = true; break;
    case WHY_NO_BLOCK: m->out->seen[SEEN_NO_BLOCK] = true; break;
    default: break;
    }
}

static void note_state(struct model *m, const struct ev_tcp_state *s)
{
    if (s->from == SYN_SENT && s->to == SYN_RECEIVED)
        m->out->seen[SEEN_SIMULTANEOUS_OPEN] = true;
    if (s->to == CLOSING)
        m->out->seen[SEEN_SIMULTANEOUS_CLOSE] = true;
    if (s->to == TIME_WAIT)
        m->out->seen[SEEN_TIME_WAIT] = true;
}

static void note_retransmit(struct model *m, int side, const struct event *e)
{
    const struct ev_tcp_retransmit *r = EVENT_BODY_OF(e, tcp_retransmit);
    for (int i = 0; i < m->n_conns; i++) {
        const struct model_watch *w = &m->watch[side][i];
        if (w->syn && w->isn.n == r->seq)
            m->out->seen[SEEN_SYN_LOST] = true;
    }
}

static uint64_t fold(uint64_t digest, const void *bytes, size_t len)
{
    struct reader r = reader_of(bytes, len);
    while (rd_left(&r) > 0)
        digest = (digest ^ rd_u8(&r)) * UINT64_C(0x100000001b3);
    return digest;
}

static void note_bytes(struct model *m, const struct event *e, const void *bytes, uint32_t n_bytes)
{
    m->out->digest = fold(m->out->digest, &e->time_ns, sizeof e->time_ns);
    m->out->digest = fold(m->out->digest, bytes, n_bytes);
}

void model_watch_event(void *arg, const struct event *e, const void *bytes, uint32_t n_bytes)
{
    struct model *m = arg;
    const int side = e->node == 1 ? 0 : 1;
    struct model_packet p;
    hold_owed(m, side, e->time_ns);
    if (m->verbose)
        say_event(e, side);
    model_recovery_event(m, side, e);
    switch (e->kind) {
    case EV_pkt_out:
    case EV_pkt_in:
        m->out->packets += e->kind == EV_pkt_out;
        if (e->kind == EV_pkt_out)
            note_bytes(m, e, bytes, n_bytes);
        if (EVENT_BODY_OF(e, pkt_out)->gso_size)
            m->out->seen[SEEN_LARGE_PACKETS] = true;
        if (!read_packet(m, bytes, n_bytes, EVENT_BODY_OF(e, pkt_out)->csum == CSUM_PARTIAL, &p))
            break;
        say_packet(m, e, side, &p);
        if (e->kind == EV_pkt_out)
            on_out(m, side, &p);
        else
            on_in(m, side, &p, e);
        break;
    case EV_pkts_joined:    m->out->seen[SEEN_JOINED] = true; break;
    case EV_pkts_cut:       m->out->seen[SEEN_CUT] = true; break;
    case EV_pkt_drop:
        note_drop(m, EVENT_BODY_OF(e, pkt_drop)->why);
        forgive_owed(m, side, EVENT_BODY_OF(e, pkt_drop)->pkt);
        if (m->verbose)
            printf("%12.6f %d drop %s\n", (double)e->time_ns / 1e9, side, why_name(EVENT_BODY_OF(e, pkt_drop)->why));
        break;
    case EV_tcp_state:
        note_state(m, EVENT_BODY_OF(e, tcp_state));
        if (m->verbose)
            printf("%12.6f %d %s > %s %s\n", (double)e->time_ns / 1e9, side, tcp_state_name(EVENT_BODY_OF(e, tcp_state)->from),
                   tcp_state_name(EVENT_BODY_OF(e, tcp_state)->to), why_name(EVENT_BODY_OF(e, tcp_state)->why));
        break;
    case EV_tcp_rto:
        m->out->seen[SEEN_RTO] = true;
        hold_backoff(m, side, e);
        break;
    case EV_tcp_retransmit:
        note_retransmit(m, side, e);
        if (EVENT_BODY_OF(e, tcp_retransmit)->cause == 1)
            m->out->seen[SEEN_FAST_RETRANSMIT] = true;
        break;
    case EV_tcp_tail_probe: m->out->seen[SEEN_TAIL_PROBE] = true; break;
    case EV_tcp_undo:       m->out->seen[SEEN_UNDO] = true; break;
    case EV_tcp_probe:      m->out->seen[SEEN_PROBE] = true; break;
    default: break;
    }
}
