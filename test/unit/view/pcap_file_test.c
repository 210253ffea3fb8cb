#include "../test.h"
#include "view/pcap_file.h"
#include "wire/eth.h"
#include <stdlib.h>

static char *text;
static size_t len;

static const uint8_t frame[61] = { 1, 2, 3, [12] = 0x08, [13] = 0x06, [60] = 9 };

static void written(bool ng, uint32_t link)
{
    FILE *f = open_memstream(&text, &len);
    pcap_write_begin(f, ng, link, "eth0");
    pcap_write(f, ng, &(struct pcap_packet){ .time_ns = INT64_C(1700000000123456789), .len = 61, .n_bytes = 61, .bytes = frame });
    pcap_write(f, ng, &(struct pcap_packet){ .time_ns = INT64_C(1700000001000000001), .len = 1500, .n_bytes = 20, .bytes = frame, .comment = ng ? "why" : NULL,
                                             .comment_len = ng ? 3 : 0 });
    fclose(f);
}

static void both_forms(void **state)
{
    (void)state;
    for (int ng = 0; ng < 2; ng++) {
        struct pcap_reader p;
        struct pcap_packet k;
        written(ng, PCAP_LINK_ETHERNET);
        assert_true(pcap_begin(&p, text, len));
        assert_true(pcap_next(&p, &k));
        assert_int_equal(k.time_ns, INT64_C(1700000000123456789));
        assert_true(k.n_bytes == 61 && k.len == 61 && k.link == PCAP_LINK_ETHERNET && memcmp(k.bytes, frame, 61) == 0 && !k.comment);
        assert_true(pcap_next(&p, &k));
        assert_true(k.n_bytes == 20 && k.len == 1500 && k.time_ns == INT64_C(1700000001000000001));
        assert_true(!ng || (k.comment_len == 3 && memcmp(k.comment, "why", 3) == 0));
        assert_false(pcap_next(&p, &k));
        assert_string_equal(p.error, "");
        free(text);
    }
}

/* A file of the other byte order and in microseconds, as a big-endian machine wrote it. */
static void other_order(void **state)
{
    (void)state;
    static const uint8_t file[] = { 0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 101,
                                    0, 0, 0, 5, 0, 0, 0, 7, 0, 0, 0, 2, 0, 0, 0, 9, 0x45, 0x00 };
    struct pcap_reader p;
    struct pcap_packet k;
    uint32_t skip;
    uint16_t type;
    assert_true(pcap_begin(&p, file, sizeof file) && pcap_next(&p, &k));
    assert_true(k.time_ns == INT64_C(5000007000) && k.len == 9 && k.n_bytes == 2 && k.link == PCAP_LINK_RAW);
    assert_true(pcap_network(&k, &skip, &type) && skip == 0 && type == ETH_IP4);
    assert_false(pcap_next(&p, &k));
}

static void cut_short(void **state)
{
    (void)state;
    for (int ng = 0; ng < 2; ng++) {
        written(ng, PCAP_LINK_RAW);
        for (size_t n = 0; n < len; n++) {
            uint8_t *exact = malloc(n ? n : 1);
            struct pcap_reader p;
            struct pcap_packet k;
            memcpy(exact, text, n);
            unsigned packets = 0;
            if (pcap_begin(&p, exact, n))
                while (pcap_next(&p, &k))
                    packets++;
            assert_true(packets < 2);
            free(exact);
        }
        free(text);
    }
    struct pcap_reader p;
    assert_false(pcap_begin(&p, "hello, world", 12));
    assert_non_null(strstr(p.error, "neither"));
}

static void links(void **state)
{
    (void)state;
    static const uint8_t sll[20] = { [14] = 0x86, [15] = 0xdd }, null[8] = { 2, 0, 0, 0, 0x60 }, sll2[24] = { 8, 0 };
    uint32_t skip;
    uint16_t type;
    assert_true(pcap_network(&(struct pcap_packet){ .link = PCAP_LINK_SLL, .bytes = sll, .n_bytes = 20 }, &skip, &type) && skip == 16 && type == ETH_IP6);
    assert_true(pcap_network(&(struct pcap_packet){ .link = PCAP_LINK_NULL, .bytes = null, .n_bytes = 8 }, &skip, &type) && skip == 4 && type == ETH_IP6);
    assert_true(pcap_network(&(struct pcap_packet){ .link = PCAP_LINK_SLL2, .bytes = sll2, .n_bytes = 24 }, &skip, &type) && skip == 20 && type == ETH_IP4);
    assert_true(pcap_network(&(struct pcap_packet){ .link = PCAP_LINK_ETHERNET, .bytes = frame, .n_bytes = 61 }, &skip, &type) && skip == 14 && type == ETH_ARP);
    assert_false(pcap_network(&(struct pcap_packet){ .link = 105, .bytes = frame, .n_bytes = 61 }, &skip, &type));
}

TESTS(both_forms, other_order, cut_short, links)
