/* Buffers through the public header alone: given, taken, passed on, shared, and after the stack is gone. */
#include "../test.h"
#include <plumb/buffer.h>
#include <stdio.h>
#include <stdlib.h>

static plumb_stack *host[3];            /* 0 and 2 are joined through 1's two interfaces: 1 passes streams on */
static int64_t now;

static void add_nic(int h, uint8_t mac, const char *address)
{
    struct plumb_interface nic = { .size = sizeof nic, .mac = { 2, 0, 0, 0, 0, mac } };
    const int i = plumb_add_interface(host[h], &nic);
    assert_true(i >= 0);
    assert_int_equal(plumb_add_address(host[h], i, address), PLUMB_OK);
}

static void open_hosts(void)
{
    for (int i = 0; i < 3; i++) {
        const struct plumb_options o = { .size = sizeof o, .seed = (uint64_t)i + 1 };
        host[i] = plumb_open(&o, now);
        assert_non_null(host[i]);
    }
    add_nic(0, 1, "10.0.0.1/24");
    add_nic(1, 2, "10.0.0.2/24");
    add_nic(1, 3, "10.0.1.2/24");
    add_nic(2, 4, "10.0.1.3/24");
}

static void close_hosts(void)
{
    for (int i = 0; i < 3; i++)
        plumb_close(host[i]);
}

static bool carry_one(int from, int iface, int to, int its)
{
    static uint8_t frame[PLUMB_FRAME_MAX];
    bool moved = false;
    for (size_t n; (n = plumb_output(host[from], iface, frame, sizeof frame, now)); moved = true)
        assert_int_equal(plumb_input(host[to], its, frame, n, now), PLUMB_OK);
    return moved;
}

static void carry(void)
{
    while (carry_one(0, 0, 1, 0) | carry_one(1, 0, 0, 0) | carry_one(1, 1, 2, 0) | carry_one(2, 0, 1, 1))
        ;
    now += 1000000;
    for (int i = 0; i < 3; i++)
        plumb_tick(host[i], now);
}

/* A stream from one host to another: its two ends. */
static void join(int from, int to, const char *address, uint16_t port, plumb_socket end[2])
{
    plumb_socket listener;
    assert_int_equal(plumb_listen(host[to], NULL, port, &listener), PLUMB_OK);
    assert_int_equal(plumb_connect(host[from], address, port, &end[0]), PLUMB_OK);
    end[1] = 0;
    for (int i = 0; i < 10 && !end[1]; i++) {
        carry();
        end[1] = plumb_accept(host[to], listener);
    }
    assert_int_not_equal(end[1], 0);
}

static uint8_t pattern(size_t at) { return (uint8_t)(at * 131 + (at >> 12)); }

/* Ten megabytes from 0 to 2 through 1, which takes and gives. */
static void passed_on(void **state)
{
    (void)state;
    enum { TOTAL = 10 << 20, PIECE = 1 << 20 };
    plumb_socket in[2], out[2];
    plumb_buffer *held = NULL, *mine = NULL;
    size_t given = 0, got = 0;
    open_hosts();
    join(0, 1, "10.0.0.2", 80, in);
    join(1, 2, "10.0.1.3", 80, out);
    for (int round = 0; got < TOTAL && round < 100000; round++) {
        if (!mine && given < TOTAL) {
            mine = plumb_buffer_new(host[0], PIECE);
            assert_non_null(mine);
            for (size_t i = 0; i < PIECE; i++)
                plumb_buffer_write(mine)[i] = pattern(given + i);
        }
        if (mine && plumb_give(host[0], in[0], &mine) == PLUMB_OK)
            given += PIECE;
        while (held || plumb_take(host[1], in[1], &held) == PLUMB_OK)
            if (plumb_give(host[1], out[0], &held) != PLUMB_OK)
                break;
        for (plumb_buffer *b; plumb_take(host[2], out[1], &b) == PLUMB_OK;) {
            size_t len;
            const uint8_t *bytes = plumb_buffer_bytes(b, &len);
            for (size_t i = 0; i < len; i++)
                assert_int_equal(bytes[i], pattern(got + i));
            got += len;
            plumb_buffer_free(&b);
            assert_null(b);
        }
        carry();
    }
    assert_int_equal(got, TOTAL);
    assert_int_equal(plumb_close_socket(host[0], in[0]), PLUMB_OK);
    carry();
    assert_int_equal(plumb_take(host[1], in[1], &held), PLUMB_CLOSED);
    close_hosts();
}

/* One constant goes to many; its tag comes back once, when the last has it. */
static void shared(void **state)
{
    (void)state;
    static const char page[] = "the same page for everybody";
    plumb_socket end[3][2];
    void *tag = NULL;
    int mark, others;
    open_hosts();
    for (int i = 0; i < 3; i++)
        join(0, 1, "10.0.0.2", (uint16_t)(80 + i), end[i]);
    plumb_buffer *b = plumb_buffer_wrap(host[0], page, sizeof page, &mark), *foreign = plumb_buffer_wrap(host[1], page, 1, &others);
    assert_null(plumb_buffer_write(b));                         /* not ours to change */
    assert_null(plumb_buffer_part(b, 1, sizeof page));
    assert_null(plumb_buffer_part(b, sizeof page, 0));
    assert_int_equal(plumb_give(host[0], end[0][0], &foreign), PLUMB_INVALID);
    assert_non_null(foreign);
    for (int i = 0; i < 3; i++) {
        plumb_buffer *part = plumb_buffer_part(b, (size_t)i, sizeof page - (size_t)i);
        assert_int_equal(plumb_give(host[0], end[i][0], &part), PLUMB_OK);
        assert_null(part);
        assert_int_equal(plumb_give(host[0], end[i][0], &part), PLUMB_INVALID);
    }
    plumb_buffer_free(&b);
    plumb_buffer_free(&b);
    assert_false(plumb_next_returned(host[0], &tag));
    for (int i = 0; i < 5; i++)
        carry();
    for (int i = 0; i < 3; i++) {
        char text[64];
        size_t n;
        assert_int_equal(plumb_recv(host[1], end[i][1], text, sizeof text, &n), PLUMB_OK);
        assert_int_equal(n, sizeof page - (size_t)i);
        assert_string_equal(text, page + i);
    }
    for (int i = 0; i < 100; i++)
        carry();                                                /* acknowledgments may be delayed */
    assert_true(plumb_next_returned(host[0], &tag));
    assert_ptr_equal(tag, &mark);
    assert_false(plumb_next_returned(host[0], &tag));
    plumb_buffer_free(&foreign);
    assert_true(plumb_next_returned(host[1], &tag));
    assert_ptr_equal(tag, &others);
    close_hosts();
}

static void only_its_owner_writes(void **state)
{
    (void)state;
    open_hosts();
    plumb_buffer *b = plumb_buffer_new(host[0], 100), *part;
    assert_null(plumb_buffer_new(host[0], 0));
    assert_non_null(plumb_buffer_write(b));
    part = plumb_buffer_part(b, 10, 20);
    assert_null(plumb_buffer_write(b));
    assert_null(plumb_buffer_write(part));
    plumb_buffer_free(&b);
    assert_non_null(plumb_buffer_write(part));
    plumb_buffer_free(&part);
    plumb_buffer_free(NULL);
    close_hosts();
}

static void what_cannot_go_stays(void **state)
{
    (void)state;
    plumb_socket end[2];
    open_hosts();
    join(0, 1, "10.0.0.2", 80, end);
    plumb_buffer *b = plumb_buffer_new(host[0], 100), *none;
    memset(plumb_buffer_write(b), 0, 100);
    assert_int_equal(plumb_give(host[0], end[0] + 1, &b), PLUMB_STALE);
    assert_int_equal(plumb_take(host[0], end[0] + 1, &none), PLUMB_STALE);
    assert_int_equal(plumb_take(host[0], end[0], &none), PLUMB_AGAIN);
    assert_int_equal(plumb_shutdown(host[0], end[0]), PLUMB_OK);
    assert_int_equal(plumb_give(host[0], end[0], &b), PLUMB_CLOSED);
    assert_int_equal(plumb_abort(host[1], end[1]), PLUMB_OK);
    carry();
    assert_int_equal(plumb_give(host[0], end[0], &b), PLUMB_RESET);
    assert_non_null(b);
    plumb_buffer_free(&b);
    close_hosts();
}

/* Buffers that were given go with the stack; those of the caller stay readable. */
static void outlives_the_stack(void **state)
{
    (void)state;
    plumb_socket end[2];
    plumb_buffer *taken[2] = { NULL }, *own, *wrapped, *given;
    uint8_t text[9000];
    size_t n, len;
    int mark;
    open_hosts();
    join(0, 1, "10.0.0.2", 80, end);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = pattern(i);
    assert_int_equal(plumb_send(host[0], end[0], text, sizeof text, &n), PLUMB_OK);
    carry();
    for (int i = 0; i < 2; i++)
        assert_int_equal(plumb_take(host[1], end[1], &taken[i]), PLUMB_OK);
    own = plumb_buffer_new(host[1], 10);
    wrapped = plumb_buffer_wrap(host[1], text, 10, &mark);
    given = plumb_buffer_part(wrapped, 0, 5);
    assert_int_equal(plumb_give(host[1], end[1], &given), PLUMB_OK);
    close_hosts();
    size_t at = 0;
    for (int i = 0; i < 2; i++) {
        const uint8_t *bytes = plumb_buffer_bytes(taken[i], &len);
        for (size_t j = 0; j < len; j++)
            assert_int_equal(bytes[j], pattern(at + j));
        at += len;
        plumb_buffer_free(&taken[i]);
    }
    assert_true(at > 4096);
    plumb_buffer_free(&own);
    plumb_buffer_free(&wrapped);
}

TESTS(passed_on, shared, only_its_owner_writes, what_cannot_go_stays, outlives_the_stack)
