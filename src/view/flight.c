#include "view/flight.h"
#include "base/units.h"
#include "view/packet_line.h"
#include "wire/icmp.h"
#include "wire/icmp6.h"
#include <inttypes.h>

static const char *drop_line(const struct ev_pkt_drop *d, char out[FLIGHT_LINE])
{
    const char *section = why_section(d->why);
    if (why_is_others(d->why))
        return NULL;
    snprintf(out, FLIGHT_LINE, *section ? "dropped a packet of %" PRIu32 " bytes: %s (%s)" : "dropped a packet of %" PRIu32 " bytes: %s", d->len,
             why_text(d->why), section);
    return out;
}

static const char *tcp_line(const struct event *e, char out[FLIGHT_LINE])
{
    char one[ENDPOINT_TEXT], two[ENDPOINT_TEXT], wait[UNIT_TEXT];
    const int n = snprintf(out, FLIGHT_LINE, "connection %" PRIu32 ": ", e->conn);
    char *rest = out + n;
    const size_t room = FLIGHT_LINE - (size_t)n;
    if (e->kind == EV_tcp_open) {
        const struct ev_tcp_open *o = EVENT_BODY_OF(e, tcp_open);
        snprintf(rest, room, "%s to %s", endpoint_text((struct endpoint){ o->local, o->local_port }, one),
                 endpoint_text((struct endpoint){ o->remote, o->remote_port }, two));
    } else if (e->kind == EV_tcp_state) {
        const struct ev_tcp_state *s = EVENT_BODY_OF(e, tcp_state);
        snprintf(rest, room, s->why ? "%s to %s: %s" : "%s to %s", tcp_state_name(s->from), tcp_state_name(s->to), why_text(s->why));
    } else if (e->kind == EV_tcp_rto) {
        const struct ev_tcp_rto *o = EVENT_BODY_OF(e, tcp_rto);
        snprintf(rest, room, "no acknowledgment within %s: retransmission %u", duration_text(o->rto_ns, wait), o->count);
    } else {
        const struct ev_tcp_retransmit *s = EVENT_BODY_OF(e, tcp_retransmit);
        snprintf(rest, room, "sent again: %" PRIu32 " bytes from %" PRIu32, s->len, s->seq);
    }
    return out;
}

const char *flight_line(const struct event *e, char out[FLIGHT_LINE])
{
    char a[ADDR_TEXT], m[MAC_TEXT];
    switch (e->kind) {
    case EV_pkt_drop:
        return drop_line(EVENT_BODY_OF(e, pkt_drop), out);
    case EV_tcp_open:
    case EV_tcp_state:
    case EV_tcp_rto:
    case EV_tcp_retransmit:
        return tcp_line(e, out);
    case EV_tcp_overflow: {
        const struct ev_tcp_overflow *o = EVENT_BODY_OF(e, tcp_overflow);
        snprintf(out, FLIGHT_LINE, "port %u: %s", o->port, why_text(o->why));
        return out;
    }
    case EV_neigh_failed: {
        const struct addr who = EVENT_BODY_OF(e, neigh_failed)->target;
        snprintf(out, FLIGHT_LINE, "%s did not answer %s", addr_text(who, a), addr_is4(who) ? "ARP" : "neighbour solicitations");
        return out;
    }
    case EV_addr_conflict: {
        const struct ev_addr_conflict *c = EVENT_BODY_OF(e, addr_conflict);
        snprintf(out, FLIGHT_LINE, "another station, %s, uses our address %s", mac_text(c->mac, m), addr_text(c->addr, a));
        return out;
    }
    case EV_addr_removed:
        snprintf(out, FLIGHT_LINE, "the address %s was taken away", addr_text(EVENT_BODY_OF(e, addr_removed)->addr, a));
        return out;
    case EV_icmp_error: {
        const struct ev_icmp_error *i = EVENT_BODY_OF(e, icmp_error);
        const struct icmp_kind k = { i->kind, i->code };
        snprintf(out, FLIGHT_LINE, "%s says %s", addr_text(i->from, a), trouble_text(addr_is4(i->from) ? icmp4_trouble(k) : icmp6_trouble(k)));
        return out;
    }
    default:
        return NULL;
    }
}

/* A retransmission that the timer before it told already. */
static bool is_told(const struct event *before, const struct event *e)
{
    return before && before->kind == EV_tcp_rto && e->kind == EV_tcp_retransmit && before->conn == e->conn && before->time_ns == e->time_ns;
}

struct news { int64_t time_ns; uint32_t times; char text[FLIGHT_LINE]; };

unsigned flight_print(const struct trace *t, int64_t zero_ns, unsigned max, const char *heading, FILE *to)
{
    struct news ring[FLIGHT_LINES_MAX];
    uint32_t cursor = 0, seen = 0;
    char line[FLIGHT_LINE], at[UNIT_TEXT];
    max = max < FLIGHT_LINES_MAX ? max : FLIGHT_LINES_MAX;
    for (const struct event *e, *before = NULL; max > 0 && (e = trace_walk(t, &cursor)); before = e) {
        if (is_told(before, e) || !flight_line(e, line))
            continue;
        struct news *last = &ring[(seen + max - 1) % max];
        const bool again = seen > 0 && strcmp(last->text, line) == 0;
        struct news *n = again ? last : &ring[seen++ % max];
        n->times = again ? n->times + 1 : 1;
        n->time_ns = e->time_ns;
        memcpy(n->text, line, sizeof line);
    }
    const uint32_t shown = seen < max ? seen : max;
    if (shown)
        fprintf(to, "%s\n", heading);
    for (uint32_t i = seen - shown; i < seen; i++) {
        const struct news *n = &ring[i % max];
        fprintf(to, "%12s  %s", duration_text(n->time_ns - zero_ns, at), n->text);
        fprintf(to, n->times > 1 ? " (%" PRIu32 " times)\n" : "\n", n->times);
    }
    return shown;
}
