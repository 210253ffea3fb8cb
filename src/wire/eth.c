#include "wire/eth.h"

bool eth_read(struct reader *r, struct eth *out)
{
    rd_copy(r, out->dst.b, 6);
    rd_copy(r, out->src.b, 6);
    out->type = rd_u16(r);
    return !r->bad;
}

void eth_write(struct writer *w, const struct eth *h)
{
    wr_bytes(w, h->dst.b, 6);
    wr_bytes(w, h->src.b, 6);
    wr_u16(w, h->type);
}
