#include "http/client.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXPECT_ABOVE = 1024 * 1024, CHUNK = 16384, INTERIM_MAX = 20 };
#define EXPECT_WAIT_NS NS_PER_SEC

enum upload { NOTHING, HELD, FLOWING, SENT };       /* HELD: for 100 (Continue) */

struct http_client {
    struct net       *net;
    struct stream    *stream;
    struct loop_task  owner;
    struct loop_timer expect;
    enum http_phase   phase;
    enum http_error   error;
    const char       *detail;
    struct h1         h1;
    struct outbuf     out, head;        /* head: as it was sent */
    struct http_source *body;
    enum upload       upload;
    uint64_t          sent, body_left, received;
    uint32_t          head_bytes, requests, interim;
    bool              chunked, any_answer, close_after;
    char              line[160];        /* the request line, for the event */
};

static void notify(struct http_client *c)
{
    if (c->owner.fn)
        loop_defer(c->net->loop, &c->owner);
}

static void fail(struct http_client *c, enum http_error e, const char *detail)
{
    if (c->phase == HTTP_FAILED)
        return;
    c->phase = HTTP_FAILED;
    c->error = e;
    c->detail = detail;
    loop_cancel(c->net->loop, &c->expect);
    notify(c);
}

/* ---------------------------------------------------------------- sending */

/* From the source into the stream, as it has room. */
static void send_plain(struct http_client *c)
{
    size_t room;
    for (uint8_t *to; c->body_left && (to = stream_reserve(c->stream, &room));) {
        bool ended = false, failed = false;
        const size_t n = c->body->read(c->body->arg, to, room < c->body_left ? room : (size_t)c->body_left, &ended, &failed);
        stream_commit(c->stream, n);
        c->sent += n;
        c->body_left -= n;
        if (failed || (ended && c->body_left)) {
            fail(c, HTTP_READ, "the request body ended early");
            return;
        }
        if (n == 0)
            return;
    }
    if (c->body_left == 0)
        c->upload = SENT;
}

static void send_chunks(struct http_client *c)
{
    uint8_t piece[CHUNK];
    while (c->upload == FLOWING && outbuf_push(&c->out, c->stream)) {
        bool ended = false, failed = false;
        const size_t n = c->body->read(c->body->arg, piece, sizeof piece, &ended, &failed);
        if (failed) {
            fail(c, HTTP_READ, "the request body could not be read");
            return;
        }
        if (!h1_write_chunk(&c->out, piece, n) || (ended && !h1_write_last_chunk(&c->out))) {
            fail(c, HTTP_MEMORY, "the request body");
            return;
        }
        c->sent += n;
        if (ended)
            c->upload = SENT;
        else if (n == 0)
            return;
    }
    if (c->upload == SENT)
        outbuf_push(&c->out, c->stream);
}

static void trace_request(struct http_client *c)
{
    if (c->net->trace)
        TRACE_BYTES(c->net->trace, loop_now(c->net->loop), stream_conn(c->stream), http_request, c->line, (uint32_t)strlen(c->line),
                    .header_bytes = c->head_bytes);
}

static void send_more(struct http_client *c)
{
    if (stream_state(c->stream) != STREAM_OPEN)
        return;
    const size_t before = outbuf_len(&c->out);
    const bool all = outbuf_push(&c->out, c->stream);
    if (c->phase == HTTP_SENDING) {
        c->sent += before - outbuf_len(&c->out);
        if (!all)
            return;
        c->phase = HTTP_WAITING;
        trace_request(c);
        notify(c);
        if (c->upload == HELD)
            loop_arm_in(c->net->loop, &c->expect, EXPECT_WAIT_NS);
    }
    if (c->upload == FLOWING && c->chunked)
        send_chunks(c);
    else if (c->upload == FLOWING)
        send_plain(c);
}

/* -------------------------------------------------------------- receiving */

static void trace_head(struct http_client *c)
{
    char line[160];
    if (!c->net->trace)
        return;
    const int n = snprintf(line, sizeof line, "HTTP/1.%d %d %s", c->h1.minor, c->h1.status, c->h1.reason);
    TRACE_BYTES(c->net->trace, loop_now(c->net->loop), stream_conn(c->stream), http_head, line,
                n < (int)sizeof line ? (uint32_t)n : (uint32_t)sizeof line - 1, .status = (uint16_t)c->h1.status);
}

static void got_head(struct http_client *c)
{
    trace_head(c);
    if (c->h1.status == 101) {
        fail(c, HTTP_REPLY, "the server switched protocols unasked");
        return;
    }
    if (c->h1.status < 200) {                           /* interim: RFC 9110 §15.2 */
        if (++c->interim > INTERIM_MAX)
            fail(c, HTTP_REPLY, "the server sends interim answers without end");
        if (c->h1.status == 100 && c->upload == HELD)
            c->upload = FLOWING;
        return;
    }
    /* a final answer while the body is held or an error while it flows: the rest is not wanted */
    if (c->upload == HELD || (c->upload == FLOWING && c->h1.status >= 300)) {
        c->upload = SENT;
        c->close_after = true;
        outbuf_clear(&c->out);
    }
    c->phase = HTTP_BODY;
    notify(c);
}

static void got_end(struct http_client *c)
{
    if (c->h1.status < 200) {
        const bool head_only = c->h1.head_only;
        h1_next(&c->h1);
        c->h1.head_only = head_only;
        return;
    }
    c->phase = HTTP_DONE;
    loop_cancel(c->net->loop, &c->expect);
    if (c->net->trace)
        TRACE(c->net->trace, loop_now(c->net->loop), stream_conn(c->stream), http_done, .body_bytes = c->received);
    notify(c);
}

static void got_bad(struct http_client *c)
{
    const char *text = h1_error_text(c->h1.error);
    if (c->h1.error == H1_TRUNCATED)
        fail(c, c->phase == HTTP_BODY ? HTTP_PARTIAL : HTTP_RECEIVE, text);
    else if (c->h1.error == H1_HTTP09)
        fail(c, HTTP_OLD, text);
    else if (c->h1.error == H1_NO_MEMORY)
        fail(c, HTTP_MEMORY, text);
    else
        fail(c, c->h1.error == H1_CHUNK || c->h1.error == H1_HEAD_LARGE ? HTTP_RECEIVE : HTTP_REPLY, text);
}

/* Nothing more will come. */
static void got_eof(struct http_client *c)
{
    if (stream_state(c->stream) == STREAM_FAILED) {
        const enum plumb_err e = stream_error(c->stream);
        fail(c, c->phase == HTTP_SENDING ? HTTP_SEND : e == PLUMB_TIMED_OUT ? HTTP_TIMEOUT : HTTP_RECEIVE, plumb_err_text(e));
        return;
    }
    const enum h1_event e = h1_eof(&c->h1);
    if (e == H1_END)
        got_end(c);
    else if (e == H1_BAD)
        got_bad(c);
    else
        fail(c, HTTP_EMPTY, "no byte of an answer");
}

/* Parses what has come, up to body bytes the owner has to take. */
static void receive(struct http_client *c)
{
    while (c->phase == HTTP_WAITING || c->phase == HTTP_BODY || c->phase == HTTP_SENDING) {
        size_t len, used;
        const uint8_t *bytes = stream_peek(c->stream, &len);
        if (len)
            c->any_answer = true;
        const enum h1_event e = h1_step(&c->h1, bytes ? bytes : (const uint8_t *)"", len, &used);
        if (used)
            stream_consume(c->stream, used);
        if (e == H1_DATA)
            return;
        if (e == H1_HEAD)
            got_head(c);
        else if (e == H1_END && c->upload == FLOWING && c->h1.status >= 200)
            return;                                     /* the answer is complete, our body is not */
        else if (e == H1_END)
            got_end(c);
        else if (e == H1_BAD)
            got_bad(c);
        else if (used == 0 && len == 0) {
            if (stream_ended(c->stream) || stream_state(c->stream) == STREAM_FAILED)
                got_eof(c);
            return;
        }
    }
}

static void on_stream(void *arg)
{
    struct http_client *c = arg;
    if (c->phase == HTTP_IDLE || c->phase == HTTP_DONE || c->phase == HTTP_FAILED)
        return;
    if (stream_state(c->stream) == STREAM_CONNECTING)
        return;
    if (stream_state(c->stream) == STREAM_FAILED && c->requests == 1 && c->sent == 0) {
        fail(c, stream_error(c->stream) == PLUMB_TIMED_OUT ? HTTP_TIMEOUT : HTTP_CONNECT, plumb_err_text(stream_error(c->stream)));
        return;
    }
    send_more(c);
    receive(c);
    if (c->upload == FLOWING) {                         /* 100 (Continue) came */
        send_more(c);
        receive(c);
    }
    if (c->phase == HTTP_BODY)
        notify(c);
}

static void on_expect_over(void *arg)
{
    struct http_client *c = arg;
    if (c->upload == HELD)
        c->upload = FLOWING;
    on_stream(c);
}

/* -------------------------------------------------------------- the owner */

struct http_client *http_client_new(struct net *n, struct stream *s)
{
    struct http_client *c = calloc(1, sizeof *c);
    if (!c) {
        stream_abort(s);
        return NULL;
    }
    c->net = n;
    c->stream = s;
    c->detail = "";
    c->expect = (struct loop_timer){ .fn = on_expect_over, .arg = c };
    h1_init(&c->h1, H1_RESPONSE);
    stream_watch(s, on_stream, c);
    return c;
}

void http_client_free(struct http_client *c)
{
    if (!c)
        return;
    loop_cancel(c->net->loop, &c->expect);
    loop_undefer(&c->owner);
    stream_watch(c->stream, NULL, NULL);
    if (c->phase == HTTP_IDLE || c->phase == HTTP_DONE)
        stream_close(c->stream);
    else
        stream_abort(c->stream);
    h1_fini(&c->h1);
    outbuf_fini(&c->out);
    outbuf_fini(&c->head);
    free(c);
}

void http_client_watch(struct http_client *c, loop_fn *fn, void *arg)
{
    loop_undefer(&c->owner);
    c->owner.fn = fn;
    c->owner.arg = arg;
}

static bool write_head(struct http_client *c, const struct http_request *r)
{
    struct headers h = { 0 };
    char length[24];
    bool ok = headers_copy(&h, r->headers);
    if (c->body && c->body->length >= 0) {
        snprintf(length, sizeof length, "%lld", (long long)c->body->length);
        ok = ok && headers_add(&h, "Content-Length", length);
    } else if (c->body) {
        ok = ok && headers_add(&h, "Transfer-Encoding", "chunked");
    }
    if (c->upload == HELD)
        ok = ok && headers_add(&h, "Expect", "100-continue");
    outbuf_clear(&c->head);
    ok = ok && h1_write_request(&c->head, r->method, r->target, &h) && outbuf_put(&c->out, outbuf_text(&c->head), outbuf_len(&c->head));
    headers_fini(&h);
    return ok;
}

enum plumb_err http_client_start(struct http_client *c, const struct http_request *r)
{
    if (c->phase != HTTP_IDLE && !http_client_reusable(c))
        return PLUMB_INVALID;
    h1_next(&c->h1);
    c->h1.head_only = strcmp(r->method, "HEAD") == 0;
    c->body = r->body;
    c->chunked = c->body && c->body->length < 0;
    c->body_left = c->body && !c->chunked ? (uint64_t)c->body->length : 0;
    c->upload = !c->body ? NOTHING : !r->no_expect && (c->chunked || c->body->length > EXPECT_ABOVE) ? HELD : FLOWING;
    c->sent = c->received = 0;
    c->interim = 0;
    c->any_answer = false;
    c->requests++;
    outbuf_clear(&c->out);
    snprintf(c->line, sizeof c->line, "%s %s HTTP/1.1", r->method, r->target);
    if (!write_head(c, r))
        return PLUMB_NO_MEMORY;
    c->head_bytes = (uint32_t)outbuf_len(&c->out);
    c->phase = HTTP_SENDING;
    if (c->stream->watch.fn)
        loop_defer(c->net->loop, &c->stream->watch);
    return PLUMB_OK;
}

const char *http_client_request(const struct http_client *c, size_t *len)
{
    *len = outbuf_len(&c->head);
    return *len ? outbuf_text(&c->head) : "";
}

enum http_phase http_client_phase(const struct http_client *c)      { return c->phase; }
enum http_error http_client_error(const struct http_client *c)      { return c->error; }
const char *http_client_detail(const struct http_client *c)         { return c->detail; }
const struct h1 *http_client_answer(const struct http_client *c)    { return &c->h1; }
struct stream *http_client_stream(struct http_client *c)            { return c->stream; }
uint64_t http_client_sent(const struct http_client *c)              { return c->sent; }

/* Bytes nobody asked for make a connection unusable too: they would be taken for the next answer. */
bool http_client_reusable(const struct http_client *c)
{
    size_t unasked;
    return c->phase == HTTP_DONE && c->h1.keep_alive && !c->close_after && stream_state(c->stream) == STREAM_OPEN
        && !stream_peek(c->stream, &unasked) && !stream_ended(c->stream);
}

bool http_client_stale(const struct http_client *c)
{
    return c->phase == HTTP_FAILED && c->requests > 1 && !c->any_answer;
}

const uint8_t *http_client_peek(struct http_client *c, size_t *len)
{
    *len = 0;
    if (c->phase != HTTP_BODY)
        return NULL;
    receive(c);
    if (c->phase != HTTP_BODY || c->h1.data_len == 0)
        return NULL;
    size_t have;
    const uint8_t *bytes = stream_peek(c->stream, &have);
    *len = have < c->h1.data_len ? have : c->h1.data_len;
    return bytes;
}

void http_client_consume(struct http_client *c, size_t n)
{
    if (n == 0 || n > c->h1.data_len)
        return;
    h1_took(&c->h1, n);
    stream_consume(c->stream, n);
    c->received += n;
    receive(c);
}
