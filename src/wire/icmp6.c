#include "wire/icmp6.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

bool icmp6_read(struct reader *r, struct icmp6 *out)
{
    *out = (struct icmp6){ 0 };
    out->type = rd_u8(r);
    out->code = rd_u8(r);
    rd_skip(r, 2);
    out->word = rd_u32(r);
    if (out->type == ICMP6_ECHO || out->type == ICMP6_ECHO_REPLY) {
        out->id = (uint16_t)(out->word >> 16);
        out->seq = (uint16_t)out->word;
    }
    return !r->bad;
}

void icmp6_write(struct writer *w, const struct icmp6 *h, const void *body, size_t body_len)
{
    const bool echo = h->type == ICMP6_ECHO || h->type == ICMP6_ECHO_REPLY;
    wr_u8(w, h->type);
    wr_u8(w, h->code);
    wr_u16(w, 0);
    wr_u32(w, echo ? (uint32_t)h->id << 16 | h->seq : h->word);
    wr_bytes(w, body, body_len);
}

/* The quoted packet is cut short, and so may its payload be: only what stands there is read. */
bool icmp6_quote_read(struct reader *r, struct icmp_quote *out)
{
    struct ip6 h;
    struct ip6_chain c;
    struct reader at = *r;
    *out = (struct icmp_quote){ 0 };
    const enum why why = ip6_read(&at, &h);
    if ((why != WHY_NONE && why != WHY_IP_TOTAL_LENGTH) || ip6_chain_read(*r, &c) != WHY_NONE || c.frag_offset)
        return false;
    out->src = h.src;
    out->dst = h.dst;
    out->proto = c.proto;
    rd_skip(r, c.upper);
    const uint32_t first = rd_u32(r), second = rd_u32(r);
    if (r->bad)
        return false;
    const uint32_t ports = c.proto == IP_ICMP6 ? second : first;        /* an echo's id and sequence number */
    out->src_port = (uint16_t)(ports >> 16);
    out->dst_port = (uint16_t)ports;
    out->has_seq = c.proto == IP_TCP;
    out->tcp_seq = out->has_seq ? second : 0;
    return true;
}
