/* curl's option names for `plumb fetch`. */
#include "cli/cli.h"
#include "cli/fetch.h"
#include "cli/file.h"
#include "cli/options.h"
#include "lab/internet.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_DATA_BINARY = 2000, OPT_RESOLVE, OPT_CONNECT_TIMEOUT, OPT_MAX_REDIRS, OPT_JSON, OPT_CACERT, OPT_HTTP11, OPT_POST301, OPT_POST302, OPT_POST303 };

static const struct argp_option options[] = {
    { "head",            'I', NULL,   0, "ask for the headers only and print them", 1 },
    { "request",         'X', "METHOD", 0, "the request's method", 1 },
    { "header",          'H', "LINE", 0, "add a header, \"Name: value\"; \"Name:\" takes one away", 1 },
    { "data",            'd', "DATA", 0, "POST it (@FILE: what is in the file, line ends removed; @-: standard input)", 1 },
    { "data-binary",     OPT_DATA_BINARY, "DATA", 0, "POST it as it is (@FILE: the file's bytes)", 1 },
    { "output",          'o', "FILE", 0, "write the page to FILE", 1 },
    { "remote-name",     'O', NULL,   0, "write the page to a file named as in the URL", 1 },
    { "location",        'L', NULL,   0, "follow redirects", 1 },
    { "max-redirs",      OPT_MAX_REDIRS, "N", 0, "at most N redirects (50)", 1 },
    { "post301",         OPT_POST301, NULL, 0, "keep POST after a 301", 1 },
    { "post302",         OPT_POST302, NULL, 0, "keep POST after a 302", 1 },
    { "post303",         OPT_POST303, NULL, 0, "keep POST after a 303", 1 },
    { "include",         'i', NULL,   0, "print the response headers before the page", 1 },
    { "range",           'r', "RANGE", 0, "only these bytes, like 0-99", 1 },
    { "user",            'u', "NAME:PASSWORD", 0, "basic authentication", 1 },
    { "user-agent",      'A', "NAME", 0, "the User-Agent header", 1 },
    { "referer",         'e', "URL",  0, "the Referer header", 1 },
    { "fail",            'f', NULL,   0, "exit 22 on a status of 400 or more", 1 },
    { "silent",          's', NULL,   0, "no journey and no error line", 1 },
    { "show-error",      'S', NULL,   0, "with -s, the error line after all", 1 },
    { "verbose",         'v', NULL,   0, "a line for each packet", 1 },
    { NULL,              'w', "FILE", 0, "write the packets to FILE (pcapng); the same as --capture", 1 },
    { "json",            OPT_JSON, NULL, 0, "the journey as one JSON object on stdout; the page goes to -o FILE or nowhere", 1 },
    { "resolve",         OPT_RESOLVE, "HOST:PORT:ADDR", 0, "take ADDR for HOST", 1 },
    { "connect-timeout", OPT_CONNECT_TIMEOUT, "S", 0, "seconds for name and connection", 1 },
    { "max-time",        'm', "S",    0, "seconds for everything", 1 },
    { "ipv4",            '4', NULL,   0, "IPv4 only", 1 },
    { "ipv6",            '6', NULL,   0, "IPv6 only", 1 },
    { "http1.1",         OPT_HTTP11, NULL, 0, "HTTP/1.1, the only version there is", 1 },
    { 0 }
};

static void add_data(struct fetch_command *c, const struct argp_state *state, const char *text, bool binary)
{
    char *bytes = NULL;
    size_t len = strlen(text);
    if (text[0] == '@') {
        bytes = file_bytes(text + 1, &len);
        if (!bytes) {
            complain("fetch: cannot read %s", text + 1);
            exit(CURL_READ);
        }
        text = bytes;
    }
    char *all = realloc(c->data, c->data_len + len + 2);
    if (!all)
        option_bad(state, "out of memory");
    if (c->data)
        all[c->data_len++] = '&';
    for (size_t i = 0; i < len; i++)
        if (binary || !bytes || (text[i] != '\n' && text[i] != '\r' && text[i] != '\0'))
            all[c->data_len++] = text[i];
    all[c->data_len] = '\0';
    c->data = all;
    free(bytes);
}

static void add_text(struct argp_state *state, const char **list, unsigned *n, unsigned max, const char *text)
{
    if (*n == max)
        option_bad(state, "more than %u of an option", max);
    list[(*n)++] = text;
}

static void add_resolve(struct argp_state *state, struct fetch_command *c, const char *text)
{
    struct fetch_resolve *r = &c->resolve[c->n_resolve];
    char addr[64];
    struct addr ignored;
    if (c->n_resolve == FETCH_RESOLVES)
        option_bad(state, "more than %u of an option", FETCH_RESOLVES);
    if (sscanf(text, "%255[^:]:%hu:%63s", r->host, &r->port, addr) != 3 || !addr_parse(addr, &ignored)) {
        complain("fetch: --resolve \"%s\": it takes HOST:PORT:ADDR", text);
        exit(CURL_OPTION_SYNTAX);
    }
    snprintf(r->addr, sizeof r->addr, "%s", addr);
    c->n_resolve++;
}

static error_t parse_request(int key, char *arg, struct argp_state *state)
{
    struct fetch_command *c = state->input;
    struct fetch_options *r = &c->request;
    switch (key) {
    case 'I': r->head_only = true; c->include = true; return 0;
    case 'X': r->method = arg; return 0;
    case 'H': add_text(state, c->headers, &r->n_headers, FETCH_HEADERS, arg); return 0;
    case 'd': add_data(c, state, arg, false); return 0;
    case OPT_DATA_BINARY: add_data(c, state, arg, true); return 0;
    case 'L': r->follow = true; return 0;
    case OPT_MAX_REDIRS:
        r->max_redirs = (int)option_integer(state, arg, -1, 1000000);
        r->max_redirs = r->max_redirs == 0 ? FETCH_NO_REDIRS : r->max_redirs;
        return 0;
    case OPT_POST301: r->keep_post_301 = true; return 0;
    case OPT_POST302: r->keep_post_302 = true; return 0;
    case OPT_POST303: r->keep_post_303 = true; return 0;
    case 'r': r->range = arg; return 0;
    case 'u': r->user = arg; return 0;
    case 'A': r->user_agent = arg; return 0;
    case 'e': r->referer = arg; return 0;
    case OPT_RESOLVE: add_resolve(state, c, arg); return 0;
    case OPT_CONNECT_TIMEOUT: r->connect_timeout_ns = option_seconds(state, arg); return 0;
    case 'm': r->max_time_ns = option_seconds(state, arg); return 0;
    case '4': r->family = NAME_V4; return 0;
    case '6': r->family = NAME_V6; return 0;
    case OPT_HTTP11: return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct fetch_command *c = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &c->open; return 0;
    case 'o': c->output = arg; return 0;
    case 'O': c->remote_name = true; return 0;
    case 'i': c->include = true; return 0;
    case 'f': c->fail = true; return 0;
    case 's': c->silent = true; return 0;
    case 'S': c->show_error = true; return 0;
    case 'v': c->verbose = true; return 0;
    case 'w': c->open.capture = arg; return 0;
    case OPT_JSON: c->json = true; return 0;
    case ARGP_KEY_ARG:
        if (c->request.url)
            option_bad(state, "one URL at a time");
        c->request.url = arg;
        return 0;
    case ARGP_KEY_END:
        if (!c->request.url)
            option_bad(state, "a URL is missing");
        return 0;
    default: return parse_request(key, arg, state);
    }
}

/* The last part of the URL's path, as -O names the file. */
static const char *name_in(const char *url)
{
    const char *path = strstr(url, "://");
    path = strchr(path ? path + 3 : url, '/');
    const char *last = path ? strrchr(path, '/') + 1 : "";
    const size_t n = strcspn(last, "?#");
    return n ? strndup(last, n) : NULL;
}

void fetch_command_parse(struct fetch_command *c, int argc, char **argv)
{
    static const struct argp_child children[] = { { &network_argp, 0, NULL, 0 }, { 0 } };
    static const struct argp argp = { options, parse, "URL", "Fetches a URL as curl does and tells its journey on stderr: url, address, name, route, "
        "connect, secure, request, page.\vWithout --via, names under .test live in the virtual internet inside plumb; all others are "
        "fetched from the real network with the host's sockets.", children, NULL, NULL };
    *c = (struct fetch_command){ 0 };
    options_parse(&argp, argc, argv, c);
    c->request.headers = c->headers;
    if (c->remote_name && !c->output) {
        c->output = name_in(c->request.url);
        if (!c->output) {
            complain("fetch: -O: the URL names no file");
            exit(CURL_WRITE);
        }
    }
}
