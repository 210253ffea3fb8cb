#include "service/dhcp.h"
#include <stdlib.h>
#include <string.h>

enum { LEASE_DEFAULT_S = 3600, LEFT_OVER_MAX = 4096 };     /* leases of an earlier configuration, as many are remembered */
enum id_kind { ID_MAC, ID_CLIENT, ID_OWN };                 /* the first byte of a lease's id */
#define OFFER_NS    (30 * NS_PER_SEC)
#define DECLINED_NS (600 * NS_PER_SEC)      /* an address somebody else was seen to use */

_Static_assert((int)LEASE_NAME == (int)DHCP4_TEXT, "a client's name fits its lease");

struct dhcp_server {
    struct net   *net;
    struct dgram *dgram;
    struct addr   server;
    uint32_t      lease_s;
    unsigned      n_pools;
    struct dhcp_pool pool[DHCP_POOLS];      /* our own network's first */
    uint32_t      fresh[DHCP_POOLS];        /* how many of its addresses have been given once, from the first on */
    struct leases *leases;
    struct lease_keeper keeper;
};

static int64_t now(const struct dhcp_server *s)   { return loop_now(s->net->loop); }
static int64_t civil(const struct dhcp_server *s) { return now(s) + s->net->loop->civil_offset_ns; }

static struct lease_id id_of_mac(struct mac m)
{
    struct lease_id id = { .len = 7, .b = { ID_MAC } };
    memcpy(id.b + 1, m.b, 6);
    return id;
}

/* RFC 2131 §4.2: the client identifier, or else the hardware address. */
static struct lease_id id_of(const struct dhcp4 *m)
{
    struct lease_id id = { .len = (uint8_t)(m->client_id_len + 1), .b = { ID_CLIENT } };
    if (!m->client_id_len)
        return id_of_mac(m->chaddr);
    memcpy(id.b + 1, m->client_id, m->client_id_len);
    return id;
}

/* ---------------------------------------------------------------- leases */

static bool is_over(const struct dhcp_server *s, const struct lease *l) { return l->state == LEASE_FREE || l->expires_ns <= now(s); }

static struct prefix network_of(const struct dhcp_pool *p) { return (struct prefix){ p->first, p->prefix_len }; }

/* §4.3.1: the network the client is on, as its relay says, or else our own.  NULL: none that we serve. */
static const struct dhcp_pool *pool_of(const struct dhcp_server *s, const struct dhcp4 *m)
{
    const struct addr link = dhcp4_link_selection(m), from = addr_is_none(link) ? m->giaddr : link;
    if (addr_v4(from) == 0)
        return &s->pool[0];
    for (unsigned i = 0; i < s->n_pools; i++)
        if (prefix_has(network_of(&s->pool[i]), from))
            return &s->pool[i];
    return NULL;
}

static bool is_of(const struct dhcp_pool *p, struct addr a)
{
    return addr_is4(a) && addr_v4(a) >= addr_v4(p->first) && addr_v4(a) <= addr_v4(p->last);
}

/* What the client has or had last in this network, a reservation before all else; NULL: it never had one, or another has it now. */
static struct lease *lease_of(const struct dhcp_server *s, const struct dhcp_pool *p, const struct dhcp4 *m)
{
    const struct lease_id mac = id_of_mac(m->chaddr), id = id_of(m);
    for (struct lease *l = NULL; (l = leases_of(s->leases, &mac, l));)
        if (l->fixed && prefix_has(network_of(p), l->addr))
            return l;
    for (struct lease *l = NULL; (l = leases_of(s->leases, &id, l));)
        if (l->state != LEASE_DECLINED && is_of(p, l->addr))
            return l;
    return NULL;
}

/* An address of the range that nobody ever had. */
static bool fresh_addr(struct dhcp_server *s, const struct dhcp_pool *p, struct addr *out)
{
    uint32_t *n = &s->fresh[p - s->pool];
    for (; *n <= addr_v4(p->last) - addr_v4(p->first); ++*n) {
        *out = addr4(addr_v4(p->first) + *n);
        if (!leases_at(s->leases, *out))
            return true;
    }
    return false;
}

/* §4.3.1: what it has or had, what it asks for, one never used, the one unused longest.  NULL: none is left. */
static struct lease *choose(struct dhcp_server *s, const struct dhcp_pool *p, const struct dhcp4 *m)
{
    const struct lease_id id = id_of(m);
    struct lease *l = lease_of(s, p, m);
    struct addr fresh;
    if (l)
        return l;
    if (is_of(p, m->requested)) {
        l = leases_at(s->leases, m->requested);
        if (!l || lease_is_free(l, now(s)))
            return leases_put(s->leases, m->requested, &id);
    }
    if (fresh_addr(s, p, &fresh))
        return leases_put(s->leases, fresh, &id);
    l = leases_oldest_free(s->leases, p->first, p->last, now(s));
    return l ? leases_put(s->leases, l->addr, &id) : NULL;
}

static void set_lease(struct dhcp_server *s, struct lease *l, enum lease_state state, const struct dhcp4 *m, int64_t for_ns)
{
    l->state = (uint8_t)state;
    l->mac = m->chaddr;
    l->since_ns = now(s);
    l->expires_ns = time_after(now(s), for_ns);
    if (*m->host_name)
        memcpy(l->name, m->host_name, sizeof l->name);
    if (s->net->trace)
        TRACE(s->net->trace, now(s), 0, dhcp_lease, .addr = l->addr, .client = m->chaddr, .state = (uint8_t)state);
}

static int64_t lease_ns(const struct dhcp_server *s) { return (int64_t)s->lease_s * NS_PER_SEC; }
static bool keep(const struct dhcp_server *s, const struct lease *l) { return lease_keep(&s->keeper, l, now(s), civil(s)); }

/* --------------------------------------------------------------- replies */

static struct dhcp4 reply_to(const struct dhcp_server *s, const struct dhcp4 *m, enum dhcp4_type type)
{
    struct dhcp4 r = { .op = 2, .type = (uint8_t)type, .xid = m->xid, .broadcast = m->broadcast, .chaddr = m->chaddr, .giaddr = m->giaddr,
                       .ciaddr = addr4(0), .yiaddr = addr4(0), .siaddr = addr4(0), .requested = ADDR_NONE, .mask = ADDR_NONE,
                       .server_id = s->server, .relay_len = m->relay_len };
    memcpy(r.relay, m->relay, m->relay_len);        /* RFC 3046 §2.2: echoed as it came */
    return r;
}

static void add_network(const struct dhcp_pool *p, struct dhcp4 *r)
{
    r->mask = addr4(p->prefix_len ? UINT32_MAX << (32 - p->prefix_len) : 0);
    r->mtu = p->mtu;
    r->n_router = p->n_router;
    r->n_dns = p->n_dns;
    memcpy(r->router, p->router, sizeof r->router);
    memcpy(r->dns, p->dns, sizeof r->dns);
    memcpy(r->domain, p->domain, sizeof r->domain);
}

/* §4.1.  A client without an address cannot be sent unicast from here, so what may be broadcast or unicast is broadcast. */
static void send(struct dhcp_server *s, const struct dhcp4 *m, struct dhcp4 *r)
{
    uint8_t bytes[DHCP4_RELAYED_MAX];
    struct writer w = writer_of(bytes, sizeof bytes);
    struct endpoint to = { addr4(UINT32_MAX), DHCP4_CLIENT_PORT };
    if (addr_v4(m->giaddr)) {
        to = (struct endpoint){ m->giaddr, DHCP4_SERVER_PORT };
        r->broadcast = r->broadcast || r->type == DHCP4_NAK;
    } else if (r->type != DHCP4_NAK && addr_v4(m->ciaddr)) {
        to.addr = m->ciaddr;
    }
    dhcp4_write(&w, r);
    if (!w.bad)
        (void)dgram_send(s->dgram, to, bytes, wr_len(&w));      /* lost replies are asked for again */
}

static void nak(struct dhcp_server *s, const struct dhcp4 *m)
{
    struct dhcp4 r = reply_to(s, m, DHCP4_NAK);
    send(s, m, &r);
}

static void give(struct dhcp_server *s, const struct dhcp_pool *p, const struct dhcp4 *m, struct lease *l, enum dhcp4_type type)
{
    struct dhcp4 r = reply_to(s, m, type);
    r.yiaddr = l->addr;
    r.ciaddr = type == DHCP4_ACK ? m->ciaddr : addr4(0);
    r.lease_s = s->lease_s;
    add_network(p, &r);
    send(s, m, &r);
}

/* -------------------------------------------------------------- messages */

static void on_discover(struct dhcp_server *s, const struct dhcp_pool *p, const struct dhcp4 *m)
{
    struct lease *l = choose(s, p, m);
    if (!l)
        return;                         /* none is left: another server may have one */
    if (l->state != LEASE_BOUND || is_over(s, l))
        set_lease(s, l, LEASE_OFFERED, m, OFFER_NS);
    give(s, p, m, l, DHCP4_OFFER);
}

/* §3.1: what is acknowledged has been committed; what cannot be is not acknowledged. */
static void bind_and_ack(struct dhcp_server *s, const struct dhcp_pool *p, const struct dhcp4 *m, struct lease *l)
{
    const struct lease before = *l;
    set_lease(s, l, LEASE_BOUND, m, lease_ns(s));
    if (keep(s, l))
        give(s, p, m, l, DHCP4_ACK);
    else
        *l = before;
}

/* §4.3.2, the client in SELECTING. */
static void on_selecting(struct dhcp_server *s, const struct dhcp_pool *p, const struct dhcp4 *m)
{
    struct lease *mine = lease_of(s, p, m), *l = leases_at(s->leases, m->requested);
    if (!addr_eq(m->server_id, s->server)) {
        if (mine && mine->state == LEASE_OFFERED)
            mine->state = LEASE_FREE;   /* it chose another server */
        return;
    }
    if (l && l == mine)
        bind_and_ack(s, p, m, l);
    else
        nak(s, m);
}

/* INIT-REBOOT, RENEWING and REBINDING: it claims to have `claimed`. */
static void on_claim(struct dhcp_server *s, const struct dhcp_pool *p, const struct dhcp4 *m, struct addr claimed)
{
    struct lease *mine = lease_of(s, p, m), *l = leases_at(s->leases, claimed);
    if (!prefix_has(network_of(p), claimed)) {
        nak(s, m);                      /* it has moved to another network */
    } else if (mine && l == mine && (mine->state == LEASE_BOUND || is_over(s, mine))) {
        bind_and_ack(s, p, m, l);
    } else if (mine || (l && (l->fixed || !is_over(s, l)))) {
        nak(s, m);
    }
    /* else: no record of this client, so silence [§4.3.2] */
}

static void on_request(struct dhcp_server *s, const struct dhcp_pool *p, const struct dhcp4 *m)
{
    if (!addr_is_none(m->server_id))
        on_selecting(s, p, m);
    else if (!addr_is_none(m->requested))
        on_claim(s, p, m, m->requested);
    else if (addr_v4(m->ciaddr))
        on_claim(s, p, m, m->ciaddr);
}

static void on_decline(struct dhcp_server *s, const struct dhcp_pool *p, const struct dhcp4 *m)
{
    struct lease *l = leases_at(s->leases, m->requested);
    if (!l || l->fixed || l != lease_of(s, p, m) || !addr_eq(m->server_id, s->server))
        return;
    set_lease(s, l, LEASE_DECLINED, m, DECLINED_NS);
    (void)keep(s, l);
}

static void on_release(struct dhcp_server *s, const struct dhcp_pool *p, const struct dhcp4 *m)
{
    struct lease *l = leases_at(s->leases, m->ciaddr);
    if (!l || l != lease_of(s, p, m) || !addr_eq(m->server_id, s->server))
        return;
    set_lease(s, l, LEASE_FREE, m, 0);
    (void)keep(s, l);
}

/* It has an address and wants to know the rest (§4.3.5): no lease, no yiaddr. */
static void on_inform(struct dhcp_server *s, const struct dhcp_pool *p, const struct dhcp4 *m)
{
    if (!prefix_has(network_of(p), m->ciaddr))
        return;
    struct dhcp4 r = reply_to(s, m, DHCP4_ACK);
    r.ciaddr = m->ciaddr;
    add_network(p, &r);
    send(s, m, &r);
}

/* Renewing and leaving are said to us alone, past any relay: then the network is that of the client's address. */
static const struct dhcp_pool *network_for(const struct dhcp_server *s, const struct dhcp4 *m)
{
    const bool unicast = addr_v4(m->giaddr) == 0 && addr_v4(m->ciaddr) != 0;
    for (unsigned i = 0; unicast && i < s->n_pools; i++)
        if (prefix_has(network_of(&s->pool[i]), m->ciaddr))
            return &s->pool[i];
    return pool_of(s, m);
}

static void on_message(struct dhcp_server *s, const struct dhcp4 *m)
{
    const struct dhcp_pool *p = network_for(s, m);
    if (!p)
        return;                         /* from a network that is not ours to serve */
    switch (m->type) {
    case DHCP4_DISCOVER: on_discover(s, p, m); return;
    case DHCP4_REQUEST:  on_request(s, p, m);  return;
    case DHCP4_DECLINE:  on_decline(s, p, m);  return;
    case DHCP4_RELEASE:  on_release(s, p, m);  return;
    case DHCP4_INFORM:   on_inform(s, p, m);   return;
    default:             return;
    }
}

static void on_dgram(void *arg)
{
    struct dhcp_server *s = arg;
    struct dgram_in in;
    while (dgram_peek(s->dgram, &in)) {
        struct reader r = reader_of(in.bytes, in.len);
        struct dhcp4 m;
        if (!dhcp4_read(&r, &m) || m.op != 1) {
            if (s->net->trace)
                trace_count(s->net->trace, WHY_DHCP_BAD, now(s));
        } else {
            on_message(s, &m);
        }
        dgram_consume(s->dgram);
    }
    (void)dgram_take_error(s->dgram);
}

/* ---------------------------------------------------------------- server */

static bool is_pool(const struct dhcp_pool *p)
{
    const struct prefix network = { p->first, p->prefix_len };
    return p->prefix_len <= 32 && addr_is4(p->first) && addr_is4(p->last) && addr_v4(p->last) >= addr_v4(p->first) &&
           addr_v4(p->last) - addr_v4(p->first) < DHCP_RANGE_MAX && prefix_has(network, p->last);
}

static uint32_t size_of(const struct dhcp_pool *p) { return addr_v4(p->last) - addr_v4(p->first) + 1; }

/* Its own network first, then those behind relays. */
static bool take_pools(struct dhcp_server *s, const struct dhcp_server_config *c)
{
    s->pool[0] = (struct dhcp_pool){ .first = c->first, .last = c->last, .prefix_len = c->prefix_len, .n_router = c->n_router, .n_dns = c->n_dns,
                                     .mtu = c->mtu };
    memcpy(s->pool[0].router, c->router, sizeof c->router);
    memcpy(s->pool[0].dns, c->dns, sizeof c->dns);
    memcpy(s->pool[0].domain, c->domain, sizeof c->domain);
    s->n_pools = 1;
    for (unsigned i = 0; i < c->n_relayed && s->n_pools < DHCP_POOLS; i++)
        s->pool[s->n_pools++] = c->relayed[i];
    for (unsigned i = 0; i < s->n_pools; i++)
        if (!is_pool(&s->pool[i]))
            return false;
    return c->n_relayed < DHCP_POOLS && prefix_has((struct prefix){ c->server, c->prefix_len }, c->first);
}

static const struct dhcp_pool *pool_at(const struct dhcp_server *s, struct addr a)
{
    for (unsigned i = 0; i < s->n_pools; i++)
        if (prefix_has((struct prefix){ s->pool[i].first, s->pool[i].prefix_len }, a))
            return &s->pool[i];
    return NULL;
}

/* Never given to others: a fixed lease stands for each. */
static bool take_reservations(struct dhcp_server *s, const struct dhcp_server_config *c)
{
    const struct lease_id own = { .len = 1, .b = { ID_OWN } };
    struct lease *l = leases_put(s->leases, c->server, &own);
    if (l)
        l->fixed = true;
    for (unsigned i = 0; l && i < c->n_reserved; i++) {
        const struct lease_id id = id_of_mac(c->reserved[i].mac);
        if (!pool_at(s, c->reserved[i].addr) || addr_eq(c->reserved[i].addr, c->server) || !(l = leases_put(s->leases, c->reserved[i].addr, &id)))
            return false;
        l->fixed = true;
        l->mac = c->reserved[i].mac;
    }
    return l && c->n_reserved <= DHCP_RESERVATIONS;
}

enum plumb_err dhcp_server_new(struct net *n, const struct dhcp_server_config *cfg, struct dhcp_server **out)
{
    struct dhcp_server *s = calloc(1, sizeof *s);
    uint32_t most = 1 + cfg->n_reserved + (cfg->keeper.append ? LEFT_OVER_MAX : 0);
    if (!s)
        return PLUMB_NO_MEMORY;
    *s = (struct dhcp_server){ .net = n, .server = cfg->server, .lease_s = cfg->lease_s ? cfg->lease_s : LEASE_DEFAULT_S, .keeper = cfg->keeper };
    enum plumb_err e = take_pools(s, cfg) ? PLUMB_OK : PLUMB_INVALID;
    for (unsigned i = 0; i < s->n_pools && e == PLUMB_OK; i++)
        most += size_of(&s->pool[i]);
    if (e == PLUMB_OK && !(s->leases = leases_new(most)))
        e = PLUMB_NO_MEMORY;
    if (e == PLUMB_OK && !take_reservations(s, cfg))
        e = PLUMB_INVALID;
    const struct dgram_opts o = { .local = { cfg->local, DHCP4_SERVER_PORT }, .broadcast = true };
    if (e == PLUMB_OK)
        e = net_datagram(n, &o, &s->dgram);
    if (e != PLUMB_OK) {
        leases_free(s->leases);
        free(s);
        return e;
    }
    dgram_watch(s->dgram, on_dgram, s);
    *out = s;
    return PLUMB_OK;
}

void dhcp_server_free(struct dhcp_server *s)
{
    if (!s)
        return;
    dgram_close(s->dgram);
    leases_free(s->leases);
    free(s);
}

bool dhcp_server_recall(struct dhcp_server *s, const char *journal, char error[LEASES_ERROR])
{
    return leases_read(s->leases, journal, now(s), civil(s), error);
}

void dhcp_server_write(const struct dhcp_server *s, FILE *to) { leases_write(s->leases, to, now(s), civil(s)); }

bool dhcp_server_walk(const struct dhcp_server *s, uint32_t *cursor, struct dhcp_lease *out)
{
    for (const struct lease *l; (l = leases_walk(s->leases, cursor));) {
        if (l->id.b[0] == ID_OWN || (l->fixed && l->since_ns == 0))
            continue;
        *out = (struct dhcp_lease){ .addr = l->addr, .state = is_over(s, l) ? LEASE_FREE : (enum lease_state)l->state, .mac = l->mac,
                                    .expires_ns = l->expires_ns };
        memcpy(out->host_name, l->name, sizeof out->host_name);
        return true;
    }
    return false;
}
