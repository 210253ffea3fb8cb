#include "cli/network_int.h"
#include "cli/cli.h"
#include "cli/file.h"
#include "cli/state_lines.h"
#include "lab/internet.h"
#include "name/stub.h"
#include "sim/world.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINK_PATIENCE_NS (3 * NS_PER_SEC)

static void fan_out(void *arg, const struct event *e, const void *bytes, uint32_t n_bytes)
{
    struct network *n = arg;
    if (n->capture)
        pcapng_event(n->capture, e, bytes, n_bytes);
    if (n->sink)
        n->sink(n->sink_arg, e, bytes, n_bytes);
}

static bool open_capture(struct network *n, const char *file, int64_t epoch_ns, int *status)
{
    if (!file)
        return true;
    *status = n->kind == VIA_HOST ? EXIT_USAGE : EXIT_UNWRITABLE;
    if (n->kind == VIA_HOST) {
        complain("-w %s: nothing to capture, the host's kernel sends the packets here", file);
        return false;
    }
    n->capture_name = file;
    n->capture_file = fopen(file, "wbe");
    if (!n->capture_file) {
        complain("cannot write %s: %m", file);
        return false;
    }
    n->capture = pcapng_new(n->capture_file, n->trace->node, epoch_ns);
    if (!n->capture) {
        complain("cannot write %s: out of memory", file);
        return false;
    }
    pcapng_iface(n->capture, n->iface, n->kind == VIA_VIRTUAL ? "client" : n->via.name, true);
    return true;
}

/* `plumb neigh --pid` and its like. */
static bool answer(void *arg, const char *question, FILE *to)
{
    const struct network *n = arg;
    return state_lines(n->stack, question, to);
}

bool network_open_wire(struct network *n, const struct network_opts *o)
{
    char error[DEVICE_ERROR];
    struct device dev;
    for (unsigned i = 0; i < n->via.n_addr && n->core == 0; i++) {
        char text[ADDR_TEXT];
        if (host_has_addr(n->via.addr[i].addr)) {
            complain("%s is this host's own address: plumb needs one of its own on %s", addr_text(n->via.addr[i].addr, text), n->via.name);
            return false;
        }
    }
    const struct device_opts d = { .name = n->via.name, .no_offload = n->via.offload != VIA_OFFLOAD_ON,
                                   .soft_offload = n->via.offload == VIA_OFFLOAD_SOFT, .many = n->n_cores > 0, .queue = n->core,
                                   .queues = n->n_cores ? n->n_cores : 1, .ring = n->via.ring };
    const enum plumb_err e = n->kind == VIA_TAP ? tap_open(&dev, &d, error) : n->kind == VIA_XDP ? xdp_open(&dev, &d, error) :
                             packet_open(&dev, &d, error);
    if (e != PLUMB_OK) {
        complain("%s", error);
        return false;
    }
    if (n->via.mtu)
        dev.mtu = n->via.mtu;
    dev.ip6 = via_has_ip6(&n->via);
    if (o->has_link && o->link.mtu && o->link.mtu < dev.mtu)
        dev.mtu = o->link.mtu;          /* a host knows the MTU of its own link */
    if (o->has_link && o->capture)
        dev.gso_max = 0;                /* so that the capture tells the fate of each packet of the emulated link */
    n->loop = &n->own_loop;
    loop_init(n->loop, clock_now_ns(), clock_civil_ns());
    n->wait = wait_new(n->loop);
    const struct stack_config sc = { .node = (uint16_t)(n->core + 1), .seed = entropy_u64(), .small_pkts = 8192, .large_pkts = 256, .tcp = o->tcp,
                                     .shards = n->shards, .shard = (uint8_t)n->core };
    n->stack = stack_new(&sc, clock_now_ns());
    n->driving = n->wait && n->stack &&
                 drive_init(&n->drive, n->stack, &dev, o->has_link ? &o->link : NULL, n->seed, n->wait, clock_now_ns());
    if (!n->driving || (n->core == 0 && !wait_catch_signals(n->wait)) || (n->cores && !cores_sit(n->cores, n->core, n->stack, n->wait))) {
        complain("out of memory");
        return false;
    }
    n->iface = n->drive.iface;
    if (n->core == 0)
        n->control = control_new(n->wait, n->loop, answer, n);
    n->trace = stack_trace(n->stack);
    n->net = stack_net(n->stack, n->loop);
    return true;
}

static bool open_host(struct network *n, const struct network_opts *o)
{
    static const struct tcp_config untouched;
    if (memcmp(&o->tcp, &untouched, sizeof untouched) != 0) {
        complain("--cc and --tcp: on the host's sockets the kernel has the word; they need plumb's own stack (--via)");
        return false;
    }
    n->loop = &n->own_loop;
    loop_init(n->loop, clock_now_ns(), clock_civil_ns());
    n->wait = wait_new(n->loop);
    n->trace = &n->own_trace;
    trace_init(n->trace, 1);
    n->hostsock = n->wait ? hostsock_new(n->wait, n->loop, n->trace) : NULL;
    n->net = n->hostsock ? hostsock_net(n->hostsock) : NULL;
    if (!n->net || !wait_catch_signals(n->wait)) {
        complain("cannot use the host's sockets: out of memory or descriptors");
        return false;
    }
    return true;
}

static bool open_virtual(struct network *n, const struct network_opts *o)
{
    const struct internet_config ic = { .seed = n->seed, .access = o->has_link ? &o->link : NULL, .tcp = o->tcp };
    n->internet = internet_new(&ic);
    if (!n->internet) {
        complain("out of memory");
        return false;
    }
    n->loop = world_loop(internet_world(n->internet));
    n->stack = internet_client(n->internet);
    n->trace = stack_trace(n->stack);
    n->net = stack_net(n->stack, n->loop);
    return true;
}

struct network *network_open(const struct network_opts *o, int *status)
{
    struct network *n = calloc(1, sizeof *n);
    *status = 1;
    if (!n) {
        complain("out of memory");
        return NULL;
    }
    n->kind = o->via.kind;
    n->via = o->via;
    n->family = o->family;
    n->seed = o->has_seed ? o->seed : entropy_u64() % 1000000;
    n->sink = o->sink;
    n->sink_arg = o->sink_arg;
    n->tcp = o->tcp;
    if (!network_cores_init(n, o, status)) {
        network_close(n);
        return NULL;
    }
    const bool opened = n->kind == VIA_HOST ? open_host(n, o) : n->kind == VIA_VIRTUAL ? open_virtual(n, o) : network_open_wire(n, o);
    const int64_t epoch_ns = opened ? n->loop->civil_offset_ns : 0;
    if (!opened || !open_capture(n, o->capture, epoch_ns, status)) {
        network_close(n);
        return NULL;
    }
    const uint32_t groups = o->groups | (n->capture ? TRACE_WIRE | TRACE_DROP : 0);
    if (groups)
        trace_watch(n->trace, groups, fan_out, n);
    return n;
}

bool network_close(struct network *n)
{
    bool whole = true;
    if (n->trace)
        trace_watch(n->trace, 0, NULL, NULL);
    if (n->capture_file) {
        whole = pcapng_free(n->capture) && fclose(n->capture_file) == 0;
        if (!whole)
            complain("cannot write %s whole (a full disk, or no memory): %m", n->capture_name);
    }
    control_free(n->control);
    if (n->driving)
        drive_fini(&n->drive, n->wait);
    hostsock_free(n->hostsock);
    if (n->internet)
        internet_free(n->internet);
    else
        stack_free(n->stack);
    wait_free(n->wait);
    if (n->core == 0) {
        cores_free(n->cores);
        shards_free(n->shards);
    }
    free(n);
    return whole;
}

struct net   *network_net(struct network *n)         { return n->net; }
struct loop  *network_loop(struct network *n)        { return n->loop; }
struct stack *network_stack(struct network *n)       { return n->stack; }
struct trace *network_trace(struct network *n)       { return n->trace; }
unsigned      network_iface(const struct network *n) { return n->iface; }
uint64_t      network_seed(const struct network *n)  { return n->seed; }

void network_describe(const struct network *n, char out[200])
{
    char mac[MAC_TEXT];
    if (n->kind == VIA_VIRTUAL)
        snprintf(out, 200, "virtual network, seed %" PRIu64 " (the same again: --seed %" PRIu64 ")", n->seed, n->seed);
    else if (n->kind == VIA_HOST)
        snprintf(out, 200, "host network: the host's own sockets");
    else
        snprintf(out, 200, "wire: %s %s, plumb's MAC %s", n->drive.device.what, n->via.name,
                 mac_text(n->drive.device.mac, mac));
}

static bool stopped(void *loop) { return ((const struct loop *)loop)->stop; }

enum network_end network_run(struct network *n, int64_t deadline_ns)
{
    if (n->internet) {
        const bool done = world_run(internet_world(n->internet), stopped, n->loop, deadline_ns);
        n->loop->stop = false;
        return done ? NETWORK_STOPPED : NETWORK_DEADLINE;
    }
    if (n->driving && n->drive.lost)
        return NETWORK_LOST;
    const int end = wait_run_until(n->wait, deadline_ns);
    n->interrupted = end > 0;
    if (n->cores && end > 0 && n->core == 0)
        network_end_others(n);          /* the first hears the signals of all */
    if (n->driving && n->drive.lost)
        return NETWORK_LOST;
    return end == 0 ? NETWORK_STOPPED : end < 0 ? NETWORK_DEADLINE : NETWORK_SIGNAL;
}

/* ---------------------------------------------------------- configuration */

static const char *not_ready(struct network *n, const char *format, const char *more)
{
    snprintf(n->why_not, sizeof n->why_not, format, n->via.name, more);
    return n->why_not;
}

static const char *why_ended(struct network *n, enum network_end end)
{
    return end == NETWORK_SIGNAL ? "interrupted" : not_ready(n, "%s is gone%s", "");
}

static const char *down_text(struct network *n, enum device_link link)
{
    if (link == DEVICE_GONE)
        return why_ended(n, NETWORK_LOST);
    if (link == DEVICE_NO_CARRIER)
        return not_ready(n, "%s has no carrier%s", n->kind != VIA_TAP ? ": its other end is down" : "");
    if (n->drive.device.made_here)
        return not_ready(n, "%s did not exist; a new one is down until somebody brings it up (make one that stays: ip tuntap add dev %s mode tap)",
                         n->via.name);
    return not_ready(n, "%s is down (bring it up: ip link set %s up)", n->via.name);
}

/* Frames of before the kernel has the link up would be lost, and asked again a second later. */
static const char *await_link(struct network *n, int64_t deadline_ns)
{
    enum device_link link;
    int64_t delay_ns = NS_PER_MS;
    while ((link = device_link(&n->drive.device)) != DEVICE_UP) {
        if (link == DEVICE_GONE || loop_now(n->loop) >= deadline_ns)
            return down_text(n, link);
        const enum network_end end = network_run(n, time_after(loop_now(n->loop), delay_ns));
        if (end == NETWORK_SIGNAL || end == NETWORK_LOST)
            return why_ended(n, end);
        delay_ns = time_min(2 * delay_ns, 50 * NS_PER_MS);
    }
    return NULL;
}

/* A link-local IPv6 address leads to neighbours alone: it will do when it was all that was asked for. */
static bool suffices(const struct network *n, const struct addr_info *a)
{
    const bool v4 = addr_is4(a->addr.addr);
    if (a->iface != n->iface || n->family == (v4 ? NAME_V6 : NAME_V4))
        return false;
    return v4 || !addr_is_link_local(a->addr.addr) || n->via.n_addr || n->via.ip6 == VIA_IP6_ON;
}

static void look_for_address(void *arg)
{
    const struct network *n = arg;
    struct addr_info a;
    for (uint32_t cursor = 0; stack_walk_addrs(n->stack, &cursor, &a);) {
        if (a.ready && suffices(n, &a)) {
            loop_stop(n->loop);
            return;
        }
    }
}

static const char *await_address(struct network *n, int64_t deadline_ns)
{
    struct loop_task look = { .fn = look_for_address, .arg = n };
    stack_watch(n->stack, &look);
    loop_defer(n->loop, &look);
    const enum network_end end = network_run(n, deadline_ns);
    stack_watch(n->stack, NULL);
    loop_undefer(&look);
    if (end == NETWORK_STOPPED)
        return NULL;
    return end != NETWORK_DEADLINE ? why_ended(n, end) :
           n->family == NAME_V6 ? not_ready(n, "no IPv6 address: no router advertises one on %s%s", " (give one with addr=A/LEN)") :
           n->internet ? "no address: nobody answered DHCP" :
           not_ready(n, "no address: nobody answered DHCP on %s%s", " (give one with addr=A/LEN)");
}

static const char *configure(struct network *n, int64_t timeout_ns, int64_t link_timeout_ns)
{
    if (!n->stack)
        return NULL;
    const char *why_not = n->driving ? await_link(n, time_after(loop_now(n->loop), link_timeout_ns)) : NULL;
    if (why_not)
        return why_not;
    const int64_t now_ns = loop_now(n->loop);
    for (unsigned i = 0; i < n->via.n_addr; i++) {
        const enum plumb_err e = stack_add_addr(n->stack, n->iface, n->via.addr[i], false, now_ns);
        char text[ADDR_TEXT + 60];
        if (e == PLUMB_OK)
            continue;
        size_t at = strlen(addr_text(n->via.addr[i].addr, text));
        snprintf(text + at, sizeof text - at, ": %s", plumb_err_text(e));
        return not_ready(n, "%s cannot have the address %s", text);
    }
    if (!addr_is_none(n->via.gw4))
        stack_add_route(n->stack, (struct prefix){ addr4(0), 0 }, n->via.gw4, n->iface, now_ns);
    if (!addr_is_none(n->via.gw6))
        stack_add_route(n->stack, (struct prefix){ ADDR_NONE, 0 }, n->via.gw6, n->iface, now_ns);
    if (n->via.n_addr == 0)
        stack_dhcp_start(n->stack, n->iface, "plumb", now_ns);
    return await_address(n, time_after(now_ns, timeout_ns));
}

const char *network_configure(struct network *n, int64_t timeout_ns)
{
    return configure(n, timeout_ns, time_min(timeout_ns, LINK_PATIENCE_NS));
}

static unsigned host_dns(struct addr out[VIA_DNS])
{
    unsigned n = 0;
    char line[256], word[64];
    FILE *f = fopen("/etc/resolv.conf", "re");
    while (f && n < VIA_DNS && fgets(line, sizeof line, f))
        if (sscanf(line, "nameserver %63s", word) == 1 && addr_parse(word, &out[n]))
            n++;
    if (f)
        fclose(f);
    return n;
}

unsigned network_dns(struct network *n, struct addr out[VIA_DNS])
{
    struct dhcp_lease_info lease;
    if (n->via.n_dns) {
        memcpy(out, n->via.dns, sizeof n->via.dns);
        return n->via.n_dns;
    }
    if (n->kind == VIA_HOST)
        return host_dns(out);
    unsigned count = 0;
    if (stack_dhcp_lease(n->stack, n->iface, &lease) && lease.bound)
        for (; count < lease.n_dns && count < VIA_DNS; count++)
            out[count] = lease.dns[count];
    return count + stack_router_dns(n->stack, n->iface, out + count, VIA_DNS - count);
}

static void resolved(void *arg) { loop_stop(arg); }

/* The first that there is a way to, or the first. */
static uint32_t reachable(struct network *n, const struct addr *a, uint32_t count)
{
    struct path p;
    for (uint32_t i = 0; n->stack && i < count; i++)
        if (stack_route(n->stack, ADDR_NONE, a[i], &p) == PLUMB_OK)
            return i;
    return 0;
}

/* RFC 4007 §11: fe80::1%tap0.  A command is on one interface, so the zone is that or none.  NULL: complained about. */
static const char *without_zone(const struct network *n, const char *host, char bare[ADDR_TEXT])
{
    const char *zone = strchr(host, '%');
    if (!zone || !strchr(host, ':') || zone - host >= ADDR_TEXT)
        return host;
    if (strcmp(zone + 1, n->internet ? "client" : n->via.name) != 0) {
        complain("%s: plumb is on %s, not on %s", host, n->internet ? "client" : n->via.name, zone + 1);
        return NULL;
    }
    snprintf(bare, ADDR_TEXT, "%.*s", (int)(zone - host), host);
    return bare;
}

bool network_resolve(struct network *n, const char *host, struct addr *out)
{
    char bare[ADDR_TEXT];
    host = without_zone(n, host, bare);
    if (!host)
        return false;
    struct addr dns[VIA_DNS];
    struct stub_config c = { .n_servers = network_dns(n, dns) };
    uint32_t count = 0;
    for (uint32_t i = 0; i < c.n_servers; i++)
        c.servers[i] = (struct endpoint){ dns[i], 53 };
    struct stub *s = stub_new(n->net, &c);
    struct lookup *l = s ? stub_lookup(s, host, n->family, resolved, n->loop) : NULL;
    if (l)
        network_run(n, DEADLINE_NEVER);
    const struct addr *all = l ? lookup_addrs(l, &count) : NULL;
    if (count)
        *out = all[reachable(n, all, count)];
    else
        complain("%s: %s", host, l ? lookup_detail(l) : "out of memory");
    lookup_free(l);
    stub_free(s);
    return count > 0;
}

struct network *network_open_configured(const struct network_opts *o, int *status)
{
    struct network *n = network_open(o, status);
    if (!n)
        return NULL;
    const bool made = n->driving && n->drive.device.made_here;
    if (made)
        complain("made %s; waiting until it is up (ip link set %s up)", n->via.name, n->via.name);
    const char *why_not = configure(n, NETWORK_PATIENCE_NS, made ? DEADLINE_NEVER : LINK_PATIENCE_NS);
    if (!why_not)
        return n;
    complain("%s", why_not);
    network_close(n);
    *status = 1;
    return NULL;
}

bool network_interrupted(const struct network *n) { return n->interrupted; }

bool network_lost(struct network *n, enum network_end end)
{
    if (end == NETWORK_LOST)
        complain("%s", why_ended(n, end));
    return end == NETWORK_LOST;
}

char *network_hosts(void) { return file_text("/etc/hosts"); }
