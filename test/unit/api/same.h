/* The same calls on two hosts: plumb's sockets and the kernel's.  A sequence is written
 * once; what each call gave is a line; the lines of both must be the same. */
#pragma once
#include <plumb/socket.h>
#include <errno.h>
#include <stdbool.h>

/* The host under test: which calls to take.  Everything is on its loopback. */
struct host {
    const char *name;
    int (*socket)(int domain, int type, int protocol);
    int (*bind)(int fd, const struct sockaddr *a, socklen_t n);
    int (*listen)(int fd, int backlog);
    int (*accept4)(int fd, struct sockaddr *a, socklen_t *n, int flags);
    int (*connect)(int fd, const struct sockaddr *a, socklen_t n);
    int (*shutdown)(int fd, int how);
    int (*close)(int fd);
    int (*getsockname)(int fd, struct sockaddr *a, socklen_t *n);
    int (*getpeername)(int fd, struct sockaddr *a, socklen_t *n);
    int (*getsockopt)(int fd, int level, int name, void *v, socklen_t *n);
    int (*setsockopt)(int fd, int level, int name, const void *v, socklen_t n);
    int (*fcntl)(int fd, int cmd, long arg);
    int (*ioctl)(int fd, unsigned long request, void *arg);
    ssize_t (*sendto)(int fd, const void *b, size_t n, int flags, const struct sockaddr *a, socklen_t an);
    ssize_t (*recvfrom)(int fd, void *b, size_t n, int flags, struct sockaddr *a, socklen_t *an);
    ssize_t (*sendmsg)(int fd, const struct msghdr *m, int flags);
    ssize_t (*recvmsg)(int fd, struct msghdr *m, int flags);
    ssize_t (*readv)(int fd, const struct iovec *v, int n);
    ssize_t (*writev)(int fd, const struct iovec *v, int n);
    int (*poll)(struct pollfd *p, nfds_t n, int ms);
    int (*select)(int n, fd_set *r, fd_set *w, fd_set *x, struct timeval *t);
    int (*epoll_create1)(int flags);
    int (*epoll_ctl)(int ep, int op, int fd, struct epoll_event *e);
    int (*epoll_wait)(int ep, struct epoll_event *e, int max, int ms);
    void (*settle)(void);               /* until everything sent has arrived and was answered */
};
extern const struct host kernel_host, plumb_host;
const struct host *by_ip6(const struct host *of);       /* same_six.c: the same host by IPv6; one at a time */
void plumb_host_open(void);
void plumb_host_close(void);

/* The run under way. */
extern const struct host *H;
void note(const char *what, long result);       /* with errno when it is -1 */
void note_text(const char *what, const char *text);
#define R(call) do { errno = 0; note(#call, (long)(call)); } while (0)

struct sequence { const char *name; void (*run)(void); };
extern const struct sequence stream_sequences[], more_sequences[], ready_sequences[];   /* each ends with a NULL name */

/* same_lib.c: what sequences begin with */
struct sockaddr_in at(uint16_t port);           /* 127.0.0.1 */
uint16_t port_of(int fd);
int  listener(int backlog);                     /* non-blocking, on a port of its own */
struct pair { int l, c, s; };                   /* listener, both ends; all non-blocking */
struct pair pair_open(void);
void pair_close(struct pair *p);
int  tcp_socket(void);                          /* non-blocking */
int  try_connect(int fd, uint16_t port);
int  bits(int fd);                              /* every poll bit that holds */
int  opt(int fd, int level, int name);          /* an int option, or -1 */
int  set(int fd, int level, int name, int value);
int  say(int fd, const char *text);             /* send, MSG_NOSIGNAL */
int  hear(int fd, int max, int flags);          /* recv; the bytes are noted too */
uint16_t closed_port(void);                     /* nobody listens there */
