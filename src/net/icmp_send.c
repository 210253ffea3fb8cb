/* ICMP out: errors about packets, echo requests of our own. */
#include "net/inet.h"

enum { ERROR_MAX = 576,                 /* RFC 1812 §4.3.2.3: as much of the packet as fits */
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

static bool is_icmp_error(const struct pkt *k)
{
    const uint8_t type = k->l4_off < k->head + k->len ? k->data[k->l4_off] : 0;
    return type != ICMP4_ECHO && type != ICMP4_ECHO_REPLY && type != ICMP4_TIMESTAMP && type != ICMP4_TIMESTAMP_REPLY;
}

/* RFC 1122 §3.2.2: what must never cause an error. */
static bool must_stay_silent(const struct inet *n, const struct pkt *k)
{
    const struct addr src = ip_src(k), dst = ip_dst(k);
    const bool later_fragment = load_be16(k->data + k->net_off + 6) & 0x1fff;
    return k->group || later_fragment || (k->proto == IP_ICMP && is_icmp_error(k)) || addr_is_any(src) || addr_is_broadcast(src) ||
           addr_is_multicast(src) || addr_is_broadcast(dst) || addr_is_multicast(dst) || inet_is_broadcast(n, k->iface, dst);
}

/* From the address that was asked when it is ours, else from the interface that
 * leads back (RFC 1812 §4.3.2.4). */
static bool path_back(const struct inet *n, const struct pkt *k, struct path *p)
{
    const struct addr src = ip_src(k), dst = ip_dst(k);
    const bool asked = inet_is_ours(n, dst) || n->iface[k->iface].any_address;
    return (asked && inet_route(n, dst, src, p)) || inet_route(n, ADDR_NONE, src, p);
}

static struct pkt *build(struct inet *n, const struct icmp4 *h, const void *body, uint32_t body_len, const struct path *p)
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

static void send_on(struct inet *n, struct pkt *k, int64_t now_ns)
{
    k->time_ns = now_ns;
    k = inet_send(n, k, now_ns);
    if (k)
        pktq_push(&n->out, k);
}

void inet_error(struct inet *n, struct pkt *k, enum inet_trouble t, uint32_t arg, int64_t now_ns)
{
    uint8_t quote[ERROR_MAX];
    struct path p;
    if (must_stay_silent(n, k) || !path_back(n, k, &p))
        return;
    if (p.iface != INET_LOOP && !within_rate(n, now_ns)) {
        trace_count(n->trace, WHY_ICMP_RATE, now_ns);
        return;
    }
    pkt_complete_csum(k);               /* its sender sees what would have arrived */
    const uint32_t len = pkt_gather(k, quote, ERROR_MAX - IP4_HEADER - ICMP4_HEADER);
    const struct icmp_kind kind = icmp4_kind(t);
    const struct icmp4 h = { .type = kind.type, .code = kind.code, .mtu = (uint16_t)arg, .pointer = (uint8_t)arg };
    struct pkt *e = build(n, &h, quote, len, &p);
    if (!e) {
        trace_count(n->trace, WHY_NO_BUFFER, now_ns);
        return;
    }
    e->tos = 0xc0;                      /* RFC 1812 §4.3.2.5: internetwork control */
    send_on(n, e, now_ns);
}

enum plumb_err inet_echo(struct inet *n, const struct inet_echo_request *e, int64_t now_ns)
{
    struct path p;
    if (e->len > UINT16_MAX - IP4_HEADER - ICMP4_HEADER)
        return PLUMB_TOO_BIG;
    if (!inet_route(n, e->from, e->to, &p))
        return PLUMB_NO_ROUTE;
    struct pkt *k = build(n, &(struct icmp4){ .type = ICMP4_ECHO, .id = e->id, .seq = e->seq }, e->data, (uint32_t)e->len, &p);
    if (!k)
        return PLUMB_NO_MEMORY;
    k->ttl = e->ttl;
    k->tos = e->tos;
    k->dont_fragment = e->dont_fragment;
    send_on(n, k, now_ns);
    return PLUMB_OK;
}
