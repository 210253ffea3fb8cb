/* Frames into a switch with VLANs and the spanning tree: what leaves keeps to its VLAN and never goes back, and nothing leaks.
 *
 * A record: the port, seconds before it, a byte of length, the frame.
 * covers: src/link/switch.c src/link/stp.c src/link/bridge.c src/wire/vlan.c src/wire/bpdu.c */
#include "fuzz.h"
#include "link/switch.h"
#include "wire/eth.h"

enum { PORTS = 4 };

static struct lan_switch s;
static struct pkt_pools pools;
static struct trace trace;

static void open_switch(bool stp)
{
    struct rng rng;
    struct switch_config c = { .n_ports = PORTS, .priority = 32768, .stp = stp, .flood_s = 1000, .mac = { { 2, 0, 0, 0, 0, 1 } } };
    c.port[0].untagged = c.port[1].untagged = 10;
    c.port[2].untagged = 20;
    switch_tag(&c.port[3], 10);
    switch_tag(&c.port[3], 20);
    rng_seed(&rng, 1);
    if (pools.small.max == 0)
        REQUIRE(pkt_pools_init(&pools, 4096, 4));
    trace_init(&trace, 0);
    switch_init(&s, &c, &trace, &pools, &rng);
    for (unsigned i = 0; i < PORTS; i++)
        switch_link(&s, i, true, 0);
}

static void drain(int from)
{
    struct pkt *k;
    for (unsigned i = 0; i < PORTS; i++) {
        while ((k = switch_out(&s, i))) {
            const bool bpdu = k->len >= 6 && memcmp(pkt_head(k), BRIDGE_GROUP.b, 6) == 0;
            struct vlan v;
            REQUIRE(k->len >= ETH_HEADER);
            REQUIRE(bpdu || (int)i != from);
            if (!bpdu && i == 3)
                REQUIRE(vlan_pop(k, &v) && (v.id == 10 || v.id == 20));
            pkt_free(k);
        }
    }
}

FUZZ(data, size)
{
    struct reader r = reader_of(data, size);
    int64_t now_ns = 0;
    open_switch(rd_u8(&r) & 1);
    while (rd_left(&r) > 3) {
        const unsigned port = rd_u8(&r) % PORTS;
        now_ns += rd_u8(&r) % 32 * NS_PER_SEC;
        const size_t asked = rd_u8(&r), len = asked < rd_left(&r) ? asked : rd_left(&r);
        struct pkt *k = pkt_new(&pools, 256);
        REQUIRE(k);
        struct reader frame = rd_sub(&r, len);
        (void)rd_copy(&frame, pkt_append(k, (uint32_t)len), len);
        switch_tick(&s, now_ns);
        drain(-1);
        switch_in(&s, port, k, now_ns);
        drain((int)port);
        REQUIRE(switch_deadline(&s) > now_ns || s.stp.on);
    }
    switch_fini(&s);
    REQUIRE(pools.small.used == 0);
}
