/* plumb dump [FILTER]: packets of an interface, of a file, or of the virtual internet, a line each, in tcpdump's manner. */
#include "cli/cli.h"
#include "cli/dump_print.h"
#include "cli/file.h"
#include "cli/network.h"
#include "cli/options.h"
#include "os/filter.h"
#include "os/sniff.h"
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_JSON = 4000, FILTERS = 8 };

struct dump {
    struct network_opts open;
    const char *read, *write, *iface;
    char *expression;
    size_t expression_len;
    long count;                         /* 0: all */
    unsigned snap, times;
    bool json, quiet, list, code, not_promiscuous, lines;
    struct dump_style style;

    struct dump_times clock;
    struct { uint32_t link; struct filter *filter; } filter[FILTERS];
    unsigned n_filters;
    FILE *out;                          /* of -w */
    bool out_ng, out_begun, failed, done;
    struct json j;
    long seen, taken;
    struct network *n;
};

static const struct argp_option options[] = {
    { "interface", 'i', "IF",  0, "listen on this interface, the same as --via packet:IF", 0 },
    { "read",     'r', "FILE", 0, "read this file, pcap or pcapng (-: standard input)", 0 },
    { "write",    'w', "FILE", 0, "write the packets to FILE (-: standard output): pcapng, or pcap when it ends in .pcap", 0 },
    { "count",    'c', "N",    0, "end after N packets", 0 },
    { "numeric",  'n', NULL,   0, "addresses and ports as numbers, which is always so", 0 },
    { NULL,       'e', NULL,   0, "print the link's header too", 0 },
    { "verbose",  'v', NULL,   0, "print the IP header, and comments of the file", 0 },
    { NULL,       'x', NULL,   0, "print the bytes from IP on; twice: the link's header too", 0 },
    { NULL,       'X', NULL,   0, "the same, with text beside", 0 },
    { "snapshot-length", 's', "N", 0, "keep N bytes of each packet (default and 0: 262144)", 0 },
    { NULL,       't', NULL,   0, "no time; -tt since 1970, -ttt since the last, -tttt with the date, -ttttt since the first", 0 },
    { NULL,       'p', NULL,   0, "hear only what the interface hears anyhow", 0 },
    { NULL,       'l', NULL,   0, "each line at once, also into a pipe", 0 },
    { NULL,       'U', NULL,   0, "each packet at once into the file", 0 },
    { "quiet",    'q', NULL,   0, "no lines while writing to a file, which is so anyhow", 0 },
    { NULL,       'd', NULL,   0, "print the filter's program and end", 0 },
    { "list-interfaces", 'D', NULL, 0, "print the interfaces and end", 0 },
    { "json",     OPT_JSON, NULL, 0, "one JSON object", 0 },
    { 0 }
};

static void add_word(struct dump *d, const char *word)
{
    const size_t n = strlen(word);
    char *more = realloc(d->expression, d->expression_len + n + 2);
    if (!more)
        return;
    d->expression = more;
    if (d->expression_len)
        more[d->expression_len++] = ' ';
    memcpy(more + d->expression_len, word, n + 1);
    d->expression_len += n;
}

static void finish_options(struct dump *d, const struct argp_state *state)
{
    static const enum dump_time times[] = { DUMP_CLOCK, DUMP_NO_TIME, DUMP_EPOCH, DUMP_SINCE_LAST, DUMP_DATE, DUMP_SINCE_FIRST };
    if (d->times >= sizeof times / sizeof times[0])
        option_bad(state, "-t at most five times");
    if (d->json && d->write)
        option_bad(state, "--json or -w, not both");
    if (d->read && (d->iface || d->open.via.kind != VIA_UNSET))
        option_bad(state, "-r reads a file: no interface beside it");
    if (d->open.via.kind == VIA_HOST || d->open.via.kind == VIA_TAP || d->open.via.kind == VIA_XDP)
        option_bad(state, "--via packet:IF listens, to a TAP too; virtual shows the virtual internet");
    d->style.time = times[d->times];
    if (d->open.via.kind == VIA_PACKET)
        d->iface = d->open.via.name;
    if (!d->snap)
        d->snap = PCAP_SNAP_MAX;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct dump *d = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &d->open; return 0;
    case 'i': d->iface = arg; return 0;
    case 'r': d->read = arg; return 0;
    case 'w': d->write = arg; return 0;
    case 'c': d->count = option_integer(state, arg, 1, 1000000000); return 0;
    case 'n': return 0;
    case 'e': d->style.ether = true; return 0;
    case 'v': d->style.verbose = true; return 0;
    case 'x': d->style.hex = (d->style.hex & 4u) | (d->style.hex & 3u ? 2u : 1u); return 0;
    case 'X': d->style.hex = 4u | (d->style.hex & 3u ? 2u : 1u); return 0;
    case 's': d->snap = (unsigned)option_integer(state, arg, 0, PCAP_SNAP_MAX); return 0;
    case 't': d->times++; return 0;
    case 'p': d->not_promiscuous = true; return 0;
    case 'l': case 'U': d->lines = true; return 0;
    case 'q': d->quiet = true; return 0;
    case 'd': d->code = true; return 0;
    case 'D': d->list = true; return 0;
    case OPT_JSON: d->json = true; return 0;
    case ARGP_KEY_ARG: add_word(d, arg); return 0;
    case ARGP_KEY_END: finish_options(d, state); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

/* ---------------------------------------------------------------- packets */

/* The filter for packets of a link; false: it cannot be (complained about). */
static bool filter_for(struct dump *d, uint32_t link, const struct filter **out)
{
    char error[FILTER_ERROR];
    *out = NULL;
    if (!d->expression)
        return true;
    for (unsigned i = 0; i < d->n_filters; i++)
        if (d->filter[i].link == link)
            return *out = d->filter[i].filter, true;
    struct filter *f = d->n_filters < FILTERS ? filter_new(d->expression, link, error) : NULL;
    if (!f) {
        complain("dump: %s", d->n_filters < FILTERS ? error : "too many kinds of link in one file");
        return false;
    }
    d->filter[d->n_filters].link = link;
    d->filter[d->n_filters++].filter = f;
    *out = f;
    return true;
}

static void put(struct dump *d, const struct pcap_packet *k)
{
    if (d->out) {
        if (!d->out_begun)
            pcap_write_begin(d->out, d->out_ng, k->link, d->iface ? d->iface : d->read ? d->read : "virtual");
        d->out_begun = true;
        pcap_write(d->out, d->out_ng, k);
        if (d->lines)
            fflush(d->out);
    } else if (d->json) {
        dump_json(&d->j, k);
    } else {
        dump_print(&d->style, &d->clock, k, stdout);
        if (d->lines)
            fflush(stdout);
    }
}

static void take(struct dump *d, const struct pcap_packet *whole)
{
    const struct filter *f;
    struct pcap_packet k = *whole;
    d->seen++;
    if (d->done || !filter_for(d, k.link, &f)) {
        d->failed |= !d->done;
        d->done = true;
        return;
    }
    if (f && !filter_takes(f, k.bytes, k.n_bytes, k.len))
        return;
    if (k.n_bytes > d->snap)
        k.n_bytes = d->snap;
    put(d, &k);
    d->done = ++d->taken == d->count || (d->out ? ferror(d->out) : ferror(stdout));
}

/* ---------------------------------------------------------------- sources */

static bool from_file(struct dump *d)
{
    struct pcap_reader p;
    struct pcap_packet k;
    size_t len;
    char *bytes = file_bytes(d->read, &len);
    if (!bytes) {
        complain("dump: cannot read %s: %m", d->read);
        return false;
    }
    bool good = pcap_begin(&p, bytes, len);
    while (good && !d->done && pcap_next(&p, &k))
        take(d, &k);
    if (*p.error)
        complain("dump: %s: %s", d->read, p.error);
    good = good && !*p.error;
    free(bytes);
    return good;
}

static bool from_interface(struct dump *d)
{
    char error[SNIFF_ERROR];
    struct sniff s;
    struct sniffed f;
    const struct filter *first;
    uint8_t *room = malloc(SNIFF_FRAME);
    int got = 0;
    if (!room || sniff_open(&s, d->iface, !d->not_promiscuous, error) != PLUMB_OK) {
        complain("dump: %s", room ? error : "out of memory");
        free(room);
        return false;
    }
    bool good = filter_for(d, s.link, &first);      /* what is wrong with it is said at once */
    if (good)
        fprintf(stderr, "plumb dump: listening on %s, as no host\n", d->iface);
    while (good && !d->done && got >= 0 && sniff_wait(&s))
        while (!d->done && (got = sniff_next(&s, room, &f)) > 0)
            take(d, &(struct pcap_packet){ .time_ns = f.time_ns, .len = f.len, .n_bytes = f.len, .link = s.link, .bytes = f.bytes });
    if (got < 0)
        complain("dump: %s is gone", d->iface);
    const unsigned missed = sniff_missed(&s);
    if (good)
        fprintf(stderr, "%ld packets captured, %ld seen, %u missed\n", d->taken, d->seen, missed);
    sniff_close(&s);
    free(room);
    return good && got >= 0;
}

static void on_event(void *arg, const struct event *e, const void *bytes, uint32_t n_bytes)
{
    struct dump *d = arg;
    if (e->kind != EV_pkt_in && e->kind != EV_pkt_out)
        return;
    take(d, &(struct pcap_packet){ .time_ns = e->time_ns + network_loop(d->n)->civil_offset_ns, .len = n_bytes, .n_bytes = n_bytes,
                                   .link = PCAP_LINK_ETHERNET, .bytes = bytes });
}

/* What the client of the virtual internet sends and hears: its address, a name, an echo. */
static bool from_virtual(struct dump *d)
{
    int status;
    char text[200];
    struct addr to;
    d->open.via.kind = VIA_VIRTUAL;
    d->n = network_open(&d->open, &status);
    if (!d->n)
        return false;
    network_describe(d->n, text);
    fprintf(stderr, "plumb dump: %s\n", text);
    trace_watch(network_trace(d->n), TRACE_WIRE, on_event, d);
    const char *why_not = network_configure(d->n, NETWORK_PATIENCE_NS);
    if (why_not && !d->done)
        complain("dump: %s", why_not);
    if (!why_not && !d->done && network_resolve(d->n, "www.shop.test", &to) && !d->done &&
        stack_echo_send(network_stack(d->n), to, 1, 1, "plumb", 5, 0, loop_now(network_loop(d->n))) == PLUMB_OK)
        (void)network_run(d->n, time_after(loop_now(network_loop(d->n)), NS_PER_SEC));
    return network_close(d->n) && (!why_not || d->done);
}

/* --------------------------------------------------------------------- run */

static bool open_output(struct dump *d)
{
    const size_t n = d->write ? strlen(d->write) : 0;
    if (!d->write)
        return true;
    d->out_ng = n < 5 || strcmp(d->write + n - 5, ".pcap") != 0;
    d->out = strcmp(d->write, "-") == 0 ? stdout : fopen(d->write, "wbe");
    if (!d->out)
        complain("dump: cannot write %s: %m", d->write);
    return d->out;
}

static int close_output(struct dump *d, int status)
{
    if (d->out && !d->out_begun)
        pcap_write_begin(d->out, d->out_ng, PCAP_LINK_ETHERNET, d->iface ? d->iface : "none");
    bool whole = fflush(stdout) == 0 && !ferror(stdout);
    if (d->out && d->out != stdout) {
        whole &= !ferror(d->out);
        whole &= fclose(d->out) == 0;
    }
    if (!whole)
        complain("dump: cannot write %s whole: %m", d->write ? d->write : "the lines");
    return whole ? status : EXIT_UNWRITABLE;
}

static int list_interfaces(void)
{
    struct if_nameindex *all = if_nameindex();
    for (const struct if_nameindex *i = all; i && i->if_index; i++)
        printf("%u.%s\n", i->if_index, i->if_name);
    if_freenameindex(all);
    return 0;
}

static int print_code(struct dump *d)
{
    char error[FILTER_ERROR];
    struct filter *f = filter_new(d->expression ? d->expression : "", PCAP_LINK_ETHERNET, error);
    if (!f) {
        complain("dump: %s", error);
        return EXIT_USAGE;
    }
    filter_print(f);
    filter_free(f);
    return 0;
}

static int run(struct dump *d)
{
    const struct filter *f;
    if (d->list)
        return list_interfaces();
    if (d->code)
        return print_code(d);
    if (!d->read && !filter_for(d, PCAP_LINK_ETHERNET, &f))
        return EXIT_USAGE;
    if (!open_output(d))
        return EXIT_UNWRITABLE;
    if (d->json) {
        d->j = json_begin("plumb.dump/1");
        json_open(&d->j, "packets", '[');
    }
    const bool good = d->read ? from_file(d) : d->iface ? from_interface(d) : from_virtual(d);
    const int status = good && !d->failed ? 0 : 1;
    if (d->json) {
        json_close(&d->j, '[');
        json_int(&d->j, "count", d->taken);
        json_int(&d->j, "exit", status);
        (void)json_end(&d->j);
    }
    return close_output(d, status);
}

int cmd_dump(int argc, char **argv)
{
    static const struct argp_child children[] = { { &network_argp, 0, NULL, 0 }, { 0 } };
    static const struct argp argp = { options, parse, "[FILTER]", "Prints packets, a line each: of an interface (-i), of a file (-r), or of the "
                                      "virtual internet's client.  FILTER is in tcpdump's language (pcap-filter).", children, NULL, NULL };
    struct dump d = { 0 };
    options_parse(&argp, argc, argv, &d);
    const int status = run(&d);
    for (unsigned i = 0; i < d.n_filters; i++)
        filter_free(d.filter[i].filter);
    free(d.expression);
    return status;
}
