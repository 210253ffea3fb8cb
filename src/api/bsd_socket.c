/* socket, bind, listen, accept, connect, shutdown, close and the names of both ends. */
#include "api/bsd.h"
#include <stdlib.h>

static uint32_t bits_of(struct waitable *w)
{
    struct sock *s = (struct sock *)(void *)list_entry(w, struct fd, ready);
    return s->fd.kind == FD_DGRAM ? bsd_dgram_bits(s) : bsd_stream_bits(s);
}

static const struct waitable_ops ready_ops = { .bits = bits_of };

static struct sock *sock_new(plumb_bsd *b, int family, enum fd_kind kind, int flags)
{
    struct sock *s = calloc(1, sizeof *s);
    if (!s) {
        errno = ENOMEM;
        return NULL;
    }
    s->fd = (struct fd){ .b = b, .kind = kind, .nonblock = flags & SOCK_NONBLOCK, .cloexec = flags & SOCK_CLOEXEC };
    waitable_init(&s->fd.ready, &ready_ops, &b->counts);
    s->family = family;
    s->opt.group_ttl = 1;
    s->opt.size = DGRAM_CUT_HERE;       /* IP_PMTUDISC_WANT */
    s->user = (struct stack_user){ .kind = STACK_BSD, .task = { .fn = bsd_stream_told, .arg = s } };
    if (bsd_new_fd(b, &s->fd))
        return s;
    free(s);
    return NULL;
}

void bsd_fd_release(struct fd *f) { free(f); }

struct sock *bsd_sock(plumb_bsd *b, int fd)
{
    struct fd *f = bsd_get(b, fd);
    if (f && f->kind != FD_EPOLL)
        return (struct sock *)(void *)f;
    if (f) {
        bsd_put(f);
        errno = ENOTSOCK;
    }
    return NULL;
}

static int checked_kind(int domain, int type, int protocol)
{
    if (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC | 0xf))
        return bsd_fail(EINVAL);
    if (domain != AF_INET && domain != AF_INET6)
        return bsd_fail(EAFNOSUPPORT);
    const int base = type & 0xf, wants = base == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
    if (base != SOCK_STREAM && base != SOCK_DGRAM)
        return bsd_fail(base > SOCK_PACKET ? EINVAL : ESOCKTNOSUPPORT);
    if (protocol != 0 && protocol != wants)
        return bsd_fail(EPROTONOSUPPORT);
    return base == SOCK_STREAM ? FD_STREAM : FD_DGRAM;
}

int plumb_bsd_socket(plumb_bsd *b, int domain, int type, int protocol)
{
    const int kind = checked_kind(domain, type, protocol);
    if (kind < 0)
        return -1;
    bsd_enter(b);
    struct sock *s = sock_new(b, domain, (enum fd_kind)kind, type);
    const int fd = s ? s->fd.number : -1;
    bsd_leave(b);
    return fd;
}

/* ------------------------------------------------------------------ bind */

static int bind_sock(struct sock *s, const struct sockaddr *addr, socklen_t len)
{
    struct endpoint to;
    const int e = bsd_addr_in(s, addr, len, &to);
    if (e)
        return e;
    if (s->local.port || s->phase != PHASE_NEW)
        return EINVAL;
    if (s->opt.v6only && addr_is4(to.addr))
        return EINVAL;
    const int taken = bsd_bind_to(s, to);
    if (taken || s->fd.kind == FD_STREAM)
        return taken;
    const int no = bsd_dgram_open(s);
    if (no)
        bsd_unbind(s);
    return no;
}

static int errno_or_0(int e) { return e ? bsd_fail(e) : 0; }

int plumb_bsd_bind(plumb_bsd *b, int fd, const struct sockaddr *addr, socklen_t len)
{
    bsd_enter(b);
    struct sock *s = bsd_sock(b, fd);
    int r = -1;
    if (s) {
        r = errno_or_0(bind_sock(s, addr, len));
        bsd_put(&s->fd);
    }
    bsd_leave(b);
    return r;
}

/* ---------------------------------------------------------------- listen */

static int start_listening(struct sock *s)
{
    s->opt.tcp.v6only = s->opt.v6only;
    const enum plumb_err e = tcp_listen(tcp_of(s), s->local, &s->opt.tcp, &s->listener);
    if (e != PLUMB_OK)
        return bsd_errno(e);
    s->phase = PHASE_LISTENING;
    s->shut = 0;
    tcp_listener_set_user(s->listener, &s->user);
    return 0;
}

static int listen_sock(struct sock *s, int backlog)
{
    const uint32_t n = backlog < 0 || backlog > SOMAXCONN ? SOMAXCONN : (uint32_t)backlog;
    if (s->fd.kind != FD_STREAM)
        return EOPNOTSUPP;
    if (s->phase == PHASE_LISTENING) {
        tcp_listener_backlog(s->listener, n + 1);
        return 0;
    }
    if (s->phase != PHASE_NEW)
        return EINVAL;
    int e = bsd_bind_any(s);
    if (!e)
        e = bsd_bind_may_listen(s);
    s->opt.tcp.backlog = n + 1;         /* one more waits than was asked for, as on Linux */
    s->opt.tcp.reuse_port = s->opt.reuse_port;
    return e ? e : start_listening(s);
}

int plumb_bsd_listen(plumb_bsd *b, int fd, int backlog)
{
    bsd_enter(b);
    struct sock *s = bsd_sock(b, fd);
    int r = -1;
    if (s) {
        r = errno_or_0(listen_sock(s, backlog));
        bsd_put(&s->fd);
    }
    bsd_leave(b);
    return r;
}

static void stop_listening(struct sock *s)
{
    if (!s->listener)
        return;
    tcp_listener_set_user(s->listener, NULL);
    tcp_listener_close(s->listener, now_of(s));
    s->listener = NULL;
    s->phase = PHASE_NEW;
    waitable_notify(&s->fd.ready, ~0u);
}

/* ---------------------------------------------------------------- accept */

static void hold_conn(struct sock *s, struct tcp_conn *c)
{
    struct tcp_status status;
    tcp_status(c, &status);
    s->conn = c;
    s->over = false;
    s->shut = 0;
    s->oob_read = false;
    s->remote = status.remote;
    bsd_bind_note(s, status.local);
    tcp_set_user(c, &s->user);
}

/* The descriptor comes first: when there is none the connection goes on waiting. */
static int accept_one(struct sock *l, int flags, struct sockaddr *addr, socklen_t *len)
{
    if (!tcp_listener_waiting(l->listener))
        return bsd_fail(EAGAIN);
    struct sock *s = sock_new(l->fd.b, l->family, FD_STREAM, flags);
    if (!s)
        return -1;
    s->opt = l->opt;
    s->opt.tcp.reuse_port = false;
    s->phase = PHASE_CONNECTED;
    hold_conn(s, tcp_accept(l->listener));
    tcp_looked(s->conn);                /* its readiness is asked for, not told */
    tcp_set_opt(s->conn, &s->opt.tcp, now_of(s));
    bsd_addr_out(s, s->remote, addr, len);
    return s->fd.number;
}

static int accept_on(struct sock *l, struct sockaddr *addr, socklen_t *len, int flags)
{
    if (l->fd.kind != FD_STREAM)
        return bsd_fail(EOPNOTSUPP);
    const int64_t until_ns = l->fd.nonblock ? 0 : bsd_until(l, l->opt.recv_timeout_ns);
    for (;;) {
        if (l->phase != PHASE_LISTENING)
            return bsd_fail(EINVAL);
        const int fd = accept_one(l, flags, addr, len);
        if (fd >= 0 || errno != EAGAIN)
            return fd;
        const int e = bsd_wait(&l->fd, EPOLLIN, true, until_ns);
        if (e)
            return bsd_fail(e);
    }
}

int plumb_bsd_accept4(plumb_bsd *b, int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    int r = -1;
    if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
        return bsd_fail(EINVAL);
    bsd_enter(b);
    struct sock *l = bsd_sock(b, fd);
    if (l) {
        r = addr && !len ? bsd_fail(EFAULT) : accept_on(l, addr, len, flags);
        bsd_put(&l->fd);
    }
    bsd_leave(b);
    return r;
}

int plumb_bsd_accept(plumb_bsd *b, int fd, struct sockaddr *addr, socklen_t *len) { return plumb_bsd_accept4(b, fd, addr, len, 0); }

/* --------------------------------------------------------------- connect */

/* Gives the connection back, and the socket is as new, but bound as it was by bind. */
static void disconnect(struct sock *s)
{
    const struct endpoint bound = { s->chose_addr ? s->local.addr : ADDR_NONE, s->chose_port ? s->local.port : 0 };
    const bool lives = bsd_stream_state(s) != CLOSED;
    if (s->conn)
        tcp_abort(s->conn, now_of(s));
    s->conn = NULL;
    stop_listening(s);
    loop_undefer(&s->user.task);
    s->phase = PHASE_NEW;
    s->over = false;
    s->shut = 0;
    s->error = lives ? ECONNRESET : 0;
    s->remote = (struct endpoint){ 0 };
    bsd_bind_note(s, bound);
    waitable_notify(&s->fd.ready, ~0u);
}

static int start_connecting(struct sock *s, struct endpoint to)
{
    const struct addr from = addr_is_any(s->local.addr) ? ADDR_NONE : s->local.addr;
    struct tcp_conn *c;
    struct path p;
    if (addr_is_multicast(to.addr) || addr_is_broadcast(to.addr))
        return ENETUNREACH;
    if (!to.port)
        return ECONNREFUSED;
    enum plumb_err e = stack_route(stack_of(s), from, to.addr, &p);
    if (e == PLUMB_OK)
        e = tcp_connect(tcp_of(s), &p, s->local.port, to.port, &s->opt.tcp, &c, now_of(s));
    if (e != PLUMB_OK)
        return e == PLUMB_ADDR_IN_USE ? EADDRNOTAVAIL : bsd_errno(e);
    hold_conn(s, c);
    s->remote = to;
    s->phase = PHASE_CONNECTING;
    return 0;
}

/* Waits until the handshake is over, one way or the other: 0, or what connect answers meanwhile. */
static int wait_connected(struct sock *s, int meanwhile)
{
    const int64_t until_ns = s->fd.nonblock ? 0 : bsd_until(s, s->opt.send_timeout_ns);
    for (;;) {
        const enum tcp_state state = bsd_stream_state(s);
        if (state != SYN_SENT && state != SYN_RECEIVED)
            return 0;
        const int e = bsd_wait(&s->fd, EPOLLOUT | EPOLLIN, false, until_ns);
        if (e)
            return e == EAGAIN ? meanwhile : e;
    }
}

static int finish_connecting(struct sock *s, int meanwhile)
{
    int e = wait_connected(s, meanwhile);
    if (e)
        return e;
    bsd_stream_refresh(s);
    if (bsd_stream_state(s) != CLOSED || !s->over) {
        s->phase = PHASE_CONNECTED;
        return 0;
    }
    e = bsd_stream_take_error(s);
    disconnect(s);
    return e ? e : ECONNABORTED;
}

/* Whether it speaks the destination's family. */
static bool speaks(const struct sock *s, struct addr to)
{
    const bool bound_6 = !addr_is_any(s->local.addr) && !addr_is4(s->local.addr);
    return addr_is4(to) ? !s->opt.v6only && !bound_6 : addr_is_any(s->local.addr) || bound_6;
}

int bsd_connect_start(struct sock *s, struct endpoint to)
{
    if (s->phase != PHASE_NEW)
        return s->phase == PHASE_CONNECTING ? EALREADY : EISCONN;
    to.addr = bsd_this_host(to.addr);
    if (!speaks(s, to.addr))
        return ENETUNREACH;
    return start_connecting(s, to);
}

int bsd_connect_finish(struct sock *s) { return finish_connecting(s, EINPROGRESS); }

static int connect_stream(struct sock *s, struct endpoint to)
{
    if (s->phase == PHASE_CONNECTING)
        return finish_connecting(s, EALREADY);
    const int e = bsd_connect_start(s, to);
    struct tcp_status status = { 0 };
    if (!e)
        tcp_status(s->conn, &status);
    if (status.early)                   /* TCP_FASTOPEN_CONNECT: its SYN waits for what is sent first */
        s->phase = PHASE_CONNECTED;
    return e || status.early ? e : finish_connecting(s, EINPROGRESS);
}

static int connect_sock(struct sock *s, const struct sockaddr *addr, socklen_t len)
{
    struct endpoint to;
    if (addr && len >= sizeof addr->sa_family && addr->sa_family == AF_UNSPEC) {
        if (s->fd.kind == FD_DGRAM)
            return bsd_dgram_connect(s, (struct endpoint){ 0 });
        disconnect(s);
        return 0;
    }
    const int e = bsd_addr_in(s, addr, len, &to);
    if (e)
        return e;
    to.addr = bsd_this_host(to.addr);
    return s->fd.kind == FD_DGRAM ? bsd_dgram_connect(s, to) : connect_stream(s, to);
}

int plumb_bsd_connect(plumb_bsd *b, int fd, const struct sockaddr *addr, socklen_t len)
{
    bsd_enter(b);
    struct sock *s = bsd_sock(b, fd);
    int r = -1;
    if (s) {
        r = errno_or_0(connect_sock(s, addr, len));
        bsd_put(&s->fd);
    }
    bsd_leave(b);
    return r;
}

/* -------------------------------------------------------- shutdown, close */

static int shutdown_sock(struct sock *s, int how)
{
    if (how < SHUT_RD || how > SHUT_RDWR)
        return EINVAL;
    const uint8_t ways = (uint8_t)(how + 1);
    if (s->fd.kind == FD_DGRAM) {
        s->shut |= ways;
        waitable_notify(&s->fd.ready, ~0u);
        return s->remote.port ? 0 : ENOTCONN;
    }
    if (s->phase == PHASE_LISTENING) {
        if (ways & SHUT_IN)
            stop_listening(s);
        return 0;
    }
    const enum tcp_state state = bsd_stream_state(s);
    if (state == SYN_SENT) {
        disconnect(s);
        return 0;
    }
    s->shut |= ways;
    if (state != CLOSED && ways & SHUT_OUT)
        tcp_shutdown(s->conn, now_of(s));
    waitable_notify(&s->fd.ready, ~0u);
    return state == CLOSED ? ENOTCONN : 0;
}

int plumb_bsd_shutdown(plumb_bsd *b, int fd, int how)
{
    bsd_enter(b);
    struct sock *s = bsd_sock(b, fd);
    int r = -1;
    if (s) {
        r = errno_or_0(shutdown_sock(s, how));
        bsd_put(&s->fd);
    }
    bsd_leave(b);
    return r;
}

/* SO_LINGER: until everything, the FIN too, was acknowledged. */
static void linger(struct sock *s)
{
    const int64_t until_ns = time_after(now_of(s), s->opt.linger.l_linger * NS_PER_SEC);
    tcp_shutdown(s->conn, now_of(s));
    for (;;) {
        struct tcp_status status;
        tcp_status(s->conn, &status);
        const bool wants_ack = status.state == FIN_WAIT_1 || status.state == CLOSING || status.state == LAST_ACK || status.state == CLOSE_WAIT;
        const int e = wants_ack ? bsd_wait(&s->fd, EPOLLOUT | EPOLLIN, false, until_ns) : EAGAIN;
        if (e && e != EBADF)            /* it is: this very call closes it */
            return;
        if (now_of(s) >= until_ns)
            return;
    }
}

static void close_stream(struct sock *s)
{
    stop_listening(s);
    if (!s->conn)
        return;
    const struct linger *l = &s->opt.linger;
    if (l->l_onoff && l->l_linger > 0 && !bsd_stream_readable(s))
        linger(s);
    if (l->l_onoff && l->l_linger == 0 && bsd_stream_state(s) != CLOSED)
        tcp_abort(s->conn, now_of(s));
    else
        tcp_close(s->conn, now_of(s));
    s->conn = NULL;
}

void bsd_socket_close(struct sock *s)
{
    if (s->fd.kind == FD_STREAM)
        close_stream(s);
    dgram_close(s->dgram);
    s->dgram = NULL;
    if (s->groups)
        stack_group_leave_all(stack_of(s), &s->groups, now_of(s));
    bsd_unbind(s);
    loop_undefer(&s->user.task);
}

/* ----------------------------------------------------------------- names */

static int name_of(plumb_bsd *b, int fd, bool peer, struct sockaddr *addr, socklen_t *len)
{
    bsd_enter(b);
    struct sock *s = bsd_sock(b, fd);
    int r = -1;
    if (s) {
        const enum tcp_state state = s->fd.kind == FD_STREAM ? bsd_stream_state(s) : ESTABLISHED;
        const bool known = !peer || (s->remote.port && state != CLOSED && state != SYN_SENT);
        r = !known ? bsd_fail(ENOTCONN) : !addr || !len ? bsd_fail(EFAULT) : (int)*len < 0 ? bsd_fail(EINVAL) : 0;
        if (r == 0)
            bsd_addr_out(s, peer ? s->remote : s->local, addr, len);
        bsd_put(&s->fd);
    }
    bsd_leave(b);
    return r;
}

int plumb_bsd_getsockname(plumb_bsd *b, int fd, struct sockaddr *addr, socklen_t *len) { return name_of(b, fd, false, addr, len); }
int plumb_bsd_getpeername(plumb_bsd *b, int fd, struct sockaddr *addr, socklen_t *len) { return name_of(b, fd, true, addr, len); }
