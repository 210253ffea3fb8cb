/* From a segment's addresses and ports to its connection: a preallocated,
 * intrusive hash table under a secret key.  Listeners stand in a table of their
 * own, by port. */
#include "tcp/conn.h"
#include <stdlib.h>

bool demux_init(struct tcp *t)
{
    uint32_t size = 64;
    while (size < t->cfg.max_conns && size < 1u << 26)
        size *= 2;
    t->bucket = calloc(size, sizeof *t->bucket);
    t->bucket_mask = size - 1;
    return t->bucket != NULL;
}

static uint32_t hash_of(const struct tcp *t, const struct addr *local, const struct addr *remote, uint16_t local_port, uint16_t remote_port)
{
    const uint64_t ports = (uint64_t)local_port << 16 | remote_port;
    if (addr_is4(*local)) {
        const uint64_t words[2] = { (uint64_t)local->w[3] << 32 | remote->w[3], ports };
        return (uint32_t)siphash_words(&t->hash_key, words, 2);
    }
    const uint64_t words[5] = { local->q[0], local->q[1], remote->q[0], remote->q[1], ports };
    return (uint32_t)siphash_words(&t->hash_key, words, 5);
}

bool demux_hash_of(const struct tcp *t, const struct pkt *k, uint32_t *hash)
{
    if (k->proto != 6 || ip_version(k) != 4 || pkt_l4_len(k) < 4)
        return false;
    const struct addr local = ip_dst(k), remote = ip_src(k);
    const uint8_t *ports = k->data + k->l4_off;
    *hash = hash_of(t, &local, &remote, load_be16(ports + 2), load_be16(ports));
    return true;
}

static bool is(const struct tcp_node *n, const struct addr *local, const struct addr *remote, uint16_t local_port, uint16_t remote_port)
{
    return n->remote_port == remote_port && n->local_port == local_port &&
           addr_eq(n->remote, *remote) && addr_eq(n->local, *local);
}

/* A flow that was looked for in vain a moment ago needs no second hash. */
static uint32_t hash_again(const struct tcp *t, const struct addr *local, const struct addr *remote, uint16_t local_port, uint16_t remote_port)
{
    const struct tcp_missed *m = &t->missed;
    if (m->remote_port == remote_port && m->local_port == local_port && addr_eq(m->remote, *remote) && addr_eq(m->local, *local))
        return m->hash;
    return hash_of(t, local, remote, local_port, remote_port);
}

struct tcp_node *demux_find(struct tcp *t, struct addr local, struct addr remote, uint16_t local_port, uint16_t remote_port)
{
    if (t->last && is(t->last, &local, &remote, local_port, remote_port))
        return t->last;                         /* segments come in runs */
    const uint32_t hash = hash_again(t, &local, &remote, local_port, remote_port);
    struct tcp_node *n = t->bucket[hash & t->bucket_mask];
    while (n && !(n->hash == hash && is(n, &local, &remote, local_port, remote_port)))
        n = n->next;
    if (n)
        t->last = n;
    else
        t->missed = (struct tcp_missed){ local, remote, hash, local_port, remote_port };
    return n;
}

static void put(struct tcp *t, struct tcp_node *n, uint32_t hash)
{
    n->hash = hash;
    n->next = t->bucket[n->hash & t->bucket_mask];
    n->in = true;
    t->bucket[n->hash & t->bucket_mask] = n;
    t->count++;
}

void demux_add(struct tcp *t, struct tcp_node *n)
{
    put(t, n, hash_again(t, &n->local, &n->remote, n->local_port, n->remote_port));
}

void demux_add_for(struct tcp *t, struct tcp_node *n, const struct tcp_node *before) { put(t, n, before->hash); }

void demux_reusable(struct tcp_node *n, bool on) { n->reuse_addr = on; }

void demux_remove(struct tcp *t, struct tcp_node *n)
{
    if (!n->in)
        return;
    struct tcp_node **at = &t->bucket[n->hash & t->bucket_mask];
    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    n->in = false;
    t->count--;
    if (t->last == n)
        t->last = NULL;
}

/* How well a listener fits: 0 not at all, 2 by its address, 1 by taking any. */
static int fits(const struct tcp_listener *l, const struct addr *local)
{
    if (addr_eq(l->local.addr, *local))
        return 2;
    return addr_is_none(l->local.addr) ? !(l->opt.v6only && addr_is4(*local)) : addr_is_any(l->local.addr) && addr_is4(*local);
}

struct listener_group { struct tcp_listener *first; uint32_t n; };

/* Those that fit best; more than one when they share their endpoint. */
static struct listener_group best(const struct list *head, const struct addr *local, uint16_t port)
{
    struct listener_group g = { 0 };
    for (const struct list *n = head->next; n != head; n = n->next) {
        struct tcp_listener *l = list_entry(n, struct tcp_listener, node);
        const int more = l->local.port == port ? fits(l, local) - (g.first ? fits(g.first, local) : 0) : -1;
        if (more > 0)
            g = (struct listener_group){ .first = l, .n = 1 };
        else if (more == 0 && g.first)
            g.n++;
    }
    return g;
}

/* Those of a group stand in one list; each gets the flows whose hash names it, so
 * that segments of one flow come to one listener as long as the group stays. */
static struct tcp_listener *pick(struct tcp *t, const struct listener_group *g, const struct flow *f)
{
    struct list *n = &g->first->node;
    if (g->n < 2)
        return g->first;
    uint64_t skip = (uint64_t)hash_of(t, &f->local, &f->remote, f->local_port, f->remote_port) * g->n >> 32;
    for (;; n = n->next) {
        struct tcp_listener *l = list_entry(n, struct tcp_listener, node);
        if (endpoint_eq(l->local, g->first->local) && skip-- == 0)
            return l;
    }
}

struct tcp_listener *demux_listener(struct tcp *t, const struct flow *f)
{
    struct listener_group g = best(&t->listeners[f->local_port % LISTEN_HASH], &f->local, f->local_port);
    if (!g.first)
        g = best(&t->listeners_any, &f->local, 0);
    return g.first ? pick(t, &g, f) : NULL;
}

bool tcp_serves(struct tcp *t, const struct pkt *k)
{
    struct reader r = reader_of(k->data + k->l4_off, pkt_l4_len(k));
    const uint16_t from = rd_u16(&r), to = rd_u16(&r);
    const struct flow f = { .local = ip_dst(k), .remote = ip_src(k), .local_port = to, .remote_port = from };
    return !r.bad && (demux_listener(t, &f) || demux_find(t, f.local, f.remote, to, from));
}
