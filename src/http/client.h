/* An HTTP/1.1 client on one connection: one request at a time, connection kept when
 * both sides allow (RFC 9112 §9).  It is a loop object: its owner watches it, asks its
 * phase, reads the answer's body by peek and consume. */
#pragma once
#include "http/error.h"
#include "http/h1.h"
#include "http/source.h"

struct http_request {
    const char *method, *target;
    const struct headers *headers;      /* all that are sent, but for framing and Expect, which the client adds */
    struct http_source *body;           /* NULL: none; used until the answer is complete */
    bool no_expect;                     /* never "Expect: 100-continue" */
};

enum http_phase {
    HTTP_IDLE,          /* may start */
    HTTP_SENDING,       /* connecting, or the head is not sent yet */
    HTTP_WAITING,       /* for the answer; a body may still be on its way out */
    HTTP_BODY,          /* the answer's head is there */
    HTTP_DONE,          /* all of it was consumed; http_client_start may be called again when reusable */
    HTTP_FAILED
};

struct http_client;

/* Takes the stream, which may still be connecting.  NULL: no memory, the stream is aborted. */
struct http_client *http_client_new(struct net *n, struct stream *s);
void http_client_free(struct http_client *c);       /* NULL is fine */
void http_client_watch(struct http_client *c, loop_fn *fn, void *arg);

/* NULL-checked by phase: IDLE, or DONE and reusable; otherwise PLUMB_INVALID. */
enum plumb_err http_client_start(struct http_client *c, const struct http_request *r);
enum http_phase http_client_phase(const struct http_client *c);
enum http_error http_client_error(const struct http_client *c);
const char *http_client_detail(const struct http_client *c);    /* what exactly, never NULL */
bool http_client_reusable(const struct http_client *c);
/* It failed on a kept connection before a byte of the answer came: safe to try on a new one. */
bool http_client_stale(const struct http_client *c);

/* From phase BODY on. */
const struct h1 *http_client_answer(const struct http_client *c);
const uint8_t *http_client_peek(struct http_client *c, size_t *len);    /* NULL: none now, or DONE */
void http_client_consume(struct http_client *c, size_t n);
const char *http_client_request(const struct http_client *c, size_t *len);      /* the head as it is sent */
struct stream *http_client_stream(struct http_client *c);
uint64_t http_client_sent(const struct http_client *c);     /* bytes of the request, head and body */
