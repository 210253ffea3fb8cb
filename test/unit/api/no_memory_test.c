/* Every allocation of the heap fails once under the BSD calls: a stack, a listener, two streams through it, datagrams,
 * select, poll and epoll.  Each call answers or says ENOMEM (or what follows from one that did); nothing crashes, leaks or
 * waits for ever.  The linker puts what stands below before the allocators. */
#include "../test.h"
#include "../heap.h"
#include "plumb/plumb.h"
#include "plumb/socket.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/uio.h>

static struct { bool on, hit; unsigned long n, at; } fault;     /* the n-th fails at `at` */

static bool heap_refuses(void)
{
    if (!fault.on || fault.n++ != fault.at)
        return false;
    fault.hit = true;
    errno = ENOMEM;
    return true;
}

static plumb_stack *stack;
static plumb_bsd *b;
static int64_t now_ns;
static unsigned failed;                         /* calls that said -1 */

static int64_t time_now(void *arg) { (void)arg; return now_ns; }

static void let_pass(int64_t until_ns)
{
    for (int64_t at; (at = plumb_deadline(stack)) <= until_ns;) {
        now_ns = at > now_ns ? at : now_ns;
        plumb_tick(stack, now_ns);
    }
    now_ns = until_ns;
}

static void wait_for(void *arg, struct plumb_waiter *w, int64_t until_ns)
{
    const int64_t patience_ns = now_ns + 100 * 1000000000ll;
    (void)arg;
    while (!w->woken && now_ns < until_ns) {
        assert_true(now_ns < patience_ns);      /* it waits for ever */
        const int64_t next = now_ns + 1000000;
        let_pass(next < until_ns ? next : until_ns);
    }
}

static int said(long r)
{
    if (r < 0) {
        assert_int_not_equal(errno, 0);
        failed++;
    }
    return (int)r;
}

static struct sockaddr_in loop_addr(uint16_t port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = { htonl(0x7f000001) } };
}

static void streams(int listener)
{
    const struct sockaddr_in to = loop_addr(80);
    const int c = said(plumb_bsd_socket(b, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    if (c < 0)
        return;
    said(plumb_bsd_connect(b, c, (const struct sockaddr *)&to, sizeof to));
    let_pass(now_ns + 10000000);
    const int s = said(plumb_bsd_accept4(b, listener, NULL, NULL, SOCK_NONBLOCK));
    char bytes[100];
    said(plumb_bsd_send(b, c, "text", 4, MSG_NOSIGNAL));
    let_pass(now_ns + 10000000);
    const int ep = said(plumb_bsd_epoll_create1(b, 0));
    struct epoll_event e = { .events = EPOLLIN, .data = { .fd = s } };
    if (ep >= 0 && s >= 0 && said(plumb_bsd_epoll_ctl(b, ep, EPOLL_CTL_ADD, s, &e)) == 0)
        said(plumb_bsd_epoll_wait(b, ep, &e, 1, 100));
    struct pollfd p[2] = { { .fd = c, .events = POLLOUT }, { .fd = s, .events = POLLIN } };
    said(plumb_bsd_poll(b, p, 2, 100));
    if (s >= 0) {
        fd_set in;
        FD_ZERO(&in);
        FD_SET(s, &in);
        said(plumb_bsd_select(b, s + 1, &in, NULL, NULL, &(struct timeval){ .tv_usec = 100000 }));
        said(plumb_bsd_recv(b, s, bytes, sizeof bytes, 0));
        plumb_bsd_close_fd(b, s);
    }
    if (ep >= 0)
        plumb_bsd_close_fd(b, ep);
    plumb_bsd_close_fd(b, c);
}

static void datagrams(void)
{
    struct sockaddr_in to = loop_addr(9);
    struct iovec parts[2] = { { "one", 3 }, { "two", 3 } };
    struct msghdr m = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = parts, .msg_iovlen = 2 };
    char bytes[10];
    const int d = said(plumb_bsd_socket(b, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
    if (d < 0)
        return;
    said(plumb_bsd_bind(b, d, (struct sockaddr *)&to, sizeof to));
    said(plumb_bsd_sendmsg(b, d, &m, 0));
    let_pass(now_ns + 10000000);
    said(plumb_bsd_recv(b, d, bytes, sizeof bytes, 0));
    plumb_bsd_close_fd(b, d);
}

static void calls(void)
{
    const struct sockaddr_in at = loop_addr(80);
    const int l = said(plumb_bsd_socket(b, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    if (l >= 0 && said(plumb_bsd_bind(b, l, (const struct sockaddr *)&at, sizeof at)) == 0 && said(plumb_bsd_listen(b, l, 8)) == 0) {
        streams(l);
        streams(l);
    }
    datagrams();
    if (l >= 0)
        plumb_bsd_close_fd(b, l);
}

/* False: there was not even a stack. */
static bool run(void)
{
    const struct plumb_options o = { .size = sizeof o, .seed = 7 };
    const struct plumb_bsd_hooks h = { .size = sizeof h, .now = time_now, .wait = wait_for };
    now_ns = 1000000000;
    failed = 0;
    stack = plumb_open(&o, now_ns);
    if (!stack)
        return false;
    b = plumb_bsd_open(stack, &h);
    if (b) {
        calls();
        plumb_bsd_close(b);
    }
    const bool began = b != NULL;
    let_pass(now_ns + 1000000000);
    plumb_close(stack);
    return began;
}

static void every_allocation(void **state)
{
    unsigned none = 0, some = 0, all = 0, usual = 0;
    (void)state;
    assert_true(run());
    usual = failed;                                     /* EINPROGRESS, twice */
    for (unsigned long at = 0;; at++) {
        fault.n = 0;
        fault.at = at;
        fault.hit = false;
        fault.on = true;
        const bool began = run();
        fault.on = false;
        if (!fault.hit)
            break;
        none += !began;
        some += began && failed > usual;
        all += began && failed == usual;
    }
    print_message("%u times no stack, %u times a call said so, %u times nobody noticed\n", none, some, all);
    assert_true(none > 5 && some > 10);
    assert_int_equal(failed, usual);
}

TESTS(every_allocation)
