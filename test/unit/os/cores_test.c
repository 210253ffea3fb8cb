/* Shards on threads of their own, with frames by sockets instead of a wire; the peer puts each frame
 * into a queue by turns, so that most of them cross a ring.  Run under ThreadSanitizer too (test/sim/threads.sh). */
#include "../stack/flow.h"
#include "os/cores.h"
#include "os/drive.h"
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SHARDS = 3, CALLS = 12, BYTES = 150000, PORT = 80 };

/* ------------------------------------------------- a device made of sockets */

struct pipes { int fd[SHARDS]; unsigned n, turn; };

static void pipes_recv(struct device *d, struct pkt_pools *pools, struct batch *b, int64_t now_ns)
{
    struct pipes *p = d->own;
    uint8_t frame[2048];
    for (unsigned i = 0; i < p->n; i++) {
        ssize_t got;
        while (!batch_full(b) && (got = recv(p->fd[i], frame, sizeof frame, MSG_DONTWAIT)) > 0) {
            struct pkt *k = pkt_new(pools, (uint32_t)got);
            if (!k)
                continue;
            memcpy(pkt_append(k, (uint32_t)got), frame, (size_t)got);
            k->time_ns = now_ns;
            batch_add(b, k);
        }
    }
}

static uint32_t pipes_send(struct device *d, struct pkt *const pkt[], uint32_t n)
{
    struct pipes *p = d->own;
    uint8_t frame[2048];
    for (uint32_t i = 0; i < n; i++)
        (void)!send(p->fd[p->turn++ % p->n], frame, pkt_gather(pkt[i], frame, sizeof frame), MSG_DONTWAIT | MSG_NOSIGNAL);      /* full: lost */
    return n;
}

static const struct device_ops pipes_ops = { .recv = pipes_recv, .send = pipes_send };

static struct device device_of(struct pipes *p, uint8_t mac)
{
    struct device d = { .ops = &pipes_ops, .own = p, .fd = epoll_create1(0), .mac = { { 2, 0, 0, 0, 0, mac } }, .mtu = 1500 };
    for (unsigned i = 0; i < p->n; i++) {
        struct epoll_event e = { .events = EPOLLIN };
        assert_int_equal(epoll_ctl(d.fd, EPOLL_CTL_ADD, p->fd[i], &e), 0);
    }
    return d;
}

/* ------------------------------------------------------------------- hosts */

struct host {
    struct loop loop;
    struct wait *wait;
    struct stack *st;
    struct drive drive;
    struct pipes pipes;
    struct flow_server server;
    struct flow_end call[CALLS];
    pthread_t thread;
};

static struct host shard[SHARDS], peer;

static void host_open(struct host *h, const struct stack_config *c, uint8_t mac)
{
    loop_init(&h->loop, clock_now_ns(), clock_civil_ns());
    h->wait = wait_new(&h->loop);
    h->st = stack_new(c, h->loop.now_ns);
    const struct device d = device_of(&h->pipes, mac);
    assert_true(h->wait && h->st && drive_init(&h->drive, h->st, &d, NULL, 1, h->wait, h->loop.now_ns));
    const struct listen_opts o = { .local = { ADDR_NONE, PORT }, .backlog = 100 };
    h->server = (struct flow_server){ .seed = 2, .peer_seed = 1, .to_send = BYTES, .to_get = BYTES };
    assert_int_equal(net_listen(stack_net(h->st, &h->loop), &o, &h->server.l), PLUMB_OK);
    listener_watch(h->server.l, flow_accept, &h->server);
}

static void host_close(struct host *h)
{
    drive_fini(&h->drive, h->wait);
    for (unsigned i = 0; i < h->pipes.n; i++)
        close(h->pipes.fd[i]);
    stack_free(h->st);
    wait_free(h->wait);
}

static _Atomic unsigned calls_over;

static void on_call(void *arg)
{
    struct flow_end *e = arg;
    const bool before = e->closed;
    flow_ready(e);
    if (e->closed && !before)
        atomic_fetch_add(&calls_over, 1);
}

static void call(struct host *h, uint32_t to, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct flow_end *e = &h->call[i];
        const struct connect_opts o = { .remote = { addr4(to), PORT } };
        *e = (struct flow_end){ .seed = 1, .peer_seed = 2, .to_send = BYTES, .to_get = BYTES };
        assert_int_equal(net_connect(stack_net(h->st, &h->loop), &o, &e->s), PLUMB_OK);
        stream_watch(e->s, on_call, e);
    }
}

enum { FROM_SHARD = CALLS / SHARDS };

static void *run_shard(void *arg)
{
    struct host *h = arg;
    while (!stack_addr_ready(h->st, 0, NULL))
        (void)wait_run_until(h->wait, loop_now(&h->loop) + NS_PER_MS);          /* shard 0 tells */
    call(h, 0x0a000002, FROM_SHARD);
    (void)wait_run(h->wait);
    return NULL;
}

static void are_whole(const struct flow_end *e, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        assert_int_equal(e[i].error, PLUMB_OK);
        assert_true(e[i].closed);
        assert_int_equal(e[i].got, BYTES);
    }
}

static void threads_are_one_host(void **state)
{
    (void)state;
    struct shards *all = shards_new(SHARDS, (uint64_t[2]){ 3, 4 });
    struct cores *cores = cores_new(SHARDS);
    unsigned served = 0;
    uint64_t strays = 0;
    for (unsigned i = 0; i < SHARDS; i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
        peer.pipes.fd[peer.pipes.n++] = pair[0];
        shard[i].pipes = (struct pipes){ .fd = { pair[1] }, .n = 1 };
        host_open(&shard[i], &(struct stack_config){ .seed = i, .shards = all, .shard = (uint8_t)i }, 1);
        assert_true(cores_sit(cores, i, shard[i].st, shard[i].wait));
    }
    host_open(&peer, &(struct stack_config){ .seed = 9 }, 2);
    assert_int_equal(stack_add_addr(peer.st, 0, lan_prefix("10.0.0.2/24"), false, peer.loop.now_ns), PLUMB_OK);
    assert_int_equal(stack_add_addr(shard[0].st, 0, lan_prefix("10.0.0.1/24"), false, shard[0].loop.now_ns), PLUMB_OK);
    for (unsigned i = 0; i < SHARDS; i++)
        assert_int_equal(pthread_create(&shard[i].thread, NULL, run_shard, &shard[i]), 0);
    call(&peer, 0x0a000001, CALLS);
    const int64_t patience_ns = clock_now_ns() + 50 * NS_PER_SEC;
    while (atomic_load(&calls_over) < 2 * CALLS && clock_now_ns() < patience_ns)
        (void)wait_run_until(peer.wait, clock_now_ns() + 10 * NS_PER_MS);
    cores_end(cores, SHARDS);
    for (unsigned i = 0; i < SHARDS; i++)
        assert_int_equal(pthread_join(shard[i].thread, NULL), 0);
    are_whole(peer.call, CALLS);
    for (unsigned i = 0; i < SHARDS; i++) {
        are_whole(shard[i].call, FROM_SHARD);
        served += shard[i].server.n;
        strays += stack_shard_counts(shard[i].st).strays;
        cores_stand(cores, i);
    }
    assert_int_equal(served, CALLS);
    assert_true(strays > 100);
    for (unsigned i = 0; i < SHARDS; i++)
        host_close(&shard[i]);
    host_close(&peer);
    cores_free(cores);
    shards_free(all);
}

TESTS(threads_are_one_host)
