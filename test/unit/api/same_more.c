/* Ports, listeners, options and datagrams. */
#include "same.h"
#include <errno.h>
#include <stddef.h>
#include <string.h>

static int bind_at(int fd, uint32_t host, uint16_t port)
{
    const struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(host) };
    return H->bind(fd, (const struct sockaddr *)&a, sizeof a);
}

enum { LO = INADDR_LOOPBACK };

static void bad_arguments(void)
{
    struct sockaddr_in a = at(0);
    const int s = tcp_socket();
    R(H->socket(99, SOCK_STREAM, 0));
    R(H->socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    R(H->socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
    R(H->socket(AF_INET, 77, 0));
    R(H->socket(AF_INET, SOCK_STREAM | 0x100000, 0));
    R(H->bind(s, (struct sockaddr *)&a, 4));
    a.sin_family = AF_INET6;
    R(H->bind(s, (struct sockaddr *)&a, sizeof a));
    R(H->connect(s, (struct sockaddr *)&a, sizeof a));
    R(H->connect(s, (struct sockaddr *)&a, 1));
    R(bind_at(s, 0xc0000201, 0));       /* 192.0.2.1 is not ours */
    R(H->accept4(s, NULL, NULL, 0x4000));
    R(H->setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &(char){ 1 }, 1));
    R(set(s, SOL_SOCKET, 9999, 1));
    R(opt(s, SOL_SOCKET, 9999));
    R(set(s, IPPROTO_TCP, 9999, 1));
    R(opt(s, IPPROTO_TCP, 9999));
    R(set(s, SOL_SOCKET, SO_ERROR, 1));
    R(set(s, SOL_SOCKET, SO_TYPE, 1));
    R(H->ioctl(s, 0x12345, &(int){ 0 }));
    R(H->fcntl(s, F_SETFL, O_NONBLOCK));
    R(H->fcntl(s, F_GETFL, 0) & (O_NONBLOCK | O_ACCMODE));
    R(H->fcntl(s, F_GETFD, 0));
    R(H->fcntl(-1, F_GETFL, 0));
    R(H->close(-1));
    R(H->close(s));
}

static void double_bind(void)
{
    const int a = tcp_socket(), b = tcp_socket();
    R(bind_at(a, LO, 0));
    const uint16_t port = port_of(a);
    R(bind_at(a, LO, 0));
    R(bind_at(b, LO, port));
    R(bind_at(b, INADDR_ANY, port));
    R(set(b, SOL_SOCKET, SO_REUSEADDR, 1));
    R(bind_at(b, LO, port));
    R(set(a, SOL_SOCKET, SO_REUSEADDR, 1));
    R(bind_at(b, LO, port));
    R(H->listen(a, 1));
    R(H->listen(b, 1));
    const int c = tcp_socket();
    R(set(c, SOL_SOCKET, SO_REUSEADDR, 1));
    R(bind_at(c, LO, port));            /* a listener shares with nobody */
    R(H->close(a));
    R(H->listen(b, 1));
    R(H->close(b));
    R(H->close(c));
}

static void other_address(void)
{
    const int a = tcp_socket(), b = tcp_socket();
    R(bind_at(a, LO, 0));
    R(bind_at(b, LO + 1, port_of(a)));  /* 127.0.0.2 is another address */
    R(H->listen(a, 1));
    R(H->listen(b, 1));
    R(H->close(a));
    R(H->close(b));
}

static void time_wait_keeps_the_port(void)
{
    struct pair p = pair_open();
    const uint16_t port = port_of(p.l);
    R(H->close(p.s));                   /* the server closes first: its port is in TIME-WAIT */
    H->settle();
    R(H->close(p.c));
    R(H->close(p.l));
    H->settle();
    const int a = tcp_socket();
    R(bind_at(a, LO, port));
    R(set(a, SOL_SOCKET, SO_REUSEADDR, 1));
    R(bind_at(a, LO, port));
    R(H->listen(a, 1));
    R(H->close(a));
}

static void reuse_port(void)
{
    const int a = tcp_socket(), b = tcp_socket(), c = tcp_socket();
    R(set(a, SOL_SOCKET, SO_REUSEPORT, 1));
    R(set(b, SOL_SOCKET, SO_REUSEPORT, 1));
    R(bind_at(a, LO, 0));
    R(bind_at(b, LO, port_of(a)));
    R(bind_at(c, LO, port_of(a)));
    R(H->listen(a, 16));
    R(H->listen(b, 16));
    int clients[16], got[2] = { 0, 0 };
    for (int i = 0; i < 16; i++) {
        clients[i] = tcp_socket();
        (void)try_connect(clients[i], port_of(a));
    }
    H->settle();
    for (int i = 0; i < 2; i++)
        for (int s; (s = H->accept4(i ? b : a, NULL, NULL, SOCK_NONBLOCK)) >= 0; got[i]++)
            H->close(s);
    R(got[0] + got[1]);
    R(got[0] > 0);
    R(got[1] > 0);
    for (int i = 0; i < 16; i++)
        H->close(clients[i]);
    R(H->close(a));
    R(H->close(b));
    R(H->close(c));
}

static void listening(void)
{
    const int l = tcp_socket();
    char byte;
    int n = 0;
    R(H->listen(l, 1));                 /* binds by itself */
    R(port_of(l) != 0);
    R(bits(l));
    R(opt(l, SOL_SOCKET, SO_ACCEPTCONN));
    R(H->listen(l, 5));
    R(H->accept4(l, NULL, NULL, 0));
    R(say(l, "x"));
    R(H->recvfrom(l, &byte, 1, 0, NULL, NULL));
    R(try_connect(l, 1));
    R(bind_at(l, LO, 0));
    R(H->ioctl(l, FIONREAD, &n));
    R(H->ioctl(l, SIOCOUTQ, &n));
    R(H->shutdown(l, SHUT_WR));
    R(H->accept4(l, NULL, NULL, 0));
    R(H->shutdown(l, SHUT_RD));
    R(H->accept4(l, NULL, NULL, 0));
    R(bits(l));
    R(opt(l, SOL_SOCKET, SO_ACCEPTCONN));
    R(H->listen(l, 5));                 /* listens again */
    R(bits(l));
    R(H->close(l));
}

static void accepted(void)
{
    const int l = listener(4), c = tcp_socket();
    struct sockaddr_in a = { 0 };
    socklen_t n = sizeof a;
    R(set(l, SOL_SOCKET, SO_KEEPALIVE, 1));
    R(set(l, IPPROTO_TCP, TCP_NODELAY, 1));
    (void)try_connect(c, port_of(l));
    H->settle();
    const int s = H->accept4(l, (struct sockaddr *)&a, &n, 0);
    R(n);
    R(a.sin_family);
    R(ntohs(a.sin_port) == port_of(c));
    R(ntohl(a.sin_addr.s_addr));
    R(opt(s, SOL_SOCKET, SO_KEEPALIVE));
    R(opt(s, IPPROTO_TCP, TCP_NODELAY));
    R(H->fcntl(s, F_GETFL, 0) & O_NONBLOCK);
    R(opt(s, SOL_SOCKET, SO_ACCEPTCONN));
    n = 4;
    R(H->getpeername(s, (struct sockaddr *)&a, &n));
    R(n);
    n = (socklen_t)-1;
    R(H->getpeername(s, (struct sockaddr *)&a, &n));
    R(port_of(s) == port_of(l));
    R(H->close(l));
    R(say(c, "on"));                    /* what was accepted goes on */
    H->settle();
    R(hear(s, 9, 0));
    R(H->close(s));
    R(H->close(c));
}

static void listener_closes(void)
{
    const int l = listener(4), c = tcp_socket();
    (void)try_connect(c, port_of(l));
    H->settle();
    R(bits(c));
    R(H->close(l));                     /* it was not accepted */
    H->settle();
    R(bits(c));
    R(hear(c, 1, 0));
    R(H->close(c));
}

static void disconnecting(void)
{
    struct pair p = pair_open();
    const struct sockaddr none = { .sa_family = AF_UNSPEC };
    R(H->connect(p.c, &none, sizeof none));
    H->settle();
    R(bits(p.c));
    R(hear(p.s, 1, 0));
    R(say(p.c, "x"));
    R(try_connect(p.c, port_of(p.l)));
    H->settle();
    R(try_connect(p.c, port_of(p.l)));
    pair_close(&p);
}

static void options(void)
{
    const int s = tcp_socket();
    static const int names[][2] = {
        { SOL_SOCKET, SO_REUSEADDR }, { SOL_SOCKET, SO_REUSEPORT }, { SOL_SOCKET, SO_KEEPALIVE }, { SOL_SOCKET, SO_OOBINLINE }, { SOL_SOCKET, SO_BROADCAST },
        { SOL_SOCKET, SO_TYPE }, { SOL_SOCKET, SO_DOMAIN }, { SOL_SOCKET, SO_PROTOCOL }, { SOL_SOCKET, SO_ERROR }, { SOL_SOCKET, SO_ACCEPTCONN },
        { IPPROTO_TCP, TCP_NODELAY }, { IPPROTO_TCP, TCP_CORK }, { IPPROTO_TCP, TCP_KEEPIDLE }, { IPPROTO_TCP, TCP_KEEPINTVL }, { IPPROTO_TCP, TCP_KEEPCNT },
        { IPPROTO_TCP, TCP_MAXSEG }, { IPPROTO_IP, IP_TOS }, { IPPROTO_IP, IP_TTL },
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        R(opt(s, names[i][0], names[i][1]));
    R(set(s, IPPROTO_TCP, TCP_NODELAY, 5));
    R(opt(s, IPPROTO_TCP, TCP_NODELAY));
    R(set(s, IPPROTO_TCP, TCP_KEEPIDLE, 60));
    R(opt(s, IPPROTO_TCP, TCP_KEEPIDLE));
    R(set(s, IPPROTO_TCP, TCP_KEEPIDLE, 0));
    R(set(s, IPPROTO_TCP, TCP_KEEPIDLE, 40000));
    R(set(s, IPPROTO_TCP, TCP_KEEPINTVL, 7));
    R(opt(s, IPPROTO_TCP, TCP_KEEPINTVL));
    R(set(s, IPPROTO_TCP, TCP_KEEPCNT, 128));
    R(set(s, IPPROTO_TCP, TCP_KEEPCNT, 3));
    R(opt(s, IPPROTO_TCP, TCP_KEEPCNT));
    R(set(s, IPPROTO_TCP, TCP_MAXSEG, 10));
    R(set(s, IPPROTO_TCP, TCP_MAXSEG, 1000));
    R(set(s, IPPROTO_IP, IP_TTL, 0));
    R(set(s, IPPROTO_IP, IP_TTL, 256));
    R(set(s, IPPROTO_IP, IP_TTL, 3));
    R(opt(s, IPPROTO_IP, IP_TTL));
    R(set(s, IPPROTO_IP, IP_TOS, 0xfc));
    R(opt(s, IPPROTO_IP, IP_TOS));
    R(set(s, SOL_SOCKET, SO_SNDBUF, 20000));
    R(opt(s, SOL_SOCKET, SO_SNDBUF));
    R(set(s, SOL_SOCKET, SO_RCVBUF, 30000));
    R(opt(s, SOL_SOCKET, SO_RCVBUF));
    R(H->setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
    R(H->setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "nonsense", 8));
    char name[16] = { 0 };
    socklen_t n = sizeof name;
    R(H->getsockopt(s, IPPROTO_TCP, TCP_CONGESTION, name, &n));
    note_text("congestion", name);
    const struct linger l = { .l_onoff = 7, .l_linger = 3 };
    struct linger got = { 0 };
    n = sizeof got;
    R(H->setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof l));
    R(H->getsockopt(s, SOL_SOCKET, SO_LINGER, &got, &n));
    R(got.l_onoff);
    R(got.l_linger);
    R(H->close(s));
}

/* ------------------------------------------------------------- datagrams */

static int udp_socket(void) { return H->socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0); }

static int send_dgram(int fd, const char *text, uint16_t port)
{
    const struct sockaddr_in a = at(port);
    return (int)H->sendto(fd, text, strlen(text), 0, (const struct sockaddr *)&a, sizeof a);
}

static void datagrams(void)
{
    const int a = udp_socket(), b = udp_socket();
    struct sockaddr_in from = { 0 };
    socklen_t n = sizeof from;
    char text[16] = { 0 };
    int waiting = 0;
    R(bits(a));
    R(say(a, "x"));
    R(hear(a, 9, 0));
    R(bind_at(a, LO, 0));
    R(send_dgram(b, "hello", port_of(a)));
    R(port_of(b) != 0);
    R(send_dgram(b, "", port_of(a)));
    R(send_dgram(b, "third", port_of(a)));
    H->settle();
    R(bits(a));
    R(H->ioctl(a, FIONREAD, &waiting));
    R(waiting);
    R(H->recvfrom(a, text, 3, MSG_PEEK, (struct sockaddr *)&from, &n));
    R(n);
    R(ntohs(from.sin_port) == port_of(b));
    R(H->recvfrom(a, text, 3, MSG_TRUNC, NULL, NULL));
    R(H->recvfrom(a, text, 9, 0, NULL, NULL));
    struct iovec v = { text, 2 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
    R(H->recvmsg(a, &m, 0));
    R(m.msg_flags);
    R(hear(a, 9, 0));
    R(H->sendto(a, "x", 1, MSG_OOB, (struct sockaddr *)&from, n));
    R(hear(a, 1, MSG_OOB));
    R(send_dgram(a, "x", 0));
    R(H->listen(a, 1));
    R(H->accept4(a, NULL, NULL, 0));
    R(opt(a, IPPROTO_TCP, TCP_NODELAY));
    R(H->close(a));
    R(H->close(b));
}

static void connected_datagrams(void)
{
    const int a = udp_socket(), b = udp_socket(), c = udp_socket();
    struct sockaddr_in peer;
    socklen_t n = sizeof peer;
    R(bind_at(a, LO, 0));
    R(H->getpeername(b, (struct sockaddr *)&peer, &n));
    R(H->shutdown(b, SHUT_WR));
    R(try_connect(c, port_of(a)));
    R(H->getpeername(c, (struct sockaddr *)&peer, &n));
    R(say(c, "from c"));
    H->settle();
    R(hear(a, 9, 0));
    R(bind_at(b, LO, 0));
    R(send_dgram(b, "stranger", port_of(c)));
    R(send_dgram(a, "friend", port_of(c)));
    H->settle();
    R(hear(c, 9, 0));                   /* of its peer only */
    R(hear(c, 9, 0));
    R(H->close(a));
    R(say(c, "nobody"));
    H->settle();
    R(bits(c));
    R(say(c, "again"));                 /* ICMP has said so */
    H->settle();
    R(hear(c, 9, 0));
    R(say(c, "again"));
    H->settle();
    R(opt(c, SOL_SOCKET, SO_ERROR));
    R(opt(c, SOL_SOCKET, SO_ERROR));
    const struct sockaddr none = { .sa_family = AF_UNSPEC };
    R(H->connect(c, &none, sizeof none));
    R(say(c, "x"));
    R(send_dgram(c, "nobody", closed_port()));
    H->settle();
    R(opt(c, SOL_SOCKET, SO_ERROR));    /* nobody asked */
    R(try_connect(c, port_of(b)));
    R(H->shutdown(c, SHUT_WR));
    R(say(c, "x"));
    R(H->shutdown(c, SHUT_RD));
    R(hear(c, 9, 0));
    R(bits(c));
    R(H->close(b));
    R(H->close(c));
}

static void datagram_ports(void)
{
    const int a = udp_socket(), b = udp_socket();
    static char big[70000];
    const struct sockaddr_in all = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = INADDR_BROADCAST };
    R(bind_at(a, LO, 0));
    R(bind_at(b, LO, port_of(a)));
    R(bind_at(b, INADDR_ANY, port_of(a)));
    R(set(a, SOL_SOCKET, SO_REUSEADDR, 1));
    R(set(b, SOL_SOCKET, SO_REUSEADDR, 1));
    R(bind_at(b, LO, port_of(a)));
    R(bind_at(b, LO, 0));
    R(H->connect(a, (const struct sockaddr *)&all, sizeof all));
    const struct sockaddr_in to = at(9);
    R(H->sendto(a, big, 65508, 0, (const struct sockaddr *)&to, sizeof to));
    R(H->close(a));
    R(H->close(b));
}

static void datagram_sizes(void)
{
    const int a = udp_socket();
    R(opt(a, IPPROTO_IP, IP_MTU_DISCOVER));
    R(set(a, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO));
    R(opt(a, IPPROTO_IP, IP_MTU_DISCOVER));
    R(set(a, IPPROTO_IP, IP_MTU_DISCOVER, 77));
    R(set(a, IPPROTO_IP, IP_MTU_DISCOVER, -1));
    R(set(a, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT));
    R(opt(a, IPPROTO_IP, IP_MTU_DISCOVER));
    R(H->close(a));
}

const struct sequence more_sequences[] = {
    { "bad_arguments", bad_arguments }, { "double_bind", double_bind }, { "other_address", other_address },
    { "time_wait_keeps_the_port", time_wait_keeps_the_port }, { "reuse_port", reuse_port }, { "listening", listening }, { "accepted", accepted },
    { "listener_closes", listener_closes }, { "disconnecting", disconnecting }, { "options", options }, { "datagrams", datagrams },
    { "connected_datagrams", connected_datagrams }, { "datagram_ports", datagram_ports }, { "datagram_sizes", datagram_sizes }, { NULL, NULL },
};
