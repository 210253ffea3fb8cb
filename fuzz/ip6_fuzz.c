/* An IPv6 packet through its header, its extension headers, and what ICMPv6 carries: nothing is read beyond the packet,
 * offsets lie within it, and what is understood is written again the same.
 * covers: src/wire/ip6.c src/wire/icmp6.c src/wire/nd.c */
#include "fuzz.h"
#include "wire/icmp6.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

static void discovery(struct reader r)
{
    struct nd m, again;
    static uint8_t out[4096], twice[4096];
    if (!nd_read(&r, &m))
        return;
    struct writer w = writer_of(out, sizeof out), v = writer_of(twice, sizeof twice);
    nd_write(&w, &m);
    REQUIRE(!w.bad);
    struct reader back = reader_of(out, wr_len(&w));
    REQUIRE(nd_read(&back, &again));
    nd_write(&v, &again);
    REQUIRE(wr_len(&w) == wr_len(&v) && memcmp(out, twice, wr_len(&w)) == 0);
}

static void message(struct reader r)
{
    struct icmp6 h;
    struct icmp_quote q;
    discovery(r);
    if (icmp6_read(&r, &h))
        (void)icmp6_quote_read(&r, &q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ip6 h;
    struct ip6_chain c;
    uint8_t out[IP6_HEADER];
    struct reader packet = reader_of(data, size), r = packet;
    if (ip6_read(&r, &h) != WHY_NONE)
        return 0;
    struct writer w = writer_of(out, sizeof out);
    ip6_write(&w, &h);
    REQUIRE(memcmp(out, data, IP6_HEADER) == 0);
    packet.end = packet.at + IP6_HEADER + h.payload_len;
    if (ip6_chain_read(packet, &c) != WHY_NONE) {
        REQUIRE(!c.tell || c.pointer < rd_left(&packet));
        return 0;
    }
    REQUIRE(c.upper >= IP6_HEADER && c.upper <= rd_left(&packet) && c.fragment < c.upper && c.named_at < c.upper);
    rd_skip(&packet, c.upper);
    if (c.proto == IP_ICMP6)
        message(packet);
    return 0;
}
