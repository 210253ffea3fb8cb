#include "name/stub.h"
#include <stdlib.h>
#include <string.h>

struct stub {
    struct net *net;
    char       *hosts;
    uint32_t    n_servers;
    struct endpoint servers[QUERY_SERVERS];
};

struct lookup {
    struct stub     *stub;
    struct loop_task owner, settle;     /* settle: a query is done, or nothing had to be asked */
    struct query     query[2];          /* AAAA, A */
    uint32_t         n_queries;
    bool             done, tell_parts;
    enum plumb_err   error;
    const char      *detail;
    uint32_t         n_addrs;
    struct addr      addrs[LOOKUP_ADDRS];
    char             name[DNS_NAME_TEXT];
};

struct stub *stub_new(struct net *n, const struct stub_config *cfg)
{
    struct stub *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->net = n;
    s->hosts = cfg->hosts ? strdup(cfg->hosts) : NULL;
    stub_set_servers(s, cfg->servers, cfg->n_servers);
    return s;
}

void stub_free(struct stub *s)
{
    if (!s)
        return;
    free(s->hosts);
    free(s);
}

void stub_set_servers(struct stub *s, const struct endpoint *servers, uint32_t n)
{
    s->n_servers = n < QUERY_SERVERS ? n : QUERY_SERVERS;
    for (uint32_t i = 0; i < s->n_servers; i++) {
        s->servers[i] = servers[i];
        if (s->servers[i].port == 0)
            s->servers[i].port = 53;
    }
}

/* ------------------------------------------------------- without a server */

static bool family_has(enum name_family f, struct addr a) { return f == NAME_ANY || addr_is4(a) == (f == NAME_V4); }

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }
static bool same_name(const char *a, size_t a_len, const char *b)
{
    size_t b_len = strlen(b);
    if (b_len && b[b_len - 1] == '.')
        b_len--;
    if (a_len && a[a_len - 1] == '.')
        a_len--;
    if (a_len != b_len)
        return false;
    for (size_t i = 0; i < a_len; i++)
        if (lower(a[i]) != lower(b[i]))
            return false;
    return true;
}

uint32_t hosts_find(const char *text, const char *name, enum name_family family, struct addr *out, uint32_t max)
{
    uint32_t count = 0;
    while (text && *text && count < max) {
        const size_t line = strcspn(text, "\n");
        const char *end = text + strcspn(text, "#\n"), *at = text;
        char number[ADDR_TEXT];
        struct addr a = ADDR_NONE;
        for (unsigned field = 0; at < end; field++) {
            at += strspn(at, " \t\r");
            const size_t n = strcspn(at, " \t\r#\n");
            if (n == 0 || at >= end)
                break;
            if (field == 0) {
                if (n >= sizeof number)
                    break;
                memcpy(number, at, n);
                number[n] = 0;
                if (!addr_parse(number, &a) || !family_has(family, a))
                    break;
            } else if (same_name(at, n, name)) {
                out[count++] = a;
                break;
            }
            at += n;
        }
        text += line + (text[line] == '\n');
    }
    return count;
}

static bool is_localhost(const char *name)
{
    const size_t n = strlen(name), dot = n && name[n - 1] == '.';
    const size_t len = n - dot;
    return same_name(name, n, "localhost") || (len > 10 && name[len - 10] == '.' && same_name(name + len - 9, 9, "localhost"));
}

static void add(struct lookup *l, enum name_family family, struct addr a)
{
    if (l->n_addrs < LOOKUP_ADDRS && family_has(family, a))
        l->addrs[l->n_addrs++] = a;
}

/* True: the question is settled. */
static bool without_server(struct lookup *l, enum name_family family)
{
    struct addr a;
    if (addr_parse(l->name, &a)) {
        add(l, family, a);
        l->detail = "the address is of the other family";
    } else if ((l->n_addrs = hosts_find(l->stub->hosts, l->name, family, l->addrs, LOOKUP_ADDRS)) > 0) {
        return true;
    } else if (is_localhost(l->name)) {
        add(l, family, addr4(0x7f000001));
        add(l, family, (struct addr){ .b = { [15] = 1 } });
    } else {
        return false;
    }
    if (l->n_addrs == 0)
        l->error = PLUMB_NOT_FOUND;
    return true;
}

/* ---------------------------------------------------------------- lookup */

static void fail(struct lookup *l, enum plumb_err e, const char *detail)
{
    l->error = e;
    l->detail = detail;
}

/* What the answer that says most comes to, when none brought an address. */
static void explain(struct lookup *l)
{
    const struct query *best = &l->query[0];
    for (uint32_t i = 1; i < l->n_queries; i++)
        if (l->query[i].any_answer && (!best->any_answer || best->fate == ANSWER_FAILED))
            best = &l->query[i];
    if (best->state == QUERY_ANSWERED && best->fate == ANSWER_NO_NAME)
        fail(l, PLUMB_NOT_FOUND, "no such name (NXDOMAIN)");
    else if (best->state == QUERY_ANSWERED && best->fate == ANSWER_LOOP)
        fail(l, PLUMB_PROTOCOL, "the name's chain of aliases has no end");
    else if (best->state == QUERY_ANSWERED)
        fail(l, PLUMB_NOT_FOUND, "the name exists but has no address");
    else if (best->any_answer)
        fail(l, PLUMB_PROTOCOL, best->answer.header.rcode == DNS_REFUSED ? "the name servers refused to answer (REFUSED)"
                                                                         : "the name servers failed (SERVFAIL)");
    else if (best->unreachable)
        fail(l, PLUMB_UNREACHABLE, "no name server can be reached");
    else
        fail(l, PLUMB_TIMED_OUT, "no name server answered");
}

static void on_settle(void *arg)
{
    struct lookup *l = arg;
    struct net *n = l->stub->net;
    bool all = true;
    for (uint32_t i = 0; i < l->n_queries; i++)
        all &= l->query[i].state != QUERY_ASKING;
    if (!all && !l->tell_parts)
        return;
    if (l->n_queries)
        l->n_addrs = 0;
    for (uint32_t i = 0; i < l->n_queries; i++)
        for (uint32_t k = 0; l->query[i].state == QUERY_ANSWERED && k < l->query[i].answer.n_addrs; k++)
            add(l, NAME_ANY, l->query[i].answer.addrs[k]);
    if (!all) {
        loop_defer(n->loop, &l->owner);
        return;
    }
    if (l->n_queries && l->n_addrs == 0)
        explain(l);
    l->done = true;
    if (l->error != PLUMB_OK && n->trace)
        TRACE_BYTES(n->trace, loop_now(n->loop), 0, dns_failed, l->name, (uint32_t)strlen(l->name), .err = (uint8_t)l->error);
    loop_defer(n->loop, &l->owner);
}

static void ask(struct lookup *l, enum name_family family)
{
    struct stub *s = l->stub;
    struct dns_name name;
    if (strlen(l->name) == 0 || !dns_name_parse(l->name, &name) || name.len <= 1) {
        fail(l, PLUMB_INVALID, "not a valid host name");
        return;
    }
    if (s->n_servers == 0) {
        fail(l, PLUMB_UNREACHABLE, "no name server is known");
        return;
    }
    /* counted first: a query may be done before query_start returns */
    if (family != NAME_V4)
        query_start(&l->query[l->n_queries++], s->net, s->servers, s->n_servers, &name, DNS_AAAA, &l->settle);
    if (family != NAME_V6)
        query_start(&l->query[l->n_queries++], s->net, s->servers, s->n_servers, &name, DNS_A, &l->settle);
}

struct lookup *stub_lookup(struct stub *s, const char *name, enum name_family family, loop_fn *fn, void *arg)
{
    struct lookup *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->stub = s;
    l->detail = "";
    l->owner = (struct loop_task){ .fn = fn, .arg = arg };
    l->settle = (struct loop_task){ .fn = on_settle, .arg = l };
    const size_t len = strlen(name);
    if (len < sizeof l->name)
        memcpy(l->name, name, len + 1);
    if (!without_server(l, family))
        ask(l, family);
    if (l->n_queries == 0)
        loop_defer(s->net->loop, &l->settle);
    return l;
}

void lookup_free(struct lookup *l)
{
    if (!l)
        return;
    for (uint32_t i = 0; i < l->n_queries; i++)
        query_stop(&l->query[i]);
    loop_undefer(&l->settle);
    loop_undefer(&l->owner);
    free(l);
}

void lookup_tell_parts(struct lookup *l) { l->tell_parts = true; }

bool lookup_settled(const struct lookup *l, enum name_family family)
{
    for (uint32_t i = 0; i < l->n_queries; i++)
        if (l->query[i].state == QUERY_ASKING && (family == NAME_ANY || (l->query[i].question.type == DNS_A) == (family == NAME_V4)))
            return false;
    return true;
}

bool lookup_done(const struct lookup *l)                { return l->done; }
enum plumb_err lookup_error(const struct lookup *l)     { return l->error; }
const char *lookup_detail(const struct lookup *l)       { return l->detail; }

const struct addr *lookup_addrs(const struct lookup *l, uint32_t *count)
{
    *count = l->done || l->tell_parts ? l->n_addrs : 0;
    return l->addrs;
}

struct endpoint lookup_server(const struct lookup *l)
{
    for (uint32_t i = 0; i < l->n_queries; i++)
        if (l->query[i].any_answer)
            return l->query[i].server;
    return (struct endpoint){ 0 };
}
