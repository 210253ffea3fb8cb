/* Readiness: what can be waited for, and who waits.
 *
 * A waitable answers which EPOLL bits hold now; whoever changes it says so with
 * waitable_notify.  A wait is one party's interest in one waitable: a blocked call, or
 * an entry of an epoll.  Exclusive waits stand behind the others; of them a notice
 * wakes the first that has somebody to wake, and no more. */
#pragma once
#include "base/list.h"
#include <plumb/socket.h>

struct waitable; struct wait;

struct ready_counts { uint64_t visits, wakes; };        /* bits asked for by waits; calls woken */

struct waitable_ops { uint32_t (*bits)(struct waitable *); };
struct waitable {
    const struct waitable_ops *ops;
    struct list waits;
    struct ready_counts *counts;        /* lent; not NULL */
};

struct wait {
    struct list node;                   /* in waitable.waits */
    struct waitable *on;
    uint32_t events;                    /* 0: disarmed */
    bool exclusive;
    bool (*woken)(struct wait *, uint32_t bits);        /* true: somebody was woken */
};

static inline void waitable_init(struct waitable *w, const struct waitable_ops *ops, struct ready_counts *counts)
{
    *w = (struct waitable){ .ops = ops, .counts = counts };
    list_init(&w->waits);
}
void wait_add(struct waitable *on, struct wait *w);
static inline void wait_remove(struct wait *w) { list_remove(&w->node); }
/* The bits that hold now, of those a wait asked for; errors and hang-ups are always asked for. */
uint32_t wait_bits(struct wait *w);
/* Something changed: `bits` may hold that did not, or hold anew.  ~0: its state is another, and
 * everybody is woken, exclusive or not. */
void waitable_notify(struct waitable *w, uint32_t bits);
