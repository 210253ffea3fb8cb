#include "base/addr_kind.h"
#include <stdio.h>

#define N  ADDR_NO
#define Y  ADDR_YES
#define NA ADDR_FACT_NA

/* Columns as in the registries: source, destination, forwardable, globally reachable, reserved by protocol. */
static const struct addr_special special[] = {
    { "0.0.0.0/8",          "this network",                       "RFC 791",  Y, N, N, N, Y },
    { "0.0.0.0/32",         "this host on this network",          "RFC 1122", Y, N, N, N, Y },
    { "10.0.0.0/8",         "private use",                        "RFC 1918", Y, Y, Y, N, N },
    { "100.64.0.0/10",      "shared address space (CGN)",         "RFC 6598", Y, Y, Y, N, N },
    { "127.0.0.0/8",        "loopback",                           "RFC 1122", N, N, N, N, Y },
    { "169.254.0.0/16",     "link local",                         "RFC 3927", Y, Y, N, N, Y },
    { "172.16.0.0/12",      "private use",                        "RFC 1918", Y, Y, Y, N, N },
    { "192.0.0.0/24",       "IETF protocol assignments",          "RFC 6890", N, N, N, N, N },
    { "192.0.0.0/29",       "IPv4 service continuity prefix",     "RFC 7335", Y, Y, Y, N, N },
    { "192.0.0.8/32",       "IPv4 dummy address",                 "RFC 7600", Y, N, N, N, N },
    { "192.0.0.9/32",       "Port Control Protocol anycast",      "RFC 7723", Y, Y, Y, Y, N },
    { "192.0.0.10/32",      "TURN anycast",                       "RFC 8155", Y, Y, Y, Y, N },
    { "192.0.0.170/31",     "NAT64/DNS64 discovery",              "RFC 8880", N, N, N, N, Y },
    { "192.0.2.0/24",       "documentation (TEST-NET-1)",         "RFC 5737", N, N, N, N, N },
    { "192.31.196.0/24",    "AS112-v4",                           "RFC 7535", Y, Y, Y, Y, N },
    { "192.52.193.0/24",    "AMT",                                "RFC 7450", Y, Y, Y, Y, N },
    { "192.88.99.0/24",     "6to4 relay anycast (deprecated)",    "RFC 7526", NA, NA, NA, NA, NA },
    { "192.168.0.0/16",     "private use",                        "RFC 1918", Y, Y, Y, N, N },
    { "192.175.48.0/24",    "direct delegation AS112 service",    "RFC 7534", Y, Y, Y, Y, N },
    { "198.18.0.0/15",      "benchmarking",                       "RFC 2544", Y, Y, Y, N, N },
    { "198.51.100.0/24",    "documentation (TEST-NET-2)",         "RFC 5737", N, N, N, N, N },
    { "203.0.113.0/24",     "documentation (TEST-NET-3)",         "RFC 5737", N, N, N, N, N },
    { "224.0.0.0/4",        "multicast",                          "RFC 1112", N, Y, Y, Y, N },
    { "224.0.0.0/24",       "multicast of the local network",     "RFC 5771", N, Y, N, N, N },
    { "232.0.0.0/8",        "source-specific multicast",          "RFC 4607", N, Y, Y, Y, N },
    { "233.0.0.0/8",        "GLOP multicast",                     "RFC 3180", N, Y, Y, Y, N },
    { "239.0.0.0/8",        "administratively scoped multicast",  "RFC 2365", N, Y, Y, N, N },
    { "240.0.0.0/4",        "reserved",                           "RFC 1112", N, N, N, N, Y },
    { "255.255.255.255/32", "limited broadcast",                  "RFC 8190", N, Y, N, N, Y },
    { "::/128",             "unspecified",                        "RFC 4291", Y, N, N, N, Y },
    { "::1/128",            "loopback",                           "RFC 4291", N, N, N, N, Y },
    { "64:ff9b::/96",       "IPv4-IPv6 translation",              "RFC 6052", Y, Y, Y, Y, N },
    { "64:ff9b:1::/48",     "local-use IPv4-IPv6 translation",    "RFC 8215", Y, Y, Y, N, N },
    { "100::/64",           "discard only",                       "RFC 6666", Y, Y, Y, N, N },
    { "100:0:0:1::/64",     "dummy prefix",                       "RFC 9780", Y, N, N, N, N },
    { "2001::/23",          "IETF protocol assignments",          "RFC 2928", N, N, N, N, N },
    { "2001::/32",          "Teredo",                             "RFC 4380", Y, Y, Y, NA, N },
    { "2001:1::1/128",      "Port Control Protocol anycast",      "RFC 7723", Y, Y, Y, Y, N },
    { "2001:1::2/128",      "TURN anycast",                       "RFC 8155", Y, Y, Y, Y, N },
    { "2001:1::3/128",      "DNS-SD service registration anycast", "RFC 9665", Y, Y, Y, Y, N },
    { "2001:2::/48",        "benchmarking",                       "RFC 5180", Y, Y, Y, N, N },
    { "2001:3::/32",        "AMT",                                "RFC 7450", Y, Y, Y, Y, N },
    { "2001:4:112::/48",    "AS112-v6",                           "RFC 7535", Y, Y, Y, Y, N },
    { "2001:10::/28",       "ORCHID (deprecated)",                "RFC 4843", NA, NA, NA, NA, NA },
    { "2001:20::/28",       "ORCHIDv2",                           "RFC 7343", Y, Y, Y, Y, N },
    { "2001:30::/28",       "drone remote identification tags",   "RFC 9374", Y, Y, Y, Y, N },
    { "2001:db8::/32",      "documentation",                      "RFC 3849", N, N, N, N, N },
    { "2002::/16",          "6to4",                               "RFC 3056", Y, Y, Y, NA, N },
    { "2620:4f:8000::/48",  "direct delegation AS112 service",    "RFC 7534", Y, Y, Y, Y, N },
    { "3fff::/20",          "documentation",                      "RFC 9637", N, N, N, N, N },
    { "5f00::/16",          "segment routing (SRv6) SIDs",        "RFC 9602", Y, Y, Y, N, N },
    { "fc00::/7",           "unique local",                       "RFC 4193", Y, Y, Y, N, N },
    { "fe80::/10",          "link local",                         "RFC 4291", Y, Y, N, N, Y },
    { "fec0::/10",          "site local (deprecated)",            "RFC 3879", NA, NA, NA, NA, NA },
    { "ff00::/8",           "multicast",                          "RFC 4291", N, Y, Y, Y, N },
};
enum { SPECIALS = sizeof special / sizeof special[0] };

const struct addr_special *addr_special_nth(size_t i) { return i < SPECIALS ? &special[i] : NULL; }

const struct addr_special *addr_special(struct addr a)
{
    const struct addr_special *best = NULL;
    int best_len = -1;
    for (size_t i = 0; i < SPECIALS; i++) {
        struct prefix p;
        if (!prefix_parse(special[i].block, &p) || p.len <= best_len || !prefix_has(p, a))
            continue;
        best = &special[i];
        best_len = p.len;
    }
    return best;
}

char addr_class(struct addr a)
{
    const uint8_t first = a.b[12];
    return first < 128 ? 'A' : first < 192 ? 'B' : first < 224 ? 'C' : first < 240 ? 'D' : 'E';
}

uint8_t addr_class_len(struct addr a)
{
    const char c = addr_class(a);
    return c == 'A' ? 8 : c == 'B' ? 16 : c == 'C' ? 24 : 0;
}

/* ------------------------------------------------------------------ IPv6 */

enum addr6_type addr6_type(struct addr a)
{
    if (addr_is_none(a))
        return ADDR6_UNSPECIFIED;
    if (addr_is_loopback(a))
        return ADDR6_LOOPBACK;
    if (a.b[0] == 0xff)
        return ADDR6_MULTICAST;
    if (a.b[0] == 0xfe && a.b[1] >= 0x80)
        return a.b[1] >= 0xc0 ? ADDR6_SITE_LOCAL : ADDR6_LINK_LOCAL;
    if ((a.b[0] & 0xfe) == 0xfc)
        return ADDR6_UNIQUE_LOCAL;
    return a.b[0] >> 5 == 1 || addr_special(a) ? ADDR6_GLOBAL : ADDR6_UNASSIGNED;
}

const char *addr6_type_text(enum addr6_type t)
{
    static const char *const text[] = { "unspecified", "loopback", "link-local unicast", "site-local unicast (deprecated)", "unique local unicast",
                                        "global unicast", "multicast", "unassigned" };
    return text[t];
}

/* RFC 7346 §2. */
static const char *group_scope(uint8_t scope)
{
    static const char *const text[16] = { [1] = "interface-local", [2] = "link-local", [3] = "realm-local", [4] = "admin-local", [5] = "site-local",
                                          [8] = "organization-local", [14] = "global" };
    return text[scope] ? text[scope] : scope == 0 || scope == 15 ? "reserved" : "unassigned";
}

const char *addr_scope_text(struct addr a)
{
    if (addr_is4(a))
        return addr_is_loopback(a) ? "interface-local" : addr_is_link_local(a) || addr_is_broadcast(a) || (a.b[12] == 224 && a.b[13] == 0 && a.b[14] == 0) ?
               "link-local" : "global";
    if (a.b[0] == 0xff)
        return group_scope(a.b[1] & 15);
    if (addr_is_loopback(a) || addr_is_link_local(a))
        return "link-local";            /* RFC 4007 §4: the loopback address counts as that of its imaginary link */
    return addr6_type(a) == ADDR6_SITE_LOCAL ? "site-local" : "global";
}

const char *addr_group_text(struct addr group)
{
    static const struct { const char *addr, *text; } known[] = {
        { "224.0.0.1", "all hosts" }, { "224.0.0.2", "all routers" }, { "224.0.0.5", "OSPF routers" }, { "224.0.0.6", "OSPF designated routers" },
        { "224.0.0.9", "RIPv2 routers" }, { "224.0.0.13", "PIM routers" }, { "224.0.0.18", "VRRP" }, { "224.0.0.22", "IGMPv3 routers" },
        { "224.0.0.251", "multicast DNS" }, { "224.0.0.252", "LLMNR" }, { "224.0.1.1", "NTP" }, { "239.255.255.250", "SSDP" },
        { "ff01::1", "all nodes" }, { "ff02::1", "all nodes" }, { "ff01::2", "all routers" }, { "ff02::2", "all routers" }, { "ff05::2", "all routers" },
        { "ff02::5", "OSPFv3 routers" }, { "ff02::6", "OSPFv3 designated routers" }, { "ff02::9", "RIPng routers" }, { "ff02::d", "PIM routers" },
        { "ff02::12", "VRRP" }, { "ff02::16", "MLDv2 routers" }, { "ff02::fb", "multicast DNS" }, { "ff02::1:2", "all DHCP relay agents and servers" },
        { "ff02::1:3", "LLMNR" }, { "ff05::1:3", "all DHCP servers" }, { "ff05::101", "NTP" } };
    struct addr a;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (addr_parse(known[i].addr, &a) && addr_eq(a, group))
            return known[i].text;
    return prefix_has((struct prefix){ { .b = { 0xff, 2, [11] = 1, [12] = 0xff } }, 104 }, group) ? "solicited-node" : NULL;
}

struct addr addr6_of_mac(struct addr prefix, struct mac m)
{
    const uint8_t id[8] = { m.b[0] ^ 2, m.b[1], m.b[2], 0xff, 0xfe, m.b[3], m.b[4], m.b[5] };
    memcpy(prefix.b + 8, id, sizeof id);
    return prefix;
}

bool addr6_mac(struct addr a, struct mac *out)
{
    const uint8_t *id = a.b + 8;
    if (addr_is4(a) || a.b[0] == 0xff || id[3] != 0xff || id[4] != 0xfe)
        return false;
    *out = (struct mac){ { id[0] ^ 2, id[1], id[2], id[5], id[6], id[7] } };
    return !mac_is_group(*out);
}

static bool embeds(const uint8_t four[4], const char *name, struct addr *out, const char **how)
{
    *out = addr4_bytes(four);
    *how = name;
    return true;
}

bool addr6_embedded(struct addr a, struct addr *out, const char **how)
{
    static const struct addr nat64 = { .b = { 0, 0x64, 0xff, 0x9b } };
    if (addr_is4(a))
        return false;
    if (a.b[0] == 0x20 && a.b[1] == 2)
        return embeds(a.b + 2, "6to4", out, how);
    if (a.b[0] == 0x20 && a.b[1] == 1 && a.b[2] == 0 && a.b[3] == 0)
        return embeds(a.b + 4, "Teredo server", out, how);
    if (prefix_has((struct prefix){ nat64, 96 }, a))
        return embeds(a.b + 12, "NAT64", out, how);
    if ((a.b[8] & 0xfd) == 0 && a.b[9] == 0 && a.b[10] == 0x5e && a.b[11] == 0xfe)
        return embeds(a.b + 12, "ISATAP", out, how);
    if (a.q[0] == 0 && a.w[2] == 0 && (a.b[12] || a.b[13]))
        return embeds(a.b + 12, "IPv4-compatible (deprecated)", out, how);
    return false;
}

bool addr6_teredo_client(struct addr a, struct addr *out, uint16_t *port)
{
    if (a.b[0] != 0x20 || a.b[1] != 1 || a.b[2] || a.b[3])
        return false;
    const uint8_t four[4] = { (uint8_t)~a.b[12], (uint8_t)~a.b[13], (uint8_t)~a.b[14], (uint8_t)~a.b[15] };
    *out = addr4_bytes(four);
    *port = (uint16_t)~(a.b[10] << 8 | a.b[11]);
    return true;
}

struct mac addr_group_mac(struct addr group)
{
    if (addr_is4(group))
        return (struct mac){ { 1, 0, 0x5e, group.b[13] & 0x7f, group.b[14], group.b[15] } };
    return (struct mac){ { 0x33, 0x33, group.b[12], group.b[13], group.b[14], group.b[15] } };
}

/* ------------------------------------------------------------------ text */

const char *prefix_reverse_text(struct prefix p, char out[ADDR_REVERSE_TEXT])
{
    const bool four = addr_is4(p.addr);
    const unsigned bits = four ? 8 : 4;
    size_t at = 0;
    for (unsigned i = p.len / bits; i > 0; i--) {
        const unsigned byte = four ? 12 + i - 1 : (i - 1) / 2;
        const unsigned value = four ? p.addr.b[byte] : i % 2 ? p.addr.b[byte] >> 4 : p.addr.b[byte] & 15u;
        at += (size_t)snprintf(out + at, ADDR_REVERSE_TEXT - at, four ? "%u." : "%x.", value);
    }
    snprintf(out + at, ADDR_REVERSE_TEXT - at, "%s", four ? "in-addr.arpa" : "ip6.arpa");
    return out;
}

const char *addr_reverse_text(struct addr a, char out[ADDR_REVERSE_TEXT])
{
    return prefix_reverse_text((struct prefix){ a, addr_is4(a) ? 32 : 128 }, out);
}

const char *addr_full_text(struct addr a, char out[ADDR_FULL_TEXT])
{
    size_t at = 0;
    for (int i = 0; i < 16; i += 2)
        at += (size_t)snprintf(out + at, ADDR_FULL_TEXT - at, i ? ":%02x%02x" : "%02x%02x", a.b[i], a.b[i + 1]);
    return out;
}
