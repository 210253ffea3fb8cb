#include "../test.h"
#include "http/h1.h"
#include <stdio.h>
#include <stdlib.h>

/* What a message comes to, as text; given in pieces of `piece` bytes. */
static char told[8192];
static char body[8192];

static enum h1_event run(struct h1 *p, const char *in, size_t len, size_t piece, size_t *taken)
{
    size_t at = 0, end = 0, body_len = 0;
    enum h1_event e = H1_MORE;
    told[0] = body[0] = 0;
    for (;;) {
        size_t used;
        uint8_t *copy = malloc(end - at + 1);           /* its own block, so that ASan sees every overrun */
        memcpy(copy, in + at, end - at);
        e = h1_step(p, copy, end - at, &used);
        if (e == H1_DATA) {
            const size_t n = p->data_len > 3 ? p->data_len - 1 : p->data_len;
            memcpy(body + body_len, copy + used, n);
            body_len += n;
            body[body_len] = 0;
            used += n;
            h1_took(p, n);
        }
        free(copy);
        at += used;
        if (e == H1_HEAD)
            snprintf(told, sizeof told, "%s%s 1.%d%s len=%lld keep=%d n=%u", p->kind == H1_REQUEST ? p->method : "",
                     p->kind == H1_REQUEST ? p->target : p->reason, p->minor, p->chunked ? " chunked" : "",
                     (long long)p->content_length, p->keep_alive, p->headers.count);
        if (e == H1_END || e == H1_BAD)
            break;
        if (e == H1_MORE && end == len) {
            e = h1_eof(p);
            break;
        }
        if (e == H1_MORE)
            end = end + piece < len ? end + piece : len;
    }
    *taken = at;
    return e;
}

static const char *outcome(enum h1_kind kind, bool head_only, const char *in, size_t len, size_t piece)
{
    static char all[20000];
    struct h1 p;
    size_t taken;
    h1_init(&p, kind);
    p.head_only = head_only;
    const enum h1_event e = run(&p, in, len, piece, &taken);
    snprintf(all, sizeof all, "%s|%s|%s", told, body, e == H1_END ? "end" : e == H1_MORE ? "nothing" : h1_error_text(p.error));
    h1_fini(&p);
    return all;
}

static void same_in_any_pieces(enum h1_kind kind, bool head_only, const char *in, const char *want)
{
    static const size_t piece[] = { 1, 2, 3, 7, 100000 };
    for (size_t i = 0; i < sizeof piece / sizeof piece[0]; i++) {
        const char *got = outcome(kind, head_only, in, strlen(in), piece[i]);
        if (strcmp(got, want) != 0)
            fail_msg("in pieces of %zu:\n%s\ngave %s\nnot  %s", piece[i], in, got, want);
    }
}

static void requests(void **state)
{
    (void)state;
    static const struct { const char *in, *out; } rows[] = {
        { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET/ 1.1 len=-1 keep=1 n=1||end" },
        { "\r\n\r\nGET / HTTP/1.0\r\n\r\n", "GET/ 1.0 len=-1 keep=0 n=0||end" },
        { "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET/ 1.0 len=-1 keep=1 n=1||end" },
        { "GET / HTTP/1.1\r\nhost:a\r\nconnection: x, close\r\n\r\n", "GET/ 1.1 len=-1 keep=0 n=2||end" },
        { "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length:  5 \r\n\r\nhelloGET", "POST/x 1.1 len=5 keep=1 n=2|hello|end" },
        { "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\nContent-Length: 5\r\n\r\nhello", "POST/x 1.1 len=5 keep=1 n=3|hello|end" },
        { "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n", "PUT/x 1.1 chunked len=-1 keep=1 n=2|hello!|end" },
        { "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n0A \t;q\r\n0123456789\r\n00\r\nT: 1\r\n\r\n", "PUT/x 1.1 chunked len=-1 keep=1 n=2|0123456789|end" },
        { "", "||nothing" }, { "G", "||the connection ended inside the message" },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell", "POST/ 1.1 len=5 keep=1 n=2|hell|the connection ended inside the message" },
        { "GET / HTTP/1.1\nHost: a\n\n", "||a line ends in a bare line feed" },
        { "GET / HTTP/1.1\r\nHost: a\n\r\n", "||a line ends in a bare line feed" },
        { "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", "||a header is folded over several lines" },
        { "GET / HTTP/1.1\r\nHost: a\r\nX\r: b\r\n\r\n", "||a header is malformed" },
        { "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "||a header is malformed" },
        { "GET / HTTP/1.1\r\nHost\r\n\r\n", "||a header is malformed" },
        { "GET / HTTP/1.1\r\n: a\r\n\r\n", "||a header is malformed" },
        { "GET / HTTP/1.1\r\nHost: a\r\nX: a\x01\r\n\r\n", "||a header is malformed" },
        { "GET /\r\n\r\n", "||HTTP/0.9 is not spoken here" },
        { "GET / HTTP/2.0\r\n\r\n", "||the HTTP version is not one spoken here" },
        { "GET / http/1.1\r\n\r\n", "||the first line is malformed" },
        { "GET  / HTTP/1.1\r\n\r\n", "||the first line is malformed" },
        { "GET / x HTTP/1.1\r\n\r\n", "||the first line is malformed" },
        { "G(T / HTTP/1.1\r\n\r\n", "||the first line is malformed" },
        { "GET / HTTP/1.1\r\n\r\n", "||the Host header is missing, doubled or malformed" },
        { "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "||the Host header is missing, doubled or malformed" },
        { "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "||the Host header is missing, doubled or malformed" },
        { "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", "||Content-Length is not a number" },
        { "GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", "||Content-Length is not a number" },
        { "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", "||Content-Length is not a number" },
        { "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 6\r\n\r\n", "||two Content-Length headers differ" },
        { "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "||Content-Length and Transfer-Encoding are both given" },
        { "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "||the transfer coding is not chunked" },
        { "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "||the transfer coding is not chunked" },
        { "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "||HTTP/1.0 has no transfer coding" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        same_in_any_pieces(H1_REQUEST, false, rows[i].in, rows[i].out);
}

static void bad_chunks(void **state)
{
    (void)state;
    static const char *const bad[] = { "x\r\n", "\r\n", "-1\r\n", "5 x\r\nhello\r\n", "5 \r\nhello\r\n", "10000000000000000\r\n", "ffffffffffffffff\r\n",
                                       "5\nhello\r\n", "0x5\r\nhello\r\n", "5\r\nhelloX\r\n0\r\n\r\n", "5;\x01\r\nhello\r\n" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char in[256];
        snprintf(in, sizeof in, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s", bad[i]);
        const char *got = outcome(H1_RESPONSE, false, in, strlen(in), 2);
        if (!strstr(got, "chunk is malformed") && !strstr(got, "bare line feed"))
            fail_msg("%s: %s", bad[i], got);
    }
}

static void responses(void **state)
{
    (void)state;
    static const struct { const char *in, *out; bool head; } rows[] = {
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "OK 1.1 len=2 keep=1 n=1|hi|end", false },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", "OK 1.1 len=2 keep=1 n=1||end", true },
        { "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", " 1.1 len=0 keep=1 n=1||end", false },
        { "HTTP/1.0 200 Fine thanks\r\n\r\nto the end", "Fine thanks 1.0 len=-1 keep=0 n=0|to the end|end", false },
        { "HTTP/1.1 200 OK\r\n\r\nx", "OK 1.1 len=-1 keep=0 n=0|x|end", false },
        { "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "Not Modified 1.1 len=9 keep=1 n=1||end", false },
        { "HTTP/1.1 100 Continue\r\n\r\n", "Continue 1.1 len=-1 keep=1 n=0||end", false },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", "OK 1.1 chunked len=-1 keep=1 n=1|abc|the connection ended inside the message", false },
        { "<html>\r\n", "||HTTP/0.9 is not spoken here", false },
        { "HTTP/1.1 20 OK\r\n\r\n", "||the first line is malformed", false },
        { "HTTP/1.1 099 OK\r\n\r\n", "||the first line is malformed", false },
        { "HTTP/3.0 200 OK\r\n\r\n", "||the HTTP version is not one spoken here", false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        same_in_any_pieces(H1_RESPONSE, rows[i].head, rows[i].in, rows[i].out);
}

/* Pipelined messages come out one by one, nothing of the next is taken. */
static void one_after_another(void **state)
{
    (void)state;
    const char *in = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nonePOST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "3\r\ntwo\r\n0\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n";
    static const char *const targets[] = { "/1", "/2", "/3" }, *const bodies[] = { "one", "two", "" };
    struct h1 p;
    h1_init(&p, H1_REQUEST);
    size_t at = 0, taken;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(run(&p, in + at, strlen(in) - at, 5, &taken), H1_END);
        assert_string_equal(p.target, targets[i]);
        assert_string_equal(body, bodies[i]);
        at += taken;
        h1_next(&p);
        assert_false(h1_started(&p));
    }
    assert_int_equal(at, strlen(in));
    h1_fini(&p);
}

static void bounds(void **state)
{
    (void)state;
    static char in[200000];
    struct { int fill, status; const char *before; } rows[] = {
        { 9000, 414, "GET /" }, { 100, 501, "" }, { 9000, 501, "" }, { 70000, 431, "GET / HTTP/1.1\r\nHost: a\r\nX: " },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct h1 p;
        size_t taken;
        h1_init(&p, H1_REQUEST);
        const int n = snprintf(in, sizeof in, "%s", rows[i].before);
        memset(in + n, 'A', (size_t)rows[i].fill);
        strcpy(in + n + rows[i].fill, " / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_int_equal(run(&p, in, strlen(in), 4096, &taken), H1_BAD);
        assert_int_equal(h1_error_status(p.error), rows[i].status);
        h1_fini(&p);
    }
    size_t n = (size_t)sprintf(in, "GET / HTTP/1.1\r\nHost: a\r\n");
    while (n < 66000)
        n += (size_t)sprintf(in + n, "X: y\r\n");
    assert_non_null(strstr(outcome(H1_REQUEST, false, in, n, 1000), "larger than 64 KiB"));
    n = (size_t)sprintf(in, "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX: %060000d\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 1);
    assert_non_null(strstr(outcome(H1_REQUEST, false, in, n, 1000), "|abc|end"));
    assert_non_null(strstr(outcome(H1_REQUEST, false, "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 29, 1000), "malformed"));
    assert_non_null(strstr(outcome(H1_REQUEST, false, "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 28, 1000), "malformed"));
}

static void writes(void **state)
{
    (void)state;
    struct outbuf b = { 0 };
    struct headers h = { 0 };
    assert_true(headers_add(&h, "Host", "a") && headers_add(&h, "X", "1") && headers_add(&h, "x", "2, Close") && headers_add(&h, "E", ""));
    assert_true(headers_has_token(&h, "X", "close"));
    assert_false(headers_has_token(&h, "X", "clos"));
    headers_remove(&h, "host");
    assert_null(headers_get(&h, "Host"));
    assert_true(h1_write_request(&b, "PUT", "/", &h) && h1_write_chunk(&b, "0123456789", 10) && h1_write_chunk(&b, "", 0) && h1_write_last_chunk(&b));
    assert_true(outbuf_put(&b, "", 1));
    assert_string_equal(outbuf_text(&b), "PUT / HTTP/1.1\r\nX: 1\r\nx: 2, Close\r\nE:\r\n\r\na\r\n0123456789\r\n0\r\n\r\n");
    outbuf_clear(&b);
    headers_clear(&h);
    assert_true(h1_write_status(&b, 1, 404, &h) && outbuf_put(&b, "", 1));
    assert_string_equal(outbuf_text(&b), "HTTP/1.1 404 Not Found\r\n\r\n");
    outbuf_fini(&b);
    headers_fini(&h);
}

TESTS(requests, bad_chunks, responses, one_after_another, bounds, writes)
