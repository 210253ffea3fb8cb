/* Two stacks joined by a wire in memory (bench_pair.h). */
#include "cli/bench_pair.h"

static bool side_open(struct bench_side *s, int number, uint32_t gso_max)
{
    /* buffers as large as the peer has in bench/peers: a window that fits the cache or not is worth more than any code */
    const struct stack_config c = { .seed = (uint64_t)number + 1, .node = (uint16_t)(number + 1), .small_pkts = 4096, .large_pkts = 256,
                                    .tcp = { .send_buffer = BENCH_BUFFER, .recv_buffer = BENCH_BUFFER } };
    const struct iface_config ic = { .kind = IFACE_IP, .mtu = 1500, .gso_max = gso_max, .tx_csum = gso_max > 0, .name = "memory" };
    s->st = stack_new(&c, 0);
    if (!s->st)
        return false;
    s->tcp = stack_tcp(s->st);
    s->iface = (unsigned)stack_add_iface(s->st, &ic, 0);
    return stack_add_addr(s->st, s->iface, (struct prefix){ addr4(0x0a000001u + (uint32_t)number), 24 }, false, 0) == PLUMB_OK;
}

/* What one side has to send, copied once, is the other side's input. */
static bool carry(struct bench_pair *p, int from)
{
    struct bench_side *a = &p->side[from], *b = &p->side[!from];
    struct batch out, in;
    batch_init(&out);
    batch_init(&in);
    stack_output(a->st, a->iface, &out, p->now_ns);
    if (out.n == 0)
        return false;
    for (uint32_t i = 0; i < out.n; i++) {
        struct pkt *copy = pkt_copy(stack_pools(b->st), out.pkt[i]);
        if (!copy)
            continue;
        copy->time_ns = p->now_ns;
        batch_add(&in, copy);
    }
    a->packets += out.n;
    batch_free(&out);
    stack_input(b->st, b->iface, &in, p->now_ns);
    return true;
}

static void drop_events(struct bench_side *s)
{
    struct tcp_event e;
    while (tcp_next_event(s->tcp, &e))
        ;
}

void bench_turn(struct bench_pair *p)
{
    p->now_ns += 1000;
    const bool there = carry(p, 0), back = carry(p, 1);
    drop_events(&p->side[0]);
    drop_events(&p->side[1]);
    if (there || back)
        return;
    const int64_t next = time_min(stack_deadline(p->side[0].st), stack_deadline(p->side[1].st));
    if (next != DEADLINE_NEVER)
        p->now_ns = time_max(p->now_ns, next);
    stack_tick(p->side[0].st, p->now_ns);
    stack_tick(p->side[1].st, p->now_ns);
}

bool bench_pair_open(struct bench_pair *p, uint32_t gso_max)
{
    const struct tcp_user_opt o = { .no_delay = true };
    struct path path;
    *p = (struct bench_pair){ .now_ns = NS_PER_SEC };
    if (!side_open(&p->side[0], 0, gso_max) || !side_open(&p->side[1], 1, gso_max))
        return false;
    if (tcp_listen(p->side[1].tcp, (struct endpoint){ ADDR_NONE, BENCH_PORT }, &o, &p->listener) != PLUMB_OK ||
        stack_route(p->side[0].st, ADDR_NONE, addr4(0x0a000002), &path) != PLUMB_OK ||
        tcp_connect(p->side[0].tcp, &path, 0, BENCH_PORT, &o, &p->side[0].conn, p->now_ns) != PLUMB_OK)
        return false;
    for (int i = 0; i < 1000 && !p->side[1].conn; i++) {
        bench_turn(p);
        p->side[1].conn = tcp_accept(p->listener);
    }
    return p->side[1].conn != NULL;
}

void bench_pair_close(struct bench_pair *p)
{
    stack_free(p->side[0].st);
    stack_free(p->side[1].st);
}
