/* Addresses, names and quantities as text: what is taken prints, and reads the same again.
 * covers: src/base/addr.c src/base/units.c src/wire/dns_name.c */
#include "fuzz.h"
#include "base/addr.h"
#include "base/units.h"
#include "wire/dns.h"

static void addresses(const char *text)
{
    struct addr a, b;
    struct prefix p;
    struct endpoint e, f;
    struct mac m, n;
    char out[ENDPOINT_TEXT];
    if (addr_parse(text, &a)) {
        REQUIRE(addr_parse(addr_text(a, out), &b) && addr_eq(a, b));
        REQUIRE(strlen(out) < ADDR_TEXT);
        addr_is_loopback(a);
        addr_is_link_local(a);
    }
    if (prefix_parse(text, &p))
        REQUIRE(prefix_has(p, p.addr));
    /* a short prefix of :: ends among the mapped IPv4 addresses, which it does not have */
    if (prefix_parse(text, &p) && addr_is4(p.addr) == addr_is4(prefix_last(p)))
        REQUIRE(prefix_has(p, prefix_network(p)) && prefix_has(p, prefix_last(p)));
    if (endpoint_parse(text, &e)) {
        REQUIRE(endpoint_parse(endpoint_text(e, out), &f) && endpoint_eq(e, f));
        REQUIRE(strlen(out) < ENDPOINT_TEXT);
    }
    if (mac_parse(text, &m))
        REQUIRE(mac_parse(mac_text(m, out), &n) && mac_eq(m, n));
}

static void quantities(const char *text)
{
    int64_t ns;
    uint64_t n;
    double share;
    char out[UNIT_TEXT];
    if (parse_duration(text, &ns)) {
        REQUIRE(ns >= 0);
        duration_text(ns, out);
    }
    if (parse_rate(text, &n))
        REQUIRE(n >= 1);
    if (parse_size(text, &n))
        size_text(n, out);
    if (parse_share(text, &share))
        REQUIRE(share >= 0 && share <= 1);
}

FUZZ(data, size)
{
    char text[512];
    struct dns_name n, back;
    char out[DNS_NAME_TEXT];
    if (size >= sizeof text)
        return;
    memcpy(text, data, size);
    text[size] = '\0';
    addresses(text);
    quantities(text);
    if (dns_name_parse(text, &n))
        REQUIRE(dns_name_parse(dns_name_text(&n, out), &back) && back.len == n.len && memcmp(back.b, n.b, n.len) == 0);
}
