/* Whole packets through a NAT gateway with a filter, from both sides, and time between them: what leaves is sound, outside
 * nobody sees an address from inside, and nothing leaks.
 *
 * A record: a byte that says which side and how long before, two of length, the packet.
 * covers: src/net/gate.c src/net/nat.c src/net/track.c src/net/tuple.c src/net/forward.c src/stack/gate.c */
#include "fuzz.h"
#include "base/checksum.h"
#include "stack/gate.h"
#include "wire/ip4.h"

enum { INSIDE, OUTSIDE };

static struct stack *open_router(void)
{
    static struct filter rules;
    static const char *const names[IFACE_MAX] = { "in", "out" };
    char error[200];
    const struct stack_config c = { .seed = 1, .forwarding = true, .polled = true, .small_pkts = 256, .large_pkts = 8,
                                    .tcp = { .max_conns = 16, .max_blocks = 16 } };
    REQUIRE(filter_parse("default allow\nreject to 198.51.100.66\ndeny in out proto udp port 7\n", names, &rules, error));
    const struct gate_config g = { .nat = true, .filter = &rules, .track = { .max = 64, .max_per_host = 32 },
                                   .nat_config = { .max_maps = 48, .n_forward = 1, .forward = { { IP_TCP, 8080, { addr4(0xc0a80102), 80 } } } } };
    struct stack *st = stack_new(&c, NS_PER_SEC);
    REQUIRE(st);
    for (unsigned i = 0; i < 2; i++) {
        REQUIRE(stack_add_iface(st, &(struct iface_config){ .kind = IFACE_IP, .mtu = i ? 1300 : 1500 }, NS_PER_SEC) == (int)i);
        const struct prefix own = { addr4(i ? 0xcb007101 : 0xc0a80101), 24 };
        REQUIRE(stack_add_addr(st, i, own, false, NS_PER_SEC) == PLUMB_OK);
        const struct prefix own6 = { .addr = { .b = { 0xfd, [2] = (uint8_t)i, [15] = 1 } }, .len = 64 };
        REQUIRE(stack_add_addr(st, i, own6, false, NS_PER_SEC) == PLUMB_OK);
    }
    REQUIRE(stack_add_route(st, (struct prefix){ addr4(0), 0 }, addr4(0xcb0071fe), OUTSIDE, NS_PER_SEC) == PLUMB_OK);
    REQUIRE(stack_gate_open(st, &g, NS_PER_SEC) == PLUMB_OK && stack_nat_outside(st, OUTSIDE) == PLUMB_OK);
    return st;
}

/* An IPv4 packet that leaves has a good header, and outside no source from inside: 192.168.1.0/24. */
static void look(const struct pkt *k, unsigned iface)
{
    struct ip4 h;
    struct reader r = pkt_reader(k);
    if (k->len == 0 || pkt_head_const(k)[0] >> 4 != 4)
        return;
    REQUIRE(ip4_read(&r, &h) == WHY_NONE);
    REQUIRE(h.total_len == pkt_total(k));
    if (iface == OUTSIDE)
        REQUIRE(addr_v4(h.src) >> 8 != 0xc0a801);
}

static void drain(struct stack *st, int64_t now_ns)
{
    struct batch b;
    for (unsigned i = 0; i < 2; i++) {
        do {
            batch_init(&b);
            stack_output(st, i, &b, now_ns);
            for (uint32_t j = 0; j < b.n; j++)
                look(b.pkt[j], i);
            const uint32_t n = b.n;
            batch_free(&b);
            if (n == 0)
                break;
        } while (true);
    }
}

static void put(struct stack *st, unsigned iface, struct reader bytes, int64_t now_ns)
{
    struct batch b;
    const uint32_t len = (uint32_t)rd_left(&bytes);
    struct pkt *k = pkt_new(stack_pools(st), len);
    if (!k)
        return;
    (void)rd_copy(&bytes, pkt_append(k, len), len);
    k->time_ns = now_ns;
    batch_init(&b);
    batch_add(&b, k);
    stack_input(st, iface, &b, now_ns);
    drain(st, now_ns);
}

FUZZ(data, size)
{
    struct stack *st = open_router();
    struct reader r = reader_of(data, size);
    int64_t now_ns = NS_PER_SEC;
    while (rd_left(&r) > 3) {
        const uint8_t what = rd_u8(&r);
        const uint16_t len = rd_u16(&r) % 2000;
        struct reader bytes = rd_sub(&r, len < rd_left(&r) ? len : rd_left(&r));
        now_ns += (what >> 1 & 15) * (what >> 5) * NS_PER_SEC;
        stack_tick(st, now_ns);
        put(st, what & 1, bytes, now_ns);
    }
    now_ns += 3 * 3600 * NS_PER_SEC;
    stack_tick(st, now_ns);
    drain(st, now_ns);
    struct nat_info m;
    for (uint64_t cursor = 0; stack_walk_nat(st, &cursor, &m);)
        REQUIRE(m.forward);             /* three hours later only what is fixed is left */
    REQUIRE(stack_pools(st)->small.used == 0 && stack_pools(st)->large.used == 0);
    stack_free(st);
}
