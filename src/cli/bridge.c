/* plumb bridge tap:A tap:B,vlan=10 tap:C,tagged=10+20: a switch of plumb's between interfaces. */
#include "base/units.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "os/files.h"
#include "os/hub.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_NO_STP = 5000, OPT_PRIORITY, OPT_FLOOD, DEFAULT_VLAN = 1, DEFAULT_FLOOD_S = 2000, DEFAULT_PRIORITY = 32768 };

struct bridge_cmd { struct switch_config sw; char name[STP_PORTS][16]; bool packet[STP_PORTS]; };

static const struct argp_option options[] = {
    { "no-stp",   OPT_NO_STP,   NULL, 0, "no spanning tree: ports forward at once, and loops are only held by --flood", 0 },
    { "priority", OPT_PRIORITY, "N", 0, "of this bridge in the spanning tree, less is rather the root (default 32768)", 0 },
    { "flood",    OPT_FLOOD,    "N", 0, "broadcast, group and unknown frames a second that each port may cause (default 2000; 0: no bound)", 0 },
    { 0 }
};

/* 10+20+30 */
static bool tagged_vlans(const char *text, struct switch_port_config *c)
{
    for (char *end; ; text = end + 1) {
        const unsigned long v = strtoul(text, &end, 10);
        if (end == text || v < 1 || v >= VLAN_RESERVED || (*end && *end != '+'))
            return false;
        switch_tag(c, (unsigned)v);
        if (!*end)
            return true;
    }
}

static bool port_word(const char *word, struct switch_port_config *c)
{
    char *end;
    if (strncmp(word, "tagged=", 7) == 0) {
        if (c->untagged == DEFAULT_VLAN)
            c->untagged = 0;            /* a trunk takes frames without a tag only when it is told of which VLAN they are */
        return tagged_vlans(word + 7, c);
    }
    if (strncmp(word, "vlan=", 5) != 0)
        return false;
    const unsigned long v = strtoul(word + 5, &end, 10);
    c->untagged = (uint16_t)v;
    return end != word + 5 && !*end && v >= 1 && v < VLAN_RESERVED;
}

static void port_argument(struct bridge_cmd *b, const struct argp_state *state, const char *arg)
{
    char copy[400], *save = NULL;
    const bool tap = strncmp(arg, "tap:", 4) == 0, packet = strncmp(arg, "packet:", 7) == 0;
    if (b->sw.n_ports == STP_PORTS)
        option_bad(state, "at most %d ports", STP_PORTS);
    const unsigned i = b->sw.n_ports++;
    struct switch_port_config *c = &b->sw.port[i];
    c->untagged = DEFAULT_VLAN;
    snprintf(copy, sizeof copy, "%s", tap || packet ? arg + (tap ? 4 : 7) : "");
    const char *word = strtok_r(copy, ",", &save);
    bool good = word && (size_t)snprintf(b->name[i], sizeof b->name[i], "%s", word) < sizeof b->name[i];
    b->packet[i] = packet;
    while (good && (word = strtok_r(NULL, ",", &save)))
        good = port_word(word, c);
    if (!good)
        option_bad(state, "\"%s\" is no port: tap:NAME or packet:IFACE, with vlan=N (of frames without a tag) and tagged=N+N...", arg);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct bridge_cmd *b = state->input;
    switch (key) {
    case ARGP_KEY_INIT: options_begin(state); return 0;
    case OPT_NO_STP: b->sw.stp = false; return 0;
    case OPT_PRIORITY: b->sw.priority = (uint16_t)option_integer(state, arg, 0, UINT16_MAX); return 0;
    case OPT_FLOOD: b->sw.flood_s = (uint32_t)option_integer(state, arg, 0, 10000000); return 0;
    case ARGP_KEY_ARG: port_argument(b, state, arg); return 0;
    case ARGP_KEY_END:
        if (b->sw.n_ports < 2)
            option_bad(state, "a bridge has two ports at least: tap:A tap:B");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* False: complained about, nothing is open. */
static bool open_devices(const struct bridge_cmd *b, struct device *dev)
{
    char error[DEVICE_ERROR];
    for (unsigned i = 0; i < b->sw.n_ports; i++) {
        const struct device_opts o = { .name = b->name[i], .queues = 1 };
        if ((b->packet[i] ? packet_open(&dev[i], &o, error) : tap_open(&dev[i], &o, error)) == PLUMB_OK)
            continue;
        complain("bridge: %s", error);
        while (i-- > 0)
            device_close(&dev[i]);
        return false;
    }
    return true;
}

static void tell(const struct bridge_cmd *b, const struct hub *h)
{
    for (unsigned i = 0; i < h->n; i++)
        fprintf(stderr, "plumb bridge: %s %s\n", b->name[i], stp_state_name(h->sw.stp.port[i].state));
    for (unsigned i = 1; i < WHY_COUNT; i++)
        if (h->trace.drops[i])
            fprintf(stderr, "plumb bridge: dropped %" PRIu64 " %s: %s\n", h->trace.drops[i], why_name((enum why)i), why_text((enum why)i));
}

static int run(struct bridge_cmd *b, struct device *dev)
{
    static struct hub hub;
    struct loop loop;
    loop_init(&loop, clock_now_ns(), clock_civil_ns());
    struct wait *w = wait_new(&loop);
    b->sw.mac = dev[0].mac;
    if (!w || !hub_init(&hub, dev, &b->sw, entropy_u64(), w) || !wait_catch_signals(w)) {
        complain("bridge: out of memory");
        return 1;
    }
    fprintf(stderr, "plumb bridge: %u ports%s\n", hub.n, b->sw.stp ? ", which forward after the 30 s of the spanning tree" : "");
    (void)wait_run(w);
    tell(b, &hub);
    const int lost = hub.lost;
    hub_fini(&hub, w);
    wait_free(w);
    if (lost >= 0)
        complain("bridge: %s is gone", b->name[lost]);
    return lost >= 0;
}

int cmd_bridge(int argc, char **argv)
{
    static const struct argp argp = { options, parse, "PORT PORT...", "Joins interfaces by a learning switch with VLANs, until it is interrupted. "
                                      "They may be moved to other network namespaces while it runs.", NULL, NULL, NULL };
    static struct bridge_cmd b = { .sw = { .stp = true, .priority = DEFAULT_PRIORITY, .flood_s = DEFAULT_FLOOD_S } };
    struct device dev[STP_PORTS];
    options_parse(&argp, argc, argv, &b);
    return open_devices(&b, dev) ? run(&b, dev) : 1;
}
