/* Packets as people read them; the frames are from captures of real runs. */
#include "../hex.h"
#include "../test.h"
#include "view/packet_line.h"

static char line[PACKET_LINE];

static const char *say(const char *text)
{
    uint8_t bytes[600];
    const size_t n = hex(bytes, sizeof bytes, text);
    struct exact e = exact(bytes, n);
    packet_line(e.r.at, n, true, line);
    exact_free(&e);
    return line;
}
static enum packet_kind kind(const char *text)
{
    uint8_t bytes[600];
    const size_t n = hex(bytes, sizeof bytes, text);
    struct exact e = exact(bytes, n);
    const enum packet_kind k = packet_kind(e.r.at, n, true);
    exact_free(&e);
    return k;
}

#define ARP_FROM_C "ffffffffffff 02706c000001 0806 0001 0800 06 04 "
static const char arp_probe[]    = ARP_FROM_C "0001 02706c000001 00000000 000000000000 0a00020f 000000000000000000000000000000000000";
static const char arp_announce[] = ARP_FROM_C "0001 02706c000001 0a00020f 000000000000 0a00020f";
static const char arp_request[]  = ARP_FROM_C "0001 02706c000001 0a00020f 000000000000 0a000203";
static const char arp_reply[]    = "02706c000001 02706c000003 0806 0001 0800 06 04 0002 02706c000003 0a000203 02706c000001 0a00020f";
static const char dns_query[]    = "02706c000003 02706c000001 0800 4500003b0b1700004011578a0a00020f0a000203 f66e003500279633"
                                   "180701000001000000000000 037777770473686f70047465737400 0001 0001";
static const char dns_answer[]   = "02706c000001 02706c000003 0800 450000622f350000401133450a0002030a00020f 0035f66e004e09c9"
                                   "180785000001000200000000 037777770473686f70047465737400 0001 0001"
                                   "c00c000500010000012c000b0473686f70047465737400 c010000100010000012c0004cb007150";
static const char syn[]          = "02706c000002 02706c000001 0800 4500003c000040004006f25c0a00020fcb007150"
                                   "8ba1005099593d3000000000a002ffffc3f10000 020405b4 01 01080a11ccca6a00000000 01030305";
static const char fin[]          = "02706c000001 02706c000002 0800 45000034000340003f06f361cb0071500a00020f"
                                   "00508ba11b8f74f499593d7f80118000e9f40000 0101080ad192230811cccab2";

static void arp_in_words(void **state)
{
    (void)state;
    assert_string_equal(say(arp_probe), "ARP probe: does anyone have 10.0.2.15?");
    assert_string_equal(say(arp_announce), "ARP announcement: 10.0.2.15 is at 02:70:6c:00:00:01");
    assert_string_equal(say(arp_request), "ARP who has 10.0.2.3? tell 10.0.2.15");
    assert_string_equal(say(arp_reply), "ARP 10.0.2.3 is at 02:70:6c:00:00:03");
    assert_int_equal(kind(arp_probe), KIND_ARP_OWN);
    assert_int_equal(kind(arp_announce), KIND_ARP_OWN);
    assert_int_equal(kind(arp_request), KIND_ARP);
    assert_int_equal(kind(arp_reply), KIND_ARP);
}

static void dns_in_words(void **state)
{
    (void)state;
    assert_string_equal(say(dns_query), "10.0.2.15:63086 > 10.0.2.3:53 UDP DNS query www.shop.test A");
    assert_string_equal(say(dns_answer), "10.0.2.3:53 > 10.0.2.15:63086 UDP DNS answer www.shop.test A NOERROR 203.0.113.80");
    assert_int_equal(kind(dns_query), KIND_DNS);
    assert_int_equal(kind(dns_answer), KIND_DNS);
}

static void tcp_in_words(void **state)
{
    (void)state;
    assert_string_equal(say(syn),
                        "10.0.2.15:35745 > 203.0.113.80:80 TCP SYN seq 2572762416 win 65535 mss 1460 wscale 5 ts 298633834/0");
    assert_string_equal(say(fin), "203.0.113.80:80 > 10.0.2.15:35745 TCP FIN,ACK seq 462386420 ack 2572762495 win 32768 ts 3516015368/298633906");
    assert_int_equal(kind(syn), KIND_TCP);
}

static void padding_is_not_data(void **state)
{
    (void)state;
    /* 40 bytes of IP in a frame of 60 */
    say("02706c000002 02706c000001 0800 45000028000040004006f2700a00020fcb007150 8ba1005000000001000000025010ffff00000000 000000000000");
    assert_null(strstr(line, "len"));
    assert_non_null(strstr(line, "TCP ACK seq 1 ack 2"));
}

static void icmp_in_words(void **state)
{
    (void)state;
    assert_string_equal(say("02706c000002 02706c000001 0800 4500001c00000000400162d20a0002010a00020f 0800f7fd00010001"),
                        "10.0.2.1 > 10.0.2.15 ICMP echo request id 1 seq 1");
    assert_string_equal(say("02706c000002 02706c000001 0800 4500001c00000000400162d20a0002010a00020f 0303fcfc00000000"),
                        "10.0.2.1 > 10.0.2.15 ICMP unreachable: port");
    assert_string_equal(say("02706c000002 02706c000001 0800 4500001c00000000400162d20a0002010a00020f 0b00f4ff00000000"),
                        "10.0.2.1 > 10.0.2.15 ICMP time exceeded");
    assert_int_equal(kind("02706c000002 02706c000001 0800 4500001c00000000400162d20a0002010a00020f 0b00f4ff00000000"), KIND_ICMP);
}

static void strange_ones(void **state)
{
    (void)state;
    assert_string_equal(say(""), "Ethernet malformed");
    assert_string_equal(say("ffffffffffff 02706c000001 88cc 0000"), "EtherType 0x88cc len 2");
    assert_string_equal(say("ffffffffffff 02706c000001 0806 0001"), "ARP malformed");
    assert_non_null(strstr(say("ffffffffffff 02706c000001 0800 45"), "the packet ends inside its IP header"));
    assert_int_equal(kind(""), KIND_OTHER);
    assert_int_equal(kind("ffffffffffff 02706c000001 88cc"), KIND_OTHER);
}

/* A later fragment's bytes are no transport header. */
static void fragments(void **state)
{
    (void)state;
    static const char later[] = "02706c000002 02706c000001 0800 4500002800000005400632690a00020fcb007150 8ba1003500000001000000025010ffff00000000";
    uint8_t bytes[100];
    const size_t n = hex(bytes, sizeof bytes, later);
    uint32_t sum = 0;
    memset(bytes + 24, 0, 2);
    for (size_t i = 14; i < 34; i += 2)
        sum += load_be16(bytes + i);
    sum = (sum & 0xffff) + (sum >> 16);
    store_be16(bytes + 24, (uint16_t)~((sum & 0xffff) + (sum >> 16)));
    assert_string_equal(packet_line(bytes, n, true, line), "10.0.2.15 > 203.0.113.80 fragment at 40");
    assert_int_equal(packet_kind(bytes, n, true), KIND_OTHER);
}

/* Whatever is cut off or flipped, there is a line and no read beyond the bytes. */
static void any_bytes(void **state)
{
    (void)state;
    static const char *const all[] = { arp_probe, arp_reply, dns_query, dns_answer, syn, fin };
    uint8_t bytes[600];
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        const size_t n = hex(bytes, sizeof bytes, all[k]);
        for (size_t cut = 0; cut <= n; cut++) {
            struct exact e = exact(bytes, cut);
            assert_true(strlen(packet_line(e.r.at, cut, true, line)) > 0);
            packet_kind(e.r.at, cut, true);
            packet_line(e.r.at, cut, false, line);
            exact_free(&e);
        }
        for (size_t i = 0; i < n; i++)
            for (unsigned v = 0; v < 256; v += 51) {
                const uint8_t was = bytes[i];
                bytes[i] = (uint8_t)v;
                struct exact e = exact(bytes, n);
                assert_true(strlen(packet_line(e.r.at, n, true, line)) > 0);
                packet_kind(e.r.at, n, true);
                exact_free(&e);
                bytes[i] = was;
            }
    }
}

TESTS(arp_in_words, dns_in_words, tcp_in_words, padding_is_not_data, icmp_in_words, strange_ones, fragments, any_bytes)
