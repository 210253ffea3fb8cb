/* Who waits for output: by interface when the path is of the current generation,
 * else in the list of those whose path stack/ must find. */
#include "tcp/conn.h"

static bool path_current(const struct tcp_conn *c)
{
    const uint32_t g = c->way.generation;
    return g != 0 && (int32_t)(g - c->t->generation) >= 0;
}

static uint16_t hop_of(struct tcp_conn *c, struct addr next_hop)
{
    struct tcp_hops *h = &c->t->hops;
    uint16_t i = 0;
    if (addr_eq(next_hop, c->node.remote))
        return HOP_NONE;
    while (i < h->n && !addr_eq(h->at[i], next_hop))
        i++;
    if (i == HOPS) {
        struct tcp_rare *r = tcp_rare_need(c);
        r->next_hop = next_hop;
        return HOP_RARE;
    }
    if (i == h->n)
        h->at[h->n++] = next_hop;
    return (uint16_t)(i + 1);
}

void tcp_way_open(struct tcp_conn *c, const struct path *p)
{
    c->way = (struct tcp_way){ .generation = p->generation, .mtu = p->mtu, .gso_max = (uint16_t)(p->gso_max < UINT16_MAX ? p->gso_max : UINT16_MAX),
                               .iface = p->iface, .tx_csum = p->tx_csum, .hop = hop_of(c, p->next_hop) };
}

static struct addr next_hop(const struct tcp_conn *c)
{
    const uint16_t hop = c->way.hop;
    return hop == HOP_NONE ? c->node.remote : hop == HOP_RARE ? tcp_rare(c)->next_hop : c->t->hops.at[hop - 1];
}

bool tcp_progress(struct tcp *t, const struct flow *f, struct tcp_progress *out)
{
    struct tcp_node *n = demux_find(t, f->local, f->remote, f->local_port, f->remote_port);
    if (!n || n->is_timewait)
        return false;
    const struct tcp_conn *c = (struct tcp_conn *)(void *)n;
    *out = (struct tcp_progress){ .acked = c->snd.una, .received = c->rcv.nxt, .next_hop = next_hop(c), .iface = c->way.iface };
    return true;
}

void tcp_lend_again(struct tcp *t) { t->lent.n = 0; }

const struct path *tcp_lend_path(const struct tcp_conn *c)
{
    struct tcp_lent *l = &c->t->lent;
    if (l->n > 0 && l->last == c)
        return &l->path[l->n - 1];
    l->n %= BATCH_MAX;                                  /* a batch has no more packets */
    l->last = c;
    l->path[l->n] = (struct path){ .local = c->node.local, .remote = c->node.remote, .next_hop = next_hop(c), .generation = c->way.generation,
                                   .gso_max = c->way.gso_max, .mtu = c->way.mtu, .iface = c->way.iface, .tx_csum = c->way.tx_csum };
    return &l->path[l->n++];
}

void tcp_wake(struct tcp_conn *c)
{
    if (list_linked(&c->out) || c->state == CLOSED || c->state == TIME_WAIT || c->dead)
        return;
    c->unrouted = !path_current(c);
    list_push(c->unrouted ? &c->t->unrouted : &c->t->out[c->way.iface % IFACE_MAX], &c->out);
}

void tcp_sleep(struct tcp_conn *c)
{
    if (!c->dead)
        list_remove(&c->out);
}

bool tcp_wants_paths(const struct tcp *t) { return !list_empty(&t->unrouted) || t->reply_head != t->reply_tail; }

struct tcp_conn *tcp_next_unrouted(struct tcp *t)
{
    struct list *n = list_pop(&t->unrouted);
    return n ? list_entry(n, struct tcp_conn, out) : NULL;
}

void tcp_flow(const struct tcp_conn *c, struct flow *out)
{
    *out = (struct flow){ c->node.local, c->node.remote, c->node.local_port, c->node.remote_port };
}

/* What was owed is lost, as on a wire; timers ask again.  Whoever is still opening ends:
 * a stranger that cannot be answered would stay half-open. */
static void no_path(struct tcp_conn *c, int64_t now_ns)
{
    c->soft_error = PLUMB_NO_ROUTE;
    if (c->state == SYN_SENT || c->state == SYN_RECEIVED) {
        tcp_end(c, PLUMB_NO_ROUTE, WHY_NO_ROUTE_LEFT, now_ns);
        return;
    }
    tcp_due_nothing(c);
    tcp_timer_on_no_path(c, now_ns);
    tcp_ready(c, TCP_TROUBLE);
}

void tcp_set_path(struct tcp_conn *c, const struct path *p, int64_t now_ns)
{
    c->t->now_ns = now_ns;
    c->unrouted = false;
    if (!p) {
        no_path(c, now_ns);
        return;
    }
    tcp_way_open(c, p);                                 /* the addresses stay [MUST-45] */
    if (p->generation == 0)
        c->way.generation = c->t->generation ? c->t->generation : 1;
    const uint16_t before = c->mss;
    tcp_fit_mss(c);
    if (c->mss != before && c->was_connected && seq_eq(c->snd.nxt, seq_add(c->snd.iss, 1)))
        tcp_recover_start(c);                           /* born of a cookie: its initial window counts in segments of this size */
    if (c->mss < before && in_flight(c) && state_in(c, HAS_OUTPUT))
        tcp_recover_resend_all(c);
    tcp_wake(c);
}

void tcp_paths_changed(struct tcp *t, uint32_t generation)
{
    t->generation = generation;
    t->hops.n = 0;                                      /* older ways are asked for again before they are used */
    for (unsigned i = 0; i < IFACE_MAX; i++)
        for (struct list *n; (n = list_pop(&t->out[i]));)
            tcp_wake(list_entry(n, struct tcp_conn, out));
}

void tcp_route_lost(struct tcp_conn *c)
{
    c->way.generation = 0;
    if (list_linked(&c->out) && !c->unrouted && !c->dead)
        list_remove(&c->out);
}

static uint16_t ip_header(const struct tcp_conn *c) { return addr_is4(c->node.local) ? 20 : 40; }

/* Eff.snd.MSS = min(SendMSS+20, MMS_S) - TCPhdrsize - IPoptionsize [MUST-16] [SHLD-6];
 * every link carries 68 bytes (RFC 791 §3.2). */
void tcp_fit_mss(struct tcp_conn *c)
{
    const uint16_t least = 28, ip = ip_header(c), options = (uint16_t)(tcp_header_bytes(c) - TCP_HEADER);
    const uint16_t mtu = tcp_pmtu_limit(c);
    uint16_t mss = mtu > ip + TCP_HEADER + least ? (uint16_t)(mtu - ip - TCP_HEADER) : least;
    if (c->peer_mss && c->peer_mss < mss)
        mss = c->peer_mss;
    const uint16_t most = tcp_rare(c)->asked.mss_max;
    if (most && most < mss)
        mss = most;
    c->mss = mss > options + 8 ? (uint16_t)(mss - options) : 8;
}

/* RFC 1191 §4; below 296 a claim is not believed (RFC 5927 §7.2 asks for care). */
void tcp_path_too_big(struct tcp_conn *c, uint16_t mtu)
{
    const uint16_t least = addr_is4(c->node.local) ? 296 : 1280;
    if (mtu < least)
        mtu = least;
    if (mtu >= c->way.mtu)
        return;
    c->way.mtu = mtu;
    c->way.gso_max = 0;
    tcp_fit_mss(c);
    tcp_recover_resend_all(c);
    tcp_wake(c);
}

bool tcp_has_output(const struct tcp *t, unsigned iface) { return iface < IFACE_MAX && !list_empty(&t->out[iface]); }
