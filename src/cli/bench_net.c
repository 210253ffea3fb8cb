/* plumb bench server and plumb bench client: the benchmark protocol, on any network.
 *
 * On a connection the first byte picks the mode: 'B' the server swallows what comes,
 * 'D' the server sends without end, 'R' and 'C' it echoes.  Anyone's client that
 * speaks this can be the other side. */
#include "cli/cli.h"
#include "cli/options.h"
#include "os/clock.h"
#include "stack/shard.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_PORT = 7007, CONNS_MAX = 4096 };

/* ------------------------------------------------------------------ server */

struct server { struct network *n; struct listener *l; uint64_t conns; };
struct servers { uint16_t port; int64_t start_ns; _Atomic uint64_t conns, strays, cores; };       /* of all cores */

struct served { struct stream *s; uint8_t mode; };

static void swallow(struct stream *s)
{
    size_t len;
    while (stream_peek(s, &len))
        stream_consume(s, len);
}

static void pour(struct stream *s)
{
    size_t room;
    for (uint8_t *to; (to = stream_reserve(s, &room));) {
        memset(to, 'd', room);
        stream_commit(s, room);
    }
}

static void echo(struct stream *s)
{
    size_t len, room;
    const uint8_t *from;
    uint8_t *to;
    while ((from = stream_peek(s, &len)) && (to = stream_reserve(s, &room))) {
        const size_t n = len < room ? len : room;
        memcpy(to, from, n);
        stream_commit(s, n);
        stream_consume(s, n);
    }
}

static void on_served(void *arg)
{
    struct served *c = arg;
    size_t len;
    const uint8_t *first = c->mode ? NULL : stream_peek(c->s, &len);
    if (first) {
        c->mode = *first;
        if (c->mode == 'B' || c->mode == 'D')
            stream_consume(c->s, 1);        /* R and C echo it, so that an answer says the mode was heard */
    }
    switch (c->mode) {
    case 'B': swallow(c->s); break;
    case 'D': swallow(c->s); pour(c->s); break;
    case 'R': case 'C': echo(c->s); break;
    default: break;
    }
    const bool unknown = c->mode && !strchr("BDRC", c->mode);
    if (unknown || stream_state(c->s) == STREAM_FAILED || (c->mode == 'D' && stream_ended(c->s))) {
        stream_abort(c->s);
        free(c);
    } else if (stream_ended(c->s)) {
        stream_close(c->s);
        free(c);
    }
}

static void on_listener(void *arg)
{
    struct server *v = arg;
    for (struct stream *s; (s = listener_accept(v->l));) {
        struct served *c = calloc(1, sizeof *c);
        if (!c) {
            stream_abort(s);
            continue;
        }
        c->s = s;
        v->conns++;
        stream_set_no_delay(s, true);
        stream_watch(s, on_served, c);
        on_served(c);
    }
}

static int serve(struct network *n, void *arg)
{
    struct servers *all = arg;
    struct server v = { .n = n };
    char text[200];
    const struct listen_opts o = { .local = { ADDR_NONE, all->port }, .backlog = 1024, .no_delay = true };
    const enum plumb_err e = net_listen(network_net(n), &o, &v.l);
    if (e != PLUMB_OK) {
        complain("bench: port %u: %s", all->port, plumb_err_text(e));
        return 1;
    }
    listener_watch(v.l, on_listener, &v);
    network_describe(n, text);
    if (network_core(n) == 0)
        fprintf(stderr, "plumb bench server: %s; port %u\n", text, all->port);
    network_run(n, DEADLINE_NEVER);
    all->conns += v.conns;
    all->cores += v.conns > 0;
    if (network_stack(n))
        all->strays += stack_shard_counts(network_stack(n)).strays;
    listener_close(v.l);
    return 0;
}

static int serve_all(struct network *n, uint16_t port)
{
    struct servers all = { .port = port, .start_ns = clock_cpu_ns() };
    const int status = network_each_core(n, serve, &all);
    if (status == 0)
        printf("server: %" PRIu64 " connections, %.3f s of CPU; %" PRIu64 " cores had some, %" PRIu64 " packets came by another's queue\n", all.conns,
               (double)(clock_cpu_ns() - all.start_ns) / 1e9, all.cores, all.strays);
    return status;
}

/* ------------------------------------------------------------------ client */

struct client {
    struct network *n;
    struct endpoint to;
    char mode;
    int conns;
    int64_t duration_ns;
    uint64_t bytes, trips, failed;
    bool over;
    enum plumb_err error;
};

struct caller { struct client *c; struct stream *s; bool asked; };

static void caller_open(struct caller *k);

static void caller_end(struct caller *k, bool failed)
{
    if (failed) {
        k->c->failed++;
        k->c->error = stream_error(k->s);
        stream_abort(k->s);
    } else {
        stream_close(k->s);
    }
    k->s = NULL;
    if (failed && k->c->trips + k->c->bytes == 0)
        loop_stop(network_loop(k->c->n));           /* nobody there: no use in trying on */
}

static void put_mode(struct caller *k)
{
    if (!k->asked && stream_state(k->s) == STREAM_OPEN)
        k->asked = stream_write(k->s, &k->c->mode, 1) == 1;
}

static void push_bulk(struct caller *k)
{
    size_t room;
    for (uint8_t *to; k->asked && (to = stream_reserve(k->s, &room));) {
        memset(to, 'u', room);
        stream_commit(k->s, room);
        k->c->bytes += room;
    }
}

static void pull_bulk(struct caller *k)
{
    size_t len;
    while (stream_peek(k->s, &len)) {
        stream_consume(k->s, len);
        k->c->bytes += len;
    }
}

static void on_caller(void *arg)
{
    struct caller *k = arg;
    uint8_t byte;
    if (k->c->over)
        return;
    if (stream_state(k->s) == STREAM_FAILED || stream_ended(k->s)) {
        caller_end(k, true);
        return;
    }
    put_mode(k);
    switch (k->c->mode) {
    case 'B': push_bulk(k); break;
    case 'D': pull_bulk(k); break;
    case 'R':
        while (stream_read(k->s, &byte, 1) == 1) {
            k->c->trips++;
            stream_write(k->s, "r", 1);
        }
        break;
    default:
        if (stream_read(k->s, &byte, 1) == 1) {
            k->c->trips++;
            caller_end(k, false);
            caller_open(k);
        }
    }
}

static void caller_open(struct caller *k)
{
    const struct connect_opts o = { .remote = k->c->to, .no_delay = true };
    k->asked = false;
    const enum plumb_err e = net_connect(network_net(k->c->n), &o, &k->s);
    if (e != PLUMB_OK) {
        k->s = NULL;
        k->c->error = e;
        k->c->failed++;
        loop_stop(network_loop(k->c->n));
        return;
    }
    stream_watch(k->s, on_caller, k);
}

static void report(const struct client *c, double seconds, double cpu_s)
{
    if (c->mode == 'B' || c->mode == 'D')
        printf("%s %.3f Gbit/s, %.3f ns of CPU per byte here (%" PRIu64 " bytes in %.2f s, %d connections)\n", c->mode == 'B' ? "up" : "down",
               (double)c->bytes * 8 / seconds / 1e9, cpu_s * 1e9 / (double)c->bytes, c->bytes, seconds, c->conns);
    else
        printf("%s %.0f /s, %.2f us of CPU each here, %.2f us each per connection (%" PRIu64 " in %.2f s, %d connections, %" PRIu64 " failed)\n",
               c->mode == 'R' ? "rr" : "crr", (double)c->trips / seconds, cpu_s * 1e6 / (double)c->trips,
               seconds * 1e6 * c->conns / (double)c->trips, c->trips, seconds, c->conns, c->failed);
}

static int call(struct client *c)
{
    struct caller *all = calloc((size_t)c->conns, sizeof *all);
    if (!all) {
        complain("out of memory");
        return 1;
    }
    const int64_t start_ns = loop_now(network_loop(c->n)), cpu_ns = clock_cpu_ns();
    for (int i = 0; i < c->conns; i++) {
        all[i] = (struct caller){ .c = c };
        caller_open(&all[i]);
    }
    network_run(c->n, time_after(start_ns, c->duration_ns));
    const double seconds = (double)(loop_now(network_loop(c->n)) - start_ns) / 1e9, cpu_s = (double)(clock_cpu_ns() - cpu_ns) / 1e9;
    c->over = true;
    for (int i = 0; i < c->conns; i++)
        stream_abort(all[i].s);
    network_run(c->n, time_after(loop_now(network_loop(c->n)), 20 * NS_PER_MS));      /* the resets leave */
    free(all);
    if (c->bytes + c->trips == 0) {
        complain("bench: %s", plumb_err_text(c->error ? c->error : PLUMB_TIMED_OUT));
        return 1;
    }
    report(c, seconds, cpu_s);
    return 0;
}

/* ---------------------------------------------------------------- commands */

struct bench_net { struct network_opts open; bool server; uint16_t port; const char *host, *what; long conns; int64_t duration_ns; };

static const struct argp_option options[] = {
    { "port",        'p', "N", 0, "the port (default 7007)", 0 },
    { "connections", 'c', "N", 0, "client: connections at once (default 1)", 0 },
    { "time",        't', "S", 0, "client: how long (default 3 s)", 0 },
    { 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct bench_net *b = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &b->open; return 0;
    case 'p': b->port = (uint16_t)option_integer(state, arg, 1, 65535); return 0;
    case 'c': b->conns = option_integer(state, arg, 1, CONNS_MAX); return 0;
    case 't': b->duration_ns = option_seconds(state, arg); return 0;
    case ARGP_KEY_ARG:
        if (b->server)
            option_bad(state, "what is \"%s\"?", arg);
        *(b->host ? &b->what : &b->host) = arg;
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static bool mode_of(const char *what, char *mode)
{
    static const struct { const char *name; char mode; } modes[] = { { "up", 'B' }, { "down", 'D' }, { "rr", 'R' }, { "crr", 'C' } };
    for (size_t i = 0; what && i < 4; i++) {
        if (strcmp(what, modes[i].name) == 0) {
            *mode = modes[i].mode;
            return true;
        }
    }
    return false;
}

int bench_net(int argc, char **argv)
{
    static const struct argp_child children[] = { { &network_argp, 0, NULL, 0 }, { 0 } };
    static const struct argp argp = { options, parse, "server | client HOST up|down|rr|crr", "Measures a network: bulk each way, one-byte round trips, "
                                      "connect-request-answer-close.", children, NULL, NULL };
    struct bench_net b = { .server = strcmp(argv[0], "server") == 0, .port = DEFAULT_PORT, .conns = 1, .duration_ns = 3 * NS_PER_SEC };
    struct client c = { 0 };
    int status;
    b.open.cores = b.server;            /* a client has one thread */
    options_parse(&argp, argc, argv, &b);
    if (!b.server && (!b.host || !mode_of(b.what, &c.mode))) {
        complain("bench client takes a host and one of: up down rr crr");
        return EXIT_USAGE;
    }
    if (b.open.via.kind == VIA_UNSET)
        b.open.via.kind = VIA_HOST;
    struct network *n = network_open_configured(&b.open, &status);
    if (!n)
        return status;
    c.n = n;
    c.conns = (int)b.conns;
    c.duration_ns = b.duration_ns;
    c.to.port = b.port;
    if (b.server)
        status = serve_all(n, b.port);
    else
        status = network_resolve(n, b.host, &c.to.addr) ? call(&c) : 1;
    return network_close(n) ? status : 1;
}
