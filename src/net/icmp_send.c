/* ICMP out: errors about packets, echo requests of our own. */
#include "base/checksum.h"
#include "net/icmp.h"
#include "wire/icmp6.h"
#include "wire/ip6.h"

enum { ERROR4_MAX = 576,                /* RFC 1812 §4.3.2.3: as much of the packet as fits */
       ERROR6_MAX = IP6_MTU_MIN,        /* RFC 4443 §2.4 (c) */
       QUOTE_MAX = ERROR6_MAX - IP6_HEADER - ICMP6_HEADER,
       ERRORS_PER_S = 1000, ERROR_BURST = 50 };
static const int64_t ERROR_COST_NS = NS_PER_SEC / ERRORS_PER_S;

/* A bucket counted in time: an error costs ERROR_COST_NS, at most ERROR_BURST are saved up. */
static bool within_rate(struct inet *n, int64_t now_ns)
{
    n->error_credit_ns = time_max(n->error_credit_ns, now_ns - ERROR_BURST * ERROR_COST_NS);
    if (n->error_credit_ns + ERROR_COST_NS > now_ns)
        return false;
    n->error_credit_ns += ERROR_COST_NS;
    return true;
}

static bool is_icmp4_error(const struct pkt *k)
{
    const uint8_t type = k->l4_off < k->head + k->len ? k->data[k->l4_off] : 0;
    return type != ICMP4_ECHO && type != ICMP4_ECHO_REPLY && type != ICMP4_TIMESTAMP && type != ICMP4_TIMESTAMP_REPLY;
}

/* RFC 1122 §3.2.2: what must never cause an error. */
static bool must_stay_silent4(const struct inet *n, const struct pkt *k)
{
    const struct addr src = ip_src(k), dst = ip_dst(k);
    const bool later_fragment = load_be16(k->data + k->net_off + 6) & 0x1fff;
    return k->group || later_fragment || (k->proto == IP_ICMP && is_icmp4_error(k)) || addr_is_any(src) || addr_is_broadcast(src) ||
           addr_is_multicast(src) || addr_is_broadcast(dst) || addr_is_multicast(dst) || inet_is_broadcast(n, k->iface, dst);
}

/* RFC 4443 §2.4 (e.1), (e.2); what is too short to say may be one. */
static bool is_icmp6_error(const struct pkt *k)
{
    const uint8_t type = k->l4_off < k->head + k->len ? k->data[k->l4_off] : ICMP6_REDIRECT;
    return icmp6_is_error(type) || type == ICMP6_REDIRECT;
}

/* RFC 4443 §2.4 (e): of what went to a group only that it was too big, or what an option demands to be told. */
static bool must_stay_silent6(const struct pkt *k, enum inet_trouble t)
{
    const struct addr src = ip_src(k);
    const bool group = (k->group || addr_is_multicast(ip_dst(k))) && t != TROUBLE_TOO_BIG && t != TROUBLE_OPTION;
    return group || addr_is_none(src) || addr_is_multicast(src) || (k->proto == IP_ICMP6 && is_icmp6_error(k));
}

/* From the address that was asked when it is ours, else from the interface that
 * leads back (RFC 1812 §4.3.2.4, RFC 4443 §2.2). */
static bool path_back(const struct inet *n, const struct pkt *k, struct path *p)
{
    const struct addr src = ip_src(k), dst = ip_dst(k);
    const bool asked = !addr_is_multicast(dst) && (inet_is_ours(n, dst) || n->iface[k->iface].any_address);
    if (asked && inet_route(n, dst, src, p))
        return true;
    const bool on_link = !addr_is4(src) && addr_is_link_local(src);     /* which of several links it lives on, the interface says */
    return inet_route(n, on_link ? inet_source_for(n, k->iface, src, src) : ADDR_NONE, src, p);
}

static struct pkt *build4(struct inet *n, const struct icmp4 *h, const void *body, uint32_t body_len, const struct path *p)
{
    struct pkt *k = pkt_new(n->pools, ICMP4_HEADER + body_len);
    if (!k)
        return NULL;
    struct writer w = writer_of(pkt_append(k, ICMP4_HEADER + body_len), ICMP4_HEADER + body_len);
    icmp4_write(&w, h, body, body_len);
    k->path = p;
    k->proto = IP_ICMP;
    return k;
}

static struct pkt *build6(struct inet *n, const struct icmp6 *h, const void *body, uint32_t body_len, const struct path *p)
{
    const uint32_t len = ICMP6_HEADER + body_len;
    struct pkt *k = pkt_new(n->pools, len);
    if (!k)
        return NULL;
    uint8_t *at = pkt_append(k, len);
    struct writer w = writer_of(at, len);
    icmp6_write(&w, h, body, body_len);
    const uint16_t sum = csum_finish(csum_add(csum_pseudo(p->local, p->remote, IP_ICMP6, len), at, len));
    memcpy(at + ICMP6_CHECKSUM_AT, &sum, 2);
    k->path = p;
    k->proto = IP_ICMP6;
    return k;
}

static void send_on(struct inet *n, struct pkt *k, int64_t now_ns)
{
    k->time_ns = now_ns;
    k = inet_send(n, k, now_ns);
    if (k)
        pktq_push(&n->out, k);
}

static struct pkt *error4(struct inet *n, struct pkt *k, enum inet_trouble t, uint32_t arg, const struct path *p)
{
    uint8_t quote[QUOTE_MAX];
    const struct icmp_kind kind = icmp4_kind(t);
    const struct icmp4 h = { .type = kind.type, .code = kind.code, .mtu = (uint16_t)arg, .pointer = (uint8_t)arg };
    const uint32_t len = pkt_gather(k, quote, ERROR4_MAX - IP4_HEADER - ICMP4_HEADER);
    struct pkt *e = build4(n, &h, quote, len, p);
    if (e)
        e->tos = 0xc0;                  /* RFC 1812 §4.3.2.5: internetwork control */
    return e;
}

static struct pkt *error6(struct inet *n, struct pkt *k, enum inet_trouble t, uint32_t arg, const struct path *p)
{
    uint8_t quote[QUOTE_MAX];
    const struct icmp_kind kind = icmp6_kind(t);
    const bool has_word = kind.type == ICMP6_TOO_BIG || kind.type == ICMP6_PARAMETER;
    const uint32_t len = pkt_gather(k, quote, QUOTE_MAX);
    return build6(n, &(struct icmp6){ .type = kind.type, .code = kind.code, .word = has_word ? arg : 0 }, quote, len, p);
}

void inet_error(struct inet *n, struct pkt *k, enum inet_trouble t, uint32_t arg, int64_t now_ns)
{
    struct path p;
    const bool v4 = ip_version(k) == 4;
    if ((v4 ? must_stay_silent4(n, k) : must_stay_silent6(k, t)) || !path_back(n, k, &p))
        return;
    if (p.iface != INET_LOOP && !within_rate(n, now_ns)) {
        trace_count(n->trace, WHY_ICMP_RATE, now_ns);
        return;
    }
    pkt_complete_csum(k);               /* its sender sees what would have arrived */
    struct pkt *e = v4 ? error4(n, k, t, arg, &p) : error6(n, k, t, arg, &p);
    if (e)
        send_on(n, e, now_ns);
    else
        trace_count(n->trace, WHY_NO_BUFFER, now_ns);
}

/* ------------------------------------------------------------------ echo */

static uint64_t hash_of(const struct inet *n, const struct flow *f)
{
    const uint64_t words[4] = { f->remote.q[0], f->remote.q[1], f->local_port, f->remote_port };
    return siphash_words(&n->key, words, 4) | 1;
}

bool inet_echo_was_sent(const struct inet *n, const struct flow *f)
{
    const uint64_t h = hash_of(n, f);
    return n->echo_sent[h / 2 % INET_ECHOES] == h;
}

enum plumb_err inet_echo(struct inet *n, const struct inet_echo_request *e, int64_t now_ns)
{
    struct path p;
    const bool v4 = addr_is4(e->to);
    if (e->len > (size_t)UINT16_MAX - ICMP4_HEADER - (v4 ? IP4_HEADER : 0))
        return PLUMB_TOO_BIG;
    if (!inet_route(n, e->from, e->to, &p))
        return PLUMB_NO_ROUTE;
    const uint32_t len = (uint32_t)e->len;
    struct pkt *k = v4 ? build4(n, &(struct icmp4){ .type = ICMP4_ECHO, .id = e->id, .seq = e->seq }, e->data, len, &p)
                       : build6(n, &(struct icmp6){ .type = ICMP6_ECHO, .id = e->id, .seq = e->seq }, e->data, len, &p);
    if (!k)
        return PLUMB_NO_MEMORY;
    const uint64_t h = hash_of(n, &(struct flow){ .remote = e->to, .local_port = e->id, .remote_port = e->seq });
    n->echo_sent[h / 2 % INET_ECHOES] = h;
    k->ttl = e->ttl;
    k->tos = e->tos;
    k->dont_fragment = e->dont_fragment;
    send_on(n, k, now_ns);
    return PLUMB_OK;
}
