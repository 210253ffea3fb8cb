#include "net/dhcp_client.h"
#include <stdio.h>

static const int64_t RETRY_FIRST_NS = 4 * NS_PER_SEC, RETRY_MAX_NS = 64 * NS_PER_SEC,   /* §4.1 */
                     RENEW_RETRY_MIN_NS = 60 * NS_PER_SEC,                              /* §4.4.5 */
                     DECLINE_WAIT_NS = 10 * NS_PER_SEC;                                 /* §3.1 step 5 */
enum { REQUEST_TRIES = 4 };

void dhcp_start(struct dhcp_client *c, struct rng *rng, struct mac mac, const char *host_name, int64_t now_ns)
{
    *c = (struct dhcp_client){ .rng = rng, .mac = mac, .state = DHCP_INIT, .deadline_ns = now_ns, .started_ns = now_ns };
    snprintf(c->host_name, sizeof c->host_name, "%s", host_name ? host_name : "");
}

static void enter(struct dhcp_client *c, enum dhcp_state s, int64_t deadline_ns)
{
    c->state = s;
    c->tries = 0;
    c->deadline_ns = deadline_ns;
}

static void start_over(struct dhcp_client *c, int64_t when_ns)
{
    if (dhcp_has_lease(c))
        c->news = DHCP_LOST;
    enter(c, DHCP_INIT, when_ns);
}

/* §4.1: 4 s, doubled up to 64 s, each within a second either way at random. */
static int64_t backoff(struct dhcp_client *c, uint32_t tries)
{
    int64_t ns = RETRY_FIRST_NS;
    for (uint32_t i = 1; i < tries && ns < RETRY_MAX_NS; i++)
        ns *= 2;
    return ns + (int64_t)((rng_unit(c->rng) * 2 - 1) * (double)NS_PER_SEC);
}

/* ------------------------------------------------------------------ in */

static uint8_t length_of_mask(struct addr mask, struct addr a)
{
    if (addr_is_none(mask)) {           /* none given: by class, as hosts did before subnets (RFC 950 §1) */
        const uint32_t top = addr_v4(a) >> 24;
        return top < 128 ? 8 : top < 192 ? 16 : 24;
    }
    uint8_t len = 0;
    for (uint32_t bits = addr_v4(mask); bits & 0x80000000u; bits <<= 1)
        len++;
    return len;
}

static int64_t after_s(int64_t from_ns, uint32_t s) { return s == UINT32_MAX ? DEADLINE_NEVER : time_after(from_ns, s * NS_PER_SEC); }

/* §4.4.5: T1 and T2 default to 0.5 and 0.875 of the lease. */
static void take_times(struct dhcp_client *c, const struct dhcp4 *m)
{
    struct dhcp_lease *l = &c->lease;
    const uint32_t t2 = m->t2_s && m->t2_s < m->lease_s ? m->t2_s : (uint32_t)((uint64_t)m->lease_s * 7 / 8);
    const uint32_t t1 = m->t1_s && m->t1_s < t2 ? m->t1_s : m->lease_s / 2 < t2 ? m->lease_s / 2 : t2;
    const bool infinite = m->lease_s == UINT32_MAX;
    l->lease_s = m->lease_s;
    l->t1_ns = infinite ? DEADLINE_NEVER : after_s(c->asked_ns, t1);
    l->t2_ns = infinite ? DEADLINE_NEVER : after_s(c->asked_ns, t2);
    l->expires_ns = after_s(c->asked_ns, m->lease_s);
}

static void take_lease(struct dhcp_client *c, const struct dhcp4 *m)
{
    struct dhcp_lease *l = &c->lease;
    l->addr = (struct prefix){ m->yiaddr, length_of_mask(m->mask, m->yiaddr) };
    if (!addr_is_none(m->server_id))
        l->server = m->server_id;
    l->router = m->n_router ? m->router[0] : ADDR_NONE;
    l->n_dns = m->n_dns < DHCP4_ADDRS ? m->n_dns : DHCP4_ADDRS;
    memcpy(l->dns, m->dns, sizeof l->dns);
    l->mtu = m->mtu;
    take_times(c, m);
}

static bool plausible(const struct dhcp4 *m)
{
    const uint32_t a = addr_v4(m->yiaddr);
    return a >> 24 != 0 && a >> 24 != 127 && a >> 24 < 224 && m->lease_s > 0;
}

static bool offer_in(struct dhcp_client *c, const struct dhcp4 *m, int64_t now_ns)
{
    if (c->state != DHCP_SELECTING || !plausible(m) || addr_is_none(m->server_id))
        return false;
    c->lease = (struct dhcp_lease){ .addr.addr = m->yiaddr, .server = m->server_id };
    c->asked_ns = now_ns;
    enter(c, DHCP_REQUESTING, now_ns);  /* the first offer is as good as any */
    return true;
}

static bool ack_in(struct dhcp_client *c, const struct dhcp4 *m)
{
    const bool first = c->state == DHCP_REQUESTING;
    if ((!first && c->state != DHCP_RENEWING && c->state != DHCP_REBINDING) || !plausible(m))
        return false;
    if (!addr_eq(m->yiaddr, c->lease.addr.addr))
        return false;
    take_lease(c, m);
    enter(c, first ? DHCP_CHECKING : DHCP_BOUND, first ? DEADLINE_NEVER : c->lease.t1_ns);
    c->news = first ? DHCP_CHECK : DHCP_RENEWED;
    return true;
}

static bool nak_in(struct dhcp_client *c, int64_t now_ns)
{
    if (c->state != DHCP_REQUESTING && c->state != DHCP_RENEWING && c->state != DHCP_REBINDING)
        return false;
    /* At once; but a server that offers what it then refuses is not asked without end. */
    start_over(c, c->naks == 0 ? now_ns : time_after(now_ns, backoff(c, c->naks)));
    c->naks++;
    return true;
}

bool dhcp_in(struct dhcp_client *c, const struct dhcp4 *m, int64_t now_ns)
{
    if (m->op != 2 || m->xid != c->xid || !mac_eq(m->chaddr, c->mac))
        return false;
    switch (m->type) {
    case DHCP4_OFFER: return offer_in(c, m, now_ns);
    case DHCP4_ACK:   return ack_in(c, m);
    case DHCP4_NAK:   return nak_in(c, now_ns);
    default:          return false;
    }
}

/* ----------------------------------------------------------------- out */

/* Table 5 of RFC 2131: what each message carries. */
static void compose(const struct dhcp_client *c, enum dhcp4_type type, struct dhcp_message *out, int64_t now_ns)
{
    const bool bound = c->state >= DHCP_BOUND, owns = bound || type == DHCP4_RELEASE;
    *out = (struct dhcp_message){
        .m = { .op = 1, .type = type, .xid = c->xid, .chaddr = c->mac, .broadcast = !owns,
               .secs = (uint16_t)((now_ns - c->started_ns) / NS_PER_SEC), .ciaddr = owns ? c->lease.addr.addr : addr4(0),
               .yiaddr = addr4(0), .siaddr = addr4(0), .giaddr = addr4(0), .client_id_len = 7, .client_id = { 1 } },
        .src = owns ? c->lease.addr.addr : addr4(0),
        .dst = c->state == DHCP_RENEWING || type == DHCP4_RELEASE ? c->lease.server : addr4(0xffffffff),
    };
    memcpy(&out->m.client_id[1], c->mac.b, 6);
    if (type != DHCP4_DECLINE && type != DHCP4_RELEASE)
        snprintf(out->m.host_name, sizeof out->m.host_name, "%s", c->host_name);
    if (type == DHCP4_DECLINE || (type == DHCP4_REQUEST && !bound))
        out->m.requested = c->lease.addr.addr;
    if (type == DHCP4_DECLINE || type == DHCP4_RELEASE || (type == DHCP4_REQUEST && !bound))
        out->m.server_id = c->lease.server;
}

static bool send_owed(struct dhcp_client *c, struct dhcp_message *out, int64_t now_ns)
{
    if (c->owes_decline) {
        c->owes_decline = false;
        compose(c, DHCP4_DECLINE, out, now_ns);
        return true;
    }
    if (!c->owes_release)
        return false;
    c->owes_release = false;
    c->xid = (uint32_t)rng_u64(c->rng);
    compose(c, DHCP4_RELEASE, out, now_ns);
    c->state = DHCP_OFF;
    return true;
}

static bool discover(struct dhcp_client *c, struct dhcp_message *out, int64_t now_ns)
{
    if (c->state == DHCP_INIT) {
        c->xid = (uint32_t)rng_u64(c->rng);
        c->started_ns = now_ns;
        enter(c, DHCP_SELECTING, now_ns);
    }
    c->tries++;
    c->deadline_ns = time_after(now_ns, backoff(c, c->tries));
    compose(c, DHCP4_DISCOVER, out, now_ns);
    return true;
}

static bool request(struct dhcp_client *c, struct dhcp_message *out, int64_t now_ns)
{
    if (c->tries == REQUEST_TRIES) {    /* §3.1 step 5: the server fell silent */
        start_over(c, now_ns);
        return discover(c, out, now_ns);
    }
    c->tries++;
    c->deadline_ns = time_after(now_ns, backoff(c, c->tries));
    compose(c, DHCP4_REQUEST, out, now_ns);
    return true;
}

/* §4.4.5: half of what is left until `limit`, at least 60 s. */
static bool extend(struct dhcp_client *c, int64_t limit_ns, struct dhcp_message *out, int64_t now_ns)
{
    if (c->tries++ == 0) {
        c->xid = (uint32_t)rng_u64(c->rng);
        c->asked_ns = now_ns;
        c->started_ns = now_ns;
    }
    const int64_t half_ns = time_after(now_ns, (limit_ns - now_ns) / 2);
    c->deadline_ns = time_min(limit_ns, time_max(half_ns, time_after(now_ns, RENEW_RETRY_MIN_NS)));
    compose(c, DHCP4_REQUEST, out, now_ns);
    return true;
}

bool dhcp_out(struct dhcp_client *c, struct dhcp_message *out, int64_t now_ns)
{
    if (send_owed(c, out, now_ns))
        return true;
    if (c->state == DHCP_OFF || c->deadline_ns > now_ns)
        return false;
    if (c->state == DHCP_BOUND)
        enter(c, DHCP_RENEWING, now_ns);
    if (c->state == DHCP_RENEWING && now_ns >= c->lease.t2_ns)
        enter(c, DHCP_REBINDING, now_ns);
    if (c->state == DHCP_REBINDING && now_ns >= c->lease.expires_ns)
        start_over(c, now_ns);
    switch (c->state) {
    case DHCP_INIT: case DHCP_SELECTING: return discover(c, out, now_ns);
    case DHCP_REQUESTING:                return request(c, out, now_ns);
    case DHCP_RENEWING:                  return extend(c, c->lease.t2_ns, out, now_ns);
    case DHCP_REBINDING:                 return extend(c, c->lease.expires_ns, out, now_ns);
    default:                             return false;
    }
}

int64_t dhcp_deadline(const struct dhcp_client *c)
{
    if (c->owes_decline || c->owes_release || c->news != DHCP_NO_NEWS)
        return INT64_MIN;
    return c->state == DHCP_OFF ? DEADLINE_NEVER : c->deadline_ns;
}

enum dhcp_news dhcp_take_news(struct dhcp_client *c)
{
    const enum dhcp_news n = c->news;
    c->news = DHCP_NO_NEWS;
    return n;
}

void dhcp_checked(struct dhcp_client *c, bool address_is_free, int64_t now_ns)
{
    if (c->state != DHCP_CHECKING)
        return;
    if (address_is_free) {
        c->naks = 0;
        enter(c, DHCP_BOUND, c->lease.t1_ns);
        return;
    }
    c->owes_decline = true;
    enter(c, DHCP_INIT, time_after(now_ns, DECLINE_WAIT_NS));
}

void dhcp_release(struct dhcp_client *c)
{
    if (dhcp_has_lease(c)) {
        c->owes_release = true;
        c->deadline_ns = DEADLINE_NEVER;
        return;
    }
    c->state = DHCP_OFF;
}
