/* Frames through a file descriptor, a virtio-net header before each: one system call a frame. */
#include "os/device.h"
#include "os/vnet.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>

enum { FRAME_MAX = 65536 + 64 };

bool vnetio_init(struct device *d)
{
    d->scratch = malloc(FRAME_MAX);
    return d->scratch != NULL;
}

/* Most frames fit a small block and are read in place; the tail of a large one
 * lands in the scratch buffer and is joined to it in a large block. */
static struct pkt *recv_one(struct device *d, struct pkt_pools *pools, bool *drained, int64_t now_ns)
{
    struct pkt *k = pkt_new(pools, PKT_SMALL - PKT_HEADROOM);
    uint8_t header[VNET_HDR];
    if (!k) {
        *drained = true;
        return NULL;
    }
    const uint32_t room = pkt_tailroom(k);
    struct iovec part[3] = { { header, VNET_HDR }, { pkt_head(k), room }, { d->scratch, FRAME_MAX } };
    const ssize_t got = readv(d->fd, part, 3);
    if (got < VNET_HDR) {
        *drained = got < 0;
        d->trouble |= got < 0 && errno != EAGAIN && errno != EINTR;
        pkt_free(k);
        return NULL;
    }
    const uint32_t len = (uint32_t)got - VNET_HDR;
    if (len <= room) {
        k->len = len;
    } else {
        struct pkt *large = pkt_new(pools, len);
        if (!large) {
            trace_drop(d->trace, k, WHY_NO_BUFFER, now_ns);
            return NULL;
        }
        memcpy(pkt_append(large, room), pkt_head(k), room);
        memcpy(pkt_append(large, len - room), d->scratch, len - room);
        pkt_free(k);
        k = large;
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

static bool send_one(struct device *d, struct pkt *k)
{
    uint8_t header[VNET_HDR];
    struct iovec part[2 + PKT_SLICES_MAX];
    vnet_write(header, k);
    part[0] = (struct iovec){ header, VNET_HDR };
    part[1] = (struct iovec){ pkt_head(k), k->len };
    for (unsigned i = 0; i < k->n_slices; i++)
        part[2 + i] = (struct iovec){ (void *)(uintptr_t)k->slice[i].at, k->slice[i].len };
    ssize_t sent;
    do
        sent = writev(d->fd, part, 2 + k->n_slices);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS))
        return false;
    if (sent < 0)                           /* the interface is down, say: the frame is lost as on a wire */
        trace_count(d->trace, WHY_IFACE_DOWN, k->time_ns);
    return true;
}

uint32_t vnetio_send(struct device *d, struct pkt *const pkt[], uint32_t n)
{
    uint32_t sent = 0;
    while (sent < n && send_one(d, pkt[sent]))
        sent++;
    return sent;
}
