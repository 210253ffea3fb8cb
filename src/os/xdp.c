/* An AF_XDP socket on one queue of an interface: rings of frames in memory that the kernel
 * and plumb have in common.  The interface also belongs to the host, whose stack gets what is
 * not for plumb's own MAC (xdp_bpf.h).  There is no virtio-net header: frames are of wire
 * size and their checksums whole. */
#include "base/checksum.h"
#include "os/device.h"
#include "os/xdp_bpf.h"
#include "wire/icmp6.h"
#include "wire/ip4.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xdp/libxdp.h>
#include <xdp/xsk.h>

enum { FRAMES = 4096, RING = FRAMES / 2,        /* half of them for what arrives, half for what leaves */
       FRAME = 4096, FRAME_ROOM = FRAME - 256,  /* the kernel keeps 256 bytes before each (XDP_PACKET_HEADROOM) */
       ETH_HEADER_LEN = 14, ETH_TYPE = 12, ARP_SENDER = 28, ARP_TARGET = 38, IP6_NEXT = 20, IP6_SOURCE = 22, ND_TYPE = 54, ND_TARGET = 62, KICKS = 64 };

struct xdp {
    struct xdp_bpf bpf;                 /* the first queue's */
    struct xsk_umem *umem;
    struct xsk_socket *socket;
    struct xsk_ring_prod fill, tx;
    struct xsk_ring_cons done, rx;
    uint8_t  *frames;
    uint32_t  n_free;
    uint64_t  free[RING];               /* frames to send in */
    int       promiscuous;              /* a packet socket that asks for it */
    bool      partial;                  /* checksums may be left to a device that is none */
    bool      zero_copy;
};

/* ----------------------------------------------------------------- arriving */

/* A virtual Ethernet pair hands over what its other end's stack has left to do: a checksum field that
 * holds the sum of the pseudo header alone. */
static void see_partial(struct pkt *k)
{
    uint8_t *ip = pkt_head(k) + ETH_HEADER_LEN;
    struct reader r = reader_of(ip, k->len - ETH_HEADER_LEN);
    struct ip4 h;
    if (load_be16(pkt_head(k) + ETH_TYPE) != 0x0800 || ip4_read(&r, &h) != WHY_NONE || h.more_fragments || h.frag_offset)
        return;
    const uint32_t field = h.proto == IP_TCP ? 16 : 6, len = h.total_len - h.header_len;
    if ((h.proto != IP_TCP && h.proto != IP_UDP) || len < field + 2)
        return;
    const uint16_t pseudo = csum_fold(csum_pseudo(h.src, h.dst, h.proto, (uint16_t)len));
    if (memcmp(ip + h.header_len + field, &pseudo, 2) != 0)
        return;
    k->csum = CSUM_PARTIAL;
    k->csum_field = (uint8_t)field;
    k->l4_off = (uint16_t)(k->head + ETH_HEADER_LEN + h.header_len);
}

static struct pkt *take_frame(struct device *d, struct pkt_pools *pools, const struct xdp_desc *desc, int64_t now_ns)
{
    struct xdp *x = d->own;
    struct pkt *k = pkt_new(pools, desc->len);
    if (!k) {
        trace_count(d->trace, WHY_NO_BUFFER, now_ns);
        return NULL;
    }
    memcpy(pkt_append(k, desc->len), x->frames + desc->addr, desc->len);
    k->time_ns = now_ns;
    if (x->partial && k->len > ETH_HEADER_LEN + IP4_HEADER)
        see_partial(k);
    return k;
}

static void wake_kernel(struct device *d) { (void)recvfrom(d->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL); }

static void xdp_recv(struct device *d, struct pkt_pools *pools, struct batch *b, int64_t now_ns)
{
    struct xdp *x = d->own;
    uint32_t from, to;
    const uint32_t n = xsk_ring_cons__peek(&x->rx, BATCH_MAX - b->n, &from);
    if (n == 0 || xsk_ring_prod__reserve(&x->fill, n, &to) < n)     /* there is room: half the frames fill the ring */
        return;
    for (uint32_t i = 0; i < n; i++) {
        const struct xdp_desc *desc = xsk_ring_cons__rx_desc(&x->rx, from + i);
        struct pkt *k = take_frame(d, pools, desc, now_ns);
        if (k)
            batch_add(b, k);
        *xsk_ring_prod__fill_addr(&x->fill, to + i) = desc->addr - desc->addr % FRAME;
    }
    xsk_ring_prod__submit(&x->fill, n);
    xsk_ring_cons__release(&x->rx, n);
    if (xsk_ring_prod__needs_wakeup(&x->fill))
        wake_kernel(d);
}

/* ------------------------------------------------------------------ leaving */

static void reclaim(struct xdp *x)
{
    uint32_t at;
    const uint32_t n = xsk_ring_cons__peek(&x->done, RING, &at);
    for (uint32_t i = 0; i < n; i++)
        x->free[x->n_free++] = *xsk_ring_cons__comp_addr(&x->done, at + i);
    xsk_ring_cons__release(&x->done, n);
}

/* In copy mode the kernel sends while it is called, 32 frames at a time. */
static void kick(struct device *d)
{
    struct xdp *x = d->own;
    for (int i = 0; i < KICKS && xsk_ring_prod__needs_wakeup(&x->tx); i++)
        if (sendto(d->fd, NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0 || (errno != EAGAIN && errno != EBUSY))
            return;
}

/* The same of IPv6: an advertisement, or a solicitation without a source, is about an address of plumb's. */
static void notice_addr6(const struct xdp *x, const uint8_t *frame)
{
    static const uint8_t nobody[16];
    const uint8_t *type = frame + ND_TYPE, *target = frame + ND_TARGET;
    if (frame[IP6_NEXT] == IP_ICMP6 && (*type == ICMP6_NEIGH_ADVERT || (*type == ICMP6_NEIGH_SOLICIT && memcmp(frame + IP6_SOURCE, nobody, 16) == 0)))
        xdp_bpf_addr(&x->bpf, (const uint8_t[4]){ 0xff, target[13], target[14], target[15] });
}

/* What plumb says of itself by ARP, or asks whether it is free, the program must know. */
static void notice_addr(const struct xdp *x, const uint8_t *frame)
{
    static const uint8_t nobody[4];
    if (load_be16(frame + ETH_TYPE) == 0x86dd && x->bpf.link >= 0)
        notice_addr6(x, frame);
    if (load_be16(frame + ETH_TYPE) == 0x0806 && x->bpf.link >= 0)
        xdp_bpf_addr(&x->bpf, memcmp(frame + ARP_SENDER, nobody, 4) ? frame + ARP_SENDER : frame + ARP_TARGET);
}

static uint32_t xdp_send(struct device *d, struct pkt *const pkt[], uint32_t n)
{
    struct xdp *x = d->own;
    uint32_t at;
    reclaim(x);
    n = n < x->n_free ? n : x->n_free;
    n = n < xsk_prod_nb_free(&x->tx, n) ? n : xsk_prod_nb_free(&x->tx, n);
    if (n == 0 || xsk_ring_prod__reserve(&x->tx, n, &at) < n) {
        kick(d);
        return 0;
    }
    for (uint32_t i = 0; i < n; i++) {
        struct xdp_desc *desc = xsk_ring_prod__tx_desc(&x->tx, at + i);
        *desc = (struct xdp_desc){ .addr = x->free[--x->n_free], .len = pkt_gather(pkt[i], x->frames + x->free[x->n_free], FRAME) };
        notice_addr(x, x->frames + desc->addr);
    }
    xsk_ring_prod__submit(&x->tx, n);
    kick(d);
    return n;
}

/* ------------------------------------------------------------------ a device */

static void xdp_close(struct device *d)
{
    struct xdp *x = d->own;
    if (!x)
        return;
    xdp_bpf_detach(&x->bpf);
    xsk_socket__delete(x->socket);
    if (x->umem)
        xsk_umem__delete(x->umem);
    if (x->frames != MAP_FAILED)
        munmap(x->frames, (size_t)FRAMES * FRAME);
    if (x->promiscuous >= 0)
        close(x->promiscuous);
    free(x);
    d->fd = -1;                         /* it was the socket's */
}

/* The first has the program; the sockets of the other queues join its map. */
static bool xdp_share(struct device *const d[], unsigned n, int steer)
{
    const struct xdp *first = d[0]->own;
    (void)steer;                        /* queues are filled by the card's own hash, or the driver's */
    for (unsigned i = 1; i < n; i++)
        if (!xdp_bpf_socket(&first->bpf, i, d[i]->fd))
            return false;
    return true;
}

static const struct device_ops xdp_ops = { .recv = xdp_recv, .send = xdp_send, .share = xdp_share, .close = xdp_close };

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
    (void)level; (void)format; (void)args;
    return 0;
}
static int quiet_xdp(enum libxdp_print_level level, const char *format, va_list args)
{
    (void)level; (void)format; (void)args;
    return 0;
}

static bool ethtool(const char *iface, void *command)
{
    struct ifreq r = { .ifr_data = command };
    const int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(r.ifr_name, sizeof r.ifr_name, "%.15s", iface);
    const bool good = s >= 0 && ioctl(s, SIOCETHTOOL, &r) == 0;
    if (s >= 0)
        close(s);
    return good;
}

static unsigned queues_of(const char *iface)
{
    struct ethtool_channels c = { .cmd = ETHTOOL_GCHANNELS };
    return ethtool(iface, &c) && c.rx_count + c.combined_count > 0 ? c.rx_count + c.combined_count : 1;
}

static bool is_veth(const char *iface)
{
    struct ethtool_drvinfo i = { .cmd = ETHTOOL_GDRVINFO };
    return ethtool(iface, &i) && strcmp(i.driver, "veth") == 0;
}

/* For cards that filter by MAC. */
static int listen_promiscuously(unsigned index)
{
    const struct packet_mreq m = { .mr_ifindex = (int)index, .mr_type = PACKET_MR_PROMISC };
    const int s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (s >= 0)
        (void)setsockopt(s, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof m);
    return s;
}

static bool open_socket(struct device *d, struct xdp *x, const struct device_opts *o)
{
    const struct xsk_umem_config u = { .fill_size = RING, .comp_size = RING, .frame_size = FRAME };
    const struct xsk_socket_config s = { .rx_size = RING, .tx_size = RING, .libbpf_flags = XSK_LIBBPF_FLAGS__INHIBIT_PROG_LOAD,
                                         .bind_flags = XDP_USE_NEED_WAKEUP };
    uint32_t at = 0;
    x->frames = mmap(NULL, (size_t)FRAMES * FRAME, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (x->frames == MAP_FAILED)
        return false;
    if ((errno = -xsk_umem__create(&x->umem, x->frames, (uint64_t)FRAMES * FRAME, &x->fill, &x->done, &u)) != 0 ||
        (errno = -xsk_socket__create(&x->socket, o->name, o->queue, x->umem, &x->rx, &x->tx, &s)) != 0)
        return false;
    d->fd = xsk_socket__fd(x->socket);
    (void)xsk_ring_prod__reserve(&x->fill, RING, &at);
    for (uint32_t i = 0; i < RING; i++) {
        *xsk_ring_prod__fill_addr(&x->fill, at + i) = (uint64_t)i * FRAME;
        x->free[x->n_free++] = (uint64_t)(RING + i) * FRAME;
    }
    xsk_ring_prod__submit(&x->fill, RING);
    return true;
}

static enum plumb_err explain(struct device *d, const char *iface, const char *what, char error[DEVICE_ERROR])
{
    const int why = errno;
    const enum plumb_err e = why == EPERM || why == EACCES ? PLUMB_ACCESS : why == EBUSY ? PLUMB_ADDR_IN_USE : PLUMB_NO_DEVICE;
    if (e == PLUMB_ACCESS)
        snprintf(error, DEVICE_ERROR, "no rights for an AF_XDP socket on %s: run as root or with CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF", iface);
    else if (e == PLUMB_ADDR_IN_USE)
        snprintf(error, DEVICE_ERROR, "%s has an XDP program or an AF_XDP socket of another program already", iface);
    else
        snprintf(error, DEVICE_ERROR, "cannot open %s on %s: %s", what, iface, strerror(why));
    device_close(d);
    return e;
}

static enum plumb_err refuse(struct device *d, enum plumb_err e, char error[DEVICE_ERROR], const char *format, const char *iface)
{
    snprintf(error, DEVICE_ERROR, format, iface);
    device_close(d);
    return e;
}

static bool has_zero_copy(int fd)
{
    struct xdp_options o = { 0 };
    socklen_t len = sizeof o;
    return getsockopt(fd, SOL_XDP, XDP_OPTIONS, &o, &len) == 0 && (o.flags & XDP_OPTIONS_ZEROCOPY);
}

static bool take_interface(struct device *d, const char *iface)
{
    struct ifreq r = { 0 };
    const int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(r.ifr_name, sizeof r.ifr_name, "%.15s", iface);
    const bool good = s >= 0 && ioctl(s, SIOCGIFHWADDR, &r) == 0 && r.ifr_hwaddr.sa_family == ARPHRD_ETHER && ioctl(s, SIOCGIFMTU, &r) == 0;
    if (s >= 0)
        close(s);
    d->mtu = (uint16_t)(r.ifr_mtu < FRAME_ROOM - ETH_HEADER_LEN ? r.ifr_mtu : FRAME_ROOM - ETH_HEADER_LEN);
    d->mac = device_mac(iface);
    snprintf(d->name, sizeof d->name, "%.15s", iface);
    return good;
}

enum plumb_err xdp_open(struct device *d, const struct device_opts *o, char error[DEVICE_ERROR])
{
    const unsigned index = if_nametoindex(o->name);
    struct xdp *x = calloc(1, sizeof *x);
    *d = (struct device){ .fd = -1, .ops = &xdp_ops, .own = x };
    pktq_init(&d->pending);
    if (!x)
        return refuse(d, PLUMB_NO_MEMORY, error, "out of memory for %s", o->name);
    x->bpf = (struct xdp_bpf){ -1, -1, -1 };
    x->promiscuous = -1;
    x->frames = MAP_FAILED;
    libbpf_set_print(quiet);
    libxdp_set_print(quiet_xdp);
    if (index == 0)
        return refuse(d, PLUMB_NO_DEVICE, error, "no interface is called \"%s\" (see: ip link)", o->name);
    if (!take_interface(d, o->name))
        return refuse(d, PLUMB_UNSUPPORTED, error, "%s is not an Ethernet interface", o->name);
    if (queues_of(o->name) != o->queues)
        return refuse(d, PLUMB_INVALID, error, "%s must have as many receive queues as plumb has cores (--cores N, ethtool -L)", o->name);
    if (!open_socket(d, x, o))
        return explain(d, o->name, "an AF_XDP socket", error);
    if (o->queue == 0 && (!xdp_bpf_attach(&x->bpf, index, d->mac) || !xdp_bpf_socket(&x->bpf, 0, d->fd)))
        return explain(d, o->name, "an XDP program", error);
    x->promiscuous = listen_promiscuously(index);
    x->partial = is_veth(o->name);
    d->soft_offload = !o->no_offload;
    d->what = has_zero_copy(d->fd) ? "AF_XDP (zero copy) on" : "AF_XDP (copy mode) on";
    return PLUMB_OK;
}
