#include "../hex.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include <stdio.h>

#define ADDRS "20010db8000000000000000000000001 20010db8000000000000000000000002"

static enum why read_header(const char *text, struct ip6 *h)
{
    uint8_t b[256];
    struct exact e = exact(b, hex(b, sizeof b, text));
    const enum why why = ip6_read(&e.r, h);
    exact_free(&e);
    return why;
}

static void header_both_ways(void **state)
{
    (void)state;
    struct ip6 h;
    uint8_t in[64], out[64];
    const char *text = "6abcdef1 0004 3a ff " ADDRS " 01020304";
    assert_int_equal(read_header(text, &h), WHY_NONE);
    assert_int_equal(h.traffic_class, 0xab);
    assert_int_equal(h.flow_label, 0xcdef1);
    assert_int_equal(h.payload_len, 4);
    assert_int_equal(h.next, 58);
    assert_int_equal(h.hop_limit, 255);
    assert_int_equal(h.dst.b[15], 2);
    struct writer w = writer_of(out, sizeof out);
    ip6_write(&w, &h);
    hex(in, sizeof in, text);
    assert_int_equal(wr_len(&w), IP6_HEADER);
    assert_memory_equal(out, in, IP6_HEADER);
}

static void header_refused(void **state)
{
    (void)state;
    struct ip6 h;
    uint8_t b[64];
    const size_t n = hex(b, sizeof b, "60000000 0001 3a ff " ADDRS " 01");
    for (size_t len = 0; len < n; len++) {
        struct exact e = exact(b, len);
        const enum why why = ip6_read(&e.r, &h);
        assert_int_equal(why, len < IP6_HEADER ? WHY_IP_SHORT : WHY_IP_TOTAL_LENGTH);
        exact_free(&e);
    }
    assert_int_equal(read_header("40000000 0000 3a ff " ADDRS, &h), WHY_IP_VERSION);
}

/* `next` of the header and what follows it. */
static enum why chain(const char *next, const char *rest, struct ip6_chain *c)
{
    uint8_t b[512];
    char text[1024];
    snprintf(text, sizeof text, "60000000 0000 %s 40 " ADDRS " %s", next, rest);
    struct exact e = exact(b, hex(b, sizeof b, text));
    const enum why why = ip6_chain_read(e.r, c);
    exact_free(&e);
    return why;
}

static void chains(void **state)
{
    (void)state;
    struct ip6_chain c;
    assert_int_equal(chain("06", "", &c), WHY_NONE);
    assert_int_equal(c.proto, IP_TCP);
    assert_int_equal(c.upper, 40);
    assert_int_equal(chain("00", "3c00 0502 0000 0100  2b00 0104 0000 0000  1100 0000 0000 0000  0001", &c), WHY_NONE);
    assert_int_equal(c.proto, IP_UDP);
    assert_int_equal(c.upper, 64);
    assert_true(c.router_alert);
    assert_int_equal(chain("2c", "0600 0061 12345678", &c), WHY_NONE);
    assert_int_equal(c.fragment, 40);
    assert_int_equal(c.named_at, 6);
    assert_int_equal(c.frag_offset, 0x60);
    assert_true(c.more_fragments);
    assert_int_equal(c.frag_id, 0x12345678);
    assert_int_equal(chain("2c", "3c00 0008 00000001 ffffffff", &c), WHY_NONE);         /* a piece, not a header */
    assert_int_equal(c.proto, IP6_DESTINATION);
    assert_int_equal(c.upper, 48);
    assert_int_equal(chain("3b", "", &c), WHY_NONE);
    assert_int_equal(c.proto, IP6_NO_NEXT);
}

static void chains_refused(void **state)
{
    (void)state;
    struct ip6_chain c;
    assert_int_equal(chain("3c", "0600 4001 0000 0000", &c), WHY_IP6_OPTION);           /* 01: silently */
    assert_false(c.tell);
    assert_int_equal(chain("3c", "0600 8001 0000 0000", &c), WHY_IP6_OPTION);           /* 10: also to a group */
    assert_true(c.tell && c.tell_group);
    assert_int_equal(c.code, 2);
    assert_int_equal(c.pointer, 42);
    assert_int_equal(chain("3c", "0600 c001 0000 0000", &c), WHY_IP6_OPTION);           /* 11: not to a group */
    assert_true(c.tell && !c.tell_group);
    assert_int_equal(chain("3c", "0600 1e01 0000 0000", &c), WHY_NONE);                 /* 00: passed over */
    assert_int_equal(chain("3c", "0600 0105 0000 0000", &c), WHY_IP6_EXTENSION);        /* an option beyond its header */
    assert_int_equal(chain("3c", "0601 0100 0000 0000", &c), WHY_IP6_EXTENSION);        /* a header beyond the packet */
    assert_int_equal(chain("3c", "06", &c), WHY_IP6_EXTENSION);
    assert_int_equal(chain("2b", "0600 0001 0000 0000", &c), WHY_IP6_ROUTING);
    assert_int_equal(c.code, 0);
    assert_int_equal(c.pointer, 42);
    assert_int_equal(chain("2b", "0600 0000 0000 0000", &c), WHY_NONE);
    assert_int_equal(chain("3c", "0000 0104 0000 0000  0600 0104 0000 0000", &c), WHY_IP6_EXTENSION);   /* hop-by-hop second */
    assert_int_equal(c.code, 1);
    assert_int_equal(c.pointer, 40);
    assert_int_equal(chain("2c", "2c00 0001 00000001  0600 0001 00000001", &c), WHY_IP6_EXTENSION);
    assert_int_equal(chain("2c", "3c00 0001 00000001  0602", &c), WHY_IP6_EXTENSION);   /* RFC 7112 */
    assert_int_equal(c.code, 3);
    char many[400] = "";
    for (int i = 0; i < 9; i++)
        strcat(many, i == 8 ? "0600 0104 0000 0000" : "3c00 0104 0000 0000");
    assert_int_equal(chain("3c", many, &c), WHY_IP6_TOO_MANY);
    assert_int_equal(chain("3c", "0602 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000", &c), WHY_IP6_TOO_MANY);
}

TESTS(header_both_ways, header_refused, chains, chains_refused)
