#include "../test.h"
#include "os/hostsock.h"
#include <signal.h>

static struct loop loop;
static struct wait *w;
static struct hostsock *h;
static struct net *net;

static int up(void **state)
{
    (void)state;
    loop_init(&loop, 0, 0);
    w = wait_new(&loop);
    h = hostsock_new(w, &loop, NULL);
    net = hostsock_net(h);
    return 0;
}
static int down(void **state)
{
    (void)state;
    hostsock_free(h);
    wait_free(w);
    return 0;
}

static void stop(void *arg) { (void)arg; loop_stop(&loop); }
static void turn(void) { wait_run_until(w, clock_now_ns() + 20 * NS_PER_MS); }

static struct listener *listen_on(const char *text)
{
    struct listener *l = NULL;
    struct listen_opts o = { 0 };
    assert_true(!*text || addr_parse(text, &o.local.addr));
    assert_int_equal(net_listen(net, &o, &l), PLUMB_OK);
    listener_watch(l, stop, NULL);
    return l;
}
static void pair_on(const char *text, struct listener *l, struct stream **a, struct stream **b)
{
    struct connect_opts o = { .remote = { .port = listener_local(l).port } };
    assert_true(addr_parse(text, &o.remote.addr));
    assert_int_equal(net_connect(net, &o, a), PLUMB_OK);
    stream_watch(*a, stop, NULL);
    for (int i = 0; i < 100 && (stream_state(*a) == STREAM_CONNECTING || !(*b = listener_accept(l))); i++)
        turn();
    assert_int_equal(stream_state(*a), STREAM_OPEN);
    assert_non_null(*b);
    stream_watch(*b, stop, NULL);
}

/* Bytes beyond every buffer, both ways at once, then half-closes. */
static void carries_bytes(void **state)
{
    (void)state;
    static const char *const addrs[] = { "127.0.0.1", "::1" };
    for (int f = 0; f < 2; f++) {
        struct listener *l = listen_on(addrs[f]);
        struct stream *s[2] = { 0 };
        pair_on(addrs[f], l, &s[0], &s[1]);
        assert_true(endpoint_eq(stream_local(s[0]), stream_remote(s[1])));
        assert_true(endpoint_eq(stream_local(s[1]), stream_remote(s[0])));
        enum { TOTAL = 3000000 };
        uint32_t sent[2] = { 0 }, got[2] = { 0 };
        bool shut[2] = { 0 };
        for (int i = 0; i < 20000 && !(stream_ended(s[0]) && stream_ended(s[1])); i++) {
            for (int d = 0; d < 2; d++) {
                size_t n;
                for (uint8_t *p; sent[d] < TOTAL && (p = stream_reserve(s[d], &n));) {
                    n = n < TOTAL - sent[d] ? n : TOTAL - sent[d];
                    n = n > 7777 ? 7777 : n;
                    for (size_t k = 0; k < n; k++)
                        p[k] = (uint8_t)((sent[d] + k) * 31 >> 3);
                    stream_commit(s[d], n);
                    sent[d] += (uint32_t)n;
                }
                if (sent[d] == TOTAL && !shut[d]) {
                    shut[d] = true;
                    stream_shutdown(s[d]);
                    assert_null(stream_reserve(s[d], &n));
                }
                for (const uint8_t *p; (p = stream_peek(s[d], &n));) {
                    for (size_t k = 0; k < n; k++)
                        assert_true(p[k] == (uint8_t)((got[d] + k) * 31 >> 3));
                    got[d] += (uint32_t)n;
                    stream_consume(s[d], n);
                }
            }
            turn();
        }
        assert_int_equal(got[0], TOTAL);
        assert_int_equal(got[1], TOTAL);
        assert_true(stream_drained(s[0]) && stream_drained(s[1]));
        stream_close(s[0]);
        stream_close(s[1]);
        listener_close(l);
    }
}

static void close_still_delivers(void **state)
{
    (void)state;
    struct listener *l = listen_on("");
    struct stream *a, *b = NULL;
    pair_on("127.0.0.1", l, &a, &b);
    size_t put = 0, n, got = 0;
    uint8_t *p;
    while ((p = stream_reserve(a, &n)) && put < 64000000) {
        memset(p, 'x', n);
        stream_commit(a, n);
        put += n;
    }
    assert_false(stream_drained(a));
    stream_close(a);
    assert_true(hostsock_busy(h));
    for (int i = 0; i < 10000 && !stream_ended(b); i++) {
        while (stream_peek(b, &n)) {
            got += n;
            stream_consume(b, n);
        }
        turn();
    }
    assert_int_equal(got, put);
    assert_false(hostsock_busy(h));
    stream_close(b);
}

static void errors_have_names(void **state)
{
    (void)state;
    struct listener *l = listen_on("127.0.0.1"), *l2;
    struct stream *a, *b = NULL;
    assert_int_equal(net_listen(net, &(struct listen_opts){ .local = listener_local(l) }, &l2), PLUMB_ADDR_IN_USE);
    assert_int_equal(net_listen(net, &(struct listen_opts){ .local = { addr4(0xc0000201), 1 } }, &l2), PLUMB_ADDR_NOT_OURS);
    pair_on("127.0.0.1", l, &a, &b);
    stream_abort(b);
    for (int i = 0; i < 100 && stream_state(a) != STREAM_FAILED; i++)
        turn();
    assert_int_equal(stream_error(a), PLUMB_RESET);
    stream_close(a);
    const struct connect_opts nobody = { .remote = listener_local(l) };
    listener_close(l);
    assert_int_equal(net_connect(net, &nobody, &a), PLUMB_OK);
    for (int i = 0; i < 100 && stream_state(a) == STREAM_CONNECTING; i++)
        turn();
    assert_int_equal(stream_state(a), STREAM_FAILED);
    assert_int_equal(stream_error(a), PLUMB_REFUSED);
    stream_abort(a);
    assert_true(net_random(net) != net_random(net));
}

static void datagrams(void **state)
{
    (void)state;
    struct dgram *server, *client, *lonely;
    struct dgram_in in;
    assert_int_equal(net_datagram(net, &(struct dgram_opts){ 0 }, &server), PLUMB_OK);
    const struct endpoint at = { addr4(0x7f000001), dgram_local(server).port };
    assert_int_equal(net_datagram(net, &(struct dgram_opts){ .remote = at }, &client), PLUMB_OK);
    dgram_watch(server, stop, NULL);
    dgram_watch(client, stop, NULL);
    assert_false(dgram_peek(server, &in));
    assert_int_equal(dgram_send(client, at, "one", 3), PLUMB_OK);
    assert_int_equal(dgram_send(client, at, "", 0), PLUMB_OK);
    for (int i = 0; i < 100 && !dgram_peek(server, &in); i++)
        turn();
    assert_int_equal(in.len, 3);
    assert_memory_equal(in.bytes, "one", 3);
    assert_true(addr_eq(in.to, at.addr));
    assert_true(endpoint_eq(in.from, dgram_local(client)));
    dgram_consume(server);
    assert_true(dgram_peek(server, &in));
    assert_int_equal(in.len, 0);
    assert_int_equal(dgram_send(server, in.from, "two", 3), PLUMB_OK);
    dgram_consume(server);
    for (int i = 0; i < 100 && !dgram_peek(client, &in); i++)
        turn();
    assert_memory_equal(in.bytes, "two", 3);
    static uint8_t big[70000];
    assert_int_equal(dgram_send(client, at, big, sizeof big), PLUMB_TOO_BIG);
    dgram_close(server);
    assert_int_equal(net_datagram(net, &(struct dgram_opts){ .remote = at }, &lonely), PLUMB_OK);
    assert_int_equal(dgram_send(lonely, at, "x", 1), PLUMB_OK);
    turn();
    assert_int_equal(dgram_take_error(lonely), PLUMB_REFUSED);
    assert_int_equal(dgram_take_error(lonely), PLUMB_OK);
}

int main(void)
{
    const struct CMUnitTest all[] = {
        cmocka_unit_test_setup_teardown(carries_bytes, up, down),
        cmocka_unit_test_setup_teardown(close_still_delivers, up, down),
        cmocka_unit_test_setup_teardown(errors_have_names, up, down),
        cmocka_unit_test_setup_teardown(datagrams, up, down),
    };
    return cmocka_run_group_tests(all, NULL, NULL);
}
