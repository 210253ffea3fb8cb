/* Both hosts, and what the sequences begin with. */
#include "same.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---------------------------------------------------------------- kernel */

static int k_fcntl(int fd, int cmd, long arg)                    { return fcntl(fd, cmd, arg); }
static int k_ioctl(int fd, unsigned long request, void *arg)     { return ioctl(fd, request, arg); }
static int k_bind(int fd, const struct sockaddr *a, socklen_t n) { return bind(fd, a, n); }
static int k_connect(int fd, const struct sockaddr *a, socklen_t n)                     { return connect(fd, a, n); }
static int k_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)               { return accept4(fd, a, n, flags); }
static int k_getsockname(int fd, struct sockaddr *a, socklen_t *n)                      { return getsockname(fd, a, n); }
static int k_getpeername(int fd, struct sockaddr *a, socklen_t *n)                      { return getpeername(fd, a, n); }
static ssize_t k_sendto(int fd, const void *b, size_t n, int flags, const struct sockaddr *a, socklen_t an) { return sendto(fd, b, n, flags, a, an); }
static ssize_t k_recvfrom(int fd, void *b, size_t n, int flags, struct sockaddr *a, socklen_t *an)          { return recvfrom(fd, b, n, flags, a, an); }
static void k_settle(void)                                       { usleep(3000); }

const struct host kernel_host = {
    .name = "kernel", .socket = socket, .bind = k_bind, .listen = listen, .accept4 = k_accept4, .connect = k_connect, .shutdown = shutdown, .close = close,
    .getsockname = k_getsockname, .getpeername = k_getpeername, .getsockopt = getsockopt, .setsockopt = setsockopt, .fcntl = k_fcntl, .ioctl = k_ioctl,
    .sendto = k_sendto, .recvfrom = k_recvfrom, .sendmsg = sendmsg, .recvmsg = recvmsg, .readv = readv, .writev = writev,
    .poll = poll, .select = select, .epoll_create1 = epoll_create1, .epoll_ctl = epoll_ctl, .epoll_wait = epoll_wait, .settle = k_settle,
};

/* ----------------------------------------------------------------- plumb */

static plumb_stack *stack;
static plumb_bsd *b;
static int64_t now;

static void run_until(int64_t until)
{
    while (plumb_deadline(stack) <= until) {
        now = plumb_deadline(stack) > now ? plumb_deadline(stack) : now;
        plumb_tick(stack, now);
    }
    now = until;
    plumb_tick(stack, now);
}

static int64_t p_now(void *arg) { return *(int64_t *)arg; }

/* A blocked call lets the stack go on until it is woken. */
static void p_wait(void *arg, struct plumb_waiter *w, int64_t until)
{
    const int64_t give_up = now + 60000000000;
    (void)arg;
    while (!w->woken && now < until && now < give_up) {
        const int64_t next = plumb_deadline(stack);
        run_until(next < now ? now : next < until ? next : until);
    }
}

void plumb_host_open(void)
{
    const struct plumb_options o = { .size = sizeof o, .seed = 7 };
    const struct plumb_bsd_hooks h = { .size = sizeof h, .arg = &now, .now = p_now, .wait = p_wait };
    now = 1000000000;
    stack = plumb_open(&o, now);
    b = stack ? plumb_bsd_open(stack, &h) : NULL;
    if (!b)
        abort();
}

void plumb_host_close(void)
{
    plumb_bsd_close(b);
    plumb_close(stack);
}

static int p_socket(int d, int t, int p)                                    { return plumb_bsd_socket(b, d, t, p); }
static int p_bind(int fd, const struct sockaddr *a, socklen_t n)            { return plumb_bsd_bind(b, fd, a, n); }
static int p_listen(int fd, int n)                                          { return plumb_bsd_listen(b, fd, n); }
static int p_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)   { return plumb_bsd_accept4(b, fd, a, n, flags); }
static int p_connect(int fd, const struct sockaddr *a, socklen_t n)         { return plumb_bsd_connect(b, fd, a, n); }
static int p_shutdown(int fd, int how)                                      { return plumb_bsd_shutdown(b, fd, how); }
static int p_close(int fd)                                                  { return plumb_bsd_close_fd(b, fd); }
static int p_getsockname(int fd, struct sockaddr *a, socklen_t *n)          { return plumb_bsd_getsockname(b, fd, a, n); }
static int p_getpeername(int fd, struct sockaddr *a, socklen_t *n)          { return plumb_bsd_getpeername(b, fd, a, n); }
static int p_getsockopt(int fd, int l, int o, void *v, socklen_t *n)        { return plumb_bsd_getsockopt(b, fd, l, o, v, n); }
static int p_setsockopt(int fd, int l, int o, const void *v, socklen_t n)   { return plumb_bsd_setsockopt(b, fd, l, o, v, n); }
static int p_fcntl(int fd, int cmd, long arg)                               { return plumb_bsd_fcntl(b, fd, cmd, arg); }
static int p_ioctl(int fd, unsigned long r, void *arg)                      { return plumb_bsd_ioctl(b, fd, r, arg); }
static ssize_t p_sendto(int fd, const void *v, size_t n, int f, const struct sockaddr *a, socklen_t an) { return plumb_bsd_sendto(b, fd, v, n, f, a, an); }
static ssize_t p_recvfrom(int fd, void *v, size_t n, int f, struct sockaddr *a, socklen_t *an)          { return plumb_bsd_recvfrom(b, fd, v, n, f, a, an); }
static ssize_t p_sendmsg(int fd, const struct msghdr *m, int f)             { return plumb_bsd_sendmsg(b, fd, m, f); }
static ssize_t p_recvmsg(int fd, struct msghdr *m, int f)                   { return plumb_bsd_recvmsg(b, fd, m, f); }
static ssize_t p_readv(int fd, const struct iovec *v, int n)                { return plumb_bsd_readv(b, fd, v, n); }
static ssize_t p_writev(int fd, const struct iovec *v, int n)               { return plumb_bsd_writev(b, fd, v, n); }
static int p_poll(struct pollfd *p, nfds_t n, int ms)                       { return plumb_bsd_poll(b, p, n, ms); }
static int p_select(int n, fd_set *r, fd_set *w, fd_set *x, struct timeval *t) { return plumb_bsd_select(b, n, r, w, x, t); }
static int p_epoll_create1(int f)                                           { return plumb_bsd_epoll_create1(b, f); }
static int p_epoll_ctl(int ep, int op, int fd, struct epoll_event *e)       { return plumb_bsd_epoll_ctl(b, ep, op, fd, e); }
static int p_epoll_wait(int ep, struct epoll_event *e, int max, int ms)     { return plumb_bsd_epoll_wait(b, ep, e, max, ms); }
static void p_settle(void)                                                  { run_until(now + 60000000); }

const struct host plumb_host = {
    .name = "plumb", .socket = p_socket, .bind = p_bind, .listen = p_listen, .accept4 = p_accept4, .connect = p_connect, .shutdown = p_shutdown, .close = p_close,
    .getsockname = p_getsockname, .getpeername = p_getpeername, .getsockopt = p_getsockopt, .setsockopt = p_setsockopt, .fcntl = p_fcntl, .ioctl = p_ioctl,
    .sendto = p_sendto, .recvfrom = p_recvfrom, .sendmsg = p_sendmsg, .recvmsg = p_recvmsg, .readv = p_readv, .writev = p_writev,
    .poll = p_poll, .select = p_select, .epoll_create1 = p_epoll_create1, .epoll_ctl = p_epoll_ctl, .epoll_wait = p_epoll_wait, .settle = p_settle,
};

/* ------------------------------------------------------------ beginnings */

struct sockaddr_in at(uint16_t port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

uint16_t port_of(int fd)
{
    struct sockaddr_in a = { 0 };
    socklen_t n = sizeof a;
    if (H->getsockname(fd, (struct sockaddr *)&a, &n) < 0)
        abort();
    return ntohs(a.sin_port);
}

int tcp_socket(void)
{
    const int fd = H->socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0)
        abort();
    return fd;
}

int try_connect(int fd, uint16_t port)
{
    const struct sockaddr_in a = at(port);
    return H->connect(fd, (const struct sockaddr *)&a, sizeof a);
}

int listener(int backlog)
{
    const int l = tcp_socket();
    const struct sockaddr_in a = at(0);
    if (H->bind(l, (const struct sockaddr *)&a, sizeof a) < 0 || H->listen(l, backlog) < 0)
        abort();
    return l;
}

struct pair pair_open(void)
{
    struct pair p = { .l = listener(8), .c = tcp_socket() };
    (void)try_connect(p.c, port_of(p.l));
    H->settle();
    if (try_connect(p.c, port_of(p.l)) < 0)     /* it is told, and so are later calls: EISCONN */
        abort();
    p.s = H->accept4(p.l, NULL, NULL, SOCK_NONBLOCK);
    if (p.s < 0)
        abort();
    return p;
}

void pair_close(struct pair *p)
{
    H->close(p->c);
    H->close(p->s);
    H->close(p->l);
    H->settle();
}

int bits(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLWRNORM };
    const int n = H->poll(&p, 1, 0);
    return n < 0 ? n : p.revents;
}

int opt(int fd, int level, int name)
{
    int v = -7;
    socklen_t n = sizeof v;
    return H->getsockopt(fd, level, name, &v, &n) < 0 ? -1 : v;
}

int set(int fd, int level, int name, int value) { return H->setsockopt(fd, level, name, &value, sizeof value); }
int say(int fd, const char *text)               { return (int)H->sendto(fd, text, strlen(text), MSG_NOSIGNAL, NULL, 0); }

int hear(int fd, int max, int flags)
{
    char text[256] = { 0 };
    const int n = (int)H->recvfrom(fd, text, (size_t)max, flags, NULL, NULL), e = errno;
    if (n > 0 && !(flags & MSG_TRUNC))
        note_text("  heard", text);
    errno = e;
    return n;
}

uint16_t closed_port(void)
{
    const int l = listener(1);
    const uint16_t port = port_of(l);
    H->close(l);
    return port;
}
