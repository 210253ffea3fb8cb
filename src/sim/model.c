#include "sim/model_int.h"
#include "wire/ip6.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { PORT = 7000, PATIENCE_S = 2000 };

const char *model_seen_name(enum model_seen s)
{
    static const char *const name[SEEN_COUNT] = {
        "retransmission timeout", "fast retransmit", "zero window", "window probe", "simultaneous open", "simultaneous close", "half-close",
        "abort", "sequence wrap", "TIME-WAIT", "loss", "reordering", "duplication", "corruption", "lost SYN", "lost FIN",
        "tiny MTU", "tiny buffer", "large packets", "no buffer block", "a switch", "a router", "SACK", "D-SACK", "tail loss probe", "undone recovery",
        "MTU black hole", "text on a SYN",
        "joined packets", "cut packets", "batches of one", "IPv6" };
    return name[s];
}

bool model_breach(struct model *m, const char *format, ...)
{
    va_list args;
    if (*m->out->error)
        return false;
    const int n = snprintf(m->out->error, MODEL_ERROR, "at %.6f s: ", (double)world_now(m->w) / 1e9);
    va_start(args, format);
    vsnprintf(m->out->error + n, (size_t)(MODEL_ERROR - n), format, args);
    va_end(args);
    return false;
}

static uint32_t below(struct model *m, uint32_t n)  { return rng_below(&m->rng, n); }
static bool chance(struct model *m, uint32_t percent) { return below(m, 100) < percent; }
/* Small values as likely as large ones. */
static uint32_t log_below(struct model *m, uint32_t max) { return (uint32_t)(rng_u64(&m->rng) >> 32) % max >> below(m, 16); }

/* ---------------------------------------------------------- applications */

static void end_over(struct model_end *e)
{
    e->conn = NULL;
    e->finished = true;
}

/* CLOSE would delete it (§3.10.4); a listener gives none away before its time. */
static bool is_opening(const struct model_end *e)
{
    struct tcp_status st;
    tcp_status(e->conn, &st);
    return st.state == SYN_SENT || (st.state == SYN_RECEIVED && !e->listener);
}

static void do_write(struct model_end *e, int64_t now_ns)
{
    uint32_t left = 1 + below(e->m, e->write_max);
    size_t room;
    for (uint8_t *to; left && e->written < e->to_write && (to = tcp_reserve(e->conn, &room));) {
        size_t n = room < left ? room : left;
        n = n < e->to_write - e->written ? n : (size_t)(e->to_write - e->written);
        for (size_t i = 0; i < n; i++)
            to[i] = model_byte(e->side, e->index, e->written + i);
        tcp_commit(e->conn, n, chance(e->m, 50), now_ns);
        e->written += n;
        left -= (uint32_t)n;
    }
    if (e->written == e->to_write && !e->shut && !is_opening(e)) {
        tcp_shutdown(e->conn, now_ns);
        e->shut = true;
    }
}

static bool do_read(struct model_end *e, int64_t now_ns)
{
    uint32_t left = 1 + below(e->m, e->read_max);
    size_t len;
    for (const uint8_t *from; left && (from = tcp_peek(e->conn, &len));) {
        const size_t n = len < left ? len : left;
        for (size_t i = 0; i < n; i++)
            if (from[i] != model_byte(!e->side, e->index, e->read + i))
                return model_breach(e->m, "side %d read a wrong byte at %llu", e->side, (unsigned long long)(e->read + i));
        tcp_consume(e->conn, n, now_ns);
        e->read += n;
        left -= (uint32_t)n;
    }
    return true;
}

static void look_at_state(struct model_end *e, int64_t now_ns)
{
    struct tcp_status st;
    size_t len;
    tcp_status(e->conn, &st);
    if (st.error != PLUMB_OK && st.error != PLUMB_CLOSED) {
        e->failed = true;
        e->error = st.error;
        tcp_close(e->conn, now_ns);
        end_over(e);
        return;
    }
    if (st.peer_closed && !tcp_peek(e->conn, &len) && st.rcv_queued == 0) {
        if (!e->saw_end && !e->shut)
            e->m->out->seen[SEEN_HALF_CLOSE] = true;
        e->saw_end = true;
    }
    if (e->shut && (e->saw_end || e->early_close)) {
        tcp_close(e->conn, now_ns);
        end_over(e);
    }
}

static bool connect_end(struct model_end *e, uint16_t local, uint16_t remote, const struct tcp_user_opt *o)
{
    struct path p;
    struct model *m = e->m;
    const enum plumb_err bad = stack_route(m->stack[e->side], ADDR_NONE, m->addr[!e->side], &p);
    if (bad != PLUMB_OK)
        return model_breach(m, "no route: %s", plumb_err_text(bad));
    return tcp_connect(stack_tcp(m->stack[e->side]), &p, local, remote, o, &e->conn, world_now(m->w)) == PLUMB_OK || model_breach(m, "connect failed");
}

/* When the first is through, or will never be. */
static bool open_later(struct model_end *e, int64_t now_ns)
{
    const struct model_end *first = &e->m->end[0][0];
    const uint16_t port = (uint16_t)(PORT + e->index);
    if (first->conn && is_opening(first) && now_ns < 5 * NS_PER_SEC)
        return false;
    e->opens_later = false;
    return connect_end(e, (uint16_t)(port + 100), port, &e->opt);
}

static void step(void *arg)
{
    struct model_end *e = arg;
    struct loop *l = world_loop(e->m->w);
    const int64_t now_ns = loop_now(l);
    if (e->finished)
        return;
    /* an application that has waited long looks less often */
    const int64_t pace_ns = time_max(e->step_ns, now_ns / 1000);
    loop_arm_in(l, &e->timer, 1 + (int64_t)(rng_u64(&e->m->rng) % (uint64_t)pace_ns));
    if (!e->conn && e->opens_later && !open_later(e, now_ns))
        return;
    if (!e->conn && e->listener)
        e->conn = tcp_accept(e->listener);
    if (!e->conn)
        return;
    if (now_ns >= e->abort_at_ns) {
        e->aborted = true;
        e->m->out->seen[SEEN_ABORT] = true;
        tcp_abort(e->conn, now_ns);
        end_over(e);
        return;
    }
    struct tcp_status st;
    tcp_status(e->conn, &st);
    e->m->out->seen[SEEN_FAST_OPEN] |= st.fast_opened;
    if (is_opening(e)) {
        if (st.early)
            do_write(e, now_ns);        /* its SYN waits for this */
        return;
    }
    if (now_ns >= e->stall_until_ns && !do_read(e, now_ns))
        return;
    if (e->dozes && now_ns >= e->stall_until_ns && chance(e->m, 10)) {
        e->dozes--;
        e->stall_until_ns = now_ns + (int64_t)below(e->m, 3000) * NS_PER_MS;
    }
    do_write(e, now_ns);
    look_at_state(e, now_ns);
}

/* ------------------------------------------------------------- the world */

static struct impair_config some_link(struct model *m)
{
    struct impair_config c = { .delay_ns = (int64_t)log_below(m, 60 * 1000) * 1000 };
    const uint32_t mood = below(m, 10);             /* two perfect worlds in ten, two awful ones */
    const double scale = mood < 2 ? 0 : mood < 8 ? 0.02 : 0.12;
    if (chance(m, 40))
        c.rate_bits_s = 200000 + (uint64_t)log_below(m, 100000000);
    if (chance(m, 40))
        c.jitter_ns = (int64_t)below(m, 5000) * 1000;
    if (m->black_hole)
        c.mtu = m->black_hole;
    c.queue_bytes = chance(m, 30) ? 3000 + below(m, 60000) : 0;
    c.ecn_bytes = m->seed & 1 ? 1500 + (uint32_t)(m->seed >> 1) % 20000 : 0;
    c.loss = scale * rng_unit(&m->rng);
    c.reorder = scale * rng_unit(&m->rng);
    c.duplicate = scale * rng_unit(&m->rng);
    c.corrupt = chance(m, 50) ? scale / 2 * rng_unit(&m->rng) : 0;
    if (c.reorder > 0)
        m->out->seen[SEEN_REORDER] = true;
    return c;
}

enum { ROUTER = 254 };
static struct addr net_addr(const struct model *m, int net, int host)
{
    if (!m->ip6)
        return addr4(0x0a000000u + (uint32_t)(net << 8 | host));
    return (struct addr){ .b = { 0x20, 0x01, 0x0d, 0xb8, [7] = (uint8_t)net, [15] = (uint8_t)host } };
}
static struct prefix net_prefix(const struct model *m, struct addr a) { return (struct prefix){ a, m->ip6 ? 64 : 24 }; }
static struct prefix all_nets(const struct model *m) { return (struct prefix){ net_addr(m, 0, 0), m->ip6 ? 32 : 8 }; }

static uint32_t some_buffer(struct model *m)
{
    return chance(m, 40) ? 4096 + log_below(m, 60000) : 60000 + below(m, 500000);
}

static uint8_t congestion_of(uint64_t seed) { return (uint8_t)(1 + (seed >> 4) % (TCP_CC_COUNT - 1)); }

static bool add_host(struct model *m, int side, uint16_t mtu)
{
    struct stack_config c = { .node = (uint16_t)(side + 1), .seed = rng_u64(&m->rng), .small_pkts = 2048, .large_pkts = 32 };
    c.tcp.max_conns = 16;
    c.tcp.ecn = (uint8_t)(1 + (m->seed >> 6) % TCP_ECN_ACCURATE);
    c.tcp.congestion = congestion_of(m->seed);
    c.tcp.fast_open = m->fast_open ? 3 : 0;
    c.tcp.max_blocks = chance(m, 15) ? 16 + below(m, 32) : 1024;
    c.tcp.send_buffer = some_buffer(m);
    c.tcp.recv_buffer = some_buffer(m);
    c.tcp.no_timestamps = chance(m, 30);
    c.tcp.no_wscale = chance(m, 30);
    c.tcp.no_sack = chance(m, 25);
    const bool slow = chance(m, 50);
    c.tcp.no_fast_path = m->paths == MODEL_PATHS_BY_SEED ? slow : m->paths == MODEL_PATHS_SLOW;
    c.tcp.syn_cookies = chance(m, 10) ? SYN_COOKIES_ALWAYS : SYN_COOKIES_WHEN_FULL;
    c.tcp.delayed_ack_ns = chance(m, 50) ? 0 : (int64_t)(1 + below(m, 400)) * NS_PER_MS;
    if (chance(m, 50)) {
        c.tcp.isn_fixed = true;
        c.tcp.isn = 0u - log_below(m, 60000);
    }
    if (c.tcp.recv_buffer < 8192 || c.tcp.send_buffer < 8192)
        m->out->seen[SEEN_TINY_BUFFER] = true;
    m->stack[side] = stack_new(&c, 0);
    if (!m->stack[side])
        return model_breach(m, "no memory for a stack");
    if (world_add_stack(m->w, m->stack[side]) < 0) {
        stack_free(m->stack[side]);
        m->stack[side] = NULL;
        return model_breach(m, "no memory in the world");
    }
    struct iface_config ic = { .kind = m->ether ? IFACE_ETHER : IFACE_IP, .mtu = mtu, .name = "sim" };
    ic.mac = (struct mac){ { 2, 0, 0, 0, 0, (uint8_t)(side + 1) } };
    ic.soft_offload = m->soft;
    if (m->large) {
        ic.gso_max = 65535;
        ic.tx_csum = true;
    }
    m->iface[side] = (unsigned)stack_add_iface(m->stack[side], &ic, 0);
    m->addr[side] = m->between == BETWEEN_ROUTER ? net_addr(m, side, 1) : net_addr(m, 0, side + 1);
    trace_watch(stack_trace(m->stack[side]), TRACE_WIRE | TRACE_DROP | TRACE_TCP | TRACE_LOSS | TRACE_FLOW | TRACE_CC, model_watch_event, m);
    if (stack_add_addr(m->stack[side], m->iface[side], net_prefix(m, m->addr[side]), false, 0) != PLUMB_OK)
        return model_breach(m, "no address");
    if (m->between != BETWEEN_ROUTER)
        return true;
    return stack_add_route(m->stack[side], all_nets(m), net_addr(m, side, ROUTER), m->iface[side], 0) == PLUMB_OK;
}

static bool add_router(struct model *m, uint16_t mtu)
{
    const struct stack_config c = { .node = 3, .seed = rng_u64(&m->rng), .forwarding = true, .small_pkts = 2048, .large_pkts = 32 };
    m->router = stack_new(&c, 0);
    if (!m->router)
        return model_breach(m, "no memory for a router");
    if (world_add_stack(m->w, m->router) < 0) {
        stack_free(m->router);
        m->router = NULL;
        return model_breach(m, "no memory in the world");
    }
    for (int i = 0; i < 2; i++) {
        const struct iface_config ic = { .kind = IFACE_ETHER, .mtu = mtu, .name = "sim", .mac = { { 2, 0, 0, 0, 3, (uint8_t)(i + 1) } } };
        if (stack_add_iface(m->router, &ic, 0) != i ||
            stack_add_addr(m->router, (unsigned)i, net_prefix(m, net_addr(m, i, ROUTER)), false, 0) != PLUMB_OK)
            return model_breach(m, "the router could not be set up");
    }
    return true;
}

/* Each way of the whole has one bad link: a host's own. */
static bool join(struct model *m)
{
    const struct impair_config there = some_link(m), back = some_link(m);
    const struct world_end host[2] = { { false, 0, m->iface[0] }, { false, 1, m->iface[1] } };
    if (m->between == BETWEEN_NOTHING)
        return world_join(m->w, host[0], host[1], &there, &back) >= 0;
    const bool is_switch = m->between == BETWEEN_SWITCH;
    const int number = is_switch ? world_add_switch(m->w) : 2;
    if (number < 0)
        return false;
    return world_join(m->w, host[0], (struct world_end){ is_switch, number, 0 }, &there, NULL) >= 0 &&
           world_join(m->w, host[1], (struct world_end){ is_switch, number, 1 }, &back, NULL) >= 0;
}

static void some_end(struct model *m, int side, int index)
{
    struct model_end *e = &m->end[side][index];
    *e = (struct model_end){ .m = m, .side = side, .index = index, .abort_at_ns = DEADLINE_NEVER };
    e->to_write = log_below(m, MODEL_BYTES);
    e->write_max = 1 + log_below(m, 60000);
    e->read_max = 1 + log_below(m, 60000);
    if (e->write_max < e->to_write / 2000)
        e->write_max = (uint32_t)(e->to_write / 2000) + 1;
    if (e->read_max < 200)
        e->read_max = 200;
    e->step_ns = (int64_t)(20 + log_below(m, 20000)) * 1000;
    if (chance(m, 15))
        e->stall_until_ns = (int64_t)below(m, 10000) * NS_PER_MS;
    e->dozes = chance(m, 15) ? 1 + below(m, 12) : 0;
    if (chance(m, 8))
        e->abort_at_ns = (int64_t)log_below(m, 3000) * NS_PER_MS;
    e->early_close = chance(m, 5);
    e->timer = (struct loop_timer){ .fn = step, .arg = e };
    loop_arm(world_loop(m->w), &e->timer, (int64_t)below(m, 1000));
}

static bool open_conn(struct model *m, int index)
{
    const uint16_t port = (uint16_t)(PORT + index);
    const struct tcp_user_opt o = { .no_delay = chance(m, 50) };
    some_end(m, 0, index);
    some_end(m, 1, index);
    if (m->simultaneous) {
        m->watch[0][index].port = (uint16_t)(port + 100);
        return connect_end(&m->end[0][index], (uint16_t)(port + 100), port, &o) && connect_end(&m->end[1][index], port, (uint16_t)(port + 100), &o);
    }
    m->watch[0][index].port = (uint16_t)(port + 100);
    if (tcp_listen(stack_tcp(m->stack[1]), (struct endpoint){ ADDR_NONE, port }, &o, &m->end[1][index].listener) != PLUMB_OK)
        return model_breach(m, "listen failed");
    if (m->fast_open && index > 0) {
        m->end[0][index].to_write += m->end[0][index].to_write == 0;   /* its SYN waits for text */
        m->end[0][index].opens_later = true;
        m->end[0][index].opt = o;
        return true;
    }
    return connect_end(&m->end[0][index], (uint16_t)(port + 100), port, &o);
}

static bool build(struct model *m)
{
    const uint16_t some_mtu = chance(m, 70) ? 1500 : (uint16_t)(296 + below(m, 1400));
    m->ip6 = (m->seed * 668265263u >> 16) % 3 == 0;
    m->out->seen[SEEN_IP6] = m->ip6;
    const uint16_t mtu = m->ip6 && some_mtu < IP6_MTU_MIN ? IP6_MTU_MIN + some_mtu % 64 : some_mtu;
    m->mss = (uint16_t)(mtu - (m->ip6 ? 60 : 40));
    m->own_recovery = congestion_of(m->seed) == TCP_CC_BBR;
    m->ether = chance(m, 50);
    m->between = m->ether && chance(m, 40) ? 1 + below(m, 2) : BETWEEN_NOTHING;
    m->simultaneous = chance(m, 10);
    m->black_hole = some_mtu == 1500 && chance(m, 5) ? (uint16_t)(576 + below(m, 900)) : 0;
    if (m->black_hole && m->ip6 && m->black_hole < IP6_MTU_MIN)
        m->black_hole = IP6_MTU_MIN;
    m->out->seen[SEEN_BLACK_HOLE] = m->black_hole != 0;
    m->large = chance(m, 25);
    m->fast_open = (m->seed * 2654435761u >> 16) % 6 == 0;      /* of no other draw */
    m->soft = (m->seed * 2246822519u >> 16) % 3 == 0;
    if ((m->seed * 3266489917u >> 16) % 6 == 0) {
        world_set_batch(m->w, 1);
        m->out->seen[SEEN_BATCH_OF_1] = true;
    }
    m->n_conns = 1 + (int)below(m, MODEL_CONNS);
    m->out->seen[SEEN_SWITCH] = m->between == BETWEEN_SWITCH;
    m->out->seen[SEEN_ROUTER] = m->between == BETWEEN_ROUTER;
    if (mtu < (m->ip6 ? 1400 : 600))
        m->out->seen[SEEN_TINY_MTU] = true;
    if (!add_host(m, 0, mtu) || !add_host(m, 1, mtu))
        return false;
    if ((m->between == BETWEEN_ROUTER && !add_router(m, mtu)) || !join(m))
        return model_breach(m, "the hosts could not be joined");
    for (int i = 0; i < m->n_conns; i++)
        if (!open_conn(m, i))
            return false;
    return true;
}

/* ------------------------------------------------------------- invariants */

static bool peer_ended_it(const struct model_end *e, const struct model_end *peer)
{
    return peer->aborted || peer->early_close || e->aborted || e->early_close || peer->failed;
}

static bool judge_end(struct model *m, int side, int index)
{
    const struct model_end *e = &m->end[side][index], *peer = &m->end[!side][index];
    const bool cut = peer_ended_it(e, peer) || (m->neighbour_lost && e->failed && e->error == PLUMB_UNREACHABLE);
    if (!e->finished && !cut)           /* a lost RST leaves its receiver waiting, who has nothing to send */
        return model_breach(m, "side %d connection %d never finished: wrote %llu of %llu, read %llu of %llu", side, index,
                            (unsigned long long)e->written, (unsigned long long)e->to_write, (unsigned long long)e->read,
                            (unsigned long long)peer->to_write);
    if (e->failed && !cut)
        return model_breach(m, "side %d connection %d failed: %s", side, index, plumb_err_text(e->error));
    if (!cut && e->read != peer->to_write)
        return model_breach(m, "side %d connection %d read %llu of %llu bytes", side, index, (unsigned long long)e->read,
                            (unsigned long long)peer->to_write);
    m->out->bytes += e->read;
    return true;
}

static bool judge_stack(struct model *m, int side)
{
    struct stack *st = m->stack[side];
    const struct pkt_pools *pools = stack_pools(st);
    if (tcp_count(stack_tcp(st)) != 0)
        return model_breach(m, "side %d still has %u connections", side, tcp_count(stack_tcp(st)));
    if (pools->small.used || pools->large.used)
        return model_breach(m, "side %d leaked %u packets", side, pools->small.used + pools->large.used);
    if (tcp_blocks_used(stack_tcp(st)) != 0)
        return model_breach(m, "side %d leaked %u buffer blocks", side, tcp_blocks_used(stack_tcp(st)));
    if (tcp_deadline(stack_tcp(st)) != DEADLINE_NEVER)
        return model_breach(m, "side %d has a timer left", side);
    return true;
}

/* Packets that arrive belong to the world; whoever took one gives it back. */
static void judge_wire(struct model *m)
{
    const struct pkt_pools *pools = world_pools(m->w), *router = m->router ? stack_pools(m->router) : NULL;
    if (router && (router->small.used || router->large.used))
        model_breach(m, "the router leaked %u packets", router->small.used + router->large.used);
    if (pools->small.used || pools->large.used)
        model_breach(m, "%u packets that arrived were never given back", pools->small.used + pools->large.used);
}

static bool all_finished(void *arg)
{
    const struct model *m = arg;
    if (*m->out->error)
        return true;
    for (int i = 0; i < m->n_conns; i++)
        for (int s = 0; s < 2; s++)
            if (!m->end[s][i].finished && !(m->end[!s][i].finished && peer_ended_it(&m->end[s][i], &m->end[!s][i])))
                return false;
    return true;
}

static void judge(struct model *m)
{
    for (int i = 0; i < m->n_conns; i++)
        for (int s = 0; s < 2; s++)
            if (!judge_end(m, s, i))
                return;
    for (int i = 0; i < m->n_conns; i++) {
        for (int s = 0; s < 2; s++) {
            struct model_end *e = &m->end[s][i];
            loop_cancel(world_loop(m->w), &e->timer);
            if (e->conn)
                tcp_abort(e->conn, world_now(m->w));
            if (e->listener)
                tcp_listener_close(e->listener, world_now(m->w));
        }
    }
    /* TIME-WAIT passes, and a peer that is gone runs out of retransmissions. */
    world_run(m->w, NULL, NULL, world_now(m->w) + PATIENCE_S * NS_PER_SEC);
    if (judge_stack(m, 0) && judge_stack(m, 1))
        judge_wire(m);
}

bool model_run(uint64_t seed, enum model_paths paths, bool verbose, struct model_result *out)
{
    struct model *m = calloc(1, sizeof *m);
    *out = (struct model_result){ .error = "" };
    if (!m) {
        snprintf(out->error, sizeof out->error, "out of memory");
        return false;
    }
    *m = (struct model){ .seed = seed, .paths = paths, .verbose = verbose, .out = out };
    rng_seed(&m->rng, seed);
    m->w = world_new(seed);
    if (!m->w) {
        snprintf(out->error, sizeof out->error, "out of memory");
    } else if (build(m)) {
        world_run(m->w, all_finished, m, PATIENCE_S * NS_PER_SEC);
        if (!*out->error)
            judge(m);
        out->virtual_ns = world_now(m->w);
    } else if (!*out->error) {
        model_breach(m, "the world could not be built");
    }
    world_free(m->w);
    free(m);
    return *out->error == '\0';
}
