/* What the server's two files share. */
#pragma once
#include "http/server.h"

enum conn_state {
    CONN_IDLE,          /* waiting for a request's first byte */
    CONN_HEAD,          /* inside a head */
    CONN_BODY,          /* the request's body is coming, no answer yet */
    CONN_ANSWER,        /* the answer is on its way out */
    CONN_LINGER         /* our half is closed; what still comes is discarded, so that no RST overtakes the answer */
};

struct http_conn {
    struct http_exchange x;             /* first */
    struct http_server *server;
    struct stream     *stream;
    struct list        node;            /* of the server's connections; oldest activity first */
    struct loop_task   pump;            /* more to send: others have their turn first */
    struct loop_timer  timer;
    enum conn_state    state;
    struct h1          h1;
    struct outbuf      out;
    struct http_source body;
    bool     chunked, body_sent;        /* of the answer */
    bool     request_read;              /* the request's body is complete */
    bool     in_exchange, close_after, head_only;
    uint64_t body_left, moved;          /* moved: bytes of the body under way, either way */
    int64_t  begun_ns;                  /* of the state */
    uint64_t passed_over;               /* bytes discarded */
};

struct http_server {
    struct net *net;
    struct http_server_config cfg;
    struct list conns, listeners;
    uint32_t n_conns;
    bool stopping;
    struct loop_task owner;
    struct listener_node { struct list node; struct http_server *server; struct listener *listener; } *unused;
};

struct http_conn *http_conn_new(struct http_server *s, struct stream *st);
void http_conn_free(struct http_conn *c);
/* Runs what can be run now; may free the connection. */
void http_conn_run(void *arg);
void http_conn_stop(struct http_conn *c);       /* graceful: idle ones close now */

/* server_answer.c */
void http_conn_refuse(struct http_conn *c, int status, const char *detail);     /* answers and closes */
bool http_conn_send(struct http_conn *c);       /* what fits; true: the answer is complete */
