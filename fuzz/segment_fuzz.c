/* A large packet split is the same bytes in order, each packet right; joined again it is the same.
 * covers: src/wire/segment.c src/wire/coalesce.c */
#include "packets.h"

FUZZ(data, size)
{
    struct reader r = reader_of(data, size);
    struct shape s = { .seq = rd_u32(&r), .ack = rd_u32(&r), .port = rd_u16(&r), .window = rd_u16(&r), .flags = rd_u8(&r),
                       .tos = rd_u8(&r), .ttl = rd_u8(&r), .options = rd_u8(&r) % 11 };
    const uint32_t max = 65535u - IP4_HEADER - TCP_HEADER - s.options * 4u;
    s.len = (rd_u16(&r) | (uint32_t)rd_u8(&r) << 16) % (max + 1);
    const uint16_t gso_size = rd_u16(&r) % 1461;
    if (r.bad || (gso_size && s.len / gso_size >= 200))
        return;
    struct pkt *k = packet(&s), *copy = pkt_copy(packet_pools(), k);
    struct pktq q;
    struct batch b = { .n = 0 };
    uint32_t at = 0;
    pktq_init(&q);
    k->gso_size = gso_size;
    REQUIRE(segment(packet_pools(), k, &q));
    REQUIRE(q.n == (gso_size && s.len > gso_size ? (s.len + gso_size - 1) / gso_size : 1));
    while ((k = pktq_pop(&q))) {
        struct tcp_header tcp;
        const uint32_t n = check_packet(k, &tcp);
        REQUIRE(k->gso_size == 0 && tcp.seq.n == s.seq + at);
        at += n;
        const uint8_t once = (uint8_t)((at < s.len ? FIN | PSH : 0) | (at - n > 0 ? CWR : 0));
        REQUIRE(tcp.flags == (s.flags & ~once));
        if (b.n < BATCH_MAX)
            batch_add(&b, k);
        else
            pkt_free(k);
    }
    REQUIRE(at == s.len);
    const bool joinable = (s.flags & ~(PSH | ECE)) == ACK && gso_size && s.len <= (uint32_t)gso_size * BATCH_MAX;
    coalesce(packet_pools(), &b);
    if (joinable && s.len > 0)
        REQUIRE(b.n == 1 && b.pkt[0]->len == copy->len && memcmp(pkt_head(b.pkt[0]), pkt_head(copy), copy->len) == 0);
    batch_free(&b);
    pkt_free(copy);
    REQUIRE(packet_pools()->small.used == 0 && packet_pools()->large.used == 0);
}
