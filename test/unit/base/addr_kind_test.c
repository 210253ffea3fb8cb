#include "../test.h"
#include "base/addr_kind.h"

static struct addr a(const char *text)
{
    struct addr out;
    if (!addr_parse(text, &out))
        fail_msg("%s is no address", text);
    return out;
}

static void special(void **state)
{
    (void)state;
    static const struct { const char *addr, *block; } all[] = {
        { "10.1.2.3", "10.0.0.0/8" }, { "172.31.255.255", "172.16.0.0/12" }, { "172.32.0.0", NULL }, { "100.127.0.1", "100.64.0.0/10" },
        { "100.128.0.1", NULL }, { "192.0.0.9", "192.0.0.9/32" }, { "192.0.0.7", "192.0.0.0/29" }, { "192.0.0.77", "192.0.0.0/24" },
        { "192.0.0.171", "192.0.0.170/31" }, { "255.255.255.255", "255.255.255.255/32" }, { "250.0.0.1", "240.0.0.0/4" }, { "8.8.8.8", NULL },
        { "239.1.1.1", "239.0.0.0/8" }, { "224.0.0.1", "224.0.0.0/24" }, { "0.0.0.0", "0.0.0.0/32" }, { "0.0.0.1", "0.0.0.0/8" },
        { "::1", "::1/128" }, { "::", "::/128" }, { "fd00::1", "fc00::/7" }, { "2001:db8::1", "2001:db8::/32" }, { "2001:1::1", "2001:1::1/128" },
        { "2001:1::9", "2001::/23" }, { "2001:0:1::", "2001::/32" }, { "2a00::1", NULL }, { "3fff:0fff::", "3fff::/20" }, { "3fff:1000::", NULL } };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const struct addr_special *s = addr_special(a(all[i].addr));
        if (!s != !all[i].block || (s && strcmp(s->block, all[i].block) != 0))
            fail_msg("%s: %s", all[i].addr, s ? s->block : "ordinary");
    }
    struct prefix p;
    for (size_t i = 0; addr_special_nth(i); i++)
        assert_true(prefix_parse(addr_special_nth(i)->block, &p) && addr_eq(p.addr, prefix_network(p)));
}

static void classes(void **state)
{
    (void)state;
    static const struct { const char *addr; char class; int len; } all[] = { { "0.0.0.0", 'A', 8 }, { "127.1.1.1", 'A', 8 }, { "128.0.0.1", 'B', 16 },
        { "191.255.0.1", 'B', 16 }, { "192.0.0.1", 'C', 24 }, { "223.255.255.255", 'C', 24 }, { "224.0.0.1", 'D', 0 }, { "240.0.0.1", 'E', 0 } };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        assert_int_equal(addr_class(a(all[i].addr)), all[i].class);
        assert_int_equal(addr_class_len(a(all[i].addr)), all[i].len);
    }
}

static void types6(void **state)
{
    (void)state;
    assert_int_equal(addr6_type(a("::")), ADDR6_UNSPECIFIED);
    assert_int_equal(addr6_type(a("::1")), ADDR6_LOOPBACK);
    assert_int_equal(addr6_type(a("fe80::1")), ADDR6_LINK_LOCAL);
    assert_int_equal(addr6_type(a("febf::1")), ADDR6_LINK_LOCAL);
    assert_int_equal(addr6_type(a("fec0::1")), ADDR6_SITE_LOCAL);
    assert_int_equal(addr6_type(a("fdff::1")), ADDR6_UNIQUE_LOCAL);
    assert_int_equal(addr6_type(a("2a00::1")), ADDR6_GLOBAL);
    assert_int_equal(addr6_type(a("64:ff9b::1")), ADDR6_GLOBAL);
    assert_int_equal(addr6_type(a("4000::1")), ADDR6_UNASSIGNED);
    assert_int_equal(addr6_type(a("ff02::1")), ADDR6_MULTICAST);
    assert_string_equal(addr_scope_text(a("ff05::2")), "site-local");
    assert_string_equal(addr_scope_text(a("ff0e::2")), "global");
    assert_string_equal(addr_scope_text(a("ff06::2")), "unassigned");
    assert_string_equal(addr_scope_text(a("fe80::2")), "link-local");
    assert_string_equal(addr_scope_text(a("fd00::2")), "global");
    assert_string_equal(addr_group_text(a("ff02::1:ff00:1")), "solicited-node");
    assert_string_equal(addr_group_text(a("224.0.0.251")), "multicast DNS");
    assert_null(addr_group_text(a("ff02::dead")));
}

/* RFC 4291 appendix A's own example of a MAC; RFC 4380 and RFC 3056 for the others. */
static void embedded(void **state)
{
    (void)state;
    char text[ADDR_TEXT];
    struct mac m;
    struct addr out;
    const char *how;
    uint16_t port;
    assert_true(mac_parse("34:56:78:9a:bc:de", &m));
    const struct addr made = addr6_of_mac(a("fe80::"), m);
    assert_string_equal(addr_text(made, text), "fe80::3656:78ff:fe9a:bcde");
    struct mac back;
    assert_true(addr6_mac(made, &back) && mac_eq(m, back));
    assert_false(addr6_mac(a("fe80::1"), &back));
    assert_false(addr6_mac(a("fe80::356:78ff:fe9a:bcde"), &back));         /* a group is nobody's MAC */
    static const struct { const char *in, *out, *how; } all[] = {
        { "2002:c000:204::1", "192.0.2.4", "6to4" }, { "64:ff9b::192.0.2.33", "192.0.2.33", "NAT64" }, { "fe80::5efe:10.1.2.3", "10.1.2.3", "ISATAP" },
        { "fe80::200:5efe:8.8.8.8", "8.8.8.8", "ISATAP" }, { "2001:0:4136:e378:8000:63bf:3fff:fdd2", "65.54.227.120", "Teredo server" },
        { "::192.0.2.1", "192.0.2.1", "IPv4-compatible (deprecated)" } };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        assert_true(addr6_embedded(a(all[i].in), &out, &how));
        assert_string_equal(addr_text(out, text), all[i].out);
        assert_string_equal(how, all[i].how);
    }
    assert_false(addr6_embedded(a("2001:db8::1"), &out, &how));
    assert_false(addr6_embedded(a("::1"), &out, &how));
    assert_true(addr6_teredo_client(a("2001:0:4136:e378:8000:63bf:3fff:fdd2"), &out, &port));
    assert_string_equal(addr_text(out, text), "192.0.2.45");
    assert_int_equal(port, 40000);
}

static void names(void **state)
{
    (void)state;
    char out[ADDR_REVERSE_TEXT], full[ADDR_FULL_TEXT], mac[MAC_TEXT];
    assert_string_equal(addr_reverse_text(a("192.0.2.1"), out), "1.2.0.192.in-addr.arpa");
    /* RFC 3596 §2.5's example */
    assert_string_equal(addr_reverse_text(a("4321:0:1:2:3:4:567:89ab"), out), "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa");
    assert_string_equal(prefix_reverse_text((struct prefix){ a("10.20.30.40"), 17 }, out), "20.10.in-addr.arpa");
    assert_string_equal(prefix_reverse_text((struct prefix){ a("2001:db8::"), 36 }, out), "0.8.b.d.0.1.0.0.2.ip6.arpa");
    assert_string_equal(prefix_reverse_text((struct prefix){ a("::"), 0 }, out), "ip6.arpa");
    assert_string_equal(addr_full_text(a("fe80::1"), full), "fe80:0000:0000:0000:0000:0000:0000:0001");
    assert_string_equal(mac_text(addr_group_mac(a("224.129.2.3")), mac), "01:00:5e:01:02:03");
    assert_string_equal(mac_text(addr_group_mac(a("ff02::1:ff12:3456")), mac), "33:33:ff:12:34:56");
}

TESTS(special, classes, types6, embedded, names)
