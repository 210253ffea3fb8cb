/* Socket addresses of both families, and errors as errno. */
#include "api/bsd.h"

int bsd_errno(enum plumb_err e)
{
    static const int of[PLUMB_ERR_COUNT] = {
        [PLUMB_AGAIN] = EAGAIN, [PLUMB_INVALID] = EINVAL, [PLUMB_NO_MEMORY] = ENOBUFS, [PLUMB_NO_ROUTE] = ENETUNREACH,
        [PLUMB_UNREACHABLE] = EHOSTUNREACH, [PLUMB_REFUSED] = ECONNREFUSED, [PLUMB_RESET] = ECONNRESET, [PLUMB_TIMED_OUT] = ETIMEDOUT,
        [PLUMB_ABORTED] = ECONNABORTED, [PLUMB_CLOSED] = EPIPE, [PLUMB_NOT_CONNECTED] = ENOTCONN, [PLUMB_ADDR_IN_USE] = EADDRINUSE,
        [PLUMB_ADDR_NOT_OURS] = EADDRNOTAVAIL, [PLUMB_NO_PORTS] = EADDRNOTAVAIL, [PLUMB_TOO_BIG] = EMSGSIZE, [PLUMB_NOT_FOUND] = ENOENT,
        [PLUMB_STALE] = EBADF, [PLUMB_ACCESS] = EACCES, [PLUMB_NO_DEVICE] = ENODEV, [PLUMB_PROTOCOL] = EPROTO, [PLUMB_UNSUPPORTED] = EOPNOTSUPP,
    };
    return of[e];
}

static int in4(const struct sockaddr *addr, socklen_t len, struct endpoint *out)
{
    struct sockaddr_in in;
    if (len < sizeof in)
        return EINVAL;
    memcpy(&in, addr, sizeof in);
    if (in.sin_family != AF_INET)
        return EAFNOSUPPORT;
    out->addr = addr4(ntohl(in.sin_addr.s_addr));
    out->port = ntohs(in.sin_port);
    return 0;
}

static int in6(const struct sockaddr *addr, socklen_t len, struct endpoint *out)
{
    struct sockaddr_in6 in;
    if (len < sizeof in - sizeof in.sin6_scope_id)      /* as RFC 2133 had it */
        return EINVAL;
    memcpy(&in, addr, len < sizeof in ? len : sizeof in);
    if (in.sin6_family != AF_INET6)
        return EAFNOSUPPORT;
    out->addr = addr6_bytes(in.sin6_addr.s6_addr);
    out->port = ntohs(in.sin6_port);
    return 0;
}

struct addr bsd_this_host(struct addr a)
{
    static const struct addr loopback_6 = { .b = { [15] = 1 } };
    return addr_is_none(a) ? loopback_6 : addr_is_any(a) ? addr4(0x7f000001) : a;
}

int bsd_addr_in(const struct sock *s, const struct sockaddr *addr, socklen_t len, struct endpoint *out)
{
    *out = (struct endpoint){ 0 };
    if (!addr)
        return EFAULT;
    if (len < sizeof addr->sa_family || len > sizeof(struct sockaddr_storage))
        return EINVAL;
    return s->family == AF_INET6 ? in6(addr, len, out) : in4(addr, len, out);
}

void bsd_addr_out(const struct sock *s, struct endpoint e, struct sockaddr *addr, socklen_t *len)
{
    union { struct sockaddr_in in; struct sockaddr_in6 in6; } u = { 0 };
    socklen_t n;
    if (!addr || !len)
        return;
    if (s->family == AF_INET6) {
        u.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(e.port) };
        memcpy(u.in6.sin6_addr.s6_addr, e.addr.b, 16);
        n = sizeof u.in6;
    } else {
        u.in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(e.port) };
        memcpy(&u.in.sin_addr, &e.addr.b[12], 4);
        n = sizeof u.in;
    }
    memcpy(addr, &u, *len < n ? *len : n);
    *len = n;
}
