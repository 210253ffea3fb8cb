/* One URL from name to last byte on any struct net: resolve, connect to each address in
 * turn, request, redirects by curl's rules.  A loop object: its owner watches it, asks its
 * phase, and takes the body by peek and consume. */
#pragma once
#include "http/pool.h"
#include "name/dial.h"

enum { FETCH_NO_REDIRS = -2 };

struct fetch_options {                  /* all-zero: GET */
    const char *url;
    const char *method;                 /* as -X; NULL: by what follows */
    bool head_only;                     /* HEAD */
    struct http_source *body;           /* sent as POST, or PUT with `put`; must outlive the fetch */
    const char *body_type;              /* its Content-Type; NULL: none is sent */
    bool put;
    const char *const *headers;         /* as -H: "Name: value", "Name:" removes, "Name;" has no value */
    uint32_t n_headers;
    const char *range;                  /* as -r: "0-99,200-" */
    const char *user, *user_agent, *referer;    /* user "name:password" */
    bool follow;                        /* redirects */
    int  max_redirs;                    /* 0: 50; -1: no limit; FETCH_NO_REDIRS: the first is an error */
    bool keep_post_301, keep_post_302, keep_post_303;
    int64_t connect_timeout_ns;         /* name and connection together; 0: 300 s */
    int64_t max_time_ns;                /* everything; 0: no limit */
    enum name_family family;
};

enum fetch_phase { FETCH_NAME, FETCH_CONNECT, FETCH_REQUEST, FETCH_WAIT, FETCH_BODY, FETCH_DONE, FETCH_FAILED };
const char *fetch_phase_text(enum fetch_phase p);       /* "name", "connect", ... */

/* When each phase of the last hop ended, loop time; 0: it did not (yet). */
struct fetch_times { int64_t begun_ns, hop_ns, name_ns, connect_ns, request_ns, first_byte_ns, done_ns; };
struct fetch_facts {
    struct fetch_times times;
    struct endpoint local, remote;      /* of the connection in use or used last */
    uint32_t conn;                      /* its serial in events; 0: none */
    uint32_t redirects, connects;       /* connects: connections tried */
    bool     reused;                    /* the last hop went over a kept connection */
    uint64_t body_bytes, sent_bytes;    /* of the last hop */
};

struct fetch;

/* Never done before it returns.  pool may be NULL (its own then); stub and pool outlive it.
 * NULL: no memory. */
struct fetch *fetch_new(struct net *n, struct stub *stub, struct http_pool *pool, const struct fetch_options *o);
void fetch_free(struct fetch *f);       /* also under way; NULL is fine */
void fetch_watch(struct fetch *f, loop_fn *fn, void *arg);

enum fetch_phase fetch_phase(const struct fetch *f);
enum http_error fetch_error(const struct fetch *f);     /* http_error_exit gives curl's number */
const char *fetch_message(const struct fetch *f);       /* one clear sentence, names included */
const struct h1 *fetch_answer(const struct fetch *f);   /* NULL before phase BODY; a followed redirect is never shown */
const uint8_t *fetch_peek(struct fetch *f, size_t *len);
void fetch_consume(struct fetch *f, size_t n);
struct fetch_facts fetch_facts(const struct fetch *f);
const struct url *fetch_url(const struct fetch *f);     /* of the last hop */
/* The heads sent and received so far, each with its empty line, redirects included. */
const char *fetch_sent(const struct fetch *f, size_t *len);
const char *fetch_received(const struct fetch *f, size_t *len);
