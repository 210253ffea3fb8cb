/* TCP Fast Open, RFC 7413: text on the SYN, for peers that were here before.
 *
 * A listener gives each address that asks a cookie, which nobody else can make.  A SYN
 * that brings it back comes from where it says it does, so that its text may be read
 * and answered before the handshake is over.  An opener keeps what it was given, by
 * peer; whatever does not work ends in the plain handshake. */
#include "tcp/conn.h"

enum { OWN_COOKIE = 8, MOST_OPTIONS = 40, LOSSES_MAX = 6 };
static const int64_t AVOID_NS = 60 * NS_PER_SEC;        /* doubled with each loss, up to about an hour */
static const int64_t RESETS_NS = 60 * NS_PER_SEC;

void tcp_fast_open_init(struct tcp *t)
{
    static const char label[] = "fast open cookies";
    struct sipkey *key = &t->fast_open_key;
    if (t->cfg.fast_open_fixed)
        memcpy(key->k, t->cfg.fast_open_key, sizeof key->k);
    else
        for (unsigned i = 0; i < 2; i++)                /* of a length that no other use of the key has */
            key->k[i] = siphash(&t->isn_key, label, sizeof label - i);
}

static void cookie_for(const struct tcp *t, struct addr remote, uint8_t out[OWN_COOKIE])
{
    const uint64_t h = siphash(&t->fast_open_key, remote.q, sizeof remote.q);
    store_be32(out, (uint32_t)(h >> 32));
    store_be32(out + 4, (uint32_t)h);
}

/* --------------------------------------------------------------- the opener */

static struct fast_open_peer *peer_known(struct tcp *t, struct addr remote)
{
    for (unsigned i = 0; i < FAST_OPEN_PEERS; i++)
        if (addr_eq(t->fast_open_peer[i].remote, remote))
            return &t->fast_open_peer[i];
    return NULL;
}

bool tcp_can_open_fast(const struct tcp *t, struct addr remote)
{
    for (unsigned i = 0; i < FAST_OPEN_PEERS; i++)
        if (addr_eq(t->fast_open_peer[i].remote, remote))
            return t->fast_open_peer[i].n_cookie && t->now_ns >= t->fast_open_peer[i].avoid_until_ns;
    return false;
}

/* Known or not; the one that was used longest ago makes room. */
static struct fast_open_peer *peer_of(struct tcp *t, struct addr remote)
{
    struct fast_open_peer *p = peer_known(t, remote);
    if (!p) {
        p = &t->fast_open_peer[0];
        for (unsigned i = 1; i < FAST_OPEN_PEERS; i++)
            if (t->fast_open_peer[i].used < p->used)
                p = &t->fast_open_peer[i];
        *p = (struct fast_open_peer){ .remote = remote };
    }
    p->used = ++t->fast_open_uses;
    return p;
}

void tcp_fast_open_asked(struct tcp_conn *c, const struct tcp_user_opt *o)
{
    const bool all = c->t->cfg.fast_open & 1;
    if (!o->fast_open && !o->fast_open_waits && !all)
        return;
    const struct fast_open_peer *p = peer_known(c->t, c->node.remote);
    if (p && c->t->now_ns < p->avoid_until_ns)          /* §4.1.3.1 */
        return;
    c->fast_open.asks = true;
    c->fast_open.waits = (o->fast_open_waits || all) && p && p->n_cookie;
}

bool tcp_fast_open_waits(struct tcp_conn *c)
{
    const bool waits = c->fast_open.waits;
    c->fast_open.waits = false;
    return waits;
}

static uint32_t min32(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* What the peer was seen to take and the path bears, with all the options a SYN can have (§4.1.3, RFC 6691). */
static uint32_t room_on_syn(const struct tcp_conn *c, const struct fast_open_peer *p)
{
    const uint32_t least = addr_is4(c->node.local) ? 536 : 1220, mss = min32(p->mss ? p->mss : least, c->mss);
    return mss > MOST_OPTIONS ? mss - MOST_OPTIONS : 0;
}

/* Only the first SYN has it: one that is sent again goes without, lest it was the option, or the text, that was lost (§4.2.1). */
uint32_t tcp_fast_open_text(struct tcp_conn *c)
{
    struct tcp_fast_open *f = &c->fast_open;
    if (c->state != SYN_SENT || !f->asks || f->tried || c->syn_resent)
        return 0;
    struct fast_open_peer *p = peer_known(c->t, c->node.remote);
    f->tried = true;
    if (!p || !p->n_cookie)
        return 0;
    p->used = ++c->t->fast_open_uses;
    const uint32_t n = min32((uint32_t)seq_diff(c->snd.end, snd_first(c)), room_on_syn(c, p));
    f->text_out = n > 0;
    return n;
}

/* A cookie that leaves no room for the other options is not used. */
void tcp_fast_open_option(const struct tcp_conn *c, struct tcp_opt *o)
{
    if (c->state == SYN_RECEIVED) {
        if (!c->fast_open.grant)
            return;
        o->has_cookie = true;
        o->n_cookie = OWN_COOKIE;
        cookie_for(c->t, c->node.remote, o->cookie);
        return;
    }
    if (!c->fast_open.tried || c->syn_resent)
        return;
    const struct fast_open_peer *p = peer_known(c->t, c->node.remote);
    o->has_cookie = true;
    if (!p || !p->n_cookie)
        return;
    o->n_cookie = p->n_cookie;
    memcpy(o->cookie, p->cookie, p->n_cookie);
    if (p->n_cookie > OWN_COOKIE)
        o->user_timeout_s = 0;
}

/* §4.2.1: a cookie in the SYN-ACK takes the place of that before. */
void tcp_fast_open_answered(struct tcp_conn *c, const struct tcp_seg *s)
{
    if (!c->fast_open.tried)
        return;
    c->fast_open.worked = c->fast_open.text_out && seq_lt(seq_add(c->snd.iss, 1), s->ack);
    struct fast_open_peer *p = peer_known(c->t, c->node.remote);
    if (s->opt.has_cookie && s->opt.n_cookie) {
        p = peer_of(c->t, c->node.remote);
        p->n_cookie = s->opt.n_cookie;
        memcpy(p->cookie, s->opt.cookie, s->opt.n_cookie);
    }
    if (!p)
        return;
    p->mss = c->peer_mss;
    if (!c->syn_resent) {
        p->losses = 0;
        p->avoid_until_ns = 0;
    }
}

void tcp_fast_open_lost(struct tcp_conn *c, int64_t now_ns)
{
    if (c->state != SYN_SENT || !c->fast_open.tried || c->syn_resent)
        return;
    struct fast_open_peer *p = peer_of(c->t, c->node.remote);
    p->avoid_until_ns = time_after(now_ns, AVOID_NS << p->losses);
    if (p->losses < LOSSES_MAX)
        p->losses++;
}

/* ------------------------------------------------------------- the listener */

/* Those that were reset count on for a minute or two: else spoofed SYNs that hosts answer
 * by a RST would go round the limit (§5.1). */
static uint32_t count(struct tcp_listener *l, int64_t now_ns)
{
    const int64_t minute = now_ns / RESETS_NS;
    if (minute != l->fast_open.minute) {
        l->fast_open.resets_before = minute == l->fast_open.minute + 1 ? l->fast_open.resets : 0;
        l->fast_open.resets = 0;
        l->fast_open.minute = minute;
    }
    return l->fast_open.pending + l->fast_open.resets + l->fast_open.resets_before;
}

static uint32_t limit(const struct tcp_listener *l)
{
    return l->opt.fast_open_queue ? l->opt.fast_open_queue : l->t->cfg.fast_open & 2 ? l->opt.backlog : 0;
}

static bool cookie_good(const struct tcp *t, const struct tcp_seg *syn)
{
    uint8_t own[OWN_COOKIE], differs = 0;
    if (syn->opt.n_cookie != OWN_COOKIE)
        return false;
    cookie_for(t, syn->remote, own);
    for (unsigned i = 0; i < OWN_COOKIE; i++)           /* in the same time wherever they differ */
        differs |= own[i] ^ syn->opt.cookie[i];
    return differs == 0;
}

/* §4.2.2.  The text is taken, and the connection can be accepted at once. */
static void open_early(struct tcp_conn *c, const struct tcp_seg *syn)
{
    const uint32_t n = min32(syn->text_len, c->recv_buffer);
    uint32_t advanced;
    if (tcp_rcv_text(c, seq_add(syn->seq, 1), syn->text, n, &advanced) != WHY_NONE)
        return;
    c->fast_open.early = c->fast_open.pending = c->fast_open.worked = true;
    c->listener->fast_open.pending++;
    c->was_connected = true;
    tcp_tally_syn_text(c, advanced);
    tcp_ready(c, TCP_READABLE | TCP_WRITABLE);
    listen_queue(c, QUEUE_ACCEPT);
}

void tcp_fast_open_arrive(struct tcp_conn *c, const struct tcp_seg *syn)
{
    struct tcp_listener *l = c->listener;
    const uint32_t most = limit(l);
    if (!most || !syn->opt.has_cookie)
        return;
    if (!cookie_good(c->t, syn))
        c->fast_open.grant = true;                      /* asked for, or one that is not ours any more */
    else if (syn->text_len && count(l, syn->now_ns) < most)
        open_early(c, syn);
}

void tcp_fast_open_settled(struct tcp_conn *c)
{
    if (!c->fast_open.pending)
        return;
    c->fast_open.pending = false;
    if (c->listener)
        c->listener->fast_open.pending--;
}

void tcp_fast_open_reset(struct tcp_conn *c, int64_t now_ns)
{
    if (!c->fast_open.pending || !c->listener)
        return;
    (void)count(c->listener, now_ns);
    c->listener->fast_open.resets++;
}
