/* Runs a loop on the real clock: waits with epoll for descriptors, the loop's
 * deadline and the deadlines of sources.
 *
 * Each round: what is ready is told (sources at once, descriptors by deferring
 * their task), then loop_tick, then before_wait of every source, then the wait. */
#pragma once
#include "base/loop.h"
#include "os/clock.h"
#include <stdbool.h>

struct wait;

/* A driver of a stack, or anything that must be called around the wait.  ready and
 * before_wait must not add or remove sources or descriptors, nor run the owner's code. */
struct wait_source {
    int   fd;                                           /* -1: only a deadline */
    short events;                                       /* POLLIN, POLLOUT; may be changed at any time; level-triggered */
    void    (*ready)(void *arg, int64_t now_ns);        /* the descriptor is ready; before loop_tick */
    int64_t (*deadline)(void *arg);                     /* NULL: never; a passed one only makes a round happen */
    void    (*before_wait)(void *arg, int64_t now_ns);  /* after loop_tick, every round; NULL: nothing */
    void *arg;
    struct list node;                                   /* wait's own from here */
    short watched;
};

/* A descriptor.  Edge-triggered for reading, writing and hang-up: `task` is deferred
 * when something changed, its owner reads and writes until EAGAIN. */
struct wait_fd { int fd; struct loop_task task; };

struct wait *wait_new(struct loop *l);          /* sets the loop's clocks; NULL: no memory or no descriptor */
struct loop *wait_loop(struct wait *w);
void wait_free(struct wait *w);                 /* NULL is fine; lends back the signals */

bool wait_add_source(struct wait *w, struct wait_source *s);
void wait_remove_source(struct wait *w, struct wait_source *s);
bool wait_add_fd(struct wait *w, struct wait_fd *f);
void wait_remove_fd(struct wait *w, struct wait_fd *f);     /* before the descriptor is closed */

/* From now on SIGINT and SIGTERM end wait_run instead of the process. */
bool wait_catch_signals(struct wait *w);

/* As if that signal had been caught; from the thread that runs it. */
void wait_interrupt(struct wait *w, int signal);

/* Until loop_stop (0) or a caught signal (its number). */
int wait_run(struct wait *w);
/* At most until the deadline; -1 when it passed. */
int wait_run_until(struct wait *w, int64_t deadline_ns);
