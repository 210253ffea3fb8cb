/* A host on a TAP that is in a multicast group: says "here" to it, prints whatever it hears, leaves on SIGINT.
 *   multicast TAP ADDRESS/LEN GROUP [SOURCE]... */
#include "os/clock.h"
#include "os/drive.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORT = 5000 };

static struct dgram *d;

static void on_dgram(void *arg)
{
    struct dgram_in in;
    char from[ENDPOINT_TEXT];
    (void)arg;
    for (; dgram_peek(d, &in); dgram_consume(d))
        printf("%s: %.*s\n", endpoint_text(in.from, from), (int)in.len, (const char *)in.bytes);
    fflush(stdout);
}

static void die(const char *what)
{
    fprintf(stderr, "multicast: %s\n", what);
    exit(1);
}

static void open_host(struct drive *drive, struct wait *w, const char *tap, const char *address)
{
    char error[DEVICE_ERROR];
    struct device dev;
    struct prefix own;
    if (tap_open(&dev, &(struct device_opts){ .name = tap }, error) != PLUMB_OK)
        die(error);
    dev.ip6 = true;
    struct stack *st = stack_new(&(struct stack_config){ .node = 1, .seed = entropy_u64() }, clock_now_ns());
    if (!st || !drive_init(drive, st, &dev, NULL, 1, w, clock_now_ns()))
        die("out of memory");
    while (device_link(&drive->device) != DEVICE_UP)
        wait_run_until(w, clock_now_ns() + 20 * NS_PER_MS);
    if (!prefix_parse(address, &own) || stack_add_addr(st, drive->iface, own, false, clock_now_ns()) != PLUMB_OK)
        die("the address");
}

int main(int argc, char **argv)
{
    struct loop loop;
    struct drive drive;
    struct group_opts g = { .filter.exclude = argc == 4 };
    if (argc < 4 || !addr_parse(argv[3], &g.group))
        die("TAP ADDRESS/LEN GROUP [SOURCE]...");
    for (int i = 4; i < argc && g.filter.n < GROUP_SOURCES; i++)
        if (!addr_parse(argv[i], &g.filter.source[g.filter.n++]))
            die("a source");
    loop_init(&loop, clock_now_ns(), clock_civil_ns());
    struct wait *w = wait_new(&loop);
    if (!w || !wait_catch_signals(w))
        die("out of memory");
    open_host(&drive, w, argv[1], argv[2]);
    struct net *net = stack_net(drive.stack, &loop);
    const struct endpoint to = { g.group, PORT };
    const bool v4 = addr_is4(g.group);
    if (net_datagram(net, &(struct dgram_opts){ .local = { v4 ? addr4(0) : ADDR_NONE, PORT } }, &d) != PLUMB_OK)
        die("the socket");
    dgram_watch(d, on_dgram, NULL);
    if (!v4)
        wait_run_until(w, clock_now_ns() + 2500 * NS_PER_MS);   /* until the link-local address is ours */
    if (dgram_group(d, &g) != PLUMB_OK)
        die("cannot join");
    puts("joined");
    fflush(stdout);
    wait_run_until(w, clock_now_ns() + 300 * NS_PER_MS);
    if (dgram_send(d, to, "here", 4) != PLUMB_OK)
        die("cannot send");
    wait_run_until(w, DEADLINE_NEVER);
    dgram_close(d);
    wait_run_until(w, clock_now_ns() + 200 * NS_PER_MS);        /* that it left is told */
    drive_fini(&drive, w);
    stack_free(drive.stack);
    wait_free(w);
    return 0;
}
