/* The BSD calls on plumb's stack: descriptors of their own space, the host's structs and
 * constants, results and errno as POSIX says them and as Linux answers where POSIX leaves it open.
 *
 *     plumb_stack *s = plumb_open(NULL, now);              addresses, routes: plumb.h
 *     plumb_bsd *b = plumb_bsd_open(s, &hooks);
 *     int fd = plumb_bsd_socket(b, AF_INET, SOCK_STREAM, 0);
 *     plumb_bsd_connect(b, fd, (struct sockaddr *)&to, sizeof to);
 *
 * A stack belongs to one thread; these calls may come from many when `lock` and `unlock` are
 * given: they are one lock around everything, held by whoever calls plumb_input, plumb_output
 * and plumb_tick too.  A call that must wait calls `wait`; without it nothing ever blocks, and
 * what would answers EAGAIN (a connect: EINPROGRESS).  Differences from Linux: docs/sockets.md. */
#pragma once
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <plumb/plumb.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct plumb_bsd plumb_bsd;

/* One blocked call. */
struct plumb_waiter {
    bool  woken;
    void *of_driver;                    /* whatever `wait` and `wake` agree on */
};

/* What the calls need from whoever owns the stack; each may be NULL. */
struct plumb_bsd_hooks {
    size_t  size;
    void   *arg;
    int64_t (*now)(void *arg);          /* NULL: time stands still between plumb_tick and such */
    void (*lock)(void *arg);
    void (*unlock)(void *arg);
    /* Called locked, returns locked: when w->woken, when until_ns has come (INT64_MAX: never), or any time before. */
    void (*wait)(void *arg, struct plumb_waiter *w, int64_t until_ns);
    void (*wake)(void *arg, struct plumb_waiter *w);        /* w->woken was set, locked */
    void (*due)(void *arg);             /* a call left something to do: plumb_deadline may be earlier, locked */
    int  (*open_fd)(void *arg);         /* a number for a descriptor, or -1 and errno; NULL: the smallest free */
    void (*close_fd)(void *arg, int fd);
    uint32_t max_fds;                   /* [65536] */
};

/* NULL: no memory.  The stack outlives it. */
plumb_bsd *plumb_bsd_open(plumb_stack *s, const struct plumb_bsd_hooks *h);
/* Closes every descriptor; nobody may be blocked in a call. */
void plumb_bsd_close(plumb_bsd *b);
struct plumb_bsd_counts {
    uint64_t visits;                    /* how often a descriptor's readiness was looked at by epoll, poll and select */
    uint64_t wakes;                     /* blocked calls that were woken */
};
struct plumb_bsd_counts plumb_bsd_counts(plumb_bsd *b);

int plumb_bsd_socket(plumb_bsd *b, int domain, int type, int protocol);
int plumb_bsd_bind(plumb_bsd *b, int fd, const struct sockaddr *addr, socklen_t len);
int plumb_bsd_listen(plumb_bsd *b, int fd, int backlog);
int plumb_bsd_accept(plumb_bsd *b, int fd, struct sockaddr *addr, socklen_t *len);
int plumb_bsd_accept4(plumb_bsd *b, int fd, struct sockaddr *addr, socklen_t *len, int flags);
int plumb_bsd_connect(plumb_bsd *b, int fd, const struct sockaddr *addr, socklen_t len);
int plumb_bsd_shutdown(plumb_bsd *b, int fd, int how);
int plumb_bsd_close_fd(plumb_bsd *b, int fd);
int plumb_bsd_getsockname(plumb_bsd *b, int fd, struct sockaddr *addr, socklen_t *len);
int plumb_bsd_getpeername(plumb_bsd *b, int fd, struct sockaddr *addr, socklen_t *len);
int plumb_bsd_getsockopt(plumb_bsd *b, int fd, int level, int name, void *value, socklen_t *len);
int plumb_bsd_setsockopt(plumb_bsd *b, int fd, int level, int name, const void *value, socklen_t len);
int plumb_bsd_fcntl(plumb_bsd *b, int fd, int cmd, long arg);
int plumb_bsd_ioctl(plumb_bsd *b, int fd, unsigned long request, void *arg);

ssize_t plumb_bsd_send(plumb_bsd *b, int fd, const void *bytes, size_t len, int flags);
ssize_t plumb_bsd_sendto(plumb_bsd *b, int fd, const void *bytes, size_t len, int flags, const struct sockaddr *to, socklen_t to_len);
ssize_t plumb_bsd_sendmsg(plumb_bsd *b, int fd, const struct msghdr *m, int flags);
ssize_t plumb_bsd_write(plumb_bsd *b, int fd, const void *bytes, size_t len);
ssize_t plumb_bsd_writev(plumb_bsd *b, int fd, const struct iovec *v, int n);
ssize_t plumb_bsd_recv(plumb_bsd *b, int fd, void *bytes, size_t max, int flags);
ssize_t plumb_bsd_recvfrom(plumb_bsd *b, int fd, void *bytes, size_t max, int flags, struct sockaddr *from, socklen_t *from_len);
ssize_t plumb_bsd_recvmsg(plumb_bsd *b, int fd, struct msghdr *m, int flags);
ssize_t plumb_bsd_read(plumb_bsd *b, int fd, void *bytes, size_t max);
ssize_t plumb_bsd_readv(plumb_bsd *b, int fd, const struct iovec *v, int n);

int plumb_bsd_poll(plumb_bsd *b, struct pollfd *p, nfds_t n, int timeout_ms);
int plumb_bsd_select(plumb_bsd *b, int n, fd_set *r, fd_set *w, fd_set *x, struct timeval *timeout);
int plumb_bsd_epoll_create1(plumb_bsd *b, int flags);
int plumb_bsd_epoll_ctl(plumb_bsd *b, int epfd, int op, int fd, struct epoll_event *event);
int plumb_bsd_epoll_wait(plumb_bsd *b, int epfd, struct epoll_event *events, int max, int timeout_ms);

#ifdef __cplusplus
}
#endif
