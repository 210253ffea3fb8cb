#include "net/track.h"
#include "wire/ip4.h"
#include "wire/tcp.h"
#include <stdlib.h>

enum { FLOWS = 65536, PER_HOST = 8192, TCP_AT_FLAGS = 13 };
#define MINUTES(n) ((n) * 60 * NS_PER_SEC)

static int64_t given(int64_t value, int64_t otherwise) { return value ? value : otherwise; }

static void fill_in(struct track_config *c)
{
    struct track_timeouts *t = &c->timeouts;
    c->max = c->max ? c->max : FLOWS;
    c->max_per_host = c->max_per_host ? c->max_per_host : PER_HOST;
    t->tcp_ns = given(t->tcp_ns, MINUTES(124));
    t->tcp_transitory_ns = given(t->tcp_transitory_ns, MINUTES(4));
    t->udp_ns = time_max(given(t->udp_ns, MINUTES(5)), MINUTES(2));
    t->icmp_ns = given(t->icmp_ns, MINUTES(1));
    t->other_ns = given(t->other_ns, MINUTES(10));
}

static uint32_t power_of_two(uint32_t least)
{
    uint32_t n = 16;
    while (n < least)
        n *= 2;
    return n;
}

bool tracks_init(struct tracks *t, const struct track_config *cfg, struct trace *trace, struct rng *rng, int64_t now_ns)
{
    *t = (struct tracks){ .cfg = *cfg, .trace = trace, .key = sipkey_from(rng) };
    fill_in(&t->cfg);
    wheel_init(&t->wheel, now_ns);
    const uint32_t n = power_of_two(2 * t->cfg.max), hosts = power_of_two(t->cfg.max / 4);
    t->bucket = calloc(n, sizeof *t->bucket);
    t->host_bucket = calloc(hosts, sizeof *t->host_bucket);
    t->mask = n - 1;
    t->host_mask = hosts - 1;
    if (t->bucket && t->host_bucket && pool_init(&t->flows, sizeof(struct track), t->cfg.max) &&
        pool_init(&t->hosts, sizeof(struct track_host), t->cfg.max))
        return true;
    tracks_fini(t);
    return false;
}

void tracks_fini(struct tracks *t)
{
    free(t->bucket);
    free(t->host_bucket);
    pool_fini(&t->flows);
    pool_fini(&t->hosts);
    *t = (struct tracks){ 0 };
}

/* ------------------------------------------------------------------- table */

static struct track *flow_of(struct track_end *e) { return (struct track *)(void *)((char *)e - offsetof(struct track, end) - e->dir * sizeof *e); }

static struct track_end *find_end(const struct tracks *t, const struct tuple *of, uint64_t hash)
{
    for (struct track_end *e = t->bucket[hash & t->mask]; e; e = e->chain)
        if (e->hash == hash && tuple_eq(&e->t, of))
            return e;
    return NULL;
}

struct track *tracks_find(const struct tracks *t, const struct tuple *of, unsigned *dir)
{
    struct track_end *e = find_end(t, of, tuple_hash(&t->key, of));
    if (!e)
        return NULL;
    *dir = e->dir;
    return flow_of(e);
}

static void link_end(struct tracks *t, struct track *f, unsigned dir, const struct tuple *tuple)
{
    struct track_end *e = &f->end[dir];
    *e = (struct track_end){ .t = *tuple, .hash = tuple_hash(&t->key, tuple), .dir = (uint8_t)dir };
    e->chain = t->bucket[e->hash & t->mask];
    t->bucket[e->hash & t->mask] = e;
}

static void unlink_end(struct tracks *t, struct track_end *e)
{
    struct track_end **at = &t->bucket[e->hash & t->mask];
    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
}

/* ------------------------------------------------------------------- hosts */

static struct track_host **host_place(struct tracks *t, struct addr a)
{
    struct track_host **at = &t->host_bucket[siphash_words(&t->key, a.q, 2) & t->host_mask];
    while (*at && !addr_eq((*at)->addr, a))
        at = &(*at)->chain;
    return at;
}

/* NULL: it has as many flows as it may have. */
static struct track_host *host_need(struct tracks *t, struct addr a)
{
    struct track_host **at = host_place(t, a);
    if (!*at) {
        *at = pool_get(&t->hosts);      /* as many as flows: one is left */
        **at = (struct track_host){ .addr = a };
    }
    return (*at)->flows < t->cfg.max_per_host ? *at : NULL;
}

static void host_release(struct tracks *t, struct track_host *h)
{
    if (--h->flows > 0)
        return;
    struct track_host **at = host_place(t, h->addr);
    *at = h->chain;
    pool_put(&t->hosts, h);
}

/* ------------------------------------------------------------------- flows */

struct track *tracks_add(struct tracks *t, const struct tuple *original, const struct tuple *reply, struct addr host, enum why *why)
{
    const struct tuple back = tuple_reverse(original);
    unsigned dir;
    *why = WHY_TRACK_FULL;
    if (pool_left(&t->flows) == 0)
        return NULL;
    *why = WHY_TRACK_CLASH;
    if (tracks_find(t, original, &dir) || tracks_find(t, reply, &dir))
        return NULL;
    *why = WHY_TRACK_HOST_FULL;
    struct track_host *h = host_need(t, host);
    if (!h)
        return NULL;
    struct track *f = pool_get(&t->flows);
    *f = (struct track){ .host = h, .translated = !tuple_eq(&back, reply), .expires_ns = DEADLINE_NEVER };
    h->flows++;
    link_end(t, f, TRACK_ORIGINAL, original);
    link_end(t, f, TRACK_REPLY, reply);
    *why = WHY_NONE;
    return f;
}

void tracks_remove(struct tracks *t, struct track *f)
{
    wheel_cancel(&t->wheel, &f->timer);
    unlink_end(t, &f->end[TRACK_ORIGINAL]);
    unlink_end(t, &f->end[TRACK_REPLY]);
    host_release(t, f->host);
    pool_put(&t->flows, f);
}

/* ------------------------------------------------------------------ states */

/* RFC 6146 §3.5.2.2, with the names of what was seen for its states: a connection is established when both sides sent
 * SYN, closed when both sent FIN, and doubtful after RST until a packet shows that it lives. */
static void saw_tcp(struct track *f, unsigned dir, uint8_t flags)
{
    const uint8_t bit = (uint8_t)(1u << dir);
    if (flags & RST) {
        f->rst = true;
        return;
    }
    if ((flags & SYN) && !(flags & ACK) && (f->rst || f->fin == 3))
        f->syn = f->fin = 0;            /* the same ports anew */
    f->rst = false;
    if (!f->syn && !(flags & SYN))
        f->syn = 3;                     /* it began before we looked */
    if (flags & SYN)
        f->syn |= bit;
    if (flags & FIN)
        f->fin |= bit;
}

static int64_t tcp_timeout(const struct tracks *t, const struct track *f)
{
    const bool established = f->syn == 3 && f->fin != 3 && !f->rst;
    return established ? t->cfg.timeouts.tcp_ns : t->cfg.timeouts.tcp_transitory_ns;
}

static int64_t timeout(const struct tracks *t, const struct track *f)
{
    switch (f->end[0].t.proto) {
    case IP_TCP:                 return tcp_timeout(t, f);
    case IP_UDP:                 return t->cfg.timeouts.udp_ns;
    case IP_ICMP: case IP_ICMP6: return t->cfg.timeouts.icmp_ns;
    default:                     return t->cfg.timeouts.other_ns;
    }
}

/* The timer is armed anew only when the flow is to end sooner than it says. */
static void expire_at(struct tracks *t, struct track *f, int64_t at_ns)
{
    f->expires_ns = at_ns;
    if (!wheel_armed(&f->timer) || at_ns < f->timer.deadline_ns)
        wheel_arm(&t->wheel, &f->timer, at_ns);
}

void tracks_saw(struct tracks *t, struct track *f, unsigned dir, const struct pkt *k, int64_t now_ns)
{
    f->answered |= dir == TRACK_REPLY;
    if (k->proto == IP_TCP)
        saw_tcp(f, dir, k->data[k->l4_off + TCP_AT_FLAGS]);
    const bool keeps = !f->from_outside || dir == TRACK_REPLY || f->expires_ns == DEADLINE_NEVER || k->proto == IP_TCP;
    if (keeps)
        expire_at(t, f, time_after(now_ns, timeout(t, f)));
}

int64_t tracks_deadline(struct tracks *t) { return wheel_deadline(&t->wheel); }

struct track *tracks_expired(struct tracks *t, int64_t now_ns)
{
    for (struct wheel_timer *w; (w = wheel_expire(&t->wheel, now_ns));) {
        struct track *f = list_entry(w, struct track, timer);
        if (f->expires_ns <= now_ns)
            return f;
        wheel_arm(&t->wheel, w, f->expires_ns);
    }
    return NULL;
}

/* ------------------------------------------------------------------ people */

/* The cursor counts buckets, and in its low bits the places of a chain. */
const struct track *tracks_walk(const struct tracks *t, uint64_t *cursor)
{
    enum { PLACE_BITS = 16 };
    for (; *cursor >> PLACE_BITS <= t->mask; *cursor = ((*cursor >> PLACE_BITS) + 1) << PLACE_BITS) {
        uint32_t skip = (uint32_t)(*cursor & ((1u << PLACE_BITS) - 1));
        for (struct track_end *e = t->bucket[*cursor >> PLACE_BITS]; e; e = e->chain) {
            if (e->dir != TRACK_ORIGINAL || skip-- > 0)
                continue;
            ++*cursor;
            return flow_of(e);
        }
    }
    return NULL;
}

const char *track_state_name(const struct track *f)
{
    if (f->end[0].t.proto != IP_TCP)
        return f->answered ? "answered" : "new";
    if (f->rst)
        return "reset";
    return f->syn != 3 ? "opening" : f->fin == 3 ? "closed" : f->fin ? "closing" : "established";
}
