#include "cli/trace_show.h"
#include "wire/tcp.h"
#include <inttypes.h>

bool trace_is_final(const struct trace_probe *p)
{
    return p->over && !addr_is_none(p->from) && p->trouble != TROUBLE_TTL;
}

const char *trace_mark(const struct trace_probe *p, struct addr target, char out[16])
{
    const bool at_target = addr_eq(p->from, target);
    out[0] = '\0';
    switch (p->trouble) {
    case TROUBLE_NONE: case TROUBLE_TTL:
        break;
    case TROUBLE_PORT:                  /* from the target it is what was hoped for */
        snprintf(out, 16, "%s", at_target ? "" : "!p");
        break;
    case TROUBLE_NO_ROUTE:     snprintf(out, 16, "!N"); break;
    case TROUBLE_ADDRESS:      snprintf(out, 16, "!H"); break;
    case TROUBLE_PROTOCOL:     snprintf(out, 16, "!P"); break;
    case TROUBLE_ADMIN:        snprintf(out, 16, "!X"); break;
    case TROUBLE_SOURCE_ROUTE: snprintf(out, 16, "!S"); break;
    case TROUBLE_TOO_BIG:      snprintf(out, 16, "!F-%u", p->mtu); break;
    default:                   snprintf(out, 16, "!<%u-%u>", p->type, p->code); break;
    }
    return out;
}

static void put_rtt(int64_t ns, FILE *to) { fprintf(to, "  %" PRId64 ".%03" PRId64 " ms", ns / 1000000, ns / 1000 % 1000); }

void trace_line(const struct trace_hop *h, trace_name *name, void *arg, FILE *to)
{
    char from[ADDR_TEXT], mark[16];
    struct addr last = ADDR_NONE;
    fprintf(to, "%2u ", h->ttl);
    for (unsigned i = 0; i < h->n; i++) {
        const struct trace_probe *p = &h->probe[i];
        if (addr_is_none(p->from)) {
            fputs(" *", to);
            continue;
        }
        if (!addr_eq(p->from, last)) {
            const char *known = name(arg, p->from);
            fprintf(to, known ? " %s (%s)" : " %s", known ? *known ? known : addr_text(p->from, from) : addr_text(p->from, from), addr_text(p->from, from));
            last = p->from;
        }
        put_rtt(p->rtt_ns, to);
        if (*trace_mark(p, h->target, mark))
            fprintf(to, " %s", mark);
        if (p->mtu && p->trouble != TROUBLE_TOO_BIG)
            fprintf(to, " F=%u", p->mtu);
    }
    putc('\n', to);
    fflush(to);
}

static void probe_json(const struct trace_probe *p, const struct trace_hop *h, trace_name *name, void *arg, struct json *j)
{
    char from[ADDR_TEXT], mark[16];
    if (addr_is_none(p->from)) {
        json_text(j, NULL, NULL);
        return;
    }
    const char *known = name(arg, p->from);
    json_open(j, NULL, '{');
    json_text(j, "from", addr_text(p->from, from));
    json_text(j, "name", known && *known ? known : NULL);
    json_ms(j, "rtt_ms", p->rtt_ns);
    json_text(j, "said", p->trouble == TROUBLE_NONE ? p->flags & RST ? "closed" : p->flags & SYN ? "open" : "answer" : trouble_text(p->trouble));
    json_text(j, "mark", trace_mark(p, h->target, mark));
    if (p->mtu)
        json_int(j, "mtu", p->mtu);
    json_close(j, '{');
}

void trace_json(const struct trace_hop *h, trace_name *name, void *arg, struct json *j)
{
    json_open(j, NULL, '{');
    json_int(j, "ttl", h->ttl);
    json_open(j, "probes", '[');
    for (unsigned i = 0; i < h->n; i++)
        probe_json(&h->probe[i], h, name, arg, j);
    json_close(j, '[');
    json_close(j, '{');
}
