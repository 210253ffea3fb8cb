/* A host whose IPv4 is IPv6 beneath: the sequences, which speak of 127.0.0.1, run on ::1 by sockets of AF_INET6. */
#include "same.h"
#include <errno.h>
#include <string.h>

static const struct host *under;
static struct host six;

/* Loopback and any are what they are; another a.b.c.d is 2001:db8::a.b.c.d. */
static struct in6_addr up(uint32_t a)
{
    struct in6_addr out = { .s6_addr = { 0x20, 1, 0x0d, 0xb8 } };
    const uint32_t net = htonl(a);
    if (a == INADDR_ANY)
        return (struct in6_addr)IN6ADDR_ANY_INIT;
    if (a == INADDR_LOOPBACK)
        return (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
    memcpy(out.s6_addr + 12, &net, 4);
    return out;
}

static uint32_t down(const struct in6_addr *a)
{
    uint32_t net;
    if (IN6_IS_ADDR_UNSPECIFIED(a))
        return INADDR_ANY;
    if (IN6_IS_ADDR_LOOPBACK(a))
        return INADDR_LOOPBACK;
    memcpy(&net, a->s6_addr + 12, 4);
    return ntohl(net);
}

/* A whole sockaddr_in becomes a sockaddr_in6, and AF_INET6 by mistake AF_INET by mistake; the rest goes as it is. */
static const struct sockaddr *in(const struct sockaddr *a, socklen_t *n, struct sockaddr_in6 *six_addr)
{
    struct sockaddr_in four;
    if (!a || *n < sizeof four)
        return a;
    memcpy(&four, a, sizeof four);
    if (four.sin_family != AF_INET && four.sin_family != AF_INET6)
        return a;
    *six_addr = (struct sockaddr_in6){ .sin6_family = four.sin_family == AF_INET ? AF_INET6 : AF_INET, .sin6_port = four.sin_port,
                                       .sin6_addr = up(ntohl(four.sin_addr.s_addr)) };
    *n = sizeof *six_addr;
    return (const struct sockaddr *)six_addr;
}

static void out(const struct sockaddr_in6 *six_addr, socklen_t got, struct sockaddr *a, socklen_t *n)
{
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = six_addr->sin6_port, .sin_addr.s_addr = htonl(down(&six_addr->sin6_addr)) };
    if (!a || !n)
        return;
    if (got == 0) {
        *n = 0;
        return;
    }
    memcpy(a, &four, *n < sizeof four ? *n : sizeof four);
    *n = sizeof four;
}

static int s_socket(int d, int t, int p)
{
    const int fd = under->socket(d == AF_INET ? AF_INET6 : d, t, p);
    if (fd >= 0 && d == AF_INET && under->setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 1 }, sizeof(int)) != 0)
        return -1;
    return fd;
}
static int s_bind(int fd, const struct sockaddr *a, socklen_t n)
{
    struct sockaddr_in6 to;
    const struct sockaddr *x = in(a, &n, &to);
    return under->bind(fd, x, n);
}
static int s_connect(int fd, const struct sockaddr *a, socklen_t n)
{
    struct sockaddr_in6 to;
    const struct sockaddr *x = in(a, &n, &to);
    return under->connect(fd, x, n);
}
static int s_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
    struct sockaddr_in6 from = { 0 };
    socklen_t got = sizeof from;
    const int r = under->accept4(fd, a ? (struct sockaddr *)&from : NULL, n ? &got : NULL, flags);
    if (r >= 0)
        out(&from, got, a, n);
    return r;
}
static int s_name(int (*get)(int, struct sockaddr *, socklen_t *), int fd, struct sockaddr *a, socklen_t *n)
{
    struct sockaddr_in6 name = { 0 };
    socklen_t got = sizeof name;
    const int r = get(fd, a ? (struct sockaddr *)&name : NULL, n ? &got : NULL);
    if (r == 0)
        out(&name, got, a, n);
    return r;
}
static int s_getsockname(int fd, struct sockaddr *a, socklen_t *n) { return s_name(under->getsockname, fd, a, n); }
static int s_getpeername(int fd, struct sockaddr *a, socklen_t *n) { return s_name(under->getpeername, fd, a, n); }

static ssize_t s_sendto(int fd, const void *v, size_t n, int f, const struct sockaddr *a, socklen_t an)
{
    struct sockaddr_in6 to;
    const struct sockaddr *x = in(a, &an, &to);
    return under->sendto(fd, v, n, f, x, an);
}
static ssize_t s_recvfrom(int fd, void *v, size_t n, int f, struct sockaddr *a, socklen_t *an)
{
    struct sockaddr_in6 from = { 0 };
    socklen_t got = sizeof from;
    const ssize_t r = under->recvfrom(fd, v, n, f, a ? (struct sockaddr *)&from : NULL, an ? &got : NULL);
    if (r >= 0)
        out(&from, got, a, an);
    return r;
}
static ssize_t s_sendmsg(int fd, const struct msghdr *m, int f)
{
    struct sockaddr_in6 to;
    if (!m)
        return under->sendmsg(fd, m, f);
    struct msghdr copy = *m;
    copy.msg_name = (void *)(uintptr_t)in(m->msg_name, &copy.msg_namelen, &to);
    return under->sendmsg(fd, &copy, f);
}
static ssize_t s_recvmsg(int fd, struct msghdr *m, int f)
{
    struct sockaddr_in6 from = { 0 };
    if (!m || !m->msg_name)
        return under->recvmsg(fd, m, f);
    struct msghdr copy = *m;
    copy.msg_name = &from;
    copy.msg_namelen = sizeof from;
    const ssize_t r = under->recvmsg(fd, &copy, f);
    if (r >= 0)
        out(&from, copy.msg_namelen, m->msg_name, &m->msg_namelen);
    m->msg_flags = copy.msg_flags;
    m->msg_controllen = copy.msg_controllen;
    return r;
}

/* The same option, as IPv6 has it. */
static void option(int *level, int *name)
{
    if (*level != IPPROTO_IP || (*name != IP_TOS && *name != IP_TTL && *name != IP_MTU_DISCOVER))
        return;
    *level = IPPROTO_IPV6;
    *name = *name == IP_TOS ? IPV6_TCLASS : *name == IP_TTL ? IPV6_UNICAST_HOPS : IPV6_MTU_DISCOVER;
}
static int s_getsockopt(int fd, int l, int o, void *v, socklen_t *n)
{
    option(&l, &o);
    return under->getsockopt(fd, l, o, v, n);
}
static int s_setsockopt(int fd, int l, int o, const void *v, socklen_t n)
{
    option(&l, &o);
    return under->setsockopt(fd, l, o, v, n);
}

const struct host *by_ip6(const struct host *of)
{
    under = of;
    six = *of;
    six.socket = s_socket;
    six.bind = s_bind;
    six.connect = s_connect;
    six.accept4 = s_accept4;
    six.getsockname = s_getsockname;
    six.getpeername = s_getpeername;
    six.sendto = s_sendto;
    six.recvfrom = s_recvfrom;
    six.sendmsg = s_sendmsg;
    six.recvmsg = s_recvmsg;
    six.getsockopt = s_getsockopt;
    six.setsockopt = s_setsockopt;
    return &six;
}
