/* The virtual internet is real: what is taken out of it is missed. */
#include "../test.h"
#include "visit.h"

struct result { int status; int64_t took_ns; };

/* The HTTP status, or curl's exit number negated. */
static struct result get(const struct internet_config *c, const char *url)
{
    in = internet_new(c);
    assert_non_null(in);
    struct world *w = internet_world(in);
    struct stack *st = internet_client(in);
    struct net *net = stack_net(st, world_loop(w));
    struct dhcp_lease_info lease;
    stack_dhcp_start(st, 0, "client", world_now(w));
    assert_true(world_run(w, configured, NULL, world_now(w) + 60 * NS_PER_SEC));
    assert_true(stack_dhcp_lease(st, 0, &lease) && lease.n_dns == 1);
    struct stub *stub = stub_new(net, &(struct stub_config){ .n_servers = 1, .servers = { { lease.dns[0], 53 } } });
    const int64_t start_ns = world_now(w);
    body = 0;
    f = fetch_new(net, stub, NULL, &(struct fetch_options){ .url = url, .follow = true, .family = NAME_V4 });
    fetch_watch(f, on_fetch, NULL);
    assert_true(world_run(w, is_done, NULL, world_now(w) + 600 * NS_PER_SEC));
    const struct result r = { fetch_phase(f) == FETCH_DONE ? fetch_answer(f)->status : -http_error_exit(fetch_error(f)), world_now(w) - start_ns };
    fetch_free(f);
    stub_free(stub);
    internet_free(in);
    return r;
}

static void whole(void **state)
{
    (void)state;
    const struct result r = get(&(struct internet_config){ .seed = 1 }, "http://www.shop.test/");
    assert_int_equal(r.status, 200);
    assert_true(body > 100);
    /* ARP and the query, ARP again, the handshake, the request: five times 20 ms of rtt at the least */
    assert_in_range(r.took_ns, 100 * NS_PER_MS, 200 * NS_PER_MS);
    assert_int_equal(get(&(struct internet_config){ .seed = 1 }, "http://static.shop.test/about").status, 200);
    assert_int_equal(get(&(struct internet_config){ .seed = 1 }, "http://www.shop.test/none").status, 404);
}

static void without_router(void **state)
{
    (void)state;
    const struct result r = get(&(struct internet_config){ .seed = 1, .without_router = true }, "http://www.shop.test/");
    assert_true(r.status == -7 || r.status == -28);
    assert_int_equal(body, 0);
}

static void without_names(void **state)
{
    (void)state;
    const struct result r = get(&(struct internet_config){ .seed = 1, .without_names = true }, "http://www.shop.test/");
    assert_true(r.status == -6 || r.status == -28);
    /* an address needs no names */
    assert_int_equal(get(&(struct internet_config){ .seed = 1, .without_names = true }, "http://203.0.113.80/").status, 200);
}

static void nobody_there(void **state)
{
    (void)state;
    const struct internet_config c = { .seed = 1 };
    assert_int_equal(get(&c, "http://none.shop.test/").status, -6);
    assert_int_equal(get(&c, "http://www.shop.test:81/").status, -7);
    assert_int_equal(get(&c, "http://gone.shop.test/").status, -7);
    assert_int_equal(get(&c, "http://silent.shop.test/").status, -28);
}

static void names_of_it(void **state)
{
    (void)state;
    assert_true(internet_has("www.shop.test"));
    assert_true(internet_has("WWW.SHOP.TEST."));
    assert_true(internet_has("203.0.113.80"));
    assert_true(internet_has("198.51.100.7"));
    assert_false(internet_has("shop.test.example"));
    assert_false(internet_has("contest"));
    assert_false(internet_has("127.0.0.1"));
    assert_false(internet_has(""));
}

TESTS(whole, without_router, without_names, nobody_there, names_of_it)
