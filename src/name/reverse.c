#include "name/reverse.h"
#include "base/addr_kind.h"
#include <stdlib.h>

struct reverse {
    struct query query;
    struct loop_task task;
    char name[DNS_NAME_TEXT];
};

struct reverse *reverse_lookup(struct net *n, const struct endpoint *servers, uint32_t n_servers, struct addr a, loop_fn *fn, void *arg)
{
    char text[ADDR_REVERSE_TEXT];
    struct dns_name name;
    struct reverse *r = n_servers && dns_name_parse(addr_reverse_text(a, text), &name) ? calloc(1, sizeof *r) : NULL;
    if (!r)
        return NULL;
    r->task = (struct loop_task){ .fn = fn, .arg = arg };
    query_start(&r->query, n, servers, n_servers, &name, DNS_PTR, &r->task);
    return r;
}

void reverse_free(struct reverse *r)
{
    if (!r)
        return;
    query_stop(&r->query);
    loop_undefer(&r->task);
    free(r);
}

bool reverse_done(const struct reverse *r) { return r->query.state != QUERY_ASKING; }

const char *reverse_name(const struct reverse *r)
{
    if (r->query.state != QUERY_ANSWERED || r->query.fate != ANSWER_POINTER)
        return NULL;
    return dns_name_text(&r->query.answer.pointer, ((struct reverse *)r)->name);
}
