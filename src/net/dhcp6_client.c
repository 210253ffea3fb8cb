#include "net/dhcp6_client.h"

/* §7.6 */
static const int64_t S = NS_PER_SEC, MAX_DELAY = NS_PER_SEC;    /* SOL_MAX_DELAY, CNF_MAX_DELAY, INF_MAX_DELAY */
enum { MAX_RT_S = 3600,                                         /* SOL_MAX_RT, INF_MAX_RT */
       MAX_RT_LEAST_S = 60, MAX_RT_MOST_S = 86400,              /* §21.24: what a server may make of them */
       REFRESH_S = 86400, REFRESH_LEAST_S = 600 };              /* IRT_DEFAULT, IRT_MINIMUM */

struct dhcp6_duid dhcp6_duid_of(struct mac mac)
{
    struct dhcp6_duid d = { .len = 10, .b = { 0, 3, 0, 1 } };
    memcpy(d.b + 4, mac.b, 6);
    return d;
}

static struct dhcp6_patience patience_in(const struct dhcp6_client *c, enum dhcp6_state s)
{
    switch (s) {
    case DHCP6_SOLICITING: return (struct dhcp6_patience){ S, (c->sol_max_rt_s ? c->sol_max_rt_s : MAX_RT_S) * S, DEADLINE_NEVER, 0 };
    case DHCP6_REQUESTING: return (struct dhcp6_patience){ S, 30 * S, DEADLINE_NEVER, 10 };
    case DHCP6_CONFIRMING: return (struct dhcp6_patience){ S, 4 * S, time_after(c->began_ns, 10 * S), 0 };
    case DHCP6_RENEWING:   return (struct dhcp6_patience){ 10 * S, 600 * S, c->t2_ns, 0 };
    case DHCP6_REBINDING:  return (struct dhcp6_patience){ 10 * S, 600 * S, DEADLINE_NEVER, 0 };
    case DHCP6_INFORMING:  return (struct dhcp6_patience){ S, (c->inf_max_rt_s ? c->inf_max_rt_s : MAX_RT_S) * S, DEADLINE_NEVER, 0 };
    default:               return (struct dhcp6_patience){ S, 30 * S, DEADLINE_NEVER, 4 };     /* RELEASING, DECLINING */
    }
}

static void enter(struct dhcp6_client *c, enum dhcp6_state s, int64_t first_ns)
{
    c->state = s;
    c->sent = 0;
    c->wait_ns = 0;
    c->began_ns = c->deadline_ns = first_ns;
    c->xid = (uint32_t)rng_u64(c->rng) & 0xffffff;
    c->patience = patience_in(c, s);
    c->best_preference = -1;
}

static int64_t soon(struct dhcp6_client *c, int64_t now_ns) { return now_ns + (int64_t)(rng_unit(c->rng) * (double)MAX_DELAY); }

void dhcp6_start(struct dhcp6_client *c, enum dhcp6_mode mode, struct rng *rng, const struct dhcp6_duid *duid, uint32_t iaid, int64_t now_ns)
{
    *c = (struct dhcp6_client){ .rng = rng, .duid = *duid, .iaid = iaid };
    enter(c, mode == DHCP6_STATEFUL ? DHCP6_SOLICITING : DHCP6_INFORMING, soon(c, now_ns));
}

/* --------------------------------------------------------------- addresses */

static struct own_addr *find(struct dhcp6_client *c, struct addr a)
{
    for (unsigned i = 0; i < DHCP6_ADDRS; i++)
        if (c->addr[i].state != OWN_FREE && addr_eq(c->addr[i].addr, a))
            return &c->addr[i];
    return NULL;
}

static bool has_any(const struct dhcp6_client *c, bool taken)
{
    for (unsigned i = 0; i < DHCP6_ADDRS; i++)
        if (c->addr[i].state != OWN_FREE && (c->addr[i].state == OWN_TAKEN) == taken)
            return true;
    return false;
}

/* They go by their lifetimes ending. */
static void end_addresses(struct dhcp6_client *c)
{
    for (unsigned i = 0; i < DHCP6_ADDRS; i++)
        c->addr[i].valid_ns = INT64_MIN;
}

static void start_over(struct dhcp6_client *c, int64_t when_ns)
{
    end_addresses(c);
    c->server.len = 0;
    enter(c, DHCP6_SOLICITING, when_ns);
}

static int64_t until(int64_t now_ns, uint32_t s) { return s == UINT32_MAX ? DEADLINE_NEVER : time_after(now_ns, s * S); }

static bool usable(struct addr a) { return !addr_is_none(a) && !addr_is_multicast(a) && !addr_is_link_local(a) && !addr_is_loopback(a) && !addr_is4(a); }

static void take_addr(struct dhcp6_client *c, const struct dhcp6_addr *a, int64_t now_ns)
{
    struct own_addr *x = find(c, a->addr);
    for (unsigned i = 0; !x && i < DHCP6_ADDRS && a->valid_s > 0 && usable(a->addr); i++) {
        if (c->addr[i].state != OWN_FREE)
            continue;
        x = &c->addr[i];
        *x = (struct own_addr){ .addr = a->addr, .state = OWN_WANTED };
    }
    if (!x)
        return;
    x->valid_ns = a->valid_s ? until(now_ns, a->valid_s) : INT64_MIN;
    x->preferred_ns = until(now_ns, a->preferred_s);
}

/* §14.2, §21.4: times of 0 are ours to choose, by the shortest preferred lifetime. */
static void take_times(struct dhcp6_client *c, const struct dhcp6_ia *ia, int64_t now_ns)
{
    uint32_t shortest = UINT32_MAX;
    for (unsigned i = 0; i < ia->n_addr; i++)
        if (ia->addr[i].valid_s && ia->addr[i].preferred_s < shortest)
            shortest = ia->addr[i].preferred_s;
    const uint32_t t1 = ia->t1_s ? ia->t1_s : shortest == UINT32_MAX ? UINT32_MAX : shortest / 2;
    const uint32_t t2 = ia->t2_s ? ia->t2_s : shortest == UINT32_MAX ? UINT32_MAX : (uint32_t)((uint64_t)shortest * 4 / 5);
    c->t1_ns = until(now_ns, t1);
    c->t2_ns = time_max(until(now_ns, t2), c->t1_ns);
}

static const struct dhcp6_ia *ia_of(const struct dhcp6_client *c, const struct dhcp6 *m)
{
    for (unsigned i = 0; i < m->n_ia; i++)
        if (m->ia[i].iaid == c->iaid)
            return m->ia[i].t2_s && m->ia[i].t1_s > m->ia[i].t2_s ? NULL : &m->ia[i];      /* §21.4: such are discarded */
    return NULL;
}

bool dhcp6_verdict(struct dhcp6_client *c, struct addr a, bool is_free, int64_t now_ns)
{
    struct own_addr *x = c->state == DHCP6_OFF ? NULL : find(c, a);
    if (!x || x->state != OWN_PROBING)
        return false;
    x->state = is_free ? OWN_READY : OWN_TAKEN;
    if (is_free)
        return true;
    x->is_there = false;
    if (c->state == DHCP6_BOUND)
        enter(c, DHCP6_DECLINING, now_ns);
    return true;
}

static bool is_idle(const struct dhcp6_client *c) { return c->state == DHCP6_OFF || c->paused; }

bool dhcp6_next(struct dhcp6_client *c, struct own_action *out, int64_t now_ns)
{
    for (unsigned i = 0; !is_idle(c) && i < DHCP6_ADDRS; i++)
        if (own_next(&c->addr[i], out, now_ns))
            return true;
    return false;
}

/* ---------------------------------------------------------------------- in */

static void take_information(struct dhcp6_client *c, const struct dhcp6 *m)
{
    if (m->n_dns) {
        c->n_dns = m->n_dns;
        memcpy(c->dns, m->dns, sizeof c->dns);
    }
    if (m->domain[0])
        memcpy(c->domain, m->domain, sizeof c->domain);
}

static void take_max_rt(struct dhcp6_client *c, const struct dhcp6 *m)
{
    if (m->sol_max_rt_s >= MAX_RT_LEAST_S && m->sol_max_rt_s <= MAX_RT_MOST_S)
        c->sol_max_rt_s = m->sol_max_rt_s;
    if (m->inf_max_rt_s >= MAX_RT_LEAST_S && m->inf_max_rt_s <= MAX_RT_MOST_S)
        c->inf_max_rt_s = m->inf_max_rt_s;
}

static bool bind(struct dhcp6_client *c, const struct dhcp6 *m, const struct dhcp6_ia *ia, int64_t now_ns)
{
    for (unsigned i = 0; i < ia->n_addr; i++)
        take_addr(c, &ia->addr[i], now_ns);
    c->server = m->server;
    take_information(c, m);
    take_times(c, ia, now_ns);
    enter(c, DHCP6_BOUND, c->t1_ns);
    return true;
}

static bool offers_an_address(const struct dhcp6_ia *ia)
{
    for (unsigned i = 0; ia && ia->status == DHCP6_SUCCESS && i < ia->n_addr; i++)
        if (ia->addr[i].valid_s && usable(ia->addr[i].addr))
            return true;
    return false;
}

/* §18.2.9: the highest preference of those that come within the first wait, 255 at once; later the first that comes. */
static bool advertise_in(struct dhcp6_client *c, const struct dhcp6 *m, int64_t now_ns)
{
    if (c->state != DHCP6_SOLICITING || c->sent == 0)
        return false;
    take_max_rt(c, m);
    if (m->status != DHCP6_SUCCESS || !offers_an_address(ia_of(c, m)))
        return false;
    if (m->preference > c->best_preference) {
        c->best_preference = m->preference;
        c->best = m->server;
    }
    if (c->best_preference < 255 && c->sent == 1)
        return true;
    c->server = c->best;
    enter(c, DHCP6_REQUESTING, now_ns);
    return true;
}

static bool reply_to_request(struct dhcp6_client *c, const struct dhcp6 *m, int64_t now_ns)
{
    const struct dhcp6_ia *ia = ia_of(c, m);
    if (c->state == DHCP6_SOLICITING && !m->rapid_commit)
        return false;
    if (m->status == DHCP6_UNSPEC_FAIL)
        return true;                            /* asked again later, as often as patience lasts */
    if (offers_an_address(ia))
        return bind(c, m, ia, now_ns);
    if (c->state == DHCP6_REQUESTING)
        start_over(c, soon(c, now_ns));         /* NotOnLink, NoAddrsAvail */
    return true;
}

/* §18.2.10.1: what is not mentioned lives on for as long as it may. */
static bool reply_to_renew(struct dhcp6_client *c, const struct dhcp6 *m, int64_t now_ns)
{
    const struct dhcp6_ia *ia = ia_of(c, m);
    if (m->status == DHCP6_UNSPEC_FAIL || !ia)
        return true;
    if (ia->status == DHCP6_NO_BINDING) {
        c->server = m->server;
        enter(c, DHCP6_REQUESTING, now_ns);
        return true;
    }
    if (ia->status != DHCP6_SUCCESS || ia->n_addr == 0)
        return true;
    bind(c, m, ia, now_ns);
    if (!has_any(c, false))
        start_over(c, soon(c, now_ns));
    return true;
}

static bool reply_in(struct dhcp6_client *c, const struct dhcp6 *m, int64_t now_ns)
{
    if (c->sent == 0)
        return false;
    take_max_rt(c, m);
    switch (c->state) {
    case DHCP6_SOLICITING: case DHCP6_REQUESTING:
        return reply_to_request(c, m, now_ns);
    case DHCP6_RENEWING: case DHCP6_REBINDING:
        return reply_to_renew(c, m, now_ns);
    case DHCP6_CONFIRMING:
        if (m->status == DHCP6_NOT_ON_LINK)
            start_over(c, soon(c, now_ns));
        else
            enter(c, DHCP6_BOUND, c->t1_ns);
        return true;
    case DHCP6_DECLINING:
        c->deadline_ns = INT64_MIN;
        c->patience.tries = c->sent;
        return true;
    case DHCP6_RELEASING:
        c->state = DHCP6_OFF;
        return true;
    case DHCP6_INFORMING:
        take_information(c, m);
        enter(c, DHCP6_INFORMED, until(now_ns, !m->refresh_s ? REFRESH_S : m->refresh_s < REFRESH_LEAST_S ? REFRESH_LEAST_S : m->refresh_s));
        return true;
    default:
        return false;
    }
}

/* §16.3, §16.10 */
bool dhcp6_in(struct dhcp6_client *c, const struct dhcp6 *m, int64_t now_ns)
{
    if (is_idle(c) || m->xid != c->xid || !dhcp6_duid_same(&m->client, &c->duid) || !m->server.len)
        return false;
    return m->type == DHCP6_ADVERTISE ? advertise_in(c, m, now_ns) : m->type == DHCP6_REPLY && reply_in(c, m, now_ns);
}

/* --------------------------------------------------------------------- out */

static void name_addresses(const struct dhcp6_client *c, bool taken, struct dhcp6 *out)
{
    struct dhcp6_ia *ia = &out->ia[0];
    out->n_ia = 1;
    ia->iaid = c->iaid;
    for (unsigned i = 0; i < DHCP6_ADDRS; i++)
        if (c->addr[i].state != OWN_FREE && (c->addr[i].state == OWN_TAKEN) == taken)
            ia->addr[ia->n_addr++].addr = c->addr[i].addr;
}

/* §16, §18.2: what each message carries. */
static void compose(const struct dhcp6_client *c, struct dhcp6 *out, int64_t now_ns)
{
    static const uint8_t type[] = { [DHCP6_SOLICITING] = DHCP6_SOLICIT, [DHCP6_REQUESTING] = DHCP6_REQUEST, [DHCP6_RENEWING] = DHCP6_RENEW,
                                    [DHCP6_REBINDING] = DHCP6_REBIND, [DHCP6_CONFIRMING] = DHCP6_CONFIRM, [DHCP6_DECLINING] = DHCP6_DECLINE,
                                    [DHCP6_RELEASING] = DHCP6_RELEASE, [DHCP6_INFORMING] = DHCP6_INFORMATION };
    const enum dhcp6_state s = c->state;
    const int64_t elapsed = (now_ns - c->began_ns) / (10 * NS_PER_MS);
    const bool asks = s != DHCP6_DECLINING && s != DHCP6_RELEASING && s != DHCP6_CONFIRMING;
    *out = (struct dhcp6){ .type = type[s], .xid = c->xid, .client = c->duid, .has_elapsed = true,
                           .elapsed_cs = c->sent == 0 ? 0 : elapsed > UINT16_MAX ? UINT16_MAX : (uint16_t)elapsed,
                           .asks_dns = asks, .asks_domain = asks, .asks_refresh = s == DHCP6_INFORMING, .rapid_commit = s == DHCP6_SOLICITING };
    if (s == DHCP6_REQUESTING || s == DHCP6_RENEWING || s == DHCP6_DECLINING || s == DHCP6_RELEASING)
        out->server = c->server;
    if (s != DHCP6_INFORMING)
        name_addresses(c, s == DHCP6_DECLINING, out);
    for (unsigned i = 0; s == DHCP6_RELEASING && i < c->n_given_back; i++)
        out->ia[0].addr[i].addr = c->given_back[i];
    if (s == DHCP6_RELEASING)
        out->ia[0].n_addr = c->n_given_back;
}

/* §15; the first wait of a Solicit is never shorter than IRT (§18.2.1). */
static void wait_longer(struct dhcp6_client *c, int64_t now_ns)
{
    const double unit = rng_unit(c->rng), wobble = c->state == DHCP6_SOLICITING && c->sent == 0 ? unit * 0.1 : unit * 0.2 - 0.1;
    const int64_t base = c->wait_ns ? c->wait_ns : c->patience.first_ns;
    int64_t wait = (c->wait_ns ? 2 * base : base) + (int64_t)(wobble * (double)base);
    if (wait > c->patience.most_ns)
        wait = c->patience.most_ns + (int64_t)(wobble * (double)c->patience.most_ns);
    c->wait_ns = wait;
    c->deadline_ns = time_min(time_after(now_ns, wait), c->patience.until_ns);
}

/* Patience has an end: what then. */
static void gave_up(struct dhcp6_client *c, int64_t now_ns)
{
    switch (c->state) {
    case DHCP6_RENEWING:
        enter(c, DHCP6_REBINDING, now_ns);
        return;
    case DHCP6_CONFIRMING:                      /* §18.2.3: nobody objected */
        enter(c, DHCP6_BOUND, c->t1_ns);
        return;
    case DHCP6_RELEASING:
        c->state = DHCP6_OFF;
        return;
    case DHCP6_DECLINING:
        for (unsigned i = 0; i < DHCP6_ADDRS; i++)
            if (c->addr[i].state == OWN_TAKEN)
                c->addr[i] = (struct own_addr){ 0 };
        if (has_any(c, false))
            enter(c, DHCP6_BOUND, c->t1_ns);
        else
            start_over(c, soon(c, now_ns));
        return;
    default:
        start_over(c, soon(c, now_ns));
    }
}

/* A state that waits for its time begins the next. */
static void move_on(struct dhcp6_client *c, int64_t now_ns)
{
    if (c->state == DHCP6_BOUND)
        enter(c, DHCP6_RENEWING, now_ns);
    if (c->state == DHCP6_INFORMED)
        enter(c, DHCP6_INFORMING, now_ns);
    if ((c->state == DHCP6_RENEWING || c->state == DHCP6_REBINDING) && !has_any(c, false))
        start_over(c, now_ns);                  /* the last lifetime ended */
    if (c->state == DHCP6_SOLICITING && c->best_preference >= 0) {
        c->server = c->best;
        enter(c, DHCP6_REQUESTING, now_ns);
    }
    if (c->sent && (now_ns >= c->patience.until_ns || (c->patience.tries && c->sent >= c->patience.tries)))
        gave_up(c, now_ns);
}

bool dhcp6_out(struct dhcp6_client *c, struct dhcp6 *out, int64_t now_ns)
{
    if (is_idle(c) || c->deadline_ns > now_ns)
        return false;
    move_on(c, now_ns);
    if (c->state == DHCP6_OFF || c->state == DHCP6_BOUND || c->deadline_ns > now_ns)
        return false;
    compose(c, out, now_ns);
    wait_longer(c, now_ns);
    c->sent++;
    return true;
}

void dhcp6_link_gone(struct dhcp6_client *c)
{
    c->paused = c->state != DHCP6_OFF;
    for (unsigned i = 0; i < DHCP6_ADDRS; i++) {
        struct own_addr *x = &c->addr[i];
        x->is_there = x->deprecated = false;
        if (x->state == OWN_PROBING || x->state == OWN_READY)
            x->state = OWN_WANTED;
    }
}

void dhcp6_link_again(struct dhcp6_client *c, int64_t now_ns)
{
    if (!c->paused)
        return;
    c->paused = false;
    if (has_any(c, false))
        enter(c, DHCP6_CONFIRMING, soon(c, now_ns));
    else
        enter(c, c->state == DHCP6_INFORMING || c->state == DHCP6_INFORMED ? DHCP6_INFORMING : DHCP6_SOLICITING, soon(c, now_ns));
}

/* §18.2.7: what is given back is not used any more before it is. */
void dhcp6_release(struct dhcp6_client *c, int64_t now_ns)
{
    if (c->state == DHCP6_OFF)
        return;
    c->n_given_back = 0;
    for (unsigned i = 0; i < DHCP6_ADDRS; i++)
        if (c->addr[i].state == OWN_PROBING || c->addr[i].state == OWN_READY)
            c->given_back[c->n_given_back++] = c->addr[i].addr;
    end_addresses(c);
    enter(c, c->n_given_back && c->server.len ? DHCP6_RELEASING : DHCP6_OFF, now_ns);
}

int64_t dhcp6_deadline(const struct dhcp6_client *c)
{
    if (is_idle(c))
        return DEADLINE_NEVER;
    int64_t at = c->deadline_ns;
    for (unsigned i = 0; i < DHCP6_ADDRS; i++)
        at = c->addr[i].state == OWN_WANTED ? INT64_MIN : time_min(at, own_deadline(&c->addr[i]));
    return at;
}
