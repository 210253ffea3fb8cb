/* The packet path allocates nothing: a bulk transfer with loss, datagrams and pings
 * between two stacks on Ethernet, while every allocation is counted (the linker puts
 * the counters below before malloc and its kin). */
#include "../test.h"
#include "../heap.h"
#include "stack/stack.h"
#include <stdlib.h>

enum { PORT = 7, BULK = 20 << 20, LOST_OF = 100 };

static unsigned allocations;

static bool heap_refuses(void)
{
    allocations++;
    return false;
}

static struct host { struct stack *st; struct tcp *tcp; struct tcp_conn *conn; struct loop loop; struct dgram *dgram; unsigned n_echo, n_dgram; } host[2];
static int64_t now_ns;
static struct rng rng;
static struct tcp_listener *listener;
static unsigned lost;

static struct addr addr_of(int i) { return addr4(0x0a000001u + (uint32_t)i); }

static int up(void **state)
{
    (void)state;
    now_ns = NS_PER_SEC;
    lost = 0;
    rng_seed(&rng, 1);
    for (int i = 0; i < 2; i++) {
        struct host *h = &host[i];
        *h = (struct host){ .st = stack_new(&(struct stack_config){ .node = (uint16_t)(i + 1), .seed = (uint64_t)i + 1 }, now_ns) };
        const struct iface_config c = { .kind = IFACE_ETHER, .mac = { { 2, 0, 0, 0, 0, (uint8_t)(i + 1) } } };
        assert_non_null(h->st);
        h->tcp = stack_tcp(h->st);
        loop_init(&h->loop, now_ns, 0);
        assert_int_equal(stack_add_iface(h->st, &c, now_ns), 0);
        assert_int_equal(stack_add_addr(h->st, 0, (struct prefix){ addr_of(i), 24 }, false, now_ns), PLUMB_OK);
        struct net *n = stack_net(h->st, &h->loop);
        assert_int_equal(net_datagram(n, &(struct dgram_opts){ .local = { ADDR_NONE, 9 } }, &h->dgram), PLUMB_OK);
    }
    return 0;
}

static int down(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        dgram_close(host[i].dgram);
        assert_int_equal(stack_pools(host[i].st)->small.used, 0);
        stack_free(host[i].st);
    }
    return 0;
}

/* What one says the other hears, a share of it not. */
static bool carry(int from, unsigned lost_of)
{
    struct stack *to = host[!from].st;
    struct batch out, in;
    batch_init(&out);
    batch_init(&in);
    stack_output(host[from].st, 0, &out, now_ns);
    const bool any = out.n;
    for (uint32_t i = 0; i < out.n; i++) {
        if (lost_of && rng_below(&rng, lost_of) == 0) {
            lost++;
            continue;
        }
        struct pkt *copy = pkt_copy(stack_pools(to), out.pkt[i]);
        assert_non_null(copy);
        copy->time_ns = now_ns;
        batch_add(&in, copy);
    }
    batch_free(&out);
    stack_input(to, 0, &in, now_ns);
    return any;
}

static void turn(unsigned lost_of)
{
    struct tcp_event e;
    now_ns += 20000;
    const bool there = carry(0, lost_of), back = carry(1, lost_of);
    int64_t next = DEADLINE_NEVER;
    for (int i = 0; i < 2; i++) {
        host[i].loop.now_ns = now_ns;
        while (tcp_next_event(host[i].tcp, &e))
            ;
        next = time_min(next, stack_deadline(host[i].st));
    }
    if (!there && !back && next != DEADLINE_NEVER)
        now_ns = time_max(now_ns, next);
    stack_tick(host[0].st, now_ns);
    stack_tick(host[1].st, now_ns);
}

static void establish(void)
{
    const struct tcp_user_opt o = { .no_delay = true };
    struct path p;
    assert_int_equal(tcp_listen(host[1].tcp, (struct endpoint){ ADDR_NONE, PORT }, &o, &listener), PLUMB_OK);
    assert_int_equal(stack_route(host[0].st, ADDR_NONE, addr_of(1), &p), PLUMB_OK);
    assert_int_equal(tcp_connect(host[0].tcp, &p, 0, PORT, &o, &host[0].conn, now_ns), PLUMB_OK);
    for (int i = 0; i < 1000 && !host[1].conn; i++) {
        turn(0);
        host[1].conn = tcp_accept(listener);
    }
    assert_non_null(host[1].conn);
}

static uint8_t pattern(uint64_t at) { return (uint8_t)(at * 131 + (at >> 12)); }

static uint64_t fill(uint64_t written)
{
    size_t room;
    for (uint8_t *to; written < BULK && (to = tcp_reserve(host[0].conn, &room));) {
        const size_t n = room < BULK - written ? room : (size_t)(BULK - written);
        for (size_t i = 0; i < n; i++)
            to[i] = pattern(written + i);
        tcp_commit(host[0].conn, n, false, now_ns);
        written += n;
    }
    return written;
}

static uint64_t empty(uint64_t received)
{
    size_t len;
    for (const uint8_t *from; (from = tcp_peek(host[1].conn, &len));) {
        for (size_t i = 0; i < len; i++)
            if (from[i] != pattern(received + i))
                fail_msg("a wrong byte at %llu", (unsigned long long)(received + i));
        tcp_consume(host[1].conn, len, now_ns);
        received += len;
    }
    return received;
}

static void aside(unsigned i)
{
    struct echo_result e;
    struct dgram_in d;
    static const uint8_t bytes[2000];
    stack_echo_send(host[0].st, addr_of(1), 1, (uint16_t)i, bytes, 56, 0, now_ns);
    (void)dgram_send(host[i % 2].dgram, (struct endpoint){ addr_of(!(i % 2)), 9 }, bytes, i % 2000);    /* some in fragments */
    (void)dgram_send(host[0].dgram, (struct endpoint){ addr_of(1), 10 }, bytes, 5);                     /* refused */
    while (stack_echo_take(host[0].st, &e))
        host[0].n_echo++;
    for (int k = 0; k < 2; k++) {
        for (; dgram_peek(host[k].dgram, &d); dgram_consume(host[k].dgram))
            host[k].n_dgram++;
        (void)dgram_take_error(host[k].dgram);
    }
}

static void the_packet_path_allocates_nothing(void **state)
{
    (void)state;
    uint64_t written = 0, received = 0;
    assert_true(allocations > 0);               /* the counters stand where they should */
    establish();
    allocations = 0;
    for (unsigned i = 0; received < BULK; i++) {
        written = fill(written);
        turn(LOST_OF);
        received = empty(received);
        if (i % 8 == 0)
            aside(i / 8);
        assert_int_equal(allocations, 0);
    }
    struct tcp_status s;
    tcp_status(host[0].conn, &s);
    assert_true(s.retransmits > 50 && lost > 100);
    assert_true(host[0].n_echo > 50 && host[0].n_dgram > 20 && host[1].n_dgram > 20);
    tcp_close(host[0].conn, now_ns);
    tcp_close(host[1].conn, now_ns);
    tcp_listener_close(listener, now_ns);
    for (int i = 0; i < 400 && tcp_count(host[0].tcp) + tcp_count(host[1].tcp) > 0; i++)
        turn(0);
    assert_int_equal(allocations, 0);           /* nor does the end */
    for (int i = 0; i < 100; i++)
        turn(0);
    now_ns += 60 * NS_PER_SEC;                  /* fragments that wait for others give up */
    for (int i = 0; i < 10; i++)
        turn(0);
    aside(0);
    assert_int_equal(allocations, 0);
    for (int i = 0; i < 10; i++)
        turn(0);
    aside(1);
    for (int i = 0; i < 10; i++)
        turn(0);
    for (int k = 0; k < 2; k++)
        for (struct dgram_in d; dgram_peek(host[k].dgram, &d);)
            dgram_consume(host[k].dgram);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(the_packet_path_allocates_nothing, up, down) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
