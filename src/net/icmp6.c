/* ICMPv6 in (RFC 4443). */
#include "base/checksum.h"
#include "net/icmp.h"
#include "wire/icmp6.h"
#include "wire/ip6.h"

enum { AT_HOP_LIMIT = 7 };

static uint16_t sum_of(const struct pkt *k, struct addr src, struct addr dst)
{
    const uint32_t len = pkt_l4_len(k);
    return csum_finish(csum_add(csum_pseudo(src, dst, IP_ICMP6, len), k->data + k->l4_off, len));
}

/* ---------------------------------------------------------------- echo */

/* §4.2: the request's data, whole, from the address that was asked; when that was a group, from one of the interface. */
static void answer_echo(struct inet *n, struct pkt *k, int64_t now_ns)
{
    struct path p;
    if (addr_is_none(ip_src(k)) || !inet_route(n, k->group ? inet_source_for(n, k->iface, ip_src(k), ip_src(k)) : ip_dst(k), ip_src(k), &p)) {
        trace_drop(n->trace, k, WHY_IP_NO_ROUTE, now_ns);
        return;
    }
    pkt_pull(k, (uint32_t)k->l4_off - k->head);
    uint8_t *icmp = pkt_head(k);
    icmp[0] = ICMP6_ECHO_REPLY;
    memset(icmp + ICMP6_CHECKSUM_AT, 0, 2);
    const uint16_t sum = sum_of(k, p.local, p.remote);
    memcpy(icmp + ICMP6_CHECKSUM_AT, &sum, 2);
    k->path = &p;
    k->csum = CSUM_NONE;
    k->id = 0;                          /* as a packet of ours it is another */
    k->tos = k->ttl = 0;
    k->group = false;
    k = inet_send(n, k, now_ns);
    if (k)
        pktq_push(&n->out, k);
}

static void keep_reply(struct inet *n, struct pkt *k, const struct icmp6 *h, int64_t now_ns)
{
    inet_keep_echo(n, &(struct inet_echo){ .from = ip_src(k), .about = ip_src(k), .id = h->id, .seq = h->seq, .ttl = pkt_net(k)[AT_HOP_LIMIT],
                                           .type = h->type, .code = h->code, .len = pkt_l4_len(k) - ICMP6_HEADER, .time_ns = k->time_ns }, now_ns);
    pkt_free(k);
}

/* -------------------------------------------------------------- errors */

/* §2.4 (a), (d): those of a type not known go to whose packet they quote, too. */
static enum why note_error(struct inet *n, const struct pkt *k, const struct icmp6 *h, struct reader quote, int64_t now_ns)
{
    struct icmp_quote q;
    if (!icmp6_quote_read(&quote, &q))
        return WHY_ICMP_BAD;
    TRACE(n->trace, now_ns, 0, icmp_error, .kind = h->type, .code = h->code, .from = ip_src(k));
    struct net_error e = { .trouble = icmp6_trouble((struct icmp_kind){ h->type, h->code }), .type = h->type, .code = h->code,
                           .proto = q.proto, .seq = q.tcp_seq, .has_seq = q.has_seq, .from = ip_src(k),
                           .flow = { .local = q.src, .remote = q.dst, .local_port = q.src_port, .remote_port = q.dst_port } };
    return inet_note_error(n, &e, h->word, 0, k->iface);
}

/* ------------------------------------------------------------------ in */

static bool is_nd(uint8_t type) { return type >= ICMP6_ROUTER_SOLICIT && type <= ICMP6_REDIRECT; }
static bool is_mld(uint8_t type) { return (type >= ICMP6_MLD_QUERY && type <= ICMP6_MLD_DONE) || type == ICMP6_MLD2_REPORT; }

static enum why validate(const struct pkt *k, const struct icmp6 *h)
{
    if (k->csum == CSUM_NONE && sum_of(k, ip_src(k), ip_dst(k)) != 0)
        return WHY_ICMP_CHECKSUM;
    if (is_nd(h->type))                 /* RFC 4861 §6.1, §7.1, §8.1: no router has forwarded it */
        return k->data[k->net_off + AT_HOP_LIMIT] != ND_HOP_LIMIT ? WHY_ND_HOP_LIMIT : h->code != 0 ? WHY_ICMP_BAD : WHY_NONE;
    return addr_is_none(ip_src(k)) && !is_mld(h->type) ? WHY_IP_SOURCE_BAD : WHY_NONE;
}

/* Bounded, as nobody need fetch them. */
static void keep(struct inet *n, struct pktq *q, struct pkt *k, int64_t now_ns)
{
    if (q->n < BATCH_MAX)
        pktq_push(q, k);
    else
        trace_drop(n->trace, k, WHY_ND_QUEUE_FULL, now_ns);
}

void inet_icmp6_in(struct inet *n, struct pkt *k, int64_t now_ns)
{
    struct icmp6 h;
    struct reader r = reader_of(k->data + k->l4_off, pkt_l4_len(k));
    enum why why = icmp6_read(&r, &h) ? validate(k, &h) : WHY_ICMP_BAD;
    if (why == WHY_NONE && is_nd(h.type)) {
        keep(n, &n->nd, k, now_ns);
    } else if (why == WHY_NONE && is_mld(h.type)) {
        keep(n, &n->mld, k, now_ns);
    } else if (why == WHY_NONE && h.type == ICMP6_ECHO) {
        answer_echo(n, k, now_ns);
    } else if (why == WHY_NONE && h.type == ICMP6_ECHO_REPLY) {
        keep_reply(n, k, &h, now_ns);
    } else {
        if (why == WHY_NONE)            /* §2.4 (b): of what is said besides nothing is understood */
            why = icmp6_is_error(h.type) ? note_error(n, k, &h, r, now_ns) : WHY_ICMP_TYPE;
        if (why == WHY_NONE)
            pkt_free(k);
        else
            trace_drop(n->trace, k, why, now_ns);
    }
}
