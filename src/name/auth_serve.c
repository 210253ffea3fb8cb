/* The authoritative server's sockets.  TCP: messages one after another, each behind its
 * length (RFC 1035 §4.2.2, RFC 7766); a connection that is idle or slow is closed. */
#include "name/auth_int.h"
#include <stdlib.h>
#include <string.h>

enum { CONNS = 64, MESSAGE = 65535, UDP_MESSAGE = 4096 };
#define IDLE_NS (10 * NS_PER_SEC)

struct conn {
    struct list node;
    struct auth *auth;
    struct stream *stream;
    struct loop_timer timer;
    size_t have, from, to;              /* received; of the answer */
    uint8_t in[2 + MESSAGE], out[2 + MESSAGE];
};

static void conn_free(struct conn *c)
{
    loop_cancel(c->auth->net->loop, &c->timer);
    stream_close(c->stream);
    list_remove(&c->node);
    c->auth->n_conns--;
    if (c->auth->tcp)
        loop_defer(c->auth->net->loop, &c->auth->tcp->watch);   /* who waits may come */
    free(c);
}

static void on_timer(void *arg) { conn_free(arg); }

/* True: the answer under way, if any, is out. */
static bool push(struct conn *c)
{
    c->from += stream_write(c->stream, c->out + c->from, c->to - c->from);
    return c->from == c->to;
}

/* True: a whole message is there. */
static bool gather(struct conn *c)
{
    for (;;) {
        const size_t want = c->have < 2 ? 2 : 2 + (size_t)load_be16(c->in);
        if (c->have >= 2 && c->have == want)
            return true;
        const size_t n = stream_read(c->stream, c->in + c->have, want - c->have);
        if (n == 0)
            return false;
        c->have += n;
    }
}

static void on_conn(void *arg)
{
    struct conn *c = arg;
    while (push(c) && gather(c)) {
        const size_t len = auth_answer(c->auth, c->in + 2, c->have - 2, c->out + 2, MESSAGE, true);
        c->have = c->from = 0;
        c->to = len ? len + 2 : 0;
        store_be16(c->out, (uint16_t)len);
        loop_arm_in(c->auth->net->loop, &c->timer, IDLE_NS);
        if (len == 0) {                 /* nothing this peer says makes sense */
            conn_free(c);
            return;
        }
    }
    if (stream_state(c->stream) == STREAM_FAILED || (stream_ended(c->stream) && c->from == c->to))
        conn_free(c);
}

static void on_listener(void *arg)
{
    struct auth *a = arg;
    struct stream *s;
    while (a->n_conns < CONNS && (s = listener_accept(a->tcp))) {
        struct conn *c = malloc(sizeof *c);
        if (!c) {
            stream_abort(s);
            return;
        }
        memset(c, 0, offsetof(struct conn, in));
        c->auth = a;
        c->stream = s;
        c->timer = (struct loop_timer){ .fn = on_timer, .arg = c };
        a->n_conns++;
        list_push(&a->conns, &c->node);
        stream_watch(s, on_conn, c);
        loop_defer(a->net->loop, &s->watch);
        loop_arm_in(a->net->loop, &c->timer, IDLE_NS);
    }
}

static void on_udp(void *arg)
{
    struct auth *a = arg;
    struct dgram_in in;
    uint8_t out[UDP_MESSAGE];
    while (dgram_peek(a->udp, &in)) {
        const size_t len = auth_answer(a, in.bytes, in.len, out, sizeof out, false);
        const struct endpoint to = in.from;
        dgram_consume(a->udp);
        if (len)
            (void)dgram_send(a->udp, to, out, len);     /* lost answers are asked for again */
    }
    (void)dgram_take_error(a->udp);
}

enum plumb_err auth_listen(struct auth *a, struct endpoint local)
{
    enum plumb_err e = net_datagram(a->net, &(struct dgram_opts){ .local = local }, &a->udp);
    if (e != PLUMB_OK)
        return e;
    local.port = dgram_local(a->udp).port;
    e = net_listen(a->net, &(struct listen_opts){ .local = local, .no_delay = true }, &a->tcp);
    if (e != PLUMB_OK) {
        auth_close(a);
        return e;
    }
    dgram_watch(a->udp, on_udp, a);
    listener_watch(a->tcp, on_listener, a);
    return PLUMB_OK;
}

struct endpoint auth_local(const struct auth *a) { return a->udp ? dgram_local(a->udp) : (struct endpoint){ 0 }; }

void auth_close(struct auth *a)
{
    dgram_close(a->udp);
    listener_close(a->tcp);
    a->udp = NULL;
    a->tcp = NULL;
    while (!list_empty(&a->conns))
        conn_free(list_entry(a->conns.next, struct conn, node));
}
