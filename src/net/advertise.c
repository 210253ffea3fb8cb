#include "net/advertise.h"

/* §10 */
enum { INITIAL_NUM = 3, FINAL_NUM = 3 };
static const int64_t INITIAL_INTERVAL = 16 * NS_PER_SEC, MIN_DELAY_BETWEEN = 3 * NS_PER_SEC, ANSWER_DELAY = 500 * NS_PER_MS;
enum { DEFAULT_INTERVAL_S = 600, MIN_INTERVAL_S = 4, MAX_INTERVAL_S = 1800, LIFETIME_MAX_S = 9000,
       VALID_S = 30 * 86400, PREFERRED_S = 7 * 86400 };
static const struct addr ALL_NODES = { .b = { 0xff, 0x02, [15] = 1 } };

/* §6.2.1 */
static void fill_defaults(struct advertise_config *c)
{
    struct nd *m = &c->message;
    if (!c->max_interval_s)
        c->max_interval_s = DEFAULT_INTERVAL_S;
    c->max_interval_s = c->max_interval_s < MIN_INTERVAL_S ? MIN_INTERVAL_S : c->max_interval_s > MAX_INTERVAL_S ? MAX_INTERVAL_S : c->max_interval_s;
    if (!c->lifetime_s)
        c->lifetime_s = (uint16_t)(3 * c->max_interval_s);
    m->type = ICMP6_ROUTER_ADVERT;
    m->router_lifetime_s = c->no_default ? 0 : c->lifetime_s > LIFETIME_MAX_S ? LIFETIME_MAX_S : c->lifetime_s;
    if (!m->hop_limit)
        m->hop_limit = 64;
    for (unsigned i = 0; i < m->n_prefix; i++) {
        if (m->prefix[i].valid_s)
            continue;
        m->prefix[i].valid_s = VALID_S;
        m->prefix[i].preferred_s = PREFERRED_S;
    }
    if (m->n_dns && !m->dns_lifetime_s)
        m->dns_lifetime_s = 3 * c->max_interval_s;      /* RFC 8106 §5.1 */
}

void advertise_start(struct advertise *a, struct rng *rng, const struct advertise_config *c, int64_t now_ns)
{
    *a = (struct advertise){ .state = ADVERTISE_ON, .rng = rng, .cfg = *c, .next_ns = now_ns, .last_ns = now_ns - MIN_DELAY_BETWEEN };
    fill_defaults(&a->cfg);
}

void advertise_stop(struct advertise *a, int64_t now_ns)
{
    if (a->state != ADVERTISE_ON)
        return;
    a->state = ADVERTISE_ENDING;
    a->sent = a->n_asked = 0;
    a->next_ns = now_ns;
}

static int64_t random_ns(struct advertise *a, int64_t from_ns, int64_t to_ns)
{
    return from_ns + (int64_t)(rng_unit(a->rng) * (double)(to_ns - from_ns));
}

/* §6.2.6: after a short random delay, to who asked; to all when it has no address or too many ask, then no sooner
 * than three seconds after the last. */
enum why advertise_solicited(struct advertise *a, struct addr from, const struct nd *m, int64_t now_ns)
{
    if (a->state != ADVERTISE_ON)
        return WHY_ND_ROLE;
    if ((addr_is_none(from) && m->has_source_mac) || (m->has_source_mac && mac_is_group(m->source_mac)))
        return WHY_ND_BAD;              /* §6.1.1 */
    const int64_t at_ns = random_ns(a, now_ns, now_ns + ANSWER_DELAY);
    for (uint32_t i = 0; i < a->n_asked; i++)
        if (addr_eq(a->asked[i].who, from))
            return WHY_NONE;
    if (addr_is_none(from) || a->n_asked == ADVERTISE_ASKED) {
        a->next_ns = time_min(a->next_ns, time_max(at_ns, time_after(a->last_ns, MIN_DELAY_BETWEEN)));
        return WHY_NONE;
    }
    a->asked[a->n_asked].who = from;
    a->asked[a->n_asked++].at_ns = at_ns;
    return WHY_NONE;
}

static bool next_answer(struct advertise *a, struct addr *to, int64_t now_ns)
{
    for (uint32_t i = 0; i < a->n_asked; i++) {
        if (a->asked[i].at_ns > now_ns)
            continue;
        *to = a->asked[i].who;
        a->asked[i] = a->asked[--a->n_asked];
        return true;
    }
    return false;
}

/* §6.2.4; the first ones come faster. */
static void schedule(struct advertise *a, int64_t now_ns)
{
    const int64_t max_ns = a->cfg.max_interval_s * NS_PER_SEC;
    const int64_t wait_ns = a->state == ADVERTISE_ENDING ? MIN_DELAY_BETWEEN : random_ns(a, time_max(max_ns / 3, MIN_DELAY_BETWEEN), max_ns);
    a->last_ns = now_ns;
    a->sent++;
    a->next_ns = time_after(now_ns, a->sent < INITIAL_NUM ? time_min(wait_ns, INITIAL_INTERVAL) : wait_ns);
    if (a->state == ADVERTISE_ENDING && a->sent == FINAL_NUM)
        a->state = ADVERTISE_OFF;
}

bool advertise_next(struct advertise *a, struct nd *out, struct addr *to, int64_t now_ns)
{
    if (a->state == ADVERTISE_OFF)
        return false;
    *out = a->cfg.message;
    if (a->state == ADVERTISE_ENDING)
        out->router_lifetime_s = 0;
    if (next_answer(a, to, now_ns))
        return true;
    if (a->next_ns > now_ns)
        return false;
    *to = ALL_NODES;
    schedule(a, now_ns);
    return true;
}

int64_t advertise_deadline(const struct advertise *a)
{
    if (a->state == ADVERTISE_OFF)
        return DEADLINE_NEVER;
    int64_t at = a->next_ns;
    for (uint32_t i = 0; i < a->n_asked; i++)
        at = time_min(at, a->asked[i].at_ns);
    return at;
}
