/* Two real links joined by an emulated one, in real time: what arrives at one device
 * leaves by the other when the emulated link has carried it. */
#pragma once
#include "link/impair.h"
#include "os/device.h"
#include "os/wait.h"

struct span_end {
    struct span       *span;
    struct device      device;
    struct impair     *towards;         /* this end */
    struct wait_source source;
    struct span_end   *other;
};
struct span {
    struct span_end  end[2];
    struct pkt_pools pools;
    struct trace     trace;
    bool             lost;              /* a device is gone: the loop was stopped */
    struct loop     *loop;
};

/* Takes both devices, which are open.  The seed repeats what happens by chance.  False: no memory. */
bool span_init(struct span *s, const struct device dev[2], const struct impair_config *link, uint64_t seed, struct wait *w);
void span_fini(struct span *s, struct wait *w);
