/* The inside of a plumb_stack, for the files of api/ alone. */
#pragma once
#include "base/list.h"
#include "stack/stack.h"
#include <plumb/plumb.h>

struct slot;                            /* plumb.c: a handle */
struct plumb_kept;                      /* buffer.c */

struct plumb_stack {
    struct stack *st;
    struct loop loop;
    struct net *net;
    int64_t now_ns;
    struct list ready;
    struct slot **slot;                 /* in chunks, so that lists and watches stay put */
    struct list free;
    uint32_t n_slots, n_free;
    struct { struct batch b; uint32_t at; } out[IFACE_MAX];
    struct plumb_kept *kept;
    struct list bytes, buffers, returned;       /* buffer.c: what buffers stand for; buffers given away; wrapped bytes that are free again */
};

/* The stream that a handle names, or NULL. */
struct stream *plumb_stream_of(const plumb_stack *s, plumb_socket h);
/* buffer.c: what was sent from buffers, and need not be kept any more; before and after the stack goes. */
void plumb_buffers_back(plumb_stack *s);
void plumb_buffers_outlive(plumb_stack *s);

/* plumb_open with everything a stack can be told. */
plumb_stack *plumb_open_as(const struct stack_config *c, int64_t now_ns);
/* The clock moves, and what became due or ready is told. */
static inline void plumb_pass_time(plumb_stack *s, int64_t now_ns)
{
    s->now_ns = now_ns;
    loop_tick(&s->loop, now_ns);
    plumb_buffers_back(s);
}
