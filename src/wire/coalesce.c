/* Runs of consecutive TCP packets of one flow into large ones, so that what is
 * above pays per packet once for many.  Only what is surely data, in order and
 * valid is joined; everything else goes on as it came, in the order it came. */
#include "wire/segment.h"
#include "base/checksum.h"
#include "wire/ip.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/tcp.h"

enum { LOOK_BACK = 8, TOTAL_MAX = 65535 };
enum { IP4_AT_TOTAL = 2, IP4_AT_CHECKSUM = 10, IP6_AT_PAYLOAD = 4, TCP_AT_FLAGS = 13, TCP_AT_CHECKSUM = 16 };

/* What an IP header without options or extensions says that all packets of a run have in common. */
struct run_ip {
    struct addr src, dst;
    uint32_t    header_len;
    uint32_t    class_flow;             /* the type of service; IPv6's flow label too */
    uint8_t     ttl;
    bool        dont_fragment;
};

/* A packet of the batch being built, and whether more may be joined to it. */
struct run {
    bool     is_tcp, open;
    struct run_ip ip;
    struct tcp_header tcp;
    struct tcp_header last;             /* of the packet joined last: its flags end the run */
    uint32_t headers, payload, joined;
    csum_t   sum;                       /* of the payload */
};

static csum_t pseudo_and_header(const struct run *r, struct pkt *k, uint32_t l4_len)
{
    return csum_add(csum_pseudo(r->ip.src, r->ip.dst, IP_TCP, l4_len), pkt_l4(k), r->tcp.header_len);
}

/* The payload's sum follows from a right checksum: header, payload and pseudo
 * header together give all ones. */
static bool verified(struct run *r, struct pkt *k)
{
    const uint32_t l4_len = r->tcp.header_len + r->payload;
    const csum_t head = pseudo_and_header(r, k, l4_len);
    if (k->csum == CSUM_NONE) {
        if (csum_finish(csum_add(head, pkt_l4(k) + r->tcp.header_len, r->payload)) != 0)
            return false;
        k->csum = CSUM_OK;
    }
    r->sum = (csum_t){ csum_finish(head) };
    return k->csum == CSUM_OK;
}

/* False: not a whole packet of TCP with nothing between its headers. */
static bool read_ip4(struct reader *at, const struct pkt *k, struct run_ip *out)
{
    struct ip4 h;
    if (ip4_read(at, &h) != WHY_NONE || h.proto != IP_TCP || h.more_fragments || h.frag_offset || h.header_len != IP4_HEADER || h.total_len != k->len)
        return false;
    *out = (struct run_ip){ .src = h.src, .dst = h.dst, .header_len = IP4_HEADER, .class_flow = h.tos, .ttl = h.ttl, .dont_fragment = h.dont_fragment };
    return true;
}

static bool read_ip6(struct reader *at, const struct pkt *k, struct run_ip *out)
{
    struct ip6 h;
    if (ip6_read(at, &h) != WHY_NONE || h.next != IP_TCP || IP6_HEADER + (uint32_t)h.payload_len != k->len)
        return false;
    *out = (struct run_ip){ .src = h.src, .dst = h.dst, .header_len = IP6_HEADER, .class_flow = (uint32_t)h.traffic_class << 20 | h.flow_label,
                            .ttl = h.hop_limit };
    return true;
}

/* Fills in what `k` is; open when it can begin a run or join one. */
static void examine(struct run *r, struct pkt *k)
{
    struct reader at = pkt_reader(k);
    *r = (struct run){ 0 };
    if (k->len < IP4_HEADER || k->n_slices || k->gso_size)
        return;
    if (!(pkt_head(k)[0] >> 4 == 4 ? read_ip4 : read_ip6)(&at, k, &r->ip) || k->l4_off != k->head + r->ip.header_len)
        return;
    if (!tcp_header_read(&at, &r->tcp))
        return;
    r->is_tcp = true;
    if ((r->tcp.flags & ~(ECE | PSH)) != ACK)
        return;
    r->headers = r->ip.header_len + r->tcp.header_len;
    r->payload = k->len - r->headers;
    r->last = r->tcp;
    r->open = r->payload > 0 && verified(r, k);
}

static bool same_flow(const struct run *a, const struct run *b)
{
    return a->is_tcp && b->is_tcp && a->tcp.src_port == b->tcp.src_port && a->tcp.dst_port == b->tcp.dst_port &&
           addr_eq(a->ip.src, b->ip.src) && addr_eq(a->ip.dst, b->ip.dst);
}

/* May `k` follow on the run `r`, whose packet is `first`? */
static bool follows(const struct run *r, struct pkt *first, const struct run *next, struct pkt *k)
{
    const uint32_t gso_size = first->gso_size ? first->gso_size : r->payload;
    if (!r->open || !next->open || r->last.flags & PSH || r->joined % gso_size != 0)
        return false;
    if (next->payload > gso_size || first->len + next->payload > TOTAL_MAX)
        return false;
    if (!seq_eq(next->tcp.seq, seq_add(r->tcp.seq, r->joined)) || !seq_eq(next->tcp.ack, r->tcp.ack))
        return false;
    if ((next->tcp.flags & ~PSH) != (r->tcp.flags & ~PSH) || next->tcp.ae != r->tcp.ae || next->tcp.window != r->tcp.window ||
        next->tcp.header_len != r->tcp.header_len || next->ip.class_flow != r->ip.class_flow || next->ip.ttl != r->ip.ttl ||
        next->ip.dont_fragment != r->ip.dont_fragment)
        return false;
    return memcmp(pkt_l4(first) + TCP_HEADER, pkt_l4(k) + TCP_HEADER, r->tcp.header_len - (size_t)TCP_HEADER) == 0;
}

/* Room for `n` more bytes behind `k`: itself, or a large block with its bytes; NULL: none. */
static struct pkt *grown(struct pkt_pools *pools, struct pkt *k, uint32_t n)
{
    if (pkt_tailroom(k) >= n)
        return k;
    struct pkt *large = pkt_new(pools, PKT_LARGE - PKT_HEADROOM);
    if (!large || k->head + k->len > large->cap) {
        pkt_free(large);
        return NULL;
    }
    struct pool *pool = large->pool;
    const uint32_t cap = large->cap;
    memcpy(large, k, offsetof(struct pkt, slice));
    large->pool = pool;
    large->cap = cap;
    memcpy(pkt_head(large), pkt_head(k), k->len);
    pkt_free(k);
    return large;
}

/* Takes `k` on success.  False: no buffer, nothing changed. */
static bool join(struct pkt_pools *pools, struct run *r, struct pkt **first, const struct run *next, struct pkt *k)
{
    struct pkt *to = grown(pools, *first, next->payload);
    if (!to)
        return false;
    *first = to;
    if (to->gso_size == 0)
        to->gso_size = (uint16_t)r->payload;
    memcpy(pkt_append(to, next->payload), pkt_head(k) + next->headers, next->payload);
    const uint16_t sum = csum_fold(next->sum), swapped = (uint16_t)(sum << 8 | sum >> 8);
    r->sum.sum += r->joined & 1 ? swapped : sum;
    r->joined += next->payload;
    r->last = next->tcp;
    pkt_free(k);
    return true;
}

static void finish_ip(const struct run *r, uint8_t *ip, uint32_t len)
{
    if (r->ip.header_len == IP6_HEADER) {
        store_be16(ip + IP6_AT_PAYLOAD, (uint16_t)(len - IP6_HEADER));
        return;
    }
    store_be16(ip + IP4_AT_TOTAL, (uint16_t)len);
    memset(ip + IP4_AT_CHECKSUM, 0, 2);
    const uint16_t sum = csum_finish(csum_add((csum_t){ 0 }, ip, IP4_HEADER));
    memcpy(ip + IP4_AT_CHECKSUM, &sum, 2);
}

/* The headers of a joined packet say its new length, PSH and checksums. */
static void finish(struct run *r, struct pkt *k)
{
    uint8_t *l4 = pkt_l4(k);
    if (k->gso_size == 0 || r->joined <= r->payload)
        return;
    finish_ip(r, pkt_head(k), k->len);
    l4[TCP_AT_FLAGS] |= r->last.flags & PSH;
    memset(l4 + TCP_AT_CHECKSUM, 0, 2);
    csum_t c = pseudo_and_header(r, k, r->tcp.header_len + r->joined);
    const uint16_t payload = csum_fold(r->sum);
    const uint16_t sum = csum_finish(csum_add(c, &payload, 2));
    memcpy(l4 + TCP_AT_CHECKSUM, &sum, 2);
}

/* The newest packet of this flow among the last few, or -1. */
static int find_run(const struct run *runs, uint32_t n, const struct run *next)
{
    for (uint32_t back = 1; back <= LOOK_BACK && back <= n; back++)
        if (same_flow(&runs[n - back], next))
            return (int)(n - back);
    return -1;
}

void coalesce(struct pkt_pools *pools, struct batch *b)
{
    struct run runs[BATCH_MAX];
    struct batch_walk w = batch_walk(b);
    struct pkt *kept[BATCH_MAX];
    uint32_t n = 0;
    if (b->n < 2)
        return;
    for (struct pkt *k; (k = batch_next(&w));) {
        struct run next;
        examine(&next, k);
        const int i = next.open ? find_run(runs, n, &next) : -1;
        if (i >= 0 && follows(&runs[i], kept[i], &next, k) && join(pools, &runs[i], &kept[i], &next, k))
            continue;
        next.joined = next.payload;
        runs[n] = next;
        kept[n++] = k;
    }
    b->n = b->bytes = 0;
    for (uint32_t i = 0; i < n; i++) {
        finish(&runs[i], kept[i]);
        batch_add(b, kept[i]);
    }
}
