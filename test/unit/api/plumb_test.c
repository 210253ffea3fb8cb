/* Two hosts through the public header alone. */
#include "../test.h"
#include <plumb/plumb.h>

static plumb_stack *host[2];
static int64_t now;

static void open_hosts(void)
{
    for (int i = 0; i < 2; i++) {
        const struct plumb_options o = { .size = sizeof o, .seed = (uint64_t)i + 1 };
        struct plumb_interface nic = { .size = sizeof nic, .mac = { 2, 0, 0, 0, 0, (uint8_t)(i + 1) } };
        host[i] = plumb_open(&o, now);
        assert_non_null(host[i]);
        assert_int_equal(plumb_add_interface(host[i], &nic), 0);
        assert_int_equal(plumb_add_address(host[i], 0, i ? "10.0.0.2/24" : "10.0.0.1/24"), PLUMB_OK);
    }
}

static void close_hosts(void)
{
    plumb_close(host[0]);
    plumb_close(host[1]);
}

/* Carries frames until nothing moves, then lets a millisecond pass. */
static void carry(void)
{
    static uint8_t frame[PLUMB_FRAME_MAX];
    bool moved = true;
    while (moved) {
        moved = false;
        for (int i = 0; i < 2; i++) {
            for (size_t n; (n = plumb_output(host[i], 0, frame, sizeof frame, now)); moved = true)
                assert_int_equal(plumb_input(host[!i], 0, frame, n, now), PLUMB_OK);
        }
    }
    now += 1000000;
    plumb_tick(host[0], now);
    plumb_tick(host[1], now);
}

static void stream_there_and_back(void **state)
{
    (void)state;
    plumb_socket listener, client, server = 0;
    char text[PLUMB_TEXT];
    uint8_t bytes[100];
    size_t n;
    open_hosts();
    assert_int_equal(plumb_listen(host[1], NULL, 80, &listener), PLUMB_OK);
    assert_int_equal(plumb_connect(host[0], "10.0.0.2", 80, &client), PLUMB_OK);
    assert_int_equal(plumb_state(host[0], client), PLUMB_CONNECTING);
    for (int i = 0; i < 10 && !server; i++) {
        carry();
        server = plumb_accept(host[1], listener);
    }
    assert_int_not_equal(server, 0);
    assert_int_equal(plumb_next_ready(host[0]), client);
    assert_int_equal(plumb_state(host[0], client), PLUMB_OPEN);
    assert_true(plumb_remote(host[0], client, text));
    assert_string_equal(text, "10.0.0.2:80");
    assert_int_equal(plumb_send(host[0], client, "hello", 5, &n), PLUMB_OK);
    assert_int_equal(plumb_shutdown(host[0], client), PLUMB_OK);
    carry();
    assert_int_equal(plumb_recv(host[1], server, bytes, sizeof bytes, &n), PLUMB_OK);
    assert_int_equal(n, 5);
    assert_memory_equal(bytes, "hello", 5);
    assert_true(plumb_ended(host[1], server));
    assert_int_equal(plumb_recv(host[1], server, bytes, sizeof bytes, &n), PLUMB_CLOSED);
    assert_int_equal(plumb_send(host[1], server, "world", 5, &n), PLUMB_OK);
    assert_int_equal(plumb_close_socket(host[1], server), PLUMB_OK);
    carry();
    assert_int_equal(plumb_recv(host[0], client, bytes, sizeof bytes, &n), PLUMB_OK);
    assert_memory_equal(bytes, "world", 5);
    assert_int_equal(plumb_close_socket(host[0], client), PLUMB_OK);
    close_hosts();
}

static void stale_handles_are_refused(void **state)
{
    (void)state;
    plumb_socket a, b;
    size_t n;
    open_hosts();
    assert_int_equal(plumb_connect(host[0], "10.0.0.2", 81, &a), PLUMB_OK);
    assert_int_equal(plumb_abort(host[0], a), PLUMB_OK);
    assert_int_equal(plumb_connect(host[0], "10.0.0.2", 81, &b), PLUMB_OK);
    assert_int_not_equal(a, b);
    assert_int_equal(plumb_send(host[0], a, "x", 1, &n), PLUMB_STALE);
    assert_int_equal(plumb_state(host[0], a), PLUMB_GONE);
    assert_int_equal(plumb_close_socket(host[0], a), PLUMB_STALE);
    for (int i = 0; i < 10; i++)
        carry();
    assert_int_equal(plumb_state(host[0], b), PLUMB_FAILED);
    assert_int_equal(plumb_failure(host[0], b), PLUMB_REFUSED);
    assert_int_equal(plumb_connect(host[0], "nonsense", 81, &b), PLUMB_INVALID);
    assert_int_equal(b, 0);
    for (int i = 0; i < 100000; i++) {                         /* a handle of long ago is refused still */
        assert_int_equal(plumb_udp(host[0], NULL, 0, &b), PLUMB_OK);
        assert_int_equal(plumb_close_socket(host[0], b), PLUMB_OK);
        assert_int_equal(plumb_state(host[0], a), PLUMB_GONE);
    }
    close_hosts();
}

static void datagrams(void **state)
{
    (void)state;
    plumb_socket a, b;
    char from[PLUMB_TEXT];
    uint8_t bytes[16];
    size_t n;
    open_hosts();
    assert_int_equal(plumb_udp(host[0], NULL, 1000, &a), PLUMB_OK);
    assert_int_equal(plumb_udp(host[1], NULL, 2000, &b), PLUMB_OK);
    assert_int_equal(plumb_send_to(host[0], a, "10.0.0.2", 2000, "ping", 4), PLUMB_OK);
    carry();
    assert_int_equal(plumb_next_ready(host[1]), b);
    assert_int_equal(plumb_recv_from(host[1], b, bytes, sizeof bytes, &n, from), PLUMB_OK);
    assert_int_equal(n, 4);
    assert_string_equal(from, "10.0.0.1:1000");
    assert_int_equal(plumb_recv_from(host[1], b, bytes, sizeof bytes, &n, from), PLUMB_AGAIN);
    close_hosts();
}

TESTS(stream_there_and_back, stale_handles_are_refused, datagrams)
