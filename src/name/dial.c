#include "name/dial.h"
#include <stdlib.h>

struct attempt { struct dial *dial; struct stream *stream; struct endpoint remote; };

struct dial {
    struct net       *net;
    struct lookup    *lookup;
    struct loop_task  owner;
    struct loop_timer resolution, next; /* IPv6's answer has been waited for; the next attempt is due */
    uint16_t          port;
    enum dial_state   state;
    enum plumb_err    error;
    const char       *detail;
    uint32_t          n_known;          /* addresses taken over from the lookup */
    uint32_t          n_left, tried;
    struct addr       left[LOOKUP_ADDRS];       /* not tried yet, in order */
    struct addr       seen[LOOKUP_ADDRS];
    struct endpoint   remote;
    int64_t           named_ns;
    struct attempt    attempt[DIAL_ATTEMPTS];
    struct stream    *won;
};

static void turn(struct dial *d, enum dial_state s)
{
    d->state = s;
    loop_defer(d->net->loop, &d->owner);
}

static uint32_t under_way(const struct dial *d)
{
    uint32_t n = 0;
    for (unsigned i = 0; i < DIAL_ATTEMPTS; i++)
        n += d->attempt[i].stream != NULL;
    return n;
}

static void hang_up(struct dial *d)
{
    loop_cancel(d->net->loop, &d->resolution);
    loop_cancel(d->net->loop, &d->next);
    for (unsigned i = 0; i < DIAL_ATTEMPTS; i++) {
        if (d->attempt[i].stream)
            stream_abort(d->attempt[i].stream);
        d->attempt[i].stream = NULL;
    }
}

/* ------------------------------------------------------------- addresses */

static bool source_of(void *arg, struct addr dst, struct addr_source *out) { return net_source(arg, dst, out); }

/* §4: by the rules of RFC 6724, then one of each family in turn, beginning with that of the best. */
static void put_in_order(struct dial *d)
{
    struct addr sorted[LOOKUP_ADDRS];
    memcpy(sorted, d->left, sizeof sorted);
    addr_sort(sorted, d->n_left, source_of, d->net);
    uint32_t at[2] = { 0, 0 };
    bool v4 = d->tried ? !addr_is4(d->remote.addr) : d->n_left && addr_is4(sorted[0]);
    for (uint32_t n = 0; n < d->n_left; v4 = !v4) {
        uint32_t *i = &at[v4];
        while (*i < d->n_left && addr_is4(sorted[*i]) != v4)
            (*i)++;
        if (*i < d->n_left)
            d->left[n++] = sorted[(*i)++];
    }
}

static bool is_known(const struct dial *d, struct addr a)
{
    for (uint32_t i = 0; i < d->n_known; i++)
        if (addr_eq(d->seen[i], a))
            return true;
    return false;
}

static void take_addresses(struct dial *d)
{
    uint32_t count;
    const struct addr *a = lookup_addrs(d->lookup, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (is_known(d, a[i]) || d->n_known == LOOKUP_ADDRS)
            continue;
        d->seen[d->n_known++] = a[i];
        d->left[d->n_left++] = a[i];
    }
    put_in_order(d);
}

/* -------------------------------------------------------------- attempts */

static void go_on(struct dial *d);

static void won(struct dial *d, struct attempt *a)
{
    d->won = a->stream;
    d->remote = a->remote;
    stream_watch(a->stream, NULL, NULL);
    a->stream = NULL;
    hang_up(d);
    turn(d, DIAL_OPEN);
}

static void on_stream(void *arg)
{
    struct attempt *a = arg;
    struct dial *d = a->dial;
    switch (stream_state(a->stream)) {
    case STREAM_CONNECTING:
        return;
    case STREAM_OPEN:
        won(d, a);
        return;
    default:
        d->error = stream_error(a->stream);
        d->remote = a->remote;
        stream_abort(a->stream);
        a->stream = NULL;
        loop_cancel(d->net->loop, &d->next);            /* no reason to wait for the next */
        go_on(d);
    }
}

static void begin_connecting(struct dial *d)
{
    if (d->state != DIAL_NAMING)
        return;
    d->named_ns = loop_now(d->net->loop);
    turn(d, DIAL_CONNECTING);
}

/* True: it is under way.  What cannot be reached yet is put at the end again. */
static bool try_next(struct dial *d)
{
    struct attempt *a = d->attempt;
    while (a->stream)
        a++;
    *a = (struct attempt){ .dial = d, .remote = { d->left[0], d->port } };
    memmove(&d->left[0], &d->left[1], (d->n_left - 1) * sizeof *d->left);
    const enum plumb_err e = net_connect(d->net, &(struct connect_opts){ .remote = a->remote, .no_delay = true }, &a->stream);
    const bool later = e == PLUMB_NO_ROUTE && net_settling(d->net);
    if (e != PLUMB_OK)
        a->stream = NULL;
    if (later) {
        d->left[d->n_left - 1] = a->remote.addr;
        return false;
    }
    d->n_left--;
    d->tried++;
    d->remote = a->remote;
    begin_connecting(d);
    if (e != PLUMB_OK) {
        d->error = e;
        return false;
    }
    stream_watch(a->stream, on_stream, a);
    loop_defer(d->net->loop, &a->stream->watch);
    return true;
}

/* The next attempt, when its time has come; the end, when there is nothing left to hope for. */
static void go_on(struct dial *d)
{
    for (uint32_t once = d->n_left; once && under_way(d) < DIAL_ATTEMPTS && !loop_armed(&d->next); once--)
        if (try_next(d))
            loop_arm_in(d->net->loop, &d->next, DIAL_ATTEMPT_DELAY_NS);
    if (d->n_left && !under_way(d) && !loop_armed(&d->next))
        loop_arm_in(d->net->loop, &d->next, DIAL_SETTLE_NS);
    if (under_way(d) || d->n_left || !lookup_done(d->lookup))
        return;
    hang_up(d);
    if (d->n_known == 0) {
        d->error = lookup_error(d->lookup);
        d->detail = lookup_detail(d->lookup);
        d->named_ns = loop_now(d->net->loop);
    }
    turn(d, d->n_known ? DIAL_NO_CONNECTION : DIAL_NO_NAME);
}

static void on_next(void *arg) { go_on(arg); }

/* §3: what IPv6 answers is worth a moment; its addresses, or that it has none, begin at once. */
static void on_news(void *arg)
{
    struct dial *d = arg;
    if (d->state > DIAL_CONNECTING)
        return;
    take_addresses(d);
    const bool wait = d->state == DIAL_NAMING && d->n_left && !lookup_settled(d->lookup, NAME_V6);
    if (!wait)
        loop_cancel(d->net->loop, &d->resolution);
    if (!under_way(d))
        loop_cancel(d->net->loop, &d->next);
    if (wait && !loop_armed(&d->resolution))
        loop_arm_in(d->net->loop, &d->resolution, DIAL_RESOLUTION_DELAY_NS);
    if (!wait)
        go_on(d);
}

/* ------------------------------------------------------------- the owner */

struct dial *dial_new(struct net *n, struct stub *s, const char *host, uint16_t port, enum name_family family, loop_fn *fn, void *arg)
{
    struct dial *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    d->net = n;
    d->port = port;
    d->detail = "";
    d->owner = (struct loop_task){ .fn = fn, .arg = arg };
    d->resolution = (struct loop_timer){ .fn = on_next, .arg = d };
    d->next = (struct loop_timer){ .fn = on_next, .arg = d };
    d->lookup = stub_lookup(s, host, family, on_news, d);
    if (!d->lookup) {
        free(d);
        return NULL;
    }
    lookup_tell_parts(d->lookup);
    return d;
}

void dial_free(struct dial *d)
{
    if (!d)
        return;
    hang_up(d);
    lookup_free(d->lookup);
    if (d->won)
        stream_abort(d->won);
    loop_undefer(&d->owner);
    free(d);
}

enum dial_state dial_state(const struct dial *d)     { return d->state; }
enum plumb_err dial_error(const struct dial *d)      { return d->error; }
const char *dial_detail(const struct dial *d)        { return d->detail; }
struct endpoint dial_remote(const struct dial *d)    { return d->remote; }
uint32_t dial_tried(const struct dial *d)            { return d->tried; }
int64_t dial_named_ns(const struct dial *d)          { return d->named_ns; }

struct stream *dial_take(struct dial *d)
{
    struct stream *s = d->won;
    d->won = NULL;
    return s;
}
