/* A packet socket on an interface of the host (packet(7)).  The interface also
 * belongs to the kernel, so plumb has a MAC of its own there and listens
 * promiscuously for it. */
#include "os/device.h"
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

static enum plumb_err fail(struct device *d, enum plumb_err e, char error[DEVICE_ERROR], const char *format, const char *name)
{
    snprintf(error, DEVICE_ERROR, format, name);
    device_close(d);
    return e;
}

static bool bind_and_configure(struct device *d, int index)
{
    const int on = 1, buffer = 4 << 20;
    const struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index };
    const struct packet_mreq promiscuous = { .mr_ifindex = index, .mr_type = PACKET_MR_PROMISC };
    setsockopt(d->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    setsockopt(d->fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    return setsockopt(d->fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) == 0 &&
           setsockopt(d->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) == 0 &&
           setsockopt(d->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) == 0 &&
           bind(d->fd, (const struct sockaddr *)(const void *)&to, sizeof to) == 0;
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

static const struct device_ops packet_ops = { .recv = vnetio_recv, .send = vnetio_send, .share = share };

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
    if (ioctl(d->fd, SIOCGIFMTU, &r) < 0 || !bind_and_configure(d, (int)index))
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
