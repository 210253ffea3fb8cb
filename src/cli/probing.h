/* What ping, traceroute and scan have in common: which network, which family, and the run of a command on it. */
#pragma once
#include "cli/json.h"
#include "cli/network.h"

/* Without --via a host of the virtual internet is virtual; any other is refused, for plumb's own stack needs a wire to
 * reach it.  False: complained about, the exit status is EXIT_USAGE. */
bool probing_choose(struct network_opts *o, const char *command, const char *host);
/* Opened, configured, the host resolved and the network told on stderr (not with `quiet`).  NULL: complained about; of a
 * JSON command {"schema":..., "host":..., "error":...} was written too. */
struct probing { const char *command, *schema, *host; bool json, quiet; };
struct network *probing_open(const struct network_opts *o, const struct probing *p, struct addr *to);
/* The object's beginning: schema, host, address, network, seed. */
struct json probing_json(const struct probing *p, struct network *n, const struct network_opts *o, struct addr to);

/* "Destination Host Unreachable", as ping has always said it. */
const char *probing_trouble_text(enum inet_trouble t);
