#include "base/pkt.h"
#include "base/checksum.h"

bool pkt_pools_init(struct pkt_pools *p, uint32_t n_small, uint32_t n_large)
{
    *p = (struct pkt_pools){ 0 };
    if (pool_init(&p->small, sizeof(struct pkt) + PKT_SMALL, n_small) &&
        pool_init(&p->large, sizeof(struct pkt) + PKT_LARGE, n_large))
        return true;
    pkt_pools_fini(p);
    return false;
}

void pkt_pools_fini(struct pkt_pools *p)
{
    pool_fini(&p->small);
    pool_fini(&p->large);
}

/* A block with room for `len` bytes behind the headroom; only its pool and its size are filled in. */
static struct pkt *take_block(struct pkt_pools *p, uint32_t len)
{
    const bool small = len <= PKT_SMALL - PKT_HEADROOM;
    if (len > PKT_LARGE - PKT_HEADROOM)
        return NULL;
    struct pool *pool = small ? &p->small : &p->large;
    struct pkt *k = pool_get(pool);
    if (!k)
        return NULL;
    k->pool = pool;
    k->cap = small ? PKT_SMALL : PKT_LARGE;
    return k;
}

struct pkt *pkt_new(struct pkt_pools *p, uint32_t len)
{
    struct pkt *k = take_block(p, len);
    if (!k)
        return NULL;
    struct pool *const pool = k->pool;
    const uint32_t cap = k->cap;
    memset(k, 0, offsetof(struct pkt, slice));
    k->pool = pool;
    k->cap = cap;
    k->head = PKT_HEADROOM;
    return k;
}

void pkt_free(struct pkt *k)
{
    if (k)
        pool_put(k->pool, k);
}

bool pkt_borrow(struct pkt *k, const uint8_t *at, uint32_t len)
{
    if (k->n_slices == PKT_SLICES_MAX)
        return false;
    k->slice[k->n_slices++] = (struct slice){ at, len };
    k->borrowed += len;
    return true;
}

static void gather_slices(const struct pkt *k, uint8_t *to)
{
    for (unsigned i = 0; i < k->n_slices; i++) {
        memcpy(to, k->slice[i].at, k->slice[i].len);
        to += k->slice[i].len;
    }
}

static void forget_slices(struct pkt *k, uint32_t len)
{
    k->len = len;
    k->n_slices = 0;
    k->borrowed = 0;
}

struct pkt *pkt_own(struct pkt_pools *pools, struct pkt *k)
{
    if (k->n_slices == 0)
        return k;
    if (pkt_tailroom(k) >= k->borrowed) {
        gather_slices(k, pkt_head(k) + k->len);
        forget_slices(k, pkt_total(k));
        return k;
    }
    struct pkt *copy = pkt_copy(pools, k);
    pkt_free(k);
    return copy;
}

/* A block for a copy, with all facts but no bytes.  It keeps the original's head, so that header offsets stay true. */
static struct pkt *copy_facts(struct pkt_pools *pools, const struct pkt *k)
{
    const uint32_t total = pkt_total(k), end = k->head + total;
    struct pkt *copy = take_block(pools, end > PKT_HEADROOM ? end - PKT_HEADROOM : 0);
    if (!copy)
        return NULL;
    struct pool *const pool = copy->pool;
    const uint32_t cap = copy->cap;
    memcpy(copy, k, offsetof(struct pkt, slice));
    copy->next = NULL;
    copy->pool = pool;
    copy->cap = cap;
    forget_slices(copy, total);
    return copy;
}

struct pkt *pkt_copy(struct pkt_pools *pools, const struct pkt *k)
{
    struct pkt *copy = copy_facts(pools, k);
    if (copy)
        pkt_gather(k, pkt_head(copy), copy->len);
    return copy;
}

/* The linear bytes; of a short header always as many, which takes no call. */
static void copy_linear(struct pkt *to, const struct pkt *k)
{
    enum { SHORT = 64 };
    if (k->len <= SHORT && k->head + SHORT <= PKT_SMALL)
        memcpy(pkt_head(to), pkt_head_const(k), SHORT);
    else
        memcpy(pkt_head(to), pkt_head_const(k), k->len);
}

enum { UDP_CHECKSUM_AT = 6 };

static void set_csum(struct pkt *k, csum_t sum)
{
    uint16_t field = csum_finish(sum);
    if (field == 0 && k->csum_field == UDP_CHECKSUM_AT)
        field = 0xffff;                 /* RFC 768: zero means "no checksum" */
    memcpy(pkt_l4(k) + k->csum_field, &field, 2);
    k->csum = CSUM_NONE;
}

struct pkt *pkt_copy_out(struct pkt_pools *pools, const struct pkt *k)
{
    if (k->csum != CSUM_PARTIAL)
        return pkt_copy(pools, k);
    struct pkt *copy = copy_facts(pools, k);
    if (!copy)
        return NULL;
    copy_linear(copy, k);
    const uint32_t linear = pkt_l4_len(k);
    uint8_t *to = pkt_l4(copy) + linear;
    csum_t sum = csum_add((csum_t){ 0 }, k->data + k->l4_off, linear);
    for (unsigned i = 0; i < k->n_slices; i++) {
        const struct slice *s = &k->slice[i];
        sum = csum_copy_at(sum, to, s->at, s->len, (size_t)(to - pkt_l4(copy)));
        to += s->len;
    }
    set_csum(copy, sum);
    return copy;
}

uint32_t pkt_gather(const struct pkt *k, void *to, uint32_t max)
{
    uint8_t *p = to;
    uint32_t done = k->len < max ? k->len : max;
    memcpy(p, pkt_head_const(k), done);
    for (unsigned i = 0; i < k->n_slices && done < max; i++) {
        const uint32_t n = k->slice[i].len < max - done ? k->slice[i].len : max - done;
        memcpy(p + done, k->slice[i].at, n);
        done += n;
    }
    return done;
}

void pkt_complete_csum(struct pkt *k)
{
    if (k->csum != CSUM_PARTIAL)
        return;
    uint8_t *l4 = pkt_l4(k);
    csum_t c = csum_add((csum_t){ 0 }, l4, pkt_l4_len(k));
    size_t offset = pkt_l4_len(k);
    for (unsigned i = 0; i < k->n_slices; i++) {
        c = csum_add_at(c, k->slice[i].at, k->slice[i].len, offset);
        offset += k->slice[i].len;
    }
    set_csum(k, c);
}

uint32_t pkt_wire_len(const struct pkt *k)
{
    if (k->gso_size == 0)
        return pkt_total(k);
    const uint8_t *l4 = k->data + k->l4_off;
    const uint32_t l4_header = k->proto == 17 ? 8 : (uint32_t)(l4[12] >> 4) * 4;
    const uint32_t headers = k->l4_off - k->head + l4_header;
    const uint32_t wire = headers + k->gso_size;
    return wire < pkt_total(k) ? wire : pkt_total(k);
}

void batch_free(struct batch *b)
{
    for (uint32_t i = 0; i < b->n; i++)
        pkt_free(b->pkt[i]);
    b->n = b->bytes = 0;
}

void pktq_push(struct pktq *q, struct pkt *k)
{
    k->next = NULL;
    *q->last = k;
    q->last = &k->next;
    q->n++;
    q->bytes += pkt_total(k);
}

struct pkt *pktq_pop(struct pktq *q)
{
    struct pkt *k = q->first;
    if (!k)
        return NULL;
    q->first = k->next;
    if (!q->first)
        q->last = &q->first;
    k->next = NULL;
    q->n--;
    q->bytes -= pkt_total(k);
    return k;
}

void pktq_free(struct pktq *q)
{
    for (struct pkt *k; (k = pktq_pop(q));)
        pkt_free(k);
}
