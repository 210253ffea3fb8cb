/* plumb ping HOST: echo requests of ICMP and ICMPv6 on plumb's own stack, in the words of iputils' ping. */
#include "cli/cli.h"
#include "base/units.h"
#include "cli/options.h"
#include "cli/ping_text.h"
#include "cli/probing.h"
#include "stack/probe.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_DEADLINE = 3700, OPT_JSON, SEQUENCES = 65536, PATTERN_MAX = 16, DATA_MAX = 65500, PRELOAD_MAX = 100, COUNT_DEFAULT = 4 };
#define INTERVAL_LEAST_NS (2 * NS_PER_MS)       /* so that no wire is flooded by a slip of the finger */
#define FLOOD_INTERVAL_NS NS_PER_MS

struct sent { int64_t at_ns; bool answered; };

struct ping {
    struct network_opts open;
    struct probing common;
    long count, preload;                /* count 0: until interrupted */
    int64_t interval_ns, timeout_ns, deadline_ns;
    unsigned size, ttl, tos;
    uint8_t pattern[PATTERN_MAX];
    unsigned n_pattern;
    struct addr source;                 /* none: chosen */
    bool flood, dont_fragment, stamps, outstanding;

    struct network *n;
    struct addr to;
    uint16_t id;
    struct ping_counts counts;
    struct sent *sent;                  /* by sequence number, of the last SEQUENCES */
    uint8_t *data;
    struct json j;
    struct loop_timer next, give_up, deadline;
    struct loop_task news;
};

static const struct argp_option options[] = {
    { NULL,       '4', NULL,    0, "IPv4", 0 },
    { NULL,       '6', NULL,    0, "IPv6", 0 },
    { "count",    'c', "N",     0, "stop after N requests (default 4; 0: go on until interrupted)", 0 },
    { "interval", 'i', "S",     0, "seconds between requests (default 1, at least 0.002)", 0 },
    { "flood",    'f', NULL,    0, "send as answers come, at most 1000 a second; to one host only", 0 },
    { "preload",  'l', "N",     0, "send the first N at once (at most 100)", 0 },
    { "timeout",  'W', "S",     0, "seconds to wait for the last answer (default 4)", 0 },
    { "deadline", OPT_DEADLINE, "S", 0, "end after S seconds, whatever came", 0 },
    { "size",     's', "BYTES", 0, "data bytes in each request (default 56)", 0 },
    { "pattern",  'p', "HEX",   0, "fill requests with these bytes, at most 16", 0 },
    { "ttl",      't', "N",     0, "time to live (hop limit)", 0 },
    { "tos",      'Q', "N",     0, "type of service (traffic class)", 0 },
    { "source",   'I', "ADDR",  0, "send from this address of plumb's", 0 },
    { "mtu-discovery", 'M', "HOW", 0, "do: never fragment; dont: as it comes (the default)", 0 },
    { "numeric",  'n', NULL,    0, "addresses only, which is always so", 0 },
    { "timestamp", 'D', NULL,   0, "print the time before each line", 0 },
    { "outstanding", 'O', NULL, 0, "tell of each request without an answer before the next is sent", 0 },
    { NULL,       'w', "FILE",  0, "the same as --capture", 0 },
    { "quiet",    'q', NULL,    0, "only the summary", 0 },
    { "json",     OPT_JSON, NULL, 0, "one JSON object", 0 },
    { 0 }
};

static void set_pattern(struct ping *p, const struct argp_state *state, const char *text)
{
    p->n_pattern = ping_pattern(text, p->pattern, PATTERN_MAX);
    if (p->n_pattern == 0)
        option_bad(state, "-p: \"%s\" is not 1 to %d bytes in hexadecimal", text, PATTERN_MAX);
}

static void set_source(struct ping *p, const struct argp_state *state, const char *text)
{
    if (!addr_parse(text, &p->source))
        option_bad(state, "-I: \"%s\" is no address", text);
}

static void set_fragments(struct ping *p, const struct argp_state *state, const char *text)
{
    p->dont_fragment = strcmp(text, "do") == 0;
    if (!p->dont_fragment && strcmp(text, "dont") != 0 && strcmp(text, "want") != 0)
        option_bad(state, "-M: \"%s\" is neither do nor dont", text);
}

static void finish_options(struct ping *p, const struct argp_state *state)
{
    if (!p->common.host)
        option_bad(state, "a host is missing");
    if (p->interval_ns < INTERVAL_LEAST_NS && !p->flood)
        option_bad(state, "-i: at least 0.002 seconds (-f sends as fast as answers come, within a limit)");
    if (p->flood && p->stamps)
        option_bad(state, "-f prints no lines that -D could stamp");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct ping *p = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &p->open; return 0;
    case '4': p->open.family = NAME_V4; return 0;
    case '6': p->open.family = NAME_V6; return 0;
    case 'c': p->count = option_integer(state, arg, 0, 1000000000); return 0;
    case 'i': p->interval_ns = option_seconds(state, arg); return 0;
    case 'f': p->flood = true; return 0;
    case 'l': p->preload = option_integer(state, arg, 1, PRELOAD_MAX); return 0;
    case 'W': p->timeout_ns = option_seconds(state, arg); return 0;
    case OPT_DEADLINE: p->deadline_ns = option_seconds(state, arg); return 0;
    case 's': p->size = (unsigned)option_integer(state, arg, 0, DATA_MAX); return 0;
    case 'p': set_pattern(p, state, arg); return 0;
    case 't': p->ttl = (unsigned)option_integer(state, arg, 1, 255); return 0;
    case 'Q': p->tos = (unsigned)option_integer(state, arg, 0, 255); return 0;
    case 'I': set_source(p, state, arg); return 0;
    case 'M': set_fragments(p, state, arg); return 0;
    case 'n': return 0;
    case 'D': p->stamps = true; return 0;
    case 'O': p->outstanding = true; return 0;
    case 'w': p->open.capture = arg; return 0;
    case 'q': p->common.quiet = true; return 0;
    case OPT_JSON: p->common.json = true; return 0;
    case ARGP_KEY_ARG:
        if (p->common.host)
            option_bad(state, "one host at a time");
        p->common.host = arg;
        return 0;
    case ARGP_KEY_END: finish_options(p, state); return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ------------------------------------------------------------------ lines */

static bool is_verbose(const struct ping *p) { return !p->common.quiet && !p->common.json && !p->flood; }

static void stamp(const struct ping *p)
{
    if (!p->stamps)
        return;
    const int64_t civil_ns = loop_now(network_loop(p->n)) + network_loop(p->n)->civil_offset_ns;
    printf("[%" PRId64 ".%06" PRId64 "] ", civil_ns / NS_PER_SEC, civil_ns % NS_PER_SEC / 1000);
}

static void say_reply(struct ping *p, const struct probe_answer *a, int64_t rtt_ns, bool twice)
{
    char from[ADDR_TEXT], time[PING_TIME];
    if (p->common.json) {
        json_open(&p->j, NULL, '{');
        json_int(&p->j, "seq", a->seq);
        json_text(&p->j, "from", addr_text(a->from, from));
        json_int(&p->j, "bytes", a->len);
        json_int(&p->j, "ttl", a->ttl);
        json_ms(&p->j, "time_ms", rtt_ns);
        json_bool(&p->j, "duplicate", twice);
        json_close(&p->j, '{');
    }
    if (p->flood && !p->common.json && !p->common.quiet)
        fputs(twice ? "D" : "\b \b", stdout);
    if (!is_verbose(p))
        return;
    stamp(p);
    printf("%u bytes from %s: icmp_seq=%u ttl=%u time=%s ms%s\n", a->len + 8, addr_text(a->from, from), a->seq, a->ttl, ping_time_text(rtt_ns, time),
           twice ? " (DUP!)" : "");
}

static void say_error(struct ping *p, const char *from, unsigned seq, const char *what, uint16_t mtu)
{
    char more[24] = "";
    if (mtu)
        snprintf(more, sizeof more, " (mtu = %u)", mtu);
    if (p->common.json) {
        json_open(&p->j, NULL, '{');
        json_int(&p->j, "seq", seq);
        json_text(&p->j, "from", from);
        json_text(&p->j, "error", what);
        if (mtu)
            json_int(&p->j, "mtu", mtu);
        json_close(&p->j, '{');
    }
    if (p->flood && !p->common.json && !p->common.quiet)
        fputs("\bE", stdout);
    if (!is_verbose(p))
        return;
    stamp(p);
    if (from)
        printf("From %s icmp_seq=%u %s%s\n", from, seq, what, more);
    else
        printf("ping: icmp_seq=%u: %s%s\n", seq, what, more);
}

/* ---------------------------------------------------------------- sending */

static struct loop *loop_of(struct ping *p) { return network_loop(p->n); }
static bool all_sent(const struct ping *p)  { return p->count && p->counts.sent >= p->count; }

static void note_unanswered(struct ping *p)
{
    const struct sent *last = &p->sent[p->counts.sent % SEQUENCES];
    if (!p->outstanding || !p->counts.sent || last->answered || !is_verbose(p))
        return;
    stamp(p);
    printf("no answer yet for icmp_seq=%ld\n", p->counts.sent % SEQUENCES);
}

static void send_one(struct ping *p)
{
    const int64_t now_ns = loop_now(loop_of(p));
    note_unanswered(p);
    p->counts.sent++;
    const uint16_t seq = (uint16_t)p->counts.sent;
    p->sent[seq] = (struct sent){ .at_ns = now_ns };
    p->counts.last_sent_ns = now_ns;
    if (p->counts.sent == 1)
        p->counts.first_sent_ns = now_ns;
    const struct probe q = { .kind = PROBE_ECHO, .to = { p->to, 0 }, .from = p->source, .id = p->id, .seq = seq, .ttl = (uint8_t)p->ttl,
                             .tos = (uint8_t)p->tos, .dont_fragment = p->dont_fragment, .data = p->data, .len = p->size };
    if (p->flood && !p->common.json && !p->common.quiet)
        putchar('.');
    const enum plumb_err e = stack_probe_send(network_stack(p->n), &q, now_ns);
    if (e == PLUMB_OK)
        return;
    p->sent[seq].answered = true;
    p->counts.errors++;
    p->counts.settled++;
    say_error(p, NULL, seq, plumb_err_text(e), 0);
}

static void send_next(void *arg)
{
    struct ping *p = arg;
    for (long n = p->counts.sent == 0 ? p->preload : 1; n > 0 && !all_sent(p); n--)
        send_one(p);
    if (all_sent(p) && p->counts.settled >= p->counts.sent)
        loop_stop(loop_of(p));
    else if (all_sent(p))
        loop_arm_in(loop_of(p), &p->give_up, p->timeout_ns);
    else
        loop_arm_in(loop_of(p), &p->next, p->flood ? 10 * FLOOD_INTERVAL_NS : p->interval_ns);
}

static void give_up(void *arg) { loop_stop(loop_of(arg)); }

/* --------------------------------------------------------------- answers */

/* What came back is of this run; NULL: of nobody, or of a request long ago. */
static struct sent *sent_of(struct ping *p, const struct probe_answer *a)
{
    struct sent *s = &p->sent[a->seq];
    return a->kind == PROBE_ECHO && a->id == p->id && s->at_ns >= 0 ? s : NULL;
}

static void take_one(struct ping *p, const struct probe_answer *a)
{
    char from[ADDR_TEXT];
    struct sent *s = sent_of(p, a);
    if (!s)
        return;
    const int64_t rtt_ns = a->time_ns - s->at_ns;
    const bool twice = s->answered;
    p->counts.settled += !twice;
    s->answered = true;
    if (a->trouble != TROUBLE_NONE) {
        p->counts.errors++;
        say_error(p, addr_text(a->from, from), a->seq, probing_trouble_text(a->trouble), a->trouble == TROUBLE_TOO_BIG ? a->mtu : 0);
        return;
    }
    if (twice)
        p->counts.duplicates++;
    else
        ping_count_rtt(&p->counts, rtt_ns);
    say_reply(p, a, rtt_ns, twice);
    if (p->flood && !all_sent(p) && p->counts.settled >= p->counts.sent)
        loop_arm_in(loop_of(p), &p->next, time_max(0, p->counts.last_sent_ns + FLOOD_INTERVAL_NS - loop_now(loop_of(p))));
}

static void take_answers(void *arg)
{
    struct ping *p = arg;
    struct probe_answer a;
    while (stack_probe_take(network_stack(p->n), &a))
        take_one(p, &a);
    fflush(stdout);
    if (all_sent(p) && p->counts.settled >= p->counts.sent)
        loop_stop(loop_of(p));
}

/* -------------------------------------------------------------------- run */

static void begin(struct ping *p)
{
    char to[ADDR_TEXT];
    const unsigned header = addr_is4(p->to) ? 28 : 48;
    for (unsigned i = 0; i < p->size; i++)
        p->data[i] = p->n_pattern ? p->pattern[i % p->n_pattern] : (uint8_t)i;
    if (p->common.json) {
        p->j = probing_json(&p->common, p->n, &p->open, p->to);
        json_int(&p->j, "data_bytes", p->size);
        json_open(&p->j, "replies", '[');
    } else if (addr_is4(p->to)) {
        printf("PING %s (%s) %u(%u) bytes of data.\n", p->common.host, addr_text(p->to, to), p->size, p->size + header);
    } else {
        printf("PING %s (%s) %u data bytes\n", p->common.host, addr_text(p->to, to), p->size);
    }
    p->next = (struct loop_timer){ .fn = send_next, .arg = p };
    p->give_up = p->deadline = (struct loop_timer){ .fn = give_up, .arg = p };
    p->news = (struct loop_task){ .fn = take_answers, .arg = p };
    loop_arm_in(loop_of(p), &p->next, 0);
    if (p->deadline_ns)
        loop_arm_in(loop_of(p), &p->deadline, p->deadline_ns);
    stack_watch(network_stack(p->n), &p->news);
}

static int finish(struct ping *p, bool lost)
{
    const int status = lost ? 2 : p->counts.received ? 0 : 1;
    const int64_t took_ns = loop_now(loop_of(p)) - p->counts.first_sent_ns;
    stack_watch(network_stack(p->n), NULL);
    loop_cancel(loop_of(p), &p->next);
    loop_cancel(loop_of(p), &p->give_up);
    loop_cancel(loop_of(p), &p->deadline);
    if (!p->common.json) {
        ping_summary(&p->counts, p->common.host, took_ns, stdout);
        return status;
    }
    json_close(&p->j, ']');
    ping_summary_json(&p->counts, took_ns, &p->j);
    json_int(&p->j, "exit", status);
    return json_end(&p->j) ? status : EXIT_UNWRITABLE;
}

static bool may_flood(const struct ping *p)
{
    if (!p->flood || !(addr_is_multicast(p->to) || addr_is_broadcast(p->to)))
        return true;
    complain("ping: -f is for one host, not for a group");
    return false;
}

static int run(struct ping *p)
{
    p->n = probing_open(&p->open, &p->common, &p->to);
    if (!p->n)
        return 2;
    int status = EXIT_USAGE;
    if (may_flood(p)) {
        p->id = (uint16_t)net_random(network_net(p->n));
        begin(p);
        status = finish(p, network_lost(p->n, network_run(p->n, DEADLINE_NEVER)));
    }
    return network_close(p->n) ? status : 2;
}

int cmd_ping(int argc, char **argv)
{
    static const struct argp_child children[] = { { &network_argp, 0, NULL, 0 }, { 0 } };
    static const struct argp argp = { options, parse, "HOST", "Sends echo requests of ICMP or ICMPv6 on plumb's own stack.  Exits with 0 when an answer "
                                      "came, 1 when none did, 2 when it could not be tried.", children, NULL, NULL };
    struct ping p = { .common = { .command = "ping", .schema = "plumb.ping/1" }, .count = COUNT_DEFAULT, .interval_ns = NS_PER_SEC, .preload = 1,
                      .timeout_ns = 4 * NS_PER_SEC, .size = 56 };
    options_parse(&argp, argc, argv, &p);
    if (!probing_choose(&p.open, "ping", p.common.host))
        return EXIT_USAGE;
    p.sent = calloc(SEQUENCES, sizeof *p.sent);
    p.data = malloc(DATA_MAX);
    int status = 2;
    for (unsigned i = 0; p.sent && i < SEQUENCES; i++)
        p.sent[i].at_ns = -1;
    if (p.sent && p.data)
        status = run(&p);
    else
        complain("out of memory");
    free(p.sent);
    free(p.data);
    return status;
}
