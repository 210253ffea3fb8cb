#include "cli/via.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 1122 §3.2.1.3: not {0}, {-1}, loopback, a group, nor {network, 0} and {network, -1} where there are hosts between.
 * RFC 4291 §2.6.1: the first of an IPv6 network means any router of it. */
static bool can_be_ours(struct prefix p)
{
    if (addr_is_any(p.addr) || addr_is_loopback(p.addr) || addr_is_multicast(p.addr) || addr_is_broadcast(p.addr))
        return false;
    if (!addr_is4(p.addr))
        return p.len >= 127 || !addr_eq(p.addr, prefix_network(p));
    return p.len >= 31 || (!addr_eq(p.addr, prefix_network(p)) && !addr_eq(p.addr, prefix_last(p)));
}

static bool own_address(struct via *v, const char *value, char error[200])
{
    if (v->n_addr == VIA_ADDRS)
        return snprintf(error, 200, "--via takes at most %d addresses", VIA_ADDRS), false;
    struct prefix *p = &v->addr[v->n_addr++];
    if (!prefix_parse(value, p))
        return snprintf(error, 200, "addr=%.60s is not an address with a prefix length, like 10.9.0.2/24 or 2001:db8::2/64", value), false;
    if (!can_be_ours(*p))
        return snprintf(error, 200, "addr=%.60s cannot be a host's address", value), false;
    return true;
}

/* One router of each family, a few name servers. */
static bool other_address(struct via *v, const char *key, const char *value, char error[200])
{
    struct addr a;
    if (!addr_parse(value, &a) || addr_is_any(a) || addr_is_multicast(a) || addr_is_broadcast(a))
        return snprintf(error, 200, "%s=%.60s is not the address of a host", key, value), false;
    if (key[0] == 'd') {
        if (v->n_dns == VIA_DNS)
            return snprintf(error, 200, "--via takes at most %d name servers", VIA_DNS), false;
        v->dns[v->n_dns++] = a;
        return true;
    }
    struct addr *gw = addr_is4(a) ? &v->gw4 : &v->gw6;
    if (!addr_is_none(*gw))
        return snprintf(error, 200, "gw=%.60s: there is one already; it takes one of each family", value), false;
    *gw = a;
    return true;
}

static bool key_value(struct via *v, const char *key, const char *value, char error[200])
{
    char *end;
    if (strcmp(key, "addr") == 0)
        return own_address(v, value, error);
    if (strcmp(key, "gw") == 0 || strcmp(key, "dns") == 0)
        return other_address(v, key, value, error);
    if (strcmp(key, "mtu") == 0) {
        const unsigned long n = strtoul(value, &end, 10);
        if (*end || n < 68 || n > 65535)
            return snprintf(error, 200, "mtu=%.20s is not between 68 and 65535", value), false;
        v->mtu = (uint16_t)n;
        return true;
    }
    if (strcmp(key, "offload") == 0) {
        v->offload = strcmp(value, "off") == 0 ? VIA_OFFLOAD_OFF : strcmp(value, "soft") == 0 ? VIA_OFFLOAD_SOFT : VIA_OFFLOAD_ON;
        return v->offload != VIA_OFFLOAD_ON || strcmp(value, "on") == 0 || (snprintf(error, 200, "offload=%.20s is none of on, soft, off", value), false);
    }
    if (strcmp(key, "ip6") == 0) {
        v->ip6 = strcmp(value, "on") == 0 ? VIA_IP6_ON : VIA_IP6_OFF;
        return v->ip6 == VIA_IP6_ON || strcmp(value, "off") == 0 || (snprintf(error, 200, "ip6=%.20s is neither on nor off", value), false);
    }
    if (strcmp(key, "ring") == 0) {
        v->ring = strcmp(value, "on") == 0;
        return v->ring || strcmp(value, "off") == 0 || (snprintf(error, 200, "ring=%.20s is neither on nor off", value), false);
    }
    snprintf(error, 200, "--via does not know \"%.40s\": the keys are addr gw dns mtu ip6 offload ring", key);
    return false;
}

static bool pairs(struct via *v, char *text, char error[200])
{
    for (char *save = NULL, *item = strtok_r(text, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
        char *equals = strchr(item, '=');
        if (!equals)
            return snprintf(error, 200, "--via: \"%.40s\" is not KEY=VALUE: the keys are addr gw dns mtu ip6 offload ring", item), false;
        *equals = '\0';
        if (!key_value(v, item, equals + 1, error))
            return false;
    }
    return true;
}

static unsigned addrs6(const struct via *v)
{
    unsigned n = 0;
    for (unsigned i = 0; i < v->n_addr; i++)
        n += !addr_is4(v->addr[i].addr);
    return n;
}

bool via_has_ip6(const struct via *v) { return v->ip6 == VIA_IP6_ON || (v->ip6 == VIA_IP6_UNSET && (v->n_addr == 0 || addrs6(v))); }

static bool agree(const struct via *v, char error[200])
{
    if (v->ip6 == VIA_IP6_OFF && (addrs6(v) || !addr_is_none(v->gw6)))
        return snprintf(error, 200, "--via: ip6=off, and yet an IPv6 address"), false;
    if (v->n_addr && addrs6(v) == v->n_addr && !addr_is_none(v->gw4))
        return snprintf(error, 200, "--via: an IPv4 gw= needs an IPv4 addr="), false;
    if (!addr_is_none(v->gw6) && !via_has_ip6(v))
        return snprintf(error, 200, "--via: an IPv6 gw= needs an IPv6 addr= or ip6=on"), false;
    return true;
}

bool via_parse(const char *text, struct via *out, char error[200])
{
    static const struct { const char *prefix; enum via_kind kind; } wires[] = { { "tap:", VIA_TAP }, { "packet:", VIA_PACKET }, { "xdp:", VIA_XDP } };
    char copy[512];
    *out = (struct via){ 0 };
    if (strcmp(text, "host") == 0 || strcmp(text, "virtual") == 0) {
        out->kind = text[0] == 'h' ? VIA_HOST : VIA_VIRTUAL;
        return true;
    }
    for (size_t i = 0; i < sizeof wires / sizeof wires[0]; i++) {
        const size_t n = strlen(wires[i].prefix);
        if (strncmp(text, wires[i].prefix, n) != 0 || strlen(text) >= sizeof copy)
            continue;
        out->kind = wires[i].kind;
        snprintf(copy, sizeof copy, "%s", text + n);
        char *comma = strchr(copy, ',');
        if (comma)
            *comma++ = '\0';
        if (copy[0] == '\0' || strlen(copy) > 15)
            return snprintf(error, 200, "--via %.40s: an interface name has 1 to 15 characters", text), false;
        snprintf(out->name, sizeof out->name, "%.15s", copy);
        return (!comma || pairs(out, comma, error)) && agree(out, error);
    }
    snprintf(error, 200, "--via %.60s: it takes tap:NAME, packet:IFACE, xdp:IFACE, host or virtual", text);
    return false;
}
