/* The services and fetch on plumb's own stack: a client gets its address, asks a name, and
 * fetches pages, through a switch, a router and a link that may be bad. */
#include "../stack/lan.h"
#include "../test.h"
#include "http/fetch.h"
#include "name/auth.h"
#include "service/dhcp.h"
#include "service/memtree.h"
#include "service/site.h"
#include <stdio.h>

static struct world *w;
static int client, gateway, farm;
static struct dhcp_server *dhcp;
static struct auth *auth;
static struct http_server *server;
static struct site site;
static struct fetch *f;
static uint64_t good, body;
static const struct memfile files[] = { { "index.html", "<p>home</p>", 11 }, { "big.bin", NULL, 300000 }, { "sub/x.txt", "x", 1 } };
static struct memtree memory = { files, 3, 0 };

static struct net *net_of(int host) { return stack_net(world_stack(w, host), world_loop(w)); }

static void build(uint64_t seed, const struct impair_config *link)
{
    char error[ZONE_ERROR];
    struct listener *l;
    w = world_new(seed);
    const int sw = world_add_switch(w);
    client = lan_host(w, 1, NULL, NULL);
    gateway = lan_router(w, 2, "10.0.1.1/24", "10.0.2.1/24");
    farm = lan_host(w, 3, "10.0.2.80/24", "10.0.2.1");
    lan_join(w, client, 0, lan_switch_end(sw), link);
    lan_join(w, gateway, 0, lan_switch_end(sw), NULL);
    lan_join(w, farm, 0, lan_host_end(gateway, 1), &(struct impair_config){ .delay_ns = 10 * NS_PER_MS });
    struct dhcp_server_config d = { .local = lan_addr("10.0.1.1"), .server = lan_addr("10.0.1.1"), .first = lan_addr("10.0.1.100"),
                                    .last = lan_addr("10.0.1.110"), .prefix_len = 24, .n_router = 1, .router = { lan_addr("10.0.1.1") }, .n_dns = 1,
                                    .dns = { lan_addr("10.0.2.80") } };
    assert_int_equal(dhcp_server_new(net_of(gateway), &d, &dhcp), PLUMB_OK);
    auth = auth_new(net_of(farm));
    assert_true(auth_add_zone(auth, zone_parse("$TTL 60\n@ SOA ns h 1 2 3 4 5\nwww A 10.0.2.80\ndead A 10.0.2.81\n", "shop.test", error)));
    assert_int_equal(auth_listen(auth, (struct endpoint){ ADDR_NONE, 53 }), PLUMB_OK);
    site = (struct site){ .tree = memtree_tree(&memory) };
    server = http_server_new(net_of(farm), &(struct http_server_config){ .handler = site_handler(&site) });
    assert_int_equal(net_listen(net_of(farm), &(struct listen_opts){ .local = { ADDR_NONE, 80 } }, &l), PLUMB_OK);
    assert_true(http_server_listen(server, l));
    stack_dhcp_start(world_stack(w, client), 0, "client", world_now(w));
}

static bool configured(void *arg)
{
    struct prefix p;
    (void)arg;
    return stack_addr_ready(world_stack(w, client), 0, &p);
}
static bool is_done(void *arg) { (void)arg; return fetch_phase(f) >= FETCH_DONE; }
static void on_fetch(void *arg)
{
    size_t n;
    (void)arg;
    for (const uint8_t *p; (p = fetch_peek(f, &n)); fetch_consume(f, n))
        for (size_t i = 0; i < n; i++, body++)
            good += p[i] == memtree_pattern(body);
}

static int get(struct stub *stub, struct http_pool *pool, const char *url, bool follow)
{
    good = body = 0;
    f = fetch_new(net_of(client), stub, pool, &(struct fetch_options){ .url = url, .follow = follow, .family = NAME_V4 });
    fetch_watch(f, on_fetch, NULL);
    assert_true(world_run(w, is_done, NULL, world_now(w) + 600 * NS_PER_SEC));
    const int status = fetch_phase(f) == FETCH_DONE ? fetch_answer(f)->status : -http_error_exit(fetch_error(f));
    if (status < 0)
        print_message("%s\n", fetch_message(f));
    fetch_free(f);
    return status;
}

static bool nothing_open(void *arg) { (void)arg; return http_server_conns(server) == 0; }

static void whole_journey(uint64_t seed, const struct impair_config *link)
{
    struct http_pool pool = { 0 };
    build(seed, link);
    assert_true(world_run(w, configured, NULL, world_now(w) + 60 * NS_PER_SEC));
    struct dhcp_lease_info lease;
    assert_true(stack_dhcp_lease(world_stack(w, client), 0, &lease) && lease.n_dns == 1);
    struct stub *stub = stub_new(net_of(client), &(struct stub_config){ .n_servers = 1, .servers = { { lease.dns[0], 53 } } });
    assert_int_equal(get(stub, &pool, "http://www.shop.test/", false), 200);
    assert_int_equal(body, 11);
    assert_int_equal(get(stub, &pool, "http://www.shop.test/big.bin", false), 200);
    assert_int_equal(body, 300000);
    assert_int_equal(good, 300000);
    assert_int_equal(get(stub, &pool, "http://www.shop.test/none", false), 404);
    assert_int_equal(get(stub, &pool, "http://www.shop.test/sub", true), 200);
    assert_int_equal(get(stub, NULL, "http://www.shop.test:81/", false), -7);
    assert_int_equal(get(stub, NULL, "http://none.shop.test/", false), -6);
    http_pool_fini(&pool);
    stub_free(stub);
    assert_true(world_run(w, nothing_open, NULL, world_now(w) + 60 * NS_PER_SEC));
    auth_free(auth);
    http_server_free(server);
    dhcp_server_free(dhcp);
    world_free(w);
}

static void over_a_good_link(void **state) { (void)state; whole_journey(1, NULL); }
static void over_a_bad_link(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++)
        whole_journey(seed, &(struct impair_config){ .delay_ns = 5 * NS_PER_MS, .loss = 0.02, .reorder = 0.02, .duplicate = 0.02 });
}

TESTS(over_a_good_link, over_a_bad_link)
