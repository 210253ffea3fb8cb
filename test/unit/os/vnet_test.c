/* Virtio-net headers as a kernel writes them, and as none does. */
#include "../test.h"
#include "os/device.h"
#include "os/vnet.h"
#include "wire/ip4.h"
#include <fcntl.h>
#include <linux/virtio_net.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { IP_AT = 14, TCP_AT = 34, FRAME = 200 };

static struct pkt_pools pools;

static struct pkt *frame(uint32_t len)
{
    struct pkt *k = pkt_new(&pools, len);
    memset(pkt_append(k, len), 0, len);
    pkt_head(k)[IP_AT] = 0x45;
    pkt_head(k)[TCP_AT + 12] = 5 << 4;
    return k;
}

static bool reads(const struct virtio_net_hdr *h, uint32_t len, struct pkt *out)
{
    uint8_t bytes[VNET_HDR];
    struct pkt *k = frame(len);
    memcpy(bytes, h, sizeof bytes);
    const bool good = vnet_read(bytes, k);
    memcpy(out, k, offsetof(struct pkt, slice));
    pkt_free(k);
    return good;
}

static void what_a_kernel_writes(void **state)
{
    struct pkt k;
    (void)state;
    assert_true(reads(&(struct virtio_net_hdr){ 0 }, FRAME, &k));
    assert_int_equal(k.csum, CSUM_NONE);
    assert_true(reads(&(struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_DATA_VALID }, FRAME, &k));
    assert_int_equal(k.csum, CSUM_OK);
    assert_true(reads(&(struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = TCP_AT, .csum_offset = 16 }, FRAME, &k));
    assert_int_equal(k.csum, CSUM_PARTIAL);
    assert_int_equal(k.l4_off - k.head, TCP_AT);
    assert_int_equal(k.csum_field, 16);
    const struct virtio_net_hdr large = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = TCP_AT, .csum_offset = 16, .hdr_len = 54,
                                          .gso_type = VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN, .gso_size = 1448 };
    assert_true(reads(&large, 60000, &k));
    assert_int_equal(k.gso_size, 1448);
    assert_int_equal(k.proto, IP_TCP);
}

static void what_none_writes(void **state)
{
    enum { NEEDS = VIRTIO_NET_HDR_F_NEEDS_CSUM, GSO4 = VIRTIO_NET_HDR_GSO_TCPV4 };
    const struct virtio_net_hdr bad[] = {
        { .flags = NEEDS, .csum_start = FRAME, .csum_offset = 16 },                                 /* behind the frame */
        { .flags = NEEDS, .csum_start = 65535, .csum_offset = 65535 },
        { .flags = NEEDS, .csum_start = TCP_AT, .csum_offset = FRAME },
        { .flags = NEEDS, .csum_start = FRAME - 19, .csum_offset = 16 },                            /* no room for the header */
        { .flags = NEEDS, .csum_start = FRAME - 7, .csum_offset = 6 },
        { .flags = NEEDS, .csum_start = 0, .csum_offset = 16 },                                     /* inside Ethernet's or IP's */
        { .flags = NEEDS, .csum_start = IP_AT, .csum_offset = 6 },
        { .flags = NEEDS, .csum_start = TCP_AT, .csum_offset = 8 },                                 /* SCTP's */
        { .flags = NEEDS, .csum_start = TCP_AT, .csum_offset = 16, .gso_type = GSO4 },              /* pieces of nothing */
        { .flags = NEEDS, .csum_start = TCP_AT, .csum_offset = 6, .gso_type = GSO4, .gso_size = 100 },
        { .gso_type = GSO4, .gso_size = 100 },                                                      /* who knows its checksum? */
        { .flags = NEEDS, .csum_start = TCP_AT, .csum_offset = 6, .gso_type = VIRTIO_NET_HDR_GSO_UDP, .gso_size = 100 },
        { .gso_type = 0x7f, .gso_size = 100 },
    };
    struct pkt k;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (reads(&bad[i], FRAME, &k))
            fail_msg("header %zu was believed", i);
}

static void written_as_read(void **state)
{
    const struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = TCP_AT, .csum_offset = 16, .hdr_len = 54,
                                      .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1448 };
    uint8_t in[VNET_HDR], out[VNET_HDR];
    (void)state;
    memcpy(in, &h, sizeof in);
    struct pkt *k = frame(3000);
    assert_true(vnet_read(in, k));
    k->net_off = (uint16_t)(k->head + IP_AT);
    vnet_write(out, k);
    assert_memory_equal(in, out, sizeof in);
    pkt_free(k);
}

/* Frames of every size come whole through a descriptor, and are counted when there is no block for them. */
static void frames_of_every_size(void **state)
{
    static uint8_t sent[VNET_HDR + 65536 + 14];
    static const uint32_t sizes[] = { 14, 60, 1514, 1919, 1920, 1921, 1922, 9000, 65535, 14, 65550, 65550, 1920 };
    struct trace trace;
    struct device d = { .fd = -1, .trace = &trace };
    int pair[2];
    (void)state;
    trace_init(&trace, 1);
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
    d.fd = pair[0];
    assert_true(vnetio_init(&d));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct batch b;
        batch_init(&b);
        for (uint32_t n = 0; n < sizes[i]; n++)
            sent[VNET_HDR + n] = (uint8_t)(n * 31 + n / 256 + i);
        assert_int_equal(write(pair[1], sent, VNET_HDR + sizes[i]), VNET_HDR + sizes[i]);
        vnetio_recv(&d, &pools, &b, 7);
        assert_int_equal(b.n, 1);
        assert_int_equal(b.pkt[0]->len, sizes[i]);
        assert_int_equal(b.pkt[0]->time_ns, 7);
        assert_memory_equal(pkt_head(b.pkt[0]), sent + VNET_HDR, sizes[i]);
        batch_free(&b);
    }
    struct pkt *held[2] = { pkt_new(&pools, 60000), pkt_new(&pools, 60000) };       /* with the device's own: all there are */
    struct batch b;
    batch_init(&b);
    for (int i = 0; i < 2; i++)
        assert_int_equal(write(pair[1], sent, 9000), 9000);
    vnetio_recv(&d, &pools, &b, 8);
    assert_int_equal(b.n, 1);
    assert_int_equal(trace.drops[WHY_NO_BUFFER], 1);
    batch_free(&b);
    pkt_free(held[0]);
    pkt_free(held[1]);
    device_close(&d);
    close(pair[1]);
    assert_int_equal(pools.small.used + pools.large.used, 0);
}

/* Several in a call: what finds room leaves in order, the rest is the caller's still. */
static void a_prefix_is_sent(void **state)
{
    enum { N = 6 };
    struct trace trace;
    struct device d = { .fd = -1, .trace = &trace };
    struct pkt *k[N];
    int pair[2];
    uint8_t got[VNET_HDR + FRAME + 4];
    (void)state;
    trace_init(&trace, 1);
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair), 0);
    d.fd = pair[0];
    for (int i = 0; i < N; i++) {
        k[i] = frame(FRAME);
        pkt_head(k[i])[0] = (uint8_t)i;
        assert_true(pkt_borrow(k[i], (const uint8_t *)"tail", 4));
    }
    uint32_t all = 0, sent = 0;
    for (int round = 0; round < 100 && (sent = vnetio_send_many(&d, k, N)) == N; round++)
        all += sent;
    all += sent;
    assert_in_range(sent, 0, N - 1);
    for (uint32_t i = 0; i < all; i++) {
        assert_int_equal(read(pair[1], got, sizeof got), sizeof got);
        assert_int_equal(got[VNET_HDR], i % N);
        assert_memory_equal(got + VNET_HDR + FRAME, "tail", 4);
    }
    assert_int_equal(read(pair[1], got, sizeof got), -1);
    assert_int_equal(trace.drops[WHY_IFACE_DOWN], 0);
    close(pair[1]);
    assert_int_equal(vnetio_send_many(&d, k, N), N);                /* nobody there: lost, as on a wire */
    assert_int_equal(trace.drops[WHY_IFACE_DOWN], N);
    for (int i = 0; i < N; i++)
        pkt_free(k[i]);
    device_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_kernel_writes),
        cmocka_unit_test(what_none_writes),
        cmocka_unit_test(written_as_read),
        cmocka_unit_test(frames_of_every_size),
        cmocka_unit_test(a_prefix_is_sent),
    };
    if (!pkt_pools_init(&pools, 8, 3))
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pkt_pools_fini(&pools);
    return failed;
}
