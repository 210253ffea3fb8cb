/* The client against a peer that says exactly what the test wants. */
#include "../memnet.h"
#include "../test.h"
#include "http/client.h"
#include <stdio.h>
#include <stdlib.h>

static struct memnet m;
static struct listener *listener;
static struct stream *peer;
static struct http_client *c;
static struct headers headers;
static int told;
static void on_client(void *arg) { (void)arg; told++; }

static int up(void **state)
{
    (void)state;
    memnet_init(&m);
    told = 0;
    assert_int_equal(net_listen(&m.net, &(struct listen_opts){ .local = { .port = 80 } }, &listener), PLUMB_OK);
    struct stream *s;
    assert_int_equal(net_connect(&m.net, &(struct connect_opts){ .remote = { addr4(1), 80 } }, &s), PLUMB_OK);
    c = http_client_new(&m.net, s);
    http_client_watch(c, on_client, NULL);
    assert_true(headers_add(&headers, "Host", "a.test"));
    return 0;
}
static int down(void **state)
{
    (void)state;
    http_client_free(c);
    stream_close(peer);
    peer = NULL;
    listener_close(listener);
    headers_fini(&headers);
    memnet_fini(&m);
    return 0;
}

static char sent[4096];
static const char *request(const char *method, struct http_source *body)
{
    assert_int_equal(http_client_start(c, &(struct http_request){ .method = method, .target = "/x", .headers = &headers, .body = body }), PLUMB_OK);
    memnet_turn(&m);
    if (!peer)
        peer = listener_accept(listener);
    assert_non_null(peer);
    memnet_turn(&m);
    sent[stream_read(peer, sent, sizeof sent - 1)] = 0;
    return sent;
}
static void reply(const char *text)
{
    assert_int_equal(stream_write(peer, text, strlen(text)), strlen(text));
    memnet_turn(&m);
}
static const char *body(void)
{
    static char all[4096];
    size_t at = 0, n;
    for (const uint8_t *p; (p = http_client_peek(c, &n));) {
        memcpy(all + at, p, n);
        at += n;
        http_client_consume(c, n);
    }
    all[at] = 0;
    return all;
}

static void one_connection_many_requests(void **state)
{
    (void)state;
    assert_string_equal(request("GET", NULL), "GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_int_equal(http_client_phase(c), HTTP_WAITING);
    reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
    assert_int_equal(http_client_phase(c), HTTP_BODY);
    assert_int_equal(http_client_answer(c)->status, 200);
    assert_string_equal(body(), "hel");
    assert_int_equal(http_client_phase(c), HTTP_BODY);
    reply("lo");
    assert_string_equal(body(), "lo");
    assert_int_equal(http_client_phase(c), HTTP_DONE);
    assert_true(http_client_reusable(c));
    request("HEAD", NULL);
    reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    assert_int_equal(http_client_phase(c), HTTP_DONE);
    request("GET", NULL);
    reply("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n");
    assert_string_equal(body(), "abc");
    assert_int_equal(http_client_phase(c), HTTP_DONE);
    request("GET", NULL);
    reply("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    assert_int_equal(http_client_phase(c), HTTP_DONE);
    assert_false(http_client_reusable(c));
    assert_int_equal(http_client_start(c, &(struct http_request){ .method = "GET", .target = "/", .headers = &headers }), PLUMB_INVALID);
    assert_true(told > 0);
}

static void until_close(void **state)
{
    (void)state;
    request("GET", NULL);
    reply("HTTP/1.0 200 OK\r\n\r\nall of");
    assert_string_equal(body(), "all of");
    reply(" it");
    stream_shutdown(peer);
    memnet_turn(&m);
    assert_string_equal(body(), " it");
    assert_int_equal(http_client_phase(c), HTTP_DONE);
    assert_false(http_client_reusable(c));
}

static size_t drip_read(void *arg, uint8_t *to, size_t max, bool *ended, bool *failed)
{
    int *turn = arg;
    (void)max;
    *failed = *turn < 0;
    *ended = ++*turn == 3;
    memcpy(to, "abcdef", 2);
    return 2;
}

static void sends_bodies(void **state)
{
    (void)state;
    static uint8_t bytes[3000];
    struct http_bytes b = { .bytes = bytes, .len = sizeof bytes };
    struct http_source src = http_source_of(&b);
    memset(bytes, 'z', sizeof bytes);
    const char *s = request("PUT", &src);
    size_t got = strlen(strstr(s, "\r\n\r\n")) - 4;
    assert_non_null(strstr(s, "Content-Length: 3000\r\n\r\nzzz"));
    for (int i = 0; i < 20 && got < 3000; i++) {
        memnet_turn(&m);
        got += stream_read(peer, sent, sizeof sent);
    }
    assert_int_equal(got, 3000);
    assert_int_equal(http_client_sent(c), strlen("PUT /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3000\r\n\r\n") + 3000);
    reply("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(http_client_phase(c), HTTP_DONE);
    int turn = 0;
    src = (struct http_source){ .length = -1, .read = drip_read, .arg = &turn };
    s = request("POST", &src);                          /* of unknown length: waits to be asked for */
    assert_string_equal(s, "POST /x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
    reply("HTTP/1.1 100 Continue\r\n\r\n");
    sent[stream_read(peer, sent, sizeof sent - 1)] = 0;
    assert_string_equal(sent, "2\r\nab\r\n2\r\nab\r\n2\r\nab\r\n0\r\n\r\n");
    reply("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_true(http_client_reusable(c));
    turn = 0;
    request("POST", &src);                              /* nobody says 100: sent after a second */
    assert_true(memnet_run(&m, NULL, NULL, 1100 * NS_PER_MS) || true);
    sent[stream_read(peer, sent, sizeof sent - 1)] = 0;
    assert_string_equal(sent, "2\r\nab\r\n2\r\nab\r\n2\r\nab\r\n0\r\n\r\n");
    reply("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    turn = 0;
    request("POST", &src);                              /* refused before a byte of it was sent */
    reply("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(http_client_phase(c), HTTP_DONE);
    assert_false(http_client_reusable(c));
    assert_int_equal(turn, 0);
}

static void a_source_that_fails(void **state)
{
    (void)state;
    int turn = -1;
    struct http_source src = { .length = 100, .read = drip_read, .arg = &turn };
    request("PUT", &src);
    assert_int_equal(http_client_phase(c), HTTP_FAILED);
    assert_int_equal(http_client_error(c), HTTP_READ);
}

/* What each kind of bad answer comes to, as curl's exit number. */
static void failures(void **state)
{
    static const struct { const char *in; int exit; } rows[] = {
        { "", 52 }, { "HTTP/1.1 200 OK\r\nContent-Le", 56 }, { "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 18 },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", 18 }, { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 56 },
        { "<html>hello</html>\r\n", 1 }, { "SSH-2.0-OpenSSH\r\n", 1 }, { "HTTP/2.0 200 OK\r\n\r\n", 8 }, { "HTTP/1.1 101 Switching\r\n\r\n", 8 },
        { "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 8 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        request("GET", NULL);
        reply(rows[i].in);
        stream_shutdown(peer);
        memnet_turn(&m);
        body();
        assert_int_equal(http_client_phase(c), HTTP_FAILED);
        if (http_error_exit(http_client_error(c)) != rows[i].exit)
            fail_msg("%s: %d %s", rows[i].in, http_error_exit(http_client_error(c)), http_client_detail(c));
        assert_true(strlen(http_client_detail(c)) > 0);
        down(state);
        up(state);
    }
    request("GET", NULL);
    reply("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    stream_abort(peer);
    peer = NULL;
    memnet_turn(&m);
    assert_string_equal(body(), "abc");
    assert_int_equal(http_client_error(c), HTTP_RECEIVE);
}

static void stale_connections_are_told(void **state)
{
    (void)state;
    request("GET", NULL);
    reply("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_true(http_client_reusable(c));
    assert_int_equal(http_client_start(c, &(struct http_request){ .method = "GET", .target = "/", .headers = &headers }), PLUMB_OK);
    memnet_turn(&m);
    stream_abort(peer);
    peer = NULL;
    memnet_turn(&m);
    assert_int_equal(http_client_phase(c), HTTP_FAILED);
    assert_true(http_client_stale(c));
}

static void bytes_nobody_asked_for(void **state)
{
    (void)state;
    request("GET", NULL);
    reply("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n");
    assert_int_equal(http_client_phase(c), HTTP_DONE);
    assert_false(http_client_reusable(c));
    down(state);
    up(state);
    request("GET", NULL);
    for (int i = 0; i < 21; i++)
        reply("HTTP/1.1 103 Early Hints\r\n\r\n");
    assert_int_equal(http_client_error(c), HTTP_REPLY);
}

static void early_answers_stop_the_upload(void **state)
{
    (void)state;
    static uint8_t bytes[500000];
    struct http_bytes b = { .bytes = bytes, .len = sizeof bytes };
    struct http_source src = http_source_of(&b);
    request("PUT", &src);
    reply("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
    assert_string_equal(body(), "big");
    assert_int_equal(http_client_phase(c), HTTP_DONE);
    assert_false(http_client_reusable(c));
    assert_true(b.at < 100000);
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, up, down)
int main(void)
{
    const struct CMUnitTest all[] = { WITH(one_connection_many_requests), WITH(until_close), WITH(sends_bodies), WITH(a_source_that_fails),
                                      WITH(failures), WITH(stale_connections_are_told), WITH(bytes_nobody_asked_for), WITH(early_answers_stop_the_upload) };
    return cmocka_run_group_tests(all, NULL, NULL);
}
