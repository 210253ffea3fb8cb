#include "../memnet.h"
#include "../test.h"
#include "http/server.h"
#include <stdio.h>
#include <stdlib.h>

/* /hello answers at once; /echo gives the body back; /stream has no known length; others are left to the server. */
static struct memnet m;
static struct http_server *server;
static int heads, dones;
static struct outbuf echoed;

static size_t counting_read(void *arg, uint8_t *to, size_t max, bool *ended, bool *failed)
{
    int *left = arg;
    (void)failed;
    const size_t n = (size_t)*left < max ? (size_t)*left : max;
    memset(to, 's', n);
    *left -= (int)n;
    *ended = *left == 0;
    return n;
}
static void on_head(void *arg, struct http_exchange *x)
{
    static int left;
    (void)arg;
    heads++;
    outbuf_clear(&echoed);
    if (strcmp(x->path, "/hello") == 0) {
        struct http_answer a = { .status = 200, .body = http_source_copy("hello\n", 6) };
        http_respond(x, &a);
    } else if (strcmp(x->path, "/stream") == 0) {
        left = 40000;
        struct http_answer a = { .status = 200, .body = { .length = -1, .read = counting_read, .arg = &left } };
        http_respond(x, &a);
    } else if (strcmp(x->path, "/short") == 0) {
        left = 10;
        struct http_answer a = { .status = 200, .body = { .length = 20, .read = counting_read, .arg = &left } };
        http_respond(x, &a);
    } else if (strcmp(x->path, "/big") == 0) {
        left = 100000;
        struct http_answer a = { .status = 200, .body = { .length = 100000, .read = counting_read, .arg = &left } };
        http_respond(x, &a);
    } else if (strcmp(x->path, "/no") == 0) {
        http_respond_with(x, 405, "Allow", "GET");
    }
}
static void on_data(void *arg, struct http_exchange *x, const uint8_t *bytes, size_t len)
{
    (void)arg; (void)x;
    outbuf_put(&echoed, bytes, len);
}
static void on_end(void *arg, struct http_exchange *x)
{
    (void)arg;
    if (strcmp(x->path, "/echo") != 0)
        return;
    struct http_answer a = { .status = 200, .body = http_source_copy(outbuf_text(&echoed), outbuf_len(&echoed)) };
    http_respond(x, &a);
}
static void on_done(void *arg, struct http_exchange *x) { (void)arg; (void)x; dones++; }

static int up(void **state)
{
    (void)state;
    memnet_init(&m);
    heads = dones = 0;
    const struct http_server_config cfg = { .handler = { on_head, on_data, on_end, on_done, NULL }, .max_conns = 3, .max_body = 5000 };
    server = http_server_new(&m.net, &cfg);
    struct listener *l;
    assert_int_equal(net_listen(&m.net, &(struct listen_opts){ .local = { .port = 80 } }, &l), PLUMB_OK);
    assert_true(http_server_listen(server, l));
    return 0;
}
static int down(void **state)
{
    (void)state;
    http_server_free(server);
    outbuf_fini(&echoed);
    memnet_fini(&m);
    return 0;
}

static struct stream *dial(void)
{
    struct stream *s;
    assert_int_equal(net_connect(&m.net, &(struct connect_opts){ .remote = { addr4(0x0a000001), 80 } }, &s), PLUMB_OK);
    memnet_turn(&m);
    return s;
}
static char got[200000];
static size_t got_len;
static void take(struct stream *s)
{
    for (int quiet = 0; quiet < 3;) {
        memnet_turn(&m);
        const size_t n = stream_read(s, got + got_len, sizeof got - 1 - got_len);
        got_len += n;
        quiet = n ? 0 : quiet + 1;
    }
    got[got_len] = 0;
}
/* Sends, with what the answer needs in between; the answer, and whether the server closed. */
static const char *say(struct stream *s, const char *text, size_t len)
{
    got_len = 0;
    for (size_t at = 0; at < len;) {
        const size_t n = stream_write(s, text + at, len - at);
        at += n;
        take(s);
        if (n == 0)
            break;
    }
    take(s);
    return got;
}
static const char *ask(struct stream *s, const char *text) { return say(s, text, strlen(text)); }
/* One request on a connection of its own. */
static const char *once(const char *text)
{
    struct stream *s = dial();
    ask(s, text);
    stream_close(s);
    memnet_turn(&m);
    return got;
}
static int count(const char *in, const char *what)
{
    int n = 0;
    for (; (in = strstr(in, what)); in += strlen(what))
        n++;
    return n;
}
static void expect(const char *answer, const char *begin, const char *has)
{
    if (strncmp(answer, begin, strlen(begin)) != 0 || !strstr(answer, has))
        fail_msg("wanted %s ... %s, got %.300s", begin, has, answer);
}

static void answers(void **state)
{
    (void)state;
    const char *a = once("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_string_equal(a, "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: plumb\r\nContent-Length: 6\r\n\r\nhello\n");
    expect(once("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 200 OK", "Content-Length: 6\r\n\r\n");
    assert_null(strstr(got, "hello\n"));
    expect(once("GET http://a.test/hello?x HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 200 OK", "hello\n");
    expect(once("GET /none HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 404 Not Found", "404 Not Found\n");
    expect(once("GET /hello HTTP/1.0\r\n\r\n"), "HTTP/1.1 200 OK", "Connection: close");
    expect(once("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), "HTTP/1.1 200 OK", "Connection: keep-alive");
    expect(once("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 200 OK", "\r\n0\r\n\r\n");
    expect(got, "HTTP/1.1 200", "Transfer-Encoding: chunked");
    expect(once("GET /stream HTTP/1.0\r\n\r\n"), "HTTP/1.1 200 OK", "sss");
    assert_null(strstr(got, "chunked"));
    assert_int_equal(strlen(strstr(got, "\r\n\r\n") + 4), 40000);
    assert_int_equal(heads, dones);
}

static void keeps_and_pipelines(void **state)
{
    (void)state;
    struct stream *s = dial();
    ask(s, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /stream HTTP/1.1\r\nHost: a\r\n\r\n"
           "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(count(got, "HTTP/1.1 200 OK"), 4);
    assert_non_null(strstr(got, "\r\n\r\nabcHTTP/1.1"));
    assert_string_equal(got + got_len - 6, "hello\n");
    ask(s, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwxyz\r\n0\r\n\r\n");
    expect(got, "HTTP/1.1 200 OK", "\r\n\r\nwxyz");
    ask(s, "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect(got, "HTTP/1.1 200 OK", "Connection: close");
    assert_true(stream_ended(s));
    stream_close(s);
    memnet_turn(&m);
    assert_int_equal(http_server_conns(server), 0);
}

static void refuses_for_true_reasons(void **state)
{
    (void)state;
    static char big[80000];
    static const struct { const char *in, *status; } rows[] = {
        { "GET /hello HTTP/1.1\nHost: a\n\n", "400" }, { "GET /hello HTTP/1.1\r\n\r\n", "400" }, { "GET hello HTTP/1.1\r\nHost: a\r\n\r\n", "400" },
        { "GET /hello\r\n", "400" }, { "GET /hello HTTP/2.0\r\nHost: a\r\n\r\n", "505" }, { "BREW /hello HTTP/1.1\r\nHost: a\r\n\r\n", "501" },
        { "GET /no HTTP/1.1\r\nHost: a\r\n\r\n", "405" }, { "POST /echo HTTP/1.1\r\nHost: a\r\n\r\n", "411" },
        { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5001\r\n\r\n", "413" },
        { "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400" },
        { "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 1\r\n\r\n", "417" },
        { "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char want[16];
        snprintf(want, sizeof want, "HTTP/1.1 %s", rows[i].status);
        expect(once(rows[i].in), want, "Content-Length");
    }
    memset(big, 'a', sizeof big - 1);
    memcpy(big, "GET /", 5);
    expect(once(big), "HTTP/1.1 414", "Connection: close");
    memcpy(big, "GET / HTTP/1.1\r\nX: ", 19);
    expect(once(big), "HTTP/1.1 431", "Connection: close");
    int n = snprintf(big, sizeof big, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n");
    memset(big + n, 'b', 6000);
    snprintf(big + n + 5000, 100, "\r\n5\r\nhello\r\n0\r\n\r\n");
    expect(once(big), "HTTP/1.1 413", "Connection: close");
    assert_int_equal(heads, dones);
    expect(once("GET /short HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 200", "Content-Length: 20");    /* and then a reset, never padding */
    expect(once("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 404", "");
}

static void expects_100(void **state)
{
    (void)state;
    struct stream *s = dial();
    ask(s, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_string_equal(got, "HTTP/1.1 100 Continue\r\n\r\n");
    expect(ask(s, "hi"), "HTTP/1.1 200 OK", "\r\n\r\nhi");
    ask(s, "POST /no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    expect(got, "HTTP/1.1 405", "Connection: close");
    stream_close(s);
}

static void slow_peers_are_cut(void **state)
{
    (void)state;
    struct stream *idle = dial(), *head = dial(), *body = dial();
    ask(head, "GET /hello HTTP/1.1\r\nHo");
    ask(body, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n");
    for (int i = 0; i < 25; i++) {                      /* a byte a second is no progress to speak of */
        memnet_run(&m, NULL, NULL, NS_PER_SEC);
        if (i < 19)
            ask(head, "s");
        if (i == 18)
            assert_int_equal(got_len, 0);
        ask(body, "x");
    }
    got_len = 0;
    take(head);
    expect(got, "HTTP/1.1 408", "Connection: close");
    for (int i = 0; i < 10; i++) {
        memnet_run(&m, NULL, NULL, NS_PER_SEC);
        ask(body, "x");
        if (got_len)
            break;
    }
    expect(got, "HTTP/1.1 408", "did not arrive in time");
    assert_false(stream_ended(idle));
    memnet_run(&m, NULL, NULL, 40 * NS_PER_SEC);
    assert_true(stream_ended(idle));
    assert_int_equal(http_server_conns(server), 0);
    stream_close(head);
    stream_close(body);
    stream_close(idle);
    struct stream *reader = dial();                     /* asks and never reads */
    stream_write(reader, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n", 30);
    memnet_run(&m, NULL, NULL, 31 * NS_PER_SEC);
    assert_int_equal(stream_error(reader), PLUMB_RESET);
    stream_close(reader);
}

static void idle_ones_give_way(void **state)
{
    (void)state;
    struct stream *s[5];
    for (int i = 0; i < 5; i++)
        s[i] = dial();
    memnet_turn(&m);
    assert_int_equal(http_server_conns(server), 3);
    assert_true(stream_ended(s[0]) && stream_ended(s[1]) && !stream_ended(s[2]));
    expect(ask(s[4], "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"), "HTTP/1.1 200", "hello");
    for (int i = 0; i < 5; i++)
        stream_close(s[i]);
}

static bool stopped;
static void on_stopped(void *arg) { (void)arg; stopped = true; }
static void stops_gracefully(void **state)
{
    (void)state;
    stopped = false;
    struct stream *idle = dial(), *busy = dial();
    stream_write(busy, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n", 30);
    memnet_turn(&m);
    http_server_watch(server, on_stopped, NULL);
    http_server_stop(server);
    memnet_turn(&m);
    assert_true(stream_ended(idle));
    assert_false(stopped);
    stream_close(idle);
    struct stream *late = dial();
    assert_int_equal(stream_error(late), PLUMB_REFUSED);
    stream_close(late);
    got_len = 0;
    take(busy);
    assert_int_equal(strlen(strstr(got, "\r\n\r\n") + 4), 100000);
    assert_true(stream_ended(busy));
    stream_close(busy);
    memnet_turn(&m);
    assert_true(stopped);
}

static void bad_pipelines_end_it(void **state)
{
    (void)state;
    struct stream *s = dial();
    ask(s, "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(count(got, "HTTP/1.1 "), 2);
    assert_non_null(strstr(got, "400 Bad Request: a line ends in a bare line feed\n"));
    assert_true(stream_ended(s));
    stream_close(s);
    s = dial();                                         /* half-closed by the client, who still wants its answers */
    stream_write(s, "GET /hello HTTP/1.1\r\nHost: a\r\n\r\nGET /big HTTP/1.1\r\nHost: a\r\n\r\n", 62);
    stream_shutdown(s);
    got_len = 0;
    take(s);
    assert_int_equal(count(got, "HTTP/1.1 200"), 2);
    assert_true(got_len > 100000 && stream_ended(s));
    stream_close(s);
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, up, down)
int main(void)
{
    const struct CMUnitTest all[] = { WITH(answers), WITH(keeps_and_pipelines), WITH(refuses_for_true_reasons), WITH(expects_100),
                                      WITH(slow_peers_are_cut), WITH(idle_ones_give_way), WITH(stops_gracefully), WITH(bad_pipelines_end_it) };
    return cmocka_run_group_tests(all, NULL, NULL);
}
