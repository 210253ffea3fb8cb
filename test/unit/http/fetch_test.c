/* fetch against plumb's own server and name server, in memory. */
#include "../memnet.h"
#include "../test.h"
#include "http/fetch.h"
#include "http/server.h"
#include "name/auth.h"
#include <stdio.h>
#include <stdlib.h>

static struct memnet m;
static struct auth *auth;
static struct stub *stub;
static struct http_server *server;
static struct http_pool pool;
static struct fetch *f;
static char asked[4000];                /* what the server saw */
static char page[20000];

static const char zone_text[] = "$TTL 60\n@ SOA ns h 1 2 3 4 5\nwww A 10.0.0.80\nsick A 10.0.0.66\nsick A 10.0.0.67\nsick A 10.0.0.80\nother A 10.0.0.80\n"
                                "dead A 10.0.0.67\nsilent A 10.0.0.66\n";

static void redirect(struct http_exchange *x, int status, const char *to) { http_respond_with(x, status, "Location", to); }

static void on_head(void *arg, struct http_exchange *x)
{
    static const uint8_t big[9000];
    (void)arg;
    const char *range = headers_get(&x->request->headers, "Range"), *user = headers_get(&x->request->headers, "Authorization");
    sprintf(asked + strlen(asked), "%s %s%s%s%s%s%s%s%s; ", x->request->method, headers_get(&x->request->headers, "Host"), x->request->target, range ? " " : "",
            range ? range : "", user ? " " : "", user ? user : "", x->request->content_length >= 0 ? " +" : "", x->request->chunked ? " chunked" : "");
    if (strcmp(x->path, "/") == 0 || strcmp(x->path, "/a/b") == 0) {
        struct http_answer a = { .status = 200, .body = http_source_copy("home\n", 5) };
        http_respond(x, &a);
    } else if (strcmp(x->path, "/big") == 0) {
        struct http_answer a = { .status = 200, .body = http_source_copy(big, sizeof big) };
        http_respond(x, &a);
    } else if (strncmp(x->path, "/to", 3) == 0) {
        redirect(x, atoi(x->path + 3), "/");
    } else if (strcmp(x->path, "/rel") == 0) {
        redirect(x, 302, "a/./b#frag");
    } else if (strcmp(x->path, "/far") == 0) {
        redirect(x, 302, "http://other.shop.test/");
    } else if (strcmp(x->path, "/loop") == 0) {
        redirect(x, 302, "/loop");
    } else if (strcmp(x->path, "/ftp") == 0) {
        redirect(x, 302, "ftp://a.test/");
    } else if (strcmp(x->path, "/tls") == 0) {
        redirect(x, 302, "https://www.shop.test/");
    }
}

static int up(void **state)
{
    char error[ZONE_ERROR];
    struct listener *l;
    (void)state;
    memnet_init(&m);
    m.silent = addr4(0x0a000042);
    m.refusing = addr4(0x0a000043);
    auth = auth_new(&m.net);
    assert_true(auth_add_zone(auth, zone_parse(zone_text, "shop.test", error)));
    assert_int_equal(auth_listen(auth, (struct endpoint){ addr4(0x0a000035), 53 }), PLUMB_OK);
    stub = stub_new(&m.net, &(struct stub_config){ .n_servers = 1, .servers = { { addr4(0x0a000035), 53 } } });
    server = http_server_new(&m.net, &(struct http_server_config){ .handler = { .head = on_head } });
    assert_int_equal(net_listen(&m.net, &(struct listen_opts){ .local = { addr4(0x0a000050), 80 } }, &l), PLUMB_OK);
    assert_true(http_server_listen(server, l));
    asked[0] = 0;
    return 0;
}
static int down(void **state)
{
    (void)state;
    fetch_free(f);
    f = NULL;
    http_pool_fini(&pool);
    stub_free(stub);
    auth_free(auth);
    http_server_free(server);
    memnet_fini(&m);
    return 0;
}

static void on_fetch(void *arg)
{
    size_t n;
    (void)arg;
    for (const uint8_t *p; (p = fetch_peek(f, &n));) {
        snprintf(page + strlen(page), sizeof page - strlen(page), "%.*s", (int)n, (const char *)p);
        fetch_consume(f, n);
    }
}
static bool is_done(void *arg) { (void)arg; return fetch_phase(f) >= FETCH_DONE; }

/* The exit number; a second fetch lets go of the first. */
static int get_with(const struct fetch_options *o)
{
    fetch_free(f);
    page[0] = 0;
    f = fetch_new(&m.net, stub, &pool, o);
    fetch_watch(f, on_fetch, NULL);
    assert_true(memnet_run(&m, is_done, NULL, 1000 * NS_PER_SEC));
    return fetch_phase(f) == FETCH_DONE ? 0 : http_error_exit(fetch_error(f));
}
static int get(const char *url) { return get_with(&(struct fetch_options){ .url = url, .follow = true }); }

static void gets(void **state)
{
    (void)state;
    size_t n;
    assert_int_equal(get("http://www.shop.test/"), 0);
    assert_string_equal(page, "home\n");
    assert_int_equal(fetch_answer(f)->status, 200);
    assert_non_null(strstr(fetch_sent(f, &n), "GET / HTTP/1.1\r\nHost: www.shop.test\r\nUser-Agent: plumb/0.1.0\r\nAccept: */*\r\n\r\n"));
    assert_non_null(strstr(fetch_received(f, &n), "HTTP/1.1 200 OK\r\n"));
    const struct fetch_facts facts = fetch_facts(f);
    assert_int_equal(facts.body_bytes, 5);
    assert_int_equal(facts.conn, 7);
    assert_false(facts.reused);
    assert_int_equal(get("www.shop.test/big"), 0);
    assert_int_equal(fetch_facts(f).body_bytes, 9000);
    assert_true(fetch_facts(f).reused);
    assert_int_equal(m.connects, 1);
    assert_int_equal(get("http://10.0.0.80/"), 0);
    assert_int_equal(m.connects, 2);
}

static void redirects(void **state)
{
    (void)state;
    static const uint8_t form[] = "a=1";
    struct http_bytes b = { .bytes = form, .len = 3 };
    struct http_source body = http_source_of(&b);
    assert_int_equal(get("http://www.shop.test/rel"), 0);
    assert_string_equal(asked, "GET www.shop.test/rel; GET www.shop.test/a/b; ");
    assert_int_equal(m.connects, 1);
    static const struct { int status; const char *second; } rows[] = {
        { 301, "GET www.shop.test/; " }, { 302, "GET www.shop.test/; " }, { 303, "GET www.shop.test/; " },
        { 307, "POST www.shop.test/ +; " }, { 308, "POST www.shop.test/ +; " },
    };
    for (size_t i = 0; i < 5; i++) {
        char url[100], want[200];
        b.at = 0;
        asked[0] = 0;
        sprintf(url, "http://www.shop.test/to%d", rows[i].status);
        sprintf(want, "POST www.shop.test/to%d +; %s", rows[i].status, rows[i].second);
        assert_int_equal(get_with(&(struct fetch_options){ .url = url, .follow = true, .body = &body }), 0);
        assert_string_equal(asked, want);
    }
    static uint8_t large[2000000];
    static const char *const no_expect[] = { "expect:" };
    size_t n;
    struct http_bytes lb = { .bytes = large, .len = sizeof large };
    struct http_source lbody = http_source_of(&lb);
    get_with(&(struct fetch_options){ .url = "http://www.shop.test/", .body = &lbody, .max_time_ns = NS_PER_SEC / 2 });
    assert_non_null(strstr(fetch_sent(f, &n), "Content-Length: 2000000\r\nExpect: 100-continue\r\n\r\n"));
    lb.at = 0;
    get_with(&(struct fetch_options){ .url = "http://www.shop.test/", .body = &lbody, .headers = no_expect, .n_headers = 1 });
    assert_null(strstr(fetch_sent(f, &n), "xpect"));
    asked[0] = 0;
    b.at = 0;
    assert_int_equal(get_with(&(struct fetch_options){ .url = "http://www.shop.test/to302", .follow = true, .body = &body, .put = true }), 0);
    assert_string_equal(asked, "PUT www.shop.test/to302 +; PUT www.shop.test/ +; ");
    asked[0] = 0;
    assert_int_equal(get_with(&(struct fetch_options){ .url = "http://www.shop.test/to303", .follow = true, .head_only = true }), 0);
    assert_string_equal(asked, "HEAD www.shop.test/to303; HEAD www.shop.test/; ");
    assert_int_equal(get("http://www.shop.test/loop"), 47);
    assert_string_equal(fetch_message(f), "stopped after 50 redirects");
    assert_int_equal(get_with(&(struct fetch_options){ .url = "http://www.shop.test/loop", .follow = true, .max_redirs = 3 }), 47);
    assert_int_equal(get_with(&(struct fetch_options){ .url = "http://www.shop.test/loop" }), 0);
    assert_int_equal(fetch_answer(f)->status, 302);
    assert_int_equal(get("http://www.shop.test/ftp"), 1);
    assert_int_equal(get("http://www.shop.test/tls"), 1);
    assert_string_equal(fetch_message(f), "https is not supported yet: plumb has no TLS");
}

static void credentials_stay(void **state)
{
    (void)state;
    static const char *const headers[] = { "Authorization: Bearer x", "Accept:", "X-A: b" };
    size_t n;
    assert_int_equal(get_with(&(struct fetch_options){ .url = "http://www.shop.test/far", .follow = true, .user = "joe:secret" }), 0);
    assert_string_equal(asked, "GET www.shop.test/far Basic am9lOnNlY3JldA==; GET other.shop.test/; ");
    asked[0] = 0;
    assert_int_equal(get_with(&(struct fetch_options){ .url = "http://www.shop.test/far", .follow = true, .headers = headers, .n_headers = 3 }), 0);
    assert_string_equal(asked, "GET www.shop.test/far Bearer x; GET other.shop.test/; ");
    assert_null(strstr(fetch_sent(f, &n), "Accept"));
    assert_non_null(strstr(fetch_sent(f, &n), "X-A: b\r\n"));
    asked[0] = 0;
    assert_int_equal(get_with(&(struct fetch_options){ .url = "http://a%40b:c@www.shop.test/", .range = "0-1" }), 0);
    assert_string_equal(asked, "GET www.shop.test/ bytes=0-1 Basic YUBiOmM=; ");
}

static void addresses_in_turn(void **state)
{
    (void)state;
    assert_int_equal(get("http://sick.shop.test/"), 0);     /* one is silent, one refuses, the third serves */
    assert_int_equal(m.connects, 3);
    assert_int_equal(m.loop.now_ns, DIAL_ATTEMPT_DELAY_NS);
    assert_string_equal(page, "home\n");
}

static void failures(void **state)
{
    (void)state;
    assert_int_equal(get("http://none.shop.test/"), 6);
    assert_string_equal(fetch_message(f), "could not resolve none.shop.test: no such name (NXDOMAIN)");
    assert_int_equal(get("http://dead.shop.test/"), 7);
    assert_string_equal(fetch_message(f), "could not connect to dead.shop.test port 80: connection refused");
    assert_int_equal(get("http://[::1]:81/"), 7);
    assert_string_equal(fetch_message(f), "could not connect to ::1 port 81: connection refused");
    assert_int_equal(get("http://a b/"), 3);
    assert_int_equal(get("gopher://a/"), 1);
    assert_int_equal(get("https://www.shop.test/"), 1);
    assert_int_equal(get_with(&(struct fetch_options){ .url = "http://silent.shop.test/", .connect_timeout_ns = 1500 * NS_PER_MS }), 28);
    assert_string_equal(fetch_message(f), "connecting to silent.shop.test timed out after 1500 ms");
    assert_int_equal(get_with(&(struct fetch_options){ .url = "http://silent.shop.test/", .max_time_ns = NS_PER_SEC }), 28);
    assert_int_equal(get("http://silent.shop.test/"), 28);
    stub_set_servers(stub, (struct endpoint[]){ { m.silent, 53 } }, 1);
    assert_int_equal(get_with(&(struct fetch_options){ .url = "http://x.shop.test/", .connect_timeout_ns = NS_PER_SEC }), 28);
    assert_string_equal(fetch_message(f), "resolving x.shop.test timed out after 1000 ms");
    assert_int_equal(get("http://x.shop.test/"), 6);
}

/* A kept connection that the server has closed meanwhile costs a new connection, no error. */
static void kept_connections_go_stale(void **state)
{
    (void)state;
    assert_int_equal(get("http://www.shop.test/"), 0);
    fetch_free(f);
    f = NULL;
    assert_int_equal(pool.count, 1);
    memnet_run(&m, NULL, NULL, 100 * NS_PER_SEC);
    assert_int_equal(get("http://www.shop.test/"), 0);
    assert_int_equal(m.connects, 2);
    f = (fetch_free(f), fetch_new(&m.net, stub, &pool, &(struct fetch_options){ .url = "http://www.shop.test/" }));
    memnet_turn(&m);                    /* let go of under way */
    f = (fetch_free(f), fetch_new(&m.net, stub, NULL, &(struct fetch_options){ .url = "http://www.shop.test/" }));
}

#define WITH(t) cmocka_unit_test_setup_teardown(t, up, down)
int main(void)
{
    const struct CMUnitTest all[] = { WITH(gets), WITH(redirects), WITH(credentials_stay), WITH(addresses_in_turn), WITH(failures),
                                      WITH(kept_connections_go_stale) };
    return cmocka_run_group_tests(all, NULL, NULL);
}
