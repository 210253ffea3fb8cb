#include "net/autoconf.h"
#include "net/stable_id.h"
#include "wire/ip6.h"

static const struct prefix DEFAULT = { .len = 0 };
static const struct addr LINK_LOCAL = { .b = { 0xfe, 0x80 } };
enum { IDGEN_RETRIES = 3, ID_BITS = AUTOCONF_ID_BITS };          /* RFC 7217 §9 */
static const int64_t TWO_HOURS = 7200 * NS_PER_SEC,             /* RFC 4862 §5.5.3 */
                     SOLICIT_FIRST = 4 * NS_PER_SEC, SOLICIT_MAX = 3600 * NS_PER_SEC;    /* RFC 7559 §2: IRT, MRT */

static int64_t until(int64_t now_ns, uint32_t s) { return s == UINT32_MAX ? DEADLINE_NEVER : time_after(now_ns, s * NS_PER_SEC); }

/* --------------------------------------------------------------- addresses */

static struct own_addr *free_addr(struct autoconf *a)
{
    for (unsigned i = 0; i < AUTOCONF_ADDRS; i++)
        if (a->addr[i].state == OWN_FREE)
            return &a->addr[i];
    return NULL;
}

static struct own_addr *addr_in(struct autoconf *a, struct prefix p)
{
    for (unsigned i = 0; i < AUTOCONF_ADDRS; i++)
        if (a->addr[i].state != OWN_FREE && prefix_has(p, a->addr[i].addr))
            return &a->addr[i];
    return NULL;
}

static void form(struct autoconf *a, struct own_addr *x, struct addr prefix)
{
    x->addr = stable_addr(&a->secret, prefix, a->mac, a->iface, x->dad_counter);
    x->state = OWN_WANTED;
    a->changed = true;
}

void autoconf_start(struct autoconf *a, enum autoconf_role role, struct rng *rng, const struct sipkey *secret, struct mac mac, unsigned iface,
                    uint16_t mtu)
{
    *a = (struct autoconf){ .on = true, .is_router = role == AUTOCONF_ROUTER, .rng = rng, .secret = *secret, .mac = mac, .iface = (uint8_t)iface,
                            .mtu_max = mtu, .solicit_ns = DEADLINE_NEVER, .heard_ns = DEADLINE_NEVER };
    a->addr[0] = (struct own_addr){ .valid_ns = DEADLINE_NEVER, .preferred_ns = DEADLINE_NEVER };
    form(a, &a->addr[0], LINK_LOCAL);
}

void autoconf_stop(struct autoconf *a) { *a = (struct autoconf){ .solicit_ns = DEADLINE_NEVER }; }

bool autoconf_verdict(struct autoconf *a, struct addr addr, bool is_free, int64_t now_ns)
{
    struct own_addr *x = a->on ? addr_in(a, (struct prefix){ addr, 128 }) : NULL;
    if (!x || x->state != OWN_PROBING)
        return false;
    a->changed = true;
    if (is_free) {
        x->state = OWN_READY;
        if (x == &a->addr[0] && !a->is_router)
            a->solicit_ns = now_ns;
        return true;
    }
    x->is_there = false;                        /* taken away by whoever found the conflict */
    if (x->dad_counter++ < IDGEN_RETRIES)
        form(a, x, prefix_network((struct prefix){ addr, ID_BITS }));
    else
        x->state = OWN_TAKEN;
    return true;
}

/* RFC 4862 §5.5.3 e): who is not authenticated cannot shorten a lifetime below two hours. */
static int64_t valid_until(const struct own_addr *x, uint32_t valid_s, int64_t now_ns)
{
    const int64_t told_ns = until(now_ns, valid_s), least_ns = time_after(now_ns, TWO_HOURS);
    if (told_ns > least_ns || told_ns > x->valid_ns)
        return told_ns;
    return x->valid_ns <= least_ns ? x->valid_ns : least_ns;
}

/* §5.5.3 */
static void autonomous(struct autoconf *a, const struct nd_prefix *p, int64_t now_ns)
{
    if (p->preferred_s > p->valid_s || p->prefix.len != 128 - ID_BITS)
        return;
    struct own_addr *x = addr_in(a, p->prefix);
    if (x) {
        x->valid_ns = valid_until(x, p->valid_s, now_ns);
        x->preferred_ns = time_min(until(now_ns, p->preferred_s), x->valid_ns);
        return;
    }
    x = p->valid_s > 0 ? free_addr(a) : NULL;
    if (!x)
        return;
    *x = (struct own_addr){ .valid_ns = until(now_ns, p->valid_s), .preferred_ns = until(now_ns, p->preferred_s) };
    form(a, x, p->prefix.addr);
}

/* ------------------------------------------------------------------ routes */

static bool is_candidate(const struct autoconf_route *r, int64_t now_ns) { return r->used && r->until_ns > now_ns; }

static struct autoconf_route *find_route(struct autoconf *a, struct prefix dst, struct addr via)
{
    for (unsigned i = 0; i < AUTOCONF_ROUTES; i++) {
        struct autoconf_route *r = &a->route[i];
        if (r->used && r->dst.len == dst.len && addr_eq(r->dst.addr, dst.addr) && addr_eq(r->via, via))
            return r;
    }
    return NULL;
}

static struct autoconf_route *free_route(struct autoconf *a)
{
    for (unsigned i = 0; i < AUTOCONF_ROUTES; i++)
        if (!a->route[i].used)
            return &a->route[i];
    return NULL;
}

static void advertised_route(struct autoconf *a, struct prefix dst, struct addr via, int8_t preference, int64_t until_ns, int64_t now_ns)
{
    struct autoconf_route *r = find_route(a, dst, via);
    if (!r && until_ns <= now_ns)
        return;
    if (!r) {
        r = free_route(a);
        if (!r)
            return;
        *r = (struct autoconf_route){ .dst = dst, .via = via, .used = true };
    }
    r->until_ns = until_ns;
    r->preference = preference;
}

/* RFC 4861 §6.3.6, RFC 4191 §3.2: who answers before who does not, then by preference; of equals the one in use stays. */
static bool is_better(const struct autoconf_route *r, const struct autoconf_route *than)
{
    if (r->suspect != than->suspect)
        return !r->suspect;
    if (r->preference != than->preference)
        return r->preference > than->preference;
    return r->is_there && !than->is_there;
}

static const struct autoconf_route *best_to(const struct autoconf *a, struct prefix dst, int64_t now_ns)
{
    const struct autoconf_route *best = NULL;
    for (unsigned i = 0; i < AUTOCONF_ROUTES; i++) {
        const struct autoconf_route *r = &a->route[i];
        if (is_candidate(r, now_ns) && r->dst.len == dst.len && addr_eq(r->dst.addr, dst.addr) && (!best || is_better(r, best)))
            best = r;
    }
    return best;
}

static void mark_router(struct autoconf *a, struct addr router, bool suspect)
{
    for (unsigned i = 0; i < AUTOCONF_ROUTES; i++)
        if (a->route[i].used && addr_eq(a->route[i].via, router))
            a->route[i].suspect = suspect;
    a->changed = true;
}

void autoconf_router_answers(struct autoconf *a, struct addr router) { mark_router(a, router, false); }
void autoconf_router_silent(struct autoconf *a, struct addr router)  { mark_router(a, router, true); }

void autoconf_router_gone(struct autoconf *a, struct addr router)
{
    for (unsigned i = 0; i < AUTOCONF_ROUTES; i++)
        if (a->route[i].used && addr_eq(a->route[i].via, router))
            a->route[i].until_ns = INT64_MIN;
    a->changed = true;
}

void autoconf_route_again(struct autoconf *a, struct prefix dst)
{
    for (unsigned i = 0; i < AUTOCONF_ROUTES; i++) {
        struct autoconf_route *r = &a->route[i];
        if (!r->is_there || r->dst.len != dst.len || !addr_eq(r->dst.addr, dst.addr))
            continue;
        r->is_there = false;
        a->changed = true;
    }
}

/* ---------------------------------------------------------- advertisements */

static void name_servers(struct autoconf *a, const struct nd *m, int64_t now_ns)
{
    for (unsigned i = 0; i < m->n_dns; i++) {
        struct autoconf_dns *place = NULL;
        for (unsigned j = AUTOCONF_DNS; j-- > 0;) {
            struct autoconf_dns *d = &a->dns[j];
            if (addr_eq(d->addr, m->dns[i])) {
                place = d;
                break;
            }
            if (addr_is_none(d->addr) || d->until_ns <= now_ns)
                place = d;
        }
        if (place)
            *place = (struct autoconf_dns){ m->dns[i], until(now_ns, m->dns_lifetime_s) };
    }
}

unsigned autoconf_dns(const struct autoconf *a, struct addr *out, unsigned max, int64_t now_ns)
{
    unsigned n = 0;
    for (unsigned i = 0; i < AUTOCONF_DNS && n < max; i++)
        if (!addr_is_none(a->dns[i].addr) && a->dns[i].until_ns > now_ns)
            out[n++] = a->dns[i].addr;
    return n;
}

/* RFC 4861 §6.3.4: what says nothing changes nothing. */
static void link_facts(struct autoconf *a, const struct nd *m)
{
    struct autoconf_link l = a->link;
    if (m->hop_limit)
        l.hop_limit = m->hop_limit;
    if (m->reachable_ms && m->reachable_ms <= 3600000)          /* §6.2.1 */
        l.reachable_ms = m->reachable_ms;
    if (m->retrans_ms)
        l.retrans_ms = m->retrans_ms;
    if (m->mtu >= IP6_MTU_MIN && m->mtu <= a->mtu_max)
        l.mtu = (uint16_t)m->mtu;
    a->link_changed |= l.hop_limit != a->link.hop_limit || l.reachable_ms != a->link.reachable_ms || l.retrans_ms != a->link.retrans_ms ||
                       l.mtu != a->link.mtu;
    a->link = l;
}

enum why autoconf_in(struct autoconf *a, struct addr from, const struct nd *m, int64_t now_ns)
{
    if (!a->on || a->is_router)
        return WHY_ND_ROLE;
    if (!addr_is_link_local(from) || (m->has_source_mac && mac_is_group(m->source_mac)))
        return WHY_ND_BAD;                                      /* §6.1.2 */
    a->changed = true;
    a->heard_ns = now_ns;
    a->managed = m->managed;
    a->other = m->other_config;
    link_facts(a, m);
    advertised_route(a, DEFAULT, from, m->preference, until(now_ns, m->router_lifetime_s), now_ns);
    if (m->router_lifetime_s)
        a->solicit_ns = DEADLINE_NEVER;                         /* RFC 7559 §2.1 */
    for (unsigned i = 0; i < m->n_prefix; i++) {
        const struct nd_prefix *p = &m->prefix[i];
        if (addr_is_link_local(p->prefix.addr) || addr_is_multicast(p->prefix.addr))
            continue;
        if (p->on_link)
            advertised_route(a, p->prefix, ADDR_NONE, 0, until(now_ns, p->valid_s), now_ns);
        if (p->autonomous)
            autonomous(a, p, now_ns);
    }
    for (unsigned i = 0; i < m->n_route; i++)                   /* RFC 4191 §3.1: of ::/0 too, instead of what the header said */
        advertised_route(a, m->route[i].prefix, from, m->route[i].preference, until(now_ns, m->route[i].lifetime_s), now_ns);
    name_servers(a, m, now_ns);
    return WHY_NONE;
}

/* -------------------------------------------------------------- what to do */

static void nobody_else_there(struct autoconf *a, const struct autoconf_route *but)
{
    for (unsigned i = 0; i < AUTOCONF_ROUTES; i++) {
        struct autoconf_route *r = &a->route[i];
        if (r != but && r->used && r->dst.len == but->dst.len && addr_eq(r->dst.addr, but->dst.addr))
            r->is_there = false;
    }
}

static bool next_of_route(struct autoconf *a, struct autoconf_route *r, struct autoconf_action *out, int64_t now_ns)
{
    if (!r->used)
        return false;
    const struct autoconf_route *best = best_to(a, r->dst, now_ns);
    out->dst = r->dst;
    out->via = r->via;
    if (best == r && !r->is_there) {
        r->is_there = true;
        nobody_else_there(a, r);
        out->kind = AUTOCONF_ADD_ROUTE;
        return true;
    }
    if (is_candidate(r, now_ns))
        return false;
    const bool take_away = r->is_there && !best;
    if (r->is_there && best)
        return false;                           /* its turn comes, and the better one replaces it */
    *r = (struct autoconf_route){ 0 };
    out->kind = AUTOCONF_DEL_ROUTE;
    return take_away;
}

/* RFC 7559 §2 with RFC 8415 §15: 4 s, doubled up to an hour, each within a tenth either way at random. */
static void solicited(struct autoconf *a, int64_t now_ns)
{
    const double wobble = rng_unit(a->rng) * 0.2 - 0.1;
    const int64_t before = a->solicit_wait_ns;
    int64_t wait = before ? 2 * before + (int64_t)(wobble * (double)before) : SOLICIT_FIRST + (int64_t)(wobble * (double)SOLICIT_FIRST);
    if (wait > SOLICIT_MAX)
        wait = SOLICIT_MAX + (int64_t)(wobble * (double)SOLICIT_MAX);
    a->solicit_wait_ns = wait;
    a->solicit_ns = time_after(now_ns, wait);
    a->solicits++;
}

bool autoconf_next(struct autoconf *a, struct autoconf_action *out, int64_t now_ns)
{
    *out = (struct autoconf_action){ 0 };
    if (!a->on)
        return false;
    if (a->link_changed) {
        a->link_changed = false;
        *out = (struct autoconf_action){ .kind = AUTOCONF_SET_LINK, .link = a->link };
        return true;
    }
    /* The others wait for the link-local one, without which nobody could be asked anything. */
    const unsigned n = a->addr[0].state == OWN_READY ? AUTOCONF_ADDRS : 1;
    for (unsigned i = 0; i < n; i++)
        if (own_next(&a->addr[i], &out->own, now_ns))
            return true;                                /* AUTOCONF_ADDR */
    for (unsigned i = 0; i < AUTOCONF_ROUTES; i++)
        if (next_of_route(a, &a->route[i], out, now_ns))
            return true;
    a->changed = false;
    if (a->solicit_ns > now_ns)
        return false;
    solicited(a, now_ns);
    *out = (struct autoconf_action){ .kind = AUTOCONF_SOLICIT, .own.addr = a->addr[0].addr };
    return true;
}

int64_t autoconf_deadline(const struct autoconf *a)
{
    if (!a->on)
        return DEADLINE_NEVER;
    if (a->changed || a->link_changed)
        return INT64_MIN;
    int64_t at = a->solicit_ns;
    for (unsigned i = 0; i < AUTOCONF_ADDRS; i++)
        at = time_min(at, own_deadline(&a->addr[i]));
    for (unsigned i = 0; i < AUTOCONF_ROUTES; i++)
        if (a->route[i].used)
            at = time_min(at, a->route[i].until_ns);
    return at;
}
