/* The kernel's program and ours agree on every packet. */
#include "../test.h"
#include "base/rng.h"
#include "os/steer_bpf.h"
#include <unistd.h>

enum { FRAME = 14 + 40 + 20, PACKETS = 3000 };

/* A frame of our own making, and the packet plumb would make of it. */
static void make(struct rng *r, uint8_t frame[FRAME], struct pkt *k)
{
    static const uint8_t protos[] = { IP_TCP, IP_TCP, IP_UDP, IP_UDP, IP_ICMP };
    const uint32_t words = 5 + rng_below(r, 2);
    memset(frame, 0, FRAME);
    frame[0] = 2;
    store_be16(frame + 12, 0x0800);
    uint8_t *ip = frame + 14, *l4 = ip + 4 * words;
    ip[0] = (uint8_t)(0x40 | words);
    store_be16(ip + 2, (uint16_t)(4 * words + 20));
    ip[8] = 64;
    ip[9] = protos[rng_below(r, sizeof protos)];
    store_be32(ip + 12, (uint32_t)rng_u64(r));
    store_be32(ip + 16, 0x0a000000 | rng_below(r, 1 << 24));
    store_be32(l4, (uint32_t)rng_u64(r));
    if (rng_below(r, 8) == 0)
        store_be16(l4 + 2, STEER_DHCP_CLIENT);
    memcpy(k->data, frame, FRAME);
    k->head = 14;
    k->len = 4 * words + 20;
    k->net_off = 14;
    k->l4_off = (uint16_t)(14 + 4 * words);
    k->proto = ip[9];
    k->group = false;
}

static void make6(struct rng *r, uint8_t frame[FRAME], struct pkt *k)
{
    static const uint8_t protos[] = { IP_TCP, IP_TCP, IP_UDP, IP_UDP, IP_ICMP6 };
    memset(frame, 0, FRAME);
    frame[0] = 2;
    store_be16(frame + 12, 0x86dd);
    uint8_t *ip = frame + 14, *l4 = ip + 40;
    ip[0] = 0x60;
    store_be16(ip + 4, 20);
    ip[6] = protos[rng_below(r, sizeof protos)];
    ip[7] = 64;
    for (unsigned at = 8; at < 40; at += 4)
        store_be32(ip + at, (uint32_t)rng_u64(r));
    store_be32(l4, (uint32_t)rng_u64(r));
    if (rng_below(r, 8) == 0)
        store_be16(l4 + 2, STEER_DHCP6_CLIENT);
    memcpy(k->data, frame, FRAME);
    k->head = k->net_off = 14;
    k->len = 60;
    k->l4_off = 54;
    k->proto = ip[6];
    k->group = false;
}

static void the_same_shard(void **state)
{
    (void)state;
    static struct { struct pkt k; uint8_t room[FRAME]; } p;
    uint32_t per_shard[7] = { 0 };
    struct rng r;
    rng_seed(&r, 3);
    const struct steer s = { .key = rng_u64(&r), .n = 7 };
    const int fd = steer_bpf_load(&s);
    if (fd < 0)
        skip();
    for (int i = 0; i < PACKETS; i++) {
        uint8_t frame[FRAME];
        if (i % 2)
            make6(&r, frame, &p.k);
        else
            make(&r, frame, &p.k);
        const unsigned ours = steer_packet(&s, &p.k);
        assert_int_equal(steer_bpf_ask(fd, frame, FRAME), ours);
        per_shard[ours]++;
    }
    for (unsigned i = 1; i < s.n; i++)
        assert_true(per_shard[i] > PACKETS / 14 && per_shard[i] < PACKETS / 7);
    close(fd);
}

static void no_flow_is_shard_0(void **state)
{
    (void)state;
    static struct { struct pkt k; uint8_t room[FRAME]; } p;
    struct rng r;
    rng_seed(&r, 4);
    const struct steer s = { .key = rng_u64(&r), .n = 7 };
    const int fd = steer_bpf_load(&s);
    if (fd < 0)
        skip();
    for (int i = 0; i < 200; i++) {
        uint8_t frame[FRAME];
        make(&r, frame, &p.k);
        store_be16(frame + 14 + 6, i % 2 ? 0x2000 : 0x0010);    /* a fragment */
        assert_int_equal(steer_bpf_ask(fd, frame, FRAME), 0);
        memset(frame + 14, 0, 1);
        store_be16(frame + 12, 0x0806);
        assert_int_equal(steer_bpf_ask(fd, frame, FRAME), 0);
    }
    close(fd);
}

TESTS(the_same_shard, no_flow_is_shard_0)
