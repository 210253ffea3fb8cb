#include "tcp/prr.h"

void prr_start(struct prr *p, uint32_t flight) { *p = (struct prr){ .flight = flight ? flight : 1 }; }

static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

/* §6.2, in its order.  [RFC9937-6.2a] */
void prr_on_ack(struct prr *p, const struct prr_ack *a)
{
    int64_t count;
    p->delivered += a->delivered;
    if (a->pipe > a->ssthresh) {                /* proportionally, rounded up [RFC9937-6.2b] */
        count = (int64_t)((p->delivered * a->ssthresh + p->flight - 1) / p->flight) - (int64_t)p->out;
    } else {
        count = max64((int64_t)p->delivered - (int64_t)p->out, a->delivered);  /* conservatively: what was delivered [RFC9937-6.2c] */
        if (a->safe)
            count += a->mss;                    /* as in slow start, while all goes well [RFC9937-6.2d] */
        count = min64((int64_t)a->ssthresh - a->pipe, count);
    }
    if (a->repair && p->out == 0)
        count = max64(count, a->mss);           /* the fast retransmit leaves at once [RFC9937-6.2e] */
    p->left = (uint32_t)max64(count, 0);
}

void prr_on_sent(struct prr *p, uint32_t bytes)
{
    p->out += bytes;
    p->left -= bytes < p->left ? bytes : p->left;
}
