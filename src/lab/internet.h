/* The virtual internet: what `plumb fetch` meets when a name ends in .test.
 *
 *   client --access link-- switch --- router 10.0.2.1 | 203.0.113.1 --backbone-- web 203.0.113.80
 *                            |          DHCP server
 *                            +------ name server 10.0.2.3       (198.51.100.0/24 is routed to web, which
 *                                                                swallows it: nobody there ever answers)
 *
 * Every host is a plumb stack; nothing is answered but by packets. */
#pragma once
#include "sim/world.h"

struct internet;

struct internet_config {
    uint64_t seed;
    const struct impair_config *access; /* NULL: rtt 20 ms, 50 Mbit/s */
    struct tcp_config tcp;              /* of the client; its congestion control holds for all hosts */
    bool without_router, without_names; /* a host that is missing, for tests of honesty */
};

enum { INTERNET_CLIENT_NODE = 1 };

struct internet *internet_new(const struct internet_config *c);    /* NULL: no memory */
void internet_free(struct internet *i);                             /* NULL is fine */
struct world *internet_world(struct internet *i);
struct stack *internet_client(struct internet *i);                  /* interface 0 has no address yet */
/* True for a name under .test and for the virtual internet's own addresses. */
bool internet_has(const char *host);
