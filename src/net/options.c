/* Options of IPv4 that are filled in on the way (RFC 791 §3.1): of what is asked of us, in our answer. */
#include "base/checksum.h"
#include "net/icmp.h"

enum { OPT_END = 0, OPT_NOP = 1, OPT_RECORD_ROUTE = 7, OPT_TIMESTAMP = 68 };
enum { AT_LEN = 1, AT_POINTER = 2, AT_FLAGS = 3, ADDRESS = 4, ROUTE_FIRST = 4, STAMP_FIRST = 5 };
enum { STAMP_ONLY = 0, STAMP_WITH_ADDRESS = 1, STAMP_ASKED = 3 };

/* The pointer counts from 1 and stands behind the option when it is full. */
static bool has_room(const uint8_t *o, uint32_t first, uint32_t bytes) { return o[AT_POINTER] >= first && o[AT_POINTER] - 1u + bytes <= o[AT_LEN]; }

static void record_route(uint8_t *o, struct addr own)
{
    if (o[AT_LEN] < ROUTE_FIRST - 1 || !has_room(o, ROUTE_FIRST, ADDRESS))
        return;
    memcpy(o + o[AT_POINTER] - 1, own.b + 12, ADDRESS);
    o[AT_POINTER] += ADDRESS;
}

/* Milliseconds; the highest bit says that they are not of midnight UT, which no clock here knows. */
static uint32_t stamp(int64_t now_ns) { return UINT32_C(0x80000000) | (uint32_t)(now_ns / NS_PER_MS % 86400000); }

static void timestamp(uint8_t *o, struct addr own, int64_t now_ns)
{
    if (o[AT_LEN] < STAMP_FIRST - 1)
        return;
    const uint8_t kind = o[AT_FLAGS] & 15;
    const uint32_t bytes = kind == STAMP_ONLY ? 4 : 8;
    if (kind != STAMP_ONLY && kind != STAMP_WITH_ADDRESS && kind != STAMP_ASKED)
        return;
    if (!has_room(o, STAMP_FIRST, bytes)) {
        if (o[AT_POINTER] > o[AT_LEN] && o[AT_FLAGS] >> 4 < 15)
            o[AT_FLAGS] += 1 << 4;      /* how many found no room */
        return;
    }
    uint8_t *at = o + o[AT_POINTER] - 1;
    if (kind == STAMP_ASKED && memcmp(at, own.b + 12, ADDRESS) != 0)
        return;                         /* another is asked */
    if (kind == STAMP_WITH_ADDRESS)
        memcpy(at, own.b + 12, ADDRESS);
    store_be32(at + bytes - 4, stamp(now_ns));
    o[AT_POINTER] += (uint8_t)bytes;
}

uint32_t inet_answer_options(struct pkt *k, struct addr own, int64_t now_ns, uint8_t out[IP4_HEADER_MAX - IP4_HEADER])
{
    uint8_t *h = pkt_net(k);
    const uint32_t header_len = (uint32_t)(h[0] & 15) * 4;
    uint32_t n = 0;
    for (uint32_t at = IP4_HEADER; at < header_len && h[at] != OPT_END;) {
        const uint32_t len = h[at] == OPT_NOP ? 1 : h[at + AT_LEN];     /* input found them well formed */
        if (h[at] == OPT_RECORD_ROUTE || h[at] == OPT_TIMESTAMP) {
            memcpy(out + n, h + at, len);
            if (h[at] == OPT_RECORD_ROUTE)
                record_route(out + n, own);
            else
                timestamp(out + n, own, now_ns);
            n += len;
        }
        at += len;
    }
    for (; n % 4; n++)
        out[n] = OPT_END;
    return n;
}

void inet_put_options(struct pkt *k, const uint8_t *options, uint32_t len)
{
    uint8_t *h = pkt_push(k, len);
    memmove(h, h + len, IP4_HEADER);
    memcpy(h + IP4_HEADER, options, len);
    h[0] = (uint8_t)(4 << 4 | (IP4_HEADER + len) / 4);
    store_be16(h + 2, (uint16_t)k->len);
    memset(h + 10, 0, 2);
    const uint16_t sum = csum_finish(csum_add((csum_t){ 0 }, h, IP4_HEADER + len));
    memcpy(h + 10, &sum, 2);
    k->net_off = (uint16_t)k->head;
}
