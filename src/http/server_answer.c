/* The server's answers: heads, framing, bodies. */
#include "http/date.h"
#include "http/server_int.h"
#include <stdio.h>
#include <string.h>

enum { CHUNK = 16384, PASS_OVER_MAX = 256 * 1024, SEND_MAX = 1024 * 1024 };     /* SEND_MAX: then others have their turn */

static struct http_conn *conn_of(struct http_exchange *x)   { return (struct http_conn *)x; }
struct loop *http_exchange_loop(struct http_exchange *x)    { return conn_of(x)->server->net->loop; }
uint64_t http_exchange_random(struct http_exchange *x)      { return net_random(conn_of(x)->server->net); }

bool http_method_known(const char *method)
{
    static const char *const known[] = { "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH" };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(method, known[i]) == 0)
            return true;
    return false;
}

/* Whether the rest of the request is small enough to be read to its end, so that the
 * connection can go on. */
static bool rest_is_small(const struct http_conn *c)
{
    if (c->h1.chunked || headers_get(&c->h1.headers, "Expect"))
        return c->request_read;
    return c->h1.content_length <= PASS_OVER_MAX;
}

/* Framing by RFC 9112 §6; a body of unknown length ends a connection of HTTP/1.0. */
static bool add_framing(struct http_conn *c, const struct http_answer *a, struct headers *h)
{
    char length[24];
    const bool no_body = a->status < 200 || a->status == 204 || a->status == 304;
    c->chunked = false;
    if (no_body)
        return true;
    if (a->body.read && a->body.length < 0) {
        c->chunked = c->h1.minor >= 1;
        c->close_after = c->close_after || !c->chunked;
        return !c->chunked || headers_add(h, "Transfer-Encoding", "chunked");
    }
    snprintf(length, sizeof length, "%lld", a->body.read ? (long long)a->body.length : 0LL);
    return headers_add(h, "Content-Length", length);
}

static bool write_head(struct http_conn *c, struct http_answer *a)
{
    char date[HTTP_DATE];
    struct headers h = { 0 };
    struct loop *l = c->server->net->loop;
    bool ok = headers_add(&h, "Date", http_date(loop_civil(l), date)) && headers_add(&h, "Server", c->server->cfg.name)
           && headers_copy(&h, &a->headers) && add_framing(c, a, &h);
    if (c->close_after)
        ok = ok && headers_add(&h, "Connection", "close");
    else if (c->h1.minor == 0)
        ok = ok && headers_add(&h, "Connection", "keep-alive");
    ok = ok && h1_write_status(&c->out, 1, a->status, &h);
    headers_fini(&h);
    return ok;
}

void http_respond(struct http_exchange *x, struct http_answer *a)
{
    struct http_conn *c = conn_of(x);
    if (c->state != CONN_BODY && c->state != CONN_HEAD && c->state != CONN_IDLE) {
        headers_fini(&a->headers);
        http_source_close(&a->body);
        return;
    }
    c->close_after = c->close_after || a->close || !c->h1.keep_alive || c->server->stopping || (!c->request_read && !rest_is_small(c));
    const bool ok = write_head(c, a);
    headers_fini(&a->headers);
    c->body = a->body;
    c->body_left = a->body.read && a->body.length > 0 ? (uint64_t)a->body.length : 0;
    c->body_sent = !ok || c->head_only || !a->body.read || a->body.length == 0 || a->status == 204 || a->status == 304;
    c->close_after = c->close_after || !ok;
    c->state = CONN_ANSWER;
    c->begun_ns = loop_now(c->server->net->loop);
    c->moved = 0;
    loop_arm_in(c->server->net->loop, &c->timer, c->server->cfg.stall_timeout_ns);
}

static void respond_page(struct http_exchange *x, int status, const char *detail, const char *name, const char *value, bool close)
{
    char page[512];
    struct http_answer a = { .status = status, .close = close };
    const int n = snprintf(page, sizeof page, "%d %s%s%s\n", status, http_reason(status), detail ? ": " : "", detail ? detail : "");
    headers_add(&a.headers, "Content-Type", "text/plain; charset=utf-8");
    if (name)
        headers_add(&a.headers, name, value);
    if (status != 204 && status != 304)
        a.body = http_source_copy(page, (size_t)n);
    http_respond(x, &a);
}

void http_respond_status(struct http_exchange *x, int status) { respond_page(x, status, NULL, NULL, NULL, false); }

void http_respond_with(struct http_exchange *x, int status, const char *name, const char *value)
{
    respond_page(x, status, NULL, name, value, false);
}

/* An answer under way cannot be taken back: then the connection just ends after it. */
void http_conn_refuse(struct http_conn *c, int status, const char *detail)
{
    c->request_read = true;
    c->close_after = true;
    if (c->state != CONN_ANSWER)
        respond_page(&c->x, status, detail, NULL, NULL, true);
}

static bool send_plain(struct http_conn *c, bool *failed)
{
    const uint64_t enough = c->moved + SEND_MAX;
    size_t room;
    for (uint8_t *to; c->body_left && c->moved < enough && (to = stream_reserve(c->stream, &room));) {
        bool ended = false;
        const size_t n = c->body.read(c->body.arg, to, room < c->body_left ? room : (size_t)c->body_left, &ended, failed);
        stream_commit(c->stream, n);
        c->moved += n;
        c->body_left -= n;
        if (*failed || n == 0 || (ended && c->body_left)) {
            *failed = true;             /* shorter than promised */
            return false;
        }
    }
    if (c->body_left && c->moved >= enough)
        loop_defer(c->server->net->loop, &c->pump);
    return c->body_left == 0;
}

static bool send_chunks(struct http_conn *c, bool *failed)
{
    uint8_t piece[CHUNK];
    while (!c->body_sent && outbuf_push(&c->out, c->stream)) {
        bool ended = false;
        const size_t n = c->body.read(c->body.arg, piece, sizeof piece, &ended, failed);
        c->moved += n;
        if (*failed || (n == 0 && !ended) || !h1_write_chunk(&c->out, piece, n) || (ended && !h1_write_last_chunk(&c->out))) {
            *failed = true;
            return false;
        }
        c->body_sent = ended;
    }
    return c->body_sent && outbuf_push(&c->out, c->stream);
}

/* To the end of the connection, for a peer of HTTP/1.0. */
static bool send_until_close(struct http_conn *c, bool *failed)
{
    size_t room;
    for (uint8_t *to; !c->body_sent && (to = stream_reserve(c->stream, &room));) {
        const size_t n = c->body.read(c->body.arg, to, room, &c->body_sent, failed);
        stream_commit(c->stream, n);
        c->moved += n;
        if (*failed || (n == 0 && !c->body_sent)) {
            *failed = true;
            return false;
        }
    }
    return c->body_sent;
}

bool http_conn_send(struct http_conn *c)
{
    bool failed = false, complete;
    if (!outbuf_push(&c->out, c->stream))
        return false;
    if (c->body_sent)
        return true;
    if (c->chunked)
        complete = send_chunks(c, &failed);
    else if (c->body.length < 0)
        complete = send_until_close(c, &failed);
    else
        complete = send_plain(c, &failed);
    if (failed)
        c->state = CONN_HEAD;           /* cannot be mended: the connection is cut */
    return complete;
}
