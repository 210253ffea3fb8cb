/* TCP's steps, strung into the stack's: segments in and out, paths for connections,
 * replies that have none. */
#include "stack/inner.h"

bool stack_segments_new(struct stack *st, int64_t now_ns)
{
    st->tcp = tcp_new(&st->cfg.tcp, &st->trace, &st->pools, &st->rng, now_ns);
    return st->tcp != NULL;
}

void stack_segments_free(struct stack *st)
{
    tcp_free(st->tcp);
    st->tcp = NULL;
}

/* What of a batch may tell of neighbours that are in doubt: a few connections are enough. */
enum { WITNESSES = 16 };
struct witness { struct flow flow; struct tcp_progress before; };

static unsigned call_witnesses(const struct stack *st, const struct batch *in, struct witness *out)
{
    enum { PORTS = 4 };
    unsigned n = 0;
    for (uint32_t i = 0; i < in->n && n < WITNESSES; i++) {
        const struct pkt *k = in->pkt[i];
        if (k->proto != IP_TCP || pkt_l4_len(k) < PORTS)
            continue;
        const uint8_t *l4 = k->data + k->l4_off;
        out[n].flow = (struct flow){ ip_dst(k), ip_src(k), load_be16(l4 + 2), load_be16(l4) };
        n += tcp_progress(st->tcp, &out[n].flow, &out[n].before);
    }
    return n;
}

/* RFC 4861 §7.3.1: what was acknowledged or came anew says that the way there is good, and with it the neighbour. */
static void hear_witnesses(struct stack *st, const struct witness *w, unsigned n, int64_t now_ns)
{
    struct tcp_progress p;
    for (unsigned i = 0; i < n; i++)
        if (tcp_progress(st->tcp, &w[i].flow, &p) && (!seq_eq(p.acked, w[i].before.acked) || !seq_eq(p.received, w[i].before.received)))
            neigh_confirm(&st->neigh, p.iface, p.next_hop, now_ns);
}

/* Nobody is asked while no neighbour is in doubt. */
void stack_segments_in(struct stack *st, struct batch *in, int64_t now_ns)
{
    struct witness w[WITNESSES];
    const unsigned n = st->neigh.n_doubtful ? call_witnesses(st, in, w) : 0;
    tcp_in(st->tcp, in, now_ns);
    if (n)
        hear_witnesses(st, w, n, now_ns);
}

/* Each gets its IP header.  TCP keeps to its path's MTU, so none comes apart here. */
void stack_segments_out(struct stack *st, unsigned iface, struct batch *out, int64_t now_ns)
{
    tcp_out(st->tcp, iface, out, now_ns);
    struct batch_walk w = batch_walk(out);
    for (struct pkt *k; (k = batch_next(&w));) {
        k->time_ns = now_ns;
        k = inet_send(&st->inet, k, now_ns);
        if (k)
            batch_keep(&w, k);
    }
}

bool stack_segments_due_on(const struct stack *st, unsigned iface) { return tcp_has_output(st->tcp, iface); }

bool stack_segments_due(const struct stack *st)
{
    struct flow f;
    if (tcp_reply_flow(st->tcp, &f))        /* an ABORT between two steps leaves its RST here */
        return true;
    for (unsigned i = 0; i < IFACE_MAX; i++)
        if ((i == INET_LOOP || st->iface[i].up) && tcp_has_output(st->tcp, i))
            return true;
    return false;
}

int64_t stack_segments_deadline(const struct stack *st)             { return tcp_deadline(st->tcp); }
void    stack_segments_tick(struct stack *st, int64_t now_ns)       { tcp_tick(st->tcp, now_ns); }

/* ---------------------------------------------------------------- paths */

static void route_connections(struct stack *st, int64_t now_ns)
{
    if (st->generation != st->inet.generation) {
        st->generation = st->inet.generation;
        tcp_paths_changed(st->tcp, st->generation);
    }
    for (struct tcp_conn *c; (c = tcp_next_unrouted(st->tcp));) {
        struct flow f;
        struct path p;
        tcp_flow(c, &f);
        tcp_set_path(c, inet_route_again(&st->inet, f.local, f.remote, &p) ? &p : NULL, now_ns);
    }
}

static void send_replies(struct stack *st, int64_t now_ns)
{
    struct flow f;
    while (tcp_reply_flow(st->tcp, &f)) {
        struct path p;
        const bool found = inet_route_again(&st->inet, f.local, f.remote, &p);
        struct pkt *k = tcp_reply_pop(st->tcp, found ? &p : NULL);
        if (!k) {
            trace_count(&st->trace, found ? WHY_NO_BUFFER : WHY_IP_NO_ROUTE, now_ns);
            continue;
        }
        k->time_ns = now_ns;
        k = inet_send(&st->inet, k, now_ns);
        if (k)
            stack_emit(st, k, now_ns);
    }
}

void stack_segments_route(struct stack *st, int64_t now_ns)
{
    route_connections(st, now_ns);
    send_replies(st, now_ns);
}

/* --------------------------------------------------------------- errors */

static bool is_refused(const struct net_error *e) { return e->trouble == TROUBLE_PROTOCOL || e->trouble == TROUBLE_PORT; }

/* RFC 1122 §4.2.3.9: protocol and port unreachable are hard, the rest may pass.
 * What our own neighbour cache says is no rumour from the network: hard too. */
static bool is_hard(const struct stack *st, const struct net_error *e)
{
    const bool unreachable = e->trouble == TROUBLE_NO_ROUTE || e->trouble == TROUBLE_ADDRESS || e->trouble == TROUBLE_ADMIN;
    return is_refused(e) || (unreachable && inet_is_ours(&st->inet, e->from));
}

void stack_segments_error(struct stack *st, const struct net_error *e, int64_t now_ns)
{
    const bool hard = is_hard(st, e);
    const struct tcp_icmp about = { .flow = e->flow, .seq = seq(e->seq), .has_seq = e->has_seq, .mtu = e->mtu,
                                    .kind = e->trouble == TROUBLE_TOO_BIG ? TCP_ICMP_TOO_BIG : hard ? TCP_ICMP_HARD : TCP_ICMP_SOFT,
                                    .err = is_refused(e) ? PLUMB_REFUSED : PLUMB_UNREACHABLE };
    const bool believed = tcp_icmp(st->tcp, &about, now_ns);
    if (!believed || e->trouble != TROUBLE_TOO_BIG)
        return;
    inet_learn_pmtu(&st->inet, e, now_ns);      /* only TCP sends what may not be fragmented, so only TCP can tell */
    stack_shards_pmtu(st, e);
}
