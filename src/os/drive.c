#include "os/drive.h"
#include <poll.h>

enum { ROUNDS = 8 };                    /* batches per wake-up, so that the loop's other work gets its turn */
#define LOOK_AGAIN_NS (100 * NS_PER_MS)

static void deliver(struct drive *d, struct batch *b, int64_t now_ns)
{
    if (!d->in) {
        stack_input(d->stack, d->iface, b, now_ns);
        return;
    }
    for (uint32_t i = 0; i < b->n; i++)
        impair_push(d->in, b->pkt[i], now_ns);
    b->n = b->bytes = 0;
}

/* What an emulated link has carried by now; false: nothing. */
static bool carried(struct impair *link, struct batch *b, int64_t now_ns)
{
    struct pkt *k;
    batch_init(b);
    while (!batch_full(b) && (k = impair_pull(link, now_ns)))
        batch_add(b, k);
    return b->n > 0;
}

static void deliver_due(struct drive *d, int64_t now_ns)
{
    struct batch b;
    while (d->in && carried(d->in, &b, now_ns))
        stack_input(d->stack, d->iface, &b, now_ns);
}

static void send_all(struct drive *d, int64_t now_ns)
{
    /* A full device stops the pull: segments stay in the stack, not in a queue. */
    while (!device_blocked(&d->device)) {
        struct batch b;
        batch_init(&b);
        stack_output(d->stack, d->iface, &b, now_ns);
        if (b.n == 0)
            return;
        if (!d->out) {
            device_send(&d->device, stack_pools(d->stack), &b, now_ns);
            continue;
        }
        for (uint32_t i = 0; i < b.n; i++)
            impair_push(d->out, b.pkt[i], now_ns);
    }
}

static void on_ready(void *arg, int64_t now_ns)
{
    struct drive *d = arg;
    device_flush(&d->device);
    for (int round = 0; round < ROUNDS; round++) {
        struct batch b;
        batch_init(&b);
        device_recv(&d->device, stack_pools(d->stack), &b, now_ns);
        if (b.n == 0)
            return;
        const bool more_waits = batch_full(&b);
        deliver(d, &b, now_ns);
        if (!more_waits && d->n == 1)
            return;                         /* what came since makes the descriptor ready again */
        for (unsigned i = 0; i < d->n; i++)
            send_all(&d->first[i], now_ns);
        if (!more_waits)
            return;                /* the sender goes on by the ACKs of these while we take the next */
    }
}

static void send_due(struct drive *d, int64_t now_ns)
{
    struct batch b;
    while (d->out && carried(d->out, &b, now_ns))
        device_send(&d->device, stack_pools(d->stack), &b, now_ns);
}

/* An interface that is down may come up again, one that was removed does not. */
static void look_at_link(struct drive *d, int64_t now_ns)
{
    if (d->lost || (!d->device.trouble && now_ns < d->look_ns))
        return;
    const enum device_link link = device_link(&d->device);
    d->look_ns = link == DEVICE_UP ? DEADLINE_NEVER : time_after(now_ns, LOOK_AGAIN_NS);
    d->lost = link == DEVICE_GONE;
    if (d->lost)
        loop_stop(d->loop);
}

static void before_wait(void *arg, int64_t now_ns)
{
    struct drive *d = arg;
    look_at_link(d, now_ns);
    deliver_due(d, now_ns);
    stack_tick(d->stack, now_ns);
    send_all(d, now_ns);
    send_due(d, now_ns);
    d->source.events = (short)(device_blocked(&d->device) ? POLLIN | POLLOUT : POLLIN);
}

static int64_t deadline(void *arg)
{
    const struct drive *d = arg;
    int64_t at = device_blocked(&d->device) ? DEADLINE_NEVER : stack_deadline(d->stack);
    at = time_min(at, d->look_ns);
    if (d->in)
        at = time_min(at, impair_deadline(d->in));
    if (d->out)
        at = time_min(at, impair_deadline(d->out));
    return at;
}

enum { IP6_LINK_MTU = 1280 };           /* RFC 8200 §5: a link with less carries no IPv6 */

bool drive_init(struct drive *d, struct stack *st, const struct device *dev, const struct impair_config *link,
                uint64_t seed, struct wait *w, int64_t now_ns)
{
    *d = (struct drive){ .stack = st, .device = *dev, .loop = wait_loop(w), .look_ns = DEADLINE_NEVER, .first = d, .n = 1 };
    pktq_init(&d->device.pending);
    d->device.trace = stack_trace(st);
    struct iface_config c = { .kind = IFACE_ETHER, .mac = dev->mac, .mtu = dev->mtu, .tx_csum = dev->tx_csum, .gso_max = dev->gso_max,
                              .soft_offload = dev->soft_offload, .ip6 = dev->ip6 && dev->mtu >= IP6_LINK_MTU };
    memcpy(c.name, dev->name, sizeof c.name);
    if (link) {
        d->in  = impair_new(link, seed, stack_trace(st), stack_pools(st));
        d->out = impair_new(link, seed + 1, stack_trace(st), stack_pools(st));
        if (!d->in || !d->out)
            return false;
    }
    const int iface = stack_add_iface(st, &c, now_ns);
    if (iface < 0)
        return false;
    d->iface = (unsigned)iface;
    d->source = (struct wait_source){ .fd = dev->fd, .events = POLLIN, .ready = on_ready, .deadline = deadline,
                                      .before_wait = before_wait, .arg = d };
    return wait_add_source(w, &d->source);
}

void drive_together(struct drive *d, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        d[i].first = d;
        d[i].n = n;
    }
}

void drive_fini(struct drive *d, struct wait *w)
{
    wait_remove_source(w, &d->source);
    impair_free(d->in);
    impair_free(d->out);
    device_close(&d->device);
}
