#include "http/server_int.h"
#include <stdlib.h>
#include <string.h>

static void or_default(int64_t *v, int64_t d) { *v = *v ? *v : d; }

struct http_server *http_server_new(struct net *n, const struct http_server_config *cfg)
{
    struct http_server *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->net = n;
    s->cfg = *cfg;
    s->cfg.max_conns = cfg->max_conns ? cfg->max_conns : 1024;
    s->cfg.max_body = cfg->max_body ? cfg->max_body : UINT64_C(1) << 30;
    s->cfg.min_rate = cfg->min_rate ? cfg->min_rate : 512;
    s->cfg.name = cfg->name ? cfg->name : "plumb";
    or_default(&s->cfg.head_timeout_ns, 20 * NS_PER_SEC);
    or_default(&s->cfg.idle_timeout_ns, 60 * NS_PER_SEC);
    or_default(&s->cfg.stall_timeout_ns, 30 * NS_PER_SEC);
    list_init(&s->conns);
    list_init(&s->listeners);
    return s;
}

static void drop_listeners(struct http_server *s)
{
    for (struct list *n; (n = list_pop(&s->listeners));) {
        struct listener_node *l = list_entry(n, struct listener_node, node);
        listener_close(l->listener);
        free(l);
    }
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    drop_listeners(s);
    while (!list_empty(&s->conns))
        http_conn_free(list_entry(s->conns.next, struct http_conn, node));
    loop_undefer(&s->owner);
    free(s);
}

/* The connection that has been idle longest; NULL: all are busy. */
static struct http_conn *idlest(struct http_server *s)
{
    for (struct list *n = s->conns.next; n != &s->conns; n = n->next) {
        struct http_conn *c = list_entry(n, struct http_conn, node);
        if (c->state == CONN_IDLE || c->state == CONN_LINGER)
            return c;
    }
    return NULL;
}

static void on_listener(void *arg)
{
    struct listener_node *l = arg;
    struct http_server *s = l->server;
    for (;;) {
        struct http_conn *spare = s->n_conns < s->cfg.max_conns ? NULL : idlest(s);
        if (!spare && s->n_conns >= s->cfg.max_conns)
            return;                                     /* they wait in the listener's queue */
        struct stream *st = listener_accept(l->listener);
        if (!st)
            return;
        if (spare)
            http_conn_free(spare);
        struct http_conn *c = http_conn_new(s, st);
        if (c)
            loop_defer(s->net->loop, &c->pump);
    }
}

bool http_server_listen(struct http_server *s, struct listener *l)
{
    struct listener_node *n = calloc(1, sizeof *n);
    if (!n) {
        listener_close(l);
        return false;
    }
    *n = (struct listener_node){ .server = s, .listener = l };
    list_push(&s->listeners, &n->node);
    listener_watch(l, on_listener, n);
    loop_defer(s->net->loop, &l->watch);
    return true;
}

void http_server_stop(struct http_server *s)
{
    s->stopping = true;
    drop_listeners(s);
    for (struct list *n = s->conns.next, *next; n != &s->conns; n = next) {
        next = n->next;
        http_conn_stop(list_entry(n, struct http_conn, node));
    }
    if (s->n_conns == 0 && s->owner.fn)
        loop_defer(s->net->loop, &s->owner);
}

void http_server_watch(struct http_server *s, loop_fn *fn, void *arg)
{
    loop_undefer(&s->owner);
    s->owner.fn = fn;
    s->owner.arg = arg;
}

uint32_t http_server_conns(const struct http_server *s) { return s->n_conns; }
struct net *http_server_net(struct http_server *s)      { return s->net; }

/* A place became free: whoever waits to be accepted may come. */
static void gone(struct http_server *s)
{
    s->n_conns--;
    for (struct list *n = s->listeners.next; n != &s->listeners; n = n->next)
        loop_defer(s->net->loop, &list_entry(n, struct listener_node, node)->listener->watch);
    if (s->stopping && s->n_conns == 0 && s->owner.fn)
        loop_defer(s->net->loop, &s->owner);
}

static void on_timer(void *arg);

struct http_conn *http_conn_new(struct http_server *s, struct stream *st)
{
    struct http_conn *c = calloc(1, sizeof *c);
    if (!c) {
        stream_abort(st);
        return NULL;
    }
    c->server = s;
    c->stream = st;
    c->pump = (struct loop_task){ .fn = http_conn_run, .arg = c };
    c->timer = (struct loop_timer){ .fn = on_timer, .arg = c };
    c->x.request = &c->h1;
    c->x.from = stream_remote(st);
    h1_init(&c->h1, H1_REQUEST);
    list_push(&s->conns, &c->node);
    s->n_conns++;
    stream_watch(st, http_conn_run, c);
    loop_arm_in(s->net->loop, &c->timer, s->cfg.idle_timeout_ns);
    return c;
}

static void end_exchange(struct http_conn *c)
{
    const struct http_handler *h = &c->server->cfg.handler;
    if (c->in_exchange && h->done)
        h->done(h->arg, &c->x);
    c->in_exchange = false;
    c->x.user = NULL;
    http_source_close(&c->body);
}

void http_conn_free(struct http_conn *c)
{
    struct http_server *s = c->server;
    end_exchange(c);
    loop_undefer(&c->pump);
    loop_cancel(s->net->loop, &c->timer);
    list_remove(&c->node);
    if (c->state == CONN_LINGER || c->state == CONN_IDLE)
        stream_close(c->stream);
    else
        stream_abort(c->stream);
    h1_fini(&c->h1);
    outbuf_fini(&c->out);
    free(c);
    gone(s);
}

/* ---------------------------------------------------------------- states */

enum { LINGER_MS = 2000, TURNS = 64 };         /* TURNS: then others have theirs */

static void set_state(struct http_conn *c, enum conn_state state)
{
    struct http_server *s = c->server;
    const int64_t now_ns = loop_now(s->net->loop);
    const int64_t wait_ns[] = { [CONN_IDLE] = s->cfg.idle_timeout_ns, [CONN_HEAD] = s->cfg.head_timeout_ns,
                                [CONN_BODY] = s->cfg.stall_timeout_ns, [CONN_ANSWER] = s->cfg.stall_timeout_ns,
                                [CONN_LINGER] = LINGER_MS * NS_PER_MS };
    c->state = state;
    c->begun_ns = now_ns;
    c->moved = 0;
    loop_arm_in(s->net->loop, &c->timer, wait_ns[state]);
    list_remove(&c->node);
    list_push(&s->conns, &c->node);
}

/* Bytes of a body moved: the deadline moves too, but never beyond what the least rate allows. */
static void progress(struct http_conn *c, uint64_t n)
{
    const struct http_server_config *cfg = &c->server->cfg;
    if (n == 0)
        return;
    c->moved += n;
    const int64_t by_rate_ns = (int64_t)(c->moved / cfg->min_rate < 1000000000 ? c->moved / cfg->min_rate : 1000000000) * NS_PER_SEC;
    const int64_t now_ns = loop_now(c->server->net->loop);
    loop_arm(c->server->net->loop, &c->timer,
             time_min(time_after(now_ns, cfg->stall_timeout_ns), time_after(c->begun_ns, cfg->stall_timeout_ns + by_rate_ns)));
}

static void linger(struct http_conn *c)
{
    stream_shutdown(c->stream);
    end_exchange(c);
    set_state(c, CONN_LINGER);
}

static void on_timer(void *arg)
{
    struct http_conn *c = arg;
    if (c->state == CONN_HEAD || c->state == CONN_BODY) {
        http_conn_refuse(c, 408, "the request did not arrive in time");
        set_state(c, CONN_ANSWER);
        http_conn_run(c);
        return;
    }
    http_conn_free(c);
}

void http_conn_stop(struct http_conn *c)
{
    c->close_after = true;
    if (c->state == CONN_IDLE)
        http_conn_free(c);
}

/* --------------------------------------------------------------- request */

/* The path and query of the target, origin-form or absolute-form (RFC 9112 §3.2). */
static bool split_target(struct http_conn *c)
{
    const char *t = c->h1.target;
    if (strncmp(t, "http://", 7) == 0 || strncmp(t, "https://", 8) == 0) {
        t = strstr(t, "//") + 2;
        t += strcspn(t, "/?");
    }
    const size_t n = strcspn(t, "?#");
    if (strcmp(t, "*") == 0 && strcmp(c->h1.method, "OPTIONS") == 0)
        t = "/*";
    else if (*t && *t != '/' && *t != '?')
        return false;
    memcpy(c->x.path, n ? t : "/", n ? n : 1);
    c->x.path[n ? n : 1] = 0;
    if (strcmp(t, "/*") == 0)
        memcpy(c->x.path, "*", 2);
    c->x.query = t[n] == '?' ? t + n + 1 : NULL;
    return true;
}

static bool wants_body(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
}

/* What is wrong with the request, as the status that says so; 0: nothing. */
static int judge_head(struct http_conn *c)
{
    const struct http_server_config *cfg = &c->server->cfg;
    const char *expect = headers_get(&c->h1.headers, "Expect");
    if (!http_method_known(c->h1.method))
        return 501;
    if (!split_target(c))
        return 400;
    if (expect && !text_same(expect, "100-continue"))
        return 417;
    if (c->h1.content_length >= 0 && (uint64_t)c->h1.content_length > cfg->max_body)
        return 413;
    if (cfg->handler.data && wants_body(c->h1.method) && !c->h1.chunked && c->h1.content_length < 0)
        return 411;
    return 0;
}

static int hand_head(struct http_conn *c)
{
    const struct http_handler *h = &c->server->cfg.handler;
    set_state(c, CONN_BODY);
    c->head_only = strcmp(c->h1.method, "HEAD") == 0;
    c->request_read = false;
    const int status = judge_head(c);
    if (status)
        return status;
    c->in_exchange = true;
    h->head(h->arg, &c->x);
    const char *expect = headers_get(&c->h1.headers, "Expect");
    if (c->state == CONN_BODY && expect && c->h1.minor >= 1 && (c->h1.chunked || c->h1.content_length > 0))
        outbuf_text_put(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
    return 0;
}

static int take_data(struct http_conn *c)
{
    const struct http_handler *h = &c->server->cfg.handler;
    size_t len;
    const uint8_t *bytes = stream_peek(c->stream, &len);
    const size_t n = c->h1.data_len;
    c->passed_over += n;
    if (c->passed_over > c->server->cfg.max_body)
        return 413;
    if (c->state == CONN_BODY && h->data)
        h->data(h->arg, &c->x, bytes, n);
    h1_took(&c->h1, n);
    stream_consume(c->stream, n);
    if (c->state == CONN_BODY)
        progress(c, n);
    return 0;
}

static void take_end(struct http_conn *c)
{
    const struct http_handler *h = &c->server->cfg.handler;
    c->request_read = true;
    if (c->state != CONN_BODY)
        return;
    if (h->end)
        h->end(h->arg, &c->x);
    if (c->state == CONN_BODY)
        http_respond_status(&c->x, 404);
}

/* Reads on; false: the connection is gone. */
static bool read_request(struct http_conn *c)
{
    for (int turns = 0; c->state != CONN_LINGER && !c->request_read; turns++) {
        if (turns == TURNS) {
            loop_defer(c->server->net->loop, &c->pump);
            return true;
        }
        size_t len, used;
        const uint8_t *bytes = stream_peek(c->stream, &len);
        const enum h1_event e = h1_step(&c->h1, bytes ? bytes : (const uint8_t *)"", len, &used);
        if (used)
            stream_consume(c->stream, used);
        if (c->state == CONN_IDLE && h1_started(&c->h1))
            set_state(c, CONN_HEAD);
        int status = 0;
        if (e == H1_HEAD)
            status = hand_head(c);
        else if (e == H1_DATA)
            status = take_data(c);
        else if (e == H1_END)
            take_end(c);
        else if (e == H1_BAD)
            status = h1_error_status(c->h1.error);
        if (status) {
            http_conn_refuse(c, status, e == H1_BAD ? h1_error_text(c->h1.error) : NULL);
            return true;
        }
        if (e != H1_MORE || used)
            continue;
        if (!stream_ended(c->stream) && stream_state(c->stream) != STREAM_FAILED)
            return true;
        if (c->state == CONN_ANSWER && stream_state(c->stream) != STREAM_FAILED) {
            c->close_after = true;      /* half-closed inside a body nobody waits for */
            return true;
        }
        http_conn_free(c);
        return false;
    }
    return true;
}

static void next_request(struct http_conn *c)
{
    end_exchange(c);
    h1_next(&c->h1);
    c->request_read = false;
    c->head_only = false;
    c->passed_over = 0;
    set_state(c, CONN_IDLE);
}

/* Discards what comes; true: the peer has closed. */
static bool discard(struct http_conn *c)
{
    size_t len;
    int turns = 0;
    for (; turns < TURNS && stream_peek(c->stream, &len); turns++)
        stream_consume(c->stream, len);
    if (turns == TURNS)
        loop_defer(c->server->net->loop, &c->pump);
    return stream_ended(c->stream) || stream_state(c->stream) == STREAM_FAILED;
}

void http_conn_run(void *arg)
{
    struct http_conn *c = arg;
    for (int turns = 0; turns < 16; turns++) {
        if (c->state == CONN_LINGER) {
            if (discard(c))
                http_conn_free(c);
            return;
        }
        if (!read_request(c))
            return;
        if (c->state != CONN_ANSWER) {
            outbuf_push(&c->out, c->stream);            /* a 100 (Continue) */
            return;
        }
        const uint64_t before = c->moved;
        const bool complete = http_conn_send(c);
        if (stream_state(c->stream) == STREAM_FAILED || c->state != CONN_ANSWER) {
            http_conn_free(c);
            return;
        }
        const uint64_t sent = c->moved - before;
        c->moved = before;
        progress(c, sent);
        if (!complete)
            return;
        if (c->close_after || c->server->stopping)
            linger(c);
        else if (c->request_read)
            next_request(c);
        else
            return;                                     /* the rest of the request's body comes first */
    }
    loop_defer(c->server->net->loop, &c->pump);
}
