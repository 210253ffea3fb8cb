/* Descriptors: the table, the lock around a call, and how a call waits: it tried,
 * registers, calls the wait function it was given, and is tried again. */
#include "api/bsd.h"
#include <stdlib.h>

enum { MAX_FDS = 65536 };

plumb_bsd *plumb_bsd_open(plumb_stack *s, const struct plumb_bsd_hooks *h)
{
    plumb_bsd *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->s = s;
    if (h)
        memcpy(&b->hooks, h, h->size < sizeof b->hooks ? h->size : sizeof b->hooks);
    if (!b->hooks.max_fds)
        b->hooks.max_fds = MAX_FDS;
    for (unsigned i = 0; i < BOUND_HASH; i++) {
        list_init(&b->bound[0][i]);
        list_init(&b->bound[1][i]);
    }
    return b;
}

void plumb_bsd_close(plumb_bsd *b)
{
    if (!b)
        return;
    for (uint32_t i = 0; i < b->n_fds; i++)
        if (b->fd[i])
            (void)plumb_bsd_close_fd(b, (int)i);
    free(b->fd);
    free(b);
}

struct plumb_bsd_counts plumb_bsd_counts(plumb_bsd *b)
{
    bsd_enter(b);
    const struct plumb_bsd_counts c = { .visits = b->counts.visits, .wakes = b->counts.wakes };
    bsd_leave(b);
    return c;
}

/* ------------------------------------------------------------- one call */

static void pass_time(plumb_bsd *b)
{
    b->now_ns = b->hooks.now ? b->hooks.now(b->hooks.arg) : b->s->now_ns;
    if (b->now_ns < b->s->now_ns)
        b->now_ns = b->s->now_ns;
    plumb_pass_time(b->s, b->now_ns);
}

/* Whoever drives the stack may know of a later deadline only. */
static void tell_driver(plumb_bsd *b)
{
    if (b->hooks.due && plumb_deadline(b->s) != DEADLINE_NEVER)
        b->hooks.due(b->hooks.arg);
}

void bsd_enter(plumb_bsd *b)
{
    if (b->hooks.lock)
        b->hooks.lock(b->hooks.arg);
    pass_time(b);
}

void bsd_leave(plumb_bsd *b)
{
    const int e = errno;
    stack_called(b->s->st, b->now_ns);
    tell_driver(b);
    if (b->hooks.unlock)
        b->hooks.unlock(b->hooks.arg);
    errno = e;
}

/* ---------------------------------------------------------- descriptors */

struct fd *bsd_get(plumb_bsd *b, int fd)
{
    struct fd *f = fd >= 0 && (uint32_t)fd < b->n_fds ? b->fd[fd] : NULL;
    if (f)
        f->users++;
    else
        errno = EBADF;
    return f;
}

void bsd_put(struct fd *f)
{
    if (--f->users == 0 && f->gone)
        bsd_fd_release(f);
}

static bool make_room(plumb_bsd *b, uint32_t number)
{
    uint32_t n = b->n_fds ? b->n_fds : 16;
    if (number < b->n_fds)
        return true;
    while (n <= number)
        n *= 2;
    struct fd **more = realloc(b->fd, n * sizeof(struct fd *));
    if (!more)
        return false;
    memset(more + b->n_fds, 0, (n - b->n_fds) * sizeof(struct fd *));
    b->fd = more;
    b->n_fds = n;
    return true;
}

/* The smallest that is free, as POSIX asks. */
static int smallest_free(const plumb_bsd *b)
{
    uint32_t i = b->lowest_free;
    while (i < b->n_fds && b->fd[i])
        i++;
    return i < b->hooks.max_fds ? (int)i : bsd_fail(EMFILE);
}

bool bsd_new_fd(plumb_bsd *b, struct fd *f)
{
    f->number = b->hooks.open_fd ? b->hooks.open_fd(b->hooks.arg) : smallest_free(b);
    if (f->number < 0)
        return false;
    if (!make_room(b, (uint32_t)f->number)) {
        if (b->hooks.close_fd)
            b->hooks.close_fd(b->hooks.arg, f->number);
        errno = ENOMEM;
        return false;
    }
    f->b = b;
    b->fd[f->number] = f;
    b->lowest_free = (uint32_t)f->number + 1;
    return true;
}

void bsd_drop_fd(struct fd *f)
{
    plumb_bsd *b = f->b;
    b->fd[f->number] = NULL;
    if ((uint32_t)f->number < b->lowest_free)
        b->lowest_free = (uint32_t)f->number;
    if (b->hooks.close_fd)
        b->hooks.close_fd(b->hooks.arg, f->number);
    f->gone = true;
}

/* ------------------------------------------------------------- blocking */

bool bsd_blocked_woken(struct wait *w, uint32_t bits)
{
    struct blocked *x = (struct blocked *)(void *)w;
    (void)bits;
    if (x->waiter->woken)
        return false;
    x->waiter->woken = true;
    x->b->counts.wakes++;
    if (x->b->hooks.wake)
        x->b->hooks.wake(x->b->hooks.arg, x->waiter);
    return true;
}

void bsd_sleep(plumb_bsd *b, struct plumb_waiter *w, int64_t until_ns)
{
    stack_called(b->s->st, b->now_ns);
    tell_driver(b);
    b->hooks.wait(b->hooks.arg, w, until_ns);
    pass_time(b);
}

int bsd_wait(struct fd *f, uint32_t events, bool exclusive, int64_t until_ns)
{
    plumb_bsd *b = f->b;
    struct plumb_waiter waiter = { 0 };
    struct blocked x = { .wait = { .events = events, .exclusive = exclusive, .woken = bsd_blocked_woken }, .waiter = &waiter, .b = b };
    if (!b->hooks.wait || b->now_ns >= until_ns)
        return EAGAIN;
    wait_add(bsd_waitable(f), &x.wait);
    bsd_sleep(b, &waiter, until_ns);
    wait_remove(&x.wait);
    if (f->gone)
        return EBADF;
    return waiter.woken || b->now_ns < until_ns ? 0 : EAGAIN;
}
