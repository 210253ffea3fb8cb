/* select, poll and epoll. */
#include "same.h"
#include <errno.h>
#include <stddef.h>
#include <string.h>

static int ep_add(int ep, int fd, uint32_t events)
{
    struct epoll_event e = { .events = events, .data.u32 = 42 };
    return H->epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static int ep_mod(int ep, int fd, uint32_t events)
{
    struct epoll_event e = { .events = events, .data.u32 = 43 };
    return H->epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
}

/* What it says now; 0: nothing. */
static long ep_now(int ep)
{
    struct epoll_event e[4] = { 0 };
    const int n = H->epoll_wait(ep, e, 4, 0);
    return n <= 0 ? n : (long)n << 40 | (long)e[0].data.u32 << 32 | e[0].events;
}

static void epoll_level(void)
{
    struct pair p = pair_open();
    const int ep = H->epoll_create1(0);
    R(ep_add(ep, p.s, EPOLLIN | EPOLLRDHUP));
    R(ep_now(ep));
    R(say(p.c, "ab"));
    H->settle();
    R(ep_now(ep));
    R(ep_now(ep));
    R(hear(p.s, 1, 0));
    R(ep_now(ep));
    R(hear(p.s, 1, 0));
    R(ep_now(ep));
    R(H->shutdown(p.c, SHUT_WR));
    H->settle();
    R(ep_now(ep));
    R(hear(p.s, 1, 0));
    R(ep_now(ep));
    R(H->shutdown(p.s, SHUT_WR));
    H->settle();
    R(ep_now(ep));
    R(H->close(ep));
    pair_close(&p);
}

static void epoll_edge(void)
{
    struct pair p = pair_open();
    const int ep = H->epoll_create1(0);
    R(ep_add(ep, p.s, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET));
    R(ep_now(ep));
    R(ep_now(ep));
    R(say(p.c, "ab"));
    H->settle();
    R(ep_now(ep));
    R(ep_now(ep));
    R(hear(p.s, 1, 0));
    R(ep_now(ep));                      /* a byte is left: no edge */
    R(say(p.c, "c"));
    H->settle();
    R(ep_now(ep));                      /* more came: an edge */
    R(hear(p.s, 9, 0));
    R(ep_now(ep));
    R(H->shutdown(p.c, SHUT_WR));
    H->settle();
    R(ep_now(ep));
    R(ep_now(ep));
    R(ep_mod(ep, p.s, EPOLLIN | EPOLLET));
    R(ep_now(ep));
    R(ep_now(ep));
    R(H->close(ep));
    pair_close(&p);
}

static void epoll_edge_out_only(void)
{
    struct pair p = pair_open();
    const int ep = H->epoll_create1(0);
    R(ep_add(ep, p.s, EPOLLOUT | EPOLLET));
    R(ep_now(ep));
    R(say(p.c, "ab"));
    H->settle();
    R(ep_now(ep));
    R(hear(p.s, 9, 0));
    R(ep_now(ep));
    R(H->close(ep));
    pair_close(&p);
}

static void epoll_one_shot(void)
{
    struct pair p = pair_open();
    const int ep = H->epoll_create1(0);
    R(ep_add(ep, p.s, EPOLLIN | EPOLLONESHOT));
    R(say(p.c, "ab"));
    H->settle();
    R(ep_now(ep));
    R(ep_now(ep));
    R(say(p.c, "c"));
    H->settle();
    R(ep_now(ep));
    R(ep_mod(ep, p.s, EPOLLIN | EPOLLONESHOT));
    R(ep_now(ep));
    R(ep_now(ep));
    R(H->close(p.c));
    H->settle();
    R(ep_now(ep));
    R(H->close(ep));
    R(H->close(p.s));
    R(H->close(p.l));
}

static void epoll_errors(void)
{
    const int ep = H->epoll_create1(0), s = tcp_socket();
    struct epoll_event e = { .events = EPOLLIN };
    R(H->epoll_create1(7));
    R(ep_add(ep, s, EPOLLIN));
    R(ep_add(ep, s, EPOLLIN));
    R(H->epoll_ctl(ep, EPOLL_CTL_DEL, s, NULL));
    R(H->epoll_ctl(ep, EPOLL_CTL_DEL, s, NULL));
    R(ep_mod(ep, s, EPOLLIN));
    R(ep_add(ep, ep, EPOLLIN));
    R(ep_add(s, ep, EPOLLIN));
    R(ep_add(ep, -1, EPOLLIN));
    R(ep_add(-1, s, EPOLLIN));
    R(H->epoll_ctl(ep, 99, s, &e));
    R(H->epoll_wait(ep, &e, 0, 0));
    R(H->epoll_wait(s, &e, 1, 0));
    R(H->epoll_wait(-1, &e, 1, 0));
    R(ep_add(ep, s, EPOLLIN | EPOLLEXCLUSIVE));
    R(ep_mod(ep, s, EPOLLIN));
    R(H->epoll_ctl(ep, EPOLL_CTL_DEL, s, NULL));
    R(ep_add(ep, s, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT));
    R(ep_add(ep, s, EPOLLIN));
    R(ep_mod(ep, s, EPOLLIN | EPOLLEXCLUSIVE));
    R(ep_now(ep));                      /* a new socket has hung up */
    R(H->close(s));
    R(ep_now(ep));                      /* what is closed is gone */
    R(H->close(ep));
    R(H->epoll_wait(ep, &e, 1, 0));
}

static void epoll_nested(void)
{
    struct pair p = pair_open();
    const int in = H->epoll_create1(0), out = H->epoll_create1(0);
    R(ep_add(in, p.s, EPOLLIN));
    R(ep_add(out, in, EPOLLIN));
    R(ep_add(in, out, EPOLLIN));
    R(ep_now(out));
    R(say(p.c, "x"));
    H->settle();
    R(ep_now(out));
    R(bits(in));
    R(ep_now(in));
    R(hear(p.s, 1, 0));
    R(ep_now(out));
    R(ep_add(out, in, EPOLLIN | EPOLLEXCLUSIVE));
    R(H->close(in));
    R(H->close(out));
    pair_close(&p);
}

static void epoll_connect(void)
{
    const int l = listener(4), c = tcp_socket(), d = tcp_socket(), ep = H->epoll_create1(0);
    R(ep_add(ep, c, EPOLLIN | EPOLLOUT | EPOLLET));
    R(ep_now(ep));
    (void)try_connect(c, port_of(l));
    H->settle();
    R(ep_now(ep));
    R(H->close(c));
    R(ep_add(ep, d, EPOLLOUT));
    (void)try_connect(d, closed_port());
    H->settle();
    R(ep_now(ep));
    R(opt(d, SOL_SOCKET, SO_ERROR));
    R(ep_now(ep));
    R(H->close(d));
    R(H->close(ep));
    R(H->close(l));
}

static void epoll_accept(void)
{
    const int l = listener(4), ep = H->epoll_create1(0);
    int c[3];
    R(ep_add(ep, l, EPOLLIN | EPOLLET));
    R(ep_now(ep));
    for (int i = 0; i < 3; i++) {
        c[i] = tcp_socket();
        (void)try_connect(c[i], port_of(l));
        H->settle();
        R(ep_now(ep));
        R(ep_now(ep));
    }
    R(ep_mod(ep, l, EPOLLIN));
    for (int i = 0; i < 3; i++) {
        R(ep_now(ep));
        const int s = H->accept4(l, NULL, NULL, 0);
        R(s >= 0);
        H->close(s);
    }
    R(ep_now(ep));
    for (int i = 0; i < 3; i++)
        H->close(c[i]);
    R(H->close(ep));
    R(H->close(l));
}

static void polling(void)
{
    struct pair p = pair_open();
    struct pollfd three[3] = { { .fd = p.s, .events = POLLIN }, { .fd = -1, .events = POLLIN, .revents = 9 }, { .fd = 12345, .events = POLLIN } };
    R(H->poll(three, 2, 0));
    R(three[1].revents);
    R(H->poll(three, 3, 0));
    R(three[2].revents);
    R(say(p.c, "x"));
    H->settle();
    R(H->poll(three, 3, -1));
    R(three[0].revents);
    R(H->poll(three, 2, 1000));
    R(hear(p.s, 9, 0));
    R(H->poll(three, 2, 5));
    three[0].events = 0;
    R(H->close(p.c));
    H->settle();
    R(H->poll(three, 2, 0));
    three[0].events = POLLRDHUP;
    R(H->poll(three, 2, 0));
    R(three[0].revents);
    R(H->close(p.s));
    R(H->close(p.l));
}

static void selecting(void)
{
    struct pair p = pair_open();
    struct timeval none = { 0 }, some = { .tv_usec = 5000 }, bad = { .tv_sec = -1 };
    fd_set r, w, x;
    const int n = (p.c > p.s ? p.c : p.s) + 1;
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_ZERO(&x);
    FD_SET(p.s, &r);
    FD_SET(p.s, &w);
    FD_SET(p.c, &r);
    R(H->select(n, &r, &w, &x, &none));
    R(FD_ISSET(p.s, &r) != 0);
    R(FD_ISSET(p.s, &w) != 0);
    FD_ZERO(&r);
    FD_SET(p.s, &r);
    R(H->select(n, &r, NULL, NULL, &some));
    R(say(p.c, "a"));
    R(H->sendto(p.c, "!", 1, MSG_OOB, NULL, 0));
    H->settle();
    FD_SET(p.s, &r);
    FD_SET(p.s, &x);
    R(H->select(n, &r, NULL, &x, NULL));
    R(FD_ISSET(p.s, &x) != 0);
    R(H->select(-1, &r, NULL, NULL, &none));
    R(H->select(n, &r, NULL, NULL, &bad));
    R(H->close(p.c));
    FD_SET(p.c, &r);
    R(H->select(n, &r, NULL, NULL, &none));
    R(H->close(p.s));
    R(H->close(p.l));
}

const struct sequence ready_sequences[] = {
    { "epoll_level", epoll_level }, { "epoll_edge", epoll_edge }, { "epoll_edge_out_only", epoll_edge_out_only }, { "epoll_one_shot", epoll_one_shot },
    { "epoll_errors", epoll_errors }, { "epoll_nested", epoll_nested }, { "epoll_connect", epoll_connect }, { "epoll_accept", epoll_accept },
    { "polling", polling }, { "selecting", selecting }, { NULL, NULL },
};
