/* IPv6 out: the header in front, and fragments, which only a source makes (RFC 8200 §4.5). */
#include "net/output.h"
#include "wire/ip6.h"

/* RFC 6437 §3: the same for all packets of a flow, and not to be guessed from those of others. */
static uint32_t flow_label(struct inet *n, const struct pkt *k, const struct path *p)
{
    const bool ports = (k->proto == IP_TCP || k->proto == IP_UDP) && k->len >= 4;
    const uint64_t words[5] = { p->local.q[0], p->local.q[1], p->remote.q[0], p->remote.q[1],
                                (uint64_t)k->proto << 32 | (ports ? load_be32(pkt_head_const(k)) : 0) };
    if (memcmp(n->label.words, words, sizeof words) != 0) {
        memcpy(n->label.words, words, sizeof words);
        n->label.value = (uint32_t)siphash_words(&n->key, words, 5) & 0xfffff;
    }
    return n->label.value ? n->label.value : 1;         /* 0 would say that there is none */
}

static uint8_t hop_limit(const struct inet *n, const struct pkt *k)
{
    const uint8_t advertised = n->iface[k->path->iface].hop_limit;
    return k->ttl ? k->ttl : advertised ? advertised : n->ttl;
}

void inet6_push_header(struct inet *n, struct pkt *k)
{
    const struct path *p = k->path;
    const struct ip6 h = { .src = p->local, .dst = p->remote, .payload_len = (uint16_t)pkt_total(k), .traffic_class = k->tos, .next = k->proto,
                           .hop_limit = hop_limit(n, k), .flow_label = flow_label(n, k, p) };
    k->l4_off = (uint16_t)k->head;
    struct writer w = writer_of(pkt_push(k, IP6_HEADER), IP6_HEADER);
    ip6_write(&w, &h);
    k->net_off = (uint16_t)k->head;
}

/* ---------------------------------------------------------------- fragments */

/* RFC 7739 §5.3: a counter of those who share a hash of the addresses, from where another hash of them begins. */
static uint32_t next_id(struct inet *n, struct addr src, struct addr dst)
{
    const uint64_t words[5] = { src.q[0], src.q[1], dst.q[0], dst.q[1], 6 };
    const uint64_t h = siphash_words(&n->key, words, 5);
    return (uint32_t)(h >> 32) * n->id_step + n->id_self + n->id_step * n->id6[h % INET_IDS]++;
}

/* The headers before the fragment header: IPv6's, and one for every hop. */
static uint32_t unfragmentable(const struct pkt *k)
{
    const uint8_t *h = pkt_head_const(k);
    return h[6] == IP6_HOP_BY_HOP ? IP6_HEADER + 8 + (uint32_t)h[IP6_HEADER + 1] * 8 : IP6_HEADER;
}

struct cut { const struct pkt *from; uint32_t before, id; };

/* The fragment with [from, from + len) of what may be cut. */
static struct pkt *fragment(struct inet *n, const struct cut *c, uint32_t from, uint32_t len)
{
    const uint8_t *whole = pkt_head_const(c->from);
    struct pkt *f = pkt_new(n->pools, c->before + IP6_FRAGMENT_HEADER + len);
    if (!f)
        return NULL;
    uint8_t *h = pkt_append(f, c->before + IP6_FRAGMENT_HEADER + len), *fragment = h + c->before;
    const bool last = c->before + from + len == c->from->len;
    uint8_t *next = c->before == IP6_HEADER ? h + 6 : h + IP6_HEADER;
    memcpy(h, whole, c->before);
    store_be16(h + 4, (uint16_t)(f->len - IP6_HEADER));
    fragment[0] = *next;
    fragment[1] = 0;
    store_be16(fragment + 2, (uint16_t)(from | (last ? 0 : 1)));
    store_be32(fragment + 4, c->id);
    *next = IP6_FRAGMENT;
    memcpy(fragment + IP6_FRAGMENT_HEADER, whole + c->before + from, len);
    f->net_off = (uint16_t)f->head;
    f->l4_off = (uint16_t)(f->head + c->before + IP6_FRAGMENT_HEADER);
    f->time_ns = c->from->time_ns;
    f->proto = c->from->proto;
    f->iface = c->from->iface;
    f->next_hop = c->from->next_hop;
    return f;
}

void inet6_fragment(struct inet *n, struct pkt *k, uint16_t mtu, int64_t now_ns)
{
    const struct cut c = { k, unfragmentable(k), next_id(n, ip_src(k), ip_dst(k)) };
    const uint32_t all = k->len - c.before, step = (mtu - c.before - IP6_FRAGMENT_HEADER) / 8 * 8;
    for (uint32_t from = 0; from < all; from += step) {
        struct pkt *f = fragment(n, &c, from, all - from < step ? all - from : step);
        if (!f) {
            trace_count(n->trace, WHY_NO_BUFFER, now_ns);
            break;
        }
        if (from == 0)
            f->id = k->id;
        pktq_push(&n->out, f);
    }
    pkt_free(k);
}
