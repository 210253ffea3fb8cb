/* plumb dnsd ZONEFILE...: an authoritative name server. */
#include "cli/cli.h"
#include "cli/file.h"
#include "cli/options.h"
#include "name/auth.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ZONES = 16 };

struct dnsd { struct network_opts open; const char *file[ZONES]; int n_files; uint16_t port; };

static const struct argp_option options[] = {
    { "port", 'p', "N", 0, "the port to answer on (default 53)", 0 },
    { 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct dnsd *d = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &d->open; return 0;
    case 'p': d->port = (uint16_t)option_integer(state, arg, 1, 65535); return 0;
    case ARGP_KEY_ARG:
        if (d->n_files == ZONES)
            option_bad(state, "at most %d zones", ZONES);
        d->file[d->n_files++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (d->n_files == 0)
            option_bad(state, "a zone file is missing");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static bool load(struct auth *a, const char *file)
{
    char error[ZONE_ERROR], *text = file_text(file);
    if (!text) {
        complain("cannot read %s: %s", file, strerror(errno));
        return false;
    }
    struct zone *z = zone_parse(text, NULL, error);
    free(text);
    if (!z) {
        complain("%s: %s", file, error);
        return false;
    }
    return auth_add_zone(a, z);
}

static int run(struct dnsd *d, struct network *n)
{
    char text[200];
    struct auth *a = auth_new(network_net(n));
    bool good = a != NULL;
    for (int i = 0; good && i < d->n_files; i++)
        good = load(a, d->file[i]);
    if (good) {
        const enum plumb_err e = auth_listen(a, (struct endpoint){ ADDR_NONE, d->port });
        good = e == PLUMB_OK;
        if (!good)
            complain("port %u: %s", d->port, plumb_err_text(e));
    }
    if (good) {
        network_describe(n, text);
        fprintf(stderr, "plumb dnsd: %s; port %u\n", text, d->port);
        good = !network_lost(n, network_run(n, DEADLINE_NEVER));
    }
    auth_free(a);
    return good ? 0 : 1;
}

int cmd_dnsd(int argc, char **argv)
{
    static const struct argp_child children[] = { { &network_argp, 0, NULL, 0 }, { 0 } };
    static const struct argp argp = { options, parse, "ZONEFILE...", "Answers DNS questions from master files (RFC 1035), over UDP and TCP.",
                                      children, NULL, NULL };
    struct dnsd d = { .port = 53 };
    int status;
    options_parse(&argp, argc, argv, &d);
    if (d.open.via.kind == VIA_UNSET)
        d.open.via.kind = VIA_HOST;
    struct network *n = network_open_configured(&d.open, &status);
    if (!n)
        return status;
    status = run(&d, n);
    return network_close(n) ? status : 1;
}
