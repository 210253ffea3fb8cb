/* Connections: from refusal to the last close. */
#include "same.h"
#include <errno.h>
#include <stddef.h>
#include <string.h>

static void new_socket(void)
{
    const int s = tcp_socket();
    char byte;
    R(bits(s));
    R(say(s, "x"));
    R(H->recvfrom(s, &byte, 1, 0, NULL, NULL));
    R(H->shutdown(s, SHUT_WR));
    R(bits(s));
    R(say(s, "x"));
    R(H->recvfrom(s, &byte, 1, 0, NULL, NULL));
    R(H->accept4(s, NULL, NULL, 0));
    R(opt(s, SOL_SOCKET, SO_ERROR));
    R(H->close(s));
    R(H->close(s));
    R(say(s, "x"));
    R(H->listen(s, 1));
}

static void refused_later(void)
{
    const int s = tcp_socket();
    const uint16_t port = closed_port();
    struct sockaddr_in a;
    socklen_t n = sizeof a;
    R(try_connect(s, port));
    H->settle();
    R(bits(s));
    R(H->getpeername(s, (struct sockaddr *)&a, &n));
    R(opt(s, SOL_SOCKET, SO_ERROR));
    R(opt(s, SOL_SOCKET, SO_ERROR));
    R(bits(s));
    R(say(s, "x"));
    R(hear(s, 1, 0));
    R(try_connect(s, port));            /* tells that it was lost */
    R(bits(s));
    R(try_connect(s, port));            /* tries again */
    H->settle();
    R(try_connect(s, port));            /* tells why */
    R(opt(s, SOL_SOCKET, SO_ERROR));
    R(bits(s));
    R(H->close(s));
}

static void refused_at_send(void)
{
    const int s = tcp_socket();
    R(try_connect(s, closed_port()));
    H->settle();
    R(say(s, "x"));
    R(say(s, "x"));
    R(hear(s, 1, 0));
    R(H->close(s));
    const int t = tcp_socket();
    R(try_connect(t, closed_port()));
    H->settle();
    R(hear(t, 1, 0));
    R(hear(t, 1, 0));
    R(H->close(t));
}

static void refused_blocking(void)
{
    const int s = H->socket(AF_INET, SOCK_STREAM, 0);
    const uint16_t port = closed_port();
    R(try_connect(s, port));
    R(opt(s, SOL_SOCKET, SO_ERROR));
    R(bits(s));
    R(try_connect(s, port));
    R(H->close(s));
}

static void connect_nonblocking(void)
{
    const int l = listener(4), c = tcp_socket();
    R(try_connect(c, port_of(l)));
    H->settle();
    R(bits(c));
    R(opt(c, SOL_SOCKET, SO_ERROR));
    R(try_connect(c, port_of(l)));
    R(try_connect(c, port_of(l)));
    R(H->listen(c, 1));
    R(bits(l));
    const int s = H->accept4(l, NULL, NULL, SOCK_NONBLOCK);
    R(s >= 0);
    R(bits(l));
    R(H->accept4(l, NULL, NULL, 0));
    R(bits(s));
    R(say(s, "hello"));
    H->settle();
    R(bits(c));
    R(hear(c, 3, 0));
    R(hear(c, 9, 0));
    R(hear(c, 9, 0));
    R(H->close(c));
    R(H->close(s));
    R(H->close(l));
}

static void half_close(void)
{
    struct pair p = pair_open();
    R(say(p.c, "last"));
    R(H->shutdown(p.c, SHUT_WR));
    R(say(p.c, "more"));
    R(bits(p.c));
    H->settle();
    R(bits(p.s));
    R(hear(p.s, 9, 0));
    R(hear(p.s, 9, 0));
    R(hear(p.s, 9, 0));
    R(bits(p.s));
    R(say(p.s, "still"));
    H->settle();
    R(hear(p.c, 9, 0));
    R(hear(p.c, 9, 0));
    R(H->shutdown(p.c, SHUT_WR));
    R(H->shutdown(p.s, SHUT_WR));
    R(bits(p.s));
    H->settle();
    R(bits(p.c));
    R(hear(p.c, 9, 0));
    R(bits(p.s));
    R(H->shutdown(p.s, SHUT_WR));
    R(H->shutdown(p.c, SHUT_WR));
    R(H->shutdown(p.c, SHUT_RDWR));
    R(say(p.s, "x"));
    R(hear(p.s, 9, 0));
    pair_close(&p);
}

static void broken_pipe(void)
{
    struct pair p = pair_open();
    R(H->close(p.s));
    H->settle();
    R(bits(p.c));
    R(say(p.c, "first"));               /* the peer answers with a reset */
    H->settle();
    R(bits(p.c));
    R(say(p.c, "second"));
    R(say(p.c, "third"));
    R(hear(p.c, 9, 0));
    R(opt(p.c, SOL_SOCKET, SO_ERROR));
    R(H->close(p.c));
    R(H->close(p.l));
}

static void reset_by_linger(void)
{
    struct pair p = pair_open();
    const struct linger hard = { .l_onoff = 1 };
    R(H->setsockopt(p.s, SOL_SOCKET, SO_LINGER, &hard, sizeof hard));
    R(H->close(p.s));
    H->settle();
    R(bits(p.c));
    R(hear(p.c, 9, 0));
    R(bits(p.c));
    R(hear(p.c, 9, 0));
    R(say(p.c, "x"));
    struct sockaddr_in a;
    socklen_t n = sizeof a;
    R(H->getpeername(p.c, (struct sockaddr *)&a, &n));
    n = sizeof a;
    R(H->getsockname(p.c, (struct sockaddr *)&a, &n));
    R(H->shutdown(p.c, SHUT_RDWR));
    R(H->close(p.c));
    R(H->close(p.l));
}

static void reset_by_unread(void)
{
    struct pair p = pair_open();
    R(say(p.c, "unread"));
    H->settle();
    R(H->close(p.s));
    H->settle();
    R(say(p.c, "x"));
    R(say(p.c, "x"));
    R(hear(p.c, 9, 0));
    R(H->close(p.c));
    R(H->close(p.l));
}

static void reset_seen_by_error_option(void)
{
    struct pair p = pair_open();
    const struct linger hard = { .l_onoff = 1 };
    R(H->setsockopt(p.s, SOL_SOCKET, SO_LINGER, &hard, sizeof hard));
    R(H->close(p.s));
    H->settle();
    R(opt(p.c, SOL_SOCKET, SO_ERROR));
    R(opt(p.c, SOL_SOCKET, SO_ERROR));
    R(hear(p.c, 9, 0));
    R(say(p.c, "x"));
    R(try_connect(p.c, port_of(p.l)));
    R(H->close(p.c));
    R(H->close(p.l));
}

static void peeking(void)
{
    struct pair p = pair_open();
    char a[4] = { 0 }, b[8] = { 0 };
    const struct iovec v[2] = { { a, 3 }, { b, 7 } };
    R(say(p.c, "abcdefgh"));
    H->settle();
    R(hear(p.s, 3, MSG_PEEK));
    R(hear(p.s, 99, MSG_PEEK));
    R(hear(p.s, 2, MSG_TRUNC));
    R(H->readv(p.s, v, 2));
    note_text("a", a);
    note_text("b", b);
    R(hear(p.s, 99, MSG_PEEK));
    R(H->writev(p.s, (const struct iovec[]){ { (char[]){ "one" }, 3 }, { NULL, 0 }, { (char[]){ "two" }, 3 } }, 3));
    R(H->writev(p.s, v, -1));
    R(H->readv(p.s, v, 1025));
    H->settle();
    R(hear(p.c, 99, 0));
    R(H->sendto(p.c, "", 0, 0, NULL, 0));
    R(H->recvfrom(p.c, a, 0, 0, NULL, NULL));
    R(say(p.s, "z"));
    H->settle();
    R(H->recvfrom(p.c, a, 0, 0, NULL, NULL));
    pair_close(&p);
}

static void wait_all(void)
{
    struct pair p = pair_open();
    const struct timeval short_time = { .tv_usec = 20000 };
    R(H->setsockopt(p.s, SOL_SOCKET, SO_RCVTIMEO, &short_time, sizeof short_time));
    R(H->fcntl(p.s, F_SETFL, 0));
    R(say(p.c, "part"));
    H->settle();
    R(hear(p.s, 8, MSG_WAITALL));       /* what came until the time was up */
    R(hear(p.s, 8, MSG_WAITALL));
    R(hear(p.s, 8, MSG_DONTWAIT));
    R(say(p.c, "12345678"));
    R(hear(p.s, 8, MSG_WAITALL));
    R(H->shutdown(p.c, SHUT_WR));
    R(hear(p.s, 8, MSG_WAITALL));
    pair_close(&p);
}

static void shut_for_reading(void)
{
    struct pair p = pair_open();
    R(say(p.c, "early"));
    H->settle();
    R(H->shutdown(p.s, SHUT_RD));
    R(bits(p.s));
    R(hear(p.s, 9, 0));
    R(hear(p.s, 9, 0));
    R(say(p.c, "late"));
    H->settle();
    R(bits(p.c));
    R(hear(p.s, 9, 0));
    R(say(p.s, "x"));
    R(H->shutdown(p.s, 9));
    R(H->shutdown(p.s, SHUT_RDWR));
    R(bits(p.s));
    pair_close(&p);
}

static void urgent(void)
{
    struct pair p = pair_open();
    int mark = -1, waiting = -1;
    R(hear(p.s, 1, MSG_OOB));
    R(say(p.c, "ab"));
    R(H->sendto(p.c, "cd!", 3, MSG_OOB, NULL, 0));
    R(say(p.c, "ef"));
    H->settle();
    R(bits(p.s));
    R(H->ioctl(p.s, FIONREAD, &waiting));
    R(waiting);
    R(hear(p.s, 9, MSG_PEEK));
    R(hear(p.s, 3, 0));
    R(H->ioctl(p.s, SIOCATMARK, &mark));
    R(mark);
    R(hear(p.s, 9, 0));
    R(H->ioctl(p.s, SIOCATMARK, &mark));
    R(mark);
    R(hear(p.s, 1, MSG_OOB | MSG_PEEK));
    R(hear(p.s, 1, MSG_OOB));
    R(hear(p.s, 1, MSG_OOB));
    R(bits(p.s));
    R(hear(p.s, 9, 0));
    R(H->ioctl(p.s, SIOCATMARK, &mark));
    R(mark);
    R(hear(p.s, 9, 0));
    pair_close(&p);
}

static void urgent_inline(void)
{
    struct pair p = pair_open();
    int mark = -1;
    R(set(p.s, SOL_SOCKET, SO_OOBINLINE, 1));
    R(say(p.c, "ab"));
    R(H->sendto(p.c, "!", 1, MSG_OOB, NULL, 0));
    R(say(p.c, "cd"));
    H->settle();
    R(bits(p.s));
    R(hear(p.s, 1, MSG_OOB));
    R(hear(p.s, 9, 0));
    R(H->ioctl(p.s, SIOCATMARK, &mark));
    R(mark);
    R(hear(p.s, 9, 0));
    R(hear(p.s, 9, 0));
    pair_close(&p);
}

static void urgent_missed(void)
{
    struct pair p = pair_open();
    R(H->sendto(p.c, "a!", 2, MSG_OOB, NULL, 0));
    R(say(p.c, "b"));
    H->settle();
    R(hear(p.s, 9, 0));
    R(hear(p.s, 9, 0));
    R(hear(p.s, 1, MSG_OOB));
    R(bits(p.s));
    pair_close(&p);
}

static void low_water(void)
{
    struct pair p = pair_open();
    R(opt(p.s, SOL_SOCKET, SO_RCVLOWAT));
    R(set(p.s, SOL_SOCKET, SO_RCVLOWAT, 5));
    R(opt(p.s, SOL_SOCKET, SO_RCVLOWAT));
    R(opt(p.s, SOL_SOCKET, SO_SNDLOWAT));
    R(set(p.s, SOL_SOCKET, SO_SNDLOWAT, 5));
    R(say(p.c, "four"));
    H->settle();
    R(bits(p.s));
    R(say(p.c, "!"));
    H->settle();
    R(bits(p.s));
    R(hear(p.s, 3, 0));
    R(bits(p.s));
    R(hear(p.s, 9, 0));
    pair_close(&p);
}

static void times_out(void)
{
    struct pair p = pair_open();
    const struct timeval t = { .tv_usec = 10000 }, bad = { .tv_usec = 1000000 };
    struct timeval got = { 0 };
    socklen_t n = sizeof got;
    R(H->setsockopt(p.s, SOL_SOCKET, SO_RCVTIMEO, &bad, sizeof bad));
    R(H->setsockopt(p.s, SOL_SOCKET, SO_RCVTIMEO, &t, 3));
    R(H->setsockopt(p.s, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
    R(H->getsockopt(p.s, SOL_SOCKET, SO_RCVTIMEO, &got, &n));
    R(n);
    R(H->fcntl(p.s, F_GETFL, 0) & O_NONBLOCK);
    R(H->fcntl(p.s, F_SETFL, 0));
    R(hear(p.s, 1, 0));
    R(H->setsockopt(p.l, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
    R(H->fcntl(p.l, F_SETFL, 0));
    R(H->accept4(p.l, NULL, NULL, 0));
    pair_close(&p);
}

static void full_buffer(void)
{
    struct pair p = pair_open();
    static char lots[1 << 16];
    struct pollfd w = { .fd = p.c, .events = POLLOUT };
    long n = 0;
    int out = -1;
    while (n >= 0 && H->sendto(p.c, lots, sizeof lots, MSG_NOSIGNAL, NULL, 0) > 0)
        H->settle();
    R(H->sendto(p.c, lots, sizeof lots, MSG_NOSIGNAL, NULL, 0));
    R(H->poll(&w, 1, 0));
    R(H->ioctl(p.c, SIOCOUTQ, &out));
    R(out > 0);
    for (int i = 0; i < 5000 && (n = H->recvfrom(p.s, lots, sizeof lots, 0, NULL, NULL)) > 0; i++)
        if (i % 16 == 15)
            H->settle();
    for (int i = 0; i < 500; i++) {
        H->settle();
        if (H->recvfrom(p.s, lots, sizeof lots, 0, NULL, NULL) < 0 && H->poll(&w, 1, 0) > 0)
            break;
    }
    R(H->poll(&w, 1, 0));
    R(w.revents);
    pair_close(&p);
}

const struct sequence stream_sequences[] = {
    { "new_socket", new_socket }, { "refused_later", refused_later }, { "refused_at_send", refused_at_send }, { "refused_blocking", refused_blocking },
    { "connect_nonblocking", connect_nonblocking }, { "half_close", half_close }, { "broken_pipe", broken_pipe },
    { "reset_by_linger", reset_by_linger }, { "reset_by_unread", reset_by_unread }, { "reset_seen_by_error_option", reset_seen_by_error_option },
    { "peeking", peeking }, { "wait_all", wait_all }, { "shut_for_reading", shut_for_reading }, { "urgent", urgent },
    { "urgent_inline", urgent_inline }, { "urgent_missed", urgent_missed }, { "low_water", low_water }, { "times_out", times_out },
    { "full_buffer", full_buffer }, { NULL, NULL },
};
