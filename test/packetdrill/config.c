#include "config.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct flags flags_read(const char *text)
{
    struct flags f = { .addr = "192.168.0.1/16", .mtu = 1500, .ok = true };
    char copy[256] = { 0 }, *rest = copy;
    snprintf(copy, sizeof copy, "%s", text ? text : "");
    for (char *item; (item = strsep(&rest, ","));) {
        if (!strncmp(item, "addr=", 5))
            snprintf(f.addr, sizeof f.addr, "%s", item + 5);
        else if (!strncmp(item, "mtu=", 4))
            f.mtu = (uint16_t)atoi(item + 4);
        else if (!strncmp(item, "cc=", 3))
            snprintf(f.congestion, sizeof f.congestion, "%s", item + 3);
        else if (!strcmp(item, "profile=rfc"))
            f.plain = true;
        else if (*item && strcmp(item, "profile=linux"))
            f.ok = false;
    }
    return f;
}

/* The `which`th number of a sysctl, from 0; `otherwise` when it cannot be read. */
static long sysctl(const char *name, int which, long otherwise)
{
    char path[128], line[128] = { 0 }, *at = line;
    snprintf(path, sizeof path, "/proc/sys/net/ipv4/%s", name);
    FILE *f = fopen(path, "r");
    if (!f)
        return otherwise;
    if (!fgets(line, sizeof line, f))
        line[0] = 0;
    fclose(f);
    for (; which > 0; which--)
        (void)strtol(at, &at, 10);
    char *end;
    const long n = strtol(at, &end, 10);
    return end == at ? otherwise : n;
}

static uint8_t congestion(const char *asked)
{
    char name[32] = { 0 };
    if (*asked)
        return (uint8_t)tcp_cc_named(asked);
    FILE *f = fopen("/proc/sys/net/ipv4/tcp_congestion_control", "r");
    if (!f)
        return TCP_CC_DEFAULT;
    if (!fgets(name, sizeof name, f))
        name[0] = 0;
    fclose(f);
    name[strcspn(name, "\n")] = 0;
    return (uint8_t)tcp_cc_named(name);
}

/* Linux offers the scale its largest receive buffer would need. */
static uint8_t scale_for(long bytes)
{
    uint8_t scale = 0;
    while (scale < 14 && bytes >> scale > 65535)
        scale++;
    return scale;
}

static uint32_t buffer(long n) { return n < 4096 ? 4096 : n > 4 << 20 ? 4 << 20 : (uint32_t)n; }

/* Its numbers: 0 off, 1 classic, 2 when asked, 3 and more accurate. */
static uint8_t ecn(long n)
{
    static const uint8_t of[] = { TCP_ECN_OFF, TCP_ECN_CLASSIC, TCP_ECN_PASSIVE };
    return n >= 0 && n < 3 ? of[n] : TCP_ECN_ACCURATE;
}

struct tcp_config config_read(const struct flags *f)
{
    struct tcp_config c = f->plain ? tcp_rfc_plain() : (struct tcp_config){ .push_large = true, .no_pacing = true };
    c.no_timestamps = sysctl("tcp_timestamps", 0, 1) == 0;
    c.no_sack = sysctl("tcp_sack", 0, 1) == 0;
    c.no_wscale = sysctl("tcp_window_scaling", 0, 1) == 0;
    c.syn_retries = (uint8_t)sysctl("tcp_syn_retries", 0, 6);
    c.synack_retries = (uint8_t)sysctl("tcp_synack_retries", 0, 5);
    c.retries = (uint8_t)sysctl("tcp_retries2", 0, 15);
    c.keepalive_idle_ns = sysctl("tcp_keepalive_time", 0, 7200) * NS_PER_SEC;
    c.keepalive_interval_ns = sysctl("tcp_keepalive_intvl", 0, 75) * NS_PER_SEC;
    c.keepalive_probes = (uint8_t)sysctl("tcp_keepalive_probes", 0, 9);
    c.send_start = buffer(sysctl("tcp_wmem", 1, 262144));
    c.send_most = buffer(sysctl("tcp_wmem", 2, 4 << 20));
    c.recv_start = buffer(sysctl("tcp_rmem", 1, 540000) / 2);       /* as much again is overhead there */
    c.recv_most = buffer(sysctl("tcp_rmem", 2, 15 << 20) / 2);
    c.ecn = ecn(sysctl("tcp_ecn", 0, 2));
    c.wscale_least = scale_for(sysctl("tcp_rmem", 2, 15 << 20));
    c.congestion = congestion(f->congestion);
    c.syn_cookies = sysctl("tcp_syncookies", 0, 1) == 0 ? SYN_COOKIES_NEVER : SYN_COOKIES_WHEN_FULL;
    return c;
}
