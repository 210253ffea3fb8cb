/* Frames through a file descriptor with a virtio-net header before each. */
#include "os/device.h"
#include "base/rng.h"
#include "os/vnet.h"
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FRAME_MAX = 65536 + 64, PENDING_MAX = 1024 };

void device_close(struct device *d)
{
    pktq_free(&d->pending);
    free(d->scratch);
    d->scratch = NULL;
    if (d->fd >= 0 && d->is_tap)
        (void)ioctl(d->fd, TUNSETOFFLOAD, 0);   /* the next program may not know large packets */
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
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

void device_recv(struct device *d, struct pkt_pools *pools, struct batch *b, int64_t now_ns)
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

void device_flush(struct device *d)
{
    while (d->pending.first && send_one(d, d->pending.first))
        pkt_free(pktq_pop(&d->pending));
}

void device_send(struct device *d, struct pkt_pools *pools, struct batch *b, int64_t now_ns)
{
    device_flush(d);
    for (uint32_t i = 0; i < b->n; i++) {
        struct pkt *k = b->pkt[i];
        if (!device_blocked(d) && send_one(d, k)) {
            pkt_free(k);
            continue;
        }
        if (d->pending.n == PENDING_MAX) {
            trace_drop(d->trace, k, WHY_IFACE_QUEUE_FULL, now_ns);
            continue;
        }
        k = pkt_own(pools, k);
        if (k)
            pktq_push(&d->pending, k);
        else
            trace_count(d->trace, WHY_NO_BUFFER, now_ns);
    }
    b->n = b->bytes = 0;
}

enum device_link device_link(struct device *d)
{
    struct ifreq r = { 0 };
    const int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(r.ifr_name, sizeof r.ifr_name, "%s", d->name);
    const bool known = s >= 0 && ioctl(s, SIOCGIFFLAGS, &r) == 0;
    if (s >= 0)
        close(s);
    d->trouble = false;
    if (!known)
        return DEVICE_GONE;
    if (!(r.ifr_flags & IFF_UP))
        return DEVICE_DOWN;
    return r.ifr_flags & IFF_RUNNING ? DEVICE_UP : DEVICE_NO_CARRIER;
}

static struct addr addr_of(const struct sockaddr *s)
{
    if (s->sa_family == AF_INET)
        return addr4(ntohl(((const struct sockaddr_in *)(const void *)s)->sin_addr.s_addr));
    return addr6_bytes(((const struct sockaddr_in6 *)(const void *)s)->sin6_addr.s6_addr);
}

bool host_has_addr(struct addr a)
{
    struct ifaddrs *all, *i;
    bool found = false;
    if (getifaddrs(&all) < 0)
        return false;
    for (i = all; i && !found; i = i->ifa_next)
        if (i->ifa_addr && (i->ifa_addr->sa_family == AF_INET || i->ifa_addr->sa_family == AF_INET6))
            found = addr_eq(addr_of(i->ifa_addr), a);
    freeifaddrs(all);
    return found;
}

struct mac device_mac(const char *name)
{
    char text[128] = { 0 };
    const struct sipkey key = { { 0x706c756d62, 0x6d6163 } };
    gethostname(text, 64);
    const size_t host = strlen(text);
    memcpy(text + host + 1, name, strnlen(name, 32));
    const uint64_t h = siphash(&key, text, sizeof text);
    return (struct mac){ { 0x02, (uint8_t)(h >> 8), (uint8_t)(h >> 16), (uint8_t)(h >> 24), (uint8_t)(h >> 32), (uint8_t)(h >> 40) } };
}
