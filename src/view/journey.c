#include "view/journey.h"
#include "base/units.h"
#include "view/packet_line.h"
#include "wire/eth.h"
#include "wire/ip4.h"
#include "wire/tcp.h"
#include <inttypes.h>

enum { DETAIL_INDENT = 11, DETAIL_WIDTH = 80 - DETAIL_INDENT };

static const struct { const char *name, *layer; } steps[STEP_COUNT] = {
    [STEP_URL]     = { "url",     "application" },
    [STEP_ADDRESS] = { "address", "link+network" },
    [STEP_NAME]    = { "name",    "application" },
    [STEP_ROUTE]   = { "route",   "network+link" },
    [STEP_CONNECT] = { "connect", "transport" },
    [STEP_SECURE]  = { "secure",  "security" },
    [STEP_REQUEST] = { "request", "application" },
    [STEP_PAGE]    = { "page",    "application" },
};

const char *journey_step_name(enum journey_step s) { return steps[s].name; }
const char *journey_layer(enum journey_step s)     { return steps[s].layer; }
const char *journey_state(uint8_t state)
{
    return state == STEP_DONE ? "done" : state == STEP_FAILED ? "failed" : "unused";
}

void journey_init(struct journey *j, uint16_t node)
{
    *j = (struct journey){ .node = node, .current = -1 };
}

/* A TCP segment that carries nothing: the end of a handshake, not yet a request. */
static bool is_bare_ack(const void *bytes, uint32_t n_bytes)
{
    struct reader r = reader_of(bytes, n_bytes);
    struct eth e;
    struct ip4 ip;
    struct tcp_header t;
    if (!eth_read(&r, &e) || e.type != ETH_IP4)
        r = reader_of(bytes, n_bytes);
    if (ip4_read(&r, &ip) != WHY_NONE || ip.proto != IP_TCP || !tcp_header_read(&r, &t))
        return false;
    return ip.total_len == ip.header_len + t.header_len && t.flags == ACK;
}

static void begin_step(struct journey *j, unsigned step, int64_t now_ns)
{
    struct step *s = &j->step[step];
    j->current = (int)step;
    if (!s->begun)
        s->start_ns = now_ns;           /* a redirect walks some steps again: first start, last end */
    s->begun = true;
    s->end_ns = now_ns;
}

/* The route is found when the first segment leaves: what follows is the connection. */
static void leave_route(struct journey *j, int64_t now_ns)
{
    j->step[STEP_ROUTE].end_ns = now_ns;
    j->step[STEP_ROUTE].ended = true;
    begin_step(j, STEP_CONNECT, now_ns);
}

static void count_packet(struct journey *j, const struct event *e, const void *bytes, uint32_t n_bytes)
{
    const bool out = e->kind == EV_pkt_out;
    *(out ? &j->out : &j->in) += 1;
    if (j->current < 0)
        return;
    if (j->current == STEP_ROUTE && out && packet_kind(bytes, n_bytes, true) == KIND_TCP)
        leave_route(j, e->time_ns);
    int step = j->current;
    if (step == STEP_REQUEST && out && j->step[step].packets == 0 && is_bare_ack(bytes, n_bytes))
        step = STEP_CONNECT;
    j->step[step].packets++;
}

static void take_detail(struct step *s, const void *bytes, uint32_t n_bytes)
{
    if (n_bytes == 0)
        return;
    const uint32_t n = n_bytes < STEP_DETAIL ? n_bytes : STEP_DETAIL - 1;
    memcpy(s->detail, bytes, n);
    s->detail[n] = '\0';
}

void journey_event(void *arg, const struct event *e, const void *bytes, uint32_t n_bytes)
{
    struct journey *j = arg;
    if (e->node != j->node)
        return;
    switch (e->kind) {
    case EV_pkt_in:
    case EV_pkt_out:
        count_packet(j, e, bytes, n_bytes);
        break;
    case EV_pkt_drop:
        j->drops += !why_is_others(EVENT_BODY_OF(e, pkt_drop)->why);
        break;
    case EV_tcp_retransmit:
        j->retransmits++;
        break;
    case EV_step_begin: {
        const struct ev_step_begin *b = EVENT_BODY_OF(e, step_begin);
        begin_step(j, b->step, e->time_ns);
        take_detail(&j->step[b->step], bytes, n_bytes);
        break;
    }
    case EV_step_end: {
        const struct ev_step_end *b = EVENT_BODY_OF(e, step_end);
        struct step *s = &j->step[b->step];
        if (s->begun && !s->ended)
            s->end_ns = e->time_ns;
        s->state = b->state;
        take_detail(s, bytes, n_bytes);
        break;
    }
    default:
        break;
    }
}

void journey_from_zero(struct journey *j)
{
    const int64_t zero_ns = j->step[STEP_URL].start_ns;
    for (int i = 0; i < STEP_COUNT; i++) {
        if (!j->step[i].begun)
            continue;
        j->step[i].start_ns -= zero_ns;
        j->step[i].end_ns -= zero_ns;
    }
}

/* Bytes of the text's first line of the terminal's width: up to a space, or else within a
 * word but not within a character (RFC 3629). */
static size_t line_len(const char *text)
{
    size_t n = strnlen(text, DETAIL_WIDTH + 1);
    if (n <= DETAIL_WIDTH)
        return n;
    for (n = DETAIL_WIDTH; n > 0; n--)
        if (text[n] == ' ')
            return n;
    for (n = DETAIL_WIDTH; n > 1 && ((unsigned char)text[n] & 0xc0) == 0x80;)
        n--;
    return n;
}

/* Peers have a say in details: what would steer the terminal is shown as '?'. */
static void print_detail(const char *text, FILE *to)
{
    while (*text) {
        fprintf(to, "%*s", DETAIL_INDENT, "");
        for (size_t n = line_len(text); n > 0; n--, text++)
            putc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, to);
        putc('\n', to);
        while (*text == ' ')
            text++;
    }
}

static void print_step(const struct step *s, int i, FILE *to, bool color)
{
    const char *bold = color ? "\033[1m" : "", *red = color ? "\033[31m" : "", *off = color ? "\033[0m" : "";
    char start[UNIT_TEXT], took[UNIT_TEXT];
    if (s->state == STEP_UNUSED) {
        fprintf(to, "%d %-8s %-13s %35s", i + 1, steps[i].name, steps[i].layer, "");
        fprintf(to, "unused\n");
    } else {
        fprintf(to, "%s%d %-8s%s %-13s %10s %12s %5" PRIu32 "      %s%s%s\n", bold, i + 1, steps[i].name, off, steps[i].layer,
                duration_text(s->start_ns, start), duration_text(s->end_ns - s->start_ns, took), s->packets,
                s->state == STEP_FAILED ? red : "", journey_state(s->state), off);
    }
    print_detail(s->detail, to);
}

void journey_print(const struct journey *j, FILE *to, bool color)
{
    char total[UNIT_TEXT];
    int64_t end = 0;
    fprintf(to, "  %-8s %-13s %10s %12s %5s   %s\n", "step", "layer", "start", "took", "packets", "state");
    for (int i = 0; i < STEP_COUNT; i++) {
        print_step(&j->step[i], i, to, color);
        end = j->step[i].end_ns > end ? j->step[i].end_ns : end;
    }
    fprintf(to, "  %s in all: %" PRIu32 " packets out, %" PRIu32 " in, %" PRIu32 " dropped, %" PRIu32 " retransmitted\n",
            duration_text(end, total), j->out, j->in, j->drops, j->retransmits);
}

void json_string(FILE *to, const char *text)
{
    struct reader r = reader_of(text, strlen(text));
    putc('"', to);
    while (rd_left(&r) > 0) {
        const size_t n = utf8_len(r);
        const uint8_t *at = rd_bytes(&r, n ? n : 1);
        if (n == 0)
            fputs("\\ufffd", to);
        else if (*at == '"' || *at == '\\')
            fprintf(to, "\\%c", *at);
        else if (*at < 0x20)
            fprintf(to, "\\u%04x", *at);
        else
            fwrite(at, 1, n, to);
    }
    putc('"', to);
}

void journey_json(const struct journey *j, FILE *to)
{
    fputs("\"steps\":[", to);
    for (int i = 0; i < STEP_COUNT; i++) {
        const struct step *s = &j->step[i];
        fprintf(to, "%s{\"name\":\"%s\",\"layer\":\"%s\",\"start_ns\":%" PRId64 ",\"end_ns\":%" PRId64
                ",\"packets\":%" PRIu32 ",\"state\":\"%s\",\"detail\":", i ? "," : "", steps[i].name, steps[i].layer,
                s->start_ns, s->end_ns, s->packets, journey_state(s->state));
        json_string(to, s->detail);
        putc('}', to);
    }
    putc(']', to);
}
