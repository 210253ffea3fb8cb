/* RFC 5227 §2: probing, announcing, conflict and defence. */
#include "link/acd.h"

/* §1.1 */
enum { PROBE_NUM = 3, ANNOUNCE_NUM = 2 };
static const int64_t PROBE_WAIT = NS_PER_SEC, PROBE_MIN = NS_PER_SEC, PROBE_MAX = 2 * NS_PER_SEC,
                     ANNOUNCE_WAIT = 2 * NS_PER_SEC, ANNOUNCE_INTERVAL = 2 * NS_PER_SEC, DEFEND_INTERVAL = 10 * NS_PER_SEC;
/* The quick schedule: neighbours on one link answer within milliseconds. */
static const int64_t QUICK_GAP = 50 * NS_PER_MS, QUICK_WAIT = 100 * NS_PER_MS;

void acd_init(struct acd *a, struct rng *rng)
{
    memset(a, 0, sizeof *a);
    a->rng = rng;
}

static struct acd_addr *find(const struct acd *a, unsigned iface, struct addr addr)
{
    for (unsigned i = 0; i < ACD_MAX; i++)
        if (a->addr[i].state != ACD_FREE && a->addr[i].iface == iface && addr_eq(a->addr[i].addr, addr))
            return (struct acd_addr *)&a->addr[i];
    return NULL;
}

static struct acd_addr *find_free(struct acd *a)
{
    for (unsigned i = 0; i < ACD_MAX; i++)
        if (a->addr[i].state == ACD_FREE)
            return &a->addr[i];
    return NULL;
}

static void tell(struct acd *a, const struct acd_addr *x, enum acd_kind kind, struct mac by)
{
    if (a->n_verdicts < ACD_VERDICTS)
        a->verdict[a->n_verdicts++] = (struct acd_verdict){ kind, x->iface, x->addr, by };
}

static int64_t random_ns(struct acd *a, int64_t from_ns, int64_t to_ns)
{
    return from_ns + (int64_t)(rng_unit(a->rng) * (double)(to_ns - from_ns));
}

bool acd_add(struct acd *a, unsigned iface, struct mac mac, struct addr addr, enum acd_start how, int64_t now_ns)
{
    struct acd_addr *x = find(a, iface, addr);
    if (!x)
        x = find_free(a);
    if (!x)
        return false;
    *x = (struct acd_addr){ .addr = addr, .mac = mac, .iface = (uint8_t)iface, .defended_ns = DEADLINE_NEVER,
                            .state = how == ACD_USE ? ACD_ANNOUNCING : ACD_PROBING, .quick = how == ACD_PROBE_QUICK };
    x->deadline_ns = how == ACD_PROBE ? time_after(now_ns, random_ns(a, 0, PROBE_WAIT)) : now_ns;
    return true;
}

void acd_remove(struct acd *a, unsigned iface, struct addr addr)
{
    struct acd_addr *x = find(a, iface, addr);
    if (x)
        x->state = ACD_FREE;
}

bool acd_in_use(const struct acd *a, unsigned iface, struct addr addr)
{
    const struct acd_addr *x = find(a, iface, addr);
    return x && x->state != ACD_PROBING;
}

/* §2.1.1: while probing, any packet from the address, or another host's probe for it. */
static bool conflicts_with_probe(const struct acd_addr *x, const struct arp *p)
{
    if (addr_eq(p->sender, x->addr))
        return true;
    return p->op == ARP_REQUEST && addr_is_any(p->sender) && addr_eq(p->target, x->addr) && !mac_eq(p->sender_mac, x->mac);
}

static void heard_while_probing(struct acd *a, struct acd_addr *x, const struct arp *p)
{
    if (!conflicts_with_probe(x, p))
        return;
    tell(a, x, ACD_LOST, p->sender_mac);
    x->state = ACD_FREE;
}

/* §2.4 (c): the address is kept and defended, at most once per DEFEND_INTERVAL. */
static void heard_in_use(struct acd *a, struct acd_addr *x, const struct arp *p, int64_t now_ns)
{
    tell(a, x, ACD_CONFLICT, p->sender_mac);
    if (x->defended_ns != DEADLINE_NEVER && now_ns < time_after(x->defended_ns, DEFEND_INTERVAL))
        return;
    x->defended_ns = now_ns;
    x->state = ACD_ANNOUNCING;
    x->sent = ANNOUNCE_NUM - 1;         /* one announcement */
    x->deadline_ns = now_ns;
}

bool acd_heard(struct acd *a, unsigned iface, const struct arp *p, int64_t now_ns)
{
    bool ours = false;
    for (unsigned i = 0; i < ACD_MAX; i++) {
        struct acd_addr *x = &a->addr[i];
        if (x->state == ACD_FREE || x->iface != iface || mac_eq(p->sender_mac, x->mac))
            continue;
        if (x->state == ACD_PROBING) {
            heard_while_probing(a, x, p);
        } else if (addr_eq(p->sender, x->addr)) {
            ours = true;
            heard_in_use(a, x, p, now_ns);
        }
    }
    return ours;
}

/* True: a probe is to be sent; false: the probes are over, the address is ours. */
static bool next_probe(struct acd *a, struct acd_addr *x, int64_t now_ns)
{
    if (x->sent == PROBE_NUM) {
        x->state = ACD_ANNOUNCING;
        x->sent = 0;
        tell(a, x, ACD_READY, x->mac);
        return false;
    }
    const bool last = ++x->sent == PROBE_NUM;
    const int64_t quick_ns = last ? QUICK_WAIT : QUICK_GAP;
    const int64_t plain_ns = last ? ANNOUNCE_WAIT : random_ns(a, PROBE_MIN, PROBE_MAX);
    x->deadline_ns = time_after(now_ns, x->quick ? quick_ns : plain_ns);
    return true;
}

static void announced(struct acd_addr *x, int64_t now_ns)
{
    const bool done = ++x->sent >= ANNOUNCE_NUM;
    x->state = done ? ACD_IN_USE : ACD_ANNOUNCING;
    x->deadline_ns = done ? DEADLINE_NEVER : time_after(now_ns, ANNOUNCE_INTERVAL);
}

bool acd_next(struct acd *a, struct arp *out, unsigned *iface, int64_t now_ns)
{
    for (unsigned i = 0; i < ACD_MAX; i++) {
        struct acd_addr *x = &a->addr[i];
        if (x->state == ACD_FREE || x->deadline_ns > now_ns)
            continue;
        const bool probe = x->state == ACD_PROBING && next_probe(a, x, now_ns);
        *iface = x->iface;
        *out = (struct arp){ .op = ARP_REQUEST, .sender_mac = x->mac, .sender = probe ? addr4(0) : x->addr, .target = x->addr };
        if (!probe)
            announced(x, now_ns);
        return true;
    }
    return false;
}

int64_t acd_deadline(const struct acd *a)
{
    int64_t at = a->n_verdicts ? INT64_MIN : DEADLINE_NEVER;
    for (unsigned i = 0; i < ACD_MAX; i++)
        if (a->addr[i].state != ACD_FREE)
            at = time_min(at, a->addr[i].deadline_ns);
    return at;
}

bool acd_take_verdict(struct acd *a, struct acd_verdict *out)
{
    if (a->n_verdicts == 0)
        return false;
    *out = a->verdict[0];
    a->n_verdicts--;
    memmove(&a->verdict[0], &a->verdict[1], a->n_verdicts * sizeof a->verdict[0]);
    return true;
}
