/* What is sent to a neighbour, and how reachable it is (RFC 4861 §7.3, appendix C). */
#include "link/ether.h"
#include "link/neigh_int.h"
#include "wire/eth.h"
#include "wire/ip.h"

static const int64_t REACHABLE_NS = 30 * NS_PER_SEC,        /* RFC 4861 §10 */
                     RETRANS_NS = NS_PER_SEC,               /* the same; RFC 1122 §2.3.2.1: at most one request a second */
                     DELAY_FIRST_PROBE_NS = 5 * NS_PER_SEC;

void neigh_set_iface(struct neigh *n, unsigned iface, const struct neigh_iface *cfg) { n->iface[iface] = *cfg; }
void neigh_set_times(struct neigh *n, unsigned iface, const struct neigh_times *t)   { n->times[iface] = *t; }

/* ------------------------------------------------------------------ states */

/* §6.3.2: between MIN_RANDOM_FACTOR and MAX_RANDOM_FACTOR of the base, drawn anew for each neighbour. */
static int64_t reachable_ns(struct neigh *n, const struct neigh_entry *e)
{
    const int64_t told_ns = addr_is4(e->addr) ? 0 : n->times[e->iface].reachable_ns;
    return (int64_t)((0.5 + rng_unit(&n->rng)) * (double)(told_ns ? told_ns : REACHABLE_NS));
}

static int64_t retrans_ns(const struct neigh *n, const struct neigh_entry *e)
{
    const int64_t told_ns = addr_is4(e->addr) ? 0 : n->times[e->iface].retrans_ns;
    return told_ns ? told_ns : RETRANS_NS;
}

static void note_fact(struct neigh *n, const struct neigh_entry *e)
{
    if (n->n_facts < NEIGH_FACTS)
        n->fact[n->n_facts++] = (struct neigh_fact){ .addr = e->addr, .mac = e->mac, .iface = e->iface, .state = e->state };
}

static void note_news(struct neigh *n, const struct neigh_entry *e, enum neigh_news_kind kind)
{
    if (n->n_news < NEIGH_NEWS)
        n->news[n->n_news++] = (struct neigh_news){ kind, e->iface, e->addr };
}

struct addr neigh_source(const struct neigh *n, unsigned iface, bool ip4)
{
    for (unsigned i = 0; i < ACD_MAX; i++) {
        const struct acd_addr *x = &n->acd.addr[i];
        if (x->iface == iface && (x->state == ACD_IN_USE || x->state == ACD_ANNOUNCING) && addr_is4(x->addr) == ip4)
            return x->addr;
    }
    return ip4 ? addr4(0) : ADDR_NONE;
}

/* The sender address is one of ours on that interface, of the packet that asks when there is one. */
static void ask(struct neigh *n, struct neigh_entry *e, struct addr local, int64_t now_ns)
{
    TRACE(n->trace, now_ns, 0, neigh_asked, .iface = e->iface, .target = e->addr);
    if (n->role == NEIGH_FOLLOWS)
        note_fact(n, e);
    else if (addr_is4(e->addr))
        neigh_arp_ask(n, e, local);
    else
        nd_ask(n, e, local);
    e->tries++;
    neigh_set_timer(n, e, time_after(now_ns, retrans_ns(n, e)));
}

void neigh_enter(struct neigh *n, struct neigh_entry *e, enum neigh_state s, int64_t now_ns)
{
    const bool was_asked = e->state == NEIGH_INCOMPLETE || e->state == NEIGH_PROBE;
    n->n_doubtful -= neigh_is_doubtful(e);
    e->state = (uint8_t)s;
    e->tries = 0;
    n->n_doubtful += neigh_is_doubtful(e);
    switch (s) {
    case NEIGH_REACHABLE:
        neigh_set_timer(n, e, time_after(now_ns, reachable_ns(n, e)));
        if (was_asked && e->router)
            note_news(n, e, NEIGH_ANSWERS);
        return;
    case NEIGH_DELAY:
        neigh_set_timer(n, e, time_after(now_ns, DELAY_FIRST_PROBE_NS));
        return;
    case NEIGH_INCOMPLETE: case NEIGH_PROBE:
        ask(n, e, neigh_source(n, e->iface, addr_is4(e->addr)), now_ns);
        return;
    default:
        neigh_set_timer(n, e, DEADLINE_NEVER);
    }
}

struct pkt *neigh_frame(const struct neigh *n, struct pkt *k, struct mac dst)
{
    ether_push(k, dst, n->iface[k->iface].mac, addr_is4(k->next_hop) ? ETH_IP4 : ETH_IP6);
    return k;
}

void neigh_learn(struct neigh *n, struct neigh_entry *e, struct mac mac, enum neigh_state s, int64_t now_ns)
{
    const bool is_new = e->state == NEIGH_INCOMPLETE || !mac_eq(e->mac, mac);
    if (is_new)
        TRACE(n->trace, now_ns, 0, neigh_learned, .iface = e->iface, .target = e->addr, .mac = mac);
    e->mac = mac;
    neigh_enter(n, e, s, now_ns);
    if (n->role == NEIGH_LEADS && (is_new || s == NEIGH_REACHABLE))
        note_fact(n, e);
    for (struct pkt *k; (k = pktq_pop(&e->waiting)); n->queued--)
        pktq_push(&n->ready, neigh_frame(n, k, mac));
}

void neigh_set_router(struct neigh *n, struct neigh_entry *e, bool router)
{
    if (e->router && !router)
        note_news(n, e, NEIGH_NO_ROUTER);       /* §6.3.4, §7.2.5: off the list of default routers */
    e->router = router;
}

void neigh_heard(struct neigh *n, unsigned iface, struct addr a, struct mac mac, enum neigh_told what, int64_t now_ns)
{
    struct neigh_entry *e = neigh_find(n, iface, a);
    if (addr_is_any(a) || mac_is_group(mac) || n->role == NEIGH_FOLLOWS)
        return;
    if (!e)
        e = neigh_create(n, iface, a, now_ns);
    if (e->state == NEIGH_INCOMPLETE || !mac_eq(e->mac, mac))
        neigh_learn(n, e, mac, NEIGH_STALE, now_ns);
    if (what != NEIGH_TOLD_EITHER)
        neigh_set_router(n, e, what == NEIGH_TOLD_ROUTER);
}

void neigh_confirm(struct neigh *n, unsigned iface, struct addr a, int64_t now_ns)
{
    struct neigh_entry *e = neigh_find(n, iface, a);
    if (e && neigh_is_doubtful(e))
        neigh_enter(n, e, NEIGH_REACHABLE, now_ns);
}

/* -------------------------------------------------------------------- send */

/* RFC 1112 §6.4: the low 23 bits of the group; RFC 2464 §7. */
static struct mac multicast_mac(struct addr a)
{
    return addr_is4(a) ? (struct mac){ { 0x01, 0x00, 0x5e, a.b[13] & 0x7f, a.b[14], a.b[15] } } : nd_group_mac(a);
}

/* The oldest gives way: the latest is the one to keep (RFC 1122 §2.3.2.2, RFC 4861 §7.2.2). */
static void wait_for(struct neigh *n, struct neigh_entry *e, struct pkt *k, int64_t now_ns)
{
    if (n->queued >= n->max_queued && e->waiting.n == 0) {
        trace_drop(n->trace, k, WHY_NEIGH_QUEUE_FULL, now_ns);
        return;
    }
    if (e->waiting.n == NEIGH_QUEUE || n->queued >= n->max_queued) {
        trace_drop(n->trace, pktq_pop(&e->waiting), WHY_NEIGH_QUEUE_FULL, now_ns);
        n->queued--;
    }
    k = pkt_own(n->pools, k);
    if (!k) {
        trace_count(n->trace, WHY_NO_BUFFER, now_ns);
        return;
    }
    k->path = NULL;
    pktq_push(&e->waiting, k);
    n->queued++;
}

static struct addr local_of(const struct neigh *n, const struct neigh_entry *e, const struct pkt *k)
{
    const struct addr src = ip_src(k);
    const bool same_family = addr_is4(src) == addr_is4(e->addr), usable = acd_in_use(&n->acd, e->iface, src) || n->iface[e->iface].any_address;
    return same_family && usable ? src : neigh_source(n, e->iface, addr_is4(e->addr));
}

static struct pkt *to_neighbour(struct neigh *n, struct pkt *k, int64_t now_ns)
{
    struct neigh_entry *e = neigh_find(n, k->iface, k->next_hop);
    if (!e) {
        e = neigh_create(n, k->iface, k->next_hop, now_ns);
        ask(n, e, local_of(n, e, k), now_ns);
    }
    neigh_used(n, e);
    if (e->state == NEIGH_INCOMPLETE) {
        wait_for(n, e, k, now_ns);
        return NULL;
    }
    if (e->state == NEIGH_STALE)
        neigh_enter(n, e, NEIGH_DELAY, now_ns);     /* the upper layers may know better before we have to ask */
    return neigh_frame(n, k, e->mac);
}

struct pkt *neigh_send(struct neigh *n, struct pkt *k, int64_t now_ns)
{
    if (addr_is_broadcast(k->next_hop))
        return neigh_frame(n, k, MAC_BROADCAST);
    if (addr_is_multicast(k->next_hop))
        return neigh_frame(n, k, multicast_mac(k->next_hop));
    return to_neighbour(n, k, now_ns);
}

/* --------------------------------------------- one that leads, others that follow */

void neigh_want(struct neigh *n, unsigned iface, struct addr a, int64_t now_ns)
{
    struct neigh_entry *e = neigh_find(n, iface, a);
    const bool is_new = !e;
    if (is_new)
        e = neigh_create(n, iface, a, now_ns);
    neigh_used(n, e);
    if (e->state == NEIGH_REACHABLE)
        note_fact(n, e);
    else if (is_new)
        neigh_enter(n, e, NEIGH_INCOMPLETE, now_ns);
    else if (e->state == NEIGH_STALE || e->state == NEIGH_DELAY)
        neigh_enter(n, e, NEIGH_PROBE, now_ns);
}

void neigh_told(struct neigh *n, const struct neigh_fact *f, int64_t now_ns)
{
    struct neigh_entry *e = neigh_find(n, f->iface, f->addr);
    const bool known = e && e->state != NEIGH_INCOMPLETE && mac_eq(e->mac, f->mac);
    if (known && f->state != NEIGH_REACHABLE)
        return;
    neigh_learn(n, e ? e : neigh_create(n, f->iface, f->addr, now_ns), f->mac, f->state == NEIGH_REACHABLE ? NEIGH_REACHABLE : NEIGH_STALE, now_ns);
}

/* -------------------------------------------------------------------- time */

int64_t neigh_deadline(const struct neigh *n)
{
    const int64_t entries = heap_first(&n->timers) ? heap_first(&n->timers)->key : DEADLINE_NEVER;
    return time_min(entries, acd_deadline(&n->acd));
}

static void expire(struct neigh *n, struct neigh_entry *e, int64_t now_ns)
{
    if (e->state == NEIGH_REACHABLE) {
        neigh_enter(n, e, NEIGH_STALE, now_ns);
        return;
    }
    if (e->state == NEIGH_DELAY) {
        neigh_enter(n, e, NEIGH_PROBE, now_ns);
        return;
    }
    if (e->tries < NEIGH_TRIES) {
        ask(n, e, neigh_source(n, e->iface, addr_is4(e->addr)), now_ns);
        return;
    }
    TRACE(n->trace, now_ns, 0, neigh_failed, .iface = e->iface, .target = e->addr);
    if (e->router)
        note_news(n, e, NEIGH_GONE);
    neigh_forget(n, e);                     /* §7.3.3: the next packet looks for a next hop again */
}

void neigh_announce_due(struct neigh *n, int64_t now_ns)
{
    struct acd_message m;
    while (acd_next(&n->acd, &m, now_ns)) {
        if (addr_is4(m.addr))
            neigh_arp_say(n, &m);
        else
            nd_say(n, &m);
    }
}

void neigh_tick(struct neigh *n, int64_t now_ns)
{
    for (struct heap_node *t; (t = heap_first(&n->timers)) && t->key <= now_ns;) {
        struct neigh_entry *e = list_entry(t, struct neigh_entry, timer);
        heap_remove(&n->timers, t);
        expire(n, e, now_ns);
    }
    neigh_announce_due(n, now_ns);
}

void neigh_flush(struct neigh *n, unsigned iface)
{
    for (uint32_t i = 0; i < n->n_entries; i++)
        if (n->entries[i].state != NEIGH_FREE && n->entries[i].iface == iface)
            neigh_forget(n, &n->entries[i]);
}

const char *neigh_state_name(uint8_t state)
{
    static const char *const name[] = { "FREE", "INCOMPLETE", "REACHABLE", "STALE", "DELAY", "PROBE" };
    return state < sizeof name / sizeof name[0] ? name[state] : "?";
}
