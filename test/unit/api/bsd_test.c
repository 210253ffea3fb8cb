/* The BSD calls between two hosts on a wire in memory, and on one host by many threads. */
#include "../test.h"
#include <errno.h>
#include <plumb/socket.h>
#include <stdlib.h>

static struct { plumb_stack *s; plumb_bsd *b; } host[2];
static int64_t now;
static bool cut;                        /* the wire loses everything */
static int fds_left;                    /* for host 1; < 0: without limit */

static int64_t next_deadline(void)
{
    const int64_t a = plumb_deadline(host[0].s), b = plumb_deadline(host[1].s);
    return a < b ? a : b;
}

static void carry(void)
{
    static uint8_t frame[PLUMB_FRAME_MAX];
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < 2; i++) {
            plumb_tick(host[i].s, now);
            for (size_t n; (n = plumb_output(host[i].s, 0, frame, sizeof frame, now)); moved = true)
                if (!cut)
                    assert_int_equal(plumb_input(host[!i].s, 0, frame, n, now), PLUMB_OK);
        }
    }
}

static void run_for(int64_t ns)
{
    const int64_t end = now + ns;
    carry();
    for (int64_t next; (next = next_deadline()) <= end;) {
        now = next > now ? next : now + 1000;
        carry();
    }
    now = end;
    carry();
}

static int64_t hook_now(void *arg) { return *(int64_t *)arg; }

static void hook_wait(void *arg, struct plumb_waiter *w, int64_t until)
{
    (void)arg;
    const int64_t patience = now + INT64_C(3600000000000);
    while (!w->woken && now < until) {
        assert_true(now < patience);    /* nothing would ever end this */
        const int64_t next = next_deadline();
        run_for(next <= now ? 0 : (next < until ? next : until) - now);
    }
}

static int hook_open(void *arg)
{
    static int next = 100;
    (void)arg;
    if (fds_left == 0) {
        errno = EMFILE;
        return -1;
    }
    fds_left -= fds_left > 0;
    return next++ % 30000 + 100;
}

static void open_hosts(void)
{
    cut = false;
    fds_left = -1;
    now = 1000000000;
    for (int i = 0; i < 2; i++) {
        const struct plumb_options o = { .size = sizeof o, .seed = (uint64_t)i + 1 };
        const struct plumb_interface nic = { .size = sizeof nic, .mac = { 2, 0, 0, 0, 0, (uint8_t)(i + 1) } };
        const struct plumb_bsd_hooks h = { .size = sizeof h, .arg = &now, .now = hook_now, .wait = hook_wait, .open_fd = i ? hook_open : NULL };
        host[i].s = plumb_open(&o, now);
        assert_int_equal(plumb_add_interface(host[i].s, &nic), 0);
        assert_int_equal(plumb_add_address(host[i].s, 0, i ? "10.0.0.2/24" : "10.0.0.1/24"), PLUMB_OK);
        host[i].b = plumb_bsd_open(host[i].s, &h);
        assert_non_null(host[i].b);
    }
}

static void close_hosts(void)
{
    for (int i = 0; i < 2; i++) {
        plumb_bsd_close(host[i].b);
        plumb_close(host[i].s);
    }
}

static struct sockaddr_in at(uint32_t a, uint16_t port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(a) };
}

enum { A = 0x0a000001, B = 0x0a000002 };

static int serve(uint16_t port)
{
    const int l = plumb_bsd_socket(host[1].b, AF_INET, SOCK_STREAM, 0);
    const struct sockaddr_in a = at(INADDR_ANY, port);
    assert_true(l >= 0);
    assert_int_equal(plumb_bsd_bind(host[1].b, l, (const struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(plumb_bsd_listen(host[1].b, l, 5), 0);
    return l;
}

static int dial(uint16_t port, int flags)
{
    const int c = plumb_bsd_socket(host[0].b, AF_INET, SOCK_STREAM | flags, 0);
    const struct sockaddr_in to = at(B, port);
    const int r = plumb_bsd_connect(host[0].b, c, (const struct sockaddr *)&to, sizeof to);
    if (flags)
        assert_true(r == -1 && errno == EINPROGRESS);
    else
        assert_int_equal(r, 0);
    return c;
}

static void blocking_calls(void **state)
{
    static uint8_t out[3000000], in[3000000];
    (void)state;
    open_hosts();
    const int l = serve(80), c = dial(80, 0), s = plumb_bsd_accept(host[1].b, l, NULL, NULL);
    assert_true(s >= 0);
    for (size_t i = 0; i < sizeof out; i++)
        out[i] = (uint8_t)(i * 7 + i / 251);
    assert_int_equal(plumb_bsd_write(host[0].b, c, "ping", 4), 4);
    assert_int_equal(plumb_bsd_recv(host[1].b, s, in, 4, MSG_WAITALL), 4);
    size_t sent = 0, got = 0;
    while (got < sizeof in) {
        if (sent < sizeof out) {
            const ssize_t n = plumb_bsd_send(host[0].b, c, out + sent, sizeof out - sent, MSG_DONTWAIT);
            assert_true(n > 0 || errno == EAGAIN);
            sent += n > 0 ? (size_t)n : 0;
        }
        const ssize_t n = plumb_bsd_read(host[1].b, s, in + got, sizeof in - got);
        assert_true(n > 0);
        got += (size_t)n;
    }
    assert_memory_equal(out, in, sizeof in);
    assert_int_equal(plumb_bsd_shutdown(host[0].b, c, SHUT_WR), 0);
    assert_int_equal(plumb_bsd_read(host[1].b, s, in, 1), 0);
    close_hosts();
}

static void time_outs(void **state)
{
    const struct timeval t = { .tv_sec = 2 };
    static char lots[1 << 20];
    (void)state;
    open_hosts();
    const int l = serve(80), c = dial(80, 0), s = plumb_bsd_accept(host[1].b, l, NULL, NULL);
    int64_t start = now;
    assert_int_equal(plumb_bsd_setsockopt(host[0].b, c, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t), 0);
    assert_int_equal(plumb_bsd_setsockopt(host[0].b, c, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t), 0);
    assert_int_equal(plumb_bsd_read(host[0].b, c, lots, 1), -1);
    assert_int_equal(errno, EAGAIN);
    assert_in_range(now - start, 2000000000, 2100000000);
    while (plumb_bsd_send(host[0].b, c, lots, sizeof lots, MSG_DONTWAIT) > 0)
        run_for(100000000);             /* nobody reads */
    start = now;
    assert_int_equal(plumb_bsd_write(host[0].b, c, lots, sizeof lots), -1);
    assert_int_equal(errno, EAGAIN);
    assert_in_range(now - start, 2000000000, 2100000000);
    cut = true;
    const int d = plumb_bsd_socket(host[0].b, AF_INET, SOCK_STREAM, 0);
    const struct sockaddr_in to = at(B, 80);
    assert_int_equal(plumb_bsd_setsockopt(host[0].b, d, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t), 0);
    assert_int_equal(plumb_bsd_connect(host[0].b, d, (const struct sockaddr *)&to, sizeof to), -1);
    assert_int_equal(errno, EINPROGRESS);
    assert_int_equal(plumb_bsd_close_fd(host[1].b, s), 0);
    close_hosts();
}

static void nobody_answers(void **state)
{
    char byte;
    int e = 0;
    socklen_t n = sizeof e;
    (void)state;
    open_hosts();
    const int l = serve(80), c = dial(80, 0);
    assert_true(plumb_bsd_accept(host[1].b, l, NULL, NULL) >= 0);
    cut = true;
    assert_int_equal(plumb_bsd_write(host[0].b, c, "x", 1), 1);
    assert_int_equal(plumb_bsd_read(host[0].b, c, &byte, 1), -1);
    assert_true(errno == ETIMEDOUT || errno == EHOSTUNREACH);
    assert_int_equal(plumb_bsd_getsockopt(host[0].b, c, SOL_SOCKET, SO_ERROR, &e, &n), 0);
    assert_int_equal(e, 0);             /* it was told */
    const int d = plumb_bsd_socket(host[0].b, AF_INET, SOCK_STREAM, 0);
    const struct sockaddr_in to = at(B, 80);
    assert_int_equal(plumb_bsd_connect(host[0].b, d, (const struct sockaddr *)&to, sizeof to), -1);
    assert_true(errno == ETIMEDOUT || errno == EHOSTUNREACH);
    close_hosts();
}

static void lingering(void **state)
{
    const struct linger l5 = { .l_onoff = 1, .l_linger = 5 };
    char byte;
    (void)state;
    open_hosts();
    const int l = serve(80), c = dial(80, 0), s = plumb_bsd_accept(host[1].b, l, NULL, NULL), d = dial(80, 0);
    assert_int_equal(plumb_bsd_setsockopt(host[0].b, c, SOL_SOCKET, SO_LINGER, &l5, sizeof l5), 0);
    assert_int_equal(plumb_bsd_setsockopt(host[0].b, d, SOL_SOCKET, SO_LINGER, &l5, sizeof l5), 0);
    assert_int_equal(plumb_bsd_write(host[0].b, c, "!", 1), 1);
    int64_t start = now;
    assert_int_equal(plumb_bsd_close_fd(host[0].b, c), 0);
    assert_true(now - start < 1000000000);      /* until it was acknowledged */
    assert_int_equal(plumb_bsd_read(host[1].b, s, &byte, 1), 1);
    cut = true;
    assert_int_equal(plumb_bsd_write(host[0].b, d, "!", 1), 1);
    start = now;
    assert_int_equal(plumb_bsd_close_fd(host[0].b, d), 0);
    assert_in_range(now - start, 5000000000, 5100000000);
    close_hosts();
}

/* What there is no descriptor for goes on waiting to be accepted. */
static void accept_without_descriptors(void **state)
{
    (void)state;
    open_hosts();
    const int l = serve(80);
    (void)dial(80, 0);
    run_for(100000000);
    fds_left = 0;
    assert_int_equal(plumb_bsd_accept(host[1].b, l, NULL, NULL), -1);
    assert_int_equal(errno, EMFILE);
    assert_int_equal(plumb_bsd_socket(host[1].b, AF_INET, SOCK_STREAM, 0), -1);
    assert_int_equal(errno, EMFILE);
    assert_int_equal(plumb_bsd_epoll_create1(host[1].b, 0), -1);
    assert_int_equal(errno, EMFILE);
    fds_left = 1;
    assert_true(plumb_bsd_accept(host[1].b, l, NULL, NULL) >= 0);
    close_hosts();
}

static void both_families(void **state)
{
    struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(80) }, peer;
    socklen_t n = sizeof peer;
    (void)state;
    open_hosts();
    const int l = plumb_bsd_socket(host[1].b, AF_INET6, SOCK_STREAM, 0), c = plumb_bsd_socket(host[0].b, AF_INET6, SOCK_STREAM, 0);
    assert_int_equal(plumb_bsd_bind(host[1].b, l, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(plumb_bsd_listen(host[1].b, l, 1), 0);
    memcpy(a.sin6_addr.s6_addr, (uint8_t[16]){ [10] = 0xff, 0xff, 10, 0, 0, 2 }, 16);
    assert_int_equal(plumb_bsd_connect(host[0].b, c, (struct sockaddr *)&a, sizeof a), 0);
    const int s = plumb_bsd_accept(host[1].b, l, (struct sockaddr *)&peer, &n);
    assert_true(s >= 0);
    assert_int_equal(n, sizeof peer);
    assert_int_equal(peer.sin6_family, AF_INET6);
    assert_memory_equal(peer.sin6_addr.s6_addr, ((uint8_t[16]){ [10] = 0xff, 0xff, 10, 0, 0, 1 }), 16);
    const int d = plumb_bsd_socket(host[0].b, AF_INET6, SOCK_STREAM, 0);
    memcpy(a.sin6_addr.s6_addr, (uint8_t[16]){ 0x20, 1, 0x0d, 0xb8, [15] = 1 }, 16);
    assert_int_equal(plumb_bsd_connect(host[0].b, d, (struct sockaddr *)&a, sizeof a), -1);
    assert_int_equal(errno, ENETUNREACH);       /* they have no address of IPv6 yet */
    assert_int_equal(plumb_bsd_bind(host[0].b, d, (struct sockaddr *)&a, sizeof a), -1);
    assert_int_equal(errno, EADDRNOTAVAIL);
    for (int i = 0; i < 2; i++)
        assert_int_equal(plumb_add_address(host[i].s, 0, i ? "2001:db8::2/64" : "2001:db8::1/64"), PLUMB_OK);
    a.sin6_addr.s6_addr[15] = 2;
    assert_int_equal(plumb_bsd_connect(host[0].b, d, (struct sockaddr *)&a, sizeof a), 0);
    n = sizeof peer;
    const int s6 = plumb_bsd_accept(host[1].b, l, (struct sockaddr *)&peer, &n);
    assert_true(s6 >= 0);
    assert_memory_equal(peer.sin6_addr.s6_addr, ((uint8_t[16]){ 0x20, 1, 0x0d, 0xb8, [15] = 1 }), 16);
    assert_int_equal(plumb_bsd_send(host[0].b, d, "six", 3, 0), 3);
    char got[8];
    assert_int_equal(plumb_bsd_recv(host[1].b, s6, got, sizeof got, 0), 3);
    char text[PLUMB_TEXT];
    assert_true(plumb_address_at(host[0].s, 0, 1, text));
    assert_string_equal(text, "2001:db8::1");
    assert_false(plumb_address_at(host[0].s, 0, 2, text));
    close_hosts();
}

static int udp_at(uint16_t port)
{
    const int fd = plumb_bsd_socket(host[1].b, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), on = 1;
    const struct sockaddr_in a = at(B, port);
    assert_int_equal(plumb_bsd_setsockopt(host[1].b, fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
    assert_int_equal(plumb_bsd_bind(host[1].b, fd, (const struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

/* Two hosts in a group, by the options of either family: who is in it hears, from whom it wished, on the socket that joined. */
static void hear(int fd, const char *what)
{
    char got[32];
    run_for(50000000);
    const ssize_t n = plumb_bsd_recv(host[1].b, fd, got, sizeof got, MSG_DONTWAIT);
    assert_int_equal(n, what ? (ssize_t)strlen(what) : -1);
    if (what)
        assert_memory_equal(got, what, (size_t)n);
}

static void groups(void **state)
{
    const int off = 0, ttl = 7;
    struct sockaddr_in all = at(INADDR_ANY, 5000), to = at(0xef010203, 5000);
    struct ip_mreq m = { { htonl(0xef010203) }, { htonl(INADDR_ANY) } };
    struct ip_mreq_source ms = { { htonl(0xef010203) }, { htonl(B) }, { htonl(A) } };
    int got;
    socklen_t len = sizeof got;
    (void)state;
    open_hosts();
    plumb_bsd *const b = host[1].b;
    const int c = plumb_bsd_socket(host[0].b, AF_INET, SOCK_DGRAM, 0), in = plumb_bsd_socket(b, AF_INET, SOCK_DGRAM, 0), out = udp_at(5001);
    assert_int_equal(plumb_bsd_setsockopt(b, in, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m), 0);      /* before it is bound */
    assert_int_equal(plumb_bsd_bind(b, in, (struct sockaddr *)&all, sizeof all), 0);
    assert_int_equal(plumb_bsd_setsockopt(b, in, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m), -1);
    assert_int_equal(errno, EADDRINUSE);
    assert_int_equal(plumb_bsd_sendto(host[0].b, c, "one", 3, 0, (struct sockaddr *)&to, sizeof to), 3);
    hear(in, "one");
    to.sin_port = htons(5001);
    assert_int_equal(plumb_bsd_sendto(host[0].b, c, "out", 3, 0, (struct sockaddr *)&to, sizeof to), 3);
    hear(out, NULL);                    /* its host is in the group, it is not */
    to.sin_port = htons(5000);
    assert_int_equal(plumb_bsd_setsockopt(b, in, IPPROTO_IP, IP_BLOCK_SOURCE, &ms, sizeof ms), 0);
    assert_int_equal(plumb_bsd_sendto(host[0].b, c, "blocked", 7, 0, (struct sockaddr *)&to, sizeof to), 7);
    hear(in, NULL);
    assert_int_equal(plumb_bsd_setsockopt(b, in, IPPROTO_IP, IP_UNBLOCK_SOURCE, &ms, sizeof ms), 0);
    assert_int_equal(plumb_bsd_sendto(host[0].b, c, "two", 3, 0, (struct sockaddr *)&to, sizeof to), 3);
    hear(in, "two");
    assert_int_equal(plumb_bsd_sendto(b, in, "self", 4, 0, (struct sockaddr *)&to, sizeof to), 4);
    hear(in, "self");
    assert_int_equal(plumb_bsd_setsockopt(b, in, IPPROTO_IP, IP_MULTICAST_LOOP, &off, sizeof off), 0);
    assert_int_equal(plumb_bsd_sendto(b, in, "self", 4, 0, (struct sockaddr *)&to, sizeof to), 4);
    hear(in, NULL);
    assert_int_equal(plumb_bsd_setsockopt(b, in, IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof m), 0);
    assert_int_equal(plumb_bsd_setsockopt(b, in, IPPROTO_IP, IP_DROP_MEMBERSHIP, &m, sizeof m), -1);
    assert_int_equal(errno, EADDRNOTAVAIL);
    assert_int_equal(plumb_bsd_sendto(host[0].b, c, "gone", 4, 0, (struct sockaddr *)&to, sizeof to), 4);
    hear(in, NULL);
    assert_int_equal(plumb_bsd_setsockopt(b, in, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &ms, sizeof ms), 0);
    assert_int_equal(plumb_bsd_setsockopt(b, in, IPPROTO_IP, IP_BLOCK_SOURCE, &ms, sizeof ms), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(plumb_bsd_sendto(host[0].b, c, "wanted", 6, 0, (struct sockaddr *)&to, sizeof to), 6);
    hear(in, "wanted");
    m.imr_multiaddr.s_addr = htonl(B);
    assert_int_equal(plumb_bsd_setsockopt(b, in, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(plumb_bsd_setsockopt(b, in, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof ttl), 0);
    assert_int_equal(plumb_bsd_getsockopt(b, in, IPPROTO_IP, IP_MULTICAST_TTL, &got, &len), 0);
    assert_int_equal(got, 7);
    assert_int_equal(plumb_bsd_setsockopt(b, in, IPPROTO_IP, IP_MULTICAST_TTL, &(int){ 256 }, sizeof ttl), -1);
    assert_int_equal(errno, EINVAL);
    close_hosts();
}

static void groups_of_ip6(void **state)
{
    struct sockaddr_in6 all = { .sin6_family = AF_INET6, .sin6_port = htons(5000) }, to = all;
    struct ipv6_mreq m = { .ipv6mr_interface = 1 };
    memcpy(to.sin6_addr.s6_addr, (uint8_t[16]){ 0xff, 0x15, [15] = 9 }, 16);
    m.ipv6mr_multiaddr = to.sin6_addr;
    (void)state;
    open_hosts();
    for (int i = 0; i < 2; i++)
        assert_int_equal(plumb_add_address(host[i].s, 0, i ? "2001:db8::2/64" : "2001:db8::1/64"), PLUMB_OK);
    const int c = plumb_bsd_socket(host[0].b, AF_INET6, SOCK_DGRAM, 0), in = plumb_bsd_socket(host[1].b, AF_INET6, SOCK_DGRAM, 0);
    assert_int_equal(plumb_bsd_bind(host[1].b, in, (struct sockaddr *)&all, sizeof all), 0);
    assert_int_equal(plumb_bsd_sendto(host[0].b, c, "none", 4, 0, (struct sockaddr *)&to, sizeof to), 4);
    hear(in, NULL);
    assert_int_equal(plumb_bsd_setsockopt(host[1].b, in, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, sizeof m), 0);
    assert_int_equal(plumb_bsd_sendto(host[0].b, c, "one", 3, 0, (struct sockaddr *)&to, sizeof to), 3);
    hear(in, "one");
    m.ipv6mr_interface = 2;
    assert_int_equal(plumb_bsd_setsockopt(host[1].b, in, IPPROTO_IPV6, IPV6_JOIN_GROUP, &m, sizeof m), -1);
    assert_int_equal(errno, ENODEV);
    m.ipv6mr_interface = 1;
    assert_int_equal(plumb_bsd_setsockopt(host[1].b, in, IPPROTO_IPV6, IPV6_LEAVE_GROUP, &m, sizeof m), 0);
    assert_int_equal(plumb_bsd_sendto(host[0].b, c, "none", 4, 0, (struct sockaddr *)&to, sizeof to), 4);
    hear(in, NULL);
    plumb_socket h;
    char from[PLUMB_TEXT], bytes[16];
    size_t n;
    assert_int_equal(plumb_udp(host[1].s, NULL, 5002, &h), PLUMB_OK);
    assert_int_equal(plumb_join(host[1].s, h, 0, "ff15::9", "2001:db8::1"), PLUMB_OK);
    assert_int_equal(plumb_join(host[1].s, h, 0, "2001:db8::7", NULL), PLUMB_INVALID);
    to.sin6_port = htons(5002);
    assert_int_equal(plumb_bsd_sendto(host[0].b, c, "api", 3, 0, (struct sockaddr *)&to, sizeof to), 3);
    run_for(50000000);
    assert_int_equal(plumb_recv_from(host[1].s, h, bytes, sizeof bytes, &n, from), PLUMB_OK);
    assert_int_equal(n, 3);
    assert_int_equal(plumb_leave(host[1].s, h, 0, "ff15::9"), PLUMB_OK);
    assert_int_equal(plumb_leave(host[1].s, h, 0, "ff15::9"), PLUMB_NOT_FOUND);
    close_hosts();
}

/* Each flow goes to one socket of the group, and all of them get some. */
static void datagrams_are_shared(void **state)
{
    int got[4] = { 0 }, of_flow[64], fd[4];
    const struct sockaddr_in to = at(B, 53);
    (void)state;
    open_hosts();
    for (int i = 0; i < 4; i++)
        fd[i] = udp_at(53);
    for (int f = 0; f < 64; f++)
        of_flow[f] = -1;
    for (int f = 0; f < 64; f++) {
        const int c = plumb_bsd_socket(host[0].b, AF_INET, SOCK_DGRAM, 0);
        for (int again = 0; again < 3; again++) {
            assert_int_equal(plumb_bsd_sendto(host[0].b, c, "q", 1, 0, (const struct sockaddr *)&to, sizeof to), 1);
            run_for(1000000);
            for (int i = 0; i < 4; i++) {
                char byte;
                if (plumb_bsd_recv(host[1].b, fd[i], &byte, 1, 0) != 1)
                    continue;
                assert_true(of_flow[f] == -1 || of_flow[f] == i);
                of_flow[f] = i;
                got[i]++;
            }
        }
        assert_int_equal(plumb_bsd_close_fd(host[0].b, c), 0);
    }
    for (int i = 0; i < 4; i++)
        assert_true(got[i] > 3 * 4);
    assert_int_equal(got[0] + got[1] + got[2] + got[3], 3 * 64);
    close_hosts();
}

/* The first time a cookie is asked for; from then on the first bytes are there before the handshake is over. */
static void fast_open(void **state)
{
    const struct sockaddr_in to = at(B, 80);
    const int five = 5, one = 1;
    int read_back = 0;
    socklen_t n = sizeof read_back;
    char got[16] = "";
    (void)state;
    open_hosts();
    const int l = plumb_bsd_socket(host[1].b, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const struct sockaddr_in here = at(0, 80);
    assert_int_equal(plumb_bsd_bind(host[1].b, l, (const struct sockaddr *)&here, sizeof here), 0);
    assert_int_equal(plumb_bsd_setsockopt(host[1].b, l, IPPROTO_TCP, TCP_FASTOPEN, &five, sizeof five), 0);
    assert_int_equal(plumb_bsd_getsockopt(host[1].b, l, IPPROTO_TCP, TCP_FASTOPEN, &read_back, &n), 0);
    assert_int_equal(read_back, 5);
    assert_int_equal(plumb_bsd_listen(host[1].b, l, 5), 0);

    const int first = plumb_bsd_socket(host[0].b, AF_INET, SOCK_STREAM, 0);
    assert_int_equal(plumb_bsd_sendto(host[0].b, first, "one", 3, MSG_FASTOPEN, (const struct sockaddr *)&to, sizeof to), 3);
    run_for(1000000);
    const int a = plumb_bsd_accept(host[1].b, l, NULL, NULL);
    assert_true(a >= 0);
    assert_int_equal(plumb_bsd_recv(host[1].b, a, got, sizeof got, 0), 3);
    assert_int_equal(plumb_bsd_sendto(host[0].b, first, "x", 1, MSG_FASTOPEN, (const struct sockaddr *)&to, sizeof to), -1);
    assert_int_equal(errno, EISCONN);

    const int fresh = plumb_bsd_socket(host[0].b, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    cut = true;                         /* nothing comes back, and yet the bytes are taken */
    assert_int_equal(plumb_bsd_sendto(host[0].b, fresh, "two", 3, MSG_FASTOPEN, (const struct sockaddr *)&to, sizeof to), 3);
    cut = false;
    run_for(1000000);
    const int b = plumb_bsd_accept(host[1].b, l, NULL, NULL);
    assert_true(b >= 0);
    assert_int_equal(plumb_bsd_recv(host[1].b, b, got, sizeof got, 0), 3);
    assert_memory_equal(got, "two", 3);

    const int waits = plumb_bsd_socket(host[0].b, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(plumb_bsd_setsockopt(host[0].b, waits, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof one), 0);
    assert_int_equal(plumb_bsd_connect(host[0].b, waits, (const struct sockaddr *)&to, sizeof to), 0);
    run_for(1000000);
    assert_int_equal(plumb_bsd_accept(host[1].b, l, NULL, NULL), -1);
    struct pollfd p = { .fd = waits, .events = POLLOUT };
    assert_int_equal(plumb_bsd_poll(host[0].b, &p, 1, 0), 1);
    assert_int_equal(plumb_bsd_send(host[0].b, waits, "three", 5, 0), 5);
    run_for(1000000);
    const int c = plumb_bsd_accept(host[1].b, l, NULL, NULL);
    assert_true(c >= 0);
    assert_int_equal(plumb_bsd_recv(host[1].b, c, got, sizeof got, 0), 5);
    assert_memory_equal(got, "three", 5);
    close_hosts();
}

TESTS(blocking_calls, time_outs, nobody_answers, lingering, accept_without_descriptors, fast_open, both_families, groups, groups_of_ip6, datagrams_are_shared)
