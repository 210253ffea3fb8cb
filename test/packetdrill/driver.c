/* Uses the object as packetdrill does: loaded by name, a reader's thread that feeds and
 * sniffs packets and moves time, and a thread that makes blocking calls.
 *
 *   driver PATH/plumb.so */
#include "interface.h"
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static struct packetdrill_interface I;
static void *U;
static _Atomic int checks;

#define CHECK(what)                                                             \
    do {                                                                        \
        checks++;                                                               \
        if (!(what)) {                                                          \
            fprintf(stderr, "driver.c:%d: not so: %s\n", __LINE__, #what);      \
            exit(1);                                                            \
        }                                                                       \
    } while (0)

/* --------------------------------------------------------------- packets */

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, HEADERS = 40 };
static const uint32_t LOCAL = 0xc0a80001, REMOTE = 0xc0000201;  /* 192.168.0.1, 192.0.2.1 */

struct peer { uint16_t port, local_port; uint32_t seq, ack; };  /* the far end, as a script plays it */
struct seen { uint32_t seq, ack; uint8_t flags; size_t len; int64_t us; uint16_t from, to; };

static void put16(uint8_t *p, uint32_t v) { p[0] = (uint8_t)(v >> 8); p[1] = (uint8_t)v; }
static void put32(uint8_t *p, uint32_t v) { put16(p, v >> 16); put16(p + 2, v & 0xffff); }
static uint32_t get16(const uint8_t *p)   { return (uint32_t)p[0] << 8 | p[1]; }
static uint32_t get32(const uint8_t *p)   { return get16(p) << 16 | get16(p + 2); }

static uint16_t sum(const uint8_t *p, size_t n, uint32_t s)
{
    for (size_t i = 0; i + 1 < n; i += 2)
        s += get16(p + i);
    if (n & 1)
        s += (uint32_t)p[n - 1] << 8;
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint16_t)~s;
}

static void inject(struct peer *w, uint8_t flags, const void *text, size_t len)
{
    uint8_t k[HEADERS + 2000] = { 0x45 };
    put16(k + 2, (uint32_t)(HEADERS + len));
    k[8] = 64;
    k[9] = 6;
    put32(k + 12, REMOTE);
    put32(k + 16, LOCAL);
    put16(k + 10, sum(k, 20, 0));
    put16(k + 20, w->port);
    put16(k + 22, w->local_port);
    put32(k + 24, w->seq);
    put32(k + 28, flags & ACK ? w->ack : 0);
    k[32] = 0x50;
    k[33] = flags;
    put16(k + 34, 60000);
    if (len)
        memcpy(k + HEADERS, text, len);
    const uint32_t pseudo = (REMOTE >> 16) + (REMOTE & 0xffff) + (LOCAL >> 16) + (LOCAL & 0xffff) + 6 + 20 + (uint32_t)len;
    put16(k + 36, sum(k + 20, 20 + len, pseudo));
    w->seq += (uint32_t)len + !!(flags & SYN) + !!(flags & FIN);
    CHECK(I.netdev_send(U, k, HEADERS + len) == 0);
}

/* The next segment to leave; its numbers become what the peer acknowledges. */
static struct seen sniff(struct peer *w)
{
    static uint8_t k[70000];
    size_t len = sizeof k;
    long long us = -1;
    CHECK(I.netdev_receive(U, k, &len, &us) == 0);
    CHECK(len >= HEADERS && k[0] == 0x45 && k[9] == 6 && sum(k, 20, 0) == 0);
    const size_t header = 20 + (size_t)(k[32] >> 4) * 4;
    struct seen s = { .seq = get32(k + 24), .ack = get32(k + 28), .flags = k[33], .len = len - header, .us = us,
                      .from = (uint16_t)get16(k + 20), .to = (uint16_t)get16(k + 22) };
    w->ack = s.seq + (uint32_t)s.len + !!(s.flags & SYN) + !!(s.flags & FIN);
    w->local_port = s.from;
    w->port = s.to;
    return s;
}

static bool nothing_left(void)
{
    uint8_t k[100];
    size_t len = sizeof k;
    long long us = 0;
    CHECK(I.netdev_receive(U, k, &len, &us) == 0);
    return len == 0;
}

static int64_t now_us(void)
{
    struct timeval t;
    CHECK(I.gettimeofday(U, &t, NULL) == 0);
    return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

static struct sockaddr_in address(uint32_t host, uint16_t port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(host) };
}

/* -------------------------------------------------- the thread that blocks */

enum what { ACCEPT, READ, CONNECT, WRITE, STOP };
struct job { enum what what; int fd; int result, error; int64_t end_us; bool begun, done; };
static struct job job = { .done = true };      /* none yet */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static char got[4096];

static int call(const struct job *j)
{
    static char text[300000];
    const struct sockaddr_in to = address(REMOTE, 8080);
    switch (j->what) {
    case ACCEPT:  return I.accept(U, j->fd, NULL, NULL);
    case READ:    return (int)I.read(U, j->fd, got, sizeof got);
    case CONNECT: return I.connect(U, j->fd, (const struct sockaddr *)&to, sizeof to);
    case WRITE:   return (int)I.write(U, j->fd, text, sizeof text);
    default:      return 0;
    }
}

static void *caller(void *arg)
{
    (void)arg;
    for (;;) {
        pthread_mutex_lock(&lock);
        while (job.begun || job.done)
            pthread_cond_wait(&changed, &lock);
        if (job.what == STOP)
            break;
        job.begun = true;
        struct job j = job;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
        j.result = call(&j);
        j.error = errno;
        j.end_us = now_us();
        pthread_mutex_lock(&lock);
        j.done = true;
        job = j;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void begin(enum what what, int fd)
{
    pthread_mutex_lock(&lock);
    job = (struct job){ .what = what, .fd = fd };
    pthread_cond_broadcast(&changed);
    while (what != STOP && !job.begun)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static struct job end(void)
{
    pthread_mutex_lock(&lock);
    while (!job.done)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return job;
}

/* ---------------------------------------------------------------- scenes */

static int listener(uint16_t port)
{
    const int l = I.socket(U, AF_INET, SOCK_STREAM, IPPROTO_TCP);
    const struct sockaddr_in at = address(LOCAL, port);
    const int on = 1;
    CHECK(l >= 0);
    CHECK(I.setsockopt(U, l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
    CHECK(I.bind(U, l, (const struct sockaddr *)&at, sizeof at) == 0);
    CHECK(I.listen(U, l, 5) == 0);
    return l;
}

static void shake_hands(struct peer *w)
{
    inject(w, SYN, NULL, 0);
    const struct seen s = sniff(w);
    CHECK(s.flags == (SYN | ACK) && s.ack == w->seq);
    inject(w, ACK, NULL, 0);
}

/* accept and read block in the second thread; each ends at its own time. */
static void blocking(struct peer *w, int l, int *fd)
{
    const int64_t start = now_us();
    begin(ACCEPT, l);
    CHECK(I.usleep(U, 100000) == 0);
    shake_hands(w);
    const int64_t shaken = now_us();
    CHECK(I.usleep(U, 1000000) == 0);
    struct job j = end();
    CHECK(j.result >= 0);
    CHECK(j.end_us >= start + 100000 && j.end_us <= shaken);
    *fd = j.result;
    begin(READ, *fd);
    CHECK(I.usleep(U, 500000) == 0);
    const int64_t sent = now_us();
    inject(w, ACK | PSH, "hello", 5);
    CHECK(I.usleep(U, 500000) == 0);
    j = end();
    CHECK(j.result == 5 && !memcmp(got, "hello", 5));
    CHECK(j.end_us - sent < 1000);
    const struct seen s = sniff(w);
    CHECK(s.flags == ACK && s.ack == w->seq);
}

/* Hours pass in milliseconds: the keepalive comes after two. */
static void hours(struct peer *w, int fd)
{
    struct timespec a, b;
    const int on = 1;
    const int64_t start = now_us();
    clock_gettime(CLOCK_MONOTONIC, &a);
    CHECK(I.setsockopt(U, fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == 0);
    const struct seen s = sniff(w);     /* jumps there */
    CHECK(s.len == 0 && s.us - start > INT64_C(7190000000) && s.us - start < INT64_C(7210000000));
    w->ack = s.seq + 1;
    inject(w, ACK, NULL, 0);
    const int off = 0;
    CHECK(I.setsockopt(U, fd, SOL_SOCKET, SO_KEEPALIVE, &off, sizeof off) == 0);
    for (int i = 0; i < 6; i++)
        CHECK(I.usleep(U, 600000000) == 0);
    clock_gettime(CLOCK_MONOTONIC, &b);
    CHECK((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < 2000);
    CHECK(now_us() - start > INT64_C(10790000000));
}

static void many_calls(struct peer *w, int fd)
{
    struct tcp_info info;
    socklen_t n = sizeof info;
    CHECK(I.getsockopt(U, fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 && info.tcpi_state == TCP_ESTABLISHED && info.tcpi_snd_cwnd >= 10);
    const int ep = I.epoll_create(U, 1);
    struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.fd = fd };
    CHECK(ep >= 0 && I.epoll_ctl(U, ep, EPOLL_CTL_ADD, fd, &e) == 0);
    CHECK(I.epoll_wait(U, ep, &e, 1, 0) == 0);
    inject(w, ACK | PSH, "abcdef", 6);
    CHECK(I.epoll_wait(U, ep, &e, 1, 0) == 1 && e.events == EPOLLIN && e.data.fd == fd);
    CHECK(I.epoll_wait(U, ep, &e, 1, 0) == 0);
    CHECK(I.epoll_wait(U, ep, &e, 1, 10) == 0);         /* the reader itself waits: time moves */
    int pipes[2], waiting = 0;
    char text[8] = { 0 };
    CHECK(I.ioctl(U, fd, FIONREAD, &waiting) == 0 && waiting == 6);
    CHECK(I.pipe(U, pipes) == 0);
    CHECK(I.splice(U, fd, NULL, pipes[1], NULL, 4, 0) == 4);
    CHECK(read(pipes[0], text, sizeof text) == 4 && !memcmp(text, "abcd", 4));
    CHECK(write(pipes[1], "xyz", 3) == 3);
    CHECK(I.splice(U, pipes[0], NULL, fd, NULL, 3, 0) == 3);
    struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
    CHECK(I.poll(U, &p, 1, 0) == 1 && p.revents == (POLLIN | POLLOUT));
    CHECK(I.fcntl(U, fd, F_SETFL, (long)(O_RDWR | O_NONBLOCK)) == 0);
    CHECK(I.recv(U, fd, text, sizeof text, MSG_PEEK) == 2 && I.read(U, fd, text, sizeof text) == 2);
    CHECK(I.read(U, fd, text, sizeof text) == -1 && errno == EAGAIN);
    CHECK(I.fcntl(U, fd, F_GETFL) == (O_RDWR | O_NONBLOCK));
    CHECK(close(pipes[0]) == 0 && close(pipes[1]) == 0 && I.close(U, ep) == 0);
    struct seen s;
    do
        s = sniff(w);
    while (s.len == 0);
    CHECK(s.len == 3 && s.flags == (PSH | ACK));
    inject(w, ACK, NULL, 0);
    CHECK(fcntl(fd, F_GETFD) >= 0);     /* a real descriptor stands for it */
}

static void closing(struct peer *w, int fd)
{
    CHECK(I.close(U, fd) == 0);
    CHECK(I.read(U, fd, got, 1) == -1 && errno == EBADF);
    struct seen s = sniff(w);
    while (!(s.flags & FIN))
        s = sniff(w);
    inject(w, ACK | FIN, NULL, 0);
    s = sniff(w);
    CHECK(s.flags == ACK && s.ack == w->seq);
    CHECK(nothing_left());
}

/* connect and a write larger than the buffer, both blocking. */
static void connecting(void)
{
    const int fd = I.socket(U, AF_INET, SOCK_STREAM, IPPROTO_TCP), size = 20000;
    struct peer w = { .seq = 7000 };
    CHECK(I.setsockopt(U, fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0);
    begin(CONNECT, fd);
    struct seen s = sniff(&w);
    CHECK(s.flags == SYN && s.to == 8080);
    CHECK(I.usleep(U, 50000) == 0);
    inject(&w, SYN | ACK, NULL, 0);
    struct job j = end();
    CHECK(j.result == 0 && j.end_us - s.us >= 50000 && j.end_us - s.us < 60000);
    s = sniff(&w);
    CHECK(s.flags == ACK);
    begin(WRITE, fd);
    uint32_t first = w.ack;
    while (w.ack - first < 300000) {
        (void)sniff(&w);
        inject(&w, ACK, NULL, 0);
    }
    j = end();
    CHECK(j.result == 300000);
    begin(READ, fd);
    CHECK(I.usleep(U, 1000) == 0);
    inject(&w, RST | ACK, NULL, 0);
    j = end();
    CHECK(j.result == -1 && j.error == ECONNRESET);
    CHECK(I.close(U, fd) == 0);
}

int main(int argc, char **argv)
{
    struct peer w = { .port = 5000, .local_port = 8080, .seq = 1000 };
    pthread_t t;
    void *object = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    void (*init)(const char *, struct packetdrill_interface *) = NULL;
    if (!object) {
        fprintf(stderr, "%s\n", argc > 1 ? dlerror() : "driver OBJECT.so");
        return 1;
    }
    *(void **)&init = dlsym(object, "packetdrill_interface_init");
    CHECK(init);
    CHECK(dlsym(object, "getsockopt"));
    init("addr=192.168.0.1/16,mtu=1500,profile=linux,cc=cubic", &I);
    U = I.userdata;
    for (void **f = (void **)&I.free; f < (void **)(&I + 1); f++)
        CHECK(*f);
    pthread_create(&t, NULL, caller, NULL);
    const int l = listener(8080);
    int fd;
    blocking(&w, l, &fd);
    hours(&w, fd);
    many_calls(&w, fd);
    closing(&w, fd);
    connecting();
    CHECK(I.close(U, l) == 0);
    begin(STOP, -1);
    pthread_join(t, NULL);
    I.free(U);
    printf("%d checks\n", checks);
    return 0;
}
