#include "os/sniff.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LINK_ETHERNET = 1, LINK_RAW = 101, BUFFER = 8 << 20 };

static volatile sig_atomic_t interrupted;
static void on_signal(int number) { interrupted = number; }

static enum plumb_err fail(struct sniff *s, enum plumb_err e, char error[SNIFF_ERROR], const char *format, const char *iface)
{
    snprintf(error, SNIFF_ERROR, format, iface);
    sniff_close(s);
    return e;
}

static bool attach(const struct sniff *s, int index, bool promiscuous)
{
    const int on = 1, buffer = BUFFER;
    const struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index };
    const struct packet_mreq all = { .mr_ifindex = index, .mr_type = PACKET_MR_PROMISC };
    (void)setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    (void)setsockopt(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    if (promiscuous && setsockopt(s->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) < 0)
        return false;
    return bind(s->fd, (const struct sockaddr *)(const void *)&to, sizeof to) == 0;
}

enum plumb_err sniff_open(struct sniff *s, const char *iface, bool promiscuous, char error[SNIFF_ERROR])
{
    struct ifreq r = { 0 };
    *s = (struct sniff){ .fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), .link = LINK_ETHERNET };
    snprintf(r.ifr_name, sizeof r.ifr_name, "%.15s", iface);
    if (s->fd < 0)
        return fail(s, PLUMB_ACCESS, error, "no rights to listen on %s: run as root or with CAP_NET_RAW", iface);
    const unsigned index = strlen(iface) < IFNAMSIZ ? if_nametoindex(iface) : 0;
    if (index == 0)
        return fail(s, PLUMB_NO_DEVICE, error, "no interface is called \"%s\" (see: ip link)", iface);
    if (ioctl(s->fd, SIOCGIFHWADDR, &r) < 0)
        return fail(s, PLUMB_NO_DEVICE, error, "cannot ask what %s is", iface);
    s->loopback = r.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
    if (r.ifr_hwaddr.sa_family == ARPHRD_NONE || r.ifr_hwaddr.sa_family == ARPHRD_TUNNEL || r.ifr_hwaddr.sa_family == ARPHRD_PPP)
        s->link = LINK_RAW;
    else if (r.ifr_hwaddr.sa_family != ARPHRD_ETHER && !s->loopback)
        return fail(s, PLUMB_UNSUPPORTED, error, "%s is neither Ethernet nor IP alone", iface);
    if (!attach(s, (int)index, promiscuous))
        return fail(s, PLUMB_NO_DEVICE, error, "cannot listen on %s", iface);
    return PLUMB_OK;
}

void sniff_close(struct sniff *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

static int64_t stamp_of(struct msghdr *m)
{
    struct timespec t;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&t, CMSG_DATA(c), sizeof t);
        return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    }
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int sniff_next(struct sniff *s, uint8_t *room, struct sniffed *out)
{
    char control[256];
    for (;;) {
        struct sockaddr_ll from = { 0 };
        struct iovec part = { room, SNIFF_FRAME };
        struct msghdr m = { .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                            .msg_controllen = sizeof control };
        const ssize_t n = recvmsg(s->fd, &m, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 0 : -1;
        if (s->loopback && from.sll_pkttype == PACKET_OUTGOING)
            continue;                   /* it comes back in a moment */
        *out = (struct sniffed){ .bytes = room, .len = (uint32_t)n, .time_ns = stamp_of(&m), .outgoing = from.sll_pkttype == PACKET_OUTGOING };
        return 1;
    }
}

bool sniff_wait(struct sniff *s)
{
    static bool caught;
    struct pollfd p = { .fd = s->fd, .events = POLLIN };
    if (!caught) {
        const struct sigaction a = { .sa_handler = on_signal };
        sigaction(SIGINT, &a, NULL);
        sigaction(SIGTERM, &a, NULL);
        caught = true;
    }
    while (!interrupted)
        if (poll(&p, 1, 200) > 0)
            return true;
    return false;
}

unsigned sniff_missed(struct sniff *s)
{
    struct tpacket_stats said = { 0 };
    socklen_t len = sizeof said;
    return getsockopt(s->fd, SOL_PACKET, PACKET_STATISTICS, &said, &len) == 0 ? said.tp_drops : 0;
}
