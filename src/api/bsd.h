/* The BSD calls, inside: descriptors, sockets and what their files offer each other.
 *
 *   bsd.c         descriptors: the table, the lock, the life of one; blocking
 *   bsd_addr.c    sockaddrs, errno
 *   bsd_bind.c    who holds which port
 *   bsd_socket.c  socket, bind, listen, accept, connect, shutdown, close, names
 *   bsd_stream.c  bytes on a connection; its readiness
 *   bsd_dgram.c   datagrams; their readiness
 *   bsd_io.c      every form of send and receive, onto the two above
 *   bsd_opt.c     options, fcntl, ioctl
 *   bsd_group.c   options of multicast
 *   bsd_info.c    TCP_INFO
 *   bsd_ready.c   poll, select, epoll */
#pragma once
#include "api/inner.h"
#include "socket/epoll.h"
#include "tcp/tcp.h"
#include <errno.h>
#include <plumb/socket.h>

enum fd_kind { FD_STREAM, FD_DGRAM, FD_EPOLL };

struct fd {
    plumb_bsd *b;
    int number;
    enum fd_kind kind;
    bool nonblock, cloexec;
    bool gone;                          /* closed; freed when the last call on it returns */
    uint32_t users;                     /* calls under way */
    struct waitable ready;              /* of a socket; an epoll has its own */
};

struct epfd { struct fd fd; struct epoll ep; };        /* fd first */

struct sock_opt {
    struct tcp_user_opt tcp;
    bool reuse_addr, reuse_port, broadcast, oob_inline, v6only;
    struct linger linger;
    uint32_t send_buffer, recv_buffer;  /* as was asked for; 0: never */
    int64_t  recv_timeout_ns, send_timeout_ns;          /* 0: none */
    uint32_t recv_low;                  /* 0: 1 */
    uint8_t  group_ttl;                 /* of what is sent to groups */
    bool     group_silent;
    enum dgram_size size;
    struct addr group_own;              /* of the interface by which it leaves; none: by the route */
    uint32_t unsent_low;                /* TCP_NOTSENT_LOWAT: writable while less than this waits to be sent; 0: without limit */
};

/* As a caller of connect sees it.  PHASE_CONNECTING lasts until connect was told how it ended. */
enum sock_phase { PHASE_NEW, PHASE_LISTENING, PHASE_CONNECTING, PHASE_CONNECTED };
enum { SHUT_IN = 1, SHUT_OUT = 2, SHUT_BOTH = 3 };

struct sock {
    struct fd fd;                       /* first */
    struct stack_user user;
    struct list binding;                /* in plumb_bsd.bound */
    struct endpoint local, remote;      /* remote.port 0: none */
    bool chose_addr, chose_port;        /* by bind, not by the stack */
    int  family;
    enum sock_phase phase;
    struct tcp_conn *conn;
    struct tcp_listener *listener;
    struct dgram *dgram;
    struct group_member *groups;        /* wished for before there was a dgram, which then has them */
    int  error;                         /* pending: SO_ERROR */
    uint8_t shut;
    bool over;                          /* the connection has ended, and that was noted */
    bool full;                          /* the last datagram was answered EAGAIN */
    bool oob_read;                      /* the urgent byte before oob_at was received out of band */
    uint32_t oob_at;
    struct sock_opt opt;
};

enum { BOUND_HASH = 256 };

struct plumb_bsd {
    plumb_stack *s;
    struct plumb_bsd_hooks hooks;
    int64_t now_ns;                     /* of the call under way */
    struct fd **fd;
    uint32_t n_fds, lowest_free;        /* no number below it is free */
    struct list bound[2][BOUND_HASH];   /* by kind and port */
    struct ready_counts counts;
};

static inline struct stack *stack_of(const struct sock *s) { return s->fd.b->s->st; }
static inline struct tcp *tcp_of(const struct sock *s)     { return stack_tcp(stack_of(s)); }
static inline int64_t now_of(const struct sock *s)         { return s->fd.b->now_ns; }

/* bsd.c.  Each call: enter, get its descriptor, do, put, leave. */
void bsd_enter(plumb_bsd *b);
void bsd_leave(plumb_bsd *b);
struct fd *bsd_get(plumb_bsd *b, int fd);               /* NULL: EBADF, errno set */
void bsd_put(struct fd *f);
static inline struct waitable *bsd_waitable(struct fd *f) { return f->kind == FD_EPOLL ? &((struct epfd *)(void *)f)->ep.self : &f->ready; }
/* A number for `f` and its place in the table; false: errno. */
bool bsd_new_fd(plumb_bsd *b, struct fd *f);
/* Out of the table: its number is free, its memory is not yet. */
void bsd_drop_fd(struct fd *f);
/* Waits for any of `events`.  0: try again; EAGAIN: the time is up, or nothing may block; EBADF: closed meanwhile. */
int bsd_wait(struct fd *f, uint32_t events, bool exclusive, int64_t until_ns);
/* A call that sleeps: on what it wants to be woken for, it adds a wait of its own. */
struct blocked { struct wait wait; struct plumb_waiter *waiter; plumb_bsd *b; };
bool bsd_blocked_woken(struct wait *w, uint32_t bits);
void bsd_sleep(plumb_bsd *b, struct plumb_waiter *w, int64_t until_ns);
static inline int bsd_fail(int e) { errno = e; return -1; }

/* bsd_addr.c */
int bsd_errno(enum plumb_err e);
/* 0 or errno. */
int bsd_addr_in(const struct sock *s, const struct sockaddr *addr, socklen_t len, struct endpoint *out);
struct addr bsd_this_host(struct addr a);               /* an unspecified destination is this host */
void bsd_addr_out(const struct sock *s, struct endpoint e, struct sockaddr *addr, socklen_t *len);

/* bsd_bind.c.  0 or errno. */
int bsd_bind_to(struct sock *s, struct endpoint local);
int bsd_bind_any(struct sock *s);                       /* an ephemeral port, when it has none */
void bsd_bind_note(struct sock *s, struct endpoint local);      /* the stack has chosen */
int bsd_bind_may_listen(const struct sock *s);
void bsd_unbind(struct sock *s);

/* bsd_socket.c */
void bsd_socket_close(struct sock *s);
/* Two halves of connect; 0 or errno. */
int bsd_connect_start(struct sock *s, struct endpoint to);
int bsd_connect_finish(struct sock *s);
void bsd_fd_release(struct fd *f);                      /* the memory, when nobody uses it */
struct sock *bsd_sock(plumb_bsd *b, int fd);            /* NULL: EBADF or ENOTSOCK, errno set; put it */

/* bsd_stream.c */
enum tcp_state bsd_stream_state(const struct sock *s);  /* CLOSED without a connection, and in TIME-WAIT */
void bsd_stream_refresh(struct sock *s);                /* notes that the connection has ended */
int bsd_stream_take_error(struct sock *s);
uint32_t bsd_stream_bits(struct sock *s);
void bsd_stream_told(void *sock);                       /* loop_fn */
uint32_t bsd_stream_readable(const struct sock *s);     /* bytes up to the next urgent byte */
bool bsd_stream_at_mark(const struct sock *s);

/* Where bytes come from or go to. */
struct io { const struct iovec *v; int n; size_t skip, left; };
bool io_init(struct io *io, const struct iovec *v, int n);      /* false: too long */
size_t io_out(struct io *io, void *to, size_t max);             /* takes bytes out of it */
void io_in(struct io *io, const void *bytes, size_t len);       /* puts bytes into it, what fits */

struct io_call {
    struct io io;
    int  flags, out_flags;
    bool has_to;
    struct endpoint to;                 /* the destination */
    struct endpoint from;               /* out: the sender */
};
ssize_t bsd_stream_send(struct sock *s, struct io_call *x);
ssize_t bsd_stream_open_send(struct sock *s, struct io_call *x);
ssize_t bsd_stream_recv(struct sock *s, struct io_call *x);

/* bsd_dgram.c */
int bsd_dgram_open(struct sock *s);                     /* at the local endpoint it is bound to; 0 or errno */
int bsd_dgram_connect(struct sock *s, struct endpoint to);
void bsd_dgram_tune(struct sock *s);
ssize_t bsd_dgram_send(struct sock *s, struct io_call *x);
ssize_t bsd_dgram_recv(struct sock *s, struct io_call *x);
uint32_t bsd_dgram_bits(struct sock *s);
void bsd_dgram_refresh(struct sock *s);

/* bsd_group.c */
bool bsd_group_option(const struct sock *s, int level, int name);       /* whether it is one */
int bsd_group_set(struct sock *s, int level, int name, const void *value, socklen_t len);      /* 0 or errno */
int bsd_group_get(struct sock *s, int level, int name, void *value, socklen_t *len);
static inline struct group_member **bsd_groups(struct sock *s) { return s->dgram ? stack_dgram_groups(s->dgram) : &s->groups; }

/* bsd_info.c */
int bsd_tcp_info(struct sock *s, void *value, socklen_t *len);

static inline int64_t bsd_until(const struct sock *s, int64_t timeout_ns)
{
    return timeout_ns ? time_after(now_of(s), timeout_ns) : DEADLINE_NEVER;
}
