/* Two stacks joined by a wire in memory (bench_pair.h). */
#include "cli/bench_pair.h"

static uint64_t asked;

void bench_ask(uint64_t units) { asked = units; }
uint64_t bench_units(uint64_t usual) { return asked ? asked : usual; }

static bool side_open(struct bench_side *s, int number, const struct bench_setup *setup)
{
    const struct stack_config c = { .seed = (uint64_t)number + 1, .node = (uint16_t)(number + 1), .small_pkts = 4096, .large_pkts = 256,
                                    .polled = true, .tcp = setup->tcp,
                                    .shards = setup->shards[number], .shard = setup->shard };
    const struct iface_config ic = { .kind = IFACE_IP, .mtu = 1500, .gso_max = setup->gso_max, .tx_csum = true, .name = "memory",
                                     .any_address = setup->any_address && number == 0 };
    s->st = stack_new(&c, 0);
    if (!s->st)
        return false;
    s->tcp = stack_tcp(s->st);
    s->iface = (unsigned)stack_add_iface(s->st, &ic, 0);
    if (setup->shard > 0)
        return true;                    /* shard 0 tells */
    return stack_add_addr(s->st, s->iface, (struct prefix){ addr4(BENCH_SERVER - 1u + (uint32_t)number), 8 }, false, 0) == PLUMB_OK;
}

/* A packet of wire size gets its checksum as it is copied and has it verified where it arrives; a large one never was on a
 * medium, and nobody looks. */
static struct pkt *across(struct bench_side *to, const struct pkt *k)
{
    return k->gso_size ? pkt_copy(stack_pools(to->st), k) : pkt_copy_out(stack_pools(to->st), k);
}

bool bench_carry(struct bench_pair *p, int from)
{
    struct bench_side *a = &p->side[from], *b = &p->side[!from];
    struct batch out, in;
    batch_init(&out);
    batch_init(&in);
    stack_output(a->st, a->iface, &out, p->now_ns);
    if (out.n == 0)
        return false;
    for (uint32_t i = 0; i < out.n; i++) {
        struct pkt *copy = across(b, out.pkt[i]);
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

void bench_jump(struct bench_pair *p)
{
    const int64_t next = time_min(stack_deadline(p->side[0].st), stack_deadline(p->side[1].st));
    if (next != DEADLINE_NEVER)
        p->now_ns = time_max(p->now_ns, next);
    stack_tick(p->side[0].st, p->now_ns);
    stack_tick(p->side[1].st, p->now_ns);
}

void bench_turn(struct bench_pair *p)
{
    p->now_ns += 1000;
    const bool there = bench_carry(p, 0), back = bench_carry(p, 1);
    drop_events(&p->side[0]);
    drop_events(&p->side[1]);
    if (!there && !back)
        bench_jump(p);
}

static const struct tcp_user_opt no_delay = { .no_delay = true };

bool bench_stacks_open(struct bench_pair *p, const struct bench_setup *s)
{
    *p = (struct bench_pair){ .now_ns = NS_PER_SEC };
    return side_open(&p->side[0], 0, s) && side_open(&p->side[1], 1, s) &&
           tcp_listen(p->side[1].tcp, (struct endpoint){ ADDR_NONE, BENCH_PORT }, &no_delay, &p->listener) == PLUMB_OK;
}

struct tcp_conn *bench_connect(struct bench_pair *p, struct addr local)
{
    struct tcp_conn *c;
    struct path path;
    if (stack_route(p->side[0].st, local, addr4(BENCH_SERVER), &path) != PLUMB_OK)
        return NULL;
    return tcp_connect(p->side[0].tcp, &path, 0, BENCH_PORT, &no_delay, &c, p->now_ns) == PLUMB_OK ? c : NULL;
}

bool bench_pair_open(struct bench_pair *p, uint32_t gso_max)
{
    /* buffers as large as the peer has in bench/peers: a window that fits the cache or not is worth more than any code */
    const struct bench_setup s = { .gso_max = gso_max, .tcp = { .send_buffer = BENCH_BUFFER, .recv_buffer = BENCH_BUFFER } };
    if (!bench_stacks_open(p, &s))
        return false;
    p->side[0].conn = bench_connect(p, ADDR_NONE);
    for (int i = 0; i < 1000 && p->side[0].conn && !p->side[1].conn; i++) {
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
