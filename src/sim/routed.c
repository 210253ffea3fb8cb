#include "sim/routed_int.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t LIFE_NS = 300 * NS_PER_SEC;        /* of a mapping of UDP that nobody uses (RFC 4787 REQ-5) */

enum { QUESTION = 1, ANSWER = 2 };

__attribute__((format(printf, 2, 3))) static void broken(struct routed_world *w, const char *format, ...)
{
    va_list args;
    if (w->out->error[0])
        return;
    va_start(args, format);
    vsnprintf(w->out->error, sizeof w->out->error, format, args);
    va_end(args);
    loop_stop(world_loop(w->world));
}

static bool is_behind_gateway(const struct routed_host *h) { return h->w->router[h->router].gateway; }

static void say(struct routed_talk *t, struct routed_host *from, struct endpoint to, uint8_t what)
{
    uint8_t bytes[64] = { what, (uint8_t)(t - t->w->talk) };
    t->w->out->sent++;
    if (dgram_send(from->d, to, bytes, 2 + rng_below(&t->w->rng, 60)) != PLUMB_OK)
        broken(t->w, "a host could not send");
}

/* ---------------------------------------------------------------- invariants */

/* RFC 4787 REQ-1 and REQ-3, as a server sees them: a port outside is one endpoint's until its mapping's time is over, and
 * an endpoint keeps its port as long. */
static void watch_endpoint(struct routed_world *w, struct endpoint outer, const struct routed_host *inner)
{
    const int64_t now_ns = world_now(w->world);
    unsigned place = w->n_seen;
    for (unsigned i = 0; i < w->n_seen; i++) {
        struct routed_seen *s = &w->seen[i];
        const bool fresh = now_ns - s->at_ns < LIFE_NS - NS_PER_SEC;        /* the way to a server has a length */
        if (fresh && endpoint_eq(s->outer, outer) && s->inner != inner)
            broken(w, "port %u outside stands for two hosts", outer.port);
        if (fresh && s->inner == inner && !endpoint_eq(s->outer, outer))
            broken(w, "a host had port %u outside and now has %u", s->outer.port, outer.port);
        if (s->inner == inner)
            place = i;
    }
    if (place == w->n_seen && w->n_seen < TALKS_MAX)
        w->n_seen++;
    if (place < TALKS_MAX)
        w->seen[place] = (struct routed_seen){ outer, inner, now_ns };
}

/* No two flows share what their packets carry, on either side: so each packet has one flow, and its translation one way back. */
static void watch_tables(struct routed_world *w, const struct routed_router *r)
{
    static struct tuple t[2 * 512];
    struct flow_info f;
    struct nat_info m, other;
    unsigned n = 0;
    for (uint64_t cursor = 0; n < 1022 && stack_walk_flows(r->st, &cursor, &f);) {
        t[n++] = f.arrives;
        t[n++] = tuple_reverse(&f.leaves);
    }
    for (unsigned i = 0; i < n; i++)
        for (unsigned j = 0; j < i; j++)
            if (tuple_eq(&t[i], &t[j]))
                broken(w, "a five-tuple belongs to two flows");
    for (uint64_t a = 0; stack_walk_nat(r->st, &a, &m);) {
        unsigned same = 0;
        for (uint64_t b = 0; stack_walk_nat(r->st, &b, &other);)
            same += other.proto == m.proto && (endpoint_eq(other.external, m.external) || endpoint_eq(other.internal, m.internal));
        if (same != 1)
            broken(w, "port %u of a gateway is given twice", m.external.port);
        if (!m.flows && !m.forward)
            broken(w, "a mapping without a flow");
        w->out->mappings++;
    }
}

static void watch_routers(struct routed_world *w)
{
    for (unsigned i = 0; i < w->n_routers; i++) {
        const struct trace *t = stack_trace(w->router[i].st);
        if (t->drops[WHY_IP_TTL])
            broken(w, "a TTL ran out: packets go round");
        if (t->drops[WHY_IP_NO_ROUTE] || t->drops[WHY_NEIGH_UNREACHABLE])
            broken(w, "a router knew no way");
        if (w->router[i].gateway)
            watch_tables(w, &w->router[i]);
    }
}

/* ------------------------------------------------------------------- talking */

static void answer(void *arg)
{
    struct routed_talk *t = arg;
    say(t, t->to, t->seen, ANSWER);
}

static void ask(void *arg)
{
    struct routed_talk *t = arg;
    t->asked++;
    t->from->used_ns = world_now(t->w->world);
    say(t, t->from, (struct endpoint){ t->to->addr, HOST_PORT }, QUESTION);
}

static void heard_question(struct routed_talk *t, struct routed_host *h, const struct dgram_in *in)
{
    struct routed_world *w = t->w;
    if (h != t->to)
        broken(w, "a question came to another host");
    if (++t->heard > 1)
        broken(w, "a question came twice");
    if (!is_behind_gateway(t->from) && !(addr_eq(in->from.addr, t->from->addr) && in->from.port == HOST_PORT))
        broken(w, "a question came from another address than it was sent from");
    if (is_behind_gateway(t->from)) {
        if (!addr_eq(in->from.addr, w->router[t->from->router].outside))
            broken(w, "a question does not come from its gateway");
        watch_endpoint(w, in->from, t->from);
    }
    w->out->delivered++;
    t->seen = in->from;
    t->timer.fn = answer;
    loop_arm_in(world_loop(w->world), &t->timer, t->delay_ns);
}

/* Who answers when the mapping's time is over finds nobody, or whom the port was given since. */
static bool is_lost(const struct routed_talk *t, const struct routed_host *h) { return t->delay_ns > LIFE_NS && h->router == t->from->router; }

static void heard_answer(struct routed_talk *t, struct routed_host *h, const struct dgram_in *in)
{
    if (h != t->from && is_lost(t, h)) {
        h->used_ns = world_now(t->w->world);
        return;
    }
    if (h != t->from)
        broken(t->w, "an answer came to another host");
    if (++t->answers > 1)
        broken(t->w, "an answer came twice");
    if (!addr_eq(in->from.addr, t->to->addr) || in->from.port != HOST_PORT)
        broken(t->w, "an answer came from another address than was asked");
    if (is_behind_gateway(h) && world_now(t->w->world) - h->used_ns > LIFE_NS + NS_PER_SEC)
        broken(t->w, "an answer came in after its mapping's time");
    h->used_ns = world_now(t->w->world);
    t->w->out->answered++;
}

static void on_datagram(void *arg)
{
    struct routed_host *h = arg;
    struct dgram_in in;
    while (dgram_peek(h->d, &in)) {
        struct routed_talk *t = &h->w->talk[in.len > 1 ? in.bytes[1] % TALKS_MAX : 0];
        if (in.bytes[0] == QUESTION)
            heard_question(t, h, &in);
        else
            heard_answer(t, h, &in);
        dgram_consume(h->d);
    }
    (void)dgram_take_error(h->d);
}

/* Somebody asks somebody whom all can reach; the answer comes at once, shortly before the mapping's time is over, or after it. */
static void plan(struct routed_world *w, struct routed_talk *t, int64_t at_ns)
{
    do {
        t->from = &w->host[rng_below(&w->rng, w->n_hosts)];
        t->to = &w->host[rng_below(&w->rng, w->n_hosts)];
    } while (is_behind_gateway(t->to) || t->from == t->to);
    const uint32_t how = rng_below(&w->rng, 10);
    t->w = w;
    t->delay_ns = how < 6 ? (int64_t)rng_below(&w->rng, 1000) * NS_PER_MS : (int64_t)(how < 8 ? 290 : 310) * NS_PER_SEC;
    t->timer = (struct loop_timer){ .fn = ask, .arg = t };
    loop_arm(world_loop(w->world), &t->timer, at_ns);
}

/* In bursts with long silences between, in which mappings come to their end. */
static bool begin(struct routed_world *w)
{
    int64_t at_ns = NS_PER_SEC;
    for (unsigned i = 0; i < w->n_hosts; i++) {
        struct routed_host *h = &w->host[i];
        const struct dgram_opts o = { .local = { h->addr, HOST_PORT } };
        if (net_datagram(stack_net(h->st, world_loop(w->world)), &o, &h->d) != PLUMB_OK)
            return false;
        dgram_watch(h->d, on_datagram, h);
    }
    w->n_talks = 16 + rng_below(&w->rng, TALKS_MAX - 16);
    for (unsigned i = 0; i < w->n_talks; i++) {
        plan(w, &w->talk[i], at_ns);
        w->end_ns = at_ns + 400 * NS_PER_SEC;
        at_ns += rng_below(&w->rng, 8) ? (int64_t)rng_below(&w->rng, 2000) * NS_PER_MS : (int64_t)rng_below(&w->rng, 700) * NS_PER_SEC;
    }
    return true;
}

/* An answer that left in time must have come; of the late ones those that found another flow of theirs may have. */
static void judge(struct routed_world *w)
{
    for (unsigned i = 0; i < w->n_talks; i++) {
        const struct routed_talk *t = &w->talk[i];
        if (t->heard != 1)
            broken(w, "a question was lost");
        if (t->answers == 0 && (!is_behind_gateway(t->from) || t->delay_ns < LIFE_NS))
            broken(w, "an answer was lost");
        w->out->too_late += t->answers == 0;
    }
}

static bool stopped(void *arg) { return ((const struct routed_world *)arg)->out->error[0] != '\0'; }

static void run(struct routed_world *w)
{
    if (!routed_build(w) || !begin(w)) {
        broken(w, "no memory");
        return;
    }
    while (!stopped(w) && world_now(w->world) < w->end_ns) {
        (void)world_run(w->world, stopped, w, world_now(w->world) + (int64_t)rng_below(&w->rng, 2000) * NS_PER_SEC);
        watch_routers(w);
    }
    if (!stopped(w))
        judge(w);
}

bool routed_run(uint64_t seed, struct routed_result *out)
{
    struct routed_world *w = calloc(1, sizeof *w);
    *out = (struct routed_result){ 0 };
    if (w)
        w->world = world_new(seed);
    if (!w || !w->world) {
        free(w);
        snprintf(out->error, sizeof out->error, "no memory");
        return false;
    }
    w->out = out;
    rng_seed(&w->rng, seed);
    run(w);
    for (unsigned i = 0; i < w->n_hosts; i++)
        dgram_close(w->host[i].d);
    for (unsigned i = 0; i < w->n_talks; i++)
        loop_cancel(world_loop(w->world), &w->talk[i].timer);
    world_free(w->world);
    free(w);
    return !out->error[0];
}
