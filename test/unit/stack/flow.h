/* Applications for tests: one writes a pattern of a given length, one checks it;
 * every end of a stream does both. */
#pragma once
#include "../test.h"
#include "lan.h"
#include <stdlib.h>

struct flow_end {
    struct stream *s;
    uint64_t seed;                      /* of what this end sends */
    uint64_t peer_seed;
    size_t   to_send, sent, to_get, got;
    bool     shut, ended, closed;
    enum plumb_err error;
    struct flow_server *server;
};

struct flow_server {
    struct listener *l;
    size_t   to_send, to_get;           /* of each connection */
    uint64_t seed, peer_seed;
    struct flow_end end[512];
    unsigned n, n_done;
};

static inline uint8_t flow_byte(uint64_t seed, size_t at)
{
    const uint64_t x = (at + seed) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint8_t)(x >> 56);
}

static inline void flow_finish(struct flow_end *e)
{
    if (e->closed || !e->shut || !e->ended)
        return;
    stream_close(e->s);
    e->closed = true;
    if (e->server)
        e->server->n_done++;
}

static inline void flow_send(struct flow_end *e)
{
    size_t room;
    for (uint8_t *to; e->sent < e->to_send && (to = stream_reserve(e->s, &room));) {
        const size_t n = room < e->to_send - e->sent ? room : e->to_send - e->sent;
        for (size_t i = 0; i < n; i++)
            to[i] = flow_byte(e->seed, e->sent + i);
        stream_commit(e->s, n);
        e->sent += n;
    }
    if (e->sent == e->to_send && !e->shut && stream_state(e->s) == STREAM_OPEN) {
        stream_shutdown(e->s);
        e->shut = true;
    }
}

static inline void flow_get(struct flow_end *e)
{
    size_t len;
    for (const uint8_t *from; (from = stream_peek(e->s, &len));) {
        for (size_t i = 0; i < len; i++)
            if (from[i] != flow_byte(e->peer_seed, e->got + i))
                fail_msg("byte %zu differs", e->got + i);
        e->got += len;
        stream_consume(e->s, len);
    }
    e->ended = stream_ended(e->s);
}

static inline void flow_ready(void *arg)
{
    struct flow_end *e = arg;
    if (e->closed)
        return;
    if (stream_state(e->s) == STREAM_FAILED) {
        e->error = stream_error(e->s);
        stream_close(e->s);
        e->closed = true;
        return;
    }
    flow_get(e);
    flow_send(e);
    flow_finish(e);
}

static inline void flow_accept(void *arg)
{
    struct flow_server *v = arg;
    for (struct stream *s; v->n < 512 && (s = listener_accept(v->l));) {
        struct flow_end *e = &v->end[v->n++];
        *e = (struct flow_end){ .s = s, .seed = v->seed, .peer_seed = v->peer_seed, .to_send = v->to_send, .to_get = v->to_get, .server = v };
        stream_watch(s, flow_ready, e);
        flow_ready(e);
    }
}

static inline void flow_listen(struct world *w, int host, uint16_t port, uint32_t backlog, struct flow_server *v)
{
    const struct listen_opts o = { .local = { ADDR_NONE, port }, .backlog = backlog };
    assert_int_equal(net_listen(stack_net(world_stack(w, host), world_loop(w)), &o, &v->l), PLUMB_OK);
    listener_watch(v->l, flow_accept, v);
}

static inline void flow_connect(struct world *w, int host, const char *to, struct flow_end *e)
{
    struct connect_opts o = { 0 };
    assert_true(endpoint_parse(to, &o.remote));
    assert_int_equal(net_connect(stack_net(world_stack(w, host), world_loop(w)), &o, &e->s), PLUMB_OK);
    stream_watch(e->s, flow_ready, e);
}
