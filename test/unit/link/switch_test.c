/* VLANs, storms and the spanning tree of switches that are joined by wires in memory. */
#include "../test.h"
#include "link/switch.h"
#include "wire/eth.h"

enum { SWITCHES = 3, WIRES = 8 };

static struct pkt_pools pools;
static struct trace trace;
static struct rng rng;
static struct lan_switch sw[SWITCHES];
static struct { unsigned a, port_a, b, port_b; bool cut; } wire[WIRES];
static unsigned n_wires;
static int64_t now_ns;

static struct mac m(unsigned n) { return (struct mac){ { 2, 0, 0, 0, (uint8_t)(n >> 8), (uint8_t)n } }; }

static void begin(void)
{
    assert_true(pkt_pools_init(&pools, 4096, 1));
    trace_init(&trace, 0);
    rng_seed(&rng, 1);
    now_ns = 0;
    n_wires = 0;
}

static void open(unsigned i, unsigned ports, bool stp, uint32_t flood_s)
{
    struct switch_config c = { .n_ports = ports, .priority = 32768, .stp = stp, .flood_s = flood_s, .mac = m(1000 + i) };
    for (unsigned p = 0; p < ports; p++)
        c.port[p].untagged = 1;
    switch_init(&sw[i], &c, &trace, &pools, &rng);
    for (unsigned p = 0; p < ports; p++)
        switch_link(&sw[i], p, true, now_ns);
}

static void end(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        switch_fini(&sw[i]);
    assert_int_equal(pools.small.used, 0);
    pkt_pools_fini(&pools);
}

static void put(unsigned i, unsigned port, struct mac src, struct mac dst, const struct vlan *tag)
{
    struct pkt *k = pkt_new(&pools, 64);
    struct writer w = writer_of(pkt_append(k, 60), 60);
    eth_write(&w, &(struct eth){ .dst = dst, .src = src, .type = 0x88b5 });
    wr_fill(&w, 7, 46);
    if (tag)
        vlan_push(k, tag);
    switch_in(&sw[i], port, k, now_ns);
}

/* -1: nothing leaves there; 0: without a tag, else the VLAN of its tag. */
static int leaves(unsigned i, unsigned port)
{
    struct vlan v = { 0 };
    struct pkt *k = switch_out(&sw[i], port);
    if (!k)
        return -1;
    const bool tagged = vlan_pop(k, &v);
    assert_int_equal(k->len, 60);
    assert_int_equal(load_be16(pkt_head(k) + 12), 0x88b5);
    pkt_free(k);
    return tagged ? v.id : 0;
}

/* Ports 0 and 1 of VLAN 10, 2 of VLAN 20, 3 a trunk of both, 4 a trunk of 20 with 10 untagged. */
static void frames_keep_to_their_vlan(void **state)
{
    (void)state;
    begin();
    open(0, 5, false, 0);
    static const uint16_t untagged[] = { 10, 10, 20, 0, 10 };
    for (unsigned i = 0; i < 5; i++)
        sw[0].cfg.port[i].untagged = untagged[i];
    switch_tag(&sw[0].cfg.port[3], 10);
    switch_tag(&sw[0].cfg.port[3], 20);
    switch_tag(&sw[0].cfg.port[4], 20);
    const int flooded[2][5] = { { -1, 0, -1, 10, 0 }, { -1, -1, -1, 20, 20 } };
    for (unsigned v = 0; v < 2; v++) {
        put(0, v ? 2 : 0, m(1 + v), MAC_BROADCAST, NULL);
        for (unsigned i = 0; i < 5; i++)
            assert_int_equal(leaves(0, i), flooded[v][i]);
    }
    put(0, 3, m(7), m(1), &(struct vlan){ .id = 10, .priority = 5 });
    assert_int_equal(leaves(0, 0), 0);
    put(0, 3, m(7), m(1), &(struct vlan){ .id = 20 });          /* in VLAN 20 nobody knows it */
    assert_int_equal(leaves(0, 0), -1);
    assert_int_equal(leaves(0, 2), 0);
    assert_int_equal(leaves(0, 4), 20);
    put(0, 0, m(1), m(7), &(struct vlan){ .id = VLAN_PRIORITY, .priority = 3 });        /* a priority and no VLAN: the port's */
    assert_int_equal(leaves(0, 3), 10);
    static const struct { unsigned port; uint16_t id; enum why why; } bad[] = {
        { 0, 20, WHY_VLAN_NOT_MEMBER }, { 3, 30, WHY_VLAN_NOT_MEMBER }, { 3, 4095, WHY_VLAN_BAD } };
    for (unsigned i = 0; i < 3; i++) {
        const uint64_t before = trace.drops[bad[i].why];
        put(0, bad[i].port, m(9), MAC_BROADCAST, &(struct vlan){ .id = bad[i].id });
        assert_int_equal(trace.drops[bad[i].why], before + 1);
    }
    put(0, 3, m(9), MAC_BROADCAST, NULL);
    assert_int_equal(trace.drops[WHY_VLAN_UNTAGGED], 1);
    put(0, 0, m(9), (struct mac){ { 1, 0x80, 0xc2, 0, 0, 14 } }, NULL);
    assert_int_equal(trace.drops[WHY_BRIDGE_RESERVED], 1);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(leaves(0, i), -1);
    end(1);
}

static void a_storm_is_bounded(void **state)
{
    (void)state;
    begin();
    now_ns = NS_PER_SEC;
    open(0, 2, false, 100);
    unsigned out = 0;
    for (unsigned i = 0; i < 1000; i++, now_ns += NS_PER_MS) {
        put(0, 0, m(1), MAC_BROADCAST, NULL);
        out += leaves(0, 1) == 0;
    }
    assert_in_range(out, 100, 126);     /* a second's worth, and what may come at once */
    put(0, 1, m(2), m(1), NULL);
    assert_int_equal(leaves(0, 0), 0);
    put(0, 0, m(1), m(2), NULL);        /* what is known is not flooded */
    assert_int_equal(leaves(0, 1), 0);
    end(1);
}

/* -------------------------------------------------------------- spanning tree */

static void join(unsigned a, unsigned port_a, unsigned b, unsigned port_b)
{
    wire[n_wires].a = a;
    wire[n_wires].port_a = port_a;
    wire[n_wires].b = b;
    wire[n_wires].port_b = port_b;
    wire[n_wires++].cut = false;
}

/* How many frames crossed wires that were no BPDUs. */
static unsigned carry(void)
{
    unsigned crossed = 0;
    struct pkt *k;
    for (bool any = true; any && crossed < 10000;) {
        any = false;
        for (unsigned i = 0; i < 2 * n_wires; i++) {
            const bool back = i & 1;
            if (!(k = switch_out(&sw[back ? wire[i / 2].b : wire[i / 2].a], back ? wire[i / 2].port_b : wire[i / 2].port_a)))
                continue;
            any = true;
            if (wire[i / 2].cut) {
                pkt_free(k);
                continue;
            }
            crossed += pkt_head(k)[0] != 1 || pkt_head(k)[1] != 0x80;
            switch_in(&sw[back ? wire[i / 2].a : wire[i / 2].b], back ? wire[i / 2].port_a : wire[i / 2].port_b, k, now_ns);
        }
    }
    return crossed;
}

static void run_for(unsigned s)
{
    for (unsigned i = 0; i < 10 * s; i++, now_ns += NS_PER_SEC / 10) {
        for (unsigned j = 0; j < SWITCHES; j++)
            switch_tick(&sw[j], now_ns);
        (void)carry();
    }
}

static unsigned forwarding(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < SWITCHES; i++)
        for (unsigned p = 0; p < 2; p++)
            n += stp_forwards(&sw[i].stp, p);
    return n;
}

/* Frames for the station on port 2, among the BPDUs that it hears. */
static unsigned station(unsigned i)
{
    unsigned heard = 0;
    for (struct pkt *k; (k = switch_out(&sw[i], 2)); pkt_free(k))
        heard += pkt_head(k)[0] != 1 || pkt_head(k)[1] != 0x80;
    return heard;
}

/* Three in a ring, each with a station on its port 2. */
static void a_ring_is_cut_and_mended(void **state)
{
    (void)state;
    begin();
    for (unsigned i = 0; i < SWITCHES; i++)
        open(i, 3, true, 0);
    for (unsigned i = 0; i < SWITCHES; i++)
        join(i, 0, (i + 1) % SWITCHES, 1);
    put(0, 2, m(1), MAC_BROADCAST, NULL);
    assert_int_equal(carry(), 0);       /* nothing before the tree stands */
    run_for(35);
    assert_int_equal(forwarding(), 5);  /* one of six is blocked */
    for (unsigned i = 0; i < SWITCHES; i++)
        assert_true(sw[i].stp.designated_root == sw[0].stp.id);
    put(1, 2, m(1), MAC_BROADCAST, NULL);
    assert_int_equal(carry(), 3);       /* each wire once: what is blocked hears it too, and drops it */
    for (unsigned i = 0; i < SWITCHES; i++)
        assert_int_equal(station(i), i != 1);
    wire[0].cut = true;                 /* between the root and its right neighbour */
    run_for(60);
    assert_int_equal(forwarding(), 6);
    put(1, 2, m(1), MAC_BROADCAST, NULL);
    (void)carry();
    for (unsigned i = 0; i < SWITCHES; i++)
        assert_int_equal(station(i), i != 1);
    wire[0].cut = false;
    run_for(60);
    assert_int_equal(forwarding(), 5);
    assert_false(sw[0].stp.topology_change);
    end(SWITCHES);
}

TESTS(frames_keep_to_their_vlan, a_storm_is_bounded, a_ring_is_cut_and_mended)
