/* What all kinds of device have in common: frames that must wait, the link, names. */
#include "os/device.h"
#include "base/rng.h"
#include <ifaddrs.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PENDING_MAX = 1024 };

void device_close(struct device *d)
{
    pktq_free(&d->pending);
    pkt_free(d->small);
    pkt_free(d->large);
    d->small = d->large = NULL;
    if (d->ops && d->ops->close)
        d->ops->close(d);
    free(d->scratch);
    d->scratch = NULL;
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}

void device_recv(struct device *d, struct pkt_pools *pools, struct batch *b, int64_t now_ns) { d->ops->recv(d, pools, b, now_ns); }

void device_flush(struct device *d)
{
    while (d->pending.first && d->ops->send(d, &d->pending.first, 1) == 1)
        pkt_free(pktq_pop(&d->pending));
}

static void keep(struct device *d, struct pkt_pools *pools, struct pkt *k, int64_t now_ns)
{
    if (d->pending.n == PENDING_MAX) {
        trace_drop(d->trace, k, WHY_IFACE_QUEUE_FULL, now_ns);
        return;
    }
    k = pkt_own(pools, k);
    if (k)
        pktq_push(&d->pending, k);
    else
        trace_count(d->trace, WHY_NO_BUFFER, now_ns);
}

void device_send(struct device *d, struct pkt_pools *pools, struct batch *b, int64_t now_ns)
{
    device_flush(d);
    const uint32_t sent = device_blocked(d) ? 0 : d->ops->send(d, b->pkt, b->n);
    for (uint32_t i = 0; i < sent; i++)
        pkt_free(b->pkt[i]);
    for (uint32_t i = sent; i < b->n; i++)
        keep(d, pools, b->pkt[i], now_ns);
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
    if (!known)                         /* a TAP may have gone to another namespace, where its name says nothing here */
        return ioctl(d->fd, TUNGETIFF, &r) == 0 ? DEVICE_UP : DEVICE_GONE;
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
