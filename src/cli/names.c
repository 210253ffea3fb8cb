#include "cli/names.h"
#include "name/reverse.h"
#include <stdlib.h>

enum { NAMES_MAX = 512 };

struct entry { struct addr addr; struct reverse *reverse; int64_t begun_ns; };

struct names {
    struct network *network;
    struct loop_task *task;
    uint32_t n_servers, n;
    struct endpoint servers[VIA_DNS];
    struct entry entry[NAMES_MAX];
};

struct names *names_new(struct network *n, struct loop_task *task)
{
    struct addr dns[VIA_DNS];
    struct names *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->network = n;
    s->task = task;
    s->n_servers = network_dns(n, dns);
    for (uint32_t i = 0; i < s->n_servers; i++)
        s->servers[i] = (struct endpoint){ dns[i], 53 };
    return s;
}

void names_free(struct names *s)
{
    for (uint32_t i = 0; s && i < s->n; i++)
        reverse_free(s->entry[i].reverse);
    free(s);
}

static struct entry *find(struct names *s, struct addr a)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (addr_eq(s->entry[i].addr, a))
            return &s->entry[i];
    return NULL;
}

static void told(void *arg)
{
    const struct names *s = arg;
    loop_defer(network_loop(s->network), s->task);
}

bool names_of(struct names *s, struct addr a, const char **out)
{
    const int64_t now_ns = loop_now(network_loop(s->network));
    struct entry *e = find(s, a);
    *out = NULL;
    if (!e && s->n == NAMES_MAX)
        return true;
    if (!e) {
        e = &s->entry[s->n++];
        *e = (struct entry){ .addr = a, .begun_ns = now_ns,
                             .reverse = reverse_lookup(network_net(s->network), s->servers, s->n_servers, a, told, s) };
    }
    if (!e->reverse)
        return true;
    *out = reverse_name(e->reverse);
    return *out || reverse_done(e->reverse) || now_ns >= e->begun_ns + NAMES_PATIENCE_NS;
}

int64_t names_deadline(const struct names *s)
{
    const int64_t now_ns = loop_now(network_loop(s->network));
    int64_t at_ns = DEADLINE_NEVER;
    for (uint32_t i = 0; i < s->n; i++)
        if (s->entry[i].reverse && !reverse_done(s->entry[i].reverse) && s->entry[i].begun_ns + NAMES_PATIENCE_NS > now_ns)
            at_ns = time_min(at_ns, s->entry[i].begun_ns + NAMES_PATIENCE_NS);
    return at_ns;
}
