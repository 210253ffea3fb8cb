/* RFC 5227 §2 and RFC 4862 §5.4: probing, announcing, conflict and defence. */
#include "link/acd.h"

/* RFC 5227 §1.1 */
enum { PROBE_NUM = 3, ANNOUNCE_NUM = 2 };
static const int64_t PROBE_WAIT = NS_PER_SEC, PROBE_MIN = NS_PER_SEC, PROBE_MAX = 2 * NS_PER_SEC,
                     ANNOUNCE_WAIT = 2 * NS_PER_SEC, ANNOUNCE_INTERVAL = 2 * NS_PER_SEC, DEFEND_INTERVAL = 10 * NS_PER_SEC;
/* The quick schedule: neighbours on one link answer within milliseconds. */
static const int64_t QUICK_GAP = 50 * NS_PER_MS, QUICK_WAIT = 100 * NS_PER_MS;
/* IPv6: DupAddrDetectTransmits (RFC 4862 §5.1), RetransTimer (RFC 4861 §10), one announcement (RFC 9131 §4.1), and what a
 * probe that came back asks for (RFC 7527 §4.1). */
enum { DAD_TRANSMITS = 1, DAD_LOOPED_MORE = 3, DAD_ANNOUNCE_NUM = 1 };
static const int64_t DAD_WAIT = NS_PER_SEC, DAD_QUICK_WAIT = 200 * NS_PER_MS;

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

static void draw_nonce(struct acd *a, struct acd_addr *x)
{
    const uint64_t r = rng_u64(a->rng);
    memcpy(x->nonce, &r, sizeof x->nonce);
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
    x->deadline_ns = how == ACD_PROBE ? time_after(now_ns, random_ns(a, 0, PROBE_WAIT)) : now_ns;      /* RFC 4862 §5.4.2: the same second */
    if (!addr_is4(addr) && how != ACD_USE)
        draw_nonce(a, x);
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

/* RFC 5227 §2.1.1: while probing, any packet from the address, or another host's probe for it.  RFC 4862 §5.4.3, §5.4.4
 * say the same of advertisements and solicitations. */
static void heard_while_probing(struct acd *a, struct acd_addr *x, const struct acd_claim *c)
{
    if (c->probe && c->has_nonce && memcmp(c->nonce, x->nonce, ACD_NONCE) == 0) {
        x->looped = true;               /* RFC 7527 §4.2 */
        return;
    }
    tell(a, x, ACD_LOST, c->by);
    x->state = ACD_FREE;
}

/* RFC 5227 §2.4 (c): the address is kept and defended, at most once per DEFEND_INTERVAL; RFC 4862 §5.4.4 leaves it open. */
static void heard_in_use(struct acd *a, struct acd_addr *x, const struct acd_claim *c, int64_t now_ns)
{
    tell(a, x, ACD_CONFLICT, c->by);
    if (x->defended_ns != DEADLINE_NEVER && now_ns < time_after(x->defended_ns, DEFEND_INTERVAL))
        return;
    x->defended_ns = now_ns;
    x->state = ACD_ANNOUNCING;
    x->defends = true;                  /* one announcement */
    x->deadline_ns = now_ns;
}

bool acd_heard(struct acd *a, unsigned iface, const struct acd_claim *c, int64_t now_ns)
{
    bool ours = false;
    for (unsigned i = 0; i < ACD_MAX; i++) {
        struct acd_addr *x = &a->addr[i];
        if (x->state == ACD_FREE || x->iface != iface || !addr_eq(x->addr, c->addr) || mac_eq(c->by, x->mac))
            continue;
        if (x->state == ACD_PROBING) {
            heard_while_probing(a, x, c);
        } else if (!c->probe) {
            ours = true;
            heard_in_use(a, x, c, now_ns);
        }
    }
    return ours;
}

static uint8_t probes_of(const struct acd_addr *x)
{
    return addr_is4(x->addr) ? PROBE_NUM : x->looped ? DAD_TRANSMITS + DAD_LOOPED_MORE : DAD_TRANSMITS;
}

static int64_t wait_after_probe(struct acd *a, const struct acd_addr *x, bool last)
{
    if (!addr_is4(x->addr))
        return x->quick ? DAD_QUICK_WAIT : DAD_WAIT;
    if (x->quick)
        return last ? QUICK_WAIT : QUICK_GAP;
    return last ? ANNOUNCE_WAIT : random_ns(a, PROBE_MIN, PROBE_MAX);
}

/* True: a probe is to be sent; false: the probes are over, the address is ours. */
static bool next_probe(struct acd *a, struct acd_addr *x, int64_t now_ns)
{
    if (x->sent >= probes_of(x)) {
        x->state = ACD_ANNOUNCING;
        x->sent = 0;
        tell(a, x, ACD_READY, x->mac);
        return false;
    }
    const bool last = ++x->sent >= probes_of(x);
    x->deadline_ns = time_after(now_ns, wait_after_probe(a, x, last));
    return true;
}

static void announced(struct acd_addr *x, int64_t now_ns)
{
    const uint8_t all = addr_is4(x->addr) ? ANNOUNCE_NUM : DAD_ANNOUNCE_NUM;
    const bool done = x->defends || ++x->sent >= all;
    x->defends = false;
    x->state = done ? ACD_IN_USE : ACD_ANNOUNCING;
    x->deadline_ns = done ? DEADLINE_NEVER : time_after(now_ns, ANNOUNCE_INTERVAL);
}

bool acd_next(struct acd *a, struct acd_message *out, int64_t now_ns)
{
    for (unsigned i = 0; i < ACD_MAX; i++) {
        struct acd_addr *x = &a->addr[i];
        if (x->state == ACD_FREE || x->deadline_ns > now_ns)
            continue;
        const bool probe = x->state == ACD_PROBING && next_probe(a, x, now_ns);
        *out = (struct acd_message){ .addr = x->addr, .mac = x->mac, .iface = x->iface,
                                     .say = probe ? ACD_SAY_PROBE : x->defends ? ACD_SAY_MINE : ACD_SAY_HERE };
        memcpy(out->nonce, x->nonce, ACD_NONCE);
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
