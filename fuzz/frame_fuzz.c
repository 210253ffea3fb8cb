/* A frame through every header parser down to the TCP options, each header written again.
 * covers: src/wire/eth.c src/wire/arp.c src/wire/ip4.c src/wire/icmp4.c src/wire/udp.c src/wire/tcp.c */
#include "fuzz.h"
#include "wire/arp.h"
#include "wire/eth.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/tcp.h"
#include "wire/tcp_opt.h"
#include "wire/udp.h"

static void arp(struct reader r)
{
    struct arp a;
    uint8_t out[ARP_LEN];
    const uint8_t *in = r.at;
    if (!arp_read(&r, &a))
        return;
    struct writer w = writer_of(out, sizeof out);
    arp_write(&w, &a);
    REQUIRE(!w.bad && memcmp(in, out, ARP_LEN) == 0);
}

static void icmp(struct reader r)
{
    struct icmp4 h, again;
    struct icmp_quote q;
    static uint8_t out[65536], twice[65536];
    if (!icmp4_read(&r, &h))
        return;
    struct writer w = writer_of(out, sizeof out), v = writer_of(twice, sizeof twice);
    icmp4_write(&w, &h, r.at, rd_left(&r));
    REQUIRE(!w.bad);
    struct reader back = reader_of(out, wr_len(&w));
    REQUIRE(icmp4_read(&back, &again));
    icmp4_write(&v, &again, back.at, rd_left(&back));
    REQUIRE(wr_len(&w) == wr_len(&v) && memcmp(out, twice, wr_len(&w)) == 0);
    icmp4_quote_read(&r, &q);
}

static void udp(struct reader r)
{
    struct udp_header h;
    uint8_t out[UDP_HEADER];
    const uint8_t *in = r.at;
    if (!udp_read(&r, &h))
        return;
    struct writer w = writer_of(out, sizeof out);
    udp_write(&w, &h);
    REQUIRE(memcmp(in, out, UDP_HEADER) == 0);
    REQUIRE(h.len >= UDP_HEADER && h.len - UDP_HEADER <= (int)rd_left(&r));
}

static void tcp(struct reader r)
{
    struct tcp_header h;
    struct tcp_opt o;
    uint8_t out[TCP_HEADER], want[TCP_HEADER];
    const uint8_t *in = r.at;
    if (!tcp_header_read(&r, &h))
        return;
    struct writer w = writer_of(out, sizeof out);
    tcp_header_write(&w, &h);
    memcpy(want, in, TCP_HEADER);
    want[12] &= 0xf1;                           /* the reserved bits are sent as zero */
    REQUIRE(memcmp(want, out, TCP_HEADER) == 0);
    struct reader options = rd_sub(&r, h.header_len - (size_t)TCP_HEADER);
    REQUIRE(!r.bad);
    tcp_opt_read(&options, &o);
}

static void ip(struct reader r)
{
    struct ip4 h, again;
    uint8_t out[IP4_HEADER], twice[IP4_HEADER];
    struct reader packet = r;
    if (ip4_read(&r, &h) != WHY_NONE)
        return;
    REQUIRE(h.header_len >= IP4_HEADER && h.total_len >= h.header_len && h.total_len <= rd_left(&packet));
    const size_t payload = h.total_len - (size_t)h.header_len;
    struct ip4 plain = h;
    plain.total_len = IP4_HEADER;
    struct writer w = writer_of(out, sizeof out), v = writer_of(twice, sizeof twice);
    ip4_write(&w, &plain);
    struct reader back = reader_of(out, sizeof out);
    REQUIRE(ip4_read(&back, &again) == WHY_NONE);
    ip4_write(&v, &again);
    REQUIRE(memcmp(out, twice, IP4_HEADER) == 0);
    if (h.ttl > 0) {
        ip4_decrement_ttl(out);
        back = reader_of(out, sizeof out);
        REQUIRE(ip4_read(&back, &again) == WHY_NONE && again.ttl == h.ttl - 1);
    }
    struct reader body = rd_sub(&r, payload);
    REQUIRE(!body.bad);
    switch (h.proto) {
    case IP_ICMP: icmp(body); return;
    case IP_TCP:  tcp(body); return;
    case IP_UDP:  udp(body); return;
    default:      return;
    }
}

FUZZ(data, size)
{
    struct reader r = reader_of(data, size);
    struct eth h;
    uint8_t out[ETH_HEADER];
    if (!eth_read(&r, &h))
        return;
    struct writer w = writer_of(out, sizeof out);
    eth_write(&w, &h);
    REQUIRE(memcmp(data, out, ETH_HEADER) == 0);
    if (h.type == ETH_ARP)
        arp(r);
    else if (h.type == ETH_IP4)
        ip(r);
}
