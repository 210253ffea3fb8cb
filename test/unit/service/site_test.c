#include "../memnet.h"
#include "../test.h"
#include "service/memtree.h"
#include "service/site.h"
#include <stdio.h>

static struct memnet m;
static struct http_server *server;
static struct site site;
static const struct memfile files[] = {
    { "index.html", "<p>home</p>", 11 }, { "docs/a b.txt", "alpha", 5 }, { "docs/x&y.html", "<x>", 3 }, { "docs/deep/z.js", "z", 1 },
    { "docs/deep/y.bin", "y", 1 }, { "big.bin", NULL, 100000 }, { "empty", "", 0 },
};
static struct memtree memory = { files, 7, INT64_C(784111777) * NS_PER_SEC };
static char got[300000];

static int up(void **state)
{
    struct listener *l;
    (void)state;
    memnet_init(&m);
    m.buffer = 5000;
    site = (struct site){ .tree = memtree_tree(&memory) };
    server = http_server_new(&m.net, &(struct http_server_config){ .handler = site_handler(&site) });
    assert_int_equal(net_listen(&m.net, &(struct listen_opts){ .local = { .port = 80 } }, &l), PLUMB_OK);
    assert_true(http_server_listen(server, l));
    return 0;
}
static int down(void **state)
{
    (void)state;
    http_server_free(server);
    memnet_fini(&m);
    return 0;
}

/* One request with these header lines; the whole answer. */
static const char *ask(const char *method, const char *target, const char *lines)
{
    struct stream *s;
    char request[9000];
    size_t at = 0;
    assert_int_equal(net_connect(&m.net, &(struct connect_opts){ .remote = { addr4(1), 80 } }, &s), PLUMB_OK);
    memnet_turn(&m);
    const int n = snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n%s\r\n", method, target, lines);
    size_t sent = 0;
    while (sent < (size_t)n) {
        sent += stream_write(s, request + sent, (size_t)n - sent);
        memnet_turn(&m);
    }
    while (!stream_ended(s)) {
        at += stream_read(s, got + at, sizeof got - 1 - at);
        memnet_turn(&m);
        assert_true(at < sizeof got - 1 && stream_state(s) == STREAM_OPEN);
    }
    got[at] = 0;
    stream_close(s);
    memnet_turn(&m);
    return got;
}
static const char *get(const char *target) { return ask("GET", target, ""); }
static void expect(const char *answer, int status, const char *has)
{
    char want[32];
    snprintf(want, sizeof want, "HTTP/1.1 %d ", status);
    if (strncmp(answer, want, strlen(want)) != 0 || !strstr(answer, has))
        fail_msg("wanted %d ... %s, got %.600s", status, has, answer);
}
static const char *body(const char *answer) { return strstr(answer, "\r\n\r\n") + 4; }

static void serves(void **state)
{
    (void)state;
    expect(get("/"), 200, "Content-Type: text/html; charset=utf-8\r\n");
    assert_string_equal(body(got), "<p>home</p>");
    expect(got, 200, "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n");
    expect(get("/?x=/../y"), 200, "home");
    expect(get("/docs/a%20b.txt"), 200, "alpha");
    expect(get("//docs///./a%20b.txt"), 200, "alpha");
    expect(get("/docs/deep/z.js"), 200, "text/javascript");
    expect(get("/docs/deep/y.bin"), 200, "application/octet-stream");
    expect(get("/empty"), 200, "Content-Length: 0\r\n");
    expect(get("/none"), 404, "404 Not Found");
    expect(get("/empty/"), 404, "");
    expect(get("/empty/x"), 404, "");
    expect(ask("HEAD", "/big.bin", ""), 200, "Content-Length: 100000\r\n");
    assert_string_equal(body(got), "");
    expect(ask("POST", "/", ""), 405, "Allow: GET, HEAD, OPTIONS\r\n");
    expect(ask("OPTIONS", "*", ""), 204, "Allow: ");
    expect(get("/big.bin"), 200, "Content-Length: 100000\r\n");
    for (size_t i = 0; i < 100000; i++)
        assert_true((uint8_t)body(got)[i] == memtree_pattern(i));
}

static void never_leaves(void **state)
{
    (void)state;
    static const char *const bad[] = { "/..", "/../x", "/docs/../../x", "/docs/..", "/%2e%2e/x", "/docs/.%2E/index.html", "/docs%2fa", "/docs/%00", "/%zz", "/a%" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect(get(bad[i]), 400, "");
    char out[20];
    assert_false(site_path("/0123456789/0123456789", out, sizeof out));
    assert_true(site_path("/0123456/0123456", out, sizeof out));
    assert_string_equal(out, "0123456/0123456");
}

static void directories(void **state)
{
    (void)state;
    expect(get("/docs?q"), 301, "Location: /docs/?q\r\n");
    expect(get("//docs/deep"), 301, "Location: /docs/deep/\r\n");
    expect(get("/docs/"), 200, "<a href=\"./a%20b.txt\">a b.txt</a>");
    expect(got, 200, "<a href=\"./x%26y.html\">x&amp;y.html</a>");
    expect(got, 200, "<a href=\"./deep/\">deep/</a>");
    assert_null(strstr(strstr(got, "deep/</a>") + 1, "deep/</a>"));
    site.no_listing = true;
    expect(get("/docs/"), 403, "");
}

static void conditions_and_ranges(void **state)
{
    char etag[60], lines[300], boundary[60];
    (void)state;
    get("/big.bin");
    assert_int_equal(sscanf(strstr(got, "ETag: "), "ETag: %59s", etag), 1);
    snprintf(lines, sizeof lines, "If-None-Match: %s\r\n", etag);
    expect(ask("GET", "/big.bin", lines), 304, "ETag: ");
    assert_null(strstr(got, "Content-Length"));
    expect(ask("HEAD", "/big.bin", lines), 304, "");
    expect(ask("GET", "/big.bin", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), 304, "");
    expect(ask("GET", "/big.bin", "If-Match: \"x\"\r\n"), 412, "");
    expect(ask("GET", "/big.bin", "Range: bytes=10-19\r\n"), 206, "Content-Range: bytes 10-19/100000\r\n");
    expect(got, 206, "Content-Length: 10\r\n");
    for (size_t i = 0; i < 10; i++)
        assert_true((uint8_t)body(got)[i] == memtree_pattern(i + 10));
    expect(ask("GET", "/big.bin", "Range: bytes=100000-\r\n"), 416, "Content-Range: bytes */100000\r\n");
    expect(ask("GET", "/docs/a%20b.txt", "Range: bytes=0-0,-1\r\n"), 206, "Content-Type: multipart/byteranges; boundary=");
    assert_int_equal(sscanf(strstr(got, "boundary="), "boundary=%59s", boundary), 1);
    char want[500];
    sprintf(want, "\r\n--%s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 0-0/5\r\n\r\na\r\n--%s\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 4-4/5\r\n\r\na\r\n--%s--\r\n", boundary, boundary, boundary);
    assert_string_equal(body(got), want);
    snprintf(lines, sizeof lines, "Range: bytes=0-0\r\nIf-Range: %s\r\n", etag);
    expect(ask("GET", "/big.bin", lines), 206, "");
    expect(ask("GET", "/big.bin", "Range: bytes=0-0\r\nIf-Range: \"old\"\r\n"), 200, "Content-Length: 100000");
}

#define WITH(t) cmocka_unit_test_setup_teardown(t, up, down)
int main(void)
{
    const struct CMUnitTest all[] = { WITH(serves), WITH(never_leaves), WITH(directories), WITH(conditions_and_ranges) };
    return cmocka_run_group_tests(all, NULL, NULL);
}
