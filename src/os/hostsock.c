#include "os/hostsock_int.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

struct host_name host_name_of(struct endpoint e, int family)
{
    struct host_name n;
    memset(&n, 0, sizeof n);
    if (family == AF_INET) {
        n.u.in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(e.port) };
        if (!addr_is_none(e.addr))
            memcpy(&n.u.in.sin_addr, &e.addr.b[12], 4);
        n.len = sizeof n.u.in;
        return n;
    }
    n.u.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(e.port) };
    memcpy(&n.u.in6.sin6_addr, e.addr.b, 16);
    n.len = sizeof n.u.in6;
    return n;
}

struct endpoint host_endpoint(const struct host_name *n)
{
    struct endpoint e = { 0 };
    if (n->u.sa.sa_family == AF_INET) {
        e.addr = addr4(ntohl(n->u.in.sin_addr.s_addr));
        e.port = ntohs(n->u.in.sin_port);
    } else if (n->u.sa.sa_family == AF_INET6) {
        memcpy(e.addr.b, &n->u.in6.sin6_addr, 16);
        e.port = ntohs(n->u.in6.sin6_port);
    }
    return e;
}

struct endpoint host_local(int fd)
{
    struct host_name n = { .len = sizeof n.u };
    return getsockname(fd, &n.u.sa, &n.len) == 0 ? host_endpoint(&n) : (struct endpoint){ 0 };
}

struct endpoint host_remote(int fd)
{
    struct host_name n = { .len = sizeof n.u };
    return getpeername(fd, &n.u.sa, &n.len) == 0 ? host_endpoint(&n) : (struct endpoint){ 0 };
}

enum plumb_err host_err(int error_number)
{
    switch (error_number) {
    case 0:             return PLUMB_OK;
    case EAGAIN:        return PLUMB_AGAIN;
    case ECONNREFUSED:  return PLUMB_REFUSED;
    case EPIPE:
    case ECONNRESET:    return PLUMB_RESET;
    case ECONNABORTED:  return PLUMB_ABORTED;
    case ETIMEDOUT:     return PLUMB_TIMED_OUT;
    case ENETUNREACH:
    case ENETDOWN:      return PLUMB_NO_ROUTE;
    case EHOSTUNREACH:
    case EHOSTDOWN:     return PLUMB_UNREACHABLE;
    case EADDRINUSE:    return PLUMB_ADDR_IN_USE;
    case EADDRNOTAVAIL: return PLUMB_ADDR_NOT_OURS;
    case EACCES:
    case EPERM:         return PLUMB_ACCESS;
    case EMSGSIZE:      return PLUMB_TOO_BIG;
    case ENODEV:        return PLUMB_NO_DEVICE;
    case ENOTCONN:      return PLUMB_NOT_CONNECTED;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:        return PLUMB_NO_MEMORY;
    case EPROTO:        return PLUMB_PROTOCOL;
    case EAFNOSUPPORT:  return PLUMB_UNSUPPORTED;
    default:            return PLUMB_INVALID;
    }
}

int host_family(struct addr a) { return addr_is4(a) ? AF_INET : AF_INET6; }

int host_socket(int family, int type) { return socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }


bool host_congestion(int fd, const char *name)
{
    return !name || setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) == 0;
}

void host_flag(int fd, int level, int option, int value)
{
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

static uint64_t host_random(struct net *n)
{
    uint64_t bits;
    (void)n;
    while (getrandom(&bits, sizeof bits, 0) != sizeof bits)
        ;
    return bits;
}

/* The kernel is asked by a datagram socket that sends nothing. */
static bool host_source(struct net *n, struct addr remote, struct addr_source *out)
{
    const int family = host_family(remote), fd = host_socket(family, SOCK_DGRAM);
    const struct host_name name = host_name_of((struct endpoint){ remote, 9 }, family);
    (void)n;
    if (fd < 0)
        return false;
    const bool there = connect(fd, &name.u.sa, name.len) == 0;
    *out = (struct addr_source){ .addr = host_local(fd).addr, .prefix_len = family == AF_INET ? 32 : 64, .outgoing = true };
    close(fd);
    return there && !addr_is_any(out->addr);
}

static const struct net_ops ops = { .connect = host_connect, .listen = host_listen, .datagram = host_datagram, .source = host_source, .random = host_random };

struct hostsock *hostsock_new(struct wait *w, struct loop *l, struct trace *trace)
{
    struct hostsock *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->net = (struct net){ .ops = &ops, .loop = l, .trace = trace };
    h->wait = w;
    list_init(&h->streams);
    list_init(&h->listeners);
    list_init(&h->dgrams);
    return h;
}

void hostsock_free(struct hostsock *h)
{
    if (!h)
        return;
    host_free_listeners(h);
    host_free_dgrams(h);
    host_free_streams(h);
    free(h);
}

struct net *hostsock_net(struct hostsock *h)       { return &h->net; }
bool hostsock_busy(const struct hostsock *h)       { return h->closing > 0; }
