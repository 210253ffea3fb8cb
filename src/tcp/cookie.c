/* SYN cookies (RFC 4987 §3.6): while the SYN queue is full a SYN is answered and
 * forgotten.  Our initial sequence number says that we did, under a secret:
 *
 *     28 bits of SipHash over the flow, IRS and what follows | period & 1 | MSS index
 *
 * and when the SYN had a time stamp, the low six bits of ours keep the other options.
 * Secrets live for two periods; an ACK is looked at only while a cookie of this
 * listener may be under way, so that guessing leads nowhere in quiet times. */
#include "tcp/conn.h"

static const int64_t PERIOD_NS = 64 * NS_PER_SEC;
/* What peers announce: tiny links, IPv4's and IPv6's least, tunnels, DSL and IPv6, Ethernet, jumbo frames. */
static const uint16_t mss_table[8] = { 64, 256, 536, 1220, 1360, 1440, 1460, 8960 };
enum { MSS_MASK = 7, PERIOD_BIT = 8, LOW_BITS = 15, TS_BITS = 64, TS_NO_SCALE = 15, TS_SACK = 16, TS_ECN = 32 };

/* A secret that is over is forgotten before the new one is used. */
static void turn(struct tcp *t, int64_t now_ns)
{
    struct tcp_cookies *k = &t->cookies;
    const int64_t period = now_ns / PERIOD_NS;
    if (period == k->period)
        return;
    if (period != k->period + 1)
        k->key[~period & 1] = tcp_secret(t, SECRET_COOKIE, period - 1);
    k->key[period & 1] = tcp_secret(t, SECRET_COOKIE, period);
    k->period = period;
}

static uint32_t cookie_of(const struct tcp *t, const struct tcp_seg *s, seq_t irs, uint32_t low)
{
    const uint64_t words[6] = { s->local.q[0], s->local.q[1], s->remote.q[0], s->remote.q[1],
                                (uint64_t)s->local_port << 16 | s->remote_port, (uint64_t)irs.n << 8 | low };
    return (uint32_t)siphash(&t->cookies.key[!!(low & PERIOD_BIT)], words, sizeof words) << 4 | low;
}

/* ----------------------------------------------------------------- SYN-ACK */

/* The largest that is no more than the peer takes. */
static uint32_t mss_index(const struct tcp_seg *syn)
{
    const uint16_t mss = syn->opt.has_mss ? syn->opt.mss : addr_is4(syn->local) ? 536 : 1220;
    uint32_t i = MSS_MASK;
    while (i > 0 && mss_table[i] > mss)
        i--;
    return i;
}

static bool ecn_asked(const struct tcp_seg *syn) { return (syn->ace & 3) == 3; }

/* A time stamp not later than now whose low bits are the options. */
static uint32_t stamp(uint32_t now, const struct tcp_seg *syn)
{
    uint32_t bits = syn->opt.has_wscale ? (syn->opt.wscale > TCP_WSCALE_MAX ? TCP_WSCALE_MAX : syn->opt.wscale) : TS_NO_SCALE;
    bits |= syn->opt.sack_permitted ? TS_SACK : 0;
    bits |= ecn_asked(syn) ? TS_ECN : 0;
    const uint32_t ts = (now & ~(uint32_t)(TS_BITS - 1)) | bits;
    return (int32_t)(ts - now) > 0 ? ts - TS_BITS : ts;
}

/* `full` says which queue overflowed; WHY_NONE: every SYN is answered so. */
seg_fate tcp_cookie_answer(struct tcp *t, struct tcp_listener *l, struct tcp_seg *syn, enum why full)
{
    const struct tcp_config *f = &t->cfg;
    if (full != WHY_NONE)
        TRACE(t->trace, syn->now_ns, 0, tcp_overflow, .port = l->local.port, .why = (uint8_t)full);
    turn(t, syn->now_ns);
    const uint32_t low = (t->cookies.period & 1 ? PERIOD_BIT : 0) | mss_index(syn);
    struct tcp_reply r = { .flow = { syn->local, syn->remote, syn->local_port, syn->remote_port }, .flags = SYN | ACK,
                           .seq = seq(cookie_of(t, syn, syn->seq, low)), .ack = seq_add(syn->seq, 1), .window = tcp_first_window(t, &l->opt) };
    if (syn->opt.has_ts && !f->no_timestamps) {
        r.has_ts = true;
        r.ts_val = stamp(tcp_ts_clock(tcp_ts_offset(tcp_flow_bits(t, &r.flow)), syn->now_ns), syn);
        r.ts_ecr = syn->ts_val;
        r.has_wscale = syn->opt.has_wscale && !f->no_wscale;
        r.wscale = tcp_own_scale(t, &l->opt);
        if (ecn_asked(syn) && f->ecn != TCP_ECN_OFF)
            r.flags |= ECE;                     /* classic: that much the time stamp holds */
        r.sack_permitted = syn->opt.sack_permitted && !f->no_sack && !l->opt.no_sack;
    }
    l->cookies_until_ns = time_after(syn->now_ns, 2 * PERIOD_NS);
    tcp_reply_push(t, &r, syn->now_ns);
    TRACE(t->trace, syn->now_ns, 0, tcp_cookie, .port = syn->local_port, .remote = syn->remote, .remote_port = syn->remote_port);
    return SEG_TAKEN;
}

/* --------------------------------------------------------------------- ACK */

static bool holds(struct tcp *t, const struct tcp_seg *s)
{
    const uint32_t cookie = s->ack.n - 1;
    turn(t, s->now_ns);
    return cookie_of(t, s, seq_sub(s->seq, 1), cookie & LOW_BITS) == cookie;
}

/* The SYN as it must have been. */
static struct tcp_seg syn_of(const struct tcp_seg *s)
{
    struct tcp_seg syn = *s;
    syn.flags = SYN;
    syn.ace = 0;
    syn.seq = seq_sub(s->seq, 1);
    syn.opt = (struct tcp_opt){ .has_mss = true, .mss = mss_table[(s->ack.n - 1) & MSS_MASK], .has_ts = s->has_ts, .ts_val = s->ts_val };
    if (!s->has_ts)
        return syn;
    const uint32_t bits = s->ts_ecr & (TS_BITS - 1);
    syn.opt.wscale = bits & TS_NO_SCALE;
    syn.opt.has_wscale = syn.opt.wscale != TS_NO_SCALE;
    syn.opt.sack_permitted = bits & TS_SACK;
    syn.ace = bits & TS_ECN ? 3 : 0;
    return syn;
}

/* From here on it is as if our SYN-ACK had left with a connection behind it. */
static seg_fate open_by(struct tcp *t, struct tcp_listener *l, struct tcp_seg *s)
{
    const seq_t iss = seq_sub(s->ack, 1);
    const struct tcp_seg syn = syn_of(s);
    struct tcp_conn *c = tcp_listen_open(t, l, &syn, &iss, NULL);
    if (!c)
        return tcp_drop(t, s, WHY_CONN_TABLE_FULL);
    tcp_rcv_open(c, syn.seq, tcp_first_window(t, &l->opt));
    c->offered = true;
    tcp_sent_syn_before(c);
    tcp_ack_sent(c, false);
    TRACE(t->trace, s->now_ns, c->serial, tcp_cookie, .port = s->local_port, .remote = s->remote, .remote_port = s->remote_port, .came_back = 1);
    const seg_fate fate = tcp_arrive_conn(c, s);
    tcp_wake(c);                                /* it has no path yet */
    return fate;
}

seg_fate tcp_cookie_arrive(struct tcp *t, struct tcp_listener *l, struct tcp_seg *s)
{
    if (s->now_ns >= l->cookies_until_ns || l->opt.hold || s->flags & SYN)
        return tcp_drop_rst(t, s, WHY_LISTEN_ACK);
    if (!holds(t, s))                           /* text behind what the wire lost names another number: what comes again will fit */
        return s->text_len ? tcp_drop(t, s, WHY_COOKIE_BAD) : tcp_drop_rst(t, s, WHY_COOKIE_BAD);
    if (l->n[QUEUE_ACCEPT] >= l->opt.backlog)
        return tcp_drop(t, s, WHY_ACCEPT_QUEUE_FULL);
    return open_by(t, l, s);
}
