/* The neighbour cache and ARP. */
#include "link/neigh.h"
#include "link/arp.h"
#include "link/ether.h"
#include "wire/eth.h"
#include <stdlib.h>

static const int64_t REACHABLE_NS = 30 * NS_PER_SEC,        /* RFC 4861 §10 */
                     RETRANS_NS = NS_PER_SEC;               /* RFC 1122 §2.3.2.1: at most one request a second */

bool neigh_init(struct neigh *n, struct trace *trace, struct pkt_pools *pools, struct rng *rng, uint32_t max_entries, uint32_t max_queued)
{
    uint32_t buckets = 16;
    while (buckets < max_entries)
        buckets *= 2;
    memset(n, 0, sizeof *n);
    n->trace = trace;
    n->pools = pools;
    n->key = sipkey_from(rng);
    n->n_entries = max_entries;
    n->bucket_mask = buckets - 1;
    n->max_queued = max_queued;
    acd_init(&n->acd, rng);
    list_init(&n->by_use);
    pktq_init(&n->ready);
    pktq_init(&n->failed);
    n->entries = calloc(max_entries, sizeof *n->entries);
    n->bucket = calloc(buckets, sizeof *n->bucket);
    if (!n->entries || !n->bucket) {
        neigh_fini(n);
        return false;
    }
    for (uint32_t i = max_entries; i-- > 0; n->free = &n->entries[i])
        n->entries[i].chain = n->free;
    return true;
}

void neigh_fini(struct neigh *n)
{
    for (uint32_t i = 0; n->entries && i < n->n_entries; i++)
        if (n->entries[i].state != NEIGH_FREE)
            pktq_free(&n->entries[i].waiting);
    if (n->entries) {
        pktq_free(&n->ready);
        pktq_free(&n->failed);
    }
    free(n->entries);
    free(n->bucket);
    n->entries = NULL;
    n->bucket = NULL;
}

void neigh_set_iface(struct neigh *n, unsigned iface, const struct neigh_iface *cfg) { n->iface[iface] = *cfg; }

/* --------------------------------------------------------------- table */

static struct neigh_entry **bucket_of(const struct neigh *n, unsigned iface, struct addr a)
{
    const uint64_t words[3] = { a.q[0], a.q[1], iface };
    return &n->bucket[siphash_words(&n->key, words, 3) & n->bucket_mask];
}

static struct neigh_entry *find(const struct neigh *n, unsigned iface, struct addr a)
{
    for (struct neigh_entry *e = *bucket_of(n, iface, a); e; e = e->chain)
        if (e->iface == iface && addr_eq(e->addr, a))
            return e;
    return NULL;
}

static void set_timer(struct neigh *n, struct neigh_entry *e, int64_t deadline_ns)
{
    heap_remove(&n->timers, &e->timer);
    if (deadline_ns != DEADLINE_NEVER)
        heap_put(&n->timers, &e->timer, deadline_ns);
}

/* What waited goes to `failed`. */
static void forget(struct neigh *n, struct neigh_entry *e)
{
    struct neigh_entry **at = bucket_of(n, e->iface, e->addr);
    while (*at != e)
        at = &(*at)->chain;
    *at = e->chain;
    set_timer(n, e, DEADLINE_NEVER);
    list_remove(&e->age);
    for (struct pkt *k; (k = pktq_pop(&e->waiting)); n->queued--)
        pktq_push(&n->failed, k);
    e->state = NEIGH_FREE;
    e->chain = n->free;
    n->free = e;
}

/* Makes room: of those nobody here ever sent to (who asks for us under many names must
 * not push out the gateway), then of those that do not answer when they are half of all,
 * then of all, the longest unused. */
static void evict(struct neigh *n, int64_t now_ns)
{
    struct neigh_entry *unanswered = NULL, *any = NULL;
    uint32_t n_unanswered = 0;
    for (struct list *at = n->by_use.next; at != &n->by_use; at = at->next) {
        struct neigh_entry *e = list_entry(at, struct neigh_entry, age);
        if (!e->wanted) {
            forget(n, e);
            return;
        }
        n_unanswered += e->state == NEIGH_INCOMPLETE;
        if (e->state == NEIGH_INCOMPLETE && !unanswered)
            unanswered = e;
        if (e->state != NEIGH_INCOMPLETE && !any)
            any = e;
    }
    struct neigh_entry *e = unanswered && (!any || n_unanswered >= n->n_entries / 2) ? unanswered : any;
    for (struct pkt *k; (k = pktq_pop(&e->waiting)); n->queued--)
        trace_drop(n->trace, k, WHY_NEIGH_TABLE_FULL, now_ns);
    forget(n, e);
}

static struct neigh_entry *create(struct neigh *n, unsigned iface, struct addr a, int64_t now_ns)
{
    if (!n->free)
        evict(n, now_ns);
    struct neigh_entry *e = n->free;
    n->free = e->chain;
    struct neigh_entry **bucket = bucket_of(n, iface, a);
    *e = (struct neigh_entry){ .addr = a, .iface = (uint8_t)iface, .state = NEIGH_INCOMPLETE, .chain = *bucket };
    *bucket = e;
    pktq_init(&e->waiting);
    list_push(&n->by_use, &e->age);
    return e;
}

static void used(struct neigh *n, struct neigh_entry *e)
{
    list_remove(&e->age);
    list_push(&n->by_use, &e->age);
    e->wanted = true;
}

/* ----------------------------------------------------------------- ARP */

static void send_arp(struct neigh *n, unsigned iface, struct mac dst, const struct arp *a)
{
    struct pkt *k = arp_frame(n->pools, iface, dst, a);
    if (k)
        pktq_push(&n->ready, k);
}

static void note(struct neigh *n, const struct neigh_entry *e)
{
    if (n->n_facts < NEIGH_FACTS)
        n->fact[n->n_facts++] = (struct neigh_fact){ .addr = e->addr, .mac = e->mac, .iface = e->iface };
}

/* The sender address is one of ours on that interface, of the packet that asks when there is one. */
static void request(struct neigh *n, struct neigh_entry *e, struct addr local, int64_t now_ns)
{
    const bool known = e->state == NEIGH_PROBE;
    TRACE(n->trace, now_ns, 0, arp_request, .iface = e->iface, .target = e->addr);
    if (n->role == NEIGH_FOLLOWS)
        note(n, e);
    else
        send_arp(n, e->iface, known ? e->mac : MAC_BROADCAST,
             &(struct arp){ .op = ARP_REQUEST, .sender_mac = n->iface[e->iface].mac, .sender = local, .target = e->addr });
    e->tries++;
    set_timer(n, e, time_after(now_ns, RETRANS_NS));
}

static struct addr source_of(const struct neigh *n, const struct neigh_entry *e)
{
    for (unsigned i = 0; i < ACD_MAX; i++)
        if (n->acd.addr[i].iface == e->iface && (n->acd.addr[i].state == ACD_IN_USE || n->acd.addr[i].state == ACD_ANNOUNCING))
            return n->acd.addr[i].addr;
    return addr4(0);
}

static struct pkt *frame(const struct neigh *n, struct pkt *k, struct mac dst)
{
    ether_push(k, dst, n->iface[k->iface].mac, ETH_IP4);
    return k;
}

static void learn(struct neigh *n, struct neigh_entry *e, struct mac mac, int64_t now_ns)
{
    if (e->state == NEIGH_INCOMPLETE || !mac_eq(e->mac, mac))
        TRACE(n->trace, now_ns, 0, arp_learned, .iface = e->iface, .target = e->addr, .mac = mac);
    e->mac = mac;
    e->state = NEIGH_REACHABLE;
    e->tries = 0;
    set_timer(n, e, time_after(now_ns, REACHABLE_NS));
    if (n->role == NEIGH_LEADS)
        note(n, e);
    for (struct pkt *k; (k = pktq_pop(&e->waiting)); n->queued--)
        pktq_push(&n->ready, frame(n, k, mac));
}

static bool is_ours(const struct neigh *n, unsigned iface, const struct arp *a)
{
    if (acd_in_use(&n->acd, iface, a->target))
        return true;
    /* Where every address is ours, only a station's own probes and announcements stay unanswered. */
    return n->iface[iface].any_address && !addr_is_any(a->sender) && !addr_eq(a->sender, a->target);
}

static bool sane(const struct arp *a)
{
    return (a->op == ARP_REQUEST || a->op == ARP_REPLY) && !mac_is_group(a->sender_mac) &&
           !addr_is_broadcast(a->sender) && !addr_is_multicast(a->sender) && !addr_is_loopback(a->sender);
}

/* RFC 826, "Packet Reception": merge, then create if we are the target, then answer. */
static void arp_in(struct neigh *n, unsigned iface, const struct arp *a, int64_t now_ns)
{
    const bool conflict = acd_heard(&n->acd, iface, a, now_ns);
    const bool target_ours = is_ours(n, iface, a);
    if (!conflict && !addr_is_any(a->sender)) {
        struct neigh_entry *e = find(n, iface, a->sender);
        if (!e && target_ours)
            e = create(n, iface, a->sender, now_ns);
        if (e)
            learn(n, e, a->sender_mac, now_ns);
    }
    if (a->op == ARP_REQUEST && target_ours)
        send_arp(n, iface, a->sender_mac, &(struct arp){ .op = ARP_REPLY, .sender_mac = n->iface[iface].mac, .sender = a->target,
                                                         .target_mac = a->sender_mac, .target = a->sender });
}

static void send_due_announcements(struct neigh *n, int64_t now_ns)
{
    struct arp a;
    unsigned iface;
    while (acd_next(&n->acd, &a, &iface, now_ns))
        send_arp(n, iface, MAC_BROADCAST, &a);
}

void neigh_in(struct neigh *n, struct batch *arp, int64_t now_ns)
{
    struct batch_walk w = batch_walk(arp);
    for (struct pkt *k; (k = batch_next(&w));) {
        struct arp a;
        struct reader r = pkt_reader(k);
        if (!arp_read(&r, &a) || !sane(&a)) {
            trace_drop(n->trace, k, WHY_ARP_BAD, now_ns);
            continue;
        }
        arp_in(n, k->iface, &a, now_ns);
        pkt_free(k);
    }
    send_due_announcements(n, now_ns);
}

/* ---------------------------------------------------------------- send */

/* RFC 1112 §6.4: the low 23 bits of the group. */
static struct mac multicast_mac(struct addr a)
{
    return (struct mac){ { 0x01, 0x00, 0x5e, a.b[13] & 0x7f, a.b[14], a.b[15] } };
}

/* The oldest gives way: the latest is the one to keep (RFC 1122 §2.3.2.2). */
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
    const struct addr src = addr4_bytes(k->data + k->net_off + 12);
    return acd_in_use(&n->acd, e->iface, src) || n->iface[e->iface].any_address ? src : source_of(n, e);
}

static struct pkt *to_neighbour(struct neigh *n, struct pkt *k, int64_t now_ns)
{
    struct neigh_entry *e = find(n, k->iface, k->next_hop);
    if (!e) {
        e = create(n, k->iface, k->next_hop, now_ns);
        request(n, e, local_of(n, e, k), now_ns);
    }
    used(n, e);
    if (e->state == NEIGH_INCOMPLETE) {
        wait_for(n, e, k, now_ns);
        return NULL;
    }
    if (e->state == NEIGH_STALE) {
        e->state = NEIGH_PROBE;
        request(n, e, local_of(n, e, k), now_ns);
    }
    return frame(n, k, e->mac);
}

struct pkt *neigh_send(struct neigh *n, struct pkt *k, int64_t now_ns)
{
    if (addr_is_broadcast(k->next_hop))
        return frame(n, k, MAC_BROADCAST);
    if (addr_is_multicast(k->next_hop))
        return frame(n, k, multicast_mac(k->next_hop));
    return to_neighbour(n, k, now_ns);
}

/* --------------------------------------------- one that leads, others that follow */

void neigh_want(struct neigh *n, unsigned iface, struct addr a, int64_t now_ns)
{
    struct neigh_entry *e = find(n, iface, a);
    const bool asking = e && (e->state == NEIGH_INCOMPLETE || e->state == NEIGH_PROBE);
    if (!e)
        e = create(n, iface, a, now_ns);
    used(n, e);
    if (e->state == NEIGH_REACHABLE)
        note(n, e);
    if (e->state == NEIGH_REACHABLE || asking)
        return;
    if (e->state == NEIGH_STALE)
        e->state = NEIGH_PROBE;
    request(n, e, source_of(n, e), now_ns);
}

void neigh_told(struct neigh *n, const struct neigh_fact *f, int64_t now_ns)
{
    struct neigh_entry *e = find(n, f->iface, f->addr);
    learn(n, e ? e : create(n, f->iface, f->addr, now_ns), f->mac, now_ns);
}

/* ---------------------------------------------------------------- time */

int64_t neigh_deadline(const struct neigh *n)
{
    const int64_t entries = heap_first(&n->timers) ? heap_first(&n->timers)->key : DEADLINE_NEVER;
    return time_min(entries, acd_deadline(&n->acd));
}

static void expire(struct neigh *n, struct neigh_entry *e, int64_t now_ns)
{
    if (e->state == NEIGH_REACHABLE) {
        e->state = NEIGH_STALE;
        return;
    }
    if (e->tries < NEIGH_TRIES) {
        request(n, e, source_of(n, e), now_ns);
        return;
    }
    TRACE(n->trace, now_ns, 0, arp_failed, .iface = e->iface, .target = e->addr);
    forget(n, e);
}

void neigh_tick(struct neigh *n, int64_t now_ns)
{
    for (struct heap_node *t; (t = heap_first(&n->timers)) && t->key <= now_ns;) {
        struct neigh_entry *e = list_entry(t, struct neigh_entry, timer);
        heap_remove(&n->timers, t);
        expire(n, e, now_ns);
    }
    send_due_announcements(n, now_ns);
}

void neigh_flush(struct neigh *n, unsigned iface)
{
    for (uint32_t i = 0; i < n->n_entries; i++)
        if (n->entries[i].state != NEIGH_FREE && n->entries[i].iface == iface)
            forget(n, &n->entries[i]);
}

const struct neigh_entry *neigh_walk(const struct neigh *n, uint32_t *cursor)
{
    while (*cursor < n->n_entries) {
        const struct neigh_entry *e = &n->entries[(*cursor)++];
        if (e->state != NEIGH_FREE)
            return e;
    }
    return NULL;
}

const char *neigh_state_name(uint8_t state)
{
    static const char *const name[] = { "FREE", "INCOMPLETE", "REACHABLE", "STALE", "PROBE" };
    return state < sizeof name / sizeof name[0] ? name[state] : "?";
}
