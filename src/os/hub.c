#include "os/hub.h"
#include <poll.h>

enum { SMALL = 16384, LARGE = 512, ROUNDS = 8 };

static void send_all(struct hub_port *p, int64_t now_ns)
{
    struct pkt *k;
    while (!device_blocked(&p->device)) {
        struct batch b;
        batch_init(&b);
        while (!batch_full(&b) && (k = switch_out(&p->hub->sw, p->number)))
            batch_add(&b, k);
        if (b.n == 0)
            return;
        device_send(&p->device, &p->hub->pools, &b, now_ns);
    }
}

static void look_at_link(struct hub_port *p)
{
    if (!p->device.trouble || p->hub->lost >= 0 || device_link(&p->device) != DEVICE_GONE)
        return;
    p->hub->lost = (int)p->number;
    loop_stop(p->hub->loop);
}

static void on_ready(void *arg, int64_t now_ns)
{
    struct hub_port *p = arg;
    device_flush(&p->device);
    for (int round = 0; round < ROUNDS; round++) {
        struct batch b;
        batch_init(&b);
        device_recv(&p->device, &p->hub->pools, &b, now_ns);
        if (b.n == 0)
            break;
        for (uint32_t i = 0; i < b.n; i++)
            switch_in(&p->hub->sw, p->number, b.pkt[i], now_ns);
        for (unsigned i = 0; i < p->hub->n; i++)
            send_all(&p->hub->port[i], now_ns);
    }
    look_at_link(p);
}

static void before_wait(void *arg, int64_t now_ns)
{
    struct hub_port *p = arg;
    switch_tick(&p->hub->sw, now_ns);
    for (unsigned i = 0; i < p->hub->n; i++)
        send_all(&p->hub->port[i], now_ns);
    p->source.events = (short)(device_blocked(&p->device) ? POLLIN | POLLOUT : POLLIN);
}

static int64_t deadline(void *arg)
{
    const struct hub_port *p = arg;
    return switch_deadline(&p->hub->sw);
}

bool hub_init(struct hub *h, const struct device *dev, const struct switch_config *c, uint64_t seed, struct wait *w)
{
    struct rng rng;
    *h = (struct hub){ .loop = wait_loop(w), .n = c->n_ports, .lost = -1 };
    rng_seed(&rng, seed);
    trace_init(&h->trace, 1);
    if (!pkt_pools_init(&h->pools, SMALL, LARGE))
        return false;
    switch_init(&h->sw, c, &h->trace, &h->pools, &rng);
    for (unsigned i = 0; i < h->n; i++) {
        struct hub_port *p = &h->port[i];
        *p = (struct hub_port){ .hub = h, .number = i, .device = dev[i] };
        pktq_init(&p->device.pending);
        p->device.trace = &h->trace;
        p->source = (struct wait_source){ .fd = dev[i].fd, .events = POLLIN, .ready = on_ready, .deadline = deadline, .before_wait = before_wait, .arg = p };
        if (!wait_add_source(w, &p->source))
            return false;
        switch_link(&h->sw, i, true, loop_now(h->loop));
    }
    return true;
}

void hub_fini(struct hub *h, struct wait *w)
{
    for (unsigned i = 0; i < h->n; i++) {
        if (list_linked(&h->port[i].source.node))
            wait_remove_source(w, &h->port[i].source);
        device_close(&h->port[i].device);
    }
    switch_fini(&h->sw);
    pkt_pools_fini(&h->pools);
}
