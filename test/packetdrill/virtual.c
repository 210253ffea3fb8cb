#include "virtual.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 40 };                 /* looks at whether the others sleep */

struct sleeper { struct sleeper *next; pthread_cond_t cond; struct plumb_waiter *w; int64_t until_ns; bool up; };

/* When this thread's last blocking call ended, for its next look at the clock; 0: not told. */
static _Thread_local int64_t ended_ns;
static _Thread_local bool was_woken;

void virtual_init(struct virtual *v, int64_t now_ns)
{
    *v = (struct virtual){ .now_ns = now_ns, .iface = -1, .reader = pthread_self() };
    pthread_mutex_init(&v->lock, NULL);
    pthread_cond_init(&v->rested, NULL);
}

void virtual_fini(struct virtual *v)
{
    plumb_bsd_close(v->bsd);
    plumb_close(v->stack);
    for (; v->n_frames; v->n_frames--, v->first = (v->first + 1) % FRAMES)
        free(v->frame[v->first].bytes);
    pthread_cond_destroy(&v->rested);
    pthread_mutex_destroy(&v->lock);
}

/* ------------------------------------------------------------ the others */

static bool sleeps(const char *task)
{
    char path[64], line[256] = { 0 };
    snprintf(path, sizeof path, "/proc/self/task/%.20s/stat", task);
    FILE *f = fopen(path, "r");
    if (!f)
        return true;
    const bool got = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    const char *at = got ? strrchr(line, ')') : NULL;
    return !at || at[2] != 'R';
}

/* Whether every other thread of the process sleeps in the kernel. */
static bool others_sleep(void)
{
    const long self = syscall(SYS_gettid);
    bool all = true;
    DIR *d = opendir("/proc/self/task");
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.' && atol(e->d_name) != self)
            all = all && sleeps(e->d_name);
    if (d)
        closedir(d);
    return all;
}

/* Locked.  Until nobody is about to do anything at the present time: neither a call that
 * was woken, nor one that another thread is just beginning. */
static void let_others_finish(struct virtual *v)
{
    for (int i = 0; i < PATIENCE; i++) {
        while (v->running)
            pthread_cond_wait(&v->rested, &v->lock);
        pthread_mutex_unlock(&v->lock);
        const bool quiet = others_sleep();
        if (!quiet || v->entering)
            nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
        pthread_mutex_lock(&v->lock);
        if (quiet && !v->entering && !v->running)
            return;
    }
}

/* ----------------------------------------------------------------- hooks */

static int64_t next_ns(const struct virtual *v);
static void move_to(struct virtual *v, int64_t to_ns);

static int64_t hook_now(void *arg) { return ((struct virtual *)arg)->now_ns; }

static void hook_lock(void *arg)
{
    struct virtual *v = arg;
    v->entering++;
    pthread_mutex_lock(&v->lock);
    v->entering--;
}

static void rest(struct virtual *v)
{
    if (--v->running == 0)
        pthread_cond_broadcast(&v->rested);
}

static void hook_unlock(void *arg)
{
    struct virtual *v = arg;
    if (was_woken) {
        was_woken = false;
        ended_ns = v->now_ns;
        rest(v);
    }
    pthread_mutex_unlock(&v->lock);
}

static void get_up(struct virtual *v, struct sleeper *s)
{
    if (s->up)
        return;
    s->up = true;
    v->running++;
    pthread_cond_signal(&s->cond);
}

/* The reader of the script itself has to wait: nobody but it moves the time. */
static void wait_as_reader(struct virtual *v, const struct plumb_waiter *w, int64_t until_ns)
{
    while (!w->woken && v->now_ns < until_ns) {
        const int64_t next = next_ns(v);
        if (next == INT64_MAX && until_ns == INT64_MAX) {
            fprintf(stderr, "a call blocks that nothing will ever end\n");
            abort();
        }
        move_to(v, next < until_ns ? next : until_ns);
    }
}

static void hook_wait(void *arg, struct plumb_waiter *w, int64_t until_ns)
{
    struct virtual *v = arg;
    if (pthread_equal(pthread_self(), v->reader)) {
        wait_as_reader(v, w, until_ns);
        return;
    }
    struct sleeper s = { .next = v->sleepers, .w = w, .until_ns = until_ns };
    if (w->woken)
        return;
    pthread_cond_init(&s.cond, NULL);
    w->of_driver = &s;
    v->sleepers = &s;
    if (was_woken)
        rest(v);
    while (!s.up)
        pthread_cond_wait(&s.cond, &v->lock);
    was_woken = true;
    struct sleeper **at = &v->sleepers;
    while (*at != &s)
        at = &(*at)->next;
    *at = s.next;
    w->of_driver = NULL;
    pthread_cond_destroy(&s.cond);
}

static void hook_wake(void *arg, struct plumb_waiter *w)
{
    if (w->of_driver)
        get_up(arg, w->of_driver);
}

/* packetdrill closes live descriptors with the host's close: each is something it may close. */
static int hook_open(void *arg)
{
    (void)arg;
    return eventfd(0, EFD_CLOEXEC);
}

static void hook_close(void *arg, int fd)
{
    (void)arg;
    close(fd);
}

struct plumb_bsd_hooks virtual_hooks(struct virtual *v)
{
    return (struct plumb_bsd_hooks){ .size = sizeof(struct plumb_bsd_hooks), .arg = v, .now = hook_now, .lock = hook_lock, .unlock = hook_unlock,
                                     .wait = hook_wait, .wake = hook_wake, .open_fd = hook_open, .close_fd = hook_close };
}

/* ------------------------------------------------------------------ time */

/* What the stack sends now is stamped now. */
static void drain(struct virtual *v)
{
    static uint8_t bytes[FRAME_MAX];
    for (size_t n; v->stack && v->iface >= 0 && (n = plumb_output(v->stack, v->iface, bytes, sizeof bytes, v->now_ns));) {
        struct frame *f = &v->frame[(v->first + v->n_frames) % FRAMES];
        if (v->n_frames == FRAMES || !(f->bytes = malloc(n)))
            abort();
        memcpy(f->bytes, bytes, n);
        f->len = n;
        f->ns = v->now_ns;
        v->n_frames++;
    }
}

/* Everything that happens at the present time. */
static void happen(struct virtual *v)
{
    if (v->stack)
        plumb_tick(v->stack, v->now_ns);
    drain(v);
    for (struct sleeper *s = v->sleepers; s; s = s->next)
        if (s->until_ns <= v->now_ns)
            get_up(v, s);
}

static int64_t next_ns(const struct virtual *v)
{
    int64_t next = v->stack ? plumb_deadline(v->stack) : INT64_MAX;
    for (const struct sleeper *s = v->sleepers; s; s = s->next)
        next = s->until_ns < next ? s->until_ns : next;
    return next < v->now_ns ? v->now_ns : next;
}

static void move_to(struct virtual *v, int64_t to_ns)
{
    happen(v);
    let_others_finish(v);
    drain(v);
    for (int64_t next, at = -1; (next = next_ns(v)) <= to_ns; at = v->now_ns) {
        v->now_ns = next + (next == at) * 1000;     /* never for ever at one time */
        happen(v);
        let_others_finish(v);
        drain(v);
    }
    if (v->now_ns < to_ns)
        v->now_ns = to_ns;
}

int64_t virtual_look(struct virtual *v)
{
    int64_t ns = ended_ns;
    ended_ns = 0;
    if (ns)
        return ns;
    pthread_mutex_lock(&v->lock);
    v->now_ns += 1000;
    if (next_ns(v) <= v->now_ns)
        happen(v);
    ns = v->now_ns;
    pthread_mutex_unlock(&v->lock);
    return ns;
}

void virtual_sleep(struct virtual *v, int64_t ns)
{
    pthread_mutex_lock(&v->lock);
    move_to(v, v->now_ns + ns);
    pthread_mutex_unlock(&v->lock);
}

void virtual_arrive(struct virtual *v, const void *bytes, size_t len)
{
    pthread_mutex_lock(&v->lock);
    let_others_finish(v);
    drain(v);
    if (v->stack)
        (void)plumb_input(v->stack, v->iface, bytes, len, v->now_ns);
    happen(v);
    let_others_finish(v);
    drain(v);
    pthread_mutex_unlock(&v->lock);
}

static bool take(struct virtual *v, void *bytes, size_t *len, int64_t *ns)
{
    struct frame *f = &v->frame[v->first];
    if (!v->n_frames)
        return false;
    *len = f->len < *len ? f->len : *len;
    memcpy(bytes, f->bytes, *len);
    *ns = f->ns;
    free(f->bytes);
    v->first = (v->first + 1) % FRAMES;
    v->n_frames--;
    return true;
}

bool virtual_leave(struct virtual *v, void *bytes, size_t *len, int64_t *ns)
{
    pthread_mutex_lock(&v->lock);
    drain(v);
    if (!v->n_frames)
        let_others_finish(v);
    drain(v);
    while (!v->n_frames && next_ns(v) != INT64_MAX)
        move_to(v, next_ns(v));
    const bool got = take(v, bytes, len, ns);
    pthread_mutex_unlock(&v->lock);
    return got;
}
