/* A packet socket on an interface of the host (packet(7)).  The interface also
 * belongs to the kernel, so plumb has a MAC of its own there and listens
 * promiscuously for it. */
#include "base/time.h"
#include "os/device.h"
#include "os/packet_ring.h"
#include "os/vnet.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define ASK_AGAIN_NS (100 * NS_PER_MS)

static enum plumb_err fail(struct device *d, enum plumb_err e, char error[DEVICE_ERROR], const char *format, const char *name)
{
    snprintf(error, DEVICE_ERROR, format, name);
    device_close(d);
    return e;
}

/* What it had no room for, since it was last asked. */
static void count_overruns(struct device *d, int64_t now_ns)
{
    struct tpacket_stats_v3 said = { 0 };       /* the older one is its beginning */
    socklen_t len = sizeof said;
    if (now_ns - d->asked_ns < ASK_AGAIN_NS)
        return;
    d->asked_ns = now_ns;
    if (getsockopt(d->fd, SOL_PACKET, PACKET_STATISTICS, &said, &len) == 0 && said.tp_drops)
        trace_count_many(d->trace, WHY_FRAME_OVERRUN, said.tp_drops, now_ns);
}

static void recv_plain(struct device *d, struct pkt_pools *pools, struct batch *b, int64_t now_ns)
{
    count_overruns(d, now_ns);
    vnetio_recv(d, pools, b, now_ns);
}

static void recv_ring(struct device *d, struct pkt_pools *pools, struct batch *b, int64_t now_ns)
{
    count_overruns(d, now_ns);
    packet_ring_recv(d, pools, b, now_ns);
}

/* The first makes a group under a number that is free, the others join it; the program counts
 * them in this order.  Without a program the kernel's own hash of the flow decides. */
static bool share(struct device *const d[], unsigned n, int steer)
{
    const unsigned type = steer < 0 ? PACKET_FANOUT_HASH : PACKET_FANOUT_EBPF;
    unsigned group = (type | PACKET_FANOUT_FLAG_UNIQUEID) << 16;
    for (unsigned i = 0; i < n; i++) {
        socklen_t len = sizeof group;
        if (setsockopt(d[i]->fd, SOL_PACKET, PACKET_FANOUT, &group, sizeof group) < 0 ||
            getsockopt(d[i]->fd, SOL_PACKET, PACKET_FANOUT, &group, &len) < 0)
            return false;
    }
    return steer < 0 || setsockopt(d[0]->fd, SOL_PACKET, PACKET_FANOUT_DATA, &steer, sizeof steer) == 0;
}

static const struct device_ops packet_ops = { .recv = recv_plain, .send = vnetio_send_many, .share = share };
static const struct device_ops ring_ops = { .recv = recv_ring, .send = vnetio_send_many, .share = share, .close = packet_ring_close };

/* A ring that is refused (memory, an old kernel) is no failure: frames come one a call then. */
static bool bind_and_configure(struct device *d, int index, bool ring)
{
    const int on = 1, buffer = 4 << 20;
    const struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index };
    const struct packet_mreq promiscuous = { .mr_ifindex = index, .mr_type = PACKET_MR_PROMISC };
    setsockopt(d->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    setsockopt(d->fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    if (setsockopt(d->fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) < 0)
        return false;
    if (ring && packet_ring_open(d))
        d->ops = &ring_ops;
    return setsockopt(d->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) == 0 &&
           setsockopt(d->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) == 0 &&
           bind(d->fd, (const struct sockaddr *)(const void *)&to, sizeof to) == 0;
}

enum plumb_err packet_open(struct device *d, const struct device_opts *o, char error[DEVICE_ERROR])
{
    const char *iface = o->name;
    *d = (struct device){ .fd = -1, .ops = &packet_ops };
    pktq_init(&d->pending);
    struct ifreq r = { 0 };
    snprintf(r.ifr_name, sizeof r.ifr_name, "%s", iface);
    d->fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (d->fd < 0 && (errno == EPERM || errno == EACCES))
        return fail(d, PLUMB_ACCESS, error, "no rights for a packet socket on %s: run as root or with CAP_NET_RAW", iface);
    if (d->fd < 0)
        return fail(d, PLUMB_UNSUPPORTED, error, "this kernel has no packet sockets (wanted on %s)", iface);
    const unsigned index = strlen(iface) < IFNAMSIZ ? if_nametoindex(iface) : 0;
    if (index == 0)
        return fail(d, PLUMB_NO_DEVICE, error, "no interface is called \"%s\" (see: ip link)", iface);
    if (ioctl(d->fd, SIOCGIFHWADDR, &r) < 0 || r.ifr_hwaddr.sa_family != ARPHRD_ETHER)
        return fail(d, PLUMB_UNSUPPORTED, error, "%s is not an Ethernet interface", iface);
    if (ioctl(d->fd, SIOCGIFMTU, &r) < 0 || !bind_and_configure(d, (int)index, o->ring))
        return fail(d, PLUMB_NO_DEVICE, error, "cannot attach a packet socket to %s", iface);
    if (!vnetio_init(d))
        return fail(d, PLUMB_NO_MEMORY, error, "out of memory for %s", iface);
    snprintf(d->name, sizeof d->name, "%.15s", iface);
    d->mtu = (uint16_t)(r.ifr_mtu < 65535 ? r.ifr_mtu : 65535);
    d->mac = device_mac(iface);
    d->what = "packet socket on";
    d->tx_csum = !o->no_offload;
    d->gso_max = o->no_offload ? 0 : 65535;
    d->soft_offload = o->soft_offload;
    return PLUMB_OK;
}
