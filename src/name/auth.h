/* A small authoritative name server (RFC 1034 §4.3.2, RFC 1035, RFC 6891 tolerated),
 * over UDP and TCP. */
#pragma once
#include "name/zone.h"
#include "socket/net.h"

struct auth;

/* NULL: no memory. */
struct auth *auth_new(struct net *n);
void auth_free(struct auth *a);         /* closes its sockets; NULL is fine */
/* Takes the zone; false: no memory, the zone is gone. */
bool auth_add_zone(struct auth *a, struct zone *z);
/* Serves on this address and port, both protocols. */
enum plumb_err auth_listen(struct auth *a, struct endpoint local);
struct endpoint auth_local(const struct auth *a);

/* The answer to one message, into `out`; 0: none is due.  Pure. */
size_t auth_answer(const struct auth *a, const uint8_t *bytes, size_t len, uint8_t *out, size_t max, bool over_tcp);
