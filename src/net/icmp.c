/* ICMP in (RFC 792, RFC 1122 §3.2.2). */
#include "base/checksum.h"
#include "net/icmp.h"

/* ---------------------------------------------------------------- echo */

/* RFC 1122 §3.2.2.6: the reply carries the request's data, whole, from the address
 * that was asked; the packet itself goes back. */
static void answer_echo(struct inet *n, struct pkt *k, int64_t now_ns)
{
    struct path p;
    if (k->group) {
        trace_drop(n->trace, k, WHY_ICMP_BROADCAST_ECHO, now_ns);
        return;
    }
    if (!inet_route(n, ip_dst(k), ip_src(k), &p)) {
        trace_drop(n->trace, k, WHY_IP_NO_ROUTE, now_ns);
        return;
    }
    uint8_t options[IP4_HEADER_MAX - IP4_HEADER];
    const uint32_t options_len = inet_answer_options(k, p.local, now_ns, options);
    pkt_pull(k, (uint32_t)k->l4_off - k->head);
    uint8_t *icmp = pkt_head(k);
    uint16_t sum, before, after;
    memcpy(&before, icmp, 2);
    icmp[0] = ICMP4_ECHO_REPLY;
    memcpy(&after, icmp, 2);
    memcpy(&sum, icmp + 2, 2);
    sum = csum_update(sum, before, after);
    memcpy(icmp + 2, &sum, 2);
    k->path = &p;
    k->csum = CSUM_NONE;
    k->id = 0;                          /* as a packet of ours it is another */
    k->tos = 0;
    k->ttl = 0;
    k = inet_send(n, k, now_ns);
    if (!k)
        return;
    if (options_len && k->len + options_len <= p.mtu)
        inet_put_options(k, options, options_len);
    pktq_push(&n->out, k);
}

void inet_keep_echo(struct inet *n, const struct inet_echo *e, int64_t now_ns)
{
    if (n->n_echo == INET_ECHOES) {
        trace_count(n->trace, WHY_ECHO_QUEUE_FULL, now_ns);
        return;
    }
    n->echo[(n->echo_first + n->n_echo++) % INET_ECHOES] = *e;
}

static void keep_reply(struct inet *n, struct pkt *k, const struct icmp4 *h, int64_t now_ns)
{
    inet_keep_echo(n, &(struct inet_echo){ .from = ip_src(k), .about = ip_src(k), .id = h->id, .seq = h->seq, .ttl = pkt_net(k)[8],
                                           .type = h->type, .code = h->code, .len = pkt_l4_len(k) - ICMP4_HEADER,
                                           .time_ns = k->time_ns }, now_ns);
    pkt_free(k);
}

/* -------------------------------------------------------------- errors */

enum why inet_note_error(struct inet *n, struct net_error *e, uint32_t mtu, uint16_t quoted, uint8_t iface)
{
    if (!inet_is_ours(n, e->flow.local) && !n->iface[iface].any_address)
        return WHY_ICMP_UNASKED;
    if (n->n_error == BATCH_MAX)
        return WHY_NO_BUFFER;
    if (e->trouble == TROUBLE_TOO_BIG) {
        struct path p;
        if (!inet_route(n, e->flow.local, e->flow.remote, &p) || p.iface == INET_LOOP)
            return WHY_ICMP_UNASKED;
        e->mtu = pmtu_claim(&n->pmtu, e->flow.remote, mtu < UINT16_MAX ? (uint16_t)mtu : UINT16_MAX, quoted, inet_link_mtu(n, p.iface, e->flow.remote));
        if (e->mtu == 0)
            return WHY_ICMP_MTU;
    }
    n->error[n->n_error++] = *e;
    return WHY_NONE;
}

/* The quoted packet's total length, which the plateau search starts from (RFC 1191 §5). */
static uint16_t quoted_len(struct reader quote)
{
    rd_skip(&quote, 2);
    return rd_u16(&quote);
}

static enum why note_error(struct inet *n, const struct pkt *k, const struct icmp4 *h, struct reader quote, int64_t now_ns)
{
    struct icmp_quote q;
    const uint16_t quoted = quoted_len(quote);
    if (!icmp4_quote_read(&quote, &q))
        return WHY_ICMP_BAD;
    TRACE(n->trace, now_ns, 0, icmp_error, .kind = h->type, .code = h->code, .from = ip_src(k));
    struct net_error e = { .trouble = icmp4_trouble((struct icmp_kind){ h->type, h->code }), .type = h->type, .code = h->code,
                           .proto = q.proto, .seq = q.tcp_seq, .has_seq = q.has_seq, .from = ip_src(k),
                           .flow = { .local = q.src, .remote = q.dst, .local_port = q.src_port, .remote_port = q.dst_port } };
    return inet_note_error(n, &e, h->mtu, quoted, k->iface);
}

/* ------------------------------------------------------------------ in */

static bool checksum_good(const struct pkt *k)
{
    return k->csum != CSUM_NONE || csum_finish(csum_add((csum_t){ 0 }, k->data + k->l4_off, pkt_l4_len(k))) == 0;
}

/* RFC 1122 §3.2.2.2: about a packet of ours; those for a network are taken for the host that was meant. */
static enum why redirect_in(struct inet *n, const struct pkt *k, const struct icmp4 *h, struct reader quote, int64_t now_ns)
{
    struct icmp_quote q;
    if (!icmp4_quote_read(&quote, &q))
        return WHY_ICMP_BAD;
    if (!inet_is_ours(n, q.src))
        return WHY_ICMP_UNASKED;
    return inet_redirected(n, k->iface, ip_src(k), q.dst, h->gateway, now_ns);
}

static void icmp_in(struct inet *n, struct pkt *k, int64_t now_ns)
{
    struct icmp4 h;
    struct reader r = reader_of(k->data + k->l4_off, pkt_l4_len(k));
    enum why why = WHY_NONE;
    if (!icmp4_read(&r, &h))
        why = WHY_ICMP_BAD;
    else if (!checksum_good(k))
        why = WHY_ICMP_CHECKSUM;
    if (why != WHY_NONE) {
        trace_drop(n->trace, k, why, now_ns);
        return;
    }
    switch (h.type) {
    case ICMP4_ECHO:
        answer_echo(n, k, now_ns);
        return;
    case ICMP4_ECHO_REPLY:
        keep_reply(n, k, &h, now_ns);
        return;
    case ICMP4_UNREACHABLE: case ICMP4_TIME_EXCEEDED: case ICMP4_PARAMETER: case ICMP4_REDIRECT:
        why = h.type == ICMP4_REDIRECT ? redirect_in(n, k, &h, r, now_ns) : note_error(n, k, &h, r, now_ns);
        if (why == WHY_NONE)
            pkt_free(k);
        else
            trace_drop(n->trace, k, why, now_ns);
        return;
    default:                            /* source quench (RFC 6633), time stamps, the unknown */
        trace_drop(n->trace, k, WHY_ICMP_TYPE, now_ns);
    }
}

void inet_icmp_in(struct inet *n, struct batch *in, int64_t now_ns)
{
    struct batch_walk w = batch_walk(in);
    for (struct pkt *k; (k = batch_next(&w));) {
        if (k->proto == IP_ICMP && ip_version(k) == 4)
            icmp_in(n, k, now_ns);
        else if (k->proto == IP_ICMP6 && ip_version(k) == 6)
            inet_icmp6_in(n, k, now_ns);
        else
            batch_keep(&w, k);
    }
}
