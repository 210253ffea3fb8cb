/* What fetch's two files share. */
#pragma once
#include "http/fetch.h"

struct fetch {
    struct net       *net;
    struct stub      *stub;
    struct http_pool *pool, own_pool;
    struct fetch_options o;
    struct loop_task  owner, begin;
    struct loop_timer whole, connecting;
    enum fetch_phase  phase;
    enum http_error   error;
    char              message[1024];

    struct url        url;              /* of this hop */
    struct http_source *body;           /* NULL once a redirect dropped it */
    bool              put, no_expect;
    bool              other_origin;     /* a redirect led away: credentials stay behind */
    struct dial      *dial;
    uint32_t          connects_before;  /* this hop */
    struct http_client *client;
    bool              head_seen, redirecting, again;
    int               redirect_status;
    char              location[URL_TARGET];
    uint64_t          passed_over;
    struct outbuf     sent, received;
    struct fetch_facts facts;
};

/* fetch_request.c */
const char *fetch_method(const struct fetch *f);
bool fetch_headers(const struct fetch *f, struct headers *h);       /* false: no memory */
bool fetch_own_expect(const struct fetch *f);    /* the owner has said what is to be expected, or nothing */
