/* A TAP interface (Linux Documentation/networking/tuntap.rst). */
#include "os/device.h"
#include "os/vnet.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static enum plumb_err explain(const char *name, bool many, int error, char out[DEVICE_ERROR])
{
    switch (error) {
    case EPERM:
    case EACCES:
        snprintf(out, DEVICE_ERROR, "no rights to use tap %s: run as root, or have root make it: ip tuntap add dev %s mode tap user %u",
                 name, name, (unsigned)getuid());
        return PLUMB_ACCESS;
    case EBUSY:
        snprintf(out, DEVICE_ERROR, "tap %s is in use by another program", name);
        return PLUMB_ADDR_IN_USE;
    case EINVAL:
        snprintf(out, DEVICE_ERROR, many ? "%s is no tap interface with several queues (make one: ip tuntap add dev %s mode tap multi_queue)" :
                 "%s exists and is not a tap interface", name, name);
        return PLUMB_INVALID;
    default:
        snprintf(out, DEVICE_ERROR, "cannot open tap %s: errno %d", name, error);
        return PLUMB_NO_DEVICE;
    }
}

static uint16_t mtu_of(const char *name)
{
    struct ifreq r = { 0 };
    const int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
    const bool known = s >= 0 && ioctl(s, SIOCGIFMTU, &r) == 0;
    if (s >= 0)
        close(s);
    return known && r.ifr_mtu > 0 && r.ifr_mtu < 65536 ? (uint16_t)r.ifr_mtu : 1500;
}

/* The next program may not know large packets. */
static void reset_offloads(struct device *d)
{
    if (d->fd >= 0)
        (void)ioctl(d->fd, TUNSETOFFLOAD, 0);
}

/* One that was made with several queues is attached to with their flag, if only by one. */
static bool attach(int fd, const char *name, bool many)
{
    enum { FLAGS = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
    struct ifreq r = { .ifr_flags = (short)(many ? FLAGS | IFF_MULTI_QUEUE : FLAGS) };
    snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
    if (ioctl(fd, TUNSETIFF, &r) == 0)
        return true;
    if (errno != EINVAL || many)
        return false;
    r.ifr_flags = (short)(FLAGS | IFF_MULTI_QUEUE);
    return ioctl(fd, TUNSETIFF, &r) == 0;
}

/* Without a program the kernel sends a flow where frames of it came from last, which is right
 * for as long as it remembers; the rest is shared out by a hash of its own. */
static bool share(struct device *const d[], unsigned n, int steer)
{
    (void)n;
    if (steer >= 0)
        (void)ioctl(d[0]->fd, TUNSETSTEERINGEBPF, &steer);
    return true;
}

static const struct device_ops tap_ops = { .recv = vnetio_recv, .send = vnetio_send, .share = share, .close = reset_offloads };

enum plumb_err tap_open(struct device *d, const struct device_opts *o, char error[DEVICE_ERROR])
{
    const char *name = o->name;
    *d = (struct device){ .fd = -1, .ops = &tap_ops };
    pktq_init(&d->pending);
    if (strlen(name) == 0 || strlen(name) >= IFNAMSIZ) {
        snprintf(error, DEVICE_ERROR, "\"%.40s\" is not an interface name: 1 to %d characters", name, IFNAMSIZ - 1);
        return PLUMB_INVALID;
    }
    const unsigned offloads = o->no_offload ? 0 : TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
    int header = VNET_HDR;
    d->made_here = if_nametoindex(name) == 0;
    d->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (d->fd < 0 && errno == ENOENT) {
        snprintf(error, DEVICE_ERROR, "/dev/net/tun is missing: load the kernel's tun module (modprobe tun)");
        return PLUMB_NO_DEVICE;
    }
    if (d->fd < 0 || !attach(d->fd, name, o->many) || ioctl(d->fd, TUNSETVNETHDRSZ, &header) < 0) {
        const enum plumb_err e = explain(name, o->many, errno, error);
        device_close(d);
        return e;
    }
    const bool offload = ioctl(d->fd, TUNSETOFFLOAD, offloads) == 0 && !o->no_offload;
    snprintf(d->name, sizeof d->name, "%s", name);
    if (!vnetio_init(d)) {
        device_close(d);
        snprintf(error, DEVICE_ERROR, "out of memory");
        return PLUMB_NO_MEMORY;
    }
    d->mtu = mtu_of(name);
    d->mac = device_mac(name);
    d->what = "tap";
    d->tx_csum = offload;
    d->gso_max = offload ? 65535 : 0;
    d->soft_offload = o->soft_offload || (!offload && !o->no_offload);
    return PLUMB_OK;
}
