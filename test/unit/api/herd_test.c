/* What waiting costs: calls woken for one connection, and descriptors looked at among
 * many that are idle.  The figures of docs/sockets.md are printed by this. */
#include "../test.h"
#include <errno.h>
#include <plumb/socket.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { WAITERS = 16, ROUNDS = 10 };

/* One stack in real time: a lock, a condition for each blocked call, and a thread that gives it time. */
static struct { pthread_mutex_t lock; pthread_cond_t due; plumb_stack *s; plumb_bsd *b; bool stop; pthread_t thread; } D;

static int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t h_now(void *arg)  { (void)arg; return clock_ns(); }
static void h_lock(void *arg)    { (void)arg; pthread_mutex_lock(&D.lock); }
static void h_unlock(void *arg)  { (void)arg; pthread_mutex_unlock(&D.lock); }
static void h_due(void *arg)     { (void)arg; pthread_cond_signal(&D.due); }

static void sleep_until(pthread_cond_t *c, int64_t ns)
{
    const struct timespec t = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
    if (ns == INT64_MAX)
        pthread_cond_wait(c, &D.lock);
    else
        pthread_cond_timedwait(c, &D.lock, &t);
}

static void cond_init(pthread_cond_t *c)
{
    pthread_condattr_t a;
    pthread_condattr_init(&a);
    pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
    pthread_cond_init(c, &a);
    pthread_condattr_destroy(&a);
}

static void h_wait(void *arg, struct plumb_waiter *w, int64_t until)
{
    pthread_cond_t c;
    (void)arg;
    cond_init(&c);
    w->of_driver = &c;
    while (!w->woken && clock_ns() < until)
        sleep_until(&c, until);
    w->of_driver = NULL;
    pthread_cond_destroy(&c);
}

static void h_wake(void *arg, struct plumb_waiter *w)
{
    (void)arg;
    if (w->of_driver)
        pthread_cond_signal(w->of_driver);
}

static void *drive(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&D.lock);
    while (!D.stop) {
        plumb_tick(D.s, clock_ns());
        const int64_t next = plumb_deadline(D.s);
        if (next > clock_ns())
            sleep_until(&D.due, next);
    }
    pthread_mutex_unlock(&D.lock);
    return NULL;
}

/* Without threads the stack goes on while the caller waits. */
static void h_wait_alone(void *arg, struct plumb_waiter *w, int64_t until)
{
    (void)arg;
    while (!w->woken && clock_ns() < until)
        plumb_tick(D.s, clock_ns());
}

static void open_alone(uint32_t conns)
{
    const struct plumb_options o = { .size = sizeof o, .seed = 1, .max_connections = conns };
    const struct plumb_bsd_hooks h = { .size = sizeof h, .now = h_now, .wait = h_wait_alone };
    D.s = plumb_open(&o, clock_ns());
    D.b = plumb_bsd_open(D.s, &h);
    assert_non_null(D.b);
}

static void close_alone(void)
{
    plumb_bsd_close(D.b);
    plumb_close(D.s);
}

static void open_host(uint32_t conns)
{
    const struct plumb_options o = { .size = sizeof o, .seed = 1, .max_connections = conns };
    const struct plumb_bsd_hooks h = { .size = sizeof h, .now = h_now, .lock = h_lock, .unlock = h_unlock, .wait = h_wait, .wake = h_wake, .due = h_due };
    pthread_mutex_init(&D.lock, NULL);
    cond_init(&D.due);
    D.stop = false;
    D.s = plumb_open(&o, clock_ns());
    D.b = plumb_bsd_open(D.s, &h);
    assert_non_null(D.b);
    assert_int_equal(pthread_create(&D.thread, NULL, drive, NULL), 0);
}

static void close_host(void)
{
    pthread_mutex_lock(&D.lock);
    D.stop = true;
    pthread_cond_signal(&D.due);
    pthread_mutex_unlock(&D.lock);
    pthread_join(D.thread, NULL);
    plumb_bsd_close(D.b);
    plumb_close(D.s);
    pthread_cond_destroy(&D.due);
    pthread_mutex_destroy(&D.lock);
}

static void pause_ms(int ms) { nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000L }, NULL); }

/* ---------------------------------------------------------------- waiters */

enum how { PLAIN, EXCLUSIVE, ACCEPT, SHARED_EPOLL, REUSEPORT };
struct waiter { pthread_t thread; enum how how; int l, ep; };
static _Atomic int asleep, accepted;
static _Atomic bool over;

static void take_all(int l)
{
    for (int s; (s = plumb_bsd_accept4(D.b, l, NULL, NULL, SOCK_NONBLOCK)) >= 0; accepted++)
        plumb_bsd_close_fd(D.b, s);
}

static void *wait_for_connections(void *arg)
{
    struct waiter *w = arg;
    while (!over) {
        asleep++;
        if (w->how == ACCEPT) {
            const int s = plumb_bsd_accept(D.b, w->l, NULL, NULL);
            asleep--;
            if (s < 0)
                continue;
            accepted++;
            plumb_bsd_close_fd(D.b, s);
            continue;
        }
        struct epoll_event e;
        (void)plumb_bsd_epoll_wait(D.b, w->ep, &e, 1, -1);
        asleep--;
        take_all(w->l);
    }
    return NULL;
}

static int listen_at(uint16_t port, bool share)
{
    const int l = plumb_bsd_socket(D.b, AF_INET, SOCK_STREAM, 0), on = 1;
    const struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    if (share)
        assert_int_equal(plumb_bsd_setsockopt(D.b, l, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), 0);
    assert_int_equal(plumb_bsd_bind(D.b, l, (const struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(plumb_bsd_listen(D.b, l, 64), 0);
    return l;
}

static int dial(uint16_t port)
{
    const int c = plumb_bsd_socket(D.b, AF_INET, SOCK_STREAM, 0);
    const struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    assert_int_equal(plumb_bsd_connect(D.b, c, (const struct sockaddr *)&a, sizeof a), 0);
    return c;
}

static int new_epoll(int l, uint32_t events)
{
    const int ep = plumb_bsd_epoll_create1(D.b, 0);
    struct epoll_event e = { .events = events };
    assert_int_equal(plumb_bsd_epoll_ctl(D.b, ep, EPOLL_CTL_ADD, l, &e), 0);
    return ep;
}

static void await_sleepers(void)
{
    for (int i = 0; i < 5000 && asleep < WAITERS; i++)
        pause_ms(1);
    pause_ms(3);
    assert_int_equal(asleep, WAITERS);
}

/* Calls woken per connection, over ROUNDS connections one after the other. */
static double herd(enum how how)
{
    struct waiter w[WAITERS];
    open_host(4096);
    const int l = listen_at(80, how == REUSEPORT), shared = new_epoll(l, EPOLLIN);
    uint64_t wakes = 0;
    asleep = accepted = 0;
    over = false;
    for (int i = 0; i < WAITERS; i++) {
        w[i] = (struct waiter){ .how = how, .l = i && how == REUSEPORT ? listen_at(80, true) : l };
        w[i].ep = how == SHARED_EPOLL ? shared : new_epoll(w[i].l, how == EXCLUSIVE ? EPOLLIN | EPOLLEXCLUSIVE : EPOLLIN);
        if (how != ACCEPT)
            assert_int_equal(plumb_bsd_fcntl(D.b, w[i].l, F_SETFL, O_NONBLOCK), 0);
        assert_int_equal(pthread_create(&w[i].thread, NULL, wait_for_connections, &w[i]), 0);
    }
    for (int r = 0; r < ROUNDS; r++) {
        await_sleepers();
        const uint64_t before = plumb_bsd_counts(D.b).wakes;
        const int c = dial(80);
        for (int i = 0; i < 5000 && accepted <= r; i++)
            pause_ms(1);
        await_sleepers();
        wakes += plumb_bsd_counts(D.b).wakes - before - 1;      /* the dialler's own connect */
        plumb_bsd_close_fd(D.b, c);
    }
    assert_int_equal(accepted, ROUNDS);
    over = true;
    for (int i = 0; i < WAITERS; i++) {
        plumb_bsd_close_fd(D.b, w[i].ep);
        plumb_bsd_close_fd(D.b, w[i].l);
    }
    for (int i = 0; i < WAITERS; i++)
        pthread_join(w[i].thread, NULL);
    close_host();
    return (double)wakes / ROUNDS;
}

static void thundering_herd(void **state)
{
    (void)state;
    const double plain = herd(PLAIN), exclusive = herd(EXCLUSIVE), accepting = herd(ACCEPT), one = herd(SHARED_EPOLL), reuse = herd(REUSEPORT);
    printf("%d waiters, calls woken per connection: an epoll each %.2f, with EPOLLEXCLUSIVE %.2f, one epoll for all %.2f, accept %.2f, SO_REUSEPORT %.2f\n",
           WAITERS, plain, exclusive, one, accepting, reuse);
    assert_true(plain >= WAITERS - 0.5);
    assert_true(exclusive <= 1.5 && accepting <= 1.5 && one <= 1.5 && reuse <= 1.5);
}

/* ------------------------------------------------------------------- idle */

/* Descriptors looked at by the waits for 100 messages, with `idle` more connections in the same epoll. */
static uint64_t visits(int idle)
{
    open_alone(32768);
    const int l = listen_at(80, false), ep = plumb_bsd_epoll_create1(D.b, 0);
    int *fd = calloc((size_t)idle + 2, sizeof *fd), c = -1;
    struct epoll_event e = { .events = EPOLLIN }, out;
    for (int i = 0; i <= idle; i++) {
        c = dial(80);
        fd[i] = plumb_bsd_accept(D.b, l, NULL, NULL);
        assert_true(fd[i] >= 0);
        e.data.fd = fd[i];
        assert_int_equal(plumb_bsd_epoll_ctl(D.b, ep, EPOLL_CTL_ADD, fd[i], &e), 0);
    }
    assert_int_equal(plumb_bsd_setsockopt(D.b, c, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)), 0);
    const uint64_t before = plumb_bsd_counts(D.b).visits;
    for (int i = 0; i < 100; i++) {
        char byte;
        assert_int_equal(plumb_bsd_write(D.b, c, "x", 1), 1);
        assert_int_equal(plumb_bsd_epoll_wait(D.b, ep, &out, 1, 5000), 1);
        assert_int_equal(out.data.fd, fd[idle]);
        assert_int_equal(plumb_bsd_read(D.b, fd[idle], &byte, 1), 1);
        assert_int_equal(plumb_bsd_epoll_wait(D.b, ep, &out, 1, 0), 0);
    }
    const uint64_t n = plumb_bsd_counts(D.b).visits - before;
    free(fd);
    close_alone();
    return n;
}

static void idle_sockets_cost_nothing(void **state)
{
    (void)state;
    const uint64_t few = visits(10), many = visits(10000);
    printf("descriptors looked at for 100 messages: %llu among 10 idle, %llu among 10000\n", (unsigned long long)few, (unsigned long long)many);
    assert_true(many <= few + few / 10 + 10);
}

TESTS(thundering_herd, idle_sockets_cost_nothing)
