/* Whatever arrives in a batch, coalescing keeps each flow's bytes and their order.
 * covers: src/wire/coalesce.c */
#include "packets.h"

enum { FLOWS = 3, STREAM_MAX = BATCH_MAX * 256 };

/* What each flow carries, packet boundaries apart: (sequence number, byte) in order. */
struct stream { uint32_t n; uint32_t seq[STREAM_MAX]; };
static struct stream before[FLOWS], after[FLOWS];

static void note(struct stream *to, struct pkt *k)
{
    struct tcp_header tcp;
    const uint32_t n = check_packet(k, &tcp);
    struct stream *s = &to[tcp.src_port % FLOWS];
    for (uint32_t i = 0; i < n; i++) {
        REQUIRE(s->n < STREAM_MAX);
        s->seq[s->n++] = tcp.seq.n + i;
    }
}

/* Most packets go on where their flow stands; a mask says what else differs. */
static struct pkt *next_packet(struct reader *r, uint32_t at[FLOWS])
{
    const uint8_t mask = rd_u8(r), flow = mask & 3 ? 0 : rd_u8(r) % FLOWS;
    struct shape s = { .seq = at[flow], .ack = 7, .len = 100, .port = flow, .window = 500, .flags = ACK, .ttl = 64 };
    if (mask & 4)
        s.len = rd_u8(r);
    if (mask & 8)
        s.flags = rd_u8(r);
    if (mask & 16)
        s.tos = rd_u8(r) & 3;
    if (mask & 32)
        s.options = rd_u8(r) % 11;
    if (mask & 64)
        s.seq += (uint32_t)rd_u8(r) - 128;
    if (mask & 128)
        s.window = rd_u8(r);
    at[flow] = s.seq + s.len;
    return packet(&s);
}

FUZZ(data, size)
{
    struct reader r = reader_of(data, size);
    struct batch b = { .n = 0 };
    uint32_t at[FLOWS] = { 0, 0x7fffff00, 0xffffff00 }, bytes = 0;
    memset(before, 0, sizeof before);
    memset(after, 0, sizeof after);
    while (rd_left(&r) > 0 && b.n < BATCH_MAX) {
        struct pkt *k = next_packet(&r, at);
        note(before, k);
        batch_add(&b, k);
    }
    coalesce(packet_pools(), &b);
    for (uint32_t i = 0; i < b.n; i++) {
        note(after, b.pkt[i]);
        bytes += b.pkt[i]->len;
    }
    REQUIRE(bytes == b.bytes);
    REQUIRE(memcmp(before, after, sizeof before) == 0);
    batch_free(&b);
    REQUIRE(packet_pools()->small.used == 0 && packet_pools()->large.used == 0);
}
