#include "../test.h"
#include "link/ether.h"
#include "wire/eth.h"

static struct pkt_pools pools;
static struct trace trace;
static const struct mac own = { { 2, 0, 0, 0, 0, 1 } }, peer = { { 2, 0, 0, 0, 0, 2 } };

static struct pkt *frame(struct mac dst, struct mac src, uint16_t type)
{
    struct pkt *k = pkt_new(&pools, 64);
    struct writer w = writer_of(pkt_append(k, 60), 60);
    eth_write(&w, &(struct eth){ dst, src, type });
    wr_fill(&w, 0xaa, 46);
    return k;
}

static void every_frame_has_one_fate(void **state)
{
    (void)state;
    const struct mac group = { { 1, 0, 0x5e, 0, 0, 1 } };
    struct batch in = { .n = 0 }, arp = { .n = 0 };
    assert_true(pkt_pools_init(&pools, 32, 1));
    trace_init(&trace, 0);
    batch_add(&in, frame(own, peer, ETH_IP4));
    batch_add(&in, frame(MAC_BROADCAST, peer, ETH_IP4));
    batch_add(&in, frame(group, peer, ETH_IP4));
    batch_add(&in, frame(MAC_BROADCAST, peer, ETH_ARP));
    batch_add(&in, frame(peer, peer, ETH_IP4));
    batch_add(&in, frame(own, own, ETH_IP4));
    batch_add(&in, frame(own, group, ETH_IP4));
    batch_add(&in, frame(own, peer, ETH_IP6));
    batch_add(&in, frame(own, peer, 46));           /* a length: not Ethernet II */
    struct pkt *runt = frame(own, peer, ETH_IP4);
    pkt_trim(runt, 13);
    batch_add(&in, runt);
    ether_in(&trace, own, &in, &arp, 0);
    assert_int_equal(in.n, 4);
    assert_int_equal(arp.n, 1);
    assert_int_equal(in.pkt[0]->len, 46);
    assert_false(in.pkt[0]->group);
    assert_true(in.pkt[1]->group && in.pkt[2]->group);
    assert_int_equal(trace.drops[WHY_FRAME_NOT_OURS], 1);
    assert_int_equal(trace.drops[WHY_FRAME_LOOPED], 1);
    assert_int_equal(trace.drops[WHY_FRAME_SOURCE_GROUP], 1);
    assert_int_equal(trace.drops[WHY_FRAME_TYPE], 1);
    assert_int_equal(trace.drops[WHY_FRAME_SHORT], 1);
    batch_free(&in);
    batch_free(&arp);
    assert_int_equal(pools.small.used, 0);
    pkt_pools_fini(&pools);
}

static void short_frames_are_padded(void **state)
{
    (void)state;
    uint8_t out[100];
    assert_true(pkt_pools_init(&pools, 4, 1));
    struct pkt *k = pkt_new(&pools, 28), *slices = pkt_new(&pools, 20);
    memset(pkt_append(k, 28), 0xff, 28);
    ether_push(k, peer, own, ETH_ARP);
    assert_int_equal(pkt_total(k), 60);
    assert_int_equal(pkt_head(k)[59], 0);
    memset(pkt_append(slices, 20), 0xee, 20);
    assert_true(pkt_borrow(slices, (const uint8_t *)"xyz", 3));
    ether_push(slices, peer, own, ETH_IP4);
    assert_int_equal(pkt_gather(slices, out, sizeof out), 60);
    assert_memory_equal(out + 34, "xyz\0\0", 5);    /* padding follows what was borrowed */
    pkt_free(k);
    pkt_free(slices);
    pkt_pools_fini(&pools);
}

TESTS(every_frame_has_one_fate, short_frames_are_padded)
