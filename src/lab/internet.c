#include "lab/internet.h"
#include "http/server.h"
#include "lab/pages.h"
#include "name/auth.h"
#include "service/dhcp.h"
#include "service/site.h"
#include <stdlib.h>
#include <strings.h>

/* 2026-01-01T00:00:00Z: civil time in the virtual internet is part of what repeats. */
#define EPOCH_NS (INT64_C(1767225600) * NS_PER_SEC)

enum host { CLIENT, ROUTER, NAMES, WEB, HOSTS };

/* What is given to each; the client finds its own. */
static const struct { const char *name, *addr[2], *gateway[2]; } hosts[HOSTS] = {
    [CLIENT] = { "client", { NULL }, { NULL } },
    [ROUTER] = { "router", { "10.0.2.1/24", "2001:db8:2::1/64" }, { NULL } },
    [NAMES]  = { "names",  { "10.0.2.3/24", "2001:db8:2::3/64" }, { "10.0.2.1", "2001:db8:2::1" } },
    [WEB]    = { "web",    { "203.0.113.80/24", "2001:db8:71::80/64" }, { "203.0.113.1", "2001:db8:71::1" } },
};

struct internet {
    struct world *w;
    struct stack *host[HOSTS];
    unsigned iface[HOSTS];
    struct dhcp_server *dhcp;
    struct auth *auth;
    struct site site;
    struct http_server *http;
};

struct world *internet_world(struct internet *i)  { return i->w; }
struct stack *internet_client(struct internet *i) { return i->host[CLIENT]; }

bool internet_has(const char *host)
{
    struct addr a;
    size_t n = strlen(host);
    if (n && host[n - 1] == '.')
        n--;
    if (n >= 5 && strncasecmp(host + n - 5, ".test", 5) == 0)
        return true;
    if (!addr_parse(host, &a))
        return false;
    if (!addr_is4(a))
        return load_be32(a.b) == 0x20010db8;        /* 2001:db8::/32 */
    const uint32_t v = addr_v4(a);
    return v >> 8 == 0x0a0002 || v >> 8 == 0xcb0071 || v >> 8 == 0xc63364;      /* 10.0.2.0, 203.0.113.0, 198.51.100.0, /24 each */
}

/* NULL: none. */
static bool configure(struct stack *st, unsigned iface, const char *address, const char *gateway)
{
    struct prefix p;
    struct addr via;
    if (address && (!prefix_parse(address, &p) || stack_add_addr(st, iface, p, false, 0) != PLUMB_OK))
        return false;
    if (!gateway)
        return true;
    return addr_parse(gateway, &via) && stack_add_route(st, (struct prefix){ addr_is4(via) ? addr4(0) : ADDR_NONE, 0 }, via, iface, 0) == PLUMB_OK;
}

/* The LAN's prefix, and its name server. */
static bool advertise(struct internet *i)
{
    struct advertise_config c = { .message = { .n_prefix = 1, .n_dns = 1, .dns_lifetime_s = 1800 } };
    c.message.prefix[0] = (struct nd_prefix){ .on_link = true, .autonomous = true };
    return prefix_parse("2001:db8:2::/64", &c.message.prefix[0].prefix) && addr_parse("2001:db8:2::3", &c.message.dns[0]) &&
           stack_advertise(i->host[ROUTER], i->iface[ROUTER], &c, 0) == PLUMB_OK;
}

static bool add_host(struct internet *i, enum host h, uint64_t seed, const struct internet_config *config)
{
    struct stack_config c = { .node = (uint16_t)(INTERNET_CLIENT_NODE + h), .seed = seed, .forwarding = h == ROUTER, .small_pkts = 2048, .large_pkts = 32 };
    struct iface_config ic = { .kind = IFACE_ETHER, .mac = { { 0x02, 0x70, 0x6c, 0, 0, (uint8_t)(h + 1) } }, .ip6 = true };
    c.tcp.congestion = config->tcp.congestion;
    if (h == CLIENT) {
        c.tcp = config->tcp;
        ic.mtu = config->access ? config->access->mtu : 0;      /* a host knows the MTU of its own link */
    }
    i->host[h] = stack_new(&c, 0);
    if (!i->host[h])
        return false;
    if (world_add_stack(i->w, i->host[h]) < 0) {
        stack_free(i->host[h]);
        return false;
    }
    strcpy(ic.name, hosts[h].name);
    i->iface[h] = (unsigned)stack_add_iface(i->host[h], &ic, 0);
    for (unsigned f = 0; f < 2; f++)
        if (!configure(i->host[h], i->iface[h], hosts[h].addr[f], hosts[h].gateway[f]))
            return false;
    return true;
}

static struct world_end end_of(enum host h, unsigned iface)
{
    return (struct world_end){ .number = (int)h, .iface = iface };
}

/* The silent networks lie behind web, and web does not forward: what goes there is swallowed without a word. */
static bool add_silent(struct stack *router, unsigned iface)
{
    static const char *const silent[][2] = { { "198.51.100.0/24", "203.0.113.80" }, { "2001:db8:64::/64", "2001:db8:71::80" } };
    struct prefix p;
    struct addr via;
    for (unsigned f = 0; f < 2; f++)
        if (!prefix_parse(silent[f][0], &p) || !addr_parse(silent[f][1], &via) || stack_add_route(router, p, via, iface, 0) != PLUMB_OK)
            return false;
    return true;
}

static bool join(struct internet *i, const struct internet_config *c)
{
    static const struct impair_config home = { .delay_ns = 10 * NS_PER_MS, .rate_bits_s = 50000000 };
    static const struct impair_config lan = { .delay_ns = 20 * NS_PER_US, .rate_bits_s = 1000000000 };
    static const struct impair_config backbone = { .delay_ns = 2 * NS_PER_MS, .rate_bits_s = 1000000000 };
    const struct impair_config *access = c->access ? c->access : &home;
    const struct world_end lan_switch = { .is_switch = true, .number = world_add_switch(i->w) };
    const struct iface_config outside = { .kind = IFACE_ETHER, .mac = { { 0x02, 0x70, 0x6c, 0, 1, ROUTER + 1 } }, .ip6 = true, .name = "backbone" };
    const int out = stack_add_iface(i->host[ROUTER], &outside, 0);
    if (out < 0 || !configure(i->host[ROUTER], (unsigned)out, "203.0.113.1/24", NULL) ||
        !configure(i->host[ROUTER], (unsigned)out, "2001:db8:71::1/64", NULL) || !add_silent(i->host[ROUTER], (unsigned)out))
        return false;
    const int client = world_join(i->w, end_of(CLIENT, i->iface[CLIENT]), lan_switch, access, access);
    const int router = world_join(i->w, end_of(ROUTER, i->iface[ROUTER]), lan_switch, &lan, &lan);
    const int names  = world_join(i->w, end_of(NAMES, i->iface[NAMES]), lan_switch, &lan, &lan);
    const int web    = world_join(i->w, end_of(ROUTER, (unsigned)out), end_of(WEB, i->iface[WEB]), &backbone, &backbone);
    if (client < 0 || router < 0 || names < 0 || web < 0)
        return false;
    if (c->without_router) {
        world_cut(i->w, router, true);
        world_cut(i->w, web, true);
    }
    if (c->without_names)
        world_cut(i->w, names, true);
    return true;
}

static struct net *net_of(struct internet *i, enum host h) { return stack_net(i->host[h], world_loop(i->w)); }

static bool serve_dhcp(struct internet *i, bool from_names)
{
    struct dhcp_server_config c = { .server = addr4(0x0a000201), .first = addr4(0x0a00020f), .last = addr4(0x0a0002fe), .prefix_len = 24,
                                    .n_router = 1, .router = { addr4(0x0a000201) }, .n_dns = 1, .dns = { addr4(0x0a000203) },
                                    .lease_s = 3600, .domain = "lan.test" };
    if (from_names)
        c.server = addr4(0x0a000203);
    return dhcp_server_new(net_of(i, from_names ? NAMES : ROUTER), &c, &i->dhcp) == PLUMB_OK;
}

static bool serve_names(struct internet *i)
{
    static const struct { const char *text, *origin; } zones[] = { { lab_zone, "test." }, { lab_reverse_zone, "in-addr.arpa." },
                                                                   { lab_reverse_zone_6, "8.b.d.0.1.0.0.2.ip6.arpa." } };
    char error[ZONE_ERROR];
    i->auth = auth_new(net_of(i, NAMES));
    for (unsigned k = 0; i->auth && k < sizeof zones / sizeof zones[0]; k++) {
        struct zone *z = zone_parse(zones[k].text, zones[k].origin, error);
        if (!z || !auth_add_zone(i->auth, z))
            return false;
    }
    return i->auth && auth_listen(i->auth, (struct endpoint){ ADDR_NONE, 53 }) == PLUMB_OK;
}

static bool serve_site(struct internet *i)
{
    const struct listen_opts o = { .local = { ADDR_NONE, 80 } };
    struct listener *l;
    i->site = (struct site){ .tree = lab_pages() };
    i->http = http_server_new(net_of(i, WEB), &(struct http_server_config){ .handler = site_handler(&i->site) });
    return i->http && net_listen(net_of(i, WEB), &o, &l) == PLUMB_OK && http_server_listen(i->http, l);
}

struct internet *internet_new(const struct internet_config *c)
{
    struct internet *i = calloc(1, sizeof *i);
    if (!i)
        return NULL;
    i->w = world_new(c->seed);
    bool good = i->w != NULL;
    if (good)
        world_loop(i->w)->civil_offset_ns = EPOCH_NS;
    for (enum host h = CLIENT; good && h < HOSTS; h++)
        good = add_host(i, h, world_random(i->w), c);
    good = good && join(i, c) && advertise(i) && serve_dhcp(i, c->without_router) && serve_names(i) && serve_site(i);
    if (good)
        return i;
    internet_free(i);
    return NULL;
}

void internet_free(struct internet *i)
{
    if (!i)
        return;
    http_server_free(i->http);
    auth_free(i->auth);
    dhcp_server_free(i->dhcp);
    world_free(i->w);
    free(i);
}
