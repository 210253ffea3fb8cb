/* The event loop as pure data: timers, deferred calls and readiness.  It reads no
 * clock and waits for nothing; os/ waits with epoll, sim/ jumps to the deadline.
 * Monotonic and civil time are given from outside.
 *
 * Calls run only inside loop_tick, never inside a step of the stack, in this
 * order: deferred calls first in first out (those they defer too), then timers
 * by deadline, equal deadlines in the order they were armed. */
#pragma once
#include "base/heap.h"
#include "base/list.h"

typedef void loop_fn(void *arg);

struct loop_task  { struct list node; loop_fn *fn; void *arg; };
struct loop_timer { struct heap_node node; loop_fn *fn; void *arg; };

struct loop {
    struct heap timers;
    struct list deferred;
    int64_t     now_ns;                 /* of the tick under way, or of the last */
    int64_t     civil_offset_ns;        /* civil = now + offset */
    bool        stop;                   /* set by loop_stop, read and cleared by the driver */
};

void loop_init(struct loop *l, int64_t now_ns, int64_t civil_ns);

static inline int64_t loop_now(const struct loop *l)   { return l->now_ns; }
static inline int64_t loop_civil(const struct loop *l) { return l->now_ns + l->civil_offset_ns; }
static inline void    loop_stop(struct loop *l)        { l->stop = true; }

/* Runs fn(arg) soon.  Deferring a task that waits already does nothing more. */
void loop_defer(struct loop *l, struct loop_task *t);
static inline void loop_undefer(struct loop_task *t)   { list_remove(&t->node); }

/* Runs fn(arg) at the deadline; arms again when armed; DEADLINE_NEVER cancels. */
void loop_arm(struct loop *l, struct loop_timer *t, int64_t deadline_ns);
static inline void loop_arm_in(struct loop *l, struct loop_timer *t, int64_t delay_ns)
{
    loop_arm(l, t, time_after(l->now_ns, delay_ns));
}
static inline void loop_cancel(struct loop *l, struct loop_timer *t) { heap_remove(&l->timers, &t->node); }
static inline bool loop_armed(const struct loop_timer *t)            { return t->node.in; }

int64_t loop_deadline(const struct loop *l);           /* <= now: calls are waiting */
void    loop_tick(struct loop *l, int64_t now_ns);     /* time never runs backwards */
