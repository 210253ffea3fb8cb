#include "wire/icmp4.h"
#include "base/checksum.h"
#include "wire/ip4.h"

/* The second 32 bits of the header, by type (RFC 792). */
static void read_rest(struct icmp4 *h, uint32_t rest)
{
    switch (h->type) {
    case ICMP4_ECHO: case ICMP4_ECHO_REPLY: case ICMP4_TIMESTAMP: case ICMP4_TIMESTAMP_REPLY:
        h->id = (uint16_t)(rest >> 16);
        h->seq = (uint16_t)rest;
        return;
    case ICMP4_UNREACHABLE:
        if (h->code == ICMP4_UNREACH_FRAG_NEEDED)
            h->mtu = (uint16_t)rest;
        return;
    case ICMP4_REDIRECT:
        h->gateway = addr4(rest);
        return;
    case ICMP4_PARAMETER:
        h->pointer = (uint8_t)(rest >> 24);
        return;
    default:
        return;
    }
}

static uint32_t rest_of(const struct icmp4 *h)
{
    switch (h->type) {
    case ICMP4_ECHO: case ICMP4_ECHO_REPLY: case ICMP4_TIMESTAMP: case ICMP4_TIMESTAMP_REPLY:
        return (uint32_t)h->id << 16 | h->seq;
    case ICMP4_UNREACHABLE:
        return h->code == ICMP4_UNREACH_FRAG_NEEDED ? h->mtu : 0;
    case ICMP4_REDIRECT:
        return addr_v4(h->gateway);
    case ICMP4_PARAMETER:
        return (uint32_t)h->pointer << 24;
    default:
        return 0;
    }
}

bool icmp4_read(struct reader *r, struct icmp4 *out)
{
    *out = (struct icmp4){ 0 };
    out->type = rd_u8(r);
    out->code = rd_u8(r);
    rd_skip(r, 2);
    read_rest(out, rd_u32(r));
    return !r->bad;
}

void icmp4_write(struct writer *w, const struct icmp4 *h, const void *body, size_t body_len)
{
    uint8_t *bytes = wr_space(w, ICMP4_HEADER + body_len);
    if (!bytes)
        return;
    struct writer msg = writer_of(bytes, ICMP4_HEADER + body_len);
    wr_u8(&msg, h->type);
    wr_u8(&msg, h->code);
    wr_u16(&msg, 0);
    wr_u32(&msg, rest_of(h));
    wr_bytes(&msg, body, body_len);
    const uint16_t sum = csum_finish(csum_add((csum_t){ 0 }, bytes, ICMP4_HEADER + body_len));
    memcpy(bytes + 2, &sum, 2);
}

/* Routers quote what they forwarded, some with lengths or checksums they had
 * changed, so only what names the flow is looked at. */
bool icmp4_quote_read(struct reader *r, struct icmp_quote *out)
{
    *out = (struct icmp_quote){ 0 };
    const uint8_t version_ihl = rd_u8(r);
    const size_t header_len = (version_ihl & 15u) * 4;
    rd_skip(r, 5);
    const uint16_t frag_offset = rd_u16(r) & 0x1fff;
    rd_skip(r, 1);
    out->proto = rd_u8(r);
    rd_skip(r, 2);
    out->src = addr4(rd_u32(r));
    out->dst = addr4(rd_u32(r));
    if (r->bad || version_ihl >> 4 != 4 || header_len < IP4_HEADER || frag_offset != 0)
        return false;
    rd_skip(r, header_len - IP4_HEADER);
    const uint32_t first = rd_u32(r), second = rd_u32(r);
    if (r->bad)
        return false;
    const uint32_t ports = out->proto == IP_ICMP ? second : first;     /* an echo's id and sequence number */
    out->src_port = (uint16_t)(ports >> 16);
    out->dst_port = (uint16_t)ports;
    out->has_seq = out->proto == IP_TCP;
    out->tcp_seq = out->has_seq ? second : 0;
    return true;
}
