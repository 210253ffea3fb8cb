#include "sim/paths.h"
#include "sim/world.h"

enum { PORT = 9, MTU = 1500, PAYLOAD = MTU - 20 - 20 - 12, ON_WIRE = MTU + 24, FRAME_SHIFT = 12 };

struct transfer {
    struct tcp_conn *from, *to;
    uint64_t written, read, read_before;        /* before: when the second half began */
    int64_t  begins_ns;
};

struct run {
    const struct path_case *c;
    struct world *w;
    struct stack *st[2];
    struct tcp_listener *listener;
    struct transfer flow[PATH_FLOWS];
    unsigned n_flows;
    bool halfway, wrong;
};

static struct addr address(int side) { return addr4(0x0a000001u + (uint32_t)side); }
static uint8_t pattern(unsigned flow, uint64_t at) { return (uint8_t)((at >> FRAME_SHIFT) * 7 + flow * 101 + 1); }

static bool add_stack(struct run *r, int side)
{
    const struct stack_config sc = { .node = (uint16_t)(side + 1), .seed = r->c->seed * 2 + (uint64_t)side, .small_pkts = 16384, .large_pkts = 64,
        .tcp = { .max_conns = 8, .max_blocks = 16384, .congestion = (uint8_t)r->c->congestion } };
    const struct iface_config ic = { .kind = IFACE_IP, .mtu = MTU, .name = "path" };
    r->st[side] = stack_new(&sc, 0);
    if (!r->st[side])
        return false;
    world_add_stack(r->w, r->st[side]);
    const int iface = stack_add_iface(r->st[side], &ic, 0);
    return iface == 0 && stack_add_addr(r->st[side], 0, (struct prefix){ address(side), 24 }, false, 0) == PLUMB_OK;
}

static uint32_t bdp_bytes(const struct path_case *c, double times)
{
    return (uint32_t)((double)c->rate_bits_s / 8 * (double)c->rtt_ns / 1e9 * times);
}

static bool build(struct run *r)
{
    const struct path_case *c = r->c;
    const struct impair_config there = { .delay_ns = c->rtt_ns / 2, .rate_bits_s = c->rate_bits_s, .queue_bytes = bdp_bytes(c, c->buffer_bdp),
                                         .ecn_bytes = bdp_bytes(c, c->mark_bdp), .loss = c->loss };
    const struct impair_config back = { .delay_ns = c->rtt_ns / 2 };
    r->w = world_new(c->seed);
    return r->w && add_stack(r, 0) && add_stack(r, 1) &&
           world_join(r->w, (struct world_end){ .number = 0 }, (struct world_end){ .number = 1 }, &there, &back) == 0 &&
           tcp_listen(stack_tcp(r->st[1]), (struct endpoint){ ADDR_NONE, PORT }, NULL, &r->listener) == PLUMB_OK;
}

static bool begin(struct run *r, struct transfer *f)
{
    struct path p;
    return stack_route(r->st[0], ADDR_NONE, address(1), &p) == PLUMB_OK &&
           tcp_connect(stack_tcp(r->st[0]), &p, 0, PORT, NULL, &f->from, world_now(r->w)) == PLUMB_OK;
}

static void pour(struct run *r, unsigned i)
{
    struct transfer *f = &r->flow[i];
    size_t room;
    for (uint8_t *to; (to = tcp_reserve(f->from, &room));) {
        const size_t left = ((size_t)1 << FRAME_SHIFT) - (f->written & ((1u << FRAME_SHIFT) - 1));
        const size_t n = room < left ? room : left;
        memset(to, pattern(i, f->written), n);
        tcp_commit(f->from, n, false, world_now(r->w));
        f->written += n;
    }
}

static void drink(struct run *r, unsigned i)
{
    struct transfer *f = &r->flow[i];
    size_t len;
    for (const uint8_t *from; (from = tcp_peek(f->to, &len));) {
        const uint64_t last = f->read + len - 1;
        r->wrong |= from[0] != pattern(i, f->read) || from[len - 1] != pattern(i, last);
        tcp_consume(f->to, len, world_now(r->w));
        f->read += len;
    }
}

/* After each step: what the programs at both ends do. */
static bool step(void *arg)
{
    struct run *r = arg;
    const int64_t now_ns = world_now(r->w);
    if (!r->halfway && now_ns >= r->c->for_ns / 2) {
        r->halfway = true;
        for (unsigned i = 0; i < r->n_flows; i++)
            r->flow[i].read_before = r->flow[i].read;
    }
    for (unsigned i = 0; i < r->n_flows; i++) {
        struct transfer *f = &r->flow[i];
        if (!f->from)
            continue;
        if (!f->to)
            f->to = tcp_accept(r->listener);    /* the first to have begun is the first accepted */
        pour(r, i);
        if (f->to)
            drink(r, i);
    }
    return false;
}

static double jain(const struct run *r)
{
    double sum = 0, squares = 0;
    for (unsigned i = 0; i < r->n_flows; i++) {
        const double x = (double)(r->flow[i].read - r->flow[i].read_before);
        sum += x;
        squares += x * x;
    }
    return squares > 0 ? sum * sum / (r->n_flows * squares) : 0;
}

static void tell(struct run *r, struct path_result *out)
{
    struct impair_stats s;
    uint64_t read = 0;
    *out = (struct path_result){ .jain = jain(r) };
    for (unsigned i = 0; i < r->n_flows; i++) {
        struct tcp_status st;
        tcp_status(r->flow[i].from, &st);
        out->retransmits += st.retransmits;
        read += r->flow[i].read;
    }
    world_link_stats(r->w, 0, 0, &s);
    out->goodput_bits_s = (double)read * 8 / ((double)r->c->for_ns / 1e9);
    out->share = out->goodput_bits_s / ((double)r->c->rate_bits_s * PAYLOAD / ON_WIRE);
    out->marked = s.marked;
    out->queue_ms = s.packets ? (double)s.waited_ns / (double)s.packets / 1e6 : 0;
    out->queue_max_ms = (double)s.waited_max_ns / 1e6;
}

bool path_run(const struct path_case *c, struct path_result *out)
{
    struct run r = { .c = c, .n_flows = c->second_after_ns ? 2 : 1, .flow[1].begins_ns = c->second_after_ns };
    bool ok = build(&r);
    for (unsigned i = 0; i < r.n_flows && ok; i++) {
        world_run(r.w, step, &r, r.flow[i].begins_ns);
        ok = begin(&r, &r.flow[i]);
    }
    if (ok) {
        world_run(r.w, step, &r, c->for_ns);
        ok = !r.wrong && r.flow[0].to;
    }
    if (ok)
        tell(&r, out);
    if (r.listener)
        tcp_listener_close(r.listener, world_now(r.w));
    world_free(r.w);
    return ok;
}
