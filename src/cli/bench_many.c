/* Many connections over a pair of stacks (bench_many.h). */
#include "cli/bench_many.h"
#include <stdlib.h>

enum { PER_ADDRESS = 20000, FIRST_ADDRESS = 0x0a010001 };      /* 10.1.0.1 on; fewer than there are ephemeral ports */

bool bench_many_open(struct bench_many *m, uint32_t most, const struct tcp_config *tcp)
{
    struct bench_setup s = { .any_address = true, .tcp = *tcp };
    s.tcp.max_conns = most + BENCH_BATCH;
    *m = (struct bench_many){ .most = most, .conn = malloc(most * sizeof *m->conn) };
    if (!m->conn || !bench_stacks_open(&m->p, &s))
        return false;
    tcp_listener_set_user(m->p.listener, m);
    return true;
}

void bench_many_close(struct bench_many *m)
{
    bench_pair_close(&m->p);
    free(m->conn);
}

/* ---------------------------------------------------------------- the server */

static void send_back(struct tcp_conn *c, uint32_t n, int64_t now_ns)
{
    size_t room;
    for (uint8_t *to; n > 0 && (to = tcp_reserve(c, &room)); n--) {
        *to = 'x';
        tcp_commit(c, 1, true, now_ns);
    }
}

static uint32_t take(struct tcp_conn *c, int64_t now_ns)
{
    uint32_t taken = 0;
    size_t len;
    while (tcp_peek(c, &len)) {
        tcp_consume(c, len, now_ns);
        taken += (uint32_t)len;
    }
    return taken;
}

static bool peer_closed(const struct tcp_conn *c)
{
    struct tcp_status s;
    tcp_status(c, &s);
    return s.peer_closed || s.state == CLOSED;
}

static void serve(struct bench_many *m)
{
    struct tcp_event e;
    while (tcp_next_event(m->p.side[1].tcp, &e)) {
        if (e.listener) {
            for (struct tcp_conn *c; (c = tcp_accept(e.listener));)
                tcp_set_user(c, m);
            continue;
        }
        const uint32_t n = take(e.conn, m->p.now_ns);
        send_back(e.conn, n, m->p.now_ns);
        if (n == 0 && e.ready & TCP_READABLE && peer_closed(e.conn))
            tcp_close(e.conn, m->p.now_ns);
    }
}

/* --------------------------------------------------------------- the openers */

static void hear(struct bench_many *m)
{
    struct tcp_event e;
    while (tcp_next_event(m->p.side[0].tcp, &e)) {
        if (e.ready & TCP_CONNECTED)
            m->connected++;
        if (e.ready & TCP_READABLE)
            m->answered += take(e.conn, m->p.now_ns);
    }
}

static bool turn(struct bench_many *m)
{
    bool moved = false;
    m->p.now_ns += 1000;
    while (bench_carry(&m->p, 0))
        moved = true;
    serve(m);
    while (bench_carry(&m->p, 1))
        moved = true;
    hear(m);
    for (int i = 0; i < 2; i++)
        if (stack_deadline(m->p.side[i].st) <= m->p.now_ns)
            stack_tick(m->p.side[i].st, m->p.now_ns);
    return moved;
}

static void turn_or_jump(struct bench_many *m)
{
    if (!turn(m))
        bench_jump(&m->p);
}

bool bench_many_connect(struct bench_many *m, uint32_t n)
{
    const uint32_t wanted = m->connected + n;
    for (uint32_t i = 0; i < n; i++) {
        struct tcp_conn *c = bench_connect(&m->p, addr4(FIRST_ADDRESS + m->tuples++ / PER_ADDRESS));
        if (!c)
            return false;
        tcp_set_user(c, m);
        m->conn[m->n++] = c;
    }
    for (int i = 0; i < 1000 && m->connected != wanted; i++)
        turn_or_jump(m);
    while (turn(m))                     /* the last ACKs, and accept */
        ;
    return m->connected == wanted;
}

void bench_many_speak(struct bench_many *m, struct tcp_conn *const *conn, uint32_t n)
{
    const uint32_t wanted = m->answered + n;
    tcp_soon(conn, n);
    for (uint32_t i = 0; i < n; i++)
        send_back(conn[i], 1, m->p.now_ns);
    while (m->answered != wanted)
        turn_or_jump(m);
}

void bench_many_hang_up(struct bench_many *m, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        tcp_close(m->conn[--m->n], m->p.now_ns);
    while (turn(m))
        ;
}

void bench_many_rest(struct bench_many *m)
{
    const int64_t until_ns = m->p.now_ns + 2 * NS_PER_SEC;      /* longer than any timer here but keepalive's and TIME-WAIT's */
    while (m->p.now_ns < until_ns) {
        const int64_t before_ns = m->p.now_ns;
        turn_or_jump(m);
        if (m->p.now_ns - before_ns <= 1000 && !turn(m))
            m->p.now_ns += NS_PER_MS;
    }
}
