/* plumb as packetdrill's stack: the shared object of --so_filename.
 *
 *   packetdrill --so_filename=$PWD/build/release/test/packetdrill/plumb.so SCRIPT.pkt
 *   LD_PRELOAD=.../plumb.so packetdrill ...     scripts that look at TCP_INFO: those call the host's getsockopt
 *
 * The stack is made at the first socket, after the script has set its sysctls. */
#include "api/inner.h"
#include "config.h"
#include "interface.h"
#include "virtual.h"
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { START_S = 1000000 };

static struct virtual world;
static struct flags flags;

/* ------------------------------------------------------------- the stack */

static bool make_stack(void)
{
    const struct stack_config c = { .seed = 1, .tcp = config_read(&flags) };
    const struct iface_config i = { .kind = IFACE_IP, .mtu = flags.mtu, .gso_max = 65535, .name = "packetdrill" };
    plumb_stack *s = plumb_open_as(&c, world.now_ns);
    const struct plumb_bsd_hooks hooks = virtual_hooks(&world);
    if (!s)
        return false;
    world.iface = stack_add_iface(s->st, &i, world.now_ns);
    world.stack = s;
    world.bsd = plumb_bsd_open(s, &hooks);
    return world.bsd && plumb_add_address(s, world.iface, flags.addr) == PLUMB_OK && plumb_add_route(s, world.iface, "0.0.0.0/0", NULL) == PLUMB_OK;
}

static bool have_stack(void)
{
    if (world.stack)
        return true;
    pthread_mutex_lock(&world.lock);
    const bool made = make_stack();
    pthread_mutex_unlock(&world.lock);
    if (!made)
        fprintf(stderr, "plumb: no stack with these flags\n");
    return made;
}

static bool ours(int fd)
{
    int type;
    socklen_t n = sizeof type;
    return world.bsd && (plumb_bsd_getsockopt(world.bsd, fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 || errno == ENOTSOCK);
}

/* ----------------------------------------------------------------- calls */

static void    o_free(void *u)                                                                  { (void)u; virtual_fini(&world); }
static int     o_socket(void *u, int d, int t, int p)
{
    (void)u;
    if (have_stack())
        return plumb_bsd_socket(world.bsd, d, t, p);
    errno = ENOMEM;
    return -1;
}
static int     o_bind(void *u, int fd, const struct sockaddr *a, socklen_t n)                   { (void)u; return plumb_bsd_bind(world.bsd, fd, a, n); }
static int     o_listen(void *u, int fd, int n)                                                 { (void)u; return plumb_bsd_listen(world.bsd, fd, n); }
static int     o_accept(void *u, int fd, struct sockaddr *a, socklen_t *n)                      { (void)u; return plumb_bsd_accept(world.bsd, fd, a, n); }
static int     o_connect(void *u, int fd, const struct sockaddr *a, socklen_t n)                { (void)u; return plumb_bsd_connect(world.bsd, fd, a, n); }
static ssize_t o_read(void *u, int fd, void *b, size_t n)                                       { (void)u; return plumb_bsd_read(world.bsd, fd, b, n); }
static ssize_t o_readv(void *u, int fd, const struct iovec *v, int n)                           { (void)u; return plumb_bsd_readv(world.bsd, fd, v, n); }
static ssize_t o_recv(void *u, int fd, void *b, size_t n, int f)                                { (void)u; return plumb_bsd_recv(world.bsd, fd, b, n, f); }
static ssize_t o_recvfrom(void *u, int fd, void *b, size_t n, int f, struct sockaddr *a, socklen_t *an) { (void)u; return plumb_bsd_recvfrom(world.bsd, fd, b, n, f, a, an); }
static ssize_t o_recvmsg(void *u, int fd, struct msghdr *m, int f)                              { (void)u; return plumb_bsd_recvmsg(world.bsd, fd, m, f); }
static ssize_t o_write(void *u, int fd, const void *b, size_t n)                                { (void)u; return plumb_bsd_write(world.bsd, fd, b, n); }
static ssize_t o_writev(void *u, int fd, const struct iovec *v, int n)                          { (void)u; return plumb_bsd_writev(world.bsd, fd, v, n); }
static ssize_t o_send(void *u, int fd, const void *b, size_t n, int f)                          { (void)u; return plumb_bsd_send(world.bsd, fd, b, n, f); }
static ssize_t o_sendto(void *u, int fd, const void *b, size_t n, int f, const struct sockaddr *a, socklen_t an) { (void)u; return plumb_bsd_sendto(world.bsd, fd, b, n, f, a, an); }
static ssize_t o_sendmsg(void *u, int fd, const struct msghdr *m, int f)                        { (void)u; return plumb_bsd_sendmsg(world.bsd, fd, m, f); }
static int     o_close(void *u, int fd)                                                         { (void)u; return ours(fd) ? plumb_bsd_close_fd(world.bsd, fd) : close(fd); }
static int     o_shutdown(void *u, int fd, int how)                                             { (void)u; return plumb_bsd_shutdown(world.bsd, fd, how); }
static int     o_getsockopt(void *u, int fd, int l, int o, void *v, socklen_t *n)               { (void)u; return plumb_bsd_getsockopt(world.bsd, fd, l, o, v, n); }
static int     o_setsockopt(void *u, int fd, int l, int o, const void *v, socklen_t n)          { (void)u; return plumb_bsd_setsockopt(world.bsd, fd, l, o, v, n); }
static int     o_poll(void *u, struct pollfd *p, nfds_t n, int ms)                              { (void)u; return plumb_bsd_poll(world.bsd, p, n, ms); }
static int     o_epoll_create(void *u, int size)
{
    (void)u;
    if (size > 0 && have_stack())
        return plumb_bsd_epoll_create1(world.bsd, 0);
    errno = EINVAL;
    return -1;
}
static int     o_epoll_ctl(void *u, int ep, int op, int fd, struct epoll_event *e)              { (void)u; return plumb_bsd_epoll_ctl(world.bsd, ep, op, fd, e); }
static int     o_epoll_wait(void *u, int ep, struct epoll_event *e, int n, int ms)              { (void)u; return plumb_bsd_epoll_wait(world.bsd, ep, e, n, ms); }
static int     o_pipe(void *u, int fds[2])                                                      { (void)u; return pipe(fds); }

static int o_fcntl(void *u, int fd, int cmd, ...)
{
    va_list list;
    (void)u;
    va_start(list, cmd);
    const long arg = va_arg(list, long);
    va_end(list);
    return plumb_bsd_fcntl(world.bsd, fd, cmd, arg);
}

static int o_ioctl(void *u, int fd, unsigned long request, ...)
{
    va_list list;
    (void)u;
    va_start(list, request);
    void *arg = va_arg(list, void *);
    va_end(list);
    return plumb_bsd_ioctl(world.bsd, fd, request, arg);
}

/* ---------------------------------------------------------------- splice */

/* One end is a pipe of the host's; through a buffer of ours. */
static ssize_t splice_once(int in, int out, size_t len, bool wait)
{
    static uint8_t bytes[65536];
    const size_t most = len < sizeof bytes ? len : sizeof bytes;
    const bool from_us = ours(in);
    const ssize_t n = from_us ? plumb_bsd_recv(world.bsd, in, bytes, most, wait ? 0 : MSG_DONTWAIT) : read(in, bytes, most);
    if (n <= 0)
        return n;
    return from_us ? write(out, bytes, (size_t)n) : plumb_bsd_send(world.bsd, out, bytes, (size_t)n, MSG_NOSIGNAL);
}

static int o_splice(void *u, int in, loff_t *off_in, int out, loff_t *off_out, size_t len, unsigned f)
{
    (void)u;
    if (off_in || off_out) {
        errno = ESPIPE;
        return -1;
    }
    return (int)splice_once(in, out, len, !(f & SPLICE_F_NONBLOCK));
}

/* ------------------------------------------------------- packets and time */

static int o_netdev_send(void *u, const void *datagram, size_t len)
{
    (void)u;
    virtual_arrive(&world, datagram, len);
    return 0;
}

static int o_netdev_receive(void *u, void *datagram, size_t *len, long long *us)
{
    int64_t ns = world.now_ns;
    (void)u;
    if (!virtual_leave(&world, datagram, len, &ns))
        *len = 0;
    *us = ns / 1000;
    return 0;
}

static int o_usleep(void *u, useconds_t us)
{
    (void)u;
    virtual_sleep(&world, (int64_t)us * 1000);
    return 0;
}

static int o_gettimeofday(void *u, struct timeval *tv, struct timezone *tz)
{
    const int64_t us = virtual_look(&world) / 1000;
    (void)u;
    (void)tz;
    *tv = (struct timeval){ .tv_sec = us / 1000000, .tv_usec = us % 1000000 };
    return 0;
}

/* Preloaded, this stands before the host's: what looks at TCP_INFO calls that. */
int getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    if (world.bsd && ours(fd))
        return plumb_bsd_getsockopt(world.bsd, fd, level, name, value, len);
    return (int)syscall(SYS_getsockopt, fd, level, name, value, len);
}

void packetdrill_interface_init(const char *text, struct packetdrill_interface *out)
{
    flags = flags_read(text);
    if (!flags.ok)
        fprintf(stderr, "plumb: --so_flags=addr=A/LEN,mtu=N,profile=linux|rfc, not %s\n", text);
    virtual_init(&world, START_S * INT64_C(1000000000));
    *out = (struct packetdrill_interface){
        .userdata = &world, .free = o_free, .socket = o_socket, .bind = o_bind, .listen = o_listen, .accept = o_accept, .connect = o_connect,
        .read = o_read, .readv = o_readv, .recv = o_recv, .recvfrom = o_recvfrom, .recvmsg = o_recvmsg, .write = o_write, .writev = o_writev,
        .send = o_send, .sendto = o_sendto, .sendmsg = o_sendmsg, .fcntl = o_fcntl, .ioctl = o_ioctl, .close = o_close, .shutdown = o_shutdown,
        .getsockopt = o_getsockopt, .setsockopt = o_setsockopt, .poll = o_poll, .netdev_send = o_netdev_send, .netdev_receive = o_netdev_receive,
        .usleep = o_usleep, .gettimeofday = o_gettimeofday, .epoll_create = o_epoll_create, .epoll_ctl = o_epoll_ctl, .epoll_wait = o_epoll_wait,
        .pipe = o_pipe, .splice = o_splice,
    };
}
