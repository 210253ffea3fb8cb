/* plumb addr ADDRESS...: what an address is, and arithmetic with prefixes and ranges.  No packet leaves. */
#include "cli/cli.h"
#include "base/cidr.h"
#include "cli/addr_tell.h"
#include "cli/json.h"
#include "cli/options.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_SPLIT = 3500, OPT_CONTAINS, OPT_AGGREGATE, OPT_RANGE, OPT_EUI64, OPT_JSON, OPT_EXCLUDE };
enum { EXIT_NO = 1, OUTPUT_MAX = 65536 };

enum addr_job { JOB_TELL, JOB_SPLIT, JOB_CONTAINS, JOB_AGGREGATE, JOB_RANGE, JOB_EXCLUDE, JOB_EUI64 };

struct addr_command {
    enum addr_job job;
    bool json;
    uint8_t split_len;
    struct addr_spec other;             /* --contains, --exclude */
    const char *other_text;
    struct mac mac;                     /* --eui64 */
    const char **arg;
    unsigned n;
};

static const struct argp_option options[] = {
    { "split",     OPT_SPLIT,     "LEN",  0, "the networks of length LEN in it", 0 },
    { "contains",  OPT_CONTAINS,  "B",    0, "whether it holds B whole: exit 0 yes, 1 no", 0 },
    { "exclude",   OPT_EXCLUDE,   "B",    0, "it without B, as prefixes", 0 },
    { "aggregate", OPT_AGGREGATE, NULL,   0, "the fewest prefixes that hold the same addresses", 0 },
    { "range",     OPT_RANGE,     NULL,   0, "the prefixes of FIRST-LAST, or of FIRST LAST", 0 },
    { "eui64",     OPT_EUI64,     "MAC",  0, "the IPv6 address in it that is made of a MAC", 0 },
    { "json",      OPT_JSON,      NULL,   0, "one JSON object", 0 },
    { 0 }
};

static void set_job(struct addr_command *c, const struct argp_state *state, enum addr_job job)
{
    if (c->job != JOB_TELL && c->job != job)
        option_bad(state, "one of --split --contains --exclude --aggregate --range --eui64 at a time");
    c->job = job;
}

static void set_other(struct addr_command *c, const struct argp_state *state, const char *text)
{
    if (!addr_spec_parse(text, &c->other))
        option_bad(state, "\"%s\" is no address, prefix or range", text);
    c->other_text = text;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct addr_command *c = state->input;
    switch (key) {
    case ARGP_KEY_INIT: options_begin(state); return 0;
    case OPT_SPLIT:
        set_job(c, state, JOB_SPLIT);
        c->split_len = (uint8_t)option_integer(state, *arg == '/' ? arg + 1 : arg, 0, 128);
        return 0;
    case OPT_CONTAINS:  set_job(c, state, JOB_CONTAINS); set_other(c, state, arg); return 0;
    case OPT_EXCLUDE:   set_job(c, state, JOB_EXCLUDE); set_other(c, state, arg); return 0;
    case OPT_AGGREGATE: set_job(c, state, JOB_AGGREGATE); return 0;
    case OPT_RANGE:     set_job(c, state, JOB_RANGE); return 0;
    case OPT_JSON:      c->json = true; return 0;
    case OPT_EUI64:
        set_job(c, state, JOB_EUI64);
        if (!mac_parse(arg, &c->mac))
            option_bad(state, "\"%s\" is no MAC address like 02:00:00:00:00:01", arg);
        return 0;
    case ARGP_KEY_ARG:
        c->arg[c->n++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (c->n == 0)
            option_bad(state, "an address is missing, like 192.168.1.77/24 or 2001:db8::1/64");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static bool bad_spec(const char *text)
{
    complain("addr: \"%.60s\" is no address, prefix (A/LEN, A/MASK) or range (FIRST-LAST)", text);
    return false;
}

static const char *prefix_print(struct prefix p, char out[ADDR_TEXT + 8])
{
    char text[ADDR_TEXT];
    snprintf(out, ADDR_TEXT + 8, "%s/%u", addr_text(p.addr, text), p.len);
    return out;
}

/* ---------------------------------------------------------- lists of prefixes */

struct list_out { bool json; struct json j; unsigned n; };

static void put(struct list_out *o, struct prefix p)
{
    char text[ADDR_TEXT + 8];
    o->n++;
    if (o->json)
        json_text(&o->j, NULL, prefix_print(p, text));
    else
        puts(prefix_print(p, text));
}

static struct list_out list_begin(const struct addr_command *c)
{
    struct list_out o = { .json = c->json };
    if (c->json) {
        o.j = json_begin("plumb.addr/1");
        json_open(&o.j, "prefixes", '[');
    }
    return o;
}

static int list_end(struct list_out *o)
{
    if (!o->json)
        return 0;
    json_close(&o->j, '[');
    return json_end(&o->j) ? 0 : EXIT_UNWRITABLE;
}

static void put_range(struct list_out *o, struct addr_range r)
{
    struct prefix p;
    bool left = true;
    while (range_take_prefix(&r, &left, &p))
        put(o, p);
}

static int split(const struct addr_command *c, const struct addr_spec *s)
{
    struct prefix p;
    if (s->is_range) {
        complain("addr: --split takes a prefix, not a range");
        return EXIT_USAGE;
    }
    const unsigned whole = s->prefix.len + prefix_host_bits(s->prefix);
    if (c->split_len < s->prefix.len || c->split_len > whole) {
        complain("addr: a /%u is split into lengths from %u to %u, not %u", s->prefix.len, s->prefix.len, whole, c->split_len);
        return EXIT_USAGE;
    }
    if (c->split_len - s->prefix.len > 16) {
        complain("addr: a /%u has 2^%u networks of length %u: no more than %d are listed", s->prefix.len, c->split_len - s->prefix.len, c->split_len,
                 OUTPUT_MAX);
        return EXIT_USAGE;
    }
    struct list_out o = list_begin(c);
    for (unsigned i = 0; prefix_nth(s->prefix, c->split_len, i, &p); i++)
        put(&o, p);
    return list_end(&o);
}

static bool range_has(struct addr_range outer, struct addr_range inner)
{
    return addr_is4(outer.first) == addr_is4(inner.first) && number_of_addr(outer.first) <= number_of_addr(inner.first) &&
           number_of_addr(inner.last) <= number_of_addr(outer.last);
}

static int contains(const struct addr_command *c, const struct addr_spec *s)
{
    const bool yes = range_has(s->range, c->other.range);
    if (c->json) {
        struct json j = json_begin("plumb.addr/1");
        json_text(&j, "address", c->arg[0]);
        json_text(&j, "other", c->other_text);
        json_bool(&j, "contains", yes);
        return !json_end(&j) ? EXIT_UNWRITABLE : yes ? 0 : EXIT_NO;
    }
    printf("%s %s %s\n", c->arg[0], yes ? "contains" : "does not contain", c->other_text);
    return yes ? 0 : EXIT_NO;
}

/* What is before B and what is behind it. */
static int exclude(const struct addr_command *c, const struct addr_spec *s)
{
    const addr_number first = number_of_addr(s->range.first), last = number_of_addr(s->range.last);
    const addr_number b_first = number_of_addr(c->other.range.first), b_last = number_of_addr(c->other.range.last);
    struct list_out o = list_begin(c);
    const bool apart = addr_is4(s->range.first) != addr_is4(c->other.range.first) || b_last < first || b_first > last;
    if (apart)
        put_range(&o, s->range);
    if (!apart && b_first > first)
        put_range(&o, (struct addr_range){ s->range.first, addr_of_number(b_first - 1) });
    if (!apart && b_last < last)
        put_range(&o, (struct addr_range){ addr_of_number(b_last + 1), s->range.last });
    return list_end(&o);
}

static int aggregate(const struct addr_command *c)
{
    struct addr_range *r = calloc(c->n, sizeof *r);
    struct addr_spec s;
    unsigned n = 0;
    while (r && n < c->n && addr_spec_parse(c->arg[n], &s))
        r[n++] = s.range;
    if (!r || n < c->n) {
        if (r)
            (void)bad_spec(c->arg[n]);
        free(r);
        return r ? EXIT_USAGE : 1;
    }
    n = (unsigned)ranges_join(r, n);
    struct list_out o = list_begin(c);
    for (unsigned i = 0; i < n; i++)
        put_range(&o, r[i]);
    free(r);
    return list_end(&o);
}

static int range(const struct addr_command *c)
{
    char text[2 * ADDR_TEXT];
    struct addr_spec s;
    if (c->n == 2)
        snprintf(text, sizeof text, "%.46s-%.46s", c->arg[0], c->arg[1]);
    if (c->n > 2 || !addr_spec_parse(c->n == 2 ? text : c->arg[0], &s)) {
        complain("addr: --range takes FIRST-LAST, two addresses of one family of which the first is not beyond the last");
        return EXIT_USAGE;
    }
    struct list_out o = list_begin(c);
    put_range(&o, s.range);
    return list_end(&o);
}

static int eui64(const struct addr_command *c, const struct addr_spec *s)
{
    char text[ADDR_TEXT];
    if (s->is_range || addr_is4(s->prefix.addr) || s->prefix.len > 64) {
        complain("addr: --eui64 takes an IPv6 prefix of at most 64 bits, like fe80::/64");
        return EXIT_USAGE;
    }
    addr_text(addr6_of_mac(s->prefix.addr, c->mac), text);
    if (!c->json) {
        puts(text);
        return 0;
    }
    struct json j = json_begin("plumb.addr/1");
    json_text(&j, "address", text);
    return json_end(&j) ? 0 : EXIT_UNWRITABLE;
}

/* ------------------------------------------------------------------- tell */

/* A mask may stand as an argument of its own: 192.168.1.77 255.255.255.0. */
static bool take_mask(struct addr_command *c, unsigned i, struct addr_spec *s)
{
    uint8_t len;
    if (c->n - i != 2 || s->has_len || s->is_range || !addr_is4(s->prefix.addr) || !mask_parse(c->arg[i + 1], &len) || addr_v4(s->prefix.addr) == 0)
        return false;
    s->prefix.len = len;
    s->has_len = true;
    s->range = prefix_range(s->prefix);
    return true;
}

static bool tell_one(struct addr_command *c, unsigned *i, struct json *j)
{
    struct addr_spec s;
    struct mac m;
    const char *text = c->arg[*i];
    if (mac_parse(text, &m)) {
        addr_tell_mac(m, j);
        return true;
    }
    if (!addr_spec_parse(text, &s))
        return bad_spec(text);
    if (take_mask(c, *i, &s))
        ++*i;
    addr_tell(&s, text, j);
    return true;
}

static bool all_good(const struct addr_command *c)
{
    struct addr_spec s;
    struct mac m;
    for (unsigned i = 0; i < c->n; i++)
        if (!mac_parse(c->arg[i], &m) && !addr_spec_parse(c->arg[i], &s))
            return bad_spec(c->arg[i]);
    return true;
}

static int tell(struct addr_command *c)
{
    struct json j = { 0 };
    if (!all_good(c))
        return EXIT_USAGE;
    if (c->json) {
        j = json_begin("plumb.addr/1");
        json_open(&j, "addresses", '[');
    }
    for (unsigned i = 0; i < c->n; i++) {
        if (i > 0 && !c->json)
            putchar('\n');
        (void)tell_one(c, &i, c->json ? &j : NULL);
    }
    if (!c->json)
        return 0;
    json_close(&j, '[');
    return json_end(&j) ? 0 : EXIT_UNWRITABLE;
}

static int run(struct addr_command *c)
{
    struct addr_spec s;
    if (c->job == JOB_TELL)
        return tell(c);
    if (c->job == JOB_AGGREGATE)
        return aggregate(c);
    if (c->job == JOB_RANGE)
        return range(c);
    if (c->n > 1) {
        complain("addr: one prefix at a time");
        return EXIT_USAGE;
    }
    if (!addr_spec_parse(c->arg[0], &s)) {
        (void)bad_spec(c->arg[0]);
        return EXIT_USAGE;
    }
    switch (c->job) {
    case JOB_SPLIT:    return split(c, &s);
    case JOB_CONTAINS: return contains(c, &s);
    case JOB_EXCLUDE:  return exclude(c, &s);
    default:           return eui64(c, &s);
    }
}

/* Without an address it is about those of a stack. */
static bool asks_a_stack(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--via", 5) == 0 || strncmp(argv[i], "--pid", 5) == 0 || strncmp(argv[i], "--seed", 6) == 0)
            return true;
    return false;
}

int cmd_addr(int argc, char **argv)
{
    static const struct argp argp = { options, parse, "ADDRESS...", "Tells what addresses are: class, network, range, special purpose, what is written "
                                      "in them.  An ADDRESS is A, A/LEN, A MASK, FIRST-LAST or a MAC.", NULL, NULL, NULL };
    if (argc == 1 || (argc == 2 && strcmp(argv[1], "--json") == 0) || asks_a_stack(argc, argv))
        return state_addrs(argc, argv);
    struct addr_command c = { .arg = calloc((size_t)argc + 1, sizeof *c.arg) };
    if (!c.arg) {
        complain("out of memory");
        return 1;
    }
    options_parse(&argp, argc, argv, &c);
    int status = run(&c);
    if (status == 0 && !c.json && (fflush(stdout) != 0 || ferror(stdout))) {
        complain("addr: cannot write: %m");
        status = EXIT_UNWRITABLE;
    }
    free(c.arg);
    return status;
}
