/* plumb serve DIR: a directory over HTTP. */
#include "base/units.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "os/files.h"
#include "service/site.h"
#include <stdlib.h>

struct serve { struct network_opts open; const char *dir; uint16_t port; bool no_listing, quiet; };

static const struct argp_option options[] = {
    { "port",       'p', "N",  0, "the port to listen on (default 8080)", 0 },
    { "no-listing", 'n', NULL, 0, "do not list directories without index.html", 0 },
    { "quiet",      'q', NULL, 0, "say nothing", 0 },
    { 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct serve *s = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &s->open; return 0;
    case 'p': s->port = (uint16_t)option_integer(state, arg, 1, 65535); return 0;
    case 'n': s->no_listing = true; return 0;
    case 'q': s->quiet = true; return 0;
    case ARGP_KEY_ARG:
        if (s->dir)
            option_bad(state, "one directory at a time");
        s->dir = arg;
        return 0;
    case ARGP_KEY_END:
        if (!s->dir)
            option_bad(state, "a directory is missing");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static void stopped(void *loop) { loop_stop(loop); }

static int run_site(const struct serve *s, struct network *n, struct files *files)
{
    struct site site = { .tree = files_tree(files), .no_listing = s->no_listing };
    const struct listen_opts lo = { .local = { ADDR_NONE, s->port }, .backlog = 512, .no_delay = true };
    struct http_server *http = http_server_new(network_net(n), &(struct http_server_config){ .handler = site_handler(&site) });
    struct listener *l = NULL;
    const enum plumb_err e = http ? net_listen(network_net(n), &lo, &l) : PLUMB_NO_MEMORY;
    if (e != PLUMB_OK || !http_server_listen(http, l)) {
        complain("cannot listen on port %u: %s", s->port, plumb_err_text(e));
        http_server_free(http);
        return 1;
    }
    char text[200], own[ADDR_TEXT] = "";
    struct prefix p;
    if (network_stack(n) && stack_addr_ready(network_stack(n), network_iface(n), &p))
        addr_text(p.addr, own);
    network_describe(n, text);
    if (!s->quiet && network_core(n) == 0)
        fprintf(stderr, "plumb serve: %s\nserving %s on %s%sport %u\n", text, s->dir, own, *own ? " " : "", s->port);
    const enum network_end end = network_run(n, DEADLINE_NEVER);
    if (end == NETWORK_SIGNAL && http_server_conns(http)) {
        http_server_watch(http, stopped, network_loop(n));
        http_server_stop(http);
        network_run(n, time_after(loop_now(network_loop(n)), 2 * NS_PER_SEC));
    }
    http_server_free(http);
    return network_lost(n, end);
}

/* Each core opens the directory for itself. */
static int run(struct network *n, void *arg)
{
    const struct serve *s = arg;
    enum plumb_err e;
    struct files *files = files_open(s->dir, &e);
    if (!files) {
        complain("cannot serve %s: %s", s->dir, e == PLUMB_NOT_FOUND ? "there is no such directory" : plumb_err_text(e));
        return 1;
    }
    const int status = run_site(s, n, files);
    files_close(files);
    return status;
}

int cmd_serve(int argc, char **argv)
{
    static const struct argp_child children[] = { { &network_argp, 0, NULL, 0 }, { 0 } };
    static const struct argp argp = { options, parse, "DIR", "Serves a directory over HTTP/1.1.", children, NULL, NULL };
    struct serve s = { .port = 8080, .open.cores = 1 };
    enum plumb_err e;
    int status;
    options_parse(&argp, argc, argv, &s);
    if (s.open.via.kind == VIA_UNSET)
        s.open.via.kind = VIA_HOST;
    if (s.open.via.kind == VIA_VIRTUAL) {
        complain("serve: nobody could reach a server in the virtual internet; give --via tap:NAME, packet:IFACE or host");
        return EXIT_USAGE;
    }
    struct files *files = files_open(s.dir, &e);
    if (!files) {
        complain("cannot serve %s: %s", s.dir, e == PLUMB_NOT_FOUND ? "there is no such directory" : plumb_err_text(e));
        return 1;
    }
    files_close(files);                 /* said before the network is touched; each core opens it again */
    struct network *n = network_open_configured(&s.open, &status);
    if (n) {
        status = network_each_core(n, run, &s);
        status |= !network_close(n);
    }
    return status;
}
