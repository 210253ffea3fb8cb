/* plumb bench forward.pps, nat.pps: one router in memory between two Ethernets, its neighbours known.  Frames of 60 bytes
 * of a thousand flows come in batches of 64, are copied in as a device would, and out again verified. */
#include "base/checksum.h"
#include "cli/bench.h"
#include "cli/bench_pair.h"
#include "os/clock.h"
#include "stack/gate.h"
#include "wire/arp.h"
#include "wire/eth.h"
#include "wire/ip4.h"
#include "wire/udp.h"

enum { FLOWS = 1024, FRAME = 60, ROUNDS = 60000, INSIDE = 0, OUTSIDE = 1, PORT = 53 };

struct yard {
    struct stack *router;
    uint8_t frame[2][FLOWS][FRAME];     /* by the side they come from */
    uint16_t outer[FLOWS];              /* the port that NAT gave each */
    int64_t now_ns;
    bool sound;
};

static struct mac router_mac(unsigned side) { return (struct mac){ { 2, 0, 0, 0, 1, (uint8_t)side } }; }
static struct mac host_mac(unsigned side)   { return (struct mac){ { 2, 0, 0, 0, 2, (uint8_t)side } }; }
static struct addr host_addr(unsigned side) { return addr4(side == INSIDE ? 0x0a000002 : 0xc6336402); }     /* 10.0.0.2, 198.51.100.2 */
static struct addr own_addr(unsigned side)  { return addr4(side == INSIDE ? 0x0a000001 : 0xc6336401); }

static void write_frame(uint8_t *to, unsigned side, struct endpoint src, struct endpoint dst)
{
    enum { UDP_LEN = FRAME - ETH_HEADER - IP4_HEADER };
    struct writer w = writer_of(to, FRAME);
    memset(to, 0, FRAME);
    eth_write(&w, &(struct eth){ .dst = router_mac(side), .src = host_mac(side), .type = ETH_IP4 });
    ip4_write(&w, &(struct ip4){ .src = src.addr, .dst = dst.addr, .ttl = 64, .proto = IP_UDP, .total_len = FRAME - ETH_HEADER, .dont_fragment = true });
    uint8_t *udp = w.at;
    udp_write(&w, &(struct udp_header){ .src_port = src.port, .dst_port = dst.port, .len = UDP_LEN });
    const uint16_t sum = csum_finish(csum_add(csum_pseudo(src.addr, dst.addr, IP_UDP, UDP_LEN), udp, UDP_LEN));
    memcpy(udp + 6, &sum, 2);
}

/* The neighbour says who it is, so that nobody has to ask. */
static void introduce(struct yard *y, unsigned side)
{
    struct batch b;
    struct pkt *k = pkt_new(stack_pools(y->router), ETH_HEADER + ARP_LEN);
    struct writer w = writer_of(pkt_append(k, ETH_HEADER + ARP_LEN), ETH_HEADER + ARP_LEN);
    eth_write(&w, &(struct eth){ .dst = router_mac(side), .src = host_mac(side), .type = ETH_ARP });
    arp_write(&w, &(struct arp){ .op = ARP_REQUEST, .sender_mac = host_mac(side), .sender = host_addr(side), .target = own_addr(side) });
    batch_init(&b);
    batch_add(&b, k);
    k->time_ns = y->now_ns;
    stack_input(y->router, side, &b, y->now_ns);
    batch_init(&b);
    stack_output(y->router, side, &b, y->now_ns);
    batch_free(&b);
}

static bool open_yard(struct yard *y, bool nat)
{
    const struct gate_config g = { .nat = true };
    y->now_ns = NS_PER_SEC;
    y->sound = true;
    y->router = stack_new(&(struct stack_config){ .seed = 1, .forwarding = true, .polled = true }, y->now_ns);
    for (unsigned side = 0; y->router && side < 2; side++) {
        const struct iface_config c = { .kind = IFACE_ETHER, .mac = router_mac(side), .mtu = 1500 };
        if (stack_add_iface(y->router, &c, y->now_ns) != (int)side ||
            stack_add_addr(y->router, side, (struct prefix){ own_addr(side), 24 }, false, y->now_ns) != PLUMB_OK)
            return false;
        introduce(y, side);
    }
    return y->router && (!nat || (stack_gate_open(y->router, &g, y->now_ns) == PLUMB_OK && stack_nat_outside(y->router, OUTSIDE) == PLUMB_OK));
}

/* A batch goes through; what comes out is as many, and looked at as a station would. */
static void carry(struct yard *y, unsigned from, uint32_t first, bool learn)
{
    struct batch in, out;
    y->now_ns += 1000;
    batch_init(&in);
    for (uint32_t i = 0; i < BATCH_MAX; i++) {
        struct pkt *k = pkt_new(stack_pools(y->router), FRAME);
        memcpy(pkt_append(k, FRAME), y->frame[from][(first + i) % FLOWS], FRAME);
        k->time_ns = y->now_ns;
        batch_add(&in, k);
    }
    stack_input(y->router, from, &in, y->now_ns);
    batch_init(&out);
    stack_output(y->router, !from, &out, y->now_ns);
    y->sound &= out.n == BATCH_MAX;
    for (uint32_t i = 0; i < out.n; i++) {
        const uint8_t *f = pkt_head(out.pkt[i]);
        y->sound &= f[5] == !from && f[4] == 2 && f[ETH_HEADER + 8] == 63;
        if (learn)
            y->outer[(first + i) % FLOWS] = load_be16(f + ETH_HEADER + IP4_HEADER);
    }
    batch_free(&out);
}

/* Half of what comes are answers. */
static double measure(bool nat)
{
    static struct yard y;
    y = (struct yard){ 0 };
    if (!open_yard(&y, nat))
        return -1;
    for (uint32_t i = 0; i < FLOWS; i++)
        write_frame(y.frame[INSIDE][i], INSIDE, (struct endpoint){ host_addr(INSIDE), (uint16_t)(2048 + i) }, (struct endpoint){ host_addr(OUTSIDE), PORT });
    for (uint32_t i = 0; i < FLOWS; i += BATCH_MAX)
        carry(&y, INSIDE, i, true);
    for (uint32_t i = 0; i < FLOWS; i++)
        write_frame(y.frame[OUTSIDE][i], OUTSIDE, (struct endpoint){ host_addr(OUTSIDE), PORT },
                    nat ? (struct endpoint){ own_addr(OUTSIDE), y.outer[i] } : (struct endpoint){ host_addr(INSIDE), (uint16_t)(2048 + i) });
    const uint64_t rounds = bench_units(ROUNDS);
    const int64_t start_ns = clock_cpu_ns();
    for (uint64_t r = 0; r < rounds && y.sound; r++)
        carry(&y, r & 1 ? OUTSIDE : INSIDE, (uint32_t)(r / 2 * BATCH_MAX), false);
    const double s = (double)(clock_cpu_ns() - start_ns) / 1e9;
    stack_free(y.router);
    return y.sound ? (double)(rounds * BATCH_MAX) / s : -1;
}

double bench_forward(void) { return measure(false); }
double bench_nat(void)     { return measure(true); }
