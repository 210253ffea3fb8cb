/* IP out: the header in front, fragments when it must be. */
#include "base/checksum.h"
#include "net/output.h"
#include "wire/ip6.h"

enum { MORE = 0x2000, OFFSET_MASK = 0x1fff };

/* RFC 6864 §4.3: an id must not repeat among the fragments of one source, destination
 * and protocol; flows share counters by a keyed hash so that none tells of another. */
static uint16_t next_id(struct inet *n, const struct path *p, uint8_t proto)
{
    const uint64_t words[4] = { p->local.q[1], p->remote.q[0], p->remote.q[1], proto };
    uint16_t *id = &n->id[siphash_words(&n->key, words, 4) % INET_IDS];
    const uint16_t own = *id;
    *id = (uint16_t)(own + n->id_step);
    return own;
}

static void push_header4(struct inet *n, struct pkt *k)
{
    const struct path *p = k->path;
    const uint32_t total = pkt_total(k) + IP4_HEADER;
    struct ip4 h = { .src = p->local, .dst = p->remote, .total_len = (uint16_t)total, .tos = k->tos,
                     .ttl = k->ttl ? k->ttl : n->ttl, .proto = k->proto, .dont_fragment = k->dont_fragment };
    h.id = k->dont_fragment ? n->atomic_id++ : next_id(n, p, k->proto);     /* §4.1: an atomic datagram's id says nothing */
    k->l4_off = (uint16_t)k->head;
    ip4_put(pkt_push(k, IP4_HEADER), &h);
    k->net_off = (uint16_t)k->head;
}

struct pkt *inet_send(struct inet *n, struct pkt *k, int64_t now_ns)
{
    const struct path *p = k->path;
    const bool v4 = addr_is4(p->remote);
    if (pkt_total(k) + (v4 ? IP4_HEADER : 0) > UINT16_MAX) {
        trace_drop(n->trace, k, WHY_IP_TOO_BIG, now_ns);
        return NULL;
    }
    if (v4)
        push_header4(n, k);
    else
        inet6_push_header(n, k);
    k->iface = p->iface;
    k->next_hop = p->next_hop;
    k->path = NULL;
    const uint16_t mtu = p->mtu;
    if (pkt_wire_len(k) <= mtu)
        return k;
    if (!k->dont_fragment && !k->gso_size) {
        inet_fragment(n, k, mtu, now_ns);
        return NULL;
    }
    inet_error(n, k, TROUBLE_TOO_BIG, mtu, now_ns);  /* to ourselves: the path shrank meanwhile */
    trace_drop(n->trace, k, WHY_IP_TOO_BIG, now_ns);
    return NULL;
}

/* RFC 791 §3.1: options without the copied flag stay on the first fragment only. */
static void blank_uncopied_options(uint8_t *header, uint32_t header_len)
{
    enum { OPT_END = 0, OPT_NOP = 1, COPIED = 0x80 };
    for (uint32_t at = IP4_HEADER; at < header_len && header[at] != OPT_END;) {
        const uint32_t len = header[at] == OPT_NOP ? 1 : header[at + 1];    /* input/ found them well formed */
        if (!(header[at] & COPIED))
            memset(header + at, OPT_NOP, len);
        at += len;
    }
}

static void mend_header(struct pkt *f, uint32_t header_len, uint16_t flags_offset)
{
    uint8_t *h = pkt_head(f);
    store_be16(h + 2, (uint16_t)f->len);
    store_be16(h + 6, flags_offset);
    if (flags_offset & OFFSET_MASK)
        blank_uncopied_options(h, header_len);
    memset(h + 10, 0, 2);
    const uint16_t sum = csum_finish(csum_add((csum_t){ 0 }, h, header_len));
    memcpy(h + 10, &sum, 2);
}

/* The fragment with payload [from, from + len) of the packet `k`. */
static struct pkt *cut(struct inet *n, const struct pkt *k, uint32_t header_len, uint32_t from, uint32_t len)
{
    struct pkt *f = pkt_new(n->pools, header_len + len);
    if (!f)
        return NULL;
    const uint8_t *whole = pkt_head_const(k);
    const uint16_t old = load_be16(whole + 6);
    const bool last = from + len == k->len - header_len;
    memcpy(pkt_append(f, header_len), whole, header_len);
    memcpy(pkt_append(f, len), whole + header_len + from, len);
    mend_header(f, header_len, (uint16_t)((old + from / 8) | (last ? 0 : MORE)));
    f->net_off = (uint16_t)f->head;
    f->l4_off = (uint16_t)(f->head + header_len);
    f->time_ns = k->time_ns;
    f->proto = k->proto;
    f->iface = k->iface;
    f->next_hop = k->next_hop;
    return f;
}

/* RFC 791 §3.2. */
static void fragment4(struct inet *n, struct pkt *k, uint16_t mtu, int64_t now_ns)
{
    const uint32_t header_len = (uint32_t)(pkt_head(k)[0] & 15) * 4;
    const uint32_t payload = k->len - header_len, step = (mtu - header_len) / 8 * 8;
    for (uint32_t from = 0; from < payload; from += step) {
        const uint32_t len = payload - from < step ? payload - from : step;
        struct pkt *f = cut(n, k, header_len, from, len);
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

void inet_fragment(struct inet *n, struct pkt *k, uint16_t mtu, int64_t now_ns)
{
    k = pkt_own(n->pools, k);
    if (!k) {
        trace_count(n->trace, WHY_NO_BUFFER, now_ns);
        return;
    }
    pkt_complete_csum(k);
    if (ip_version(k) == 4)
        fragment4(n, k, mtu, now_ns);
    else
        inet6_fragment(n, k, mtu, now_ns);
}
