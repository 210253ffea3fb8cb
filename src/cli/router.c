/* plumb router --via V --via V: one stack on several interfaces, which sends on what is for others. */
#include "cli/router.h"
#include "cli/state_lines.h"
#include "os/control.h"
#include "cli/cli.h"
#include "cli/file.h"
#include "os/drive.h"
#include "os/files.h"
#include "stack/gate.h"
#include "view/pcapng.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL_PKTS = 16384, LARGE_PKTS = 512 };

struct router {
    struct router_opts opts;
    struct loop loop;
    struct wait *wait;
    struct control *control;            /* NULL: nobody can ask */
    struct stack *stack;
    struct drive drive[ROUTER_VIAS];
    unsigned n_driving;
    FILE *file;
    struct pcapng *capture;
};

/* ------------------------------------------------------------------ telling */

static const char *name_of(const struct router *r, unsigned iface) { return iface < r->n_driving ? r->opts.via[iface].name : "nowhere"; }

static void tell_addr(const struct router *r, unsigned iface, struct addr a, unsigned len)
{
    char text[ADDR_TEXT];
    fprintf(stderr, "plumb router: %s has %s/%u\n", name_of(r, iface), addr_text(a, text), len);
}

static void on_event(void *arg, const struct event *e, const void *bytes, uint32_t n_bytes)
{
    struct router *r = arg;
    char text[ADDR_TEXT];
    if (r->capture)
        pcapng_event(r->capture, e, bytes, n_bytes);
    if (r->opts.quiet)
        return;
    if (e->kind == EV_addr_added) {
        const struct ev_addr_added *a = EVENT_BODY_OF(e, addr_added);
        tell_addr(r, a->iface, a->addr, a->prefix_len);
    } else if (e->kind == EV_addr_removed) {
        const struct ev_addr_removed *a = EVENT_BODY_OF(e, addr_removed);
        fprintf(stderr, "plumb router: %s lost %s\n", name_of(r, a->iface), addr_text(a->addr, text));
    }
}

static void tell_routes(const struct router *r)
{
    static const char *const kind[] = { "", "blackhole", "unreachable", "prohibited" };
    struct route_info i;
    char dst[ADDR_TEXT], via[ADDR_TEXT];
    for (uint32_t cursor = 0; stack_walk_routes(r->stack, &cursor, &i);) {
        fprintf(stderr, "plumb router: to %s/%u ", addr_text(i.dst.addr, dst), i.dst.len);
        if (i.kind != ROUTE_ON)
            fprintf(stderr, "%s\n", kind[i.kind]);
        else if (addr_is_none(i.via))
            fprintf(stderr, "on %s\n", name_of(r, i.iface));
        else
            fprintf(stderr, "by %s on %s\n", addr_text(i.via, via), name_of(r, i.iface));
    }
    for (unsigned n = 0; n < r->opts.n_nat; n++)
        fprintf(stderr, "plumb router: who leaves by %s hides behind its address\n", r->opts.nat[n]);
}

/* What became of packets that did not go on. */
static void tell_drops(const struct router *r)
{
    const uint64_t *drops = stack_trace(r->stack)->drops;
    for (unsigned i = 1; i < WHY_COUNT; i++)
        if (drops[i])
            fprintf(stderr, "plumb router: dropped %" PRIu64 " %s: %s\n", drops[i], why_name((enum why)i), why_text((enum why)i));
}

/* ------------------------------------------------------------------ opening */

static bool open_device(const struct via *v, struct device *dev)
{
    char error[DEVICE_ERROR], text[ADDR_TEXT];
    for (unsigned i = 0; i < v->n_addr; i++) {
        if (host_has_addr(v->addr[i].addr)) {
            complain("router: %s is this host's own address: plumb needs one of its own on %s", addr_text(v->addr[i].addr, text), v->name);
            return false;
        }
    }
    const struct device_opts d = { .name = v->name, .no_offload = v->offload != VIA_OFFLOAD_ON, .soft_offload = v->offload == VIA_OFFLOAD_SOFT,
                                   .queues = 1, .ring = v->ring };
    const enum plumb_err e = v->kind == VIA_TAP ? tap_open(dev, &d, error) : v->kind == VIA_XDP ? xdp_open(dev, &d, error) : packet_open(dev, &d, error);
    if (e != PLUMB_OK)
        complain("router: %s", error);
    else if (v->mtu)
        dev->mtu = v->mtu;
    dev->ip6 = via_has_ip6(v);
    return e == PLUMB_OK;
}

static bool open_wires(struct router *r)
{
    for (unsigned i = 0; i < r->opts.n_via; i++) {
        struct device dev;
        if (!open_device(&r->opts.via[i], &dev))
            return false;
        if (dev.made_here && !r->opts.quiet)
            fprintf(stderr, "plumb router: made %s, which is down until somebody brings it up (ip link set %s up)\n", dev.name, dev.name);
        r->n_driving++;
        if (!drive_init(&r->drive[i], r->stack, &dev, NULL, 1, r->wait, clock_now_ns())) {
            complain("router: out of memory");
            return false;
        }
    }
    drive_together(r->drive, r->n_driving);
    return true;
}

static bool open_capture(struct router *r)
{
    if (!r->opts.capture)
        return true;
    r->file = fopen(r->opts.capture, "wbe");
    r->capture = r->file ? pcapng_new(r->file, stack_trace(r->stack)->node, r->loop.civil_offset_ns) : NULL;
    if (!r->capture) {
        complain("cannot write %s: %m", r->opts.capture);
        return false;
    }
    for (unsigned i = 0; i < r->n_driving; i++)
        pcapng_iface(r->capture, r->drive[i].iface, r->opts.via[i].name, true);
    return true;
}

/* -1: none is called so. */
static int iface_named(const struct router *r, const char *name)
{
    for (unsigned i = 0; i < r->n_driving; i++)
        if (strcmp(r->opts.via[i].name, name) == 0)
            return (int)r->drive[i].iface;
    return -1;
}

/* The interface in whose network the next hop lies. */
static int iface_towards(const struct router *r, struct addr via)
{
    for (unsigned i = 0; i < r->n_driving; i++)
        for (unsigned a = 0; a < r->opts.via[i].n_addr; a++)
            if (prefix_has(r->opts.via[i].addr[a], via))
                return (int)r->drive[i].iface;
    return -1;
}

static bool add_route(struct router *r, const struct router_route *x, int64_t now_ns)
{
    char dst[ADDR_TEXT], via[ADDR_TEXT];
    if (x->kind != ROUTE_ON)
        return stack_refuse_route(r->stack, x->dst, x->kind, now_ns) == PLUMB_OK;
    const int iface = x->dev[0] ? iface_named(r, x->dev) : iface_towards(r, x->via);
    if (iface >= 0)
        return stack_add_route(r->stack, x->dst, x->via, (unsigned)iface, now_ns) == PLUMB_OK;
    if (x->dev[0])
        complain("router: --route %s/%u: no interface is called %s", addr_text(x->dst.addr, dst), x->dst.len, x->dev);
    else
        complain("router: --route %s/%u: %s is in no network of an interface here (name one: dev=IF)", addr_text(x->dst.addr, dst), x->dst.len,
                 addr_text(x->via, via));
    return false;
}

static bool read_filter(const struct router *r, struct filter *out)
{
    const char *name[IFACE_MAX] = { NULL };
    char error[200];
    char *text = file_text(r->opts.filter);
    if (!text) {
        complain("router: cannot read %s: %m", r->opts.filter);
        return false;
    }
    for (unsigned i = 0; i < r->n_driving; i++)
        name[r->drive[i].iface] = r->opts.via[i].name;
    const bool good = filter_parse(text, name, out, error);
    if (!good)
        complain("router: %s: %s", r->opts.filter, error);
    free(text);
    return good;
}

static bool configure_gate(struct router *r, int64_t now_ns)
{
    static struct filter filter;
    const struct gate_config c = { .nat = r->opts.n_nat > 0, .nat_config = r->opts.nat_config, .filter = r->opts.filter ? &filter : NULL };
    if (!c.nat && !c.filter)
        return true;
    if (c.filter && !read_filter(r, &filter))
        return false;
    if (stack_gate_open(r->stack, &c, now_ns) != PLUMB_OK) {
        complain("router: out of memory");
        return false;
    }
    for (unsigned i = 0; i < r->opts.n_nat; i++) {
        const int iface = iface_named(r, r->opts.nat[i]);
        if (iface < 0 || stack_nat_outside(r->stack, (unsigned)iface) != PLUMB_OK) {
            complain("router: --nat %s: no interface is called so", r->opts.nat[i]);
            return false;
        }
    }
    return true;
}

static void configure_iface(struct router *r, unsigned i, int64_t now_ns)
{
    const struct via *v = &r->opts.via[i];
    const unsigned iface = r->drive[i].iface;
    for (unsigned a = 0; a < v->n_addr; a++)
        (void)stack_add_addr(r->stack, iface, v->addr[a], false, now_ns);
    if (!addr_is_none(v->gw4))
        (void)stack_add_route(r->stack, (struct prefix){ addr4(0), 0 }, v->gw4, iface, now_ns);
    if (!addr_is_none(v->gw6))
        (void)stack_add_route(r->stack, (struct prefix){ ADDR_NONE, 0 }, v->gw6, iface, now_ns);
    if (v->n_addr == 0)
        stack_dhcp_start(r->stack, iface, "plumb", now_ns);
}

static bool advertise(struct router *r, struct router_advert *x, int64_t now_ns)
{
    for (unsigned i = 0; i < r->n_driving; i++) {
        if (strcmp(r->opts.via[i].name, x->dev) != 0)
            continue;
        router_advert_prefixes(x, &r->opts.via[i]);
        return stack_advertise(r->stack, r->drive[i].iface, &x->config, now_ns) == PLUMB_OK;
    }
    complain("router: --advertise %s: no interface is called so", x->dev);
    return false;
}

/* RFC 4861 §6.2.5: hosts shall not wait for us to be missed. */
static void say_good_bye(struct router *r)
{
    for (unsigned i = 0; i < r->opts.n_advert; i++)
        (void)stack_advertise(r->stack, (unsigned)iface_named(r, r->opts.advert[i].dev), NULL, loop_now(&r->loop));
    if (r->opts.n_advert)
        (void)wait_run_until(r->wait, loop_now(&r->loop) + 20 * NS_PER_MS);
}

static bool configure(struct router *r)
{
    const int64_t now_ns = loop_now(&r->loop);
    if (!configure_gate(r, now_ns))
        return false;
    for (unsigned i = 0; i < r->n_driving; i++)
        configure_iface(r, i, now_ns);
    for (unsigned i = 0; i < r->opts.n_route; i++)
        if (!add_route(r, &r->opts.route[i], now_ns))
            return false;
    for (unsigned i = 0; i < r->opts.n_advert; i++)
        if (!advertise(r, &r->opts.advert[i], now_ns))
            return false;
    return true;
}

/* `plumb route --pid`, `plumb nat --pid` and their like. */
static bool answer(void *arg, const char *question, FILE *to)
{
    const struct router *r = arg;
    return state_lines(r->stack, question, to);
}

static bool open_all(struct router *r)
{
    const struct stack_config c = { .node = 1, .seed = entropy_u64(), .forwarding = true, .small_pkts = SMALL_PKTS, .large_pkts = LARGE_PKTS,
                                    .tcp = { .first_port = NAT_OWN_FIRST } };
    loop_init(&r->loop, clock_now_ns(), clock_civil_ns());
    r->wait = wait_new(&r->loop);
    r->stack = stack_new(&c, clock_now_ns());
    if (!r->wait || !r->stack || !wait_catch_signals(r->wait)) {
        complain("router: out of memory");
        return false;
    }
    (void)stack_net(r->stack, &r->loop);
    r->control = control_new(r->wait, &r->loop, answer, r);
    return open_wires(r) && open_capture(r);
}

/* False: the capture could not be written whole. */
static bool close_all(struct router *r)
{
    bool whole = true;
    if (r->stack)
        trace_watch(stack_trace(r->stack), 0, NULL, NULL);
    if (r->file) {
        whole = pcapng_free(r->capture);
        whole = fclose(r->file) == 0 && whole;
        if (!whole)
            complain("cannot write %s whole (a full disk, or no memory): %m", r->opts.capture);
    }
    control_free(r->control);
    for (unsigned i = 0; i < r->n_driving; i++)
        drive_fini(&r->drive[i], r->wait);
    stack_free(r->stack);
    wait_free(r->wait);
    return whole;
}

static int run(struct router *r)
{
    const uint32_t groups = (r->capture ? TRACE_WIRE | TRACE_DROP : 0) | (r->opts.quiet ? 0 : TRACE_NET);
    if (groups)
        trace_watch(stack_trace(r->stack), groups, on_event, r);
    if (!configure(r))
        return EXIT_USAGE;
    if (!r->opts.quiet)
        tell_routes(r);
    (void)wait_run(r->wait);
    say_good_bye(r);
    for (unsigned i = 0; i < r->n_driving; i++) {
        if (!r->drive[i].lost)
            continue;
        complain("router: %s is gone", r->opts.via[i].name);
        return 1;
    }
    if (!r->opts.quiet)
        tell_drops(r);
    return 0;
}

int cmd_router(int argc, char **argv)
{
    static struct router r;
    router_options(&r.opts, argc, argv);
    int status = open_all(&r) ? run(&r) : 1;
    return close_all(&r) ? status : 1;
}
