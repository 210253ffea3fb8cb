/* An HTTP/1.1 and 1.0 server (RFC 9112): persistent and pipelined connections, one
 * request of each at a time.  What it serves is a handler's matter.
 *
 * No peer can hold it: every state of a connection has a deadline that only progress
 * moves, every buffer a bound, and idle connections give way to new ones. */
#pragma once
#include "http/h1.h"
#include "http/source.h"

struct http_server;
struct http_exchange;

struct http_answer {
    int status;
    struct headers headers;             /* taken; framing, Date, Server and Connection are added */
    struct http_source body;            /* taken; read NULL: no body */
    bool close;                         /* the connection ends after it */
};

/* Called from the loop, never from inside another call of the server.  Every request
 * gets head; then data and end unless it was answered before; then done, always. */
struct http_handler {
    void (*head)(void *arg, struct http_exchange *x);
    void (*data)(void *arg, struct http_exchange *x, const uint8_t *bytes, size_t len);     /* NULL: bodies are passed over */
    void (*end)(void *arg, struct http_exchange *x);    /* NULL, or it did not answer: 404 */
    void (*done)(void *arg, struct http_exchange *x);   /* NULL: nothing to do */
    void *arg;
};

struct http_server_config {             /* all-zero gives the defaults in brackets */
    struct http_handler handler;
    uint32_t max_conns;                 /* [1024] */
    uint64_t max_body;                  /* bytes of one request's body [1 GiB] */
    int64_t  head_timeout_ns;           /* from its first byte to its last [20 s] */
    int64_t  idle_timeout_ns;           /* between requests [60 s] */
    int64_t  stall_timeout_ns;          /* without progress of a body, either way [30 s] */
    uint32_t min_rate;                  /* bytes per second that a body, either way, keeps up on the whole [512] */
    const char *name;                   /* the Server header ["plumb"] */
};

/* One request and its answer. */
struct http_exchange {
    const struct h1 *request;
    char  path[H1_TARGET_MAX];          /* of the target, still percent-encoded, without query */
    const char *query;                  /* after '?', or NULL */
    struct endpoint from;
    void *user;                         /* the handler's own */
};

/* NULL: no memory. */
struct http_server *http_server_new(struct net *n, const struct http_server_config *cfg);
/* Cuts every connection. NULL is fine. */
void http_server_free(struct http_server *s);
/* Takes a listener and serves what connects to it; may be called for several. */
bool http_server_listen(struct http_server *s, struct listener *l);
/* Graceful: no new connection, idle ones close, requests under way are answered. */
void http_server_stop(struct http_server *s);
/* Deferred when the last connection is gone after http_server_stop. */
void http_server_watch(struct http_server *s, loop_fn *fn, void *arg);
uint32_t http_server_conns(const struct http_server *s);
struct net *http_server_net(struct http_server *s);

/* Answers; at most once per exchange, from within head, data or end. */
void http_respond(struct http_exchange *x, struct http_answer *a);
/* With a short text page that says the status. */
void http_respond_status(struct http_exchange *x, int status);
/* As above with one more header. */
void http_respond_with(struct http_exchange *x, int status, const char *name, const char *value);
struct loop *http_exchange_loop(struct http_exchange *x);
uint64_t http_exchange_random(struct http_exchange *x);

/* Whether RFC 9110 §9.3 or RFC 5789 knows the method. */
bool http_method_known(const char *method);
