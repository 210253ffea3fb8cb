#include "os/cores.h"
#include <poll.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { LINE = 64 };

/* Before a core sleeps it says so and then looks at its rings; who has put something on one
 * looks then whether the core sleeps.  With a full fence between the two on either side,
 * one of them sees the other. */
struct seat {
    alignas(LINE) _Atomic bool asleep;
    _Atomic bool ended;
    struct cores *cores;
    unsigned      number;
    struct stack *st;
    struct wait  *wait;
    struct wait_source source;
};

struct cores { unsigned n; struct seat seat[]; };

static void ring_bell(const struct seat *s)
{
    const uint64_t one = 1;
    (void)!write(s->source.fd, &one, sizeof one);       /* full: it is awake soon enough */
}

static void wake(struct seat *s)
{
    if (atomic_load_explicit(&s->asleep, memory_order_relaxed) && atomic_exchange(&s->asleep, false))
        ring_bell(s);
}

static void on_bell(void *arg, int64_t now_ns)
{
    struct seat *s = arg;
    uint64_t count;
    (void)now_ns;
    (void)!read(s->source.fd, &count, sizeof count);
    if (atomic_exchange(&s->ended, false))
        wait_interrupt(s->wait, SIGTERM);
}

/* What the stack gave away in this round. */
static void before_wait(void *arg, int64_t now_ns)
{
    struct seat *s = arg;
    const uint32_t told = stack_shards_told(s->st);
    (void)now_ns;
    if (told) {
        atomic_thread_fence(memory_order_seq_cst);
        for (unsigned i = 0; i < s->cores->n; i++)
            if (told >> i & 1)
                wake(&s->cores->seat[i]);
    }
    if (!atomic_load_explicit(&s->asleep, memory_order_relaxed)) {
        atomic_store_explicit(&s->asleep, true, memory_order_relaxed);
        atomic_thread_fence(memory_order_seq_cst);
    }
}

static int64_t deadline(void *arg) { return stack_shard_waiting(((struct seat *)arg)->st) ? 0 : DEADLINE_NEVER; }

struct cores *cores_new(unsigned n)
{
    const size_t bytes = sizeof(struct cores) + n * sizeof(struct seat);
    struct cores *c = aligned_alloc(LINE, (bytes + LINE - 1) / LINE * LINE);
    bool good = c;
    if (!c)
        return NULL;
    memset(c, 0, bytes);
    c->n = n;
    for (unsigned i = 0; i < n; i++) {
        c->seat[i].cores = c;
        c->seat[i].number = i;
        c->seat[i].source = (struct wait_source){ .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .events = POLLIN, .ready = on_bell,
                                                  .deadline = deadline, .before_wait = before_wait, .arg = &c->seat[i] };
        good = good && c->seat[i].source.fd >= 0;
    }
    if (good)
        return c;
    cores_free(c);
    return NULL;
}

void cores_free(struct cores *c)
{
    for (unsigned i = 0; c && i < c->n; i++)
        if (c->seat[i].source.fd >= 0)
            close(c->seat[i].source.fd);
    free(c);
}

bool cores_sit(struct cores *c, unsigned number, struct stack *st, struct wait *w)
{
    struct seat *s = &c->seat[number];
    s->st = st;
    s->wait = w;
    return wait_add_source(w, &s->source);
}

void cores_stand(struct cores *c, unsigned number) { wait_remove_source(c->seat[number].wait, &c->seat[number].source); }

void cores_end(struct cores *c, unsigned but)
{
    for (unsigned i = 0; i < c->n; i++) {
        if (i == but)
            continue;
        atomic_store(&c->seat[i].ended, true);
        ring_bell(&c->seat[i]);
    }
}
