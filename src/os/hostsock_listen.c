/* Listeners and datagrams on the host's sockets. */
#include "os/hostsock_int.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DATAGRAM_MAX = 65536, RETRY_MS = 100 };

/* ------------------------------------------------------------- listener */

struct host_listener {
    struct listener   listener;         /* first */
    struct hostsock  *host;
    struct list       node;
    struct wait_fd    fd;
    struct loop_timer retry;            /* accept failed for want of descriptors or memory */
    bool              no_delay;
};

static struct host_listener *listener(const struct listener *l) { return (struct host_listener *)(uintptr_t)l; }

static void listener_release(struct host_listener *l)
{
    wait_remove_fd(l->host->wait, &l->fd);
    close(l->fd.fd);
    loop_cancel(l->listener.loop, &l->retry);
    loop_undefer(&l->listener.watch);
    list_remove(&l->node);
    free(l);
}

static void on_listener(void *arg)
{
    struct host_listener *l = arg;
    if (l->listener.watch.fn)
        loop_defer(l->listener.loop, &l->listener.watch);
}

static struct stream *op_accept(struct listener *base)
{
    struct host_listener *l = listener(base);
    int fd;
    do
        fd = accept4(l->fd.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED || errno == EPROTO));
    if (fd < 0) {
        if (errno != EAGAIN)
            loop_arm_in(base->loop, &l->retry, RETRY_MS * NS_PER_MS);
        return NULL;
    }
    if (l->no_delay)
        host_flag(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    return host_stream_of(l->host, fd);
}

static struct endpoint op_listener_local(const struct listener *base) { return host_local(listener(base)->fd.fd); }
static void op_listener_close(struct listener *base)                  { listener_release(listener(base)); }

static const struct listener_ops listener_ops = { .accept = op_accept, .local = op_listener_local, .close = op_listener_close };

/* A socket bound to `local`: one that serves both families when no address is given. */
static int bound_socket(int type, struct endpoint local, int family, bool shared, enum plumb_err *err)
{
    *err = PLUMB_OK;
    int fd = host_socket(family, type);
    if (fd < 0 && family == AF_INET6 && addr_is_none(local.addr)) {
        family = AF_INET;               /* a host without IPv6 */
        fd = host_socket(family, type);
    }
    if (fd < 0) {
        *err = host_err(errno);
        return -1;
    }
    if (family == AF_INET6)
        host_flag(fd, IPPROTO_IPV6, IPV6_V6ONLY, !addr_is_none(local.addr));
    if (type == SOCK_STREAM || shared)
        host_flag(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    const struct host_name name = host_name_of(local, family);
    if (bind(fd, &name.u.sa, name.len) == 0)
        return fd;
    *err = host_err(errno);
    close(fd);
    return -1;
}

static int family_or_both(struct addr a) { return addr_is_none(a) ? AF_INET6 : host_family(a); }

enum plumb_err host_listen(struct net *n, const struct listen_opts *o, struct listener **out)
{
    struct hostsock *h = (struct hostsock *)n;
    enum plumb_err err;
    const int fd = bound_socket(SOCK_STREAM, o->local, family_or_both(o->local.addr), false, &err);
    if (fd < 0)
        return err;
    if (!host_congestion(fd, o->congestion)) {  /* what is accepted inherits it */
        close(fd);
        return PLUMB_INVALID;
    }
    if (listen(fd, o->backlog ? (int)o->backlog : 128) < 0) {
        err = host_err(errno);
        close(fd);
        return err;
    }
    struct host_listener *l = calloc(1, sizeof *l);
    if (l)
        *l = (struct host_listener){ .listener = { .ops = &listener_ops, .loop = n->loop }, .host = h, .no_delay = o->no_delay,
                                     .fd = { .fd = fd, .task = { .fn = on_listener, .arg = l } },
                                     .retry = { .fn = on_listener, .arg = l } };
    if (!l || !wait_add_fd(h->wait, &l->fd)) {
        close(fd);
        free(l);
        return PLUMB_NO_MEMORY;
    }
    list_push(&h->listeners, &l->node);
    *out = &l->listener;
    return PLUMB_OK;
}

void host_free_listeners(struct hostsock *h)
{
    while (!list_empty(&h->listeners))
        listener_release(list_entry(h->listeners.next, struct host_listener, node));
}

/* ---------------------------------------------------------------- dgram */

struct host_dgram {
    struct dgram      dgram;            /* first */
    struct hostsock  *host;
    struct list       node;
    struct wait_fd    fd;
    int               family;
    enum plumb_err    error;
    bool              connected, waiting;       /* a datagram lies in `bytes` */
    struct dgram_in   in;
    uint8_t           bytes[DATAGRAM_MAX];
};

static struct host_dgram *dgram(const struct dgram *d) { return (struct host_dgram *)(uintptr_t)d; }

static void dgram_release(struct host_dgram *d)
{
    wait_remove_fd(d->host->wait, &d->fd);
    close(d->fd.fd);
    loop_undefer(&d->dgram.watch);
    list_remove(&d->node);
    free(d);
}

static void on_dgram(void *arg)
{
    struct host_dgram *d = arg;
    if (d->dgram.watch.fn)
        loop_defer(d->dgram.loop, &d->dgram.watch);
}

static void note_error(struct host_dgram *d, int error_number)
{
    if (d->error == PLUMB_OK)
        d->error = host_err(error_number);
}

static enum plumb_err op_send(struct dgram *base, struct endpoint to, const void *bytes, size_t len)
{
    struct host_dgram *d = dgram(base);
    if (d->family == AF_INET && !addr_is4(to.addr))
        return PLUMB_INVALID;
    const struct host_name name = host_name_of(to, d->family);
    for (;;) {
        const ssize_t n = d->connected ? send(d->fd.fd, bytes, len, MSG_NOSIGNAL)
                                       : sendto(d->fd.fd, bytes, len, MSG_NOSIGNAL, &name.u.sa, name.len);
        if (n >= 0)
            return PLUMB_OK;
        /* an error ICMP brought earlier is reported here first: keep it, send again */
        if (d->connected && (errno == ECONNREFUSED || errno == EHOSTUNREACH) && d->error == PLUMB_OK)
            note_error(d, errno);
        else if (errno != EINTR)
            return host_err(errno);
    }
}

/* The destination of a datagram, from its control messages. */
static struct addr destination(struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            return addr4(ntohl(info.ipi_addr.s_addr));
        }
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            return addr6_bytes((const uint8_t *)&info.ipi6_addr);
        }
    }
    return ADDR_NONE;
}

static bool op_peek(struct dgram *base, struct dgram_in *out)
{
    struct host_dgram *d = dgram(base);
    while (!d->waiting) {
        struct host_name from = { 0 };
        _Alignas(struct cmsghdr) uint8_t control[256];
        struct iovec v = { .iov_base = d->bytes, .iov_len = sizeof d->bytes };
        struct msghdr m = { .msg_name = &from.u, .msg_namelen = sizeof from.u, .msg_iov = &v, .msg_iovlen = 1,
                            .msg_control = control, .msg_controllen = sizeof control };
        const ssize_t n = recvmsg(d->fd.fd, &m, 0);
        if (n < 0 && errno == EAGAIN)
            return false;
        if (n < 0 && errno != EINTR) {
            note_error(d, errno);
            return false;
        }
        if (n < 0)
            continue;
        d->waiting = true;
        d->in = (struct dgram_in){ .from = host_endpoint(&from), .to = destination(&m), .bytes = d->bytes, .len = (size_t)n };
    }
    *out = d->in;
    return true;
}

static void op_consume(struct dgram *base) { dgram(base)->waiting = false; }

static enum plumb_err op_take_error(struct dgram *base)
{
    struct host_dgram *d = dgram(base);
    int error_number = 0;
    socklen_t len = sizeof error_number;
    if (d->error == PLUMB_OK && getsockopt(d->fd.fd, SOL_SOCKET, SO_ERROR, &error_number, &len) == 0)
        note_error(d, error_number);
    const enum plumb_err err = d->error;
    d->error = PLUMB_OK;
    return err;
}

static enum plumb_err op_group(struct dgram *base, const struct group_opts *o)
{
    const struct host_dgram *d = dgram(base);
    return host_group(d->fd.fd, d->family, o);
}

static struct endpoint op_dgram_local(const struct dgram *base) { return host_local(dgram(base)->fd.fd); }
static void op_dgram_close(struct dgram *base)                  { dgram_release(dgram(base)); }

static const struct dgram_ops dgram_ops = { .send = op_send, .peek = op_peek, .consume = op_consume,
                                            .take_error = op_take_error, .local = op_dgram_local, .group = op_group, .close = op_dgram_close };

static int dgram_family(const struct dgram_opts *o)
{
    if (o->remote.port)
        return host_family(o->remote.addr);
    return o->broadcast && addr_is_none(o->local.addr) ? AF_INET : family_or_both(o->local.addr);
}

enum plumb_err host_datagram(struct net *n, const struct dgram_opts *o, struct dgram **out)
{
    struct hostsock *h = (struct hostsock *)n;
    enum plumb_err err;
    const int fd = bound_socket(SOCK_DGRAM, o->local, dgram_family(o), o->shared, &err);
    if (fd < 0)
        return err;
    const int family = addr_is4(host_local(fd).addr) ? AF_INET : AF_INET6;
    if (family == AF_INET6)
        host_flag(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    host_flag(fd, IPPROTO_IP, IP_PKTINFO, 1);
    if (o->broadcast)
        host_flag(fd, SOL_SOCKET, SO_BROADCAST, 1);
    host_group_options(fd, family, o);
    const struct host_name remote = host_name_of(o->remote, family);
    if (o->remote.port && connect(fd, &remote.u.sa, remote.len) < 0) {
        err = host_err(errno);
        close(fd);
        return err;
    }
    struct host_dgram *d = malloc(sizeof *d);
    if (d) {
        memset(d, 0, offsetof(struct host_dgram, bytes));
        d->dgram = (struct dgram){ .ops = &dgram_ops, .loop = n->loop };
        d->host = h;
        d->family = family;
        d->connected = o->remote.port != 0;
        d->fd = (struct wait_fd){ .fd = fd, .task = { .fn = on_dgram, .arg = d } };
    }
    if (!d || !wait_add_fd(h->wait, &d->fd)) {
        close(fd);
        free(d);
        return PLUMB_NO_MEMORY;
    }
    list_push(&h->dgrams, &d->node);
    *out = &d->dgram;
    return PLUMB_OK;
}

void host_free_dgrams(struct hostsock *h)
{
    while (!list_empty(&h->dgrams))
        dgram_release(list_entry(h->dgrams.next, struct host_dgram, node));
}
