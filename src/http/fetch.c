#include "http/fetch_int.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REDIRECTS = 50, PASS_OVER_MAX = 256 * 1024 };
#define CONNECT_TIMEOUT_NS (300 * NS_PER_SEC)

static void begin_hop(struct fetch *f);
static void on_client(void *arg);

static int64_t now(const struct fetch *f) { return loop_now(f->net->loop); }

static void notify(struct fetch *f)
{
    if (f->owner.fn)
        loop_defer(f->net->loop, &f->owner);
}

static void set_phase(struct fetch *f, enum fetch_phase p)
{
    f->phase = p;
    notify(f);
}

static void let_go(struct fetch *f)
{
    dial_free(f->dial);
    f->dial = NULL;
    http_client_free(f->client);
    f->client = NULL;
    loop_cancel(f->net->loop, &f->connecting);
}

static void fail(struct fetch *f, enum http_error e, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void fail(struct fetch *f, enum http_error e, const char *format, ...)
{
    va_list args;
    if (f->phase == FETCH_FAILED || f->phase == FETCH_DONE)
        return;
    f->error = e;
    va_start(args, format);
    vsnprintf(f->message, sizeof f->message, format, args);
    va_end(args);
    let_go(f);
    loop_cancel(f->net->loop, &f->whole);
    f->facts.times.done_ns = now(f);
    set_phase(f, FETCH_FAILED);
}

/* --------------------------------------------------------------- request */

static void start_request(struct fetch *f)
{
    struct headers h = { 0 };
    if (!fetch_headers(f, &h)) {
        headers_fini(&h);
        fail(f, HTTP_MEMORY, "out of memory");
        return;
    }
    const struct http_request r = { .method = fetch_method(f), .target = f->url.target, .headers = &h, .body = f->body,
                                    .no_expect = f->no_expect || fetch_own_expect(f) };
    const enum plumb_err e = http_client_start(f->client, &r);
    headers_fini(&h);
    size_t len;
    const char *head = http_client_request(f->client, &len);
    if (e == PLUMB_OK && !outbuf_put(&f->sent, head, len)) {
        fail(f, HTTP_MEMORY, "out of memory");
        return;
    }
    if (e != PLUMB_OK) {
        fail(f, HTTP_MEMORY, "the request could not be made: %s", plumb_err_text(e));
        return;
    }
    struct stream *s = http_client_stream(f->client);
    f->facts.local = stream_local(s);
    f->facts.remote = stream_remote(s);
    f->facts.conn = stream_conn(s);
    f->head_seen = false;
    loop_cancel(f->net->loop, &f->connecting);
    http_client_watch(f->client, on_client, f);
    set_phase(f, FETCH_REQUEST);
}

/* Once more from the name on, when the body can be sent again. */
static void try_again(struct fetch *f)
{
    if (f->body && (!f->body->rewind || !f->body->rewind(f->body->arg))) {
        fail(f, HTTP_REWIND, "the request has to be sent again, but its body cannot be read twice");
        return;
    }
    http_client_free(f->client);
    f->client = NULL;
    begin_hop(f);
}

static void keep_or_close(struct fetch *f)
{
    if (f->client)
        http_pool_give(f->pool, &f->url, f->client);
    f->client = NULL;
}

/* ------------------------------------------------------------- redirects */

static bool is_redirect(const struct fetch *f, const struct h1 *a)
{
    const int s = a->status;
    return f->o.follow && (s == 301 || s == 302 || s == 303 || s == 307 || s == 308) && headers_get(&a->headers, "Location");
}

/* curl's rules: 301 and 302 turn POST into GET, 303 turns all but HEAD, 307 and 308 nothing. */
static void change_method(struct fetch *f, int status)
{
    const bool posted = f->body && !f->o.put;
    if ((status == 301 && posted && !f->o.keep_post_301) || (status == 302 && posted && !f->o.keep_post_302)
        || (status == 303 && !(posted && f->o.keep_post_303))) {
        f->body = NULL;
        f->put = false;
    }
}

static void follow(struct fetch *f)
{
    struct url next;
    char text[URL_TEXT];
    const int limit = f->o.max_redirs == FETCH_NO_REDIRS ? 0 : f->o.max_redirs ? f->o.max_redirs : REDIRECTS;
    if (limit >= 0 && f->facts.redirects >= (uint32_t)limit) {
        fail(f, HTTP_REDIRECTS, "stopped after %d redirects", limit);
        return;
    }
    const enum url_error e = url_resolve(&f->url, f->location, &next);
    if (e != URL_OK) {
        fail(f, e == URL_SCHEME ? HTTP_SCHEME : HTTP_URL, "the redirect to %.200s is not followed: %s", f->location, url_error_text(e));
        return;
    }
    keep_or_close(f);
    if (!url_same_origin(&f->url, &next))
        f->other_origin = true;
    change_method(f, f->redirect_status);
    f->url = next;
    f->facts.redirects++;
    f->no_expect = false;
    if (f->body && (!f->body->rewind || !f->body->rewind(f->body->arg))) {
        fail(f, HTTP_REWIND, "redirected to %.200s, but the request's body cannot be read twice", url_text(&f->url, text));
        return;
    }
    begin_hop(f);
}

/* ---------------------------------------------------------------- answer */

static bool log_head(struct fetch *f, const struct h1 *a)
{
    outbuf_printf(&f->received, "HTTP/1.%d %03d%s%s\r\n", a->minor, a->status, *a->reason ? " " : "", a->reason);
    for (uint32_t i = 0; i < a->headers.count; i++)
        outbuf_printf(&f->received, "%s: %s\r\n", headers_name(&a->headers, i), headers_value(&a->headers, i));
    return outbuf_text_put(&f->received, "\r\n");
}

/* False: it failed here. */
static bool saw_head(struct fetch *f)
{
    const struct h1 *a = http_client_answer(f->client);
    f->head_seen = true;
    f->facts.times.first_byte_ns = now(f);
    if (!log_head(f, a)) {
        fail(f, HTTP_MEMORY, "out of memory");
        return false;
    }
    f->again = a->status == 417 && f->body && !f->no_expect;
    f->redirecting = !f->again && is_redirect(f, a);
    f->redirect_status = a->status;
    if (f->redirecting)
        snprintf(f->location, sizeof f->location, "%s", headers_get(&a->headers, "Location"));
    if (!f->redirecting && !f->again)
        set_phase(f, FETCH_BODY);
    return true;
}

/* Passes over the body of an answer nobody is shown; true: it is over, or not worth reading. */
static bool pass_over(struct fetch *f)
{
    size_t len;
    while (http_client_peek(f->client, &len)) {
        http_client_consume(f->client, len);
        f->passed_over += len;
        if (f->passed_over > PASS_OVER_MAX)
            return true;
    }
    return http_client_phase(f->client) != HTTP_BODY;
}

static void complete(struct fetch *f)
{
    f->facts.sent_bytes = http_client_sent(f->client);
    f->facts.times.done_ns = now(f);
    loop_cancel(f->net->loop, &f->whole);
    set_phase(f, FETCH_DONE);
}

static void client_failed(struct fetch *f)
{
    if (http_client_stale(f->client)) {
        try_again(f);
        return;
    }
    const enum http_error e = http_client_error(f->client);
    char host[URL_HOST + 16];
    fail(f, e, "%s: %s (%s)", url_host_header(&f->url, host), http_error_text(e), http_client_detail(f->client));
}

static void on_client(void *arg)
{
    struct fetch *f = arg;
    const enum http_phase p = http_client_phase(f->client);
    if (f->phase == FETCH_DONE || f->phase == FETCH_FAILED)
        return;
    if (p >= HTTP_WAITING && p != HTTP_FAILED && f->phase == FETCH_REQUEST) {
        f->facts.times.request_ns = now(f);
        set_phase(f, FETCH_WAIT);
    }
    if ((p == HTTP_BODY || p == HTTP_DONE) && !f->head_seen && !saw_head(f))
        return;
    if (p == HTTP_FAILED && !f->redirecting) {
        client_failed(f);
        return;
    }
    if (f->redirecting || f->again) {
        if (!pass_over(f))
            return;
        if (f->again) {
            f->no_expect = true;
            try_again(f);
            return;
        }
        follow(f);
        return;
    }
    if (http_client_phase(f->client) == HTTP_DONE)
        complete(f);
    else if (f->phase == FETCH_BODY)
        notify(f);
}

/* ------------------------------------------------------------ connection */

static void on_dial(void *arg)
{
    struct fetch *f = arg;
    struct dial *d = f->dial;
    f->facts.remote = dial_remote(d);
    f->facts.connects = f->connects_before + dial_tried(d);
    if (dial_state(d) != DIAL_NAMING && f->phase == FETCH_NAME) {
        f->facts.times.name_ns = dial_named_ns(d);
        if (dial_state(d) != DIAL_NO_NAME)
            set_phase(f, FETCH_CONNECT);
    }
    switch (dial_state(d)) {
    case DIAL_OPEN:
        f->facts.times.connect_ns = now(f);
        f->client = http_client_new(f->net, dial_take(d));
        dial_free(d);
        f->dial = NULL;
        if (f->client)
            start_request(f);
        else
            fail(f, HTTP_MEMORY, "out of memory");
        return;
    case DIAL_NO_NAME:
        fail(f, HTTP_RESOLVE, "could not resolve %s: %s", f->url.host, dial_detail(d));
        return;
    case DIAL_NO_CONNECTION:
        fail(f, dial_error(d) == PLUMB_TIMED_OUT ? HTTP_TIMEOUT : HTTP_CONNECT, "could not connect to %s port %u: %s", f->url.host, f->url.port,
             plumb_err_text(dial_error(d)));
        return;
    default:
        return;
    }
}

static void on_connect_timeout(void *arg)
{
    struct fetch *f = arg;
    const int64_t limit_ns = f->o.connect_timeout_ns ? f->o.connect_timeout_ns : CONNECT_TIMEOUT_NS;
    fail(f, HTTP_TIMEOUT, f->phase == FETCH_NAME ? "resolving %s timed out after %lld ms" : "connecting to %s timed out after %lld ms",
         f->url.host, (long long)(limit_ns / NS_PER_MS));
}

static void on_whole_timeout(void *arg)
{
    struct fetch *f = arg;
    fail(f, HTTP_TIMEOUT, "%s: timed out after %lld ms in phase %s with %llu bytes received", f->url.host,
         (long long)(f->o.max_time_ns / NS_PER_MS), fetch_phase_text(f->phase), (unsigned long long)f->facts.body_bytes);
}

static void begin_hop(struct fetch *f)
{
    const struct fetch_times t = { .begun_ns = f->facts.times.begun_ns, .hop_ns = now(f) };
    f->facts.times = t;
    f->facts.body_bytes = 0;
    f->passed_over = 0;
    f->redirecting = f->again = false;
    if (f->url.https) {
        fail(f, HTTP_TLS, "%s", http_error_text(HTTP_TLS));
        return;
    }
    f->client = http_pool_take(f->pool, &f->url);
    f->facts.reused = f->client != NULL;
    if (f->client) {
        f->facts.times.name_ns = f->facts.times.connect_ns = now(f);
        start_request(f);
        return;
    }
    set_phase(f, FETCH_NAME);
    loop_arm_in(f->net->loop, &f->connecting, f->o.connect_timeout_ns ? f->o.connect_timeout_ns : CONNECT_TIMEOUT_NS);
    f->connects_before = f->facts.connects;
    f->dial = dial_new(f->net, f->stub, f->url.host, f->url.port, f->o.family, on_dial, f);
    if (!f->dial)
        fail(f, HTTP_MEMORY, "out of memory");
}

static void on_begin(void *arg)
{
    struct fetch *f = arg;
    const enum url_error e = url_parse(f->o.url, &f->url);
    if (e != URL_OK)
        fail(f, e == URL_SCHEME ? HTTP_SCHEME : HTTP_URL, "%.200s: %s", f->o.url, url_error_text(e));
    else
        begin_hop(f);
}

/* ------------------------------------------------------------- the owner */

struct fetch *fetch_new(struct net *n, struct stub *stub, struct http_pool *pool, const struct fetch_options *o)
{
    struct fetch *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->net = n;
    f->stub = stub;
    f->pool = pool ? pool : &f->own_pool;
    f->o = *o;
    f->body = o->body;
    f->put = o->put;
    f->begin = (struct loop_task){ .fn = on_begin, .arg = f };
    f->whole = (struct loop_timer){ .fn = on_whole_timeout, .arg = f };
    f->connecting = (struct loop_timer){ .fn = on_connect_timeout, .arg = f };
    f->facts.times.begun_ns = loop_now(n->loop);
    loop_defer(n->loop, &f->begin);
    if (o->max_time_ns)
        loop_arm_in(n->loop, &f->whole, o->max_time_ns);
    return f;
}

void fetch_free(struct fetch *f)
{
    if (!f)
        return;
    if (f->phase == FETCH_DONE)
        keep_or_close(f);
    let_go(f);
    loop_cancel(f->net->loop, &f->whole);
    loop_undefer(&f->begin);
    loop_undefer(&f->owner);
    http_pool_fini(&f->own_pool);
    outbuf_fini(&f->sent);
    outbuf_fini(&f->received);
    free(f);
}

void fetch_watch(struct fetch *f, loop_fn *fn, void *arg)
{
    loop_undefer(&f->owner);
    f->owner.fn = fn;
    f->owner.arg = arg;
}

const uint8_t *fetch_peek(struct fetch *f, size_t *len)
{
    *len = 0;
    return f->phase == FETCH_BODY ? http_client_peek(f->client, len) : NULL;
}

void fetch_consume(struct fetch *f, size_t n)
{
    if (f->phase != FETCH_BODY)
        return;
    f->facts.body_bytes += n;
    http_client_consume(f->client, n);
}
