/* PTR lookups against the authoritative server. */
#include "../memnet.h"
#include "../test.h"
#include "name/auth.h"
#include "name/reverse.h"

static struct memnet m;
static struct reverse *r;
static const struct endpoint servers[] = { { { .b = { [10] = 0xff, 0xff, 10, 0, 0, 53 } }, 53 } };

static void ignore(void *arg) { (void)arg; }
static bool is_done(void *arg) { (void)arg; return reverse_done(r); }

static void add(struct auth *a, const char *text, const char *origin)
{
    char error[ZONE_ERROR];
    struct zone *z = zone_parse(text, origin, error);
    assert_string_equal(error, "");
    assert_true(auth_add_zone(a, z));
}

static void names(void **state)
{
    (void)state;
    static const struct { const char *addr, *name; } all[] = { { "10.0.0.80", "www.shop.test" }, { "10.0.0.81", NULL }, { "10.0.1.2", "far.shop.test" },
                                                                 { "2001:db8::80", "six.shop.test" }, { "192.0.2.1", NULL } };
    memnet_init(&m);
    struct auth *a = auth_new(&m.net);
    add(a, "$TTL 60\n@ SOA ns h 1 2 3 4 5\n80.0.0 PTR www.shop.test.\n2.1.0 CNAME 2.0-7.1.0\n2.0-7.1.0 PTR far.shop.test.\n", "10.in-addr.arpa");
    add(a, "$TTL 60\n@ SOA ns h 1 2 3 4 5\n0.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR six.shop.test.\n", "8.b.d.0.1.0.0.2.ip6.arpa");
    assert_int_equal(auth_listen(a, servers[0]), PLUMB_OK);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct addr one;
        assert_true(addr_parse(all[i].addr, &one));
        r = reverse_lookup(&m.net, servers, 1, one, ignore, NULL);
        assert_non_null(r);
        assert_false(reverse_done(r));
        assert_null(reverse_name(r));
        assert_true(memnet_run(&m, is_done, NULL, 60 * NS_PER_SEC));
        const char *name = reverse_name(r);
        if (!name != !all[i].name || (name && strcmp(name, all[i].name) != 0))
            fail_msg("%s: %s", all[i].addr, name ? name : "none");
        reverse_free(r);
    }
    assert_null(reverse_lookup(&m.net, servers, 0, addr4(1), ignore, NULL));
    auth_free(a);
    memnet_fini(&m);
}

static void given_up(void **state)
{
    (void)state;
    memnet_init(&m);
    r = reverse_lookup(&m.net, servers, 1, addr4(0x0a000001), ignore, NULL);
    reverse_free(r);                    /* while it is under way */
    reverse_free(NULL);
    memnet_fini(&m);
}

TESTS(names, given_up)
