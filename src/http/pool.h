/* Idle connections kept for the next request to the same origin. */
#pragma once
#include "http/client.h"
#include "http/url.h"

enum { POOL_MAX = 8 };
struct http_pool { uint32_t count; struct http_idle { struct http_client *client; bool https; uint16_t port; char host[URL_HOST]; } idle[POOL_MAX]; };

void http_pool_fini(struct http_pool *p);       /* closes them all; all-zero is empty */
/* A connection to that origin that may be used again, the caller's now; NULL: none. */
struct http_client *http_pool_take(struct http_pool *p, const struct url *origin);
/* Takes the client; closes it when it cannot be used again, the oldest when there are too many. */
void http_pool_give(struct http_pool *p, const struct url *origin, struct http_client *c);
