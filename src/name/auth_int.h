/* What the authoritative server's two files share. */
#pragma once
#include "name/auth.h"

struct auth {
    struct net   *net;
    struct zone **zones;
    uint32_t      n_zones, n_conns;
    struct dgram *udp;
    struct listener *tcp;
    struct list   conns;
};

void auth_close(struct auth *a);        /* sockets and connections */
