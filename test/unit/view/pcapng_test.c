/* The capture file, read back block by block (draft-ietf-opsawg-pcapng). */
#include "../hex.h"
#include "../test.h"
#include "base/time.h"
#include "view/pcapng.h"
#include <stdio.h>
#include <stdlib.h>

enum { SECTION = 0x0a0d0d0a, INTERFACE = 1, PACKET = 6, EPOCH_S = 1767225600, NODE = 3 };

/* What was read back of a packet. */
struct seen { uint32_t iface, len, flags; uint64_t stamp_ns; const uint8_t *bytes; char comment[300]; };

static FILE *file;
static uint8_t *whole;
static size_t whole_len;
static struct pcapng *p;
static struct trace t;
static struct seen packet[400];
static uint32_t n_packets, n_interfaces;
static char iface_name[16];

static uint32_t le(struct reader *r, size_t n)
{
    uint32_t v = 0;
    const uint8_t *at = rd_bytes(r, n);
    assert_non_null(at);
    for (size_t i = n; i-- > 0;)
        v = v << 8 | at[i];
    return v;
}

static void read_options(struct reader *r, uint32_t block, struct seen *s)
{
    while (rd_left(r) > 0) {
        const uint32_t code = le(r, 2), len = le(r, 2);
        const uint8_t *value = rd_bytes(r, (len + 3) & ~3u);
        assert_false(r->bad);
        if (code == 0) {
            assert_int_equal(len, 0);
            assert_int_equal(rd_left(r), 0);
            return;
        }
        for (uint32_t i = len; i < ((len + 3) & ~3u); i++)
            assert_int_equal(value[i], 0);
        if (block == INTERFACE && code == 2)
            snprintf(iface_name, sizeof iface_name, "%.*s", (int)len, (const char *)value);
        if (block == INTERFACE && code == 9)
            assert_int_equal(value[0], 9);              /* nanoseconds */
        if (block == PACKET && code == 1)
            snprintf(s->comment, sizeof s->comment, "%.*s", (int)len, (const char *)value);
        if (block == PACKET && code == 2)
            s->flags = value[0];
    }
    fail_msg("options without an end");
}

static void read_packet(struct reader *r, struct seen *s)
{
    s->iface = le(r, 4);
    assert_true(s->iface < n_interfaces);
    s->stamp_ns = (uint64_t)le(r, 4) << 32;
    s->stamp_ns |= le(r, 4);
    s->len = le(r, 4);
    assert_int_equal(le(r, 4), s->len);
    s->bytes = rd_bytes(r, (s->len + 3) & ~3u);
    assert_non_null(s->bytes);
    read_options(r, PACKET, s);
}

static void open_it(void)
{
    file = open_memstream((char **)&whole, &whole_len);
    n_packets = n_interfaces = 0;
    memset(packet, 0, sizeof packet);
    p = pcapng_new(file, NODE, EPOCH_S * NS_PER_SEC);
    assert_non_null(p);
    trace_init(&t, NODE);
    trace_watch(&t, TRACE_WIRE | TRACE_DROP, pcapng_event, p);
}

static void read_back(void)
{
    trace_watch(&t, 0, NULL, NULL);
    assert_true(pcapng_free(p));
    fclose(file);
    struct reader r = reader_of(whole, whole_len);
    for (bool first = true; rd_left(&r) > 0; first = false) {
        const uint32_t type = le(&r, 4), len = le(&r, 4);
        assert_int_equal(len % 4, 0);
        assert_true(len >= 12);
        struct reader body = rd_sub(&r, len - 12);
        assert_int_equal(le(&r, 4), len);               /* the length stands at both ends */
        assert_int_equal(type == SECTION, first);
        if (type == SECTION) {
            assert_int_equal(le(&body, 4), 0x1a2b3c4d);
            assert_int_equal(le(&body, 4), 1);          /* version 1.0 */
            rd_skip(&body, 8);
            read_options(&body, SECTION, NULL);
        } else if (type == INTERFACE) {
            const uint32_t link = le(&body, 2);
            assert_true(link == 1 || link == 101);
            rd_skip(&body, 6);
            read_options(&body, INTERFACE, NULL);
            n_interfaces++;
        } else {
            assert_int_equal(type, PACKET);
            assert_true(n_packets < 400);
            read_packet(&body, &packet[n_packets++]);
        }
    }
}
static void close_it(void) { free(whole); }

static void put(uint32_t id, int64_t now_ns, bool out, const void *bytes, uint32_t len)
{
    if (out)
        TRACE_BYTES(&t, now_ns, 0, pkt_out, bytes, len, .pkt = id, .len = len);
    else
        TRACE_BYTES(&t, now_ns, 0, pkt_in, bytes, len, .pkt = id, .len = len);
}

static void no_packets(void **state)
{
    (void)state;
    open_it();
    pcapng_iface(p, 0, "client", true);
    read_back();
    assert_int_equal(n_interfaces, 1);
    assert_int_equal(n_packets, 0);
    assert_string_equal(iface_name, "client");
    close_it();
    open_it();                                          /* not even an interface */
    read_back();
    assert_int_equal(n_interfaces, 0);
    close_it();
    assert_true(pcapng_free(NULL));
}

static void packets_and_times(void **state)
{
    (void)state;
    open_it();
    pcapng_iface(p, 0, "eth", true);
    pcapng_iface(p, 0, "twice", true);            /* the first name stays */
    for (uint32_t i = 0; i < 300; i++) {                /* more than are held back, of every length */
        uint8_t bytes[300];
        memset(bytes, (int)i, sizeof bytes);
        put(i + 1, (int64_t)i * 1000000007, i % 2, bytes, i);
    }
    TRACE_BYTES(&t, 1, 0, pkt_in, "elsewhere", 9, .pkt = 1000, .len = 9, .iface = 5);   /* not named: left out */
    t.node = NODE + 1;
    put(1001, 1, false, "another node", 12);
    read_back();
    assert_int_equal(n_interfaces, 1);
    assert_string_equal(iface_name, "eth");
    assert_int_equal(n_packets, 300);
    for (uint32_t i = 0; i < 300; i++) {
        assert_int_equal(packet[i].len, i);
        assert_int_equal(packet[i].flags, i % 2 ? 2 : 1);       /* outbound, inbound */
        assert_true(packet[i].stamp_ns == EPOCH_S * UINT64_C(1000000000) + i * UINT64_C(1000000007));
        assert_string_equal(packet[i].comment, "");
        for (uint32_t k = 0; k < i; k++)
            assert_int_equal(packet[i].bytes[k], (uint8_t)i);
    }
    close_it();
}

static void drops_become_comments(void **state)
{
    (void)state;
    open_it();
    pcapng_iface(p, 0, "eth", true);
    put(1, 10, false, "one", 3);
    put(2, 20, false, "two", 3);
    put(3, 30, true, "three", 5);
    TRACE(&t, 40, 0, pkt_drop, .pkt = 2, .len = 3, .why = WHY_TCP_CHECKSUM);
    TRACE(&t, 50, 0, pkt_drop, .pkt = 3, .len = 5, .why = WHY_LINK_LOSS);
    TRACE(&t, 60, 0, pkt_drop, .pkt = 0, .why = WHY_NO_BUFFER);         /* never a packet */
    TRACE(&t, 60, 0, pkt_drop, .pkt = 99, .why = WHY_NO_BUFFER);        /* never seen here */
    TRACE(&t, 70, 0, pkt_drop, .pkt = 2, .why = WHY_NO_BUFFER);         /* the first reason stays */
    read_back();
    assert_int_equal(n_packets, 3);
    assert_string_equal(packet[0].comment, "");
    assert_non_null(strstr(packet[1].comment, "the TCP checksum is wrong"));
    assert_non_null(strstr(packet[1].comment, "TCP_CHECKSUM"));
    assert_non_null(strstr(packet[1].comment, "RFC 9293"));
    assert_non_null(strstr(packet[2].comment, "LINK_LOSS"));
    assert_null(strstr(packet[2].comment, ";"));                        /* no rule stands behind this one */
    close_it();
}

/* What is left to the device is complete in the file; what is complete stays as it is, right or wrong. */
static void checksums(void **state)
{
    (void)state;
    static const char tcp[] = "02706c000002 02706c000001 0800 4500003c000040004006f25c0a00020fcb007150"
                              "8ba1005099593d3000000000a002ffff 1234 0000 020405b4 01 01080a11ccca6a00000000 01030305";
    static const char udp[] = "02706c000003 02706c000001 0800 4500003b0b1700004011578a0a00020f0a000203 f66e00350027 1234"
                              "180701000001000000000000 037777770473686f70047465737400 0001 0001 0000";     /* two bytes of padding */
    uint8_t bytes[2][100];
    const uint32_t len[2] = { (uint32_t)hex(bytes[0], 100, tcp), (uint32_t)hex(bytes[1], 100, udp) };
    open_it();
    pcapng_iface(p, 0, "eth", true);
    pcapng_iface(p, 1, "tun", false);
    for (int i = 0; i < 2; i++) {
        TRACE_BYTES(&t, 1, 0, pkt_out, bytes[i], len[i], .pkt = 1, .len = len[i], .csum = CSUM_PARTIAL);
        TRACE_BYTES(&t, 1, 0, pkt_out, bytes[i] + 14, len[i] - 14, .pkt = 1, .len = len[i] - 14, .iface = 1, .csum = CSUM_PARTIAL);
        TRACE_BYTES(&t, 1, 0, pkt_out, bytes[i], len[i], .pkt = 1, .len = len[i], .csum = CSUM_NONE);
    }
    TRACE_BYTES(&t, 1, 0, pkt_out, bytes[0], 36, .pkt = 1, .len = 36, .csum = CSUM_PARTIAL);    /* cut short: as it is */
    TRACE_BYTES(&t, 1, 0, pkt_out, bytes[0], 3, .pkt = 1, .len = 3, .csum = CSUM_PARTIAL);
    read_back();
    assert_int_equal(n_packets, 8);
    assert_int_equal(load_be16(packet[0].bytes + 14 + 20 + 16), 0xc3f1);        /* as the wire had them */
    assert_int_equal(load_be16(packet[1].bytes + 20 + 16), 0xc3f1);
    assert_int_equal(packet[1].iface, 1);
    assert_int_equal(load_be16(packet[2].bytes + 14 + 20 + 16), 0x1234);
    assert_int_equal(load_be16(packet[3].bytes + 14 + 20 + 6), 0x9633);
    assert_int_equal(load_be16(packet[4].bytes + 20 + 6), 0x9633);
    assert_int_equal(load_be16(packet[5].bytes + 14 + 20 + 6), 0x1234);
    assert_memory_equal(packet[6].bytes, bytes[0], 36);
    assert_memory_equal(packet[7].bytes, bytes[0], 3);
    assert_int_equal(load_be16(bytes[0] + 14 + 20 + 16), 0x1234);               /* the packet itself is not touched */
    close_it();
}

static void a_full_disk(void **state)
{
    (void)state;
    FILE *full = fopen("/dev/full", "wb");
    if (!full)
        skip();
    struct pcapng *q = pcapng_new(full, NODE, 0);
    pcapng_iface(q, 0, "eth", true);
    assert_false(pcapng_free(q));
    fclose(full);
}

TESTS(no_packets, packets_and_times, drops_become_comments, checksums, a_full_disk)
