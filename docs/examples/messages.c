/* Sticky and half packets, and how messages are found again.
 *
 * Two hosts in this process, joined by a wire in memory.  One sends three messages with
 * three calls; the other reads them with one call (sticky), then in pieces of seven
 * bytes (half), then through a framer, which does not care.
 *
 *   build/release/docs/examples/example-messages */
#include <plumb/framing.h>
#include <plumb/plumb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static plumb_stack *host[2];
static int64_t now;

static void need(bool what, const char *why)
{
    if (what)
        return;
    fprintf(stderr, "%s\n", why);
    exit(1);
}

static void open_hosts(void)
{
    for (int i = 0; i < 2; i++) {
        const struct plumb_options o = { .size = sizeof o, .seed = (uint64_t)i + 1 };
        const struct plumb_interface nic = { .size = sizeof nic, .mac = { 2, 0, 0, 0, 0, (uint8_t)(i + 1) } };
        host[i] = plumb_open(&o, now);
        need(host[i] && plumb_add_interface(host[i], &nic) == 0, "no host");
        need(plumb_add_address(host[i], 0, i ? "10.0.0.2/24" : "10.0.0.1/24") == PLUMB_OK, "no address");
    }
}

/* Carries frames for a while. */
static void carry(void)
{
    static uint8_t frame[PLUMB_FRAME_MAX];
    for (int turn = 0; turn < 100; turn++, now += 1000000)
        for (int i = 0; i < 2; i++) {
            plumb_tick(host[i], now);
            for (size_t n; (n = plumb_output(host[i], 0, frame, sizeof frame, now));)
                need(plumb_input(host[!i], 0, frame, n, now) == PLUMB_OK, "a frame was not taken");
        }
}

static const char *const said[] = { "the first message", "2nd", "and the third" };

static void send_all(plumb_socket to, const struct plumb_framing *how)
{
    uint8_t bytes[64];
    size_t taken;
    for (int i = 0; i < 3; i++) {
        const size_t n = plumb_framing_write(how, said[i], strlen(said[i]), bytes, sizeof bytes);
        need(n && plumb_send(host[0], to, bytes, n, &taken) == PLUMB_OK && taken == n, "not sent");
    }
    carry();
}

/* What plain reads of at most `max` bytes give. */
static void read_plainly(plumb_socket from, size_t max)
{
    char bytes[64];
    size_t n;
    while (plumb_recv(host[1], from, bytes, max, &n) == PLUMB_OK && n)
        printf("  read %2zu bytes: \"%.*s\"\n", n, (int)n, bytes);
}

static void read_messages(plumb_socket from, struct plumb_framer *f, size_t max)
{
    uint8_t bytes[64];
    size_t n, used;
    while (plumb_recv(host[1], from, bytes, max, &n) == PLUMB_OK && n)
        for (size_t at = 0; at < n; at += used)
            if (plumb_framer_take(f, bytes + at, n - at, &used) == PLUMB_FRAMER_MESSAGE)
                printf("  message: \"%.*s\"\n", (int)f->have, (char *)f->bytes);
}

int main(void)
{
    const struct plumb_framing by_line = { .kind = PLUMB_FRAMING_DELIMITER, .delimiter = ";", .delimiter_len = 1, .max = 60 };
    const struct plumb_framing by_length = { .kind = PLUMB_FRAMING_LENGTH, .length_bytes = 1, .max = 60 };
    plumb_socket listener, client = 0, server;
    struct plumb_framer line, length;
    open_hosts();
    need(plumb_listen(host[1], NULL, 7, &listener) == PLUMB_OK && plumb_connect(host[0], "10.0.0.2", 7, &client) == PLUMB_OK, "no connection");
    carry();
    server = plumb_accept(host[1], listener);
    need(server && plumb_framer_init(&line, &by_line) && plumb_framer_init(&length, &by_length), "no server");
    puts("three messages sent by three calls, each ended by ';', read by one (sticky):");
    send_all(client, &by_line);
    read_plainly(server, 64);
    puts("the same, read seven bytes at a time (half):");
    send_all(client, &by_line);
    read_plainly(server, 7);
    puts("the same, seven bytes at a time, through a framer that looks for ';':");
    send_all(client, &by_line);
    read_messages(server, &line, 7);
    puts("with a length before each instead:");
    send_all(client, &by_length);
    read_messages(server, &length, 7);
    plumb_framer_fini(&line);
    plumb_framer_fini(&length);
    plumb_close(host[0]);
    plumb_close(host[1]);
    return 0;
}
