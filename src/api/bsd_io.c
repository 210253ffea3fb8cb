/* Every form of send and receive comes down to one of each. */
#include "api/bsd.h"
#include <limits.h>

enum { VECTORS_MAX = 1024 };

bool io_init(struct io *io, const struct iovec *v, int n)
{
    *io = (struct io){ .v = v, .n = n };
    for (int i = 0; i < n; i++) {
        if (v[i].iov_len > SSIZE_MAX - io->left)
            return false;
        io->left += v[i].iov_len;
    }
    return true;
}

/* The piece at hand; NULL: none is left. */
static uint8_t *piece(struct io *io, size_t *len)
{
    while (io->n && io->skip == io->v->iov_len) {
        io->skip = 0;
        io->v++;
        io->n--;
    }
    *len = io->n ? io->v->iov_len - io->skip : 0;
    return io->n ? (uint8_t *)io->v->iov_base + io->skip : NULL;
}

static size_t move(struct io *io, void *out, const void *in, size_t max)
{
    size_t done = 0, len;
    for (uint8_t *at; done < max && io->left && (at = piece(io, &len));) {
        const size_t n = len < max - done ? len : max - done;
        if (out)
            memcpy((uint8_t *)out + done, at, n);
        else
            memcpy(at, (const uint8_t *)in + done, n);
        io->skip += n;
        io->left -= n;
        done += n;
    }
    return done;
}

size_t io_out(struct io *io, void *to, size_t max)             { return move(io, to, NULL, max); }
void   io_in(struct io *io, const void *bytes, size_t len)     { (void)move(io, NULL, bytes, len); }

/* ------------------------------------------------------------------ send */

static const int SEND_FLAGS = MSG_OOB | MSG_DONTROUTE | MSG_DONTWAIT | MSG_EOR | MSG_NOSIGNAL | MSG_MORE | MSG_CONFIRM;

static ssize_t send_on(struct sock *s, const struct msghdr *m, int flags)
{
    struct io_call x = { .flags = flags & SEND_FLAGS };
    if (m->msg_iovlen > VECTORS_MAX)
        return bsd_fail(EMSGSIZE);
    if (!io_init(&x.io, m->msg_iov, (int)m->msg_iovlen))
        return bsd_fail(EINVAL);
    if (s->fd.kind == FD_STREAM && !(flags & MSG_FASTOPEN))
        return bsd_stream_send(s, &x);  /* a destination is not looked at, as on Linux */
    x.has_to = m->msg_name && m->msg_namelen;
    const int e = x.has_to ? bsd_addr_in(s, m->msg_name, m->msg_namelen, &x.to) : 0;
    if (s->fd.kind == FD_STREAM)
        return e || !x.has_to ? bsd_fail(e ? e : EDESTADDRREQ) : bsd_stream_open_send(s, &x);
    return e ? bsd_fail(e) : bsd_dgram_send(s, &x);
}

ssize_t plumb_bsd_sendmsg(plumb_bsd *b, int fd, const struct msghdr *m, int flags)
{
    ssize_t n = -1;
    bsd_enter(b);
    struct sock *s = bsd_sock(b, fd);
    if (s) {
        n = send_on(s, m, flags);
        bsd_put(&s->fd);
    }
    bsd_leave(b);
    return n;
}

ssize_t plumb_bsd_sendto(plumb_bsd *b, int fd, const void *bytes, size_t len, int flags, const struct sockaddr *to, socklen_t to_len)
{
    union { const void *in; void *out; } base = { .in = bytes };
    const struct iovec v = { .iov_base = base.out, .iov_len = len };
    union { const struct sockaddr *in; struct sockaddr *out; } name = { .in = to };
    const struct msghdr m = { .msg_name = name.out, .msg_namelen = to ? to_len : 0, .msg_iov = &(struct iovec){ v.iov_base, v.iov_len }, .msg_iovlen = 1 };
    return plumb_bsd_sendmsg(b, fd, &m, flags);
}

ssize_t plumb_bsd_send(plumb_bsd *b, int fd, const void *bytes, size_t len, int flags) { return plumb_bsd_sendto(b, fd, bytes, len, flags, NULL, 0); }
ssize_t plumb_bsd_write(plumb_bsd *b, int fd, const void *bytes, size_t len)           { return plumb_bsd_sendto(b, fd, bytes, len, 0, NULL, 0); }

/* The vector calls of files; true: n says how many there may be. */
static bool vector_ok(int n)
{
    if (n >= 0 && n <= VECTORS_MAX)
        return true;
    errno = EINVAL;
    return false;
}

ssize_t plumb_bsd_writev(plumb_bsd *b, int fd, const struct iovec *v, int n)
{
    union { const struct iovec *in; struct iovec *out; } vec = { .in = v };
    return vector_ok(n) ? plumb_bsd_sendmsg(b, fd, &(struct msghdr){ .msg_iov = vec.out, .msg_iovlen = (size_t)n }, 0) : -1;
}

/* --------------------------------------------------------------- receive */

static const int RECV_FLAGS = MSG_OOB | MSG_PEEK | MSG_DONTWAIT | MSG_WAITALL | MSG_TRUNC | MSG_NOSIGNAL | MSG_CMSG_CLOEXEC;

static ssize_t recv_on(struct sock *s, struct msghdr *m, int flags)
{
    struct io_call x = { .flags = flags & RECV_FLAGS };
    if (flags & MSG_ERRQUEUE)
        return bsd_fail(EAGAIN);        /* nothing is ever in it */
    if (m->msg_iovlen > VECTORS_MAX)
        return bsd_fail(EMSGSIZE);
    if (!io_init(&x.io, m->msg_iov, (int)m->msg_iovlen))
        return bsd_fail(EINVAL);
    const bool stream = s->fd.kind == FD_STREAM;
    const ssize_t n = stream ? bsd_stream_recv(s, &x) : bsd_dgram_recv(s, &x);
    if (n < 0)
        return n;
    m->msg_flags = x.out_flags;
    m->msg_controllen = 0;
    if (stream || !x.from.port)
        m->msg_namelen = 0;
    else if (m->msg_name)
        bsd_addr_out(s, x.from, m->msg_name, &m->msg_namelen);
    return n;
}

ssize_t plumb_bsd_recvmsg(plumb_bsd *b, int fd, struct msghdr *m, int flags)
{
    ssize_t n = -1;
    bsd_enter(b);
    struct sock *s = bsd_sock(b, fd);
    if (s) {
        n = recv_on(s, m, flags);
        bsd_put(&s->fd);
    }
    bsd_leave(b);
    return n;
}

ssize_t plumb_bsd_recvfrom(plumb_bsd *b, int fd, void *bytes, size_t max, int flags, struct sockaddr *from, socklen_t *from_len)
{
    struct iovec v = { .iov_base = bytes, .iov_len = max };
    struct msghdr m = { .msg_name = from, .msg_namelen = from && from_len ? *from_len : 0, .msg_iov = &v, .msg_iovlen = 1 };
    if (from && !from_len)
        return bsd_fail(EFAULT);
    const ssize_t n = plumb_bsd_recvmsg(b, fd, &m, flags);
    if (n >= 0 && from)
        *from_len = m.msg_namelen;
    return n;
}

ssize_t plumb_bsd_recv(plumb_bsd *b, int fd, void *bytes, size_t max, int flags) { return plumb_bsd_recvfrom(b, fd, bytes, max, flags, NULL, NULL); }
ssize_t plumb_bsd_read(plumb_bsd *b, int fd, void *bytes, size_t max)           { return plumb_bsd_recvfrom(b, fd, bytes, max, 0, NULL, NULL); }

ssize_t plumb_bsd_readv(plumb_bsd *b, int fd, const struct iovec *v, int n)
{
    union { const struct iovec *in; struct iovec *out; } vec = { .in = v };
    return vector_ok(n) ? plumb_bsd_recvmsg(b, fd, &(struct msghdr){ .msg_iov = vec.out, .msg_iovlen = (size_t)n }, 0) : -1;
}
