/* Real links on a switch, in real time: what arrives at one device leaves by those the switch says. */
#pragma once
#include "link/switch.h"
#include "os/device.h"
#include "os/wait.h"

struct hub_port { struct hub *hub; unsigned number; struct device device; struct wait_source source; };
struct hub {
    struct lan_switch sw;
    struct pkt_pools  pools;
    struct trace      trace;
    struct loop      *loop;
    unsigned          n;
    int               lost;             /* the port whose device is gone, for which the loop was stopped; -1: none */
    struct hub_port   port[STP_PORTS];
};

/* Takes the devices, which are open, `c->n_ports` of them.  False: no memory. */
bool hub_init(struct hub *h, const struct device *dev, const struct switch_config *c, uint64_t seed, struct wait *w);
void hub_fini(struct hub *h, struct wait *w);
