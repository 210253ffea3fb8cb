#include "name/query.h"
#include <stdlib.h>

static void ask_next(struct query *q);
static void ask(struct query *q);

static void hang_up(struct query *q)
{
    loop_cancel(q->net->loop, &q->timer);
    dgram_close(q->udp);
    stream_abort(q->tcp);
    q->udp = NULL;
    q->tcp = NULL;
    free(q->message);
    q->message = NULL;
    q->have = 0;
    q->tcp_asked = false;
}

static void finish(struct query *q, enum query_state state)
{
    hang_up(q);
    q->state = state;
    loop_defer(q->net->loop, q->owner);
}

static void trace_answer(struct query *q)
{
    if (q->net->trace)
        TRACE(q->net->trace, loop_now(q->net->loop), 0, dns_answer, .server = q->server.addr, .id = q->id, .rcode = q->answer.header.rcode,
              .answers = q->answer.header.an, .first = q->answer.n_addrs ? q->answer.addrs[0] : ADDR_NONE);
}

static void trace_query(struct query *q)
{
    char name[DNS_NAME_TEXT];
    if (!q->net->trace)
        return;
    dns_name_text(&q->question.name, name);
    TRACE_BYTES(q->net->trace, loop_now(q->net->loop), 0, dns_query, name, (uint32_t)strlen(name), .server = q->server.addr, .id = q->id,
                .type = q->question.type);
}

static size_t write_question(struct query *q, uint8_t to[DNS_UDP_MAX])
{
    struct writer w = writer_of(to, DNS_UDP_MAX);
    dns_header_write(&w, &(struct dns_header){ .id = q->id, .rd = true, .qd = 1 });
    dns_question_write(&w, &q->question);
    return w.bad ? 0 : wr_len(&w);
}

/* ------------------------------------------------------------------- TCP */

/* False: not the whole question yet. */
static bool tcp_ask(struct query *q)
{
    uint8_t message[2 + DNS_UDP_MAX];
    const size_t len = write_question(q, message + 2);
    store_be16(message, (uint16_t)len);
    size_t room;
    if (!stream_reserve(q->tcp, &room) || room < len + 2)
        return false;
    stream_write(q->tcp, message, len + 2);
    return true;
}

static void take_answer(struct query *q, const uint8_t *bytes, size_t len, bool over_tcp);

static void on_tcp(void *arg)
{
    struct query *q = arg;
    if (stream_state(q->tcp) == STREAM_CONNECTING)
        return;
    if (stream_state(q->tcp) == STREAM_OPEN && !q->tcp_asked)
        q->tcp_asked = tcp_ask(q);
    for (;;) {
        size_t want = 2;
        if (q->have >= 2)
            want += load_be16(q->message);
        if (q->have == want && want > 2) {
            take_answer(q, q->message + 2, want - 2, true);
            return;
        }
        const size_t n = stream_read(q->tcp, q->message + q->have, want - q->have);
        q->have += n;
        if (n == 0 || (q->have == 2 && load_be16(q->message) == 0))
            break;
    }
    if (stream_state(q->tcp) == STREAM_FAILED || stream_ended(q->tcp) || q->have == 2)
        ask_next(q);
}

static void go_tcp(struct query *q)
{
    const struct endpoint server = q->server;
    hang_up(q);
    q->message = malloc(2 + QUERY_MESSAGE);
    if (!q->message || net_connect(q->net, &(struct connect_opts){ .remote = server, .no_delay = true }, &q->tcp) != PLUMB_OK) {
        ask_next(q);
        return;
    }
    stream_watch(q->tcp, on_tcp, q);
    loop_defer(q->net->loop, &q->tcp->watch);
    loop_arm_in(q->net->loop, &q->timer, QUERY_TIMEOUT_NS);
}

/* ------------------------------------------------------------------- UDP */

static void take_answer(struct query *q, const uint8_t *bytes, size_t len, bool over_tcp)
{
    enum answer_fate fate = answer_judge(bytes, len, q->id, &q->question, &q->answer);
    if (over_tcp && (fate == ANSWER_NOT_OURS || fate == ANSWER_TRUNCATED)) {
        ask_next(q);                    /* nothing better will come on this connection */
        return;
    }
    if (fate == ANSWER_NOT_OURS)
        return;
    if (fate == ANSWER_TRUNCATED) {
        go_tcp(q);
        return;
    }
    trace_answer(q);
    q->any_answer = true;
    q->fate = fate;
    if (fate == ANSWER_FAILED) {
        ask_next(q);
    } else if (fate == ANSWER_ALIAS && q->restarts < ANSWER_CHAIN) {
        q->restarts++;
        q->question.name = q->answer.target;
        q->attempt = 0;
        ask(q);
    } else {
        if (fate == ANSWER_ALIAS)
            q->fate = ANSWER_LOOP;
        finish(q, QUERY_ANSWERED);
    }
}

static void on_udp(void *arg)
{
    struct query *q = arg;
    struct dgram_in in;
    struct dgram *udp = q->udp;
    while (q->udp == udp && dgram_peek(udp, &in)) {
        uint8_t copy[DNS_UDP_MAX];      /* the loan ends when an answer closes the socket */
        const size_t len = in.len;
        const bool from_server = endpoint_eq(in.from, q->server);
        if (len <= sizeof copy)
            memcpy(copy, in.bytes, len);
        dgram_consume(udp);
        if (from_server && len <= sizeof copy)
            take_answer(q, copy, len, false);
    }
    if (q->state == QUERY_ASKING && q->udp == udp && dgram_take_error(udp) != PLUMB_OK) {
        q->unreachable = true;
        ask_next(q);
    }
}

/* The next server in turn, each QUERY_ROUNDS times. */
static void ask(struct query *q)
{
    for (; q->attempt < q->n_servers * QUERY_ROUNDS; q->attempt++) {
        uint8_t message[DNS_UDP_MAX];
        hang_up(q);
        q->server = q->servers[q->attempt % q->n_servers];
        q->id = (uint16_t)net_random(q->net);
        const size_t len = write_question(q, message);
        if (net_datagram(q->net, &(struct dgram_opts){ .remote = q->server }, &q->udp) == PLUMB_OK) {
            dgram_watch(q->udp, on_udp, q);
            q->unreachable = dgram_send(q->udp, q->server, message, len) != PLUMB_OK;
        } else {
            q->unreachable = true;
        }
        if (q->unreachable)
            continue;
        trace_query(q);
        loop_arm_in(q->net->loop, &q->timer, QUERY_TIMEOUT_NS);
        return;
    }
    finish(q, QUERY_SILENT);
}

static void ask_next(struct query *q)
{
    q->attempt++;
    ask(q);
}

static void on_timeout(void *arg) { ask_next(arg); }

void query_start(struct query *q, struct net *n, const struct endpoint *servers, uint32_t n_servers, const struct dns_name *name,
                 uint16_t type, struct loop_task *owner)
{
    *q = (struct query){ .net = n, .n_servers = n_servers < QUERY_SERVERS ? n_servers : QUERY_SERVERS, .owner = owner,
                         .question = { .name = *name, .type = type, .klass = DNS_IN } };
    memcpy(q->servers, servers, q->n_servers * sizeof *servers);
    q->timer = (struct loop_timer){ .fn = on_timeout, .arg = q };
    ask(q);
}

void query_stop(struct query *q)
{
    if (q->net && q->state == QUERY_ASKING)
        hang_up(q);
}
