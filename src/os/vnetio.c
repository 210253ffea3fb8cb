/* Frames through a file descriptor, a virtio-net header before each: one system call a frame. */
#include "os/device.h"
#include "os/vnet.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { FRAME_MAX = 65536 + 64, SMALL_ROOM = PKT_SMALL - PKT_HEADROOM, AT_ONCE = 16 };

bool vnetio_init(struct device *d)
{
    d->scratch = malloc(FRAME_MAX);
    return d->scratch != NULL;
}

/* Where the bytes go: into a small block, which most frames fit, and what is longer right behind the
 * place in a large block that the small one's bytes will take.  Neither is known to be needed
 * before the frame is read, so both are kept for the next one. */
static bool blocks_ready(struct device *d, struct pkt_pools *pools)
{
    if (!d->small)
        d->small = pkt_new(pools, SMALL_ROOM);
    if (!d->large)
        d->large = pkt_new(pools, FRAME_MAX);
    return d->small != NULL;
}

/* The block that holds the frame of `len` bytes; NULL: there is no large one. */
static struct pkt *filled(struct device *d, uint32_t len)
{
    struct pkt **from = len <= SMALL_ROOM ? &d->small : &d->large;
    struct pkt *k = *from;
    if (!k)
        return NULL;
    if (k == d->large)
        memcpy(pkt_head(k), pkt_head(d->small), SMALL_ROOM);
    k->len = len;
    *from = NULL;
    return k;
}

static struct pkt *recv_one(struct device *d, struct pkt_pools *pools, bool *drained, int64_t now_ns)
{
    uint8_t header[VNET_HDR];
    *drained = !blocks_ready(d, pools);
    if (*drained)
        return NULL;
    uint8_t *const rest = d->large ? pkt_head(d->large) + SMALL_ROOM : d->scratch;
    struct iovec part[3] = { { header, VNET_HDR }, { pkt_head(d->small), SMALL_ROOM }, { rest, FRAME_MAX - SMALL_ROOM } };
    const ssize_t got = readv(d->fd, part, 3);
    if (got < VNET_HDR) {
        *drained = got < 0;
        d->trouble |= got < 0 && errno != EAGAIN && errno != EINTR;
        return NULL;
    }
    struct pkt *k = filled(d, (uint32_t)got - VNET_HDR);
    if (!k) {
        trace_count(d->trace, WHY_NO_BUFFER, now_ns);
        return NULL;
    }
    if (vnet_read(header, k))
        return k;
    trace_drop(d->trace, k, WHY_FRAME_OFFLOAD, now_ns);
    return NULL;
}

void vnetio_recv(struct device *d, struct pkt_pools *pools, struct batch *b, int64_t now_ns)
{
    bool drained = false;
    while (!drained && !batch_full(b)) {
        struct pkt *k = recv_one(d, pools, &drained, now_ns);
        if (!k)
            continue;
        k->time_ns = now_ns;
        batch_add(b, k);
    }
}

/* A frame in pieces: its virtio-net header, its own bytes, what it borrows from a send buffer. */
struct pieces { uint8_t header[VNET_HDR]; struct iovec part[2 + PKT_SLICES_MAX]; };

static unsigned take_apart(struct pieces *p, struct pkt *k)
{
    vnet_write(p->header, k);
    p->part[0] = (struct iovec){ p->header, VNET_HDR };
    p->part[1] = (struct iovec){ pkt_head(k), k->len };
    for (unsigned i = 0; i < k->n_slices; i++)
        p->part[2 + i] = (struct iovec){ (void *)(uintptr_t)k->slice[i].at, k->slice[i].len };
    return 2 + k->n_slices;
}

/* False: there is no room now.  Else the frame is lost as on a wire: the interface is down, say. */
static bool lost(struct device *d, const struct pkt *k)
{
    if (errno == EAGAIN || errno == ENOBUFS)
        return false;
    trace_count(d->trace, WHY_IFACE_DOWN, k->time_ns);
    return true;
}

static bool send_one(struct device *d, struct pkt *k)
{
    struct pieces p;
    const unsigned n = take_apart(&p, k);
    ssize_t sent;
    do
        sent = writev(d->fd, p.part, (int)n);
    while (sent < 0 && errno == EINTR);
    return sent >= 0 || lost(d, k);
}

uint32_t vnetio_send(struct device *d, struct pkt *const pkt[], uint32_t n)
{
    uint32_t sent = 0;
    while (sent < n && send_one(d, pkt[sent]))
        sent++;
    return sent;
}

/* A part of them in one call; how many are done with. */
static uint32_t send_some(struct device *d, struct pkt *const pkt[], uint32_t n)
{
    struct mmsghdr message[AT_ONCE];
    struct pieces p[AT_ONCE];
    for (uint32_t i = 0; i < n; i++)
        message[i] = (struct mmsghdr){ .msg_hdr = { .msg_iov = p[i].part, .msg_iovlen = take_apart(&p[i], pkt[i]) } };
    int sent;
    do
        sent = sendmmsg(d->fd, message, n, 0);
    while (sent < 0 && errno == EINTR);
    return sent >= 0 ? (uint32_t)sent : lost(d, pkt[0]);
}

uint32_t vnetio_send_many(struct device *d, struct pkt *const pkt[], uint32_t n)
{
    uint32_t sent = 0;
    while (sent < n) {
        const uint32_t done = send_some(d, pkt + sent, n - sent < AT_ONCE ? n - sent : AT_ONCE);
        if (done == 0)
            break;
        sent += done;
    }
    return sent;
}
