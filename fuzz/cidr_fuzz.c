/* Addresses, prefixes and ranges, a line each: what is joined and cut up again is the same addresses, in order and once.
 * covers: src/base/cidr.c src/base/addr_kind.c */
#include "fuzz.h"
#include "base/addr_kind.h"
#include "base/cidr.h"

enum { LINES = 64 };

static void kind(struct addr a)
{
    char text[ADDR_REVERSE_TEXT], full[ADDR_FULL_TEXT];
    struct addr inner;
    struct mac m;
    const char *how;
    uint16_t port;
    (void)addr_special(a);
    (void)addr_scope_text(a);
    (void)addr_group_text(a);
    REQUIRE(strlen(addr_reverse_text(a, text)) < ADDR_REVERSE_TEXT);
    if (addr_is4(a))
        return;
    REQUIRE(addr_parse(addr_full_text(a, full), &inner) && addr_eq(a, inner));
    REQUIRE(*addr6_type_text(addr6_type(a)));
    if (addr6_mac(a, &m))
        REQUIRE(addr_eq(a, addr6_of_mac(a, m)));
    if (addr6_embedded(a, &inner, &how))
        REQUIRE(addr_is4(inner));
    (void)addr6_teredo_client(a, &inner, &port);
}

static void whole(struct addr_range r)
{
    const addr_number last = number_of_addr(r.last);
    addr_number next = number_of_addr(r.first);
    bool left = true;
    struct prefix p, part;
    while (range_take_prefix(&r, &left, &p)) {
        REQUIRE(number_of_addr(p.addr) == next && addr_eq(p.addr, prefix_network(p)));
        REQUIRE(prefix_nth(p, p.len, 0, &part) && prefix_holds(p, part) && prefix_holds(part, p));
        next = number_of_addr(prefix_last(p)) + 1;
    }
    REQUIRE(next == last + 1);
}

FUZZ_TEXT(text)
{
    struct addr_range r[LINES];
    size_t n = 0;
    for (char *save = NULL, *line = strtok_r(text, "\n", &save); line && n < LINES; line = strtok_r(NULL, "\n", &save)) {
        struct addr_spec s;
        uint8_t len;
        (void)mask_parse(line, &len);
        if (!addr_spec_parse(line, &s))
            continue;
        REQUIRE(number_of_addr(s.range.first) <= number_of_addr(s.range.last));
        kind(s.range.first);
        kind(s.range.last);
        r[n++] = s.range;
    }
    n = ranges_join(r, n);
    for (size_t i = 0; i < n; i++) {
        whole(r[i]);
        if (i > 0 && addr_is4(r[i].first) == addr_is4(r[i - 1].first))
            REQUIRE(number_of_addr(r[i].first) > number_of_addr(r[i - 1].last) + 1);
    }
}
