#include "cli/addr_tell.h"
#include <stdarg.h>
#include <string.h>

enum { VALUE = 160 };

/* One fact: a line of the table, or a member of the object.  Keys are words with '_' for a space. */
__attribute__((format(printf, 3, 4))) static void fact(struct json *j, const char *key, const char *format, ...)
{
    char value[VALUE], label[24];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    if (j) {
        json_text(j, key, value);
        return;
    }
    snprintf(label, sizeof label, "%s", key);
    for (char *at = label; (at = strchr(at, '_')); )
        *at = ' ';
    printf("  %-16s %s\n", label, value);
}

static const char *fact_text(enum addr_fact f) { return f == ADDR_YES ? "yes" : f == ADDR_NO ? "no" : "n/a"; }

static void special_json(const struct addr_special *s, struct json *j)
{
    if (!s) {
        json_text(j, "special_purpose", NULL);
        return;
    }
    json_open(j, "special_purpose", '{');
    json_text(j, "block", s->block);
    json_text(j, "name", s->name);
    json_text(j, "rfc", s->rfc);
    json_text(j, "source", fact_text(s->source));
    json_text(j, "destination", fact_text(s->destination));
    json_text(j, "forwardable", fact_text(s->forwardable));
    json_text(j, "globally_reachable", fact_text(s->global));
    json_text(j, "reserved", fact_text(s->reserved));
    json_close(j, '{');
}

static void tell_special(struct addr a, struct json *j)
{
    const struct addr_special *s = addr_special(a);
    if (j) {
        special_json(s, j);
        return;
    }
    if (!s) {
        fact(j, "special_purpose", "none");
        return;
    }
    fact(j, "special_purpose", "%s: %s, %s", s->block, s->name, s->rfc);
    fact(j, "may_be", "source %s, destination %s, forwarded %s, globally reachable %s", fact_text(s->source), fact_text(s->destination),
         fact_text(s->forwardable), fact_text(s->global));
}

/* ------------------------------------------------------------------ IPv4 */

static const char *role(struct prefix p)
{
    if (addr_is_multicast(p.addr))
        return "group";
    if (p.len >= 31)
        return p.len == 32 ? "a single host" : "a host of a point-to-point link (RFC 3021)";
    if (addr_eq(p.addr, prefix_network(p)))
        return "the network itself";
    return addr_eq(p.addr, prefix_last(p)) ? "the network's broadcast address" : "a host";
}

/* Against the classes of RFC 791: a subnet (RFC 950), the whole network, or several (a supernet, RFC 4632). */
static void tell_subnet(struct prefix p, struct json *j)
{
    char text[ADDR_TEXT], count[COUNT_TEXT];
    const uint8_t own = addr_class_len(p.addr);
    const struct prefix whole = { p.addr, own };
    if (own == 0)
        fact(j, "subnet", "no: class %c has no networks", addr_class(p.addr));
    else if (p.len == own)
        fact(j, "subnet", "no: the whole class %c network", addr_class(p.addr));
    else if (p.len < own)
        fact(j, "subnet", "no: a supernet of %s class %c networks", power_text(own - p.len, count), addr_class(p.addr));
    else
        fact(j, "subnet", "yes: one of %s in %s/%u, class %c", power_text(p.len - own, count), addr_text(prefix_network(whole), text), own, addr_class(p.addr));
}

static void tell_hosts4(struct prefix p, struct json *j)
{
    char one[ADDR_TEXT], two[ADDR_TEXT], count[COUNT_TEXT];
    const addr_number all = (addr_number)1 << prefix_host_bits(p);
    fact(j, "network", "%s/%u", addr_text(prefix_network(p), one), p.len);
    fact(j, "mask", "%s", addr_text(prefix_mask(p), one));
    fact(j, "wildcard", "%s", addr_text(addr4(~addr_v4(prefix_mask(p))), one));
    fact(j, "addresses", "%s - %s", addr_text(prefix_network(p), one), addr_text(prefix_last(p), two));
    if (p.len < 31) {
        const uint32_t net = addr_v4(prefix_network(p)), last = addr_v4(prefix_last(p));
        fact(j, "range", "%s - %s", addr_text(addr4(net + 1), one), addr_text(addr4(last - 1), two));
        fact(j, "broadcast", "%s", addr_text(prefix_last(p), one));
    }
    fact(j, "hosts", "%s", number_text(p.len < 31 ? all - 2 : all, count));
}

static void tell4(const struct addr_spec *s, const char *typed, struct json *j)
{
    char text[ADDR_TEXT], arpa[ADDR_REVERSE_TEXT], mac[MAC_TEXT];
    const struct prefix p = s->prefix;
    const uint32_t v = addr_v4(p.addr);
    fact(j, "address", "%s", addr_text(p.addr, text));
    fact(j, "family", "IPv4%s", strchr(typed, ':') ? ", typed in its IPv4-mapped IPv6 form" : "");
    fact(j, "class", "%c", addr_class(p.addr));
    tell_special(p.addr, j);
    fact(j, "scope", "%s", addr_scope_text(p.addr));
    if (s->has_len && !addr_is_multicast(p.addr)) {
        fact(j, "role", "%s", role(p));
        tell_subnet(p, j);
        tell_hosts4(p, j);
    }
    if (addr_is_multicast(p.addr)) {
        fact(j, "group", "%s", addr_group_text(p.addr) ? addr_group_text(p.addr) : "no well-known one");
        fact(j, "group_mac", "%s", mac_text(addr_group_mac(p.addr), mac));
    }
    fact(j, "hexadecimal", "0x%08x", v);
    fact(j, "decimal", "%u", v);
    fact(j, "reverse_name", "%s", addr_reverse_text(p.addr, arpa));
    if (s->has_len && p.len < 32)
        fact(j, "reverse_zone", "%s", prefix_reverse_text(p, arpa));
    fact(j, "mapped", "::ffff:%s", addr_text(p.addr, text));
}

/* ------------------------------------------------------------------ IPv6 */

static void tell_group6(struct addr a, struct json *j)
{
    char mac[MAC_TEXT], text[ADDR_TEXT];
    const uint8_t flags = a.b[1] >> 4;
    const char *known = addr_group_text(a);
    fact(j, "group", "%s", known ? known : "no well-known one");
    fact(j, "group_flags", "%s%s%s", flags & 1 ? "transient" : "permanently assigned", flags & 2 ? ", based on a prefix (RFC 3306)" : "",
         flags & 4 ? ", with its rendezvous point (RFC 3956)" : "");
    if (flags & 2 && a.b[3] <= 64 && a.b[3] > 0) {
        struct addr net = { .b = { 0 } };
        memcpy(net.b, a.b + 4, 8);
        fact(j, "group_prefix", "%s/%u", addr_text(prefix_network((struct prefix){ net, a.b[3] }), text), a.b[3]);
    }
    fact(j, "group_mac", "%s", mac_text(addr_group_mac(a), mac));
}

static void tell_unicast6(struct addr a, struct json *j)
{
    char text[ADDR_TEXT], mac[MAC_TEXT];
    struct addr inner;
    struct mac m;
    const char *how;
    uint16_t port;
    const struct addr solicited = { .b = { 0xff, 2, [11] = 1, [12] = 0xff, [13] = a.b[13], [14] = a.b[14], [15] = a.b[15] } };
    if (addr6_mac(a, &m))
        fact(j, "made_of_mac", "%s (EUI-64)", mac_text(m, mac));
    if (addr6_embedded(a, &inner, &how))
        fact(j, "embedded", "%s (%s)", addr_text(inner, text), how);
    if (addr6_teredo_client(a, &inner, &port))
        fact(j, "teredo_client", "%s, port %u", addr_text(inner, text), port);
    if (addr6_type(a) >= ADDR6_LINK_LOCAL)
        fact(j, "solicited_node", "%s", addr_text(solicited, text));
}

static void tell_network6(struct prefix p, struct json *j)
{
    char one[ADDR_TEXT], two[ADDR_TEXT], count[COUNT_TEXT];
    fact(j, "network", "%s/%u", addr_text(prefix_network(p), one), p.len);
    fact(j, "mask", "%s", addr_text(prefix_mask(p), one));
    fact(j, "addresses", "%s - %s", addr_text(prefix_network(p), one), addr_text(prefix_last(p), two));
    fact(j, "hosts", "%s (2^%u)", power_text(prefix_host_bits(p), count), prefix_host_bits(p));
    if (p.len < 64)
        fact(j, "networks_of_64", "%s", power_text(64u - p.len, count));
    if (p.len < 127 && addr_eq(p.addr, prefix_network(p)))
        fact(j, "role", "the routers' anycast address of the network (RFC 4291 §2.6.1)");
}

static void tell6(const struct addr_spec *s, struct json *j)
{
    char text[ADDR_TEXT], full[ADDR_FULL_TEXT], arpa[ADDR_REVERSE_TEXT];
    const struct prefix p = s->prefix;
    fact(j, "address", "%s", addr_text(p.addr, text));
    fact(j, "full", "%s", addr_full_text(p.addr, full));
    fact(j, "family", "IPv6");
    fact(j, "type", "%s", addr6_type_text(addr6_type(p.addr)));
    fact(j, "scope", "%s", addr_scope_text(p.addr));
    tell_special(p.addr, j);
    if (addr_is_multicast(p.addr))
        tell_group6(p.addr, j);
    else
        tell_unicast6(p.addr, j);
    if (s->has_len)
        tell_network6(p, j);
    fact(j, "reverse_name", "%s", addr_reverse_text(p.addr, arpa));
    if (s->has_len && p.len < 128)
        fact(j, "reverse_zone", "%s", prefix_reverse_text(p, arpa));
}

/* ------------------------------------------------------------------- both */

static void tell_range(const struct addr_spec *s, struct json *j)
{
    char one[ADDR_TEXT], two[ADDR_TEXT], count[COUNT_TEXT];
    const addr_number n = number_of_addr(s->range.last) - number_of_addr(s->range.first);
    struct addr_range r = s->range;
    struct prefix p;
    bool left = true;
    fact(j, "range", "%s - %s", addr_text(r.first, one), addr_text(r.last, two));
    fact(j, "addresses", "%s", ~n == 0 ? power_text(128, count) : number_text(n + 1, count));
    if (j)
        json_open(j, "prefixes", '[');
    while (range_take_prefix(&r, &left, &p)) {
        char text[ADDR_TEXT + 8];
        snprintf(text, sizeof text, "%s/%u", addr_text(p.addr, one), p.len);
        if (j)
            json_text(j, NULL, text);
        else
            printf("  %-16s %s\n", "prefix", text);
    }
    if (j)
        json_close(j, '[');
}

void addr_tell(const struct addr_spec *s, const char *as_typed, struct json *j)
{
    if (j)
        json_open(j, NULL, '{');
    else
        puts(as_typed);
    if (s->is_range)
        tell_range(s, j);
    else if (addr_is4(s->prefix.addr))
        tell4(s, as_typed, j);
    else
        tell6(s, j);
    if (j)
        json_close(j, '{');
}

void addr_tell_mac(struct mac m, struct json *j)
{
    static const struct addr link_local = { .b = { 0xfe, 0x80 } };
    char text[ADDR_TEXT];
    if (j)
        json_open(j, NULL, '{');
    else
        puts(mac_text(m, text));
    fact(j, "mac", "%s", mac_text(m, text));
    fact(j, "kind", "%s, %s", mac_eq(m, MAC_BROADCAST) ? "broadcast" : mac_is_group(m) ? "group" : "one station",
         m.b[0] & 2 ? "locally administered" : "assigned by the IEEE");
    if (!mac_is_group(m))
        fact(j, "link_local", "%s (EUI-64)", addr_text(addr6_of_mac(link_local, m), text));
    if (j)
        json_close(j, '{');
}
