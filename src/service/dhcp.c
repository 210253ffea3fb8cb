#include "service/dhcp.h"
#include <stdlib.h>
#include <string.h>

enum { LEASE_DEFAULT_S = 3600 };
#define OFFER_NS    (30 * NS_PER_SEC)
#define DECLINED_NS (600 * NS_PER_SEC)      /* an address somebody else was seen to use */

/* RFC 2131 §4.2: the client identifier, or else the hardware address. */
struct client { uint8_t len; uint8_t b[33]; };

struct lease {
    enum dhcp_lease_state state;
    bool     used;                      /* ever; then client is who had it last */
    int64_t  expires_ns;                /* of OFFERED, BOUND, DECLINED */
    int64_t  since_ns;
    struct client client;
    struct mac mac;
    char     host_name[DHCP4_TEXT];
};

struct dhcp_server {
    struct net   *net;
    struct dgram *dgram;
    struct dhcp_server_config cfg;
    struct prefix network;
    uint32_t      count;
    struct lease  leases[];
};

static int64_t now(const struct dhcp_server *s) { return loop_now(s->net->loop); }

static struct client client_of(const struct dhcp4 *m)
{
    struct client c = { 0 };
    if (m->client_id_len) {
        c.len = (uint8_t)(m->client_id_len + 1);
        c.b[0] = 1;                     /* so that an identifier never equals a bare MAC */
        memcpy(c.b + 1, m->client_id, m->client_id_len);
        return c;
    }
    c.len = 7;
    memcpy(c.b + 1, m->chaddr.b, 6);
    return c;
}

static bool same_client(const struct client *a, const struct client *b) { return a->len == b->len && memcmp(a->b, b->b, a->len) == 0; }

/* ---------------------------------------------------------------- leases */

static bool is_free(const struct dhcp_server *s, const struct lease *l) { return l->state == LEASE_FREE || l->expires_ns <= now(s); }

static struct addr addr_of(const struct dhcp_server *s, const struct lease *l)
{
    return addr4(addr_v4(s->cfg.first) + (uint32_t)(l - s->leases));
}

/* NULL: not of our range. */
static struct lease *lease_at(struct dhcp_server *s, struct addr a)
{
    const uint32_t i = addr_v4(a) - addr_v4(s->cfg.first);
    return addr_is4(a) && i < s->count ? &s->leases[i] : NULL;
}

/* What the client has or had last; NULL: it never had one, or another has it now. */
static struct lease *lease_of(struct dhcp_server *s, const struct client *c)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (s->leases[i].used && s->leases[i].state != LEASE_DECLINED && same_client(&s->leases[i].client, c))
            return &s->leases[i];
    return NULL;
}

/* RFC 2131 §4.3.1: what it has or had, what it asks for, one never used, the one unused longest. */
static struct lease *choose(struct dhcp_server *s, const struct client *c, struct addr wanted)
{
    struct lease *l = lease_of(s, c), *oldest = NULL;
    if (l)
        return l;
    l = lease_at(s, wanted);
    if (l && is_free(s, l))
        return l;
    for (uint32_t i = 0; i < s->count; i++) {
        l = &s->leases[i];
        if (!l->used)
            return l;
        if (is_free(s, l) && (!oldest || l->since_ns < oldest->since_ns))
            oldest = l;
    }
    return oldest;
}

static void set_lease(struct dhcp_server *s, struct lease *l, enum dhcp_lease_state state, const struct dhcp4 *m, int64_t for_ns)
{
    l->state = state;
    l->used = true;
    l->client = client_of(m);
    l->mac = m->chaddr;
    l->since_ns = now(s);
    l->expires_ns = time_after(now(s), for_ns);
    if (*m->host_name)
        memcpy(l->host_name, m->host_name, sizeof l->host_name);
    if (s->net->trace)
        TRACE(s->net->trace, now(s), 0, dhcp_lease, .addr = addr_of(s, l), .client = m->chaddr, .state = (uint8_t)state);
}

static int64_t lease_ns(const struct dhcp_server *s) { return (int64_t)s->cfg.lease_s * NS_PER_SEC; }

/* --------------------------------------------------------------- replies */

static struct dhcp4 reply_to(const struct dhcp_server *s, const struct dhcp4 *m, enum dhcp4_type type)
{
    return (struct dhcp4){ .op = 2, .type = (uint8_t)type, .xid = m->xid, .broadcast = m->broadcast, .chaddr = m->chaddr, .giaddr = m->giaddr,
                           .ciaddr = addr4(0), .yiaddr = addr4(0), .siaddr = addr4(0), .requested = ADDR_NONE, .mask = ADDR_NONE,
                           .server_id = s->cfg.server };
}

static void add_network(const struct dhcp_server *s, struct dhcp4 *r)
{
    const struct dhcp_server_config *c = &s->cfg;
    r->mask = addr4(c->prefix_len ? UINT32_MAX << (32 - c->prefix_len) : 0);
    r->mtu = c->mtu;
    r->n_router = c->n_router;
    r->n_dns = c->n_dns;
    memcpy(r->router, c->router, sizeof r->router);
    memcpy(r->dns, c->dns, sizeof r->dns);
    memcpy(r->domain, c->domain, sizeof r->domain);
}

/* RFC 2131 §4.1.  A client without an address cannot be sent unicast from here, so what
 * may be broadcast or unicast is broadcast. */
static void send(struct dhcp_server *s, const struct dhcp4 *m, struct dhcp4 *r)
{
    uint8_t bytes[DHCP4_MAX];
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

static void give(struct dhcp_server *s, const struct dhcp4 *m, struct lease *l, enum dhcp4_type type)
{
    struct dhcp4 r = reply_to(s, m, type);
    r.yiaddr = addr_of(s, l);
    r.ciaddr = type == DHCP4_ACK ? m->ciaddr : addr4(0);
    r.lease_s = s->cfg.lease_s;
    add_network(s, &r);
    send(s, m, &r);
}

/* -------------------------------------------------------------- messages */

static void on_discover(struct dhcp_server *s, const struct dhcp4 *m)
{
    const struct client c = client_of(m);
    struct lease *l = choose(s, &c, m->requested);
    if (!l)
        return;                         /* none is left: another server may have one */
    if (l->state != LEASE_BOUND || is_free(s, l))
        set_lease(s, l, LEASE_OFFERED, m, OFFER_NS);
    give(s, m, l, DHCP4_OFFER);
}

static void bind_and_ack(struct dhcp_server *s, const struct dhcp4 *m, struct lease *l)
{
    set_lease(s, l, LEASE_BOUND, m, lease_ns(s));
    give(s, m, l, DHCP4_ACK);
}

/* RFC 2131 §4.3.2, the client in SELECTING. */
static void on_selecting(struct dhcp_server *s, const struct dhcp4 *m)
{
    const struct client c = client_of(m);
    struct lease *mine = lease_of(s, &c), *l = lease_at(s, m->requested);
    if (!addr_eq(m->server_id, s->cfg.server)) {
        if (mine && mine->state == LEASE_OFFERED)
            mine->state = LEASE_FREE;   /* it chose another server */
        return;
    }
    if (l && l == mine && (l->state != LEASE_FREE || is_free(s, l)))
        bind_and_ack(s, m, l);
    else
        nak(s, m);
}

/* INIT-REBOOT, RENEWING and REBINDING: it claims to have `claimed`. */
static void on_claim(struct dhcp_server *s, const struct dhcp4 *m, struct addr claimed)
{
    const struct client c = client_of(m);
    struct lease *mine = lease_of(s, &c), *l = lease_at(s, claimed);
    if (!prefix_has(s->network, claimed)) {
        nak(s, m);                      /* it has moved to another network */
    } else if (mine && l == mine && (mine->state == LEASE_BOUND || is_free(s, mine))) {
        bind_and_ack(s, m, l);
    } else if (mine || (l && !is_free(s, l))) {
        nak(s, m);
    }
    /* else: no record of this client, so silence [RFC 2131 §4.3.2] */
}

static void on_request(struct dhcp_server *s, const struct dhcp4 *m)
{
    if (!addr_is_none(m->server_id))
        on_selecting(s, m);
    else if (!addr_is_none(m->requested))
        on_claim(s, m, m->requested);
    else if (addr_v4(m->ciaddr))
        on_claim(s, m, m->ciaddr);
}

static void on_decline(struct dhcp_server *s, const struct dhcp4 *m)
{
    const struct client c = client_of(m);
    struct lease *l = lease_at(s, m->requested);
    if (l && l == lease_of(s, &c) && addr_eq(m->server_id, s->cfg.server))
        set_lease(s, l, LEASE_DECLINED, m, DECLINED_NS);
}

static void on_release(struct dhcp_server *s, const struct dhcp4 *m)
{
    const struct client c = client_of(m);
    struct lease *l = lease_at(s, m->ciaddr);
    if (l && l == lease_of(s, &c) && addr_eq(m->server_id, s->cfg.server))
        set_lease(s, l, LEASE_FREE, m, 0);
}

/* It has an address and wants to know the rest (§4.3.5): no lease, no yiaddr. */
static void on_inform(struct dhcp_server *s, const struct dhcp4 *m)
{
    if (!prefix_has(s->network, m->ciaddr))
        return;
    struct dhcp4 r = reply_to(s, m, DHCP4_ACK);
    r.ciaddr = m->ciaddr;
    add_network(s, &r);
    send(s, m, &r);
}

static void on_message(struct dhcp_server *s, const struct dhcp4 *m)
{
    switch (m->type) {
    case DHCP4_DISCOVER: on_discover(s, m); return;
    case DHCP4_REQUEST:  on_request(s, m);  return;
    case DHCP4_DECLINE:  on_decline(s, m);  return;
    case DHCP4_RELEASE:  on_release(s, m);  return;
    case DHCP4_INFORM:   on_inform(s, m);   return;
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

enum plumb_err dhcp_server_new(struct net *n, const struct dhcp_server_config *cfg, struct dhcp_server **out)
{
    const struct prefix network = { cfg->server, cfg->prefix_len };
    const uint32_t first = addr_v4(cfg->first), last = addr_v4(cfg->last);
    if (cfg->prefix_len > 32 || !addr_is4(cfg->first) || !addr_is4(cfg->last) || last < first || last - first >= DHCP_RANGE_MAX
        || !prefix_has(network, cfg->first) || !prefix_has(network, cfg->last))
        return PLUMB_INVALID;
    struct dhcp_server *s = calloc(1, sizeof *s + (size_t)(last - first + 1) * sizeof s->leases[0]);
    if (!s)
        return PLUMB_NO_MEMORY;
    *s = (struct dhcp_server){ .net = n, .cfg = *cfg, .network = network, .count = last - first + 1 };
    s->cfg.lease_s = cfg->lease_s ? cfg->lease_s : LEASE_DEFAULT_S;
    const struct dgram_opts o = { .local = { cfg->local, DHCP4_SERVER_PORT }, .broadcast = true };
    const enum plumb_err e = net_datagram(n, &o, &s->dgram);
    if (e != PLUMB_OK) {
        free(s);
        return e;
    }
    struct lease *own = lease_at(s, cfg->server);
    if (own) {                          /* our own address is nobody else's */
        own->used = true;
        own->state = LEASE_DECLINED;
        own->expires_ns = DEADLINE_NEVER;
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
    free(s);
}

bool dhcp_server_walk(const struct dhcp_server *s, uint32_t *cursor, struct dhcp_lease *out)
{
    while (*cursor < s->count) {
        const struct lease *l = &s->leases[(*cursor)++];
        if (!l->used || l->expires_ns == DEADLINE_NEVER)
            continue;
        *out = (struct dhcp_lease){ .addr = addr_of(s, l), .state = is_free(s, l) ? LEASE_FREE : l->state, .mac = l->mac, .expires_ns = l->expires_ns };
        memcpy(out->host_name, l->host_name, sizeof out->host_name);
        return true;
    }
    return false;
}
