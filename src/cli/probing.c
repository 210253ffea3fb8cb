#include "cli/probing.h"
#include "cli/cli.h"
#include "lab/internet.h"
#include <string.h>

bool probing_choose(struct network_opts *o, const char *command, const char *host)
{
    struct addr a;
    if (o->family == NAME_ANY && addr_parse(host, &a))
        o->family = addr_is4(a) ? NAME_V4 : NAME_V6;
    if (strchr(host, '%') && strchr(host, ':'))
        o->family = NAME_V6;            /* fe80::1%tap0 */
    if (o->via.kind == VIA_UNSET && internet_has(host))
        o->via.kind = VIA_VIRTUAL;
    if (o->via.kind == VIA_UNSET) {
        complain("%s: %.80s is not in the virtual internet: --via tap:NAME or packet:IFACE reaches it by plumb's own stack", command, host);
        return false;
    }
    if (o->via.kind == VIA_HOST) {
        complain("%s needs plumb's own stack: --via tap:NAME, packet:IFACE or virtual", command);
        return false;
    }
    return true;
}

static struct network *failed(const struct probing *p, struct network *n, const char *why_not)
{
    if (why_not)
        complain("%s", why_not);
    if (p->json) {
        struct json j = json_begin(p->schema);
        json_text(&j, "host", p->host);
        json_text(&j, "error", why_not ? why_not : "it could not be begun: see the message");
        (void)json_end(&j);
    }
    if (n)
        (void)network_close(n);
    return NULL;
}

struct network *probing_open(const struct network_opts *o, const struct probing *p, struct addr *to)
{
    int status;
    char text[200];
    struct network *n = network_open(o, &status);
    if (!n)
        return failed(p, NULL, NULL);
    network_describe(n, text);
    if (!p->quiet)
        fprintf(stderr, "plumb %s: %s\n", p->command, text);
    const char *why_not = network_configure(n, NETWORK_PATIENCE_NS);
    if (why_not)
        return failed(p, n, why_not);
    return network_resolve(n, p->host, to) ? n : failed(p, n, NULL);
}

struct json probing_json(const struct probing *p, struct network *n, const struct network_opts *o, struct addr to)
{
    char text[200];
    struct json j = json_begin(p->schema);
    json_text(&j, "host", p->host);
    json_text(&j, "address", addr_text(to, text));
    network_describe(n, text);
    json_text(&j, "network", text);
    if (o->via.kind == VIA_VIRTUAL)
        json_int(&j, "seed", (int64_t)network_seed(n));
    return j;
}

const char *probing_trouble_text(enum inet_trouble t)
{
    switch (t) {
    case TROUBLE_NONE:         return "an answer";
    case TROUBLE_NO_ROUTE:     return "Destination Net Unreachable";
    case TROUBLE_ADDRESS:      return "Destination Host Unreachable";
    case TROUBLE_PORT:         return "Destination Port Unreachable";
    case TROUBLE_PROTOCOL:     return "Destination Protocol Unreachable";
    case TROUBLE_TOO_BIG:      return "Packet too big";
    case TROUBLE_TTL:          return "Time to live exceeded";
    case TROUBLE_REASSEMBLY:   return "Frag reassembly time exceeded";
    case TROUBLE_ADMIN:        return "Packet filtered";
    case TROUBLE_SCOPE:        return "Beyond scope of source address";
    case TROUBLE_SOURCE_ROUTE: return "Source Route Failed";
    default:                   return trouble_text(t);
    }
}
