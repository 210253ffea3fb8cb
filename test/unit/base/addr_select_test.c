/* The examples of RFC 6724 §10, but for those of Mobile IP. */
#include "../test.h"
#include "base/addr_select.h"
#include <stdio.h>

enum { SOURCES = 4, DESTINATIONS = 3 };

static struct addr addr(const char *text)
{
    struct addr a;
    if (!addr_parse(text, &a))
        fail_msg("%s", text);
    return a;
}

/* "A", "A!" is deprecated, "A?" temporary. */
static struct addr_source source(const char *text)
{
    char host[ADDR_TEXT];
    const size_t len = strcspn(text, "!?");
    snprintf(host, sizeof host, "%.*s", (int)len, text);
    const struct addr a = addr(host);
    return (struct addr_source){ .addr = a, .prefix_len = addr_is4(a) ? 24 : 64, .deprecated = text[len] == '!', .temporary = text[len] == '?',
                                 .outgoing = true };
}

struct own { const char *text[SOURCES]; };

static bool choose(void *arg, struct addr dst, struct addr_source *out)
{
    const struct own *own = arg;
    bool found = false;
    for (unsigned i = 0; i < SOURCES && own->text[i]; i++) {
        const struct addr_source s = source(own->text[i]);
        if (addr_is4(s.addr) != addr_is4(dst))
            continue;
        if (!found || addr_source_better(&s, out, dst))
            *out = s;
        found = true;
    }
    return found;
}

/* §10.1 */
static void sources(void **state)
{
    (void)state;
    static const struct { const char *dst; struct own own; const char *best; } cases[] = {
        { "2001:db8:1::1", { { "2001:db8:3::1", "fe80::1" } }, "2001:db8:3::1" },
        { "ff05::1", { { "2001:db8:3::1", "fe80::1" } }, "2001:db8:3::1" },
        { "2001:db8:1::1", { { "2001:db8:1::1!", "2001:db8:2::1" } }, "2001:db8:1::1" },
        { "fe80::1", { { "fe80::2!", "2001:db8:1::1" } }, "fe80::2" },
        { "2001:db8:1::1", { { "2001:db8:1::2", "2001:db8:3::2" } }, "2001:db8:1::2" },
        { "2002:c633:6401::1", { { "2002:c633:6401::d5e3:7953:13eb:22e8?", "2001:db8:1::2" } }, "2002:c633:6401::d5e3:7953:13eb:22e8" },
        { "2001:db8:1::d5e3:0:0:1", { { "2001:db8:1::2", "2001:db8:1::d5e3:7953:13eb:22e8?" } }, "2001:db8:1::d5e3:7953:13eb:22e8" },
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct own own = cases[i].own;
        for (unsigned order = 0; order < 2; order++) {          /* whichever comes first */
            struct addr_source best;
            assert_true(choose(&own, addr(cases[i].dst), &best));
            assert_true(addr_eq(best.addr, addr(cases[i].best)));
            const char *first = own.text[0];
            own.text[0] = own.text[1];
            own.text[1] = first;
        }
    }
}

/* Rule 5: the interface that leads there, before labels and prefixes. */
static void the_outgoing_interface(void **state)
{
    (void)state;
    struct addr_source here = source("2001:db8:1::2"), there = source("2001:db8:3::2");
    here.outgoing = false;
    assert_true(addr_source_better(&there, &here, addr("2001:db8:1::1")));
    assert_false(addr_source_better(&here, &there, addr("2001:db8:1::1")));
}

/* §10.2 */
static void destinations(void **state)
{
    (void)state;
    static const struct { struct own own; const char *dst[DESTINATIONS], *sorted[DESTINATIONS]; } cases[] = {
        { { { "2001:db8:1::2", "fe80::1", "169.254.13.78" } }, { "2001:db8:1::1", "198.51.100.121" }, { "2001:db8:1::1", "198.51.100.121" } },
        { { { "fe80::1", "198.51.100.117" } }, { "2001:db8:1::1", "198.51.100.121" }, { "198.51.100.121", "2001:db8:1::1" } },
        { { { "2001:db8:1::2", "fe80::1", "10.1.2.4" } }, { "2001:db8:1::1", "10.1.2.3" }, { "2001:db8:1::1", "10.1.2.3" } },
        { { { "2001:db8:1::2", "fe80::2" } }, { "2001:db8:1::1", "fe80::1" }, { "fe80::1", "2001:db8:1::1" } },
        { { { "2001:db8:1::2", "fe80::2!" } }, { "2001:db8:1::1", "fe80::1" }, { "2001:db8:1::1", "fe80::1" } },
        { { { "2001:db8:1::2", "2001:db8:3f44::2", "fe80::2" } }, { "2001:db8:1::1", "2001:db8:3ffe::1" }, { "2001:db8:1::1", "2001:db8:3ffe::1" } },
        { { { "2002:c633:6401::2", "fe80::2" } }, { "2002:c633:6401::1", "2001:db8:1::1" }, { "2002:c633:6401::1", "2001:db8:1::1" } },
        { { { "2002:c633:6401::2", "2001:db8:1::2", "fe80::2" } }, { "2002:c633:6401::1", "2001:db8:1::1" }, { "2001:db8:1::1", "2002:c633:6401::1" } },
        { { { "10.1.2.4" } }, { "2001:db8:1::1", "10.1.2.3" }, { "10.1.2.3", "2001:db8:1::1" } },               /* rule 1 */
        { { { "2001:db8:1::2" } }, { "2001:db8:9::1", "2001:db8:9::2", "2001:db8:9::3" }, { "2001:db8:9::1", "2001:db8:9::2", "2001:db8:9::3" } },
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const unsigned n = cases[i].dst[2] ? 3 : 2;
        for (unsigned turn = 0; turn < (n == 2 ? 2 : 1); turn++) {
            struct addr dst[DESTINATIONS];
            char text[ADDR_TEXT];
            for (unsigned j = 0; j < n; j++)
                dst[(j + turn) % n] = addr(cases[i].dst[j]);
            addr_sort(dst, n, choose, (void *)&cases[i].own);
            for (unsigned j = 0; j < n; j++)
                assert_string_equal(addr_text(dst[j], text), cases[i].sorted[j]);
        }
    }
}

static void scopes(void **state)
{
    (void)state;
    static const struct { const char *a; uint8_t scope; } cases[] = {
        { "::1", SCOPE_LINK }, { "fe80::1", SCOPE_LINK }, { "febf::1", SCOPE_LINK }, { "fec0::1", SCOPE_SITE }, { "fd00::1", SCOPE_GLOBAL },
        { "2001:db8::1", SCOPE_GLOBAL }, { "ff01::1", SCOPE_INTERFACE }, { "ff02::1", SCOPE_LINK }, { "ff15::1", SCOPE_SITE },
        { "ff0e::1", SCOPE_GLOBAL }, { "127.0.0.1", SCOPE_LINK }, { "169.254.1.1", SCOPE_LINK }, { "10.0.0.1", SCOPE_GLOBAL },
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(addr_scope(addr(cases[i].a)), cases[i].scope);
}

TESTS(sources, the_outgoing_interface, destinations, scopes)
