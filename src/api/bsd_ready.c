/* close, poll, select and epoll: what is said to whoever waits. */
#include "api/bsd.h"
#include <limits.h>
#include <stdlib.h>

/* ----------------------------------------------------------------- close */

static void forget_items(struct waitable *w)
{
    for (struct epoll_item *i; (i = epoll_any(w));) {
        epoll_remove(i);
        free(i);
    }
}

static void close_epoll(struct epfd *e)
{
    while (!list_empty(&e->ep.items)) {
        struct epoll_item *i = list_entry(e->ep.items.next, struct epoll_item, all);
        epoll_remove(i);
        free(i);
    }
}

int plumb_bsd_close_fd(plumb_bsd *b, int fd)
{
    bsd_enter(b);
    struct fd *f = bsd_get(b, fd);
    if (f) {
        bsd_drop_fd(f);
        forget_items(bsd_waitable(f));
        waitable_notify(bsd_waitable(f), ~0u);
        if (f->kind == FD_EPOLL)
            close_epoll((struct epfd *)(void *)f);
        else
            bsd_socket_close((struct sock *)(void *)f);
        bsd_put(f);
    }
    bsd_leave(b);
    return f ? 0 : -1;
}

/* ------------------------------------------------------------------ poll */

/* One blocked call on many descriptors. */
struct many { struct blocked *wait; struct fd **fd; nfds_t n; struct plumb_waiter waiter; };

static bool many_init(struct many *m, nfds_t n)
{
    *m = (struct many){ .n = n };
    m->wait = calloc(n ? n : 1, sizeof *m->wait);
    m->fd = calloc(n ? n : 1, sizeof(struct fd *));
    return m->wait && m->fd;
}

static void many_fini(struct many *m)
{
    for (nfds_t i = 0; m->fd && i < m->n; i++)
        if (m->fd[i])
            bsd_put(m->fd[i]);
    free(m->wait);
    free(m->fd);
}

static uint32_t bits_of(struct fd *f, uint32_t events)
{
    struct wait w = { .on = bsd_waitable(f), .events = events };
    return wait_bits(&w);
}

/* How many of them are ready; fills revents. */
static int look(struct many *m, struct pollfd *p)
{
    int ready = 0;
    for (nfds_t i = 0; i < m->n; i++) {
        const uint32_t asked = (uint16_t)p[i].events;
        p[i].revents = 0;
        if (p[i].fd < 0)
            continue;
        p[i].revents = !m->fd[i] || m->fd[i]->gone ? POLLNVAL : (short)bits_of(m->fd[i], asked);
        ready += p[i].revents != 0;
    }
    return ready;
}

static void sleep_on(plumb_bsd *b, struct many *m, const struct pollfd *p, int64_t until_ns)
{
    m->waiter = (struct plumb_waiter){ 0 };
    for (nfds_t i = 0; i < m->n; i++) {
        const uint32_t events = (uint16_t)p[i].events | EPOLLERR | EPOLLHUP;
        m->wait[i] = (struct blocked){ .wait = { .events = events, .woken = bsd_blocked_woken }, .waiter = &m->waiter, .b = b };
        if (m->fd[i] && !m->fd[i]->gone)
            wait_add(bsd_waitable(m->fd[i]), &m->wait[i].wait);
    }
    bsd_sleep(b, &m->waiter, until_ns);
    for (nfds_t i = 0; i < m->n; i++)
        wait_remove(&m->wait[i].wait);
}

static int poll_until(plumb_bsd *b, struct pollfd *p, nfds_t n, int64_t until_ns)
{
    struct many m;
    int ready = -1;
    if (!many_init(&m, n)) {
        many_fini(&m);
        return bsd_fail(ENOMEM);
    }
    for (nfds_t i = 0; i < n; i++)
        m.fd[i] = p[i].fd < 0 ? NULL : bsd_get(b, p[i].fd);
    while ((ready = look(&m, p)) == 0 && b->hooks.wait && b->now_ns < until_ns)
        sleep_on(b, &m, p, until_ns);
    many_fini(&m);
    return ready;
}

static int64_t until_ms(const plumb_bsd *b, int timeout_ms)
{
    return timeout_ms < 0 ? DEADLINE_NEVER : time_after(b->now_ns, timeout_ms * NS_PER_MS);
}

int plumb_bsd_poll(plumb_bsd *b, struct pollfd *p, nfds_t n, int timeout_ms)
{
    bsd_enter(b);
    const int r = n > b->hooks.max_fds ? bsd_fail(EINVAL) : poll_until(b, p, n, until_ms(b, timeout_ms));
    bsd_leave(b);
    return r;
}

/* ---------------------------------------------------------------- select */

static const short IN_SET = POLLIN | POLLRDNORM, OUT_SET = POLLOUT | POLLWRNORM, X_SET = POLLPRI;
static const short IN_IS = POLLIN | POLLRDNORM | POLLHUP | POLLERR, OUT_IS = POLLOUT | POLLWRNORM | POLLERR;

static short asked(int fd, const fd_set *r, const fd_set *w, const fd_set *x)
{
    const short in = r && FD_ISSET(fd, r) ? IN_SET : 0, out = w && FD_ISSET(fd, w) ? OUT_SET : 0, pri = x && FD_ISSET(fd, x) ? X_SET : 0;
    return (short)(in | out | pri);
}

static int answer(fd_set *set, int fd, bool is)
{
    if (!set || !FD_ISSET(fd, set))
        return 0;
    if (!is)
        FD_CLR(fd, set);
    return is;
}

static int64_t until_tv(const plumb_bsd *b, const struct timeval *t)
{
    return t ? time_after(b->now_ns, t->tv_sec * NS_PER_SEC + t->tv_usec * NS_PER_US) : DEADLINE_NEVER;
}

static void time_left(const plumb_bsd *b, int64_t until_ns, struct timeval *t)
{
    const int64_t left = until_ns > b->now_ns ? until_ns - b->now_ns : 0;
    if (t)
        *t = (struct timeval){ .tv_sec = left / NS_PER_SEC, .tv_usec = left % NS_PER_SEC / NS_PER_US };
}

static int select_on(plumb_bsd *b, int n, fd_set *r, fd_set *w, fd_set *x, struct timeval *t)
{
    struct pollfd p[FD_SETSIZE];
    const int64_t until_ns = until_tv(b, t);
    int count = 0, ready = 0;
    if (n < 0 || n > FD_SETSIZE || (t && (t->tv_sec < 0 || t->tv_usec < 0 || t->tv_usec >= 1000000)))
        return bsd_fail(EINVAL);
    for (int fd = 0; fd < n; fd++) {
        const short events = asked(fd, r, w, x);
        if (events && ((uint32_t)fd >= b->n_fds || !b->fd[fd]))
            return bsd_fail(EBADF);
        if (events)
            p[count++] = (struct pollfd){ .fd = fd, .events = events };
    }
    if (poll_until(b, p, (nfds_t)count, until_ns) < 0)
        return -1;
    for (int i = 0; i < count; i++)
        if (p[i].revents & POLLNVAL)
            return bsd_fail(EBADF);
    for (int i = 0; i < count; i++)
        ready += answer(r, p[i].fd, p[i].revents & IN_IS) + answer(w, p[i].fd, p[i].revents & OUT_IS) + answer(x, p[i].fd, p[i].revents & POLLPRI);
    time_left(b, until_ns, t);
    return ready;
}

int plumb_bsd_select(plumb_bsd *b, int n, fd_set *r, fd_set *w, fd_set *x, struct timeval *timeout)
{
    bsd_enter(b);
    const int ready = select_on(b, n, r, w, x, timeout);
    bsd_leave(b);
    return ready;
}

/* ----------------------------------------------------------------- epoll */

static int new_epoll(plumb_bsd *b, int flags)
{
    struct epfd *e = calloc(1, sizeof *e);
    if (!e)
        return bsd_fail(ENOMEM);
    e->fd = (struct fd){ .b = b, .kind = FD_EPOLL, .cloexec = flags & EPOLL_CLOEXEC };
    epoll_init(&e->ep, &b->counts);
    if (bsd_new_fd(b, &e->fd))
        return e->fd.number;
    free(e);
    return -1;
}

int plumb_bsd_epoll_create1(plumb_bsd *b, int flags)
{
    if (flags & ~EPOLL_CLOEXEC)
        return bsd_fail(EINVAL);
    bsd_enter(b);
    const int fd = new_epoll(b, flags);
    bsd_leave(b);
    return fd;
}

static const uint32_t EXCLUSIVE_OK = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLET | EPOLLWAKEUP | EPOLLEXCLUSIVE;

static int exclusive_ok(int op, const struct epoll_event *event, struct waitable *on)
{
    if (!(event->events & EPOLLEXCLUSIVE))
        return 0;
    return op == EPOLL_CTL_MOD || epoll_of(on) || event->events & ~EXCLUSIVE_OK ? EINVAL : 0;
}

static int add_item(struct epfd *e, struct waitable *on, const struct epoll_event *event)
{
    if (!epoll_may_nest(&e->ep, on))
        return ELOOP;
    struct epoll_item *i = calloc(1, sizeof *i);
    if (!i)
        return ENOMEM;
    epoll_add(&e->ep, on, i, event);
    return 0;
}

static int control(struct epfd *e, int op, struct fd *f, const struct epoll_event *event)
{
    struct waitable *on = bsd_waitable(f);
    struct epoll_item *i = epoll_find(&e->ep, on);
    if (op != EPOLL_CTL_DEL && !event)
        return EFAULT;
    if (op != EPOLL_CTL_DEL && exclusive_ok(op, event, on))
        return EINVAL;
    switch (op) {
    case EPOLL_CTL_ADD:
        return i ? EEXIST : add_item(e, on, event);
    case EPOLL_CTL_MOD:
        if (i && i->event.events & EPOLLEXCLUSIVE)
            return EINVAL;
        if (i)
            epoll_change(i, event);
        return i ? 0 : ENOENT;
    case EPOLL_CTL_DEL:
        if (!i)
            return ENOENT;
        epoll_remove(i);
        free(i);
        return 0;
    default:
        return EINVAL;
    }
}

int plumb_bsd_epoll_ctl(plumb_bsd *b, int epfd, int op, int fd, struct epoll_event *event)
{
    bsd_enter(b);
    struct fd *e = bsd_get(b, epfd), *f = e ? bsd_get(b, fd) : NULL;
    int r = -1;
    if (e && f) {
        const int no = e->kind != FD_EPOLL || e == f ? EINVAL : control((struct epfd *)(void *)e, op, f, event);
        r = no ? bsd_fail(no) : 0;
    }
    if (f)
        bsd_put(f);
    if (e)
        bsd_put(e);
    bsd_leave(b);
    return r;
}

static int wait_for_events(struct epfd *e, struct epoll_event *events, int max, int timeout_ms)
{
    const int64_t until_ns = until_ms(e->fd.b, timeout_ms);
    for (;;) {
        const int n = epoll_collect(&e->ep, events, max);
        const int why = n ? 0 : bsd_wait(&e->fd, EPOLLIN, true, until_ns);
        if (n || why == EAGAIN)
            return n;
        if (why)
            return bsd_fail(why);
    }
}

int plumb_bsd_epoll_wait(plumb_bsd *b, int epfd, struct epoll_event *events, int max, int timeout_ms)
{
    bsd_enter(b);
    struct fd *e = bsd_get(b, epfd);
    int n = -1;
    if (e) {
        if (max <= 0 || (uint32_t)max > INT_MAX / sizeof *events || e->kind != FD_EPOLL)
            errno = EINVAL;
        else
            n = wait_for_events((struct epfd *)(void *)e, events, max, timeout_ms);
        bsd_put(e);
    }
    bsd_leave(b);
    return n;
}
