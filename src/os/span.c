#include "os/span.h"
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>

enum { SMALL = 16384, LARGE = 512, ROUNDS = 8 };

/* By its descriptor: it may have been moved to another namespace, where its name means nothing here. */
static bool is_gone(struct device *d)
{
    struct ifreq r = { 0 };
    d->trouble = false;
    return ioctl(d->fd, TUNGETIFF, &r) < 0;
}

static void on_ready(void *arg, int64_t now_ns)
{
    struct span_end *e = arg;
    device_flush(&e->device);
    for (int round = 0; round < ROUNDS; round++) {
        struct batch b;
        batch_init(&b);
        device_recv(&e->device, &e->span->pools, &b, now_ns);
        if (b.n == 0)
            break;
        for (uint32_t i = 0; i < b.n; i++)
            impair_push(e->other->towards, b.pkt[i], now_ns);
    }
    if (e->device.trouble && !e->span->lost && is_gone(&e->device)) {
        e->span->lost = true;
        loop_stop(e->span->loop);
    }
}

static void before_wait(void *arg, int64_t now_ns)
{
    struct span_end *e = arg;
    for (;;) {
        struct batch b;
        struct pkt *k;
        batch_init(&b);
        while (!batch_full(&b) && (k = impair_pull(e->towards, now_ns)))
            batch_add(&b, k);
        if (b.n == 0)
            break;
        device_send(&e->device, &e->span->pools, &b, now_ns);
    }
    e->source.events = (short)(device_blocked(&e->device) ? POLLIN | POLLOUT : POLLIN);
}

static int64_t deadline(void *arg)
{
    const struct span_end *e = arg;
    return impair_deadline(e->towards);
}

bool span_init(struct span *s, const struct device dev[2], const struct impair_config *link, uint64_t seed, struct wait *w)
{
    *s = (struct span){ .loop = wait_loop(w) };
    trace_init(&s->trace, 1);
    if (!pkt_pools_init(&s->pools, SMALL, LARGE))
        return false;
    for (unsigned i = 0; i < 2; i++) {
        struct span_end *e = &s->end[i];
        *e = (struct span_end){ .span = s, .device = dev[i], .other = &s->end[!i] };
        pktq_init(&e->device.pending);
        e->device.trace = &s->trace;
        e->towards = impair_new(link, seed + i, &s->trace, &s->pools);
        e->source = (struct wait_source){ .fd = dev[i].fd, .events = POLLIN, .ready = on_ready, .deadline = deadline, .before_wait = before_wait, .arg = e };
        if (!e->towards)
            return false;
    }
    return wait_add_source(w, &s->end[0].source) && wait_add_source(w, &s->end[1].source);
}

void span_fini(struct span *s, struct wait *w)
{
    for (unsigned i = 0; i < 2; i++) {
        if (list_linked(&s->end[i].source.node))
            wait_remove_source(w, &s->end[i].source);
        impair_free(s->end[i].towards);
        device_close(&s->end[i].device);
    }
    pkt_pools_fini(&s->pools);
}
