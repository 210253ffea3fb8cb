/* The inside of a plumb_stack, for the files of api/ alone. */
#pragma once
#include "base/list.h"
#include "stack/stack.h"
#include <plumb/plumb.h>

struct slot;                            /* plumb.c: a handle */

struct plumb_stack {
    struct stack *st;
    struct loop loop;
    struct net *net;
    int64_t now_ns;
    struct list ready;
    struct slot **slot;                 /* each of its own, so that lists and watches stay put */
    uint32_t n_slots;
    struct { struct batch b; uint32_t at; } out[IFACE_MAX];
};

/* plumb_open with everything a stack can be told. */
plumb_stack *plumb_open_as(const struct stack_config *c, int64_t now_ns);
/* The clock moves, and what became due or ready is told. */
static inline void plumb_pass_time(plumb_stack *s, int64_t now_ns)
{
    s->now_ns = now_ns;
    loop_tick(&s->loop, now_ns);
}
