/* Random socket calls with random arguments on two hosts and the wire between them, and, while a
 * call is blocked, more of them, as other threads would make.  A call that fails says why; none
 * hangs, and nothing is left.
 * covers: src/api/bsd.c src/api/bsd_addr.c src/api/bsd_bind.c src/api/bsd_dgram.c src/api/bsd_io.c src/api/bsd_opt.c
 * covers: src/api/bsd_ready.c src/api/bsd_socket.c src/api/bsd_stream.c src/api/bsd_info.c src/socket/epoll.c src/socket/ready.c */
#include "api/inner.h"
#include "fuzz.h"
#include <errno.h>
#include <plumb/socket.h>

enum { FDS = 24, DEPTH = 3, CALLS = 400 };

static struct { plumb_stack *s; plumb_bsd *b; } host[2];
static struct reader in;
static int64_t now;
static int depth, calls, losing;

static uint32_t byte(void) { return rd_left(&in) ? rd_u8(&in) : 0; }

/* ----------------------------------------------------------------- world */

static void carry(void)
{
    static uint8_t frame[PLUMB_FRAME_MAX];
    int turns = 0;
    for (bool moved = true; moved && turns++ < 200;) {
        moved = false;
        for (int i = 0; i < 2; i++) {
            plumb_tick(host[i].s, now);
            for (size_t n; (n = plumb_output(host[i].s, 0, frame, sizeof frame, now)); moved = true)
                if (!losing)
                    (void)plumb_input(host[!i].s, 0, frame, n, now);
        }
    }
}

static int64_t next_ns(void)
{
    const int64_t a = plumb_deadline(host[0].s), b = plumb_deadline(host[1].s);
    return a < b ? a : b;
}

static void one_call(void);

static int64_t hook_now(void *arg) { return *(int64_t *)arg; }

/* Others call meanwhile; what nothing ends is ended by closing everything. */
static void hook_wait(void *arg, struct plumb_waiter *w, int64_t until)
{
    const int64_t patience = now + INT64_C(7300000000000);
    (void)arg;
    for (int i = 0; i < 4 && !w->woken && depth < DEPTH && rd_left(&in); i++)
        one_call();
    while (!w->woken && now < until) {
        const int64_t next = next_ns();
        if (next > patience)
            break;
        now = next > now ? (next < until ? next : until) : now + 1000;
        carry();
    }
    if (!w->woken && now < until)
        for (int fd = 0; fd < FDS && !w->woken; fd++)
            for (int i = 0; i < 2; i++)
                (void)plumb_bsd_close_fd(host[i].b, fd);
}

static void open_hosts(void)
{
    for (int i = 0; i < 2; i++) {
        const struct stack_config c = { .seed = (uint64_t)i + 1, .small_pkts = 512, .large_pkts = 4,
                                        .tcp = { .max_conns = 32, .max_blocks = 96, .send_buffer = 60000, .recv_buffer = 60000 } };
        const struct plumb_interface nic = { .size = sizeof nic, .ip_only = true };
        const struct plumb_bsd_hooks h = { .size = sizeof h, .arg = &now, .now = hook_now, .wait = hook_wait, .max_fds = FDS };
        host[i].s = plumb_open_as(&c, now);
        REQUIRE(host[i].s && plumb_add_interface(host[i].s, &nic) == 0);
        REQUIRE(plumb_add_address(host[i].s, 0, i ? "10.0.0.2/24" : "10.0.0.1/24") == PLUMB_OK);
        host[i].b = plumb_bsd_open(host[i].s, &h);
        REQUIRE(host[i].b);
    }
}

/* ------------------------------------------------------------- arguments */

static union { struct sockaddr any; struct sockaddr_in in; struct sockaddr_in6 in6; uint8_t bytes[64]; } name;

static socklen_t address(void)
{
    static const uint32_t hosts[] = { 0x0a000001, 0x0a000002, 0x7f000001, 0, 0xffffffff, 0xe0000001, 0x08080808, 0x0a0000ff };
    const uint32_t k = byte(), a = hosts[k & 7];
    const uint16_t port = k & 8 ? 80 : k & 16 ? (uint16_t)byte() : 81;
    memset(&name, 0, sizeof name);
    if (k & 32) {
        name.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
        if (!(k & 64))
            memcpy(name.in6.sin6_addr.s6_addr, (uint8_t[16]){ [10] = 0xff, 0xff, (uint8_t)(a >> 24), (uint8_t)(a >> 16), (uint8_t)(a >> 8), (uint8_t)a }, 16);
        return k & 128 ? byte() % 64 : sizeof name.in6;
    }
    name.in = (struct sockaddr_in){ .sin_family = k & 64 ? (sa_family_t)byte() : AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(a) };
    return k & 128 ? byte() % 64 : sizeof name.in;
}

static int fd(void) { return (int)(byte() % (FDS + 2)) - 1; }

static const int levels[] = { SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP, IPPROTO_IPV6, 77 };

static int flags(void) { const uint32_t k = byte(); return (int)(k & 0x7f) | (k & 0x80 ? MSG_WAITALL | MSG_TRUNC : 0) | (byte() & 1 ? MSG_MORE : 0); }

/* ----------------------------------------------------------------- calls */

static uint8_t data[300000];

static long bytes_call(plumb_bsd *b, uint32_t what)
{
    const size_t len = what & 1 ? byte() * 1100u : byte();
    struct iovec v[3] = { { data, len / 2 }, { data + 100000, len / 3 }, { data + 200000, byte() } };
    struct msghdr m = { .msg_iov = v, .msg_iovlen = byte() & 3 ? byte() & 3 : 0 };
    socklen_t n;
    switch (what % 9) {
    case 0: return plumb_bsd_send(b, fd(), data, len, flags());
    case 1: return plumb_bsd_recv(b, fd(), data, len, flags());
    case 2: n = address(); return plumb_bsd_sendto(b, fd(), data, len, flags(), &name.any, n);
    case 3: n = byte() % 64; return plumb_bsd_recvfrom(b, fd(), data, len, flags(), &name.any, &n);
    case 4: m.msg_name = &name; m.msg_namelen = address(); return plumb_bsd_sendmsg(b, fd(), &m, flags());
    case 5: m.msg_name = &name; m.msg_namelen = byte() % 64; return plumb_bsd_recvmsg(b, fd(), &m, flags());
    case 6: return plumb_bsd_writev(b, fd(), v, (int)byte() % 4);
    case 7: return plumb_bsd_readv(b, fd(), v, (int)byte() % 4);
    default: return what & 16 ? plumb_bsd_read(b, fd(), data, len) : plumb_bsd_write(b, fd(), data, len);
    }
}

static long option_call(plumb_bsd *b, uint32_t what)
{
    union { int n; struct timeval t; struct linger l; char text[64]; uint8_t bytes[256]; } v = { .bytes = { 0 } };
    const int level = levels[byte() % 5], opt = (int)byte() % 64;
    socklen_t len = what & 4 ? sizeof v.n : byte() % 64;
    for (unsigned i = 0; i < 8; i++)
        v.bytes[i] = (uint8_t)(i < 2 ? byte() : 0);
    if (what & 8)
        v.t = (struct timeval){ .tv_sec = (int)byte() % 3, .tv_usec = byte() };
    if (what & 8)
        len = sizeof v.t;
    if (what & 1)
        return plumb_bsd_setsockopt(b, fd(), level, opt, &v, len);
    const int r = plumb_bsd_getsockopt(b, fd(), level, opt, &v, &len);
    REQUIRE(r < 0 || len <= 256);
    return r;
}

/* A wait on nothing, without a time, would be for ever. */
static long ready_call(plumb_bsd *b, uint32_t what)
{
    struct epoll_event e[4] = { { .events = byte() | byte() << 28 | (byte() & 3) << 12 } };
    struct pollfd p[3] = { { .fd = fd(), .events = (short)byte() }, { .fd = fd(), .events = (short)(byte() << 4) }, { .fd = -1 } };
    struct timeval t = { .tv_usec = byte() };
    fd_set r, w, x;
    switch (what % 5) {
    case 0: return plumb_bsd_epoll_create1(b, byte() & 15 ? 0 : (int)byte());
    case 1:
    case 2: return plumb_bsd_epoll_ctl(b, fd(), (int)byte() % 5, fd(), byte() & 7 ? e : NULL);
    case 3: return what & 8 ? plumb_bsd_epoll_wait(b, fd(), e, (int)byte() % 5, (int)byte() - 1)
                            : plumb_bsd_poll(b, p, byte() % 4, (int)byte());
    default:
        FD_ZERO(&r);
        FD_ZERO(&w);
        FD_ZERO(&x);
        FD_SET(byte() % FDS, &r);
        FD_SET(byte() % FDS, &w);
        FD_SET(byte() % FDS, &x);
        return plumb_bsd_select(b, (int)(byte() % (FDS + 2)) - 1, &r, what & 8 ? &w : NULL, what & 16 ? &x : NULL, &t);
    }
}

static long socket_call(plumb_bsd *b, uint32_t what)
{
    socklen_t n = 0;
    int value = (int)byte();
    switch (what % 11) {
    case 0: {
        const int type = byte() & 15 ? SOCK_STREAM : (int)byte() % 8;
        return plumb_bsd_socket(b, byte() & 15 ? AF_INET : (int)byte() % 12, type | (byte() & 1 ? SOCK_NONBLOCK : 0), 0);
    }
    case 1: return plumb_bsd_socket(b, byte() & 7 ? AF_INET : AF_INET6, SOCK_DGRAM | (byte() & 1 ? SOCK_NONBLOCK : 0), 0);
    case 2: n = address(); return plumb_bsd_bind(b, fd(), &name.any, n);
    case 3: return plumb_bsd_listen(b, fd(), value - 1);
    case 4: n = byte() % 64; return plumb_bsd_accept4(b, fd(), &name.any, &n, byte() & 1 ? SOCK_NONBLOCK : byte() & 15 ? 0 : value);
    case 5: n = address(); return plumb_bsd_connect(b, fd(), &name.any, n);
    case 6: return plumb_bsd_shutdown(b, fd(), value % 4);
    case 7: return plumb_bsd_close_fd(b, fd());
    case 8: n = byte() % 64; return what & 16 ? plumb_bsd_getsockname(b, fd(), &name.any, &n) : plumb_bsd_getpeername(b, fd(), &name.any, &n);
    case 9: return plumb_bsd_fcntl(b, fd(), value % 6, (long)byte() << 8);
    default: {
        static const unsigned long requests[] = { FIONREAD, FIONBIO, SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK, 99 };
        return plumb_bsd_ioctl(b, fd(), requests[byte() % 6], byte() & 15 ? &value : NULL);
    }
    }
}

/* The usual: a listener on one host, a client of it on the other. */
static long common_call(plumb_bsd *b, uint32_t what)
{
    const int s = plumb_bsd_socket(b, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const bool here = b == host[1].b;
    const uint32_t to = what & 8 ? 0x7f000001 : here ? 0x0a000001 : 0x0a000002;
    name.in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = htonl(to) };
    if (s < 0 || what & 1)
        return s < 0 ? s : plumb_bsd_connect(b, s, &name.any, sizeof name.in);
    name.in.sin_addr.s_addr = 0;
    if (what & 2)
        (void)plumb_bsd_setsockopt(b, s, SOL_SOCKET, SO_REUSEPORT, &(int){ 1 }, sizeof(int));
    if (plumb_bsd_bind(b, s, &name.any, sizeof name.in) < 0)
        return -1;
    return plumb_bsd_listen(b, s, 4);
}

static void one_call(void)
{
    const uint32_t k = byte(), what = byte();
    plumb_bsd *b = host[k & 1].b;
    long r = 0;
    if (calls++ > CALLS)
        return;
    depth++;
    errno = 0;
    switch (k >> 1 & 7) {
    case 0: r = common_call(b, what); break;
    case 1: r = socket_call(b, what); break;
    case 2:
    case 3: r = bytes_call(b, what); break;
    case 4: r = option_call(b, what); break;
    case 5: r = ready_call(b, what); break;
    case 6: losing = (what & 0x1f) == 0; carry(); break;
    default: now += (int64_t)what * what * 100000; carry(); break;
    }
    REQUIRE(r >= -1 && (r != -1 || errno != 0));
    depth--;
}

FUZZ(data_in, size)
{
    in = reader_of(data_in, size);
    now = 1000000000;
    depth = calls = losing = 0;
    open_hosts();
    while (rd_left(&in))
        one_call();
    for (int i = 0; i < 2; i++) {
        plumb_bsd_close(host[i].b);
        plumb_close(host[i].s);
    }
}
