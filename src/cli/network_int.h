/* The inside of a network, for network.c and network_cores.c. */
#pragma once
#include "cli/network.h"
#include "os/control.h"
#include "os/cores.h"
#include "os/drive.h"
#include "os/hostsock.h"
#include <pthread.h>

struct network {
    enum via_kind kind;
    struct via via;
    enum name_family family;
    uint64_t seed;
    struct internet *internet;          /* virtual */
    struct loop own_loop, *loop;
    struct wait *wait;                  /* host and wire */
    struct hostsock *hostsock;          /* host */
    struct net *net;
    struct control *control;            /* wire, of the first core; NULL: nobody can ask */
    struct stack *stack;                /* virtual and wire */
    unsigned iface;
    struct drive drive;                 /* wire */
    bool driving;
    struct trace own_trace, *trace;
    FILE *capture_file;
    const char *capture_name;
    struct pcapng *capture;
    trace_sink *sink;
    void *sink_arg;
    bool interrupted;
    char why_not[200];

    /* Of several cores: the first has been opened as any network, and holds what is theirs in common. */
    unsigned n_cores, core;             /* n_cores 0: one */
    struct tcp_config tcp;
    struct shards *shards;              /* all have the same */
    struct cores *cores;
    pthread_t thread;                   /* of the others */
    int status;
    bool ended;                         /* it has told the others to end */
    int (*work)(struct network *n, void *arg);
    void *work_arg;
};

/* network_cores.c: what several cores have in common.  False: complained about, *status is set. */
bool network_cores_init(struct network *n, const struct network_opts *o, int *status);
/* All other cores end, once: a signal came, or one of them ended by itself. */
void network_end_others(struct network *n);
/* A device and a stack on it.  False: it was complained about. */
bool network_open_wire(struct network *n, const struct network_opts *o);
