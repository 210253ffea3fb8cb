#include "service/dhcp6.h"
#include "base/rng.h"
#include <stdlib.h>
#include <string.h>

enum { KIND_IA_NA = 3, VALID_DEFAULT_S = 3600, PROBES = 64 };
static const int64_t OFFER_NS = 60 * NS_PER_SEC, DECLINED_NS = 86400 * NS_PER_SEC;
static const struct addr ALL_SERVERS = { .b = { 0xff, 0x02, [13] = 1, [15] = 2 } };     /* All_DHCP_Relay_Agents_and_Servers (§7.1) */

struct dhcp6_server {
    struct net    *net;
    struct dgram  *dgram;
    struct dhcp6_server_config cfg;
    struct leases *leases;
    uint64_t       count;               /* addresses in the range */
};

/* What is asked, where from, and what is answered. */
struct exchange { struct dhcp6_server *s; const struct dhcp6 *m; struct dhcp6 *reply; int64_t now_ns; bool on_link; };

/* ------------------------------------------------------------------ leases */

static struct lease_id id_of(const struct dhcp6 *m, const struct dhcp6_ia *ia)
{
    struct lease_id id = { .len = (uint8_t)(5 + m->client.len), .b = { KIND_IA_NA } };
    store_be32(id.b + 1, ia->iaid);
    memcpy(id.b + 5, m->client.b, m->client.len);
    return id;
}

static uint64_t low_half(struct addr a) { return (uint64_t)load_be32(a.b + 8) << 32 | load_be32(a.b + 12); }

static struct addr nth(const struct dhcp6_server *s, uint64_t n)
{
    struct addr a = s->cfg.first;
    const uint64_t low = low_half(a) + n;
    store_be32(a.b + 8, (uint32_t)(low >> 32));
    store_be32(a.b + 12, (uint32_t)low);
    return a;
}

static bool in_range(const struct dhcp6_server *s, struct addr a)
{
    return s->count && memcmp(a.b, s->cfg.first.b, 8) == 0 && low_half(a) - low_half(s->cfg.first) < s->count;
}

static bool is_free(const struct dhcp6_server *s, struct addr a, int64_t now_ns)
{
    const struct lease *l = leases_at(s->leases, a);
    return !addr_eq(a, s->cfg.own) && (!l || lease_is_free(l, now_ns));
}

/* What the client has and may keep; NULL: nothing. */
static struct lease *lease_of(const struct dhcp6_server *s, const struct lease_id *id)
{
    for (struct lease *l = NULL; (l = leases_of(s->leases, id, l));)
        if (l->state != LEASE_DECLINED && in_range(s, l->addr))
            return l;
    return NULL;
}

/* §18.3.1, §13.1: what it had, what it asks for, one by a hash of who it is (the same again after our memory is gone), the
 * one unused longest. */
static bool choose(const struct exchange *x, const struct dhcp6_ia *ia, const struct lease_id *id, struct addr *out)
{
    const struct dhcp6_server *s = x->s;
    const struct lease *l = lease_of(s, id);
    if (l) {
        *out = l->addr;
        return true;
    }
    for (unsigned i = 0; i < ia->n_addr; i++)
        if (in_range(s, ia->addr[i].addr) && is_free(s, ia->addr[i].addr, x->now_ns)) {
            *out = ia->addr[i].addr;
            return true;
        }
    const struct sipkey fixed = { { 1, 2 } };
    const uint64_t start = s->count ? siphash(&fixed, id->b, id->len) % s->count : 0;
    for (uint64_t i = 0; i < s->count && i < PROBES; i++) {
        *out = nth(s, (start + i) % s->count);
        if (is_free(s, *out, x->now_ns))
            return true;
    }
    l = leases_oldest_free(s->leases, s->cfg.first, s->cfg.last, x->now_ns);
    if (l)
        *out = l->addr;
    return l != NULL;
}

static struct lease *set_lease(const struct exchange *x, struct addr a, const struct lease_id *id, enum lease_state state, int64_t for_ns)
{
    struct lease *l = leases_put(x->s->leases, a, id);
    if (!l)
        return NULL;
    l->state = (uint8_t)state;
    l->prefix_len = 128;
    l->since_ns = x->now_ns;
    l->expires_ns = time_after(x->now_ns, for_ns);
    if (x->m->name[0]) {
        const size_t len = strnlen(x->m->name, LEASE_NAME - 1);
        memcpy(l->name, x->m->name, len);
        l->name[len] = '\0';
    }
    return l;
}

/* False: it could not be written down, so it is not promised. */
static bool bind(const struct exchange *x, struct addr a, const struct lease_id *id)
{
    struct dhcp6_server *s = x->s;
    struct lease *l = set_lease(x, a, id, LEASE_BOUND, s->cfg.valid_s * NS_PER_SEC);
    return l && lease_keep(&s->cfg.keeper, l, x->now_ns, s->cfg.civil_ns ? s->cfg.civil_ns() : 0);
}

static void end_lease(const struct exchange *x, struct lease *l, enum lease_state state, int64_t for_ns)
{
    struct dhcp6_server *s = x->s;
    l->state = (uint8_t)state;
    l->since_ns = x->now_ns;
    l->expires_ns = time_after(x->now_ns, for_ns);
    (void)lease_keep(&s->cfg.keeper, l, x->now_ns, s->cfg.civil_ns ? s->cfg.civil_ns() : 0);
}

/* ----------------------------------------------------------------- answers */

static struct dhcp6_ia *answer_ia(const struct exchange *x, const struct dhcp6_ia *ia, enum dhcp6_status status)
{
    struct dhcp6_ia *out = &x->reply->ia[x->reply->n_ia++];
    *out = (struct dhcp6_ia){ .iaid = ia->iaid, .status = (uint16_t)status };
    return out;
}

static void put_addr(const struct exchange *x, struct dhcp6_ia *ia, struct addr a)
{
    const struct dhcp6_server_config *c = &x->s->cfg;
    if (ia->n_addr == DHCP6_ADDRS)
        return;
    ia->addr[ia->n_addr++] = (struct dhcp6_addr){ a, c->preferred_s, c->valid_s };
    ia->t1_s = c->preferred_s / 2;
    ia->t2_s = (uint32_t)((uint64_t)c->preferred_s * 4 / 5);
}

/* Not to be used any more: lifetimes of 0. */
static void refuse_addr(struct dhcp6_ia *ia, struct addr a)
{
    if (ia->n_addr < DHCP6_ADDRS)
        ia->addr[ia->n_addr++] = (struct dhcp6_addr){ a, 0, 0 };
}

static void tell(const struct exchange *x)
{
    const struct dhcp6_server_config *c = &x->s->cfg;
    x->reply->n_dns = c->n_dns;
    memcpy(x->reply->dns, c->dns, sizeof c->dns);
    memcpy(x->reply->domain, c->domain, sizeof c->domain);
}

/* §18.3.1 */
static bool on_solicit(const struct exchange *x)
{
    const bool quick = x->m->rapid_commit && x->s->cfg.rapid_commit;
    bool any = false;
    for (unsigned i = 0; i < x->m->n_ia; i++) {
        const struct dhcp6_ia *ia = &x->m->ia[i];
        const struct lease_id id = id_of(x->m, ia);
        struct addr a;
        const bool there = x->on_link && choose(x, ia, &id, &a);
        const bool held = there && leases_at(x->s->leases, a) && lease_of(x->s, &id) && lease_of(x->s, &id)->state == LEASE_BOUND &&
                          lease_of(x->s, &id)->expires_ns > x->now_ns;
        const bool ok = there && (quick ? bind(x, a, &id) : held || set_lease(x, a, &id, LEASE_OFFERED, OFFER_NS));
        struct dhcp6_ia *out = answer_ia(x, ia, ok ? DHCP6_SUCCESS : DHCP6_NO_ADDRS);
        if (ok)
            put_addr(x, out, a);
        any |= ok;
    }
    x->reply->type = quick ? DHCP6_REPLY : DHCP6_ADVERTISE;
    x->reply->rapid_commit = quick;
    if (!any && x->m->n_ia)
        x->reply->status = DHCP6_NO_ADDRS;
    tell(x);
    return true;
}

/* §18.3.2 */
static bool on_request(const struct exchange *x)
{
    for (unsigned i = 0; i < x->m->n_ia; i++) {
        const struct dhcp6_ia *ia = &x->m->ia[i];
        const struct lease_id id = id_of(x->m, ia);
        struct addr a;
        for (unsigned j = 0; j < ia->n_addr; j++)
            if (!prefix_has(x->s->cfg.network, ia->addr[j].addr)) {
                x->reply->n_ia = 0;
                x->reply->status = DHCP6_NOT_ON_LINK;
                return true;
            }
        const bool ok = x->on_link && choose(x, ia, &id, &a) && bind(x, a, &id);
        struct dhcp6_ia *out = answer_ia(x, ia, ok ? DHCP6_SUCCESS : DHCP6_NO_ADDRS);
        if (ok)
            put_addr(x, out, a);
    }
    tell(x);
    return true;
}

/* §18.3.4, §18.3.5: what is the client's goes on, what cannot be is taken from it.  Of a Rebind that we know nothing of
 * another server may know. */
static bool on_extend(const struct exchange *x)
{
    const bool rebind = x->m->type == DHCP6_REBIND;
    bool any = false;
    for (unsigned i = 0; i < x->m->n_ia; i++) {
        const struct dhcp6_ia *ia = &x->m->ia[i];
        const struct lease_id id = id_of(x->m, ia);
        const struct lease *l = lease_of(x->s, &id);
        const bool known = l && (l->state == LEASE_BOUND || lease_is_free(l, x->now_ns)) && bind(x, l->addr, &id);
        bool gone = false;
        for (unsigned j = 0; j < ia->n_addr; j++)
            gone |= !x->on_link || !prefix_has(x->s->cfg.network, ia->addr[j].addr);
        if (!known && rebind && !gone)
            continue;
        struct dhcp6_ia *out = answer_ia(x, ia, known || rebind ? DHCP6_SUCCESS : DHCP6_NO_BINDING);
        any = true;
        if (known)
            put_addr(x, out, l->addr);
        for (unsigned j = 0; j < ia->n_addr && (known || gone); j++)
            if (!known || !addr_eq(ia->addr[j].addr, l->addr))
                refuse_addr(out, ia->addr[j].addr);
    }
    tell(x);
    return any || !rebind;
}

/* §18.3.3 */
static bool on_confirm(const struct exchange *x)
{
    bool any = false;
    for (unsigned i = 0; i < x->m->n_ia; i++)
        for (unsigned j = 0; j < x->m->ia[i].n_addr; j++) {
            any = true;
            if (!x->on_link || !prefix_has(x->s->cfg.network, x->m->ia[i].addr[j].addr))
                x->reply->status = DHCP6_NOT_ON_LINK;
        }
    return any;
}

/* §18.3.7, §18.3.8 */
static bool on_return(const struct exchange *x)
{
    const bool declined = x->m->type == DHCP6_DECLINE;
    for (unsigned i = 0; i < x->m->n_ia; i++) {
        const struct dhcp6_ia *ia = &x->m->ia[i];
        const struct lease_id id = id_of(x->m, ia);
        bool known = false;
        for (unsigned j = 0; j < ia->n_addr; j++) {
            struct lease *l = leases_at(x->s->leases, ia->addr[j].addr);
            if (!l || l->state != LEASE_BOUND || !lease_id_same(&l->id, &id))
                continue;
            end_lease(x, l, declined ? LEASE_DECLINED : LEASE_FREE, declined ? DECLINED_NS : 0);
            known = true;
        }
        if (!known)
            answer_ia(x, ia, DHCP6_NO_BINDING);
    }
    return true;
}

/* §16: who may say what, and to whom. */
static bool is_valid(const struct dhcp6_server *s, const struct dhcp6 *m)
{
    const bool names_us = dhcp6_duid_same(&m->server, &s->cfg.duid);
    switch (m->type) {
    case DHCP6_SOLICIT: case DHCP6_CONFIRM: case DHCP6_REBIND:
        return m->client.len && !m->server.len;
    case DHCP6_REQUEST: case DHCP6_RENEW: case DHCP6_RELEASE: case DHCP6_DECLINE:
        return m->client.len && names_us;
    case DHCP6_INFORMATION:
        return (!m->server.len || names_us) && m->n_ia == 0;
    default:
        return false;
    }
}

/* False: no answer. */
static bool answer(const struct exchange *x)
{
    const bool gives = x->s->count > 0;
    *x->reply = (struct dhcp6){ .type = DHCP6_REPLY, .xid = x->m->xid, .client = x->m->client, .server = x->s->cfg.duid };
    switch (x->m->type) {
    case DHCP6_SOLICIT:               return gives && on_solicit(x);
    case DHCP6_REQUEST:               return gives && on_request(x);
    case DHCP6_RENEW: case DHCP6_REBIND:    return gives && on_extend(x);
    case DHCP6_CONFIRM:               return gives && on_confirm(x);
    case DHCP6_RELEASE: case DHCP6_DECLINE: return on_return(x);
    default:
        tell(x);
        return true;
    }
}

/* ----------------------------------------------------------------- packets */

/* The link it is about: the innermost relay that says one (§13.1); without relays it is ours. */
static bool is_our_link(const struct dhcp6_server *s, const struct dhcp6_relay *relay, int n)
{
    for (int i = n; i-- > 0;)
        if (!addr_is_none(relay[i].link))
            return prefix_has(s->cfg.network, relay[i].link);
    return true;
}

static bool serve(struct dhcp6_server *s, const struct dgram_in *in)
{
    struct dhcp6_relay relay[DHCP6_RELAYS];
    struct reader r = reader_of(in->bytes, in->len);
    struct dhcp6 m, reply;
    const int hops = dhcp6_unwrap(&r, relay);
    if (hops < 0 || !dhcp6_read(&r, &m) || !is_valid(s, &m))
        return false;
    const struct exchange x = { .s = s, .m = &m, .reply = &reply, .now_ns = loop_now(s->net->loop), .on_link = is_our_link(s, relay, hops) };
    if (!answer(&x))
        return true;
    uint8_t bytes[DHCP6_MAX], wrapped[2 * DHCP6_MAX];
    struct writer w = writer_of(bytes, sizeof bytes), out = writer_of(wrapped, sizeof wrapped);
    dhcp6_write(&w, &reply);
    dhcp6_wrap(&out, relay, (unsigned)hops, bytes, wr_len(&w));
    const struct endpoint to = { in->from.addr, hops ? DHCP6_SERVER_PORT : DHCP6_CLIENT_PORT };
    if (!w.bad && !out.bad)
        (void)dgram_send(s->dgram, to, wrapped, wr_len(&out));          /* what is lost is asked for again */
    return true;
}

static void on_dgram(void *arg)
{
    struct dhcp6_server *s = arg;
    struct dgram_in in;
    while (dgram_peek(s->dgram, &in)) {
        if (!serve(s, &in) && s->net->trace)
            trace_count(s->net->trace, WHY_DHCP_BAD, loop_now(s->net->loop));
        dgram_consume(s->dgram);
    }
    (void)dgram_take_error(s->dgram);
}

/* ------------------------------------------------------------------ server */

static bool range_is_good(const struct dhcp6_server_config *c)
{
    if (addr_is_none(c->first) && addr_is_none(c->last))
        return true;
    return !addr_is4(c->first) && c->network.len <= 128 && memcmp(c->first.b, c->last.b, 8) == 0 && prefix_has(c->network, c->first) &&
           prefix_has(c->network, c->last) && low_half(c->first) <= low_half(c->last);
}

static enum plumb_err open_socket(struct dhcp6_server *s)
{
    const struct dgram_opts o = { .local = { ADDR_NONE, DHCP6_SERVER_PORT } };
    enum plumb_err e = net_datagram(s->net, &o, &s->dgram);
    if (e != PLUMB_OK)
        return e;
    e = dgram_group(s->dgram, &(struct group_opts){ .group = ALL_SERVERS, .own = s->cfg.own, .filter.exclude = true });
    if (e == PLUMB_OK)
        dgram_watch(s->dgram, on_dgram, s);
    return e;
}

enum plumb_err dhcp6_server_new(struct net *n, const struct dhcp6_server_config *cfg, struct dhcp6_server **out)
{
    char error[LEASES_ERROR];
    if (!range_is_good(cfg) || !cfg->duid.len)
        return PLUMB_INVALID;
    struct dhcp6_server *s = calloc(1, sizeof *s);
    if (!s)
        return PLUMB_NO_MEMORY;
    *s = (struct dhcp6_server){ .net = n, .cfg = *cfg, .leases = leases_new(DHCP6_LEASES_MAX) };
    s->count = addr_is_none(cfg->first) ? 0 : low_half(cfg->last) - low_half(cfg->first) + 1;
    if (!cfg->valid_s)
        s->cfg.valid_s = VALID_DEFAULT_S;
    if (!cfg->preferred_s || cfg->preferred_s > s->cfg.valid_s)
        s->cfg.preferred_s = (uint32_t)((uint64_t)s->cfg.valid_s * 5 / 8);
    enum plumb_err e = s->leases ? PLUMB_OK : PLUMB_NO_MEMORY;
    if (e == PLUMB_OK && cfg->journal && !leases_read(s->leases, cfg->journal, loop_now(n->loop), cfg->civil_ns ? cfg->civil_ns() : 0, error))
        e = PLUMB_INVALID;
    if (e == PLUMB_OK)
        e = open_socket(s);
    if (e == PLUMB_OK)
        *out = s;
    else
        dhcp6_server_free(s);
    return e;
}

void dhcp6_server_free(struct dhcp6_server *s)
{
    if (!s)
        return;
    if (s->dgram)
        dgram_close(s->dgram);
    leases_free(s->leases);
    free(s);
}

const struct leases *dhcp6_server_leases(const struct dhcp6_server *s) { return s->leases; }
