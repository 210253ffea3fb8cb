/* One large packet into wire-size ones: segmentation offload in software. */
#include "wire/segment.h"
#include "base/checksum.h"
#include "wire/ip.h"
#include "wire/ip4.h"
#include "wire/tcp.h"
#include "wire/udp.h"

enum { IP4_AT_TOTAL = 2, IP4_AT_ID = 4, IP4_AT_PROTO = 9, IP4_AT_CHECKSUM = 10, IP6_AT_PAYLOAD = 4, IP6_HEADER_LEN = 40 };
enum { TCP_AT_SEQ = 4, TCP_AT_OFFSET = 12, TCP_AT_FLAGS = 13, TCP_AT_CHECKSUM = 16, UDP_AT_LEN = 4, UDP_AT_CHECKSUM = 6 };

/* What all segments of one large packet share. */
struct cut {
    const struct pkt *from;
    uint32_t headers, ip_len, l4_len;           /* bytes of header: ip_len + l4_len == headers */
    uint32_t payload, done;
    uint8_t  proto;
    uint16_t index;
};

/* Copies `len` payload bytes from `offset` on, which may lie in slices; returns their sum. */
static csum_t copy_payload(const struct cut *c, uint8_t *to, uint32_t offset, uint32_t len)
{
    csum_t sum = { 0 };
    uint32_t copied = 0, at = offset;
    const uint32_t linear = c->from->len - c->headers;
    if (at < linear) {
        copied = linear - at < len ? linear - at : len;
        sum = csum_copy_at(sum, to, pkt_head_const(c->from) + c->headers + at, copied, 0);
        at = linear;
    }
    at -= linear;
    for (unsigned i = 0; i < c->from->n_slices && copied < len; i++) {
        const struct slice *s = &c->from->slice[i];
        if (at >= s->len) {
            at -= s->len;
            continue;
        }
        const uint32_t n = s->len - at < len - copied ? s->len - at : len - copied;
        sum = csum_copy_at(sum, to + copied, s->at + at, n, copied);
        copied += n;
        at = 0;
    }
    return sum;
}

static void mend_ip(const struct cut *c, uint8_t *ip, uint32_t total)
{
    if (ip[0] >> 4 != 4) {
        store_be16(ip + IP6_AT_PAYLOAD, (uint16_t)(total - IP6_HEADER_LEN));
        return;
    }
    store_be16(ip + IP4_AT_TOTAL, (uint16_t)total);
    store_be16(ip + IP4_AT_ID, (uint16_t)(load_be16(ip + IP4_AT_ID) + c->index));
    memset(ip + IP4_AT_CHECKSUM, 0, 2);
    const uint16_t sum = csum_finish(csum_add((csum_t){ 0 }, ip, c->ip_len));
    memcpy(ip + IP4_AT_CHECKSUM, &sum, 2);
}

/* FIN and PSH belong to the last segment, CWR to the first (RFC 3168 §6.1.2). */
static void mend_l4(const struct cut *c, uint8_t *l4, uint32_t len)
{
    if (c->proto == IP_UDP) {
        store_be16(l4 + UDP_AT_LEN, (uint16_t)(c->l4_len + len));
        return;
    }
    store_be32(l4 + TCP_AT_SEQ, load_be32(l4 + TCP_AT_SEQ) + c->done);
    if (c->done + len < c->payload)
        l4[TCP_AT_FLAGS] &= (uint8_t)~(FIN | PSH);
    if (c->done > 0)
        l4[TCP_AT_FLAGS] &= (uint8_t)~CWR;
}

static void complete_checksum(const struct cut *c, const struct pkt *k, uint8_t *l4, csum_t payload, uint32_t len)
{
    uint8_t *field = l4 + (c->proto == IP_UDP ? UDP_AT_CHECKSUM : TCP_AT_CHECKSUM);
    memset(field, 0, 2);
    csum_t sum = csum_pseudo(ip_src(k), ip_dst(k), c->proto, c->l4_len + len);
    sum = csum_add(sum, l4, c->l4_len);
    const uint16_t total = csum_fold(payload);
    sum = csum_add(sum, &total, 2);
    uint16_t value = csum_finish(sum);
    if (value == 0 && c->proto == IP_UDP)
        value = 0xffff;                         /* RFC 768: zero means "no checksum" */
    memcpy(field, &value, 2);
}

static struct pkt *next_segment(struct pkt_pools *pools, struct cut *c)
{
    const uint32_t left = c->payload - c->done, len = left < c->from->gso_size ? left : c->from->gso_size;
    struct pkt *k = pkt_new(pools, c->headers + len);
    if (!k)
        return NULL;
    struct pool *pool = k->pool;
    const uint32_t cap = k->cap, head = k->head;
    memcpy(k, c->from, offsetof(struct pkt, slice));
    k->next = NULL;
    k->pool = pool;
    k->cap = cap;
    k->head = head;
    k->len = 0;
    k->n_slices = 0;
    k->borrowed = 0;
    k->gso_size = 0;
    k->csum = CSUM_NONE;
    k->net_off = (uint16_t)head;
    k->l4_off = (uint16_t)(head + c->ip_len);
    memcpy(pkt_append(k, c->headers), pkt_head_const(c->from), c->headers);
    const csum_t payload = copy_payload(c, pkt_append(k, len), c->done, len);
    mend_ip(c, pkt_head(k), c->headers + len);
    mend_l4(c, pkt_l4(k), len);
    complete_checksum(c, k, pkt_l4(k), payload, len);
    c->done += len;
    c->index++;
    return k;
}

/* False: not a packet this can split. */
static bool measure(struct cut *c, struct pkt *k)
{
    const uint8_t *ip = pkt_head_const(k);
    *c = (struct cut){ .from = k, .proto = k->proto };
    if (k->l4_off < k->head || k->len < IP4_HEADER)
        return false;
    c->ip_len = k->l4_off - k->head;
    if (ip[0] >> 4 == 4)
        c->proto = ip[IP4_AT_PROTO];
    if (c->ip_len < IP4_HEADER || (c->proto != IP_TCP && c->proto != IP_UDP) || k->len < c->ip_len + UDP_HEADER)
        return false;
    if (c->proto == IP_TCP && k->len < c->ip_len + TCP_HEADER)
        return false;
    c->l4_len = c->proto == IP_UDP ? UDP_HEADER : (uint32_t)(pkt_l4(k)[TCP_AT_OFFSET] >> 4) * 4;
    c->headers = c->ip_len + c->l4_len;
    if (k->len < c->headers)
        return false;
    c->payload = pkt_total(k) - c->headers;
    return true;
}

bool segment(struct pkt_pools *pools, struct pkt *k, struct pktq *out)
{
    struct cut c;
    if (k->gso_size == 0) {
        pktq_push(out, k);
        return true;
    }
    if (!measure(&c, k) || c.payload <= k->gso_size) {
        pkt_complete_csum(k);
        k->gso_size = 0;
        pktq_push(out, k);
        return true;
    }
    while (c.done < c.payload) {
        struct pkt *part = next_segment(pools, &c);
        if (!part)
            break;
        pktq_push(out, part);
    }
    const bool whole = c.done == c.payload;
    pkt_free(k);
    return whole;
}
