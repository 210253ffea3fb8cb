/* A script's text into its events. */
#include "sim/script_int.h"
#include "wire/icmp4.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SECONDS_MAX = 1000000000 };

struct parser { const char *p; int line; char *error; struct script *s; };

__attribute__((format(printf, 2, 3))) static bool bad(struct parser *q, const char *format, ...)
{
    va_list args;
    const int n = snprintf(q->error, SCRIPT_ERROR, "%d: ", q->line);
    va_start(args, format);
    vsnprintf(q->error + n, (size_t)(SCRIPT_ERROR - n), format, args);
    va_end(args);
    return false;
}

static void blank(struct parser *q)
{
    while (*q->p == ' ' || *q->p == '\t')
        q->p++;
}

static bool take(struct parser *q, const char *token)
{
    blank(q);
    const size_t n = strlen(token);
    if (strncmp(q->p, token, n) != 0)
        return false;
    q->p += n;
    return true;
}

static bool word(struct parser *q, const char *extra, char out[SCRIPT_WORD])
{
    size_t n = 0;
    blank(q);
    while ((isalnum((unsigned char)*q->p) || (*q->p && strchr(extra, *q->p))) && n < SCRIPT_WORD - 1)
        out[n++] = *q->p++;
    out[n] = '\0';
    return n > 0;
}

static bool number(struct parser *q, uint32_t *out)
{
    char *end;
    blank(q);
    if (!isdigit((unsigned char)*q->p))
        return false;
    *out = (uint32_t)strtoul(q->p, &end, 0);
    q->p = end;
    return true;
}

static bool seconds(struct parser *q, int64_t *out_ns)
{
    char *end;
    const double v = strtod(q->p, &end);
    if (end == q->p || !(v > -SECONDS_MAX && v < SECONDS_MAX))
        return false;
    q->p = end;
    *out_ns = (int64_t)(v * 1e9 + (v < 0 ? -0.5 : 0.5));
    return true;
}

/* "0.5", "+.1", "*", "+0~+.2", "+0...0.3". */
static bool event_time(struct parser *q, struct script_event *e)
{
    blank(q);
    if (take(q, "*")) {
        e->time_type = TIME_ANY;
        return true;
    }
    const bool relative = *q->p == '+';
    e->time_type = relative ? TIME_RELATIVE : TIME_ABSOLUTE;
    q->p += relative;
    /* strtod would read "0...1" as "0." and leave two dots: cut the number by hand */
    char digits[32];
    size_t n = 0;
    while (n < 31 && (isdigit((unsigned char)*q->p) || (*q->p == '.' && strncmp(q->p, "...", 3) != 0)))
        digits[n++] = *q->p++;
    digits[n] = '\0';
    if (n == 0)
        return bad(q, "a time is missing");
    const double at = strtod(digits, NULL);
    if (!(at < SECONDS_MAX))
        return bad(q, "a time is too large");
    e->time_ns = (int64_t)(at * 1e9 + 0.5);
    if (take(q, "...")) {
        e->blocking = true;
        q->p += *q->p == '+';
        return seconds(q, &e->end_ns) || bad(q, "the end of a blocking call is missing");
    }
    if (take(q, "~")) {
        e->time_type = TIME_RANGE;
        q->p += *q->p == '+';
        return seconds(q, &e->end_ns) || bad(q, "the end of a time range is missing");
    }
    return true;
}

static bool segment_flags(struct parser *q, struct script_seg *s)
{
    static const struct { char c; uint8_t bit; } flags[] = {
        { 'S', SYN }, { 'F', FIN }, { 'R', RST }, { 'P', PSH }, { '.', ACK }, { 'U', URG }, { 'E', ECE }, { 'W', CWR } };
    blank(q);
    if (take(q, "-"))                   /* no flag at all */
        return true;
    const char *start = q->p;
    for (; *q->p && !isspace((unsigned char)*q->p); q->p++) {
        size_t i = 0;
        if (*q->p == 'A') {
            s->ae = 1;
            continue;
        }
        while (i < 8 && flags[i].c != *q->p)
            i++;
        if (i == 8)
            return bad(q, "'%c' is not a TCP flag: S F R P . U E W A", *q->p);
        s->flags |= flags[i].bit;
    }
    return q->p > start || bad(q, "TCP flags are missing");
}

/* "FO 0123456789abcdef"; alone it asks for a cookie. */
static bool cookie(struct parser *q, struct tcp_opt *o)
{
    char byte[3] = "";
    o->has_cookie = true;
    blank(q);
    while (isxdigit((unsigned char)q->p[0]) && isxdigit((unsigned char)q->p[1]) && o->n_cookie < TCP_COOKIE_MAX) {
        memcpy(byte, q->p, 2);
        o->cookie[o->n_cookie++] = (uint8_t)strtoul(byte, NULL, 16);
        q->p += 2;
    }
    return true;
}

static bool one_option(struct parser *q, struct tcp_opt *o, struct script_seg *s)
{
    uint32_t v, w;
    if (take(q, "nop") || take(q, "eol"))
        return true;
    if (take(q, "mss")) {
        o->has_mss = true;
        return number(q, &v) ? (o->mss = (uint16_t)v, true) : bad(q, "mss needs a number");
    }
    if (take(q, "wscale")) {
        o->has_wscale = true;
        return number(q, &v) ? (o->wscale = (uint8_t)v, true) : bad(q, "wscale needs a number");
    }
    if (take(q, "sackOK")) {
        o->sack_permitted = true;
        return true;
    }
    if (take(q, "sack")) {
        do {
            if (o->n_sack == TCP_SACK_MAX || !number(q, &v) || !take(q, ":") || !number(q, &w))
                return bad(q, "sack FROM:TO is wanted, four times at most");
            o->sack[o->n_sack++] = (struct tcp_sack){ seq(v), seq(w) };
            blank(q);
        } while (isdigit((unsigned char)*q->p));
        return true;
    }
    if (take(q, "TS val")) {
        o->has_ts = true;
        if (!number(q, &v) || !take(q, "ecr") || !number(q, &w))
            return bad(q, "TS val N ecr N is wanted");
        o->ts_val = v;
        o->ts_ecr = w;
        return true;
    }
    if (take(q, "accecn")) {
        while (o->n_accecn < 3 && number(q, &v))
            o->accecn[o->n_accecn++] = v;
        return o->n_accecn || bad(q, "accecn takes the bytes of ECT(0), CE and ECT(1)");
    }
    if (take(q, "FO"))
        return cookie(q, o);
    if (take(q, "uto")) {
        return number(q, &o->user_timeout_s) || bad(q, "uto needs seconds");
    }
    if (take(q, "malformed")) {
        s->bad_opt = true;
        return true;
    }
    return bad(q, "an option is not known: mss wscale sackOK sack TS accecn FO nop eol malformed");
}

static bool options(struct parser *q, struct script_seg *s)
{
    if (!take(q, "<"))
        return true;
    if (take(q, "...")) {
        s->any_opt = true;
        return take(q, ">") || bad(q, "'>' is missing");
    }
    do
        if (!one_option(q, &s->opt, s))
            return false;
    while (take(q, ","));
    return take(q, ">") || bad(q, "'>' is missing after the options");
}

static bool seq_range(struct parser *q, struct script_seg *s)
{
    return number(q, &s->seq) && take(q, ":") && number(q, &s->end) && take(q, "(") && number(q, &s->len) && take(q, ")");
}

static bool icmp_packet(struct parser *q, struct script_seg *s)
{
    static const struct { const char *name; int code; } codes[] = { { "net_unreachable", ICMP4_UNREACH_NET }, { "host_unreachable", ICMP4_UNREACH_HOST },
        { "protocol_unreachable", ICMP4_UNREACH_PROTOCOL }, { "port_unreachable", ICMP4_UNREACH_PORT }, { "frag_needed", ICMP4_UNREACH_FRAG_NEEDED },
        { "admin_prohibited", ICMP4_UNREACH_ADMIN } };
    uint32_t mtu = 0;
    if (take(q, "source_quench")) {
        s->icmp_type = ICMP4_SOURCE_QUENCH;
        q->s->ip = 4;
    } else if (take(q, "unreachable")) {
        size_t i = 0;
        while (i < 6 && !take(q, codes[i].name))
            i++;
        if (i == 6)
            return bad(q, "an ICMP code is not known");
        s->icmp_type = ICMP4_UNREACHABLE;
        s->icmp_code = codes[i].code;
    } else if (take(q, "time_exceeded")) {
        s->icmp_type = ICMP4_TIME_EXCEEDED;
    } else {
        return bad(q, "an ICMP type is not known: unreachable time_exceeded source_quench");
    }
    if (take(q, "mtu") && !number(q, &mtu))
        return bad(q, "mtu needs a number");
    s->mtu = (uint16_t)mtu;
    return (take(q, "[") && seq_range(q, s) && take(q, "]")) || bad(q, "the quoted segment [SEQ:END(LEN)] is missing");
}

static bool address(struct parser *q, struct addr *out)
{
    char text[SCRIPT_WORD];
    if (!word(q, ".:", text) || !addr_parse(text, out))
        return bad(q, "an address is missing");
    q->s->ip = addr_is4(*out) ? 4 : 6;
    return true;
}

/* "times 300", "times 500~1000", "burst 300". */
static bool repetition(struct parser *q, struct script_seg *s)
{
    s->burst = take(q, "burst");
    if (!s->burst && !take(q, "times"))
        return true;
    if (!number(q, &s->times))
        return bad(q, "how often?");
    s->times_max = s->times;
    return !take(q, "~") || number(q, &s->times_max) || bad(q, "at most how often?");
}

static bool segment_line(struct parser *q, struct script_seg *s)
{
    uint32_t v;
    s->icmp_type = -1;
    s->times = s->times_max = 1;
    if (take(q, "icmp"))
        return icmp_packet(q, s);
    if (take(q, "port"))
        s->src_port = number(q, &v) ? (uint16_t)v : 0;
    if ((take(q, "from") && !address(q, &s->src)) || (take(q, "to") && !address(q, &s->dst)))
        return false;
    if (!segment_flags(q, s) || !(seq_range(q, s) || bad(q, "SEQ:END(LEN) is missing")))
        return false;
    for (;;) {
        if (take(q, "ack") && number(q, &s->ack)) {
            s->has_ack = true;
        } else if (take(q, "win") && number(q, &v)) {
            s->has_win = true;
            s->win = (uint16_t)v;
        } else if (take(q, "urg") && number(q, &v)) {
            s->has_urg = true;
            s->urg = (uint16_t)v;
        } else if (take(q, "tos") && number(q, &v)) {
            s->tos = (uint8_t)v;
            s->has_tos = true;
        } else if (take(q, "ttl") && number(q, &v)) {
            s->ttl = (uint8_t)v;
        } else if (take(q, "badsum")) {
            s->bad_csum = true;
        } else if (take(q, "badoffset")) {
            s->bad_offset = true;
        } else {
            break;
        }
    }
    return options(q, s) && repetition(q, s);
}

/* One argument: up to a comma or the closing parenthesis, brackets kept whole. */
static bool argument(struct parser *q, char out[SCRIPT_WORD])
{
    int depth = 0;
    size_t n = 0;
    blank(q);
    for (; *q->p; q->p++) {
        if (depth == 0 && (*q->p == ',' || *q->p == ')'))
            break;
        depth += (*q->p == '[' || *q->p == '{' || *q->p == '(') - (*q->p == ']' || *q->p == '}' || *q->p == ')');
        if (n < SCRIPT_WORD - 1 && !isspace((unsigned char)*q->p))
            out[n++] = *q->p;
    }
    out[n] = '\0';
    return n > 0;
}

static bool call_line(struct parser *q, struct script_call *c)
{
    if (!word(q, "_", c->name) || !take(q, "("))
        return bad(q, "neither a packet (< >) nor a call");
    while (!take(q, ")")) {
        if (c->n_args == SCRIPT_ARGS || !argument(q, c->arg[c->n_args++]))
            return bad(q, "the arguments of %s are not understood", c->name);
        take(q, ",");
    }
    if (!take(q, "="))
        return bad(q, "the result of %s is missing", c->name);
    if (take(q, "*")) {
        c->any_result = true;
        return true;
    }
    char *end;
    blank(q);
    c->result = strtol(q->p, &end, 0);
    if (end == q->p)
        return bad(q, "the result of %s is not a number", c->name);
    q->p = end;
    if (c->result < 0 && word(q, "_", c->error) && take(q, "("))
        q->p += strcspn(q->p, "\n");
    return true;
}

static bool assert_line(struct parser *q, struct script_assert *a)
{
    if (!word(q, "_", a->name) || !take(q, "("))
        return bad(q, "an assertion reads %%{ NAME(ARGUMENT) OP VALUE }%%");
    word(q, "_", a->arg);
    if (!take(q, ")"))
        return bad(q, "')' is missing");
    static const char *const ops[] = { "==", "!=", "<=", ">=", "<", ">" };
    size_t i = 0;
    while (i < 6 && !take(q, ops[i]))
        i++;
    if (i == 6)
        return bad(q, "an operator is missing: == != <= >= < >");
    snprintf(a->op, sizeof a->op, "%s", ops[i]);
    const bool quoted = take(q, "\"");
    if (!word(q, quoted ? "-_ ()." : "-_.", a->value) || (quoted && !take(q, "\"")))
        return bad(q, "a value is missing");
    return take(q, "}%") || bad(q, "}%% is missing");
}

/* Scripts are read with RFC 5681 in hand; what goes beyond it is asked for by a knob. */
/* Buffers of a fixed size, so that a script says which window it means. */
static struct tcp_config script_profile(void)
{
    return (struct tcp_config){ .congestion = TCP_CC_RENO, .ecn = TCP_ECN_OFF, .no_pacing = true,
                                .no_quick_acks = true, .mtu_probing = MTU_PROBING_OFF, .send_buffer = 1 << 20, .recv_buffer = 1 << 20 };
}

static bool ecn_knob(struct parser *q, struct tcp_config *t, uint32_t n)
{
    static const uint8_t choice[] = { TCP_ECN_OFF, TCP_ECN_CLASSIC, TCP_ECN_PASSIVE, TCP_ECN_ACCURATE };
    if (n >= sizeof choice)
        return bad(q, "tcp_ecn is 0 to 3");
    t->ecn = choice[n];
    return true;
}

/* `sysctl -q net.ipv4.NAME=VALUE` and the stack's own plumb.NAME=VALUE. */
static bool knob(struct parser *q, const char *name, const char *text)
{
    struct tcp_config *t = &q->s->config.tcp;
    char *end;
    if (!strcmp(name, "tcp_congestion_control")) {
        t->congestion = (uint8_t)tcp_cc_named(text);
        return t->congestion || bad(q, "no congestion control is called %s", text);
    }
    const double v = strtod(text, &end);
    if (end == text || !(v >= 0 && v <= UINT32_MAX))
        return bad(q, "%s needs a number", name);
    const uint32_t n = (uint32_t)v;
    const int64_t ms = (int64_t)(v * 1e6);
    if (!strcmp(name, "tcp_timestamps"))                t->no_timestamps = n == 0;
    else if (!strcmp(name, "tcp_ecn"))                  return ecn_knob(q, t, n);
    else if (!strcmp(name, "tcp_sack"))                 t->no_sack = n == 0;
    else if (!strcmp(name, "tcp_window_scaling"))       t->no_wscale = n == 0;
    else if (!strcmp(name, "tcp_rfc1337"))              t->time_wait_rst = n == 0;
    else if (!strcmp(name, "tcp_tw_reuse"))             t->no_time_wait_reuse = n == 0;
    else if (!strcmp(name, "tcp_max_tw_buckets"))       t->max_time_wait = n;
    else if (!strcmp(name, "plumb.first_port"))         t->first_port = (uint16_t)n;
    else if (!strcmp(name, "plumb.last_port"))          t->last_port = (uint16_t)n;
    else if (!strcmp(name, "plumb.quick_acks"))         t->no_quick_acks = n == 0;
    else if (!strcmp(name, "tcp_mtu_probing"))          t->mtu_probing = n == 0 ? MTU_PROBING_OFF : n == 1 ? MTU_PROBING_BLACK_HOLE : MTU_PROBING_ALWAYS;
    else if (!strcmp(name, "tcp_syncookies"))           t->syn_cookies = n == 0 ? SYN_COOKIES_NEVER : n == 1 ? SYN_COOKIES_WHEN_FULL : SYN_COOKIES_ALWAYS;
    else if (!strcmp(name, "tcp_keepalive_time"))       t->keepalive_idle_ns = (int64_t)(v * 1e9);
    else if (!strcmp(name, "tcp_keepalive_intvl"))      t->keepalive_interval_ns = (int64_t)(v * 1e9);
    else if (!strcmp(name, "tcp_keepalive_probes"))     t->keepalive_probes = (uint8_t)n;
    else if (!strcmp(name, "tcp_syn_retries"))          t->syn_retries = (uint8_t)n;
    else if (!strcmp(name, "tcp_synack_retries"))       t->synack_retries = (uint8_t)n;
    else if (!strcmp(name, "tcp_retries2"))             t->retries = (uint8_t)n;
    else if (!strcmp(name, "tcp_fastopen"))             t->fast_open = (uint8_t)n;
    else if (!strcmp(name, "plumb.fast_open_key"))      t->fast_open_fixed = true, t->fast_open_key[0] = n;
    else if (!strcmp(name, "plumb.rto_min_ms"))         t->rto_min_ns = ms;
    else if (!strcmp(name, "plumb.rto_initial_ms"))     t->rto_initial_ns = ms;
    else if (!strcmp(name, "plumb.delayed_ack_ms"))     t->delayed_ack_ns = ms;
    else if (!strcmp(name, "plumb.msl_ms"))             t->msl_ns = ms;
    else if (!strcmp(name, "plumb.initial_window"))     t->initial_window = n;
    else if (!strcmp(name, "plumb.send_buffer"))        t->send_buffer = n;
    else if (!strcmp(name, "plumb.recv_buffer"))        t->recv_buffer = n;
    else if (!strcmp(name, "plumb.max_conns"))          t->max_conns = n;
    else if (!strcmp(name, "plumb.max_blocks"))         t->max_blocks = n;
    else if (!strcmp(name, "plumb.profile"))            *t = n ? tcp_rfc_plain() : script_profile();
    else if (!strcmp(name, "plumb.pacing"))             t->no_pacing = n == 0;
    else if (!strcmp(name, "plumb.no_fast_path"))       t->no_fast_path = n != 0;
    else if (!strcmp(name, "plumb.isn"))                t->isn_fixed = true, t->isn = n;
    else if (!strcmp(name, "plumb.mtu"))                q->s->mtu = (uint16_t)n;
    else if (!strcmp(name, "plumb.ip"))                 q->s->ip = n == 6 ? 6 : 4;
    else if (!strcmp(name, "plumb.tolerance_ms"))       q->s->tolerance_ns = ms;
    else return bad(q, "no knob is called %s", name);
    return true;
}

/* tcp_rmem and tcp_wmem: "LEAST START MOST", as Linux has them; buffers follow the path then. */
static bool memory_knob(struct parser *q, const char *name)
{
    struct tcp_config *t = &q->s->config.tcp;
    uint32_t least, start, most;
    if (!number(q, &least) || !number(q, &start) || !number(q, &most))
        return bad(q, "%s needs three numbers", name);
    if (!strcmp(name, "tcp_rmem")) {
        t->recv_buffer = 0;
        t->recv_start = start;
        t->recv_most = most;
    } else {
        t->send_buffer = 0;
        t->send_start = start;
        t->send_most = most;
    }
    return true;
}

static bool knobs(struct parser *q)
{
    char name[SCRIPT_WORD], value[SCRIPT_WORD];
    if (!take(q, "sysctl"))
        return bad(q, "only sysctl is understood between backticks");
    take(q, "-q");
    while (!take(q, "`")) {
        while (take(q, "\n"))
            q->line++;
        take(q, "net.ipv4.");
        if (!word(q, "_.", name) || !take(q, "="))
            return bad(q, "NAME=VALUE is wanted");
        take(q, "\"");
        if (!strcmp(name, "tcp_rmem") || !strcmp(name, "tcp_wmem")) {
            if (!memory_knob(q, name))
                return false;
            take(q, "\"");
            continue;
        }
        if (!word(q, ".", value))
            return bad(q, "%s needs a number", name);
        if (!knob(q, name, value))
            return false;
        take(q, "\"");
    }
    return true;
}

static bool reason(struct parser *q)
{
    char name[SCRIPT_WORD];
    word(q, "_", name);
    for (unsigned w = 1; w < WHY_COUNT; w++) {
        if (strcmp(why_name((enum why)w), name) != 0)
            continue;
        if (q->s->n_reasons == 16)
            return bad(q, "more than 16 reasons");
        q->s->reason[q->s->n_reasons++] = (enum why)w;
        return true;
    }
    return bad(q, "no reason is called %s", name);
}

static bool one_line(struct parser *q)
{
    if (take(q, "#")) {
        if (take(q, "reason:") && !reason(q))
            return false;
        q->p += strcspn(q->p, "\n");
        return true;
    }
    if (take(q, "//")) {
        q->p += strcspn(q->p, "\n");
        return true;
    }
    if (take(q, "`"))
        return knobs(q);
    blank(q);
    if (*q->p == '\n' || *q->p == '\0')
        return true;
    struct script_event *e = calloc(1, sizeof *e);
    if (!e)
        return bad(q, "out of memory");
    *q->s->last = e;
    q->s->last = &e->next;
    e->line = q->line;
    if (!event_time(q, e))
        return false;
    if (take(q, "%{")) {
        e->type = SCRIPT_ASSERT;
        return assert_line(q, &e->check);
    }
    if (take(q, "<")) {
        e->type = SCRIPT_IN;
        return segment_line(q, &e->seg);
    }
    if (take(q, ">")) {
        e->type = SCRIPT_OUT;
        return segment_line(q, &e->seg);
    }
    e->type = SCRIPT_CALL;
    return call_line(q, &e->call);
}

bool script_parse(const char *text, struct script *out, char error[SCRIPT_ERROR])
{
    *out = (struct script){ .mtu = 1500, .tolerance_ns = 4 * NS_PER_MS, .config.tcp = script_profile() };
    out->last = &out->first;
    struct parser q = { .p = text, .line = 1, .error = error, .s = out };
    while (*q.p) {
        if (!one_line(&q))
            return false;
        blank(&q);
        if (*q.p == '#' || strncmp(q.p, "//", 2) == 0)
            q.p += strcspn(q.p, "\n");
        if (*q.p == '\n') {
            q.p++;
            q.line++;
        } else if (*q.p) {
            return bad(&q, "what is \"%.20s\"?", q.p);
        }
    }
    return true;
}

void script_free(struct script *s)
{
    for (struct script_event *e = s->first, *next; e; e = next) {
        next = e->next;
        free(e);
    }
    s->first = NULL;
}
