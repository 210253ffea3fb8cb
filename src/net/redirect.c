/* Who sent a packet here that another on its own link would have taken is told so (RFC 1812 §5.2.7.2, RFC 4861 §8.2). */
#include "base/checksum.h"
#include "net/inet.h"
#include "net/tuple.h"
#include "wire/icmp6.h"
#include "wire/ip6.h"

enum { QUOTE4_MAX = 576 - IP4_HEADER - ICMP4_HEADER, OPT_REDIRECTED = 4, OPT_REDIRECTED_HEADER = 8,
       QUOTE6_MAX = IP6_MTU_MIN - IP6_HEADER - 40 - OPT_REDIRECTED_HEADER };
static const int64_t AGAIN_NS = 2 * NS_PER_SEC;         /* who does not listen is told no more often */

/* Places are shared by chance: who shares one is told less often. */
static bool told_lately(struct inet *n, struct addr src, struct addr dst, int64_t now_ns)
{
    const uint64_t words[4] = { src.q[0], src.q[1], dst.q[0], dst.q[1] };
    int64_t *next_ns = &n->redirect_ns[siphash_words(&n->key, words, 4) % INET_REDIRECTS];
    if (now_ns < *next_ns)
        return true;
    *next_ns = time_after(now_ns, AGAIN_NS);
    return false;
}

static bool is_neighbour(const struct inet *n, unsigned iface, struct addr a)
{
    for (uint32_t i = 0; i < n->n_addr; i++)
        if (n->addr[i].ready && n->addr[i].iface == iface && prefix_has(n->addr[i].prefix, a))
            return true;
    return false;
}

/* RFC 1122 §3.2.2, RFC 4443 §2.4 e: nothing is said of an error, nor of what has no beginning. */
static bool is_worth_it(const struct inet *n, const struct pkt *k, struct addr next_hop)
{
    struct tuple t;
    const bool later = ip_version(k) == 4 && (load_be16(k->data + k->net_off + 6) & 0x1fff);
    return !k->group && !later && tuple_read(k, &t) != TUPLE_ERROR && is_neighbour(n, k->iface, ip_src(k)) && is_neighbour(n, k->iface, next_hop);
}

/* The address that the sender knows us by. */
static struct addr own_addr(const struct inet *n, unsigned iface, bool v6, struct addr of)
{
    for (uint32_t i = 0; i < n->n_addr; i++) {
        const struct inet_addr *a = &n->addr[i];
        if (a->ready && a->iface == iface && (v6 ? addr_is_link_local(a->prefix.addr) && !addr_is4(a->prefix.addr) : prefix_has(a->prefix, of)))
            return a->prefix.addr;
    }
    return ADDR_NONE;
}

static void send_to(struct inet *n, struct pkt *e, const struct pkt *about, struct addr own, uint8_t proto, int64_t now_ns)
{
    const struct path p = { .local = own, .remote = ip_src(about), .next_hop = ip_src(about), .generation = n->generation,
                            .mtu = n->iface[about->iface].mtu, .iface = about->iface };
    e->path = &p;
    e->proto = proto;
    e->time_ns = now_ns;
    e->tos = 0xc0;                      /* RFC 1812 §4.3.2.5 */
    e = inet_send(n, e, now_ns);
    if (e)
        pktq_push(&n->out, e);
}

/* Always for a host, never for a network (RFC 1812 §5.2.7.2). */
static struct pkt *redirect4(struct inet *n, const struct pkt *k, struct addr next_hop)
{
    uint8_t quote[QUOTE4_MAX];
    const uint32_t len = pkt_gather(k, quote, sizeof quote);
    const struct icmp4 h = { .type = ICMP4_REDIRECT, .code = 1, .gateway = next_hop };
    struct pkt *e = pkt_new(n->pools, ICMP4_HEADER + len);
    if (!e)
        return NULL;
    struct writer w = writer_of(pkt_append(e, ICMP4_HEADER + len), ICMP4_HEADER + len);
    icmp4_write(&w, &h, quote, len);
    return e;
}

/* The better first hop is the destination itself, or a router by its link-local address (RFC 4861 §4.5). */
static struct pkt *redirect6(struct inet *n, const struct pkt *k, struct addr own, struct addr next_hop)
{
    enum { FIXED = 40 };
    uint8_t quote[QUOTE6_MAX];
    const uint32_t quoted = pkt_gather(k, quote, sizeof quote) / 8 * 8, len = FIXED + OPT_REDIRECTED_HEADER + quoted;
    struct pkt *e = pkt_new(n->pools, len);
    if (!e)
        return NULL;
    struct writer w = writer_of(pkt_append(e, len), len);
    nd_write(&w, &(struct nd){ .type = ICMP6_REDIRECT, .target = next_hop, .destination = ip_dst(k) });
    wr_u8(&w, OPT_REDIRECTED);
    wr_u8(&w, (uint8_t)(1 + quoted / 8));
    wr_fill(&w, 0, 6);
    wr_bytes(&w, quote, quoted);
    const csum_t sum = csum_add(csum_pseudo(own, ip_src(k), IP_ICMP6, len), pkt_head(e), len);
    const uint16_t field = csum_finish(sum);
    memcpy(pkt_head(e) + ICMP6_CHECKSUM_AT, &field, 2);
    e->ttl = ND_HOP_LIMIT;
    return e;
}

void inet_redirect(struct inet *n, struct pkt *k, struct addr next_hop, int64_t now_ns)
{
    const bool v6 = ip_version(k) == 6;
    const struct addr own = own_addr(n, k->iface, v6, ip_src(k));
    if (addr_is_none(own) || !is_worth_it(n, k, next_hop) || (v6 && !addr_eq(next_hop, ip_dst(k)) && !addr_is_link_local(next_hop)) ||
        told_lately(n, ip_src(k), ip_dst(k), now_ns))
        return;
    pkt_complete_csum(k);
    struct pkt *e = v6 ? redirect6(n, k, own, next_hop) : redirect4(n, k, next_hop);
    if (e)
        send_to(n, e, k, own, v6 ? IP_ICMP6 : IP_ICMP, now_ns);
    else
        trace_count(n->trace, WHY_NO_BUFFER, now_ns);
}
