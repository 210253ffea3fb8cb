#include "wire/udp.h"

bool udp_read(struct reader *r, struct udp_header *out)
{
    const size_t available = rd_left(r);
    out->src_port = rd_u16(r);
    out->dst_port = rd_u16(r);
    out->len = rd_u16(r);
    rd_copy(r, &out->checksum, 2);
    return !r->bad && out->len >= UDP_HEADER && out->len <= available;
}

void udp_write(struct writer *w, const struct udp_header *h)
{
    wr_u16(w, h->src_port);
    wr_u16(w, h->dst_port);
    wr_u16(w, h->len);
    wr_bytes(w, &h->checksum, 2);
}
