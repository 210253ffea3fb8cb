#include "os/wait.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { EVENTS = 64 };

/* Sources and descriptors belong to others, so the lowest bits of the pointer that
 * epoll gives back say what it points at. */
enum { TAG_SOURCE = 1, TAG_SIGNAL = 2, TAGS = 3 };

struct wait {
    struct loop *loop;
    struct list  sources;
    int          epoll_fd, signal_fd;
    int          signal;                /* caught, not yet reported */
    sigset_t     signals_before;
    bool         no_pwait2;             /* the kernel waits in milliseconds only */
};

/* Civil time is stepped by others (NTP, people), so its offset is read each round. */
static int64_t read_clocks(struct wait *w)
{
    const int64_t now_ns = clock_now_ns();
    w->loop->civil_offset_ns = clock_civil_ns() - now_ns;
    return now_ns;
}

struct wait *wait_new(struct loop *l)
{
    struct wait *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->loop = l;
    w->signal_fd = -1;
    list_init(&w->sources);
    w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (w->epoll_fd < 0) {
        free(w);
        return NULL;
    }
    l->now_ns = read_clocks(w);
    return w;
}

void wait_free(struct wait *w)
{
    if (!w)
        return;
    if (w->signal_fd >= 0) {
        close(w->signal_fd);
        sigprocmask(SIG_SETMASK, &w->signals_before, NULL);
    }
    close(w->epoll_fd);
    free(w);
}

struct loop *wait_loop(struct wait *w) { return w->loop; }

static bool control(struct wait *w, int op, int fd, uint32_t events, const void *what, unsigned tag)
{
    struct epoll_event ev = { .events = events, .data.u64 = (uint64_t)(uintptr_t)what | tag };
    return epoll_ctl(w->epoll_fd, op, fd, &ev) == 0;
}

static uint32_t epoll_events(short events)
{
    return (events & POLLIN ? EPOLLIN : 0u) | (events & POLLOUT ? EPOLLOUT : 0u);
}

bool wait_add_source(struct wait *w, struct wait_source *s)
{
    if (s->fd >= 0 && !control(w, EPOLL_CTL_ADD, s->fd, epoll_events(s->events), s, TAG_SOURCE))
        return false;
    s->watched = s->events;
    list_push(&w->sources, &s->node);
    return true;
}

void wait_remove_source(struct wait *w, struct wait_source *s)
{
    if (!list_linked(&s->node))
        return;
    list_remove(&s->node);
    if (s->fd >= 0)
        control(w, EPOLL_CTL_DEL, s->fd, 0, s, TAG_SOURCE);
}

bool wait_add_fd(struct wait *w, struct wait_fd *f)
{
    return control(w, EPOLL_CTL_ADD, f->fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, f, 0);
}

void wait_remove_fd(struct wait *w, struct wait_fd *f)
{
    control(w, EPOLL_CTL_DEL, f->fd, 0, f, 0);
    loop_undefer(&f->task);
}

bool wait_catch_signals(struct wait *w)
{
    sigset_t caught;
    sigemptyset(&caught);
    sigaddset(&caught, SIGINT);
    sigaddset(&caught, SIGTERM);
    if (w->signal_fd >= 0)
        return true;
    if (sigprocmask(SIG_BLOCK, &caught, &w->signals_before) < 0)
        return false;
    w->signal_fd = signalfd(-1, &caught, SFD_NONBLOCK | SFD_CLOEXEC);
    if (w->signal_fd >= 0 && control(w, EPOLL_CTL_ADD, w->signal_fd, EPOLLIN, NULL, TAG_SIGNAL))
        return true;
    if (w->signal_fd >= 0)
        close(w->signal_fd);
    w->signal_fd = -1;
    sigprocmask(SIG_SETMASK, &w->signals_before, NULL);
    return false;
}

static void take_signal(struct wait *w)
{
    struct signalfd_siginfo info;
    if (read(w->signal_fd, &info, sizeof info) == sizeof info)
        w->signal = (int)info.ssi_signo;
}

static int64_t next_deadline(struct wait *w, int64_t deadline_ns)
{
    deadline_ns = time_min(deadline_ns, loop_deadline(w->loop));
    for (struct list *n = w->sources.next; n != &w->sources; n = n->next) {
        struct wait_source *s = list_entry(n, struct wait_source, node);
        if (s->deadline)
            deadline_ns = time_min(deadline_ns, s->deadline(s->arg));
    }
    return deadline_ns;
}

static void call_before_wait(struct wait *w, int64_t now_ns)
{
    for (struct list *n = w->sources.next; n != &w->sources; n = n->next) {
        struct wait_source *s = list_entry(n, struct wait_source, node);
        if (s->before_wait)
            s->before_wait(s->arg, now_ns);
        if (s->fd >= 0 && s->events != s->watched && control(w, EPOLL_CTL_MOD, s->fd, epoll_events(s->events), s, TAG_SOURCE))
            s->watched = s->events;
    }
}

static int wait_events(struct wait *w, struct epoll_event *ev, int64_t delay_ns)
{
    if (!w->no_pwait2) {
        const struct timespec t = { .tv_sec = (time_t)(delay_ns / NS_PER_SEC), .tv_nsec = (long)(delay_ns % NS_PER_SEC) };
        const int n = epoll_pwait2(w->epoll_fd, ev, EVENTS, delay_ns == DEADLINE_NEVER ? NULL : &t, NULL);
        if (n >= 0 || errno != ENOSYS)
            return n;
        w->no_pwait2 = true;
    }
    const int64_t ms = delay_ns == DEADLINE_NEVER ? -1 : time_min((delay_ns - 1) / NS_PER_MS + 1, 3600000);
    return epoll_wait(w->epoll_fd, ev, EVENTS, (int)ms);
}

static void tell(struct wait *w, const struct epoll_event *ev, int64_t now_ns)
{
    void *what = (void *)(uintptr_t)(ev->data.u64 & ~(uint64_t)TAGS);
    switch (ev->data.u64 & TAGS) {
    case TAG_SIGNAL:
        take_signal(w);
        return;
    case TAG_SOURCE: {
        struct wait_source *s = what;
        s->ready(s->arg, now_ns);
        return;
    }
    default: {
        struct wait_fd *f = what;
        loop_defer(w->loop, &f->task);
    }
    }
}

void wait_interrupt(struct wait *w, int signal) { w->signal = signal; }

int wait_run(struct wait *w) { return wait_run_until(w, DEADLINE_NEVER); }

int wait_run_until(struct wait *w, int64_t deadline_ns)
{
    for (;;) {
        int64_t now_ns = read_clocks(w);
        loop_tick(w->loop, now_ns);
        call_before_wait(w, now_ns);
        if (w->loop->stop) {
            w->loop->stop = false;
            return 0;
        }
        if (w->signal) {
            const int caught = w->signal;
            w->signal = 0;
            return caught;
        }
        if (now_ns >= deadline_ns)
            return -1;
        const int64_t until_ns = next_deadline(w, deadline_ns);
        struct epoll_event ev[EVENTS];
        const int n = wait_events(w, ev, until_ns == DEADLINE_NEVER ? until_ns : time_max(0, until_ns - now_ns));
        now_ns = read_clocks(w);
        for (int i = 0; i < n; i++)
            tell(w, &ev[i], now_ns);
    }
}
