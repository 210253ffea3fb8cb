#include "wire/tcp.h"

bool tcp_header_read(struct reader *r, struct tcp_header *out)
{
    const size_t available = rd_left(r);
    const uint8_t *h = rd_bytes(r, TCP_HEADER);
    if (!h)
        return false;
    out->src_port = load_be16(h);
    out->dst_port = load_be16(h + 2);
    out->seq = seq(load_be32(h + 4));
    out->ack = seq(load_be32(h + 8));
    out->header_len = (uint8_t)((h[12] >> 4) * 4);
    out->ae = h[12] & 1;
    out->flags = h[13];
    out->window = load_be16(h + 14);
    memcpy(&out->checksum, h + 16, 2);
    out->urgent = load_be16(h + 18);
    return out->header_len >= TCP_HEADER && out->header_len <= available;
}

void tcp_header_write(struct writer *w, const struct tcp_header *h)
{
    uint8_t *p = wr_space(w, TCP_HEADER);
    if (!p)
        return;
    store_be16(p, h->src_port);
    store_be16(p + 2, h->dst_port);
    store_be32(p + 4, h->seq.n);
    store_be32(p + 8, h->ack.n);
    p[12] = (uint8_t)(h->header_len / 4 << 4 | (h->ae & 1));
    p[13] = h->flags;
    store_be16(p + 14, h->window);
    memcpy(p + 16, &h->checksum, 2);
    store_be16(p + 18, h->urgent);
}
