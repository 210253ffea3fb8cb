/* Packets for the targets that split and join them. */
#pragma once
#include "fuzz.h"
#include "base/checksum.h"
#include "wire/ip.h"
#include "wire/ip4.h"
#include "wire/segment.h"
#include "wire/tcp.h"

static inline struct pkt_pools *packet_pools(void)
{
    static struct pkt_pools pools;
    if (pools.small.max == 0)
        REQUIRE(pkt_pools_init(&pools, 256, 72));
    return &pools;
}

struct shape { uint32_t seq, ack, len; uint16_t port, window; uint8_t flags, tos, ttl, options; };

static inline uint8_t payload_at(uint32_t seq) { return (uint8_t)(seq * 131 + (seq >> 8) * 17); }

/* A TCP packet with right checksums. */
static inline struct pkt *packet(const struct shape *s)
{
    const uint32_t l4_header = TCP_HEADER + s->options * 4u, total = IP4_HEADER + l4_header + s->len;
    struct pkt *k = pkt_new(packet_pools(), total);
    REQUIRE(k);
    const struct ip4 ip = { .src = addr4(0x0a000001), .dst = addr4(0x0a000002), .total_len = (uint16_t)total, .ttl = s->ttl,
                            .proto = IP_TCP, .tos = s->tos };
    struct writer w = writer_of(pkt_append(k, total), total);
    ip4_write(&w, &ip);
    tcp_header_write(&w, &(struct tcp_header){ .src_port = s->port, .dst_port = 80, .seq = seq(s->seq), .ack = seq(s->ack),
                     .header_len = (uint8_t)l4_header, .flags = s->flags, .window = s->window });
    wr_fill(&w, 1, s->options * 4u);
    for (uint32_t i = 0; i < s->len; i++)
        wr_u8(&w, payload_at(s->seq + i));
    REQUIRE(!w.bad);
    k->net_off = (uint16_t)k->head;
    k->l4_off = (uint16_t)(k->head + IP4_HEADER);
    k->proto = IP_TCP;
    const uint16_t sum = csum_finish(csum_add(csum_pseudo(ip.src, ip.dst, IP_TCP, l4_header + s->len), pkt_l4(k), l4_header + s->len));
    memcpy(pkt_l4(k) + 16, &sum, 2);
    return k;
}

/* Requires that every length and checksum is right and the payload follows from its sequence number. */
static inline uint32_t check_packet(struct pkt *k, struct tcp_header *tcp)
{
    struct reader r = pkt_reader(k);
    struct ip4 ip;
    REQUIRE(ip4_read(&r, &ip) == WHY_NONE && ip.total_len == k->len);
    const uint32_t l4_len = (uint32_t)rd_left(&r);
    REQUIRE(csum_finish(csum_add(csum_pseudo(ip.src, ip.dst, IP_TCP, l4_len), r.at, l4_len)) == 0);
    REQUIRE(tcp_header_read(&r, tcp));
    rd_skip(&r, tcp->header_len - (size_t)TCP_HEADER);
    const uint32_t payload = (uint32_t)rd_left(&r);
    for (uint32_t i = 0; i < payload; i++)
        REQUIRE(rd_u8(&r) == payload_at(tcp->seq.n + i));
    return payload;
}
