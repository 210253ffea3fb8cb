/* Proportional rate reduction (RFC 9937): how much may leave while a window is being
 * reduced.  Plain arithmetic on bytes; it knows no connection. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct prr {
    uint32_t flight;                    /* RecoverFS: what was in flight when it began */
    uint64_t delivered, out;            /* since then */
    uint32_t left;                      /* of sndcnt, until the next acknowledgment */
};
struct prr_ack {
    uint32_t delivered;                 /* by this acknowledgment */
    uint32_t pipe, ssthresh, mss;
    bool     safe;                      /* SND.UNA moved, and nothing more was found lost */
    bool     repair;                    /* there is something to send again */
};

void prr_start(struct prr *p, uint32_t flight);
void prr_on_ack(struct prr *p, const struct prr_ack *a);
void prr_on_sent(struct prr *p, uint32_t bytes);
