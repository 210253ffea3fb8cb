/* A stack on a real link in real time: frames from the device into the stack and
 * back, through an emulated link each way when one was asked for. */
#pragma once
#include "link/impair.h"
#include "os/device.h"
#include "os/wait.h"
#include "stack/stack.h"

struct drive {
    struct stack      *stack;
    unsigned           iface;
    struct device      device;
    struct impair     *in, *out;        /* NULL: the device's own link */
    struct wait_source source;
    struct loop       *loop;
    bool               lost;            /* the interface is gone: the loop was stopped */
    struct drive      *first;           /* of all that drive the stack, which stand in an array of `n`; it may be alone */
    unsigned           n;
    int64_t            look_ns;         /* when its link is looked at again; DEADLINE_NEVER: it is well */
};

/* Adds the device (which is taken, open) to the stack as an interface and to the
 * wait as a source.  `link` NULL: no emulation.  False: no room for it. */
bool drive_init(struct drive *d, struct stack *st, const struct device *dev, const struct impair_config *link,
                uint64_t seed, struct wait *w, int64_t now_ns);
/* Several that drive one stack, each on an interface of its own: what comes by one leaves by another at once. */
void drive_together(struct drive *d, unsigned n);
void drive_fini(struct drive *d, struct wait *w);
