#include "net/frag.h"
#include "base/checksum.h"
#include "base/time.h"
#include "wire/ecn.h"
#include "wire/ip.h"
#include "wire/ip6.h"

static const int64_t TIMEOUT_NS = 60 * NS_PER_SEC;      /* RFC 1122 §3.3.2: between 60 and 120 s */

enum { OFFSET_MASK = 0x1fff, MORE = 0x2000, OFFSET6_MASK = 0xfff8 };

/* Held fragments have a validated header at their head, and their payload at l4_off; IPv6's fragment header ends there. */
static bool is4(const struct pkt *k)            { return pkt_head_const(k)[0] >> 4 == 4; }
static uint32_t header_of(const struct pkt *k)  { return (uint32_t)k->l4_off - k->head; }
static uint32_t payload_of(const struct pkt *k) { return k->len - header_of(k); }
static uint32_t offset_of(const struct pkt *k)
{
    if (is4(k))
        return (uint32_t)(load_be16(pkt_head_const(k) + 6) & OFFSET_MASK) * 8;
    return load_be16(k->data + k->l4_off - IP6_FRAGMENT_HEADER + 2) & OFFSET6_MASK;
}

/* The length field of the whole datagram, which begins with the header of `first`. */
static uint32_t length_of(const struct pkt *first, uint32_t payload)
{
    return is4(first) ? header_of(first) + payload : header_of(first) - IP6_FRAGMENT_HEADER - IP6_HEADER + payload;
}

static struct frag_datagram *find(struct frag *f, const struct frag_piece *h)
{
    for (unsigned i = 0; f->n && i < FRAG_DATAGRAMS; i++) {
        struct frag_datagram *d = &f->datagram[i];
        if (d->used && d->id == h->id && d->proto == h->proto && addr_eq(d->src, h->src) && addr_eq(d->dst, h->dst))
            return d;
    }
    return NULL;
}

static void drop_pieces(struct frag *f, struct frag_datagram *d, struct trace *trace, enum why why, int64_t now_ns)
{
    for (struct pkt *k; (k = d->pieces);) {
        d->pieces = k->next;
        trace_drop(trace, k, why, now_ns);
    }
    f->bytes -= d->held_bytes;
    d->held_bytes = d->have = 0;
}

static void release(struct frag *f, struct frag_datagram *d)
{
    d->used = false;
    f->n--;
}

/* NULL: there is none but `keep`. */
static struct frag_datagram *oldest_of(struct frag *f, const struct frag_datagram *keep)
{
    struct frag_datagram *oldest = NULL;
    for (unsigned i = 0; i < FRAG_DATAGRAMS; i++) {
        struct frag_datagram *d = &f->datagram[i];
        if (d->used && d != keep && (!oldest || d->expires_ns < oldest->expires_ns))
            oldest = d;
    }
    return oldest;
}

/* A place for a new datagram: the oldest gives way. */
static struct frag_datagram *place(struct frag *f, struct trace *trace, int64_t now_ns)
{
    for (unsigned i = 0; i < FRAG_DATAGRAMS; i++)
        if (!f->datagram[i].used)
            return &f->datagram[i];
    struct frag_datagram *oldest = oldest_of(f, NULL);
    drop_pieces(f, oldest, trace, WHY_FRAG_FULL, now_ns);
    release(f, oldest);
    return oldest;
}

static struct frag_datagram *open_datagram(struct frag *f, struct trace *trace, const struct pkt *k, const struct frag_piece *h, int64_t now_ns)
{
    struct frag_datagram *d = find(f, h);
    if (d)
        return d;
    d = place(f, trace, now_ns);
    *d = (struct frag_datagram){ .src = h->src, .dst = h->dst, .id = h->id, .proto = h->proto, .iface = k->iface, .used = true,
                                 .expires_ns = time_after(now_ns, TIMEOUT_NS) };
    f->n++;
    return d;
}

/* Puts the fragment in its place; the reason when it may not stand there. */
static enum why insert(struct frag_datagram *d, struct pkt *k, uint32_t from, uint32_t to)
{
    struct pkt **at = &d->pieces;
    for (; *at && offset_of(*at) < from; at = &(*at)->next)
        if (offset_of(*at) + payload_of(*at) > from)
            return WHY_FRAG_OVERLAP;
    if (*at && offset_of(*at) < to)
        return offset_of(*at) == from && offset_of(*at) + payload_of(*at) == to ? WHY_FRAG_DUPLICATE : WHY_FRAG_OVERLAP;
    k->next = *at;
    *at = k;
    return WHY_NONE;
}

/* Lengths that contradict each other or exceed a datagram. */
static bool impossible(const struct frag_datagram *d, const struct pkt *k, const struct frag_piece *h, uint32_t from, uint32_t to)
{
    if (to == from || (h->more && (to - from) % 8) || length_of(k, to) > UINT16_MAX)
        return true;
    if (d->total && (to > d->total || (!h->more && to != d->total)))
        return true;
    if (h->more)
        return false;
    for (const struct pkt *p = d->pieces; p; p = p->next)
        if (offset_of(p) + payload_of(p) > to)
            return true;
    return false;
}

/* The oldest datagrams give way: what is meant seriously comes whole within moments, and
 * whoever sends fragments only to fill the memory cannot keep others out with them. */
static bool make_room(struct frag *f, struct trace *trace, const struct frag_datagram *keep, uint32_t bytes, int64_t now_ns)
{
    while (f->bytes + bytes > FRAG_BYTES_MAX) {
        struct frag_datagram *d = oldest_of(f, keep);
        if (!d)
            return false;
        drop_pieces(f, d, trace, WHY_FRAG_FULL, now_ns);
        release(f, d);
    }
    return true;
}

static enum why add(struct frag *f, struct trace *trace, struct frag_datagram *d, struct pkt *k, const struct frag_piece *h, int64_t now_ns)
{
    const uint32_t from = h->offset, to = from + payload_of(k);
    if (d->refused)
        return WHY_FRAG_OVERLAP;
    if (impossible(d, k, h, from, to))
        return WHY_FRAG_BAD;
    if (!make_room(f, trace, d, k->cap, now_ns))
        return WHY_FRAG_FULL;
    const enum why why = insert(d, k, from, to);
    if (why != WHY_NONE)
        return why;
    if (!h->more)
        d->total = to;
    d->have += to - from;
    d->held_bytes += k->cap;            /* what it costs, not what it carries: tiny fragments fill blocks too */
    f->bytes += k->cap;
    return WHY_NONE;
}

/* One packet with the first fragment's header, options included, and every payload. */
static struct pkt *join(struct pkt_pools *pools, const struct frag_datagram *d)
{
    const struct pkt *first = d->pieces;
    const uint32_t header = header_of(first) - (is4(first) ? 0 : IP6_FRAGMENT_HEADER);
    struct pkt *k = pkt_new(pools, header + d->total);
    if (!k)
        return NULL;
    memcpy(pkt_append(k, header), pkt_head_const(first), header);
    for (const struct pkt *p = first; p; p = p->next) {
        memcpy(pkt_append(k, payload_of(p)), pkt_head_const(p) + header_of(p), payload_of(p));
        if (p->len > k->frag_max)
            k->frag_max = (uint16_t)p->len;
    }
    k->time_ns = first->time_ns;
    k->id = first->id;
    k->iface = first->iface;
    k->group = first->group;
    k->net_off = (uint16_t)k->head;
    k->l4_off = (uint16_t)(k->head + header);
    k->proto = d->proto;
    return k;
}

/* RFC 3168 §5.3 [RFC3168-5.3]: one fragment's CE is that of the datagram.  False: CE on one and no
 * capable transport on another, so that the mark would reach nobody. */
static bool join_ecn(struct pkt *whole, const struct frag_datagram *d)
{
    bool ce = false, not_capable = false;
    for (const struct pkt *p = d->pieces; p; p = p->next) {
        ce |= ip_ecn(p) == ECN_CE;
        not_capable |= ip_ecn(p) == ECN_NOT;
    }
    if (ce)
        pkt_head(whole)[1] |= (uint8_t)(is4(whole) ? ECN_CE : ECN_CE << 4);
    return !(ce && not_capable);
}

/* The joined header says that it is whole; its checksum is made anew. */
static void mend_header4(struct pkt *k)
{
    uint8_t *h = pkt_head(k);
    const uint32_t header = header_of(k);
    store_be16(h + 2, (uint16_t)k->len);
    store_be16(h + 6, load_be16(h + 6) & (uint16_t)~(MORE | OFFSET_MASK));
    memset(h + 10, 0, 2);
    const uint16_t sum = csum_finish(csum_add((csum_t){ 0 }, h, header));
    memcpy(h + 10, &sum, 2);
}

/* The fragment header is left out: who named it names now what it named. */
static void mend_header6(struct pkt *k, const struct pkt *first)
{
    struct ip6_chain c;
    uint8_t *h = pkt_head(k);
    (void)ip6_chain_read(reader_of(pkt_head_const(first), header_of(first)), &c);   /* it was found good as far as this */
    h[c.named_at] = first->data[first->l4_off - IP6_FRAGMENT_HEADER];
    store_be16(h + 4, (uint16_t)(k->len - IP6_HEADER));
}

static void mend_header(struct pkt *k, const struct pkt *first)
{
    if (is4(k))
        mend_header4(k);
    else
        mend_header6(k, first);
}

static void free_pieces(struct frag *f, struct frag_datagram *d)
{
    for (struct pkt *k; (k = d->pieces);) {
        d->pieces = k->next;
        pkt_free(k);
    }
    f->bytes -= d->held_bytes;
    d->held_bytes = d->have = 0;
}

struct pkt *frag_in(struct frag *f, struct pkt_pools *pools, struct trace *trace, struct pkt *k, const struct frag_piece *h, int64_t now_ns)
{
    struct frag_datagram *d = open_datagram(f, trace, k, h, now_ns);
    const enum why why = add(f, trace, d, k, h, now_ns);
    if (why != WHY_NONE) {
        trace_drop(trace, k, why, now_ns);
        if (why == WHY_FRAG_OVERLAP || why == WHY_FRAG_BAD) {
            drop_pieces(f, d, trace, why, now_ns);
            d->refused = true;
        }
        return NULL;
    }
    if (d->total == 0 || d->have != d->total)
        return NULL;
    struct pkt *whole = NULL;
    if (length_of(d->pieces, d->total) > UINT16_MAX)       /* the first header is the longest of them */
        trace_count(trace, WHY_FRAG_BAD, now_ns);
    else if (!(whole = join(pools, d)))
        trace_count(trace, WHY_NO_BUFFER, now_ns);
    else if (join_ecn(whole, d))
        mend_header(whole, d->pieces);
    else {
        trace_drop(trace, whole, WHY_FRAG_BAD, now_ns);
        whole = NULL;
    }
    free_pieces(f, d);
    release(f, d);
    return whole;
}

int64_t frag_deadline(const struct frag *f)
{
    int64_t at = DEADLINE_NEVER;
    for (unsigned i = 0; f->n && i < FRAG_DATAGRAMS; i++)
        if (f->datagram[i].used)
            at = time_min(at, f->datagram[i].expires_ns);
    return at;
}

bool frag_expire(struct frag *f, struct trace *trace, struct pkt **first, int64_t now_ns)
{
    *first = NULL;
    for (unsigned i = 0; f->n && i < FRAG_DATAGRAMS; i++) {
        struct frag_datagram *d = &f->datagram[i];
        if (!d->used || d->expires_ns > now_ns)
            continue;
        if (d->pieces && offset_of(d->pieces) == 0) {
            *first = d->pieces;
            d->pieces = (*first)->next;
        }
        drop_pieces(f, d, trace, WHY_FRAG_TIMEOUT, now_ns);
        release(f, d);
        return true;
    }
    return false;
}

void frag_fini(struct frag *f)
{
    for (unsigned i = 0; i < FRAG_DATAGRAMS; i++)
        if (f->datagram[i].used)
            free_pieces(f, &f->datagram[i]);
}
