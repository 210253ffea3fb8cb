/* The network a command runs on: virtual, host or wire, opened from --via and
 * --link, with the loop that drives it. */
#pragma once
#include "base/loop.h"
#include "cli/via.h"
#include "link/impair.h"
#include "name/stub.h"
#include "socket/net.h"
#include "stack/stack.h"
#include "view/pcapng.h"

struct network;

struct network_opts {
    struct via via;
    bool has_link;
    struct impair_config link;
    bool has_seed;
    uint64_t seed;                      /* virtual networks; chosen when !has_seed */
    const char *capture;                /* -w FILE; NULL: none */
    uint32_t groups;                    /* events for `sink` */
    trace_sink *sink;
    void *sink_arg;
    struct tcp_config tcp;
    enum name_family family;            /* which the command is about; ANY: whatever there is */
    unsigned cores;                     /* 0: the command knows one only, and --cores is refused */
};

/* NULL: it was complained about in one line, and *status is the exit status. */
struct network *network_open(const struct network_opts *o, int *status);
/* False: the capture could not be written whole (complained about). */
bool network_close(struct network *n);

struct net   *network_net(struct network *n);
struct loop  *network_loop(struct network *n);
struct stack *network_stack(struct network *n);         /* NULL on the host's sockets */
struct trace *network_trace(struct network *n);         /* never NULL */
unsigned      network_iface(const struct network *n);
uint64_t      network_seed(const struct network *n);
/* "virtual network, seed 7 (the same again: --seed 7)", "the host's own sockets", "wire: tap tap0, 02:..." */
void network_describe(const struct network *n, char out[200]);

/* Runs `work` on each core, with a network of its own that is one shard of the host; on the
 * calling thread for the first, to which alone signals come: the others' network_run then
 * ends as by a signal.  Returns when all have, the worst status. */
int network_each_core(struct network *n, int (*work)(struct network *n, void *arg), void *arg);
unsigned network_core(const struct network *n);         /* which of them, from 0 */

enum network_end { NETWORK_STOPPED, NETWORK_DEADLINE, NETWORK_SIGNAL, NETWORK_LOST };
/* Until loop_stop, the deadline, a signal, or the interface was removed. */
enum network_end network_run(struct network *n, int64_t deadline_ns);

/* A signal came during network_configure or the last network_run. */
bool network_interrupted(const struct network *n);
/* True when the interface was removed: it is complained about. */
bool network_lost(struct network *n, enum network_end end);

#define NETWORK_PATIENCE_NS (20 * NS_PER_SEC)
/* Runs until the link is up and the interface has an address, of the family the command is about, given, by DHCP or by
 * what routers advertise.  NULL: it has; else one line that says why not. */
const char *network_configure(struct network *n, int64_t timeout_ns);
/* Name servers, from --via, DHCP and router advertisements, the host's resolv.conf or the virtual internet; at most VIA_DNS. */
unsigned network_dns(struct network *n, struct addr out[VIA_DNS]);

/* The address to use of a literal or a name, of the command's family; complains in one line when there is none. */
bool network_resolve(struct network *n, const char *host, struct addr *out);
/* Opens it and waits for its address; complains. */
struct network *network_open_configured(const struct network_opts *o, int *status);
/* The host's /etc/hosts, to be freed; NULL: none. */
char *network_hosts(void);
