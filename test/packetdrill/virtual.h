/* Two threads and one virtual clock.
 *
 * Time moves only when whoever reads the script lets it: a microsecond for each look at
 * the clock, step by step through the stack's deadlines in usleep, to the next deadline
 * in netdev_receive.  A call the script marks as blocking sleeps on a condition of its
 * own.  Before time moves, whoever was woken has finished, or sleeps again: so the
 * outcome does not depend on the scheduler. */
#pragma once
#include <plumb/socket.h>
#include <pthread.h>
#include <stdbool.h>

enum { FRAMES = 4096, FRAME_MAX = 65536 };

struct frame { uint8_t *bytes; size_t len; int64_t ns; };

struct virtual {
    pthread_mutex_t lock;
    pthread_cond_t  rested;             /* nobody runs any more */
    pthread_t       reader;             /* the thread that reads the script */
    plumb_stack    *stack;
    plumb_bsd      *bsd;
    int             iface;
    int64_t         now_ns;
    _Atomic int     entering;           /* threads on their way into a call */
    int             running;            /* calls that were woken and have neither ended nor slept again */
    struct sleeper *sleepers;
    struct frame    frame[FRAMES];      /* left the stack, not yet seen */
    unsigned        first, n_frames;
};

void virtual_init(struct virtual *v, int64_t now_ns);
void virtual_fini(struct virtual *v);
struct plumb_bsd_hooks virtual_hooks(struct virtual *v);

/* These take the lock. */
int64_t virtual_look(struct virtual *v);                /* the clock; it moves a microsecond */
void virtual_sleep(struct virtual *v, int64_t ns);
void virtual_arrive(struct virtual *v, const void *bytes, size_t len);
/* The next frame to leave, waiting for it in virtual time; false: none will ever. */
bool virtual_leave(struct virtual *v, void *bytes, size_t *len, int64_t *ns);
