/* lwIP against itself over a wire in memory: two interfaces of one stack, every
 * packet copied by the wire.  Prints `NAME VALUE UNIT` for each benchmark asked for. */
#include "base/checksum.h"
#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/tcp.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/timeouts.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { QUEUE = 8192, CHUNK = 16384 };

u16_t fast_checksum(const void *bytes, int len)
{
    return csum_fold(csum_add((csum_t){ 0 }, bytes, (size_t)len));
}

static u32_t now_ms;
u32_t sys_now(void) { return now_ms; }

static struct netif side[2];
static struct { struct pbuf *p; struct netif *to; } queue[QUEUE];
static unsigned head, tail;

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* The wire: one copy into a packet of the receiver's pool. */
static err_t wire(struct netif *from, struct pbuf *p, const ip4_addr_t *to)
{
    (void)to;
    if (head - tail == QUEUE)
        return ERR_MEM;
    struct pbuf *copy = pbuf_alloc(PBUF_RAW, p->tot_len, PBUF_POOL);
    if (!copy)
        return ERR_MEM;
    pbuf_copy(copy, p);
    queue[head % QUEUE].p = copy;
    queue[head++ % QUEUE].to = from == &side[0] ? &side[1] : &side[0];
    return ERR_OK;
}

static err_t up(struct netif *n)
{
    n->output = wire;
    n->mtu = 1500;
    n->flags |= NETIF_FLAG_LINK_UP;
    return ERR_OK;
}

static void pump(void)
{
    while (tail != head) {
        struct pbuf *p = queue[tail % QUEUE].p;
        struct netif *n = queue[tail++ % QUEUE].to;
        if (ip_input(p, n) != ERR_OK)
            pbuf_free(p);
    }
}

static uint64_t received, echoed;
static struct tcp_pcb *listener, *server, *client;
static int connected, echo;

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t e)
{
    (void)arg; (void)e;
    if (!p)
        return tcp_close(pcb);
    received += p->tot_len;
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    if (echo && pcb->local_port == 7) {
        tcp_write(pcb, "x", 1, TCP_WRITE_FLAG_COPY);
        tcp_output(pcb);
    } else if (echo) {
        echoed++;
    }
    return ERR_OK;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t e)
{
    (void)arg; (void)e;
    server = pcb;
    tcp_nagle_disable(pcb);
    tcp_recv(pcb, on_recv);
    return ERR_OK;
}

static err_t on_connect(void *arg, struct tcp_pcb *pcb, err_t e)
{
    (void)arg; (void)pcb; (void)e;
    connected = 1;
    return ERR_OK;
}

static void open_pair(void)
{
    ip4_addr_t a, b, mask;
    IP4_ADDR(&a, 10, 0, 0, 1);
    IP4_ADDR(&b, 10, 0, 0, 2);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    netif_add(&side[0], &a, &mask, &b, NULL, up, ip_input);
    netif_add(&side[1], &b, &mask, &a, NULL, up, ip_input);
    netif_set_up(&side[0]);
    netif_set_up(&side[1]);
    struct tcp_pcb *l = tcp_new();
    tcp_bind_netif(l, &side[1]);
    tcp_bind(l, netif_ip_addr4(&side[1]), 7);
    listener = tcp_listen(l);
    tcp_accept(listener, on_accept);
    client = tcp_new();
    tcp_bind_netif(client, &side[0]);
    tcp_nagle_disable(client);
    tcp_recv(client, on_recv);
    tcp_connect(client, netif_ip_addr4(&side[1]), 7, on_connect);
    while (!connected || !server)
        pump();
}

static void bulk(uint64_t bytes)
{
    static char chunk[CHUNK];
    uint64_t written = 0;
    memset(chunk, 'x', sizeof chunk);
    received = 0;
    const int64_t start = cpu_ns();
    uint64_t stalled = 0;
    while (received < bytes) {
        const uint64_t before = received;
        u16_t room = tcp_sndbuf(client) > CHUNK ? CHUNK : (u16_t)tcp_sndbuf(client);
        while (written < bytes && room >= CHUNK && tcp_write(client, chunk, room, TCP_WRITE_FLAG_COPY) == ERR_OK) {
            written += room;
            room = tcp_sndbuf(client) > CHUNK ? CHUNK : (u16_t)tcp_sndbuf(client);
        }
        tcp_output(client);
        pump();
        if (received == before && ++stalled % 4 == 0) {
            now_ms += 250;
            tcp_tmr();
        }
    }
    printf("mem.bulk.1500 %.2f ns/segment\n", (double)(cpu_ns() - start) / ((double)bytes / 1460));
}

static void round_trips(uint64_t n)
{
    echo = 1;
    echoed = 0;
    const int64_t start = cpu_ns();
    for (uint64_t i = 0; i < n; i++) {
        tcp_write(client, "x", 1, TCP_WRITE_FLAG_COPY);
        tcp_output(client);
        while (echoed <= i)
            pump();
    }
    printf("mem.rr.1 %.2f ns/round-trip\n", (double)(cpu_ns() - start) / (double)n);
}

/* ------------------------------------------------------- many connections */

enum { MANY = 1000, AT_ONCE = 64 };

static struct tcp_pcb *open_one(void)
{
    struct tcp_pcb *pcb = tcp_new();
    tcp_bind_netif(pcb, &side[0]);
    tcp_nagle_disable(pcb);
    tcp_recv(pcb, on_recv);
    connected = 0;
    tcp_connect(pcb, netif_ip_addr4(&side[1]), 7, on_connect);
    while (!connected)
        pump();
    return pcb;
}

static err_t echo_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t e)
{
    (void)arg; (void)e;
    if (!p)
        return tcp_close(pcb);
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    tcp_write(pcb, "x", 1, TCP_WRITE_FLAG_COPY);
    return tcp_output(pcb);
}

static err_t echo_accept(void *arg, struct tcp_pcb *pcb, err_t e)
{
    (void)arg; (void)e;
    tcp_nagle_disable(pcb);
    tcp_recv(pcb, echo_recv);
    return ERR_OK;
}

/* As plumb's: taken at random, 64 requests under way as one batch. */
static void round_trips_many(uint64_t n)
{
    static struct tcp_pcb *many[MANY];
    uint32_t random = 1;
    echo = 1;
    for (int i = 0; i < MANY; i++)
        many[i] = open_one();
    echoed = 0;
    const int64_t start = cpu_ns();
    for (uint64_t i = 0; i < n; i += AT_ONCE) {
        for (int j = 0; j < AT_ONCE; j++) {
            random = random * 1664525 + 1013904223;
            struct tcp_pcb *pcb = many[(random >> 8) % MANY];
            tcp_write(pcb, "x", 1, TCP_WRITE_FLAG_COPY);
            tcp_output(pcb);
        }
        for (int j = 0; j < 8 && tail != head; j++)
            pump();
    }
    printf("mem.rr.1000 %.2f ns/round-trip\n", (double)(cpu_ns() - start) / (double)echoed);
}

static uint64_t finished;

static err_t answered(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t e)
{
    (void)arg; (void)e;
    if (!p)
        return ERR_OK;
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    finished++;
    return tcp_close(pcb);
}

static err_t ask(void *arg, struct tcp_pcb *pcb, err_t e)
{
    (void)arg; (void)e;
    tcp_write(pcb, "x", 1, TCP_WRITE_FLAG_COPY);
    return tcp_output(pcb);
}

/* One after the other, which suits a stack that looks through a list best.  TIME-WAIT fills what blocks there are. */
static void connections(const char *name, uint64_t before, uint64_t n)
{
    int64_t start = 0;
    finished = 0;
    for (uint64_t i = 0; i < before + n; i++) {
        if (i == before)
            start = cpu_ns();
        struct tcp_pcb *pcb = tcp_new();
        tcp_bind_netif(pcb, &side[0]);
        tcp_nagle_disable(pcb);
        tcp_recv(pcb, answered);
        if (tcp_connect(pcb, netif_ip_addr4(&side[1]), 7, ask) != ERR_OK)
            return;
        while (tail != head)
            pump();
    }
    if (finished == before + n)
        printf("%s %.2f conns/s\n", name, (double)n / ((double)(cpu_ns() - start) / 1e9));
}

int main(int argc, char **argv)
{
    lwip_init();
    open_pair();
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "mem.bulk.1500")) {
            bulk(512u << 20);
            fflush(stdout);
        }
        if (!strcmp(argv[i], "mem.rr.1"))
            round_trips(1000000);
        if (!strcmp(argv[i], "mem.rr.1000"))
            round_trips_many(200000);
        if (strncmp(argv[i], "mem.crr", 7) != 0)
            continue;
        tcp_accept(listener, echo_accept);
        const bool waits = strchr(argv[i] + 7, '.') != NULL;    /* so many in TIME-WAIT as there are blocks */
        connections(argv[i], waits ? MEMP_NUM_TCP_PCB : 1000, waits ? 20000 : 300000);
    }
    return 0;
}
