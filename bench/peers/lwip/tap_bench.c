/* lwIP on a TAP, by its own driver (port/netif/tapif.c), speaking the benchmark protocol
 * of plumb bench: `lwip_tap client HOST up|down|rr|crr SECONDS IN-FLIGHT` and `lwip_tap
 * server`.  It is 10.9.0.2/24; the TAP is named by PRECONFIGURED_TAPIF. */
#include "base/checksum.h"
#include "lwip/init.h"
#include "lwip/ip.h"
#include "lwip/netif.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"
#include "netif/etharp.h"
#include "netif/tapif.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PORT = 7007, CHUNK = 16384 };

u16_t fast_checksum(const void *bytes, int len)
{
    return csum_fold(csum_add((csum_t){ 0 }, bytes, (size_t)len));
}

static int64_t clock_ns(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

u32_t sys_now(void) { return (u32_t)(clock_ns(CLOCK_MONOTONIC) / 1000000); }

static struct netif tap;
static ip_addr_t host;
static char chunk[CHUNK], mode;
static uint64_t bytes, trips, conns;
static volatile sig_atomic_t stop;

static void on_signal(int s) { (void)s; stop = 1; }

static void close_or_abort(struct tcp_pcb *pcb, err_t *verdict)
{
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    *verdict = ERR_OK;
    if (tcp_close(pcb) != ERR_OK) {
        tcp_abort(pcb);
        *verdict = ERR_ABRT;
    }
}

static void pour(struct tcp_pcb *pcb, uint64_t *count)
{
    while (tcp_sndbuf(pcb) >= CHUNK && tcp_write(pcb, chunk, CHUNK, TCP_WRITE_FLAG_COPY) == ERR_OK)
        if (count)
            *count += CHUNK;
    tcp_output(pcb);
}

/* ------------------------------------------------------------------ client */

static void call(void);

static err_t client_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t e)
{
    err_t verdict = ERR_OK;
    (void)arg; (void)e;
    if (!p) {
        close_or_abort(pcb, &verdict);
        return verdict;
    }
    bytes += p->tot_len;
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    if (mode == 'R') {
        trips++;
        tcp_write(pcb, "r", 1, TCP_WRITE_FLAG_COPY);
        tcp_output(pcb);
    } else if (mode == 'C') {
        trips++;
        close_or_abort(pcb, &verdict);
        call();
    }
    return verdict;
}

static err_t client_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    (void)arg; (void)len;
    if (mode == 'B')
        pour(pcb, &bytes);
    return ERR_OK;
}

static err_t client_connected(void *arg, struct tcp_pcb *pcb, err_t e)
{
    (void)arg; (void)e;
    tcp_write(pcb, &mode, 1, TCP_WRITE_FLAG_COPY);
    tcp_output(pcb);
    if (mode == 'B')
        pour(pcb, &bytes);
    return ERR_OK;
}

static void client_failed(void *arg, err_t e)
{
    (void)arg;
    fprintf(stderr, "lwip_tap: a connection failed (%d)\n", e);
    call();
}

static void call(void)
{
    struct tcp_pcb *pcb = tcp_new();
    if (!pcb)
        return;
    conns++;
    tcp_nagle_disable(pcb);
    tcp_recv(pcb, client_recv);
    tcp_sent(pcb, client_sent);
    tcp_err(pcb, client_failed);
    if (tcp_connect(pcb, &host, PORT, client_connected) != ERR_OK)
        tcp_abort(pcb);
}

/* ------------------------------------------------------------------ server */

static err_t server_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
    (void)len;
    if ((char)(intptr_t)arg == 'D')
        pour(pcb, NULL);
    return ERR_OK;
}

static err_t server_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t e)
{
    char heard = (char)(intptr_t)arg;
    err_t verdict = ERR_OK;
    (void)e;
    if (!p) {
        close_or_abort(pcb, &verdict);
        return verdict;
    }
    if (!heard) {
        heard = (char)pbuf_get_at(p, 0);
        tcp_arg(pcb, (void *)(intptr_t)heard);
    }
    if (heard == 'R' || heard == 'C')
        for (struct pbuf *q = p; q; q = q->next)
            tcp_write(pcb, q->payload, q->len, TCP_WRITE_FLAG_COPY);
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    if (heard == 'D')
        pour(pcb, NULL);
    tcp_output(pcb);
    return ERR_OK;
}

static err_t server_accept(void *arg, struct tcp_pcb *pcb, err_t e)
{
    (void)arg;
    if (e != ERR_OK || !pcb)
        return ERR_VAL;
    conns++;
    tcp_nagle_disable(pcb);
    tcp_recv(pcb, server_recv);
    tcp_sent(pcb, server_sent);
    return ERR_OK;
}

/* -------------------------------------------------------------------- main */

static void open_tap(void)
{
    ip4_addr_t own, mask, gateway;
    IP4_ADDR(&own, 10, 9, 0, 2);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 10, 9, 0, 1);
    lwip_init();
    netif_add(&tap, &own, &mask, &gateway, NULL, tapif_init, ethernet_input);
    netif_set_default(&tap);
    netif_set_up(&tap);
}

static void report(double seconds, double cpu_s)
{
    if (mode == 'B' || mode == 'D')
        printf("%s %.3f Gbit/s, %.3f ns of CPU per byte here\n", mode == 'B' ? "up" : "down", (double)bytes * 8 / seconds / 1e9,
               cpu_s * 1e9 / (double)bytes);
    else
        printf("%s %.0f /s, %.2f us of CPU each here\n", mode == 'R' ? "rr" : "crr", (double)trips / seconds, cpu_s * 1e6 / (double)trips);
}

int main(int argc, char **argv)
{
    static const char modes[][5] = { "up", "down", "rr", "crr" };
    const int client = argc == 6 && strcmp(argv[1], "client") == 0;
    int64_t until_ns = INT64_MAX;
    if (!client && (argc != 2 || strcmp(argv[1], "server") != 0))
        return fprintf(stderr, "lwip_tap client HOST up|down|rr|crr SECONDS IN-FLIGHT | server\n"), 2;
    signal(SIGTERM, on_signal);
    open_tap();
    for (const int64_t up_ns = clock_ns(CLOCK_MONOTONIC) + 300000000; client && clock_ns(CLOCK_MONOTONIC) < up_ns; sys_check_timeouts())
        tapif_select(&tap);                     /* the kernel has just seen the carrier: a SYN sent now would be lost */
    const int64_t start_ns = clock_ns(CLOCK_MONOTONIC), cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    if (client) {
        for (int i = 0; i < 4; i++)
            if (strcmp(argv[3], modes[i]) == 0)
                mode = "BDRC"[i];
        ipaddr_aton(argv[2], &host);
        until_ns = start_ns + (int64_t)(atof(argv[4]) * 1e9);
        for (int i = 0; i < atoi(argv[5]); i++)
            call();
    } else {
        struct tcp_pcb *l = tcp_new();
        tcp_bind(l, IP_ADDR_ANY, PORT);
        l = tcp_listen_with_backlog(l, 255);
        tcp_accept(l, server_accept);
    }
    while (!stop && clock_ns(CLOCK_MONOTONIC) < until_ns) {
        tapif_select(&tap);
        sys_check_timeouts();
    }
    const double seconds = (double)(clock_ns(CLOCK_MONOTONIC) - start_ns) / 1e9, cpu_s = (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_ns) / 1e9;
    if (client && bytes + trips == 0)
        return fprintf(stderr, "lwip_tap: no answer\n"), 1;
    if (client)
        report(seconds, cpu_s);
    else
        printf("server: %llu connections, %.3f s of CPU\n", (unsigned long long)conns, cpu_s);
    return 0;
}
