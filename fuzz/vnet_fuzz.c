/* A device's frames with their virtio-net headers, several in a batch, into a router that joins and cuts
 * packets.  Each input: a byte of length (times 16), the header, the frame; and again.
 * covers: src/os/vnet.c src/wire/segment.c src/stack/out.c */
#include "fuzz.h"
#include "os/vnet.h"
#include "stack/stack.h"

enum { OWN = 0x0a000001, FAR = 0x0a010001 };

static const struct mac own_mac[2] = { { { 2, 0, 0, 0, 0, 1 } }, { { 2, 0, 0, 0, 1, 1 } } };

static struct stack *router(void)
{
    struct stack *st = stack_new(&(struct stack_config){ .node = 1, .seed = 1, .forwarding = true, .small_pkts = 1024, .large_pkts = 8 }, 0);
    REQUIRE(st);
    for (unsigned i = 0; i < 2; i++) {
        const struct iface_config c = { .kind = IFACE_ETHER, .mac = own_mac[i], .mtu = 1500, .soft_offload = true };
        REQUIRE(stack_add_iface(st, &c, 0) == (int)i);
        REQUIRE(stack_add_addr(st, i, (struct prefix){ addr4(i ? FAR : OWN), 24 }, false, 0) == PLUMB_OK);
    }
    return st;
}

/* What it says of the packet lies inside it, and is written as it was read. */
static void check(const uint8_t header[VNET_HDR], struct pkt *k)
{
    uint8_t again[VNET_HDR];
    if (k->csum == CSUM_PARTIAL)
        REQUIRE(k->l4_off >= k->head && k->l4_off + k->csum_field + 2u <= k->head + k->len);
    if (k->gso_size)
        REQUIRE(k->csum != CSUM_NONE);
    if (k->csum != CSUM_PARTIAL)
        return;
    k->net_off = (uint16_t)(k->head + 14);
    vnet_write(again, k);
    REQUIRE(memcmp(again + 6, header + 6, 4) == 0);     /* where the checksum is */
    REQUIRE(memcmp(again + 4, header + 4, 2) == 0 || !k->gso_size);
}

static struct pkt *next_frame(struct stack *st, struct reader *r)
{
    const uint32_t len = rd_u8(r) * 16u;
    const uint8_t *header = rd_bytes(r, VNET_HDR);
    const uint32_t n = len < rd_left(r) ? len : (uint32_t)rd_left(r);
    const uint8_t *frame = rd_bytes(r, n);
    struct pkt *k = header && frame ? pkt_new(stack_pools(st), n) : NULL;
    if (!k)
        return NULL;
    memcpy(pkt_append(k, n), frame, n);
    if (vnet_read(header, k)) {
        check(header, k);
        return k;
    }
    pkt_free(k);
    return NULL;
}

FUZZ(data, size)
{
    struct reader r = reader_of(data, size);
    static struct stack *st;            /* kept: to make one takes longer than all the rest */
    static int64_t now_ns;
    struct batch in;
    if (!st)
        st = router();
    batch_init(&in);
    while (!batch_full(&in) && rd_left(&r) > VNET_HDR) {
        struct pkt *k = next_frame(st, &r);
        if (k)
            batch_add(&in, k);
    }
    stack_input(st, 0, &in, now_ns);
    for (int second = 0; second < 100; second++) {
        now_ns += NS_PER_SEC;
        stack_tick(st, now_ns);
        for (unsigned i = 0; i < 2; i++) {
            struct batch out;
            batch_init(&out);
            stack_output(st, i, &out, now_ns);
            for (uint32_t n = 0; n < out.n; n++)
                REQUIRE(pkt_total(out.pkt[n]) <= 1514 && out.pkt[n]->csum != CSUM_PARTIAL);
            batch_free(&out);
        }
    }
    REQUIRE(stack_pools(st)->small.used == 0 && stack_pools(st)->large.used == 0);
}
