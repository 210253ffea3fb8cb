#include "http/pool.h"
#include <string.h>

static struct http_client *remove_at(struct http_pool *p, uint32_t i)
{
    struct http_client *c = p->idle[i].client;
    p->count--;
    memmove(&p->idle[i], &p->idle[i + 1], (p->count - i) * sizeof p->idle[0]);
    return c;
}

void http_pool_fini(struct http_pool *p)
{
    while (p->count)
        http_client_free(remove_at(p, p->count - 1));
}

struct http_client *http_pool_take(struct http_pool *p, const struct url *u)
{
    for (uint32_t i = p->count; i > 0; i--) {
        const struct http_idle *e = &p->idle[i - 1];
        if (e->https != u->https || e->port != u->port || strcmp(e->host, u->host) != 0)
            continue;
        struct http_client *c = remove_at(p, i - 1);
        if (http_client_reusable(c))
            return c;
        http_client_free(c);
    }
    return NULL;
}

void http_pool_give(struct http_pool *p, const struct url *u, struct http_client *c)
{
    http_client_watch(c, NULL, NULL);
    if (!http_client_reusable(c)) {
        http_client_free(c);
        return;
    }
    if (p->count == POOL_MAX)
        http_client_free(remove_at(p, 0));
    struct http_idle *e = &p->idle[p->count++];
    *e = (struct http_idle){ .client = c, .https = u->https, .port = u->port };
    memcpy(e->host, u->host, sizeof e->host);
}
