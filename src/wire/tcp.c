#include "wire/tcp.h"

bool tcp_header_read(struct reader *r, struct tcp_header *out)
{
    const size_t available = rd_left(r);
    out->src_port = rd_u16(r);
    out->dst_port = rd_u16(r);
    out->seq = seq(rd_u32(r));
    out->ack = seq(rd_u32(r));
    const uint8_t offset_ae = rd_u8(r);
    out->header_len = (uint8_t)((offset_ae >> 4) * 4);
    out->ae = offset_ae & 1;
    out->flags = rd_u8(r);
    out->window = rd_u16(r);
    rd_copy(r, &out->checksum, 2);
    out->urgent = rd_u16(r);
    return !r->bad && out->header_len >= TCP_HEADER && out->header_len <= available;
}

void tcp_header_write(struct writer *w, const struct tcp_header *h)
{
    wr_u16(w, h->src_port);
    wr_u16(w, h->dst_port);
    wr_u32(w, h->seq.n);
    wr_u32(w, h->ack.n);
    wr_u8(w, (uint8_t)(h->header_len / 4 << 4 | (h->ae & 1)));
    wr_u8(w, h->flags);
    wr_u16(w, h->window);
    wr_bytes(w, &h->checksum, 2);
    wr_u16(w, h->urgent);
}
