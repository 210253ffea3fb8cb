/* Messages over real streams: whatever TCP makes of the calls, a framer finds them again. */
#include "../test.h"
#include "base/rng.h"
#include <plumb/framing.h>
#include <plumb/plumb.h>

enum { MESSAGES = 2000, LONGEST = 3000 };

static plumb_stack *host[2];
static int64_t now;
static struct rng rng;

static void open_hosts(void)
{
    for (int i = 0; i < 2; i++) {
        const struct plumb_options o = { .size = sizeof o, .seed = (uint64_t)i + 1, .send_buffer = 30000, .recv_buffer = 20000 };
        const struct plumb_interface nic = { .size = sizeof nic, .mac = { 2, 0, 0, 0, 0, (uint8_t)(i + 1) } };
        host[i] = plumb_open(&o, now);
        assert_int_equal(plumb_add_interface(host[i], &nic), 0);
        assert_int_equal(plumb_add_address(host[i], 0, i ? "10.0.0.2/24" : "10.0.0.1/24"), PLUMB_OK);
    }
}

/* One frame in fifty is lost. */
static void carry(void)
{
    static uint8_t frame[PLUMB_FRAME_MAX];
    for (int i = 0; i < 2; i++) {
        plumb_tick(host[i], now);
        for (size_t n; (n = plumb_output(host[i], 0, frame, sizeof frame, now));)
            if (rng_below(&rng, 50))
                assert_int_equal(plumb_input(host[!i], 0, frame, n, now), PLUMB_OK);
    }
    now += 5000000;
}

/* The n-th message: its length and its bytes follow from n. */
static size_t message(const struct plumb_framing *how, uint32_t n, uint8_t *out)
{
    const size_t len = how->kind == PLUMB_FRAMING_FIXED ? how->fixed : n * 2654435761u % (how->max + 1);
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)('a' + (n + i) % 26);
    return len;
}

/* Writes what comes next, in pieces of any size. */
static bool write_some(const struct plumb_framing *how, plumb_socket to, uint32_t *next)
{
    static uint8_t bytes[LONGEST + 16], text[LONGEST];
    static size_t len, at;
    size_t taken;
    if (at == len) {
        if (*next == MESSAGES)
            return false;
        len = plumb_framing_write(how, text, message(how, (*next)++, text), bytes, sizeof bytes);
        assert_true(len > 0);
        at = 0;
    }
    size_t piece = 1 + rng_below(&rng, 2000);
    if (piece > len - at)
        piece = len - at;
    const enum plumb_err e = plumb_send(host[0], to, bytes + at, piece, &taken);
    assert_true(e == PLUMB_OK || e == PLUMB_AGAIN);
    at += taken;
    return e == PLUMB_OK;
}

struct outcome { uint32_t found, sticky, half; };

/* Reads pieces of any size; counts reads that held more than one message's end, and messages that came in several. */
static void read_some(plumb_socket from, struct plumb_framer *f, struct outcome *o)
{
    uint8_t bytes[4000], want[LONGEST];
    size_t n, used;
    while (plumb_recv(host[1], from, bytes, 1 + rng_below(&rng, sizeof bytes), &n) == PLUMB_OK && n) {
        uint32_t ends = 0;
        for (size_t at = 0; at < n; at += used) {
            const enum plumb_framer_state state = plumb_framer_take(f, bytes + at, n - at, &used);
            assert_int_not_equal(state, PLUMB_FRAMER_TOO_LONG);
            if (state != PLUMB_FRAMER_MESSAGE)
                continue;
            const size_t len = message(&f->how, o->found++, want);
            assert_int_equal(f->have, len);
            assert_memory_equal(f->bytes, want, len);
            ends++;
        }
        o->sticky += ends > 1;
        o->half += plumb_framer_cut(f);
    }
}

static void over_streams(const struct plumb_framing *how)
{
    plumb_socket listener, client, server = 0;
    struct plumb_framer f;
    struct outcome o = { 0 };
    uint32_t next = 0;
    rng_seed(&rng, 7);
    open_hosts();
    assert_true(plumb_framer_init(&f, how));
    assert_int_equal(plumb_listen(host[1], NULL, 7, &listener), PLUMB_OK);
    assert_int_equal(plumb_connect(host[0], "10.0.0.2", 7, &client), PLUMB_OK);
    for (int i = 0; i < 1000 && !server; i++) {
        carry();
        server = plumb_accept(host[1], listener);
    }
    assert_int_not_equal(server, 0);
    for (int i = 0; i < 200000 && o.found < MESSAGES; i++) {
        while (write_some(how, client, &next))
            ;
        carry();
        read_some(server, &f, &o);
    }
    assert_int_equal(o.found, MESSAGES);
    assert_false(plumb_framer_cut(&f));
    assert_true(o.sticky > 10 && o.half > 10);
    plumb_framer_fini(&f);
    plumb_close(host[0]);
    plumb_close(host[1]);
}

static void by_length(void **state)
{
    (void)state;
    over_streams(&(struct plumb_framing){ .kind = PLUMB_FRAMING_LENGTH, .length_bytes = 2, .max = LONGEST });
}

static void by_size(void **state)
{
    (void)state;
    over_streams(&(struct plumb_framing){ .kind = PLUMB_FRAMING_FIXED, .fixed = 777, .max = 777 });
}

static void by_delimiter(void **state)
{
    (void)state;
    over_streams(&(struct plumb_framing){ .kind = PLUMB_FRAMING_DELIMITER, .delimiter = "\r\n", .delimiter_len = 2, .max = LONGEST });
}

TESTS(by_length, by_size, by_delimiter)
