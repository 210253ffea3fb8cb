#include "udp/udp.h"
#include "base/checksum.h"
#include "wire/udp.h"

enum { PROTO_UDP = 17, CHECKSUM_AT = 6 };

void udp_init(struct udp *u, struct trace *trace, struct pkt_pools *pools, struct rng *rng)
{
    memset(u, 0, sizeof *u);
    u->trace = trace;
    u->pools = pools;
    u->rng = rng;
    u->max_held_pkts = pools->small.max / 2;
    list_init(&u->ready);
}

/* ------------------------------------------------------------- sockets */

static struct udp_sock **bucket_of(struct udp *u, uint16_t port) { return &u->bucket[port % UDP_BUCKETS]; }

/* Two sockets may share a port only when no datagram could be for both alike. */
bool udp_in_use(struct udp *u, const struct udp_sock *s, uint16_t port)
{
    for (const struct udp_sock *x = *bucket_of(u, port); x; x = x->chain) {
        const bool shared = (x->reuse_addr && s->reuse_addr) || (x->reuse_port && s->reuse_port);
        if (x != s && !shared && x->local.port == port && addr_eq(x->local.addr, s->local.addr) && endpoint_eq(x->remote, s->remote))
            return true;
    }
    return false;
}

static uint16_t pick_port(struct udp *u, const struct udp_sock *s)
{
    const uint32_t span = 65536 - UDP_PORT_FIRST, start = rng_below(u->rng, span);
    for (uint32_t i = 0; i < span; i++) {
        const uint16_t port = (uint16_t)(UDP_PORT_FIRST + (start + i) % span);
        bool taken = !steer_is_home(&u->steer, PROTO_UDP, &(struct flow){ .local_port = port });
        for (const struct udp_sock *x = *bucket_of(u, port); x && !taken; x = x->chain)
            taken = x->local.port == port;
        if (!taken && !udp_in_use(u, s, port))
            return port;
    }
    return 0;
}

void udp_share(struct udp *u, struct udp_sock *s, bool reuse_port)
{
    s->reuse_port = reuse_port;
    if (!reuse_port || u->keyed)
        return;
    u->key = sipkey_from(u->rng);
    u->keyed = true;
}

enum plumb_err udp_open(struct udp *u, struct udp_sock *s)
{
    if (s->local.port == 0 && (s->local.port = pick_port(u, s)) == 0)
        return PLUMB_NO_PORTS;
    if (udp_in_use(u, s, s->local.port))
        return PLUMB_ADDR_IN_USE;
    pktq_init(&s->queue);
    udp_share(u, s, s->reuse_port);
    struct udp_sock **bucket = bucket_of(u, s->local.port);
    s->chain = *bucket;
    *bucket = s;
    return PLUMB_OK;
}

void udp_close(struct udp *u, struct udp_sock *s)
{
    struct udp_sock **at = bucket_of(u, s->local.port);
    while (*at && *at != s)
        at = &(*at)->chain;
    if (*at)
        *at = s->chain;
    list_remove(&s->ready);
    while (s->queue.n)
        udp_consume(u, s);
}

static void became_ready(struct udp *u, struct udp_sock *s)
{
    if (!list_linked(&s->ready))
        list_push(&u->ready, &s->ready);
}

struct udp_sock *udp_next_ready(struct udp *u)
{
    struct list *n = list_pop(&u->ready);
    return n ? list_entry(n, struct udp_sock, ready) : NULL;
}

/* ------------------------------------------------------------------ in */

/* A socket hears the groups it is in, and of these what it did not exclude (RFC 9776 §4.2.1); what all are in, of anybody. */
static bool is_in(const struct udp_sock *s, const struct flow *f, uint8_t iface)
{
    static const uint8_t all_nodes[16] = { 0xff, 2, [15] = 1 };
    for (const struct group_member *m = s->groups; m; m = m->next)
        if (m->iface == iface && addr_eq(m->group, f->local))
            return source_filter_passes(&m->filter, f->remote);
    return addr_is4(f->local) ? addr_v4(f->local) == 0xe0000001 : memcmp(f->local.b, all_nodes, 16) == 0;
}

/* How much of the packet's addresses the socket names; -1: it does not want it. A
 * socket bound to an address also hears broadcasts on that address's interface. */
static int score(const struct udp_sock *s, const struct flow *f, const struct pkt *k)
{
    int points = 0;
    if (s->local.port != f->local_port)
        return -1;
    if (k->group && addr_is_multicast(f->local) && !is_in(s, f, k->iface))
        return -1;
    if (addr_is_none(s->local.addr) ? s->v6only && addr_is4(f->local) : addr_is_any(s->local.addr) && !addr_is4(f->local))
        return -1;
    if (!addr_is_any(s->local.addr)) {
        if (k->group && !addr_is_multicast(s->local.addr) ? s->iface != k->iface : !addr_eq(s->local.addr, f->local))
            return -1;
        points++;
    }
    if (s->remote.port) {
        if (s->remote.port != f->remote_port || !addr_eq(s->remote.addr, f->remote))
            return -1;
        points += 2;
    }
    return points;
}

static uint64_t flow_hash(const struct udp *u, const struct flow *f)
{
    const uint64_t words[5] = { f->local.q[0], f->local.q[1], f->remote.q[0], f->remote.q[1],
                                (uint64_t)f->local_port << 16 | f->remote_port };
    return siphash_words(&u->key, words, 5);
}

/* Of those who share a port, the one whose turn this flow is. */
static struct udp_sock *pick(const struct udp *u, struct udp_sock *first, uint32_t n, const struct flow *f, const struct pkt *k)
{
    const int points = score(first, f, k);
    uint64_t skip = flow_hash(u, f) % n;
    for (struct udp_sock *s = first;; s = s->chain)
        if (s->reuse_port && score(s, f, k) == points && skip-- == 0)
            return s;
}

static struct udp_sock *find(struct udp *u, const struct flow *f, const struct pkt *k)
{
    struct udp_sock *best = NULL;
    uint32_t sharing = 0;
    int most = -1;
    for (struct udp_sock *s = *bucket_of(u, f->local_port); s; s = s->chain) {
        const int points = score(s, f, k);
        if (points > most) {
            most = points;
            best = s;
            sharing = 0;
        }
        if (best && points == most)
            sharing += s->reuse_port && best->reuse_port;
    }
    return sharing > 1 ? pick(u, best, sharing, f, k) : best;
}

/* Takes. */
static void queue(struct udp *u, struct udp_sock *s, struct pkt *k, int64_t now_ns)
{
    if (s->queue.n >= UDP_QUEUE_PKTS || s->held_bytes + k->cap > UDP_QUEUE_BYTES || u->held_pkts >= u->max_held_pkts) {
        trace_drop(u->trace, k, WHY_UDP_QUEUE_FULL, now_ns);
        return;
    }
    pktq_push(&s->queue, k);
    s->held_bytes += k->cap;
    u->held_pkts++;
    became_ready(u, s);
}

/* A datagram to a group is for every socket that hears it (RFC 1122 §4.1.3.5 leaves
 * it to us); the packet itself goes to `last`. */
static void queue_copies(struct udp *u, const struct flow *f, const struct pkt *k, const struct udp_sock *last, int64_t now_ns)
{
    for (struct udp_sock *s = *bucket_of(u, f->local_port); s; s = s->chain) {
        if (s == last || score(s, f, k) < 0)
            continue;
        struct pkt *copy = pkt_copy(u->pools, k);
        if (copy)
            queue(u, s, copy, now_ns);
        else
            trace_count(u->trace, WHY_NO_BUFFER, now_ns);
    }
}

static enum why validate(const struct pkt *k, struct udp_header *h)
{
    struct reader r = reader_of(k->data + k->l4_off, pkt_l4_len(k));
    if (!udp_read(&r, h) || h->len < UDP_HEADER || h->len > pkt_l4_len(k))
        return WHY_UDP_BAD;
    if (h->checksum == 0 && ip_version(k) == 6)         /* RFC 8200 §8.1: IPv6 has no other */
        return WHY_UDP_CHECKSUM;
    if (k->csum != CSUM_NONE || h->checksum == 0)
        return WHY_NONE;
    const csum_t c = csum_pseudo(ip_src(k), ip_dst(k), PROTO_UDP, h->len);
    return csum_finish(csum_add(c, k->data + k->l4_off, h->len)) == 0 ? WHY_NONE : WHY_UDP_CHECKSUM;
}

/* True: the packet was taken. */
static bool take(struct udp *u, struct pkt *k, int64_t now_ns)
{
    struct udp_header h;
    const enum why why = validate(k, &h);
    if (why != WHY_NONE) {
        trace_drop(u->trace, k, why, now_ns);
        return true;
    }
    const struct flow f = { ip_dst(k), ip_src(k), h.dst_port, h.src_port };
    struct udp_sock *s = find(u, &f, k);
    if (!s)
        return false;
    if (k->group)
        queue_copies(u, &f, k, s, now_ns);
    queue(u, s, k, now_ns);
    return true;
}

void udp_in(struct udp *u, struct batch *b, int64_t now_ns)
{
    struct batch_walk w = batch_walk(b);
    for (struct pkt *k; (k = batch_next(&w));)
        if (k->proto != PROTO_UDP || !take(u, k, now_ns))
            batch_keep(&w, k);
}

const struct udp_sock *udp_error(struct udp *u, const struct flow *f, enum plumb_err e)
{
    const struct pkt unicast = { .iface = UDP_ANY_IFACE };
    struct udp_sock *s = find(u, f, &unicast);
    if (!s)
        return NULL;
    if (s->n_errors < UDP_ERRORS)
        s->errors[s->n_errors++] = (uint8_t)e;
    became_ready(u, s);
    return s;
}

/* ------------------------------------------------------------ the user */

bool udp_peek(struct udp_sock *s, struct udp_datagram *out)
{
    const struct pkt *k = s->queue.first;
    struct udp_header h;
    if (!k)
        return false;
    struct reader r = reader_of(k->data + k->l4_off, pkt_l4_len(k));
    (void)udp_read(&r, &h);             /* validated when it came */
    const size_t len = (size_t)h.len - UDP_HEADER;
    *out = (struct udp_datagram){ .from = { ip_src(k), h.src_port }, .to = ip_dst(k), .iface = k->iface,
                                  .bytes = rd_bytes(&r, len), .len = len };
    return true;
}

void udp_consume(struct udp *u, struct udp_sock *s)
{
    struct pkt *k = pktq_pop(&s->queue);
    if (!k)
        return;
    s->held_bytes -= k->cap;
    u->held_pkts--;
    pkt_free(k);
}

enum plumb_err udp_take_error(struct udp_sock *s)
{
    if (s->n_errors == 0)
        return PLUMB_OK;
    const enum plumb_err e = (enum plumb_err)s->errors[0];
    s->n_errors--;
    memmove(&s->errors[0], &s->errors[1], s->n_errors);
    return e;
}

struct pkt *udp_build(struct udp *u, const struct path *p, uint16_t src_port, uint16_t dst_port, const void *bytes, size_t len)
{
    const uint32_t total = (uint32_t)len + UDP_HEADER;
    struct pkt *k = pkt_new(u->pools, total);
    if (!k)
        return NULL;
    uint8_t *at = pkt_append(k, total);
    struct writer w = writer_of(at, total);
    udp_write(&w, &(struct udp_header){ .src_port = src_port, .dst_port = dst_port, .len = (uint16_t)total });
    wr_bytes(&w, bytes, len);
    /* The sum is left to the device only when the datagram leaves in one piece. */
    const uint16_t pseudo = csum_fold(csum_pseudo(p->local, p->remote, PROTO_UDP, total));
    memcpy(at + CHECKSUM_AT, &pseudo, 2);
    k->l4_off = (uint16_t)k->head;
    k->csum = CSUM_PARTIAL;
    k->csum_field = CHECKSUM_AT;
    if (!p->tx_csum || total + (addr_is4(p->remote) ? 20u : 40u) > p->mtu)
        pkt_complete_csum(k);
    k->path = p;
    k->proto = PROTO_UDP;
    return k;
}
